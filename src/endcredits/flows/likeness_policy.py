"""The fees that were agreed in grants, as pools of a policy: what a period is closed by, and everybody can read it.

    text = policy_toml(fee_policy(studio, fund="party:performers-fund", synthetic_fee="25.00 USD"))

One pool for each terms of pay that grants agree on (the *offer* that a use carries): a fee for every use, times the
multiplier of the grant, paid to whom the used likeness belongs. One more for synthetic performers, paid to a fund. What was
agreed as a share or as residuals is no fee; a policy that the operator writes pays it, and `unpaid` names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from endcredits.errors import InputError
from endcredits.flows.studio import Studio
from endcredits.money import PPB
from endcredits.royalties import Levy, Part, Policy
from endcredits.royalties.policy_rules import check_policy
from endcredits.royalties.rules import PoolRule
from endcredits.royalties.spellings import amount_micros, checked_currency
from endcredits.works.likeness import BASES, RIGHT, LikenessGrant, fee_of, grants, kind_of, offer_of
from endcredits.works.likeness.counting import TRAINING
from endcredits.works.likeness.synthetic import SYNTHETIC

NAME = "likeness"


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """A policy made from grants.

    Attributes:
        policy: with one pool for each terms of pay.
        unpaid: terms that are no fee, with what they mean; the operator's own policy pays them.
        with_plans: grants that agree on contributions to benefit plans, which are levies of the policy.
    """

    policy: Policy
    unpaid: Mapping[str, str]
    with_plans: int


def fee_policy(
    studio: Studio,
    *,
    onto: Policy | None = None,
    fund: str = "",
    synthetic_fee: str = "",
    levies: Sequence[tuple[str, int, str]] = (),
) -> FeePolicy:
    """Makes a policy of all grants on record, or adds their pools to another one.

    Grants that were taken back or have ended are among them: what was used before is owed.

    Args:
        studio: whose.
        onto: a policy whose pools and levies stay; None for a new one.
        fund: the party that is paid for synthetic performers.
        synthetic_fee: for one use of a synthetic performer ("25.00 USD"); "" for none.
        levies: (name, ppb, party) of contributions on top of all pools, such as pension and health plans.

    Raises:
        InputError: nothing is to be paid; a fee without fund; or the rules do not go together.
    """
    with studio.store.reading() as conn:
        granted = grants(conn)
    pools = list(_pools(granted))
    if synthetic_fee:
        if not fund:
            raise InputError(
                "nobody is paid for synthetic performers", remedy="Name the fund: --fund party:...", field="--fund"
            )
        amount, _, code = synthetic_fee.partition(" ")
        micros, currency = amount_micros(amount, "--synthetic-fee"), checked_currency(code, "--synthetic-fee")
        part = Part("fund", by="party", party_id=fund)
        pools.append(
            PoolRule(
                "synthetic performers", "per-use", amount_micros=micros, currency=currency, use=SYNTHETIC, parts=(part,)
            )
        )
    base = onto or Policy(NAME, ())
    if not pools:
        raise InputError(
            "no grant on record agrees a fee",
            remedy="Record grants first, or name a fee for synthetic performers.",
            field="fee",
        )
    made = replace(
        base, pools=(*base.pools, *pools), levies=(*base.levies, *(Levy(name, ppb, party) for name, ppb, party in levies))
    )
    unpaid = {offer_of(one.pay): BASES[one.pay.basis] for one in granted if fee_of(one.pay) is None}
    return FeePolicy(
        check_policy(made), dict(sorted(unpaid.items())), sum(one.pay.plan_contributions is True for one in granted)
    )


def _pools(granted: Sequence[LikenessGrant]) -> list[PoolRule]:
    of_offer: dict[str, list[LikenessGrant]] = {}
    for grant in granted:
        fee = fee_of(grant.pay)
        if fee is not None:
            of_offer.setdefault(fee.offer, []).append(grant)
    pools = []
    for offer, alike in sorted(of_offer.items()):
        fee = fee_of(alike[0].pay)
        assert fee is not None
        kinds = {kind_of(row) for grant in alike for row in grant.uses}
        kinds |= {TRAINING} if any(grant.training_allowed for grant in alike) else set()
        pools.append(
            PoolRule(
                offer,
                "per-use",
                amount_micros=fee.amount_micros,
                currency=fee.currency,
                offer=offer,
                multipliers=tuple((kind, fee.factor_ppb) for kind in sorted(kinds)) if fee.factor_ppb != PPB else (),
                parts=(Part("performers", by="declared", right=RIGHT),),
            )
        )
    return pools
