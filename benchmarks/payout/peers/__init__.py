"""The methods that the payout bench holds ours against.

Each is a function from a panel to scores over all its creators. `PEERS` needs nothing beyond this repository; the libraries
of `LIBRARY_PEERS` are installed as `README.md` in this folder says, and raise `Unavailable` with a reason where they are not
there or cannot do the task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.bergson_store import bergson_trackstar
from benchmarks.payout.peers.common import Unavailable
from benchmarks.payout.peers.dattri_logra import dattri_logra
from benchmarks.payout.peers.flat import equal, size
from benchmarks.payout.peers.gradients import ekfac_final, grad_dot
from benchmarks.payout.peers.hidden import hidden_cosine
from benchmarks.payout.peers.kronfluence_ekfac import kronfluence_ekfac
from benchmarks.payout.peers.trackstar import trackstar_like
from benchmarks.payout.peers.trak_projected import trak_projected
from benchmarks.payout.peers.words import bm25, ngram_overlap

Method = Callable[[Panel], Scored]

PEERS: Mapping[str, Method] = MappingProxyType(
    {
        "equal": equal,
        "size": size,
        "bm25": bm25,
        "n-gram overlap": ngram_overlap,
        "hidden-state cosine": hidden_cosine,
        "grad-dot": grad_dot,
        "trackstar-like": trackstar_like,
        "ek-fac at the final model": ekfac_final,
    }
)

LIBRARY_PEERS: Mapping[str, Method] = MappingProxyType(
    {
        "kronfluence ek-fac": kronfluence_ekfac,
        "bergson": bergson_trackstar,
        "trak": trak_projected,
        "dattri": dattri_logra,
    }
)

NOT_ADDITIVE = frozenset({"equal", "bm25", "hidden-state cosine"})
"""Methods whose scores of one creator move when another's examples do: `gaming.gains` does not hold for them, and an index
per trick is cheap enough. Of the others it is exact, or as exact as their curvature is for a few more examples."""

__all__ = ["LIBRARY_PEERS", "NOT_ADDITIVE", "PEERS", "Method", "Unavailable"]
