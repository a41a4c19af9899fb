"""Which clusters' credit is more than noise: the Benjamini-Hochberg procedure (1995), decided in integers.

Credits come with a standard error. A cluster's credit over a period is S = sum of n * credit, where n counts the uses of
an output, and its variance is V = sum of (n * error)**2: using one output again repeats its error, it does not average it
away. Errors of different works and outputs are taken as independent and normal; that is the approximation of this test.
For a cluster of no true influence z = S / sqrt(V) is then standard normal and p = P(Z >= z) is uniform or larger. Of all
m clusters that were credited, those with p up to the largest p(k) <= k/m * rate are significant, and among them the
expected part of false ones is at most the rate.

Money depends on the outcome, so it may not depend on the order of a floating sum or a library's tail function. z is cut off
to thousandths, an exact integer square root, and p is rounded up to a whole number of 10**-24: both err toward the commons,
never toward paying noise.

The step-up makes works depend on one another: a further significant cluster lowers the bar for all, a further cluster of
noise raises it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from math import isqrt

from endcredits.money import PPB

MILLI = 1_000
MILLI_Z_MAX = 10_000
"""z from 10 on counts as 10, where p is below 10**-23."""

UNIT = 10**24
"""Whole numbers of 1/UNIT stand for probabilities."""

_FINE = 10**60
_PI = 3141592653589793238462643383279502884197169399375105820974944  # times _FINE


def milli_z(credit: int, variance: int) -> int:
    """Thousandths of z = credit / sqrt(variance), cut off; 0 where the credit is not above zero.

    >>> milli_z(3, 4), milli_z(-3, 4), milli_z(1, 0)
    (1500, 0, 10000)

    Args:
        credit: S, in any unit.
        variance: V >= 0, in its square; 0 for a credit that is known exactly.
    """
    if credit <= 0:
        return 0
    if variance == 0:
        return MILLI_Z_MAX
    return min(isqrt(MILLI**2 * credit**2 // variance), MILLI_Z_MAX)


@cache
def tail(milli: int) -> int:
    """P(Z >= milli / 1000) of a standard normal Z in units of 1/UNIT, rounded up; all of it for 0.

    >>> tail(1_645), tail(0) == UNIT
    (49984905539121365278120, True)

    Args:
        milli: in 0..MILLI_Z_MAX.
    """
    if milli <= 0:
        return UNIT
    # Phi(z) - 1/2 = density(z) * (z + z**3/3 + z**5/(3*5) + ...), in whole numbers of 1/_FINE.
    z_squared = milli * milli * _FINE // MILLI**2
    term = total = milli * _FINE // MILLI
    odd = 3
    while term:
        term = term * z_squared // (_FINE * odd)
        total += term
        odd += 2
    # Cutting off loses less than 10**-50 of a term; one unit of 10**-24 on top is more than all of it.
    return (_FINE // 2 - total * _density(z_squared) // _FINE) * UNIT // _FINE + 1


def _density(z_squared: int) -> int:
    """exp(-z**2 / 2) / sqrt(2 pi) in whole numbers of 1/_FINE."""
    term = grown = _FINE
    count = 1
    while term:
        term = term * z_squared // (2 * _FINE * count)
        grown += term
        count += 1
    return _FINE * _FINE * _FINE // (grown * isqrt(2 * _PI * _FINE))


def critical_milli_z(counts: Mapping[int, int], rate_ppb: int) -> int:
    """The smallest z in thousandths that is significant; more than MILLI_Z_MAX where none is.

    Args:
        counts: how many of the tested clusters have each `milli_z`.
        rate_ppb: the false discovery rate.
    """
    tested = sum(counts.values())
    critical, above = MILLI_Z_MAX + 1, 0
    for milli in sorted(counts, reverse=True):
        above += counts[milli]
        if tail(milli) * tested * PPB <= above * rate_ppb * UNIT:
            critical = milli
    return critical


def significant(credits: Mapping[int, int], variances: Mapping[int, int], rate_ppb: int) -> set[int]:
    """The clusters whose credit is significant.

    Args:
        credits: S by cluster, of every cluster that was credited.
        variances: V by cluster.
        rate_ppb: the false discovery rate.
    """
    z_of = {cluster: milli_z(credit, variances[cluster]) for cluster, credit in credits.items()}
    critical = critical_milli_z(Counter(z_of.values()), rate_ppb)
    return {cluster for cluster, milli in z_of.items() if milli >= critical}
