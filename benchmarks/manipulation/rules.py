"""The ways to pay under which every attack is tried."""

from __future__ import annotations

from dataclasses import dataclass, replace

from endcredits.royalties.policy import FIFTY_FIFTY
from endcredits.royalties.rules import Gate, Policy


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to pay.

    Attributes:
        name: for the table.
        says: what it is, in words.
        policy: of the close.
        clustered: whether duplicates are clustered and their copies undone.
        holds: whether payees whose earnings look anomalous wait for a person.
    """

    name: str
    says: str
    policy: Policy
    clustered: bool = True
    holds: bool = False

    def gated(self, gate: Gate | None) -> Policy:
        """The policy with limits on single works, where it is a defended one."""
        if gate is None or not self.clustered:
            return self.policy
        pools = [replace(pool, parts=tuple(replace(part, gate=gate) for part in pool.parts)) for pool in self.policy.pools]
        return replace(self.policy, pools=tuple(pools))


def _spread(name: str, *by: str) -> Policy:
    pools = tuple(replace(pool, spread="uses", by=by) for pool in GUARDED.pools)
    return replace(GUARDED, name=name, pools=pools)


GUARDED = replace(FIFTY_FIFTY, name="guarded", significance_ppb=100_000_000)
USER_CENTRIC = _spread("user-centric", "payer")

RULES = (
    Rule("bare", "half of what each output earned, every work for itself", FIFTY_FIFTY, clustered=False),
    Rule("guarded", "the same with clusters, copies undone, and a significance test at 10 %", GUARDED),
    Rule("pro rata", "guarded, all uses in one pool and counting alike", _spread("pro-rata")),
    Rule("payer", "guarded, each payer's money on what that payer used", USER_CENTRIC),
    Rule("held", "payer, and anomalous payees wait for a person", USER_CENTRIC, holds=True),
)
