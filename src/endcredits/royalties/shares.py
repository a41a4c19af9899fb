"""From credits to signed shares: which portion of one use's money each work moves, fixed when the output is attributed.

An output divides what each of its uses earned by its own credits. Its *whole* W is the largest of its measured log-ratio,
the sum of its positive credits and that of its negative ones, the same whole as on its receipt; a work's share is its signed
credit over W in parts per billion, cut off toward zero. So no use gives or takes more than it earned, and what the shares
leave of it belongs to the commons.

An output whose log-ratio is not positive was made no likelier by the works: it owes them nothing, as its receipt says (all
of it unattributed), and takes nothing from them. Its shares are zero, and what it earned is the commons'.

Shares stay signed here. They are summed over a period and clipped once, so that noise around zero cancels instead of being
paid (`docs/decisions/0004`).
"""

from __future__ import annotations

from endcredits.attribution import Attribution, whole_nanonats
from endcredits.ids import WorkId
from endcredits.money import PPB


def toward_zero(numerator: int, denominator: int) -> int:
    """Quotient of integers, cut off toward zero, so that a credit and its negative weigh the same.

    >>> toward_zero(7, 2), toward_zero(-7, 2)
    (3, -3)

    Args:
        numerator: any integer.
        denominator: > 0.
    """
    quotient = abs(numerator) // denominator
    return quotient if numerator >= 0 else -quotient


def signed_shares(attribution: Attribution) -> dict[WorkId, int]:
    """The signed share of every work that an output credits.

    Args:
        attribution: of the output.

    Returns:
        Parts per billion in -PPB..PPB, by work, in the order of the lines. The positive ones sum to at most PPB, and so do
        the sizes of the negative ones. A credit of zero is left out; a share that is cut off to zero stays, at 0.
    """
    credits = {line.work_id: line.credit_nanonats for line in attribution.lines if line.credit_nanonats}
    if attribution.log_ratio_nanonats <= 0:
        return dict.fromkeys(credits, 0)
    whole = whole_nanonats(credits.values(), attribution.log_ratio_nanonats)
    return {work_id: toward_zero(PPB * credit, whole) for work_id, credit in credits.items()}
