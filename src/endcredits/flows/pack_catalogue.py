"""The catalogue and the earlier closes as the log's facts tell them: what a period is frozen from besides its reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from endcredits.flows.catalogue import VERB
from endcredits.flows.fact_files import Fact
from endcredits.flows.fact_kinds import CONSENT, CONTRACT, ENDED, FILE_MARK, FUND, OPENED, PARTY, SPLIT, STEP, UNITS, WORK
from endcredits.flows.pack_entries import Entries
from endcredits.ids import PartyId, WorkId
from endcredits.royalties import Contract
from endcredits.royalties.contracts import in_force
from endcredits.royalties.units import Units
from endcredits.works import (
    Credit,
    FileMark,
    Manifestation,
    Marks,
    Permission,
    Said,
    Split,
    Work,
    asked_about,
    permission_of,
    revoked_on,
)
from endcredits.works.asked import Name
from endcredits.works.shares import FundShare, paid_through_funds


@dataclass(frozen=True, slots=True)
class Told:
    """What the log says that was known.

    Attributes:
        works: all registered works with all their splits, by id; portions of funds stand with the funds' members.
        registered_at: UTC time, by work.
        parties: names, by party.
        permissions: all statements, each with the position of its entry, in the order of the log.
        marks: other names of files, each with the position of its entry.
        disputed: works with an open dispute when the close was proposed.
        revoked: works that had a yes and were refused before the period began.
        units: the latest statement of everybody's units.
        contracts: in force on the period's last day.
    """

    works: Mapping[WorkId, Work]
    registered_at: Mapping[WorkId, str]
    parties: Mapping[PartyId, str]
    permissions: Sequence[tuple[int, Permission]]
    marks: Sequence[tuple[int, FileMark]]
    disputed: frozenset[WorkId]
    revoked: frozenset[WorkId]
    units: tuple[Units, ...]
    contracts: tuple[Contract, ...]


def told_by(
    entries: Entries, *, proposed_at: str, frozen_before: int, starts_on: str, ends_on: str, operator: str = ""
) -> Told:
    """Reads the catalogue out of facts.

    Args:
        entries: of a pack.
        proposed_at: UTC time at which the close was proposed.
        frozen_before: position of the entry that says that the close was computed: what the log has of works, splits, units
            and permissions after it came too late for this close, and counts in the next one.
        starts_on: first day of the period.
        ends_on: last day.
        operator: the party whose contracts count; empty for none.

    Raises:
        KeyError, TypeError: a fact is of another shape than its type has.
    """

    def known(kind: str) -> list[Fact]:
        return [fact for fact in entries.of(kind) if fact.position < frozen_before]

    splits: dict[str, list[Split]] = {}
    for fact in known(SPLIT):
        body = _body(fact)
        place = (body["right"], body["territory"], body["valid_from"])
        splits.setdefault(body["work_id"], []).extend(
            Split(PartyId(one["party_id"]), one["split_ppb"], *place) for one in body["splits"]
        )
    works, times = {}, {}
    names = {PartyId(body["party_id"]): body["name"] for body in map(_body, known(PARTY))}
    for fact in known(WORK):
        body = _body(fact)
        work_id = WorkId(body["work_id"])
        files = tuple(Manifestation(**one) for one in body["files"])
        credits = tuple(Credit(**one) for one in body["credits"])
        own = sorted(splits.get(work_id, ()), key=lambda one: (one.right, one.territory, one.valid_from, one.party_id))
        works[work_id] = Work(work_id, body["title"], files, credits, tuple(own))
        times[work_id] = body["registered_at"]
        names.update({PartyId(one["party_id"]): one["name"] for one in body["parties"]})
    marks = [(fact.position, FileMark(**_body(fact))) for fact in entries.of(FILE_MARK)]
    permissions = [(fact.position, permission_of(_body(fact))) for fact in entries.of(CONSENT)]
    return Told(
        works={work.work_id: work for work in paid_through_funds(works.values(), _funds(known(FUND)), ends_on)},
        registered_at=times,
        parties=names,
        permissions=permissions,
        marks=marks,
        disputed=_disputed(entries, proposed_at),
        revoked=_revoked(
            works.values(),
            names_before(marks, frozen_before),
            [one for position, one in permissions if position < frozen_before],
            operator,
            starts_on,
        ),
        units=_units(known(UNITS)),
        contracts=in_force([_contract(_body(fact)) for fact in entries.of(CONTRACT)], ends_on),
    )


def _body(fact: Fact) -> Mapping[str, Any]:
    assert fact.body is not None
    return fact.body


def _funds(facts: Iterable[Fact]) -> list[FundShare]:
    return [
        FundShare(PartyId(body["fund_id"]), PartyId(one["party_id"]), one["share_ppb"], body["valid_from"])
        for body in map(_body, facts)
        for one in body["shares"]
    ]


def _disputed(entries: Entries, at: str) -> frozenset[WorkId]:
    ended = {_body(fact)["dispute_id"]: _body(fact)["closed_at"] for fact in entries.of(ENDED)}
    found = [_body(fact) for fact in entries.of(OPENED)]
    return frozenset(
        WorkId(one["work_id"])
        for one in found
        if one["opened_at"] <= at and (one["dispute_id"] not in ended or at < ended[one["dispute_id"]])
    )


def names_before(marks: Iterable[tuple[int, FileMark]], position: int) -> Marks:
    """The other names of files that stand in the log before a position."""
    found: dict[str, tuple[Name, ...]] = {}
    for place, mark in marks:
        if place < position:
            found[mark.sha256] = (*found.get(mark.sha256, ()), (mark.kind, mark.value))
    return found


def _revoked(
    works: Iterable[Work], names: Marks, stated: Iterable[Permission], operator: str, starts_on: str
) -> frozenset[WorkId]:
    said, at = Said(stated), f"{starts_on}T00:00:00Z"
    asked = {work.work_id: asked_about(work, names) for work in works}
    return frozenset(work_id for work_id, one in asked.items() if revoked_on(said.about(one), one, VERB, at, by=operator))


def _units(facts: Iterable[Fact]) -> tuple[Units, ...]:
    latest: dict[tuple[str, str, str], tuple[int, Units]] = {}
    for body in map(_body, facts):
        key = (body["work_id"], body["right_name"], body["party_id"])
        units = Units(WorkId(key[0]), key[1], PartyId(key[2]), body["time_units"], body["salary_units"])
        if key not in latest or latest[key][0] < body["version"]:
            latest[key] = (body["version"], units)
    return tuple(latest[key][1] for key in sorted(latest))


def _contract(body: Mapping[str, Any]) -> Contract:
    plain = {name: value for name, value in body.items() if name not in ("term_order", "recorded_at", "works")}
    works = tuple(WorkId(one) for one in body["works"].split(";")) if body["works"] else ()
    return Contract(**plain, order=tuple(body["term_order"].split(";")), works=works)


@dataclass(frozen=True, slots=True)
class EarlierClose:
    """A close before the one that is audited, as its steps in the log tell it.

    Attributes:
        period_id: the period.
        starts_on: its first day.
        ends_on: its last day.
        cut_off: number of the last report that it looked at.
    """

    period_id: str
    starts_on: str
    ends_on: str
    cut_off: int


def steps_of(entries: Entries, period_id: str) -> list[Fact]:
    """The steps of a period, by number."""
    found = [fact for fact in entries.of(STEP) if _body(fact)["period_id"] == period_id]
    return sorted(found, key=lambda fact: int(_body(fact)["number"]))


def standing_step(steps: Iterable[Fact], step: str) -> Fact | None:
    """The latest step of a kind that no withdrawal has undone."""
    found = None
    for fact in steps:
        name = _body(fact)["step"]
        found = None if name == "withdrawn" else fact if name == step else found
    return found


def earlier_closes(entries: Entries, starts_on: str) -> list[EarlierClose]:
    """The approved closes of earlier days, by their days."""
    found = []
    for period_id in sorted({_body(fact)["period_id"] for fact in entries.of(STEP)}):
        steps = steps_of(entries, period_id)
        proposed, approved = standing_step(steps, "proposed"), standing_step(steps, "approved")
        if proposed is not None and approved is not None:
            facts = _body(proposed)["facts"]
            if facts["ends_on"] < starts_on:
                found.append(EarlierClose(period_id, facts["starts_on"], facts["ends_on"], facts["cut_off"]))
    return sorted(found, key=lambda one: one.ends_on)
