"""Near duplicates: works that are the same text again, edited a little. Evidence, never influence.

A copy of a work takes a share of the credit that its original earned alone, so money is clipped and paid once per cluster of
duplicates (`royalties`), and people are shown why two works stand in one. What counts as the same is *resemblance*, the part
of two works' shingles that both hold (Broder 1997, "On the resemblance and containment of documents"); a quotation or an
anthology contains a work without resembling it, and joins nothing.
"""

from endcredits.influence.neardup.pairs import Pair, clusters, near_pairs
from endcredits.influence.neardup.shingles import shingles

__all__ = ["Pair", "clusters", "near_pairs", "shingles"]
