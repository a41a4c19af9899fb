"""Everything that a close follows from is gathered from the rooms and frozen into one folder.

The registry says what works exist, who is paid and what was refused; the detector of duplicates says which works are the
same again; disputes say whose money waits; attributions say what every output drew on. After this nobody asks the living
tables again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.attribution import attributions_of
from endcredits.errors import InputError
from endcredits.flows.adjusting import changed_adjustments
from endcredits.flows.catalogue import VERB
from endcredits.flows.duplicates import duplicates
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.payouts.payee_book import latest_profiles
from endcredits.royalties import Frozen, Policy, Step, counts_anything, current_units, disputed_works, freeze, record_of
from endcredits.royalties.counting import window
from endcredits.royalties.frozen import same_declared
from endcredits.royalties.row_log import reports_digest
from endcredits.works import Said, Work, asked_about, marks, parties, permissions, registration_times, revoked_on, works
from endcredits.works.shares import paid_through_funds
from endcredits.works.shares.sheet_book import fund_shares


def freeze_period(studio: Studio, proposed: Step, into: Path) -> Frozen:
    """Freezes a proposed close, or finds it frozen.

    Args:
        studio: whose.
        proposed: the step that fixed days, policy and cut-off.
        into: the folder; made whole or not at all.

    Raises:
        InputError: an earning work is not registered, or another thing that money would need is missing.
        MachineError: the disk is full.
    """
    facts = proposed.facts
    with studio.store.reading() as conn:
        registered = works(conn)
        return freeze(
            conn,
            into,
            period_id=proposed.period_id,
            starts_on=facts["starts_on"],
            ends_on=facts["ends_on"],
            cut_off=facts["cut_off"],
            policy=record_of(Policy, facts["policy"]),
            works=paid_through_funds(registered, fund_shares(conn), facts["ends_on"]),
            registered_at=registration_times(conn),
            attributions_of=lambda output_ids: attributions_of(conn, output_ids),
            clusters=duplicates(studio, registered),
            disputed=disputed_works(conn, proposed.at),
            revoked=_revoked(conn, facts.get("operator", ""), registered, facts["starts_on"]),
            units=current_units(conn),
        )


def operator_of(studio: Studio) -> dict[str, str]:
    """The party whose contracts count in a close, for its facts; nothing where the studio names none."""
    return {"operator": studio.operator} if studio.operator else {}


REPORTED = ("events", "declared", "revenue", "outputs")
"""Frozen tables that follow from recorded rows alone, which never change."""


def changed_tables(studio: Studio, proposed: Step, frozen: Frozen) -> tuple[str, ...]:
    """Which tables of reports would be frozen otherwise today: rows of the books were changed or taken away since.

    Closed periods that a booked close adjusted are looked at, too (`adjusting.changed_adjustments`).
    """
    with tempfile.TemporaryDirectory() as scratch:
        again = freeze_period(studio, proposed, Path(scratch) / "frozen")
        found = dict(again.digests)
        own = [name for name, stated in frozen.digests if name in REPORTED and found[name] != stated]
        if "declared" in own and same_declared(frozen.folder, again.folder):
            own.remove("declared")
    return (*own, *changed_adjustments(studio, proposed))


def reports_of(studio: Studio, proposed: Step) -> dict[str, Any]:
    """Which reports are new for a close, by number, and one digest over all of their rows: the times of uses, too."""
    facts = proposed.facts
    with studio.store.reading() as conn:
        after = window(conn, facts["starts_on"], facts["ends_on"], facts["cut_off"]).counted_to
        return {"after": after, "to": facts["cut_off"], "digest": reports_digest(conn, after, facts["cut_off"])}


def _revoked(conn: Connection, operator: str, registered: tuple[Work, ...], starts_on: str) -> dict[WorkId, str]:
    """Works whose yes was taken back or refused before the period began, with the day: they earn the policy's tail."""
    names, at = marks(conn), f"{starts_on}T00:00:00Z"
    said = Said(permissions(conn))
    found = {}
    for work in registered:
        asked = asked_about(work, names)
        found[work.work_id] = revoked_on(said.about(asked), asked, VERB, at, by=operator)
    return {work_id: day for work_id, day in found.items() if day}


def must_have_usage(conn: Connection, facts: Mapping[str, Any]) -> None:
    """Refuses a period in which nothing would be counted.

    Raises:
        InputError: there is nothing up to the cut-off.
    """
    if not counts_anything(conn, facts["starts_on"], facts["ends_on"], facts["cut_off"]):
        raise InputError(
            f"there is no usage from {facts['starts_on']} to {facts['ends_on']}",
            remedy="Record usage first (endcredits usage add).",
            field="period",
        )


def must_know_rights(conn: Connection, policy: Policy) -> None:
    """Refuses rights that nobody has: a misspelt one would put a whole part in suspense.

    Raises:
        InputError: no registered work has splits for a right that the policy names.
    """
    known = sorted({split.right for work in works(conn) for split in work.splits})
    for pool in policy.pools:
        for part in pool.parts:
            if known and part.by not in ("party", "units") and part.right not in known:
                raise InputError(
                    f"no registered work has splits for the right '{part.right}'",
                    remedy=f"Correct the policy's right; there are splits for: {', '.join(known)}.",
                    field="right",
                )


def unknown_parties(studio: Studio, policy: Policy) -> tuple[str, ...]:
    """What a policy pays by name to parties that no work names and that have no payee profile, a sentence each.

    Such a party may be a fund that is registered later, so it is said and not refused: its money is owed to that id and
    nothing is paid, until a profile is imported under it. A misspelt one is mended before the close is approved.
    """
    with studio.store.reading() as conn:
        known = {*parties(conn), *latest_profiles(conn)}
    named = [
        (f"part '{part.name}' of the pool '{pool.name}'", part.party_id)
        for pool in policy.pools
        for part in pool.parts
        if part.by == "party"
    ]
    named += [(f"levy '{levy.name}'", levy.party_id) for levy in policy.levies]
    return tuple(
        f"The {what} goes to '{party_id}', whom no work names and who has no payee profile. Correct the policy, or import a "
        "profile under this id: endcredits payout payees import."
        for what, party_id in named
        if party_id not in known
    )
