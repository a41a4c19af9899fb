"""Dividing one sum by the policy: a portion of it, the parts of a waterfall, levies on top, and another currency.

Every step is one `allocate` (largest remainder), so that what a policy divides adds up to the unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.money import PPB, allocate
from endcredits.royalties.frozen_rows import Row
from endcredits.royalties.rules import Levy, Part
from endcredits.royalties.shares import toward_zero


def portion_micros(total: int, portion_ppb: int) -> int:
    """A portion of a sum to the nearest unit; a half unit stays with the rest.

    >>> portion_micros(101, 500_000_000), portion_micros(-3, 500_000_000), portion_micros(7, 900_000_000)
    (50, -1, 6)

    Args:
        total: micros; a negative sum is divided like its absolute value.
        portion_ppb: in 0..PPB.
    """
    return allocate(total, {"kept": PPB - portion_ppb, "part": portion_ppb})["part"]


def portion_of(total: int, part: int, whole: int) -> int:
    """total * part / whole to the nearest unit; a half unit stays with the rest.

    >>> portion_of(100, 1, 3), portion_of(1, 1, 2)
    (33, 0)
    """
    return (2 * total * part + whole - 1) // (2 * whole)


def waterfall(total: int, parts: Iterable[Part]) -> tuple[list[int], int]:
    """The amounts of a pool's parts, in order, and what they leave.

    Portions of the pool are divided together, those of the rest one after another.

    Args:
        total: micros, >= 0.
        parts: in order.

    Raises:
        InputError: the parts are more than the pool.
    """
    steps = list(parts)
    of_pool = {f"{number:06d}": part.share_ppb for number, part in enumerate(steps) if not part.of_rest}
    left_ppb = PPB - sum(of_pool.values())
    if left_ppb < 0:
        raise _too_much(steps)
    amounts_of_pool = allocate(total, of_pool | {"rest": left_ppb})
    amounts, rest = [], total
    for number, part in enumerate(steps):
        amounts.append(portion_micros(rest, part.share_ppb) if part.of_rest else amounts_of_pool[f"{number:06d}"])
        rest -= amounts[-1]
        if rest < 0:
            raise _too_much(steps)
    return amounts, rest


def levies_micros(levies: Iterable[Levy], pools_micros: int) -> list[int]:
    """What each levy adds on top of the pools of one currency, in order; negative where the pools are."""
    return [portion_micros(pools_micros, levy.share_ppb) for levy in levies]


def converted(
    micros: int, currency: str, settle_in: str, rates: Mapping[tuple[str, str], Row], ends_on: str
) -> tuple[int, str, str]:
    """A pool in the currency of the settlement, cut off toward zero.

    Args:
        micros: in `currency`.
        currency: in which it was earned.
        settle_in: into which it is converted; "" to leave it.
        rates: by (from, to).
        ends_on: the period's last day, for the error.

    Returns:
        Micros, their currency, and the rate as a close states it.

    Raises:
        InputError: there is no rate.
    """
    if settle_in in ("", currency):
        return micros, currency, "1/1"
    rate = rates.get((currency, settle_in))
    if rate is None:
        raise InputError(
            f"there is no rate from {currency} into {settle_in} on or before {ends_on}",
            remedy="Record the rate that applies, then freeze the period again.",
            file="rates.parquet",
            field="currency",
        )
    stated = f"{rate['numerator']}/{rate['denominator']} on {rate['fixed_on']} from {rate['source']}"
    return toward_zero(micros * rate["numerator"], rate["denominator"]), settle_in, stated


def check_amounts(amounts: Iterable[int], what: str) -> None:
    """Refuses sums that a document cannot hold.

    Raises:
        InputError: an amount is beyond 2**53 - 1 micros.
    """
    for amount in amounts:
        if abs(amount) > INTEGER_MAX:
            raise InputError(
                f"{what} holds {amount} micros, more than a document keeps exactly", remedy="Close a shorter period."
            )


def _too_much(parts: list[Part]) -> InputError:
    return InputError(
        f"the parts {', '.join(part.name for part in parts)} are more than their pool",
        remedy="Lower their portions so that they sum to at most 100%.",
        field="share_ppb",
    )
