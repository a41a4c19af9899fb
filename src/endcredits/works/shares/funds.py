"""Funds: payees that are no person, and split what they get again.

A union's fund for unnamed players gets five percent and splits it among them; its members may be funds, too. The members'
portions are dated sets that sum to one whole, as a work's are. Money is divided *through* a fund when a period is frozen:
the fund's portion of a work is divided exactly among its members as of the period's last day, so a player's statement names
the work. Money that a policy pays to a fund by name (a levy) is the fund's own, and is not divided here.

A fund that would pay itself, by whatever detour, is refused with the names of everybody on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from endcredits.errors import InputError, IntegrityError
from endcredits.ids import PartyId
from endcredits.money import PPB, allocate
from endcredits.works.records import Split, Work
from endcredits.works.shares.agreeing import FIRST_DAY, NOT_AGREED
from endcredits.works.utc import check_day


@dataclass(frozen=True, slots=True)
class FundShare:
    """A member's portion of a fund.

    Attributes:
        fund_id: the fund, a party.
        party_id: the member, who may be a fund.
        share_ppb: portion in parts per billion, > 0; a set sums to 1,000,000,000.
        valid_from: first day of the set; a later set replaces an earlier one from its day on.
    """

    fund_id: PartyId
    party_id: PartyId
    share_ppb: int
    valid_from: str = FIRST_DAY


Members = Mapping[str, Mapping[str, int]]
"""Fund -> member -> portion, as of a day."""


def members_on(shares: Iterable[FundShare], day: str) -> Members:
    """Every fund's members as of a day; a fund whose first set begins later is no fund yet."""
    begun: dict[str, str] = {}
    own = [one for one in shares if one.valid_from <= day]
    for one in own:
        begun[one.fund_id] = max(begun.get(one.fund_id, ""), one.valid_from)
    found: dict[str, dict[str, int]] = {}
    for one in sorted(own, key=lambda each: (each.fund_id, each.party_id)):
        if one.valid_from == begun[one.fund_id]:
            found.setdefault(one.fund_id, {})[one.party_id] = one.share_ppb
    return found


def circle_in(members: Members) -> tuple[str, ...]:
    """The first circle among funds: a fund, whom it pays, and so on back to the fund; () where there is none.

    >>> circle_in({"b": {"c": 1}, "a": {"b": 1}, "c": {"a": 1, "d": 1}})
    ('a', 'b', 'c', 'a')
    """
    done: set[str] = set()
    for start in sorted(members):
        way: list[str] = []
        waiting: list[tuple[str, list[str]]] = [(start, sorted(members[start]))]
        way.append(start)
        while waiting:
            fund, left = waiting[-1]
            if not left:
                done.add(fund)
                waiting.pop()
                way.pop()
                continue
            member = left.pop(0)
            if member in way:
                return (*way[way.index(member) :], member)
            if member in members and member not in done:
                way.append(member)
                waiting.append((member, sorted(members[member])))
    return ()


def check_fund(shares: Sequence[FundShare], known: Iterable[FundShare], names: Mapping[PartyId, str]) -> None:
    """Refuses a set of a fund that cannot be divided by.

    Args:
        shares: the new set, of one fund and day.
        known: all sets there are.
        names: of parties, for the error.

    Raises:
        InputError: no members, a portion that is not > 0, a member twice, a sum other than the whole, a day that is none, or
            a circle on any day on which the set holds.
    """
    if not shares:
        raise InputError("a fund has members", remedy="Name at least one.", field="members")
    fund, day = shares[0].fund_id, check_day(shares[0].valid_from)
    for one in shares:
        if isinstance(one.share_ppb, bool) or not isinstance(one.share_ppb, int) or one.share_ppb <= 0:
            raise InputError(
                f"the portion of {one.party_id} in the fund is {one.share_ppb!r}",
                remedy="A portion is a whole number of parts per billion greater than 0.",
                field="share",
            )
        if one.party_id == NOT_AGREED or one.fund_id == NOT_AGREED:
            raise InputError("what is not agreed is no member and no fund", remedy="Name a party.", field="members")
    parties = [one.party_id for one in shares]
    twice = next((one for one in parties if parties.count(one) > 1), None)
    if twice:
        raise InputError(f"{twice} stands twice in the fund", remedy="Add the portions up.", field="members")
    total = sum(one.share_ppb for one in shares)
    if total != PPB:
        raise InputError(
            f"the portions of the fund {fund} sum to {total:,} ppb, not to 1,000,000,000",
            remedy="Correct them so that they sum to exactly 1,000,000,000 parts per billion (100%).",
            field="share",
        )
    everything = [*known, *shares]
    for moment in sorted({day, *(one.valid_from for one in everything if one.valid_from > day)}):
        circle = circle_in(members_on(everything, moment))
        if circle:
            told = " pays ".join(names.get(PartyId(one), one) for one in circle)
            raise InputError(
                f"the fund would pay itself on {moment}: {told}",
                remedy="Leave one of them out of the members of the other.",
                field="members",
            )


def through(portions: Mapping[str, int], members: Members) -> dict[str, int]:
    """Portions with every fund's divided among its members, however deep, and added up by party.

    What is too little to divide leaves somebody with nothing; the sum stays what it was.

    Raises:
        IntegrityError: the funds pay each other in a circle, which was refused when they were recorded.
    """
    if circle := circle_in(members):
        raise IntegrityError(
            f"funds pay each other in a circle: {' pays '.join(circle)}",
            remedy="Run the check of the studio to find the changed rows.",
        )
    left, paid = dict(portions), dict[str, int]()
    while left:
        again: dict[str, int] = {}
        for party, ppb in sorted(left.items()):
            into = again if party in members else paid
            for member, part in (allocate(ppb, members[party]) if party in members else {party: ppb}).items():
                into[member] = into.get(member, 0) + part
        # A fund that was reached in this round is divided in the next.
        for party in [one for one in again if one not in members]:
            paid[party] = paid.get(party, 0) + again.pop(party)
        left = again
    return {party: ppb for party, ppb in sorted(paid.items()) if ppb}


def paid_through_funds(works: Iterable[Work], shares: Iterable[FundShare], day: str) -> tuple[Work, ...]:
    """Works whose splits name no fund any more: every fund's portion stands with its members as of a day.

    A work that names no fund is the very record that came in.
    """
    members = members_on(shares, day)
    return tuple(_divided(work, members) for work in works) if members else tuple(works)


def _divided(work: Work, members: Members) -> Work:
    if not any(split.party_id in members for split in work.splits):
        return work
    sets: dict[tuple[str, str, str], dict[str, int]] = {}
    for split in work.splits:
        sets.setdefault((split.right, split.territory, split.valid_from), {})[split.party_id] = split.split_ppb
    splits = [
        Split(PartyId(party), ppb, right, territory, first)
        for (right, territory, first), portions in sorted(sets.items())
        for party, ppb in through(portions, members).items()
    ]
    return replace(work, splits=tuple(splits))
