"""The policy: who pays what into which pool, and how a pool is divided. Data, not code; read from TOML by `policy.py`.

A period's usage is sorted into *pools*. Every pool rule says which revenue it takes (`base`), how much of it (`share_ppb`,
`amount_micros` or a fee per use), how the money is laid on the single uses (`spread`), and in which *parts* it is paid. Once
money lies on uses every policy is the same arithmetic: the measured shares of the output that was used divide it.

Percentages are parts per billion and amounts whole micros, so that a policy has one meaning and one digest.
"""

from __future__ import annotations

from dataclasses import dataclass

BASES = ("gross", "net", "fixed", "per-use")
"""What a pool is measured by: all revenue; revenue less taxes and refunds; an amount a period; a fee for every use."""

SPREADS = ("direct", "uses")
"""How a pool's money lies on its uses: each keeps what it earned itself, or all uses of the pool's key count the same."""

KEYS = ("service", "territory", "offer", "payer")
"""What pools may be told apart by. `payer` makes a policy user-centric: each payer's money stays with what they used."""

BASES_OF_DIVISION = ("credits", "declared", "equal", "units", "party")
"""How a part is divided: by measured credits; by the works that the event declares as used; equally over the works of the
catalogue; by credits over works and by time and salary units inside a work; or all of it to one party (a fund, a fee)."""

DESTINATIONS = ("commons", "others")
"""Where money goes that a gate takes: to the commons, or to the other works of the same part in proportion."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Limits on what one work may claim of a part.

    Attributes:
        uses_min: works used fewer times in the period get nothing of this part; 0 for no limit.
        cap_ppb: no work claims more than this portion of the part; 1,000,000,000 for no cap.
        floor_micros: a work that claims anything gets at least this much, taken from the others in proportion; 0 for none.
        to: where the money of what is refused or capped goes, one of `DESTINATIONS`.
    """

    uses_min: int = 0
    cap_ppb: int = 1_000_000_000
    floor_micros: int = 0
    to: str = "commons"


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a pool's waterfall.

    Attributes:
        name: for statements ("featured artists").
        share_ppb: its portion of the pool, or of what earlier parts left (`of_rest`).
        of_rest: whether `share_ppb` is a portion of the rest; such parts come after those of the whole pool.
        by: one of `BASES_OF_DIVISION`.
        right: whose splits divide a work's amount ("train").
        party_id: who is paid when `by` is "party"; otherwise "".
        fixed_ppb: the portion of this part that is divided equally over all works of the catalogue, whatever the credits
            say.
        fixed_by_reliability: instead of `fixed_ppb`, the equal portion is one minus the measured reliability of the credits
            (Zhang et al. 2026, arXiv 2607.00641: the noisier the signal, the larger the flat part).
        gate: limits on single works.
    """

    name: str
    share_ppb: int = 1_000_000_000
    of_rest: bool = False
    by: str = "credits"
    right: str = "train"
    party_id: str = ""
    fixed_ppb: int = 0
    fixed_by_reliability: bool = False
    gate: Gate = Gate()


@dataclass(frozen=True, slots=True)
class PoolRule:
    """Which revenue goes into a pool and how.

    Attributes:
        name: for statements ("subscriptions").
        base: one of `BASES`.
        share_ppb: portion of the revenue, for "gross" and "net".
        amount_micros: the sum a period ("fixed") or the fee for one use ("per-use").
        currency: of `amount_micros`; "" for the other bases, whose pools are one per currency of the revenue.
        spread: one of `SPREADS`.
        by: which of `KEYS` tell its pools apart; empty for one pool a currency.
        service: only uses of this service; "" for all.
        offer: only uses of this offer; "" for all.
        use: only events of this kind of use ("generation", "likeness"); "" for all.
        multipliers: (kind of use, factor in ppb) pairs for "per-use", sorted; kinds not named count once.
        parts: the waterfall, in order; what the parts leave is the commons'.
    """

    name: str
    base: str = "gross"
    share_ppb: int = 0
    amount_micros: int = 0
    currency: str = ""
    spread: str = "direct"
    by: tuple[str, ...] = ()
    service: str = ""
    offer: str = ""
    use: str = ""
    multipliers: tuple[tuple[str, int], ...] = ()
    parts: tuple[Part, ...] = (Part("works"),)


@dataclass(frozen=True, slots=True)
class Levy:
    """A contribution on top, paid by the operator from its own part (pension, health, a cultural fund).

    Attributes:
        name: for statements.
        share_ppb: portion of the pools' sum that is added on top.
        party_id: the fund.
    """

    name: str
    share_ppb: int
    party_id: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy.

    Attributes:
        name: for people ("fifty-fifty").
        pools: the pool rules; portions of the same revenue sum to at most the whole.
        levies: contributions on top.
        weighting: "revenue" (each use divides its money by its own output's credits) or "nats" (a pool's credits are summed
            in
            nats, whatever each use earned).
        settle_in: the currency into which every pool is converted once, at the stored rate; "" leaves each in its own.
        significance_ppb: false discovery rate of the Benjamini-Hochberg test that a cluster's credit in the period is above
            zero; what fails goes to the commons. 0 for no test.
        reliability_min_ppb: attributions less reliable than this, or unmeasured while this is above 0, pay the commons.
        tail_ppb: what a work earns from uses after its permission was revoked while models trained with it still serve: a
            portion of its amount, the rest to the commons.
        payout_threshold_micros: balances below it are carried over, per currency.
        holds_anomalies: whether a payee whose earnings look anomalous is held for a person (see `anomalies`).
        four_eyes: whether somebody other than who proposed a close must approve it.
        audit_window_days: how long a statement may be disputed after its issue.
    """

    name: str
    pools: tuple[PoolRule, ...]
    levies: tuple[Levy, ...] = ()
    weighting: str = "revenue"
    settle_in: str = ""
    significance_ppb: int = 0
    reliability_min_ppb: int = 0
    tail_ppb: int = 1_000_000_000
    payout_threshold_micros: int = 0
    holds_anomalies: bool = False
    four_eyes: bool = False
    audit_window_days: int = 1_095
