"""What a sample says of the whole: the most that can be wrong, exactly, without assuming a distribution.

A sample of n among N outputs shows k wrong ones. Were W of all wrong, so few would be seen with the hypergeometric
probability P(X <= k). The bound is the largest W for which that is still more than one minus the confidence (Clopper and
Pearson's bound, without replacement). It holds for every N, n and k, in whole numbers.
"""

from __future__ import annotations

from math import comb

from endcredits.money import PPB


def wrong_at_most(outputs: int, sampled: int, wrong: int, confidence_ppb: int = 950_000_000) -> int:
    """The most outputs that can be wrong.

    Args:
        outputs: all of them, >= 1.
        sampled: of them, drawn without replacement, 1 to `outputs`.
        wrong: found among the sampled.
        confidence_ppb: how sure, 1 to PPB - 1.

    >>> wrong_at_most(1000, 300, 0)
    8
    """
    if not 0 < sampled <= outputs or not 0 <= wrong <= sampled or not 0 < confidence_ppb < PPB:
        raise ValueError("a sample is drawn from at least as many outputs as it has, and has at most so many wrong")
    low, high = wrong, outputs - (sampled - wrong)
    while low < high:  # the chance to see so few falls as more are wrong
        middle = (low + high + 1) // 2
        if _seen_at_most(outputs, sampled, wrong, middle) * PPB > (PPB - confidence_ppb) * comb(outputs, sampled):
            low = middle
        else:
            high = middle - 1
    return low


def _seen_at_most(outputs: int, sampled: int, wrong: int, of: int) -> int:
    """In how many of all samples at most `wrong` of the `of` wrong outputs are seen."""
    return sum(comb(of, seen) * comb(outputs - of, sampled - seen) for seen in range(wrong + 1))
