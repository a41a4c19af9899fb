"""Splits: who owns which part of a right in a work, from which day on, and where.

A set of splits is known by (right, territory, valid_from) and sums to exactly 1,000,000,000 parts per billion. Sets are
never edited: a new agreement is a new set with its first day, and the older one still answers for the days before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from endcredits.errors import InputError, IntegrityError
from endcredits.money import PPB, allocate
from endcredits.works.records import WORLD, Split, Work
from endcredits.works.utc import check_day

SplitKey = tuple[str, str, str]
"""(right, territory, valid_from)."""


def key_of(split: Split) -> SplitKey:
    """The set that a split belongs to."""
    return (split.right, split.territory, split.valid_from)


def group_splits(splits: Iterable[Split]) -> dict[SplitKey, tuple[Split, ...]]:
    """Splits by set, each set in the order of its parties' ids."""
    groups: dict[SplitKey, list[Split]] = {}
    for split in sorted(splits, key=lambda one: (key_of(one), one.party_id)):
        groups.setdefault(key_of(split), []).append(split)
    return {key: tuple(group) for key, group in groups.items()}


def equal_splits(party_ids: Iterable[str]) -> dict[str, int]:
    """One whole shared equally, in ppb; the units left over go to the first ids.

    >>> equal_splits(["b", "a", "c"])
    {'a': 333333334, 'b': 333333333, 'c': 333333333}
    """
    ids = sorted(set(party_ids))
    return allocate(PPB, dict.fromkeys(ids, 1)) if ids else {}


_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,7}))?\s*%")
_PPB_OF_ONE_PERCENT = 10_000_000


def percent_ppb(text: str) -> int | None:
    """A percentage of up to 7 decimals in ppb, which is exact; None when it is not written so.

    >>> percent_ppb("12.5%"), percent_ppb("12,5%")
    (125000000, None)
    """
    percent = _PERCENT.fullmatch(text)
    return None if percent is None else int(percent[1]) * _PPB_OF_ONE_PERCENT + int((percent[2] or "").ljust(7, "0"))


def check_sum(total_ppb: int, what: str) -> None:
    """Refuses a set that does not sum to one whole.

    Raises:
        InputError: the sum is another one; the message says which.
    """
    if total_ppb != PPB:
        raise InputError(
            f"the splits of {what} sum to {total_ppb:,} ppb, not to 1,000,000,000",
            remedy="Correct them so that they sum to exactly 1,000,000,000 parts per billion (100%).",
            field="split",
        )


def check_splits(splits: Sequence[Split], what: str) -> dict[SplitKey, tuple[Split, ...]]:
    """Checks dated sets of splits and returns them by set.

    Args:
        splits: all portions of one set or of several.
        what: the work they are of, for errors.

    Raises:
        InputError: none at all, a portion that is not a whole number > 0, a party twice in one set, a wrong day or
            territory, or a sum other than 1,000,000,000.
    """
    if not splits:
        raise InputError(f"no splits are given for {what}", remedy="Give at least one.", field="split")
    for split in splits:
        if isinstance(split.split_ppb, bool) or not isinstance(split.split_ppb, int) or split.split_ppb <= 0:
            raise InputError(
                f"the split of {split.party_id} in {what} is {split.split_ppb!r}",
                remedy="A split is a whole number of parts per billion greater than 0.",
                field="split",
            )
        check_day(split.valid_from)
        if split.territory != WORLD and not re.fullmatch(r"[A-Z]{2}", split.territory):
            raise InputError(
                f"'{split.territory}' is not a territory",
                remedy="Use WORLD or a country code of ISO 3166-1 such as DE.",
                field="territory",
            )
        if not split.right.strip():
            raise InputError(f"a split of {what} names no right", remedy="Use 'train'.", field="right")
    groups = group_splits(splits)
    for group in groups.values():
        parties = [split.party_id for split in group]
        twice = next((one for one in parties if parties.count(one) > 1), None)
        if twice:
            raise InputError(f"{twice} has two splits in {what}", remedy="Add them up.", field="split")
        check_sum(sum(split.split_ppb for split in group), what)
    return groups


def splits_at(work: Work, right: str, territory: str, day: str) -> tuple[Split, ...]:
    """The set of splits that holds for a right in a territory on a day.

    A set for the territory itself goes before one for WORLD; among those the one with the latest first day.

    Args:
        work: with all its sets.
        right: such as "train".
        territory: "WORLD" or an ISO 3166-1 alpha-2 code.
        day: YYYY-MM-DD, or a UTC time whose day counts.

    Returns:
        Portions that sum to 1,000,000,000 ppb, by party id; empty when none has begun.

    Raises:
        InputError: `day` is not a day.
        IntegrityError: the set does not sum to one whole.
    """
    check_day(day[:10], field="day")
    groups = group_splits(split for split in work.splits if split.right == right and split.valid_from <= day[:10])
    for place in dict.fromkeys((territory, WORLD)):
        days = [valid_from for _, where, valid_from in groups if where == place]
        if days:
            group = groups[(right, place, max(days))]
            total = sum(split.split_ppb for split in group)
            if total != PPB:
                raise IntegrityError(
                    f"the splits of {work.work_id} valid from {max(days)} sum to {total:,} ppb, not to 1,000,000,000",
                    remedy="Run the check of the studio to find the changed rows.",
                )
            return group
    return ()
