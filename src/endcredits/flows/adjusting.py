"""Closed periods of which usage or refunds came late are divided again; the close that counts them books the difference.

For each such period this walk freezes it again with everything that is known of it by now, computes it under the rules of
the version that holds (the approved close, or its last correction), and puts beside it what was booked of it before. Both
lie in the folder of the new close, which then follows from that folder alone (`royalties.adjusting`).

What was booked of a period is, at first, the version that holds. Once it was adjusted, it is what came out then. Where it
was corrected after that, the correction's own change comes to it: the version that holds now, less the one that held then.
So a period that was corrected since it was last adjusted is divided again, too, even if nothing is new.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.attribution import attributions_of
from endcredits.canonical import sha256_bytes
from endcredits.errors import ConflictError, IntegrityError
from endcredits.flows.close_files import TWIN_CREDITS_MAX, close_folder, proposed_step
from endcredits.flows.duplicates import duplicates
from endcredits.flows.studio import Studio
from endcredits.flows.versions import Version, versions
from endcredits.royalties import (
    Adjusted,
    Frozen,
    Step,
    close_document,
    closes,
    disputed_works,
    find_close,
    read_frozen,
    replay_close,
    steps_of,
)
from endcredits.royalties.adjustments import ADJUSTED_FOLDER, CLOSE, TABLES, name_of, read_term, write_adjustment
from endcredits.royalties.columns import close_period
from endcredits.royalties.counting import Window, adjusted_periods, window
from endcredits.royalties.freeze_again import CATALOGUE, CREDITS, freeze_again
from endcredits.royalties.frozen import same_declared, table_path
from endcredits.works import registration_times, works
from endcredits.works.shares import paid_through_funds
from endcredits.works.shares.sheet_book import fund_shares

ADDED = (*CATALOGUE, *(name for name in CREDITS if name != "outputs"))
"""Frozen tables that say what works that were added then are, and what outputs are credited to them."""


@dataclass(frozen=True, slots=True)
class Before:
    """What is booked of a closed period.

    Attributes:
        version: the close whose rules hold.
        frozen: the folder of the period's inputs as they were frozen last.
        booked: sign, digest and folder of the closes whose sum is booked.
    """

    version: Version
    frozen: Path
    booked: tuple[tuple[int, str, Path], ...]


def adjust(studio: Studio, proposed: Step, folder: Path) -> None:
    """Gathers what a proposed close needs to adjust closed periods, in its folder; nothing where none has to be.

    Args:
        studio: whose.
        proposed: the step that fixed days and cut-off.
        folder: of the close.

    Raises:
        InputError: something cannot be divided by the rules of then: a currency without rate, a work that is not registered.
        ConflictError: a closed period was corrected after a killed close had begun to divide it again.
        IntegrityError: what was frozen or computed of a closed period is missing or damaged, or two computations differ.
        MachineError: the disk is full.
    """
    facts = proposed.facts
    with studio.store.reading() as conn:
        seen = window(conn, facts["starts_on"], facts["ends_on"], facts["cut_off"])
        found = list(_to_adjust(studio, conn, seen))
    for period_id, before in found:
        _divide_again(studio, before, proposed, folder / ADJUSTED_FOLDER / name_of(period_id))


def _to_adjust(studio: Studio, conn: Connection, seen: Window) -> Iterator[tuple[str, Before]]:
    new = adjusted_periods(conn, seen)
    history = adjusted_in(conn, seen.before)
    for period_id, _ in seen.before:
        last = history.get(period_id)
        if period_id in new or last is not None:
            found = list(versions(studio, conn, period_id))
            if period_id in new or (last is not None and last[1].version != found[-1].close_digest):
                yield period_id, before_of(studio, conn, found, last, found[-1])


def adjusted_in(conn: Connection, before: Sequence[tuple[str, str]]) -> dict[str, tuple[str, Adjusted]]:
    """By which of some closes a closed period was last adjusted, and what that close states of it."""
    wanted = {period_id for period_id, _ in before}
    return {
        adjusted.period_id: (booked.close.period_id, adjusted)
        for booked in closes(conn)
        if booked.close.period_id in wanted
        for adjusted in booked.close.adjusted
    }


def before_of(
    studio: Studio, conn: Connection, found: Sequence[Version], last: tuple[str, Adjusted] | None, version: Version
) -> Before:
    """What is booked of a closed period.

    Args:
        studio: whose.
        conn: of its books.
        found: the versions of the period.
        last: the close that last adjusted it, and what it states; None where none did.
        version: that holds.

    Raises:
        IntegrityError: the version that held when it was last adjusted is not among its versions.
    """
    if last is None:
        return Before(version, found[0].folder / "frozen", ((1, version.close_digest, version.folder),))
    by, adjusted = last
    folder = close_folder(studio, proposed_step(steps_of(conn, by))) / ADJUSTED_FOLDER / name_of(adjusted.period_id)
    booked = [(1, adjusted.again_digest, folder)]
    if adjusted.version != version.close_digest:
        held = next((one for one in found if one.close_digest == adjusted.version), None)
        if held is None:
            raise IntegrityError(
                f"the close '{by}' adjusted '{adjusted.period_id}' by the rules of a close that there is not",
                remedy="Restore the books and the folder 'periods' from one copy.",
                file=folder,
            )
        booked += [(1, version.close_digest, version.folder), (-1, held.close_digest, held.folder)]
    return Before(version, folder / "frozen", tuple(booked))


def _divide_again(studio: Studio, before: Before, proposed: Step, folder: Path) -> None:
    version = before.version.close
    try:
        frozen = freeze_period_again(studio, before, proposed, folder / "frozen")
    except ConflictError as error:
        # The days and the cut-off are the proposal's, so that what was frozen before a kill had other rules.
        raise ConflictError(
            f"the period '{version.period_id}' was corrected after the close of '{proposed.period_id}' was begun",
            remedy=f"Take the close back, and begin it anew: endcredits period withdraw {proposed.period_id}.",
            file=folder,
        ) from error
    close = close_period(frozen, version.period_id, version.starts_on, version.ends_on, version.policy, into=folder)
    text = close_document(close).encode()
    durable.write_atomic(folder / CLOSE, text)
    findings = replay_close(frozen, close, folder, credits_max=TWIN_CREDITS_MAX)
    if findings:
        raise IntegrityError(
            f"two computations of the closed period '{version.period_id}' differ: {findings[0].problem}",
            remedy="This is a bug, and nothing was posted; please report it with the folder named.",
            file=folder,
        )
    for number, (sign, stated, place) in enumerate(before.booked, 1):
        read_term(place, sign, stated)  # says what is damaged before it is copied
        _copy(place, folder / f"booked-{number}")
    booked = [(sign, stated) for sign, stated, _ in before.booked]
    write_adjustment(folder, before.version.close_digest, sha256_bytes(text), booked)


def changed_adjustments(studio: Studio, proposed: Step) -> tuple[str, ...]:
    """What of a booked close's adjustments does not follow from the books today, in words; empty where all of it does."""
    facts, folder = proposed.facts, close_folder(studio, proposed) / ADJUSTED_FOLDER
    changed: list[str] = []
    with studio.store.reading() as conn:
        booked = find_close(conn, proposed.period_id)
        stated = booked.close.adjusted if booked is not None else ()
        seen = window(conn, facts["starts_on"], facts["ends_on"], facts["cut_off"])
        history = adjusted_in(conn, seen.before)
        missing = set(adjusted_periods(conn, seen)) - {one.period_id for one in stated} if booked is not None else ()
        changed += [f"adjustment of {period_id}" for period_id in sorted(missing)]
        for one in stated:
            found = list(versions(studio, conn, one.period_id))
            version = next((each for each in found if each.close_digest == one.version), None)
            before = before_of(studio, conn, found, history.get(one.period_id), version) if version else None
            if before is None or one.booked != tuple((sign, each) for sign, each, _ in before.booked):
                changed.append(f"adjustment of {one.period_id}")
                continue
            frozen = dict(read_term(folder / name_of(one.period_id), 1, one.again_digest).close.frozen)
            with tempfile.TemporaryDirectory() as scratch:
                again = freeze_period_again(studio, before, proposed, Path(scratch) / "frozen")
                found_now = dict(again.digests)
                # Works that were added then may have other splits, copies and disputes by now; all others were copied.
                added = frozen["works"] != dict(read_frozen(before.frozen).digests)["works"]
                other = {name for name in frozen if found_now[name] != frozen[name]} - (set(ADDED) if added else set())
                if "declared" in other and same_declared(folder / name_of(one.period_id) / "frozen", again.folder):
                    other.remove("declared")
            changed += [f"{name} of {one.period_id}" for name in sorted(other)]
    return tuple(changed)


def freeze_period_again(studio: Studio, before: Before, proposed: Step, into: Path) -> Frozen:
    """Freezes a closed period with everything that was reported of it up to the cut-off of a proposed close.

    Raises:
        IntegrityError: what was frozen of it is missing or damaged.
    """
    base = read_frozen(before.frozen)
    with studio.store.reading() as conn:
        registered = works(conn)
        return freeze_again(
            conn,
            into,
            base=base,
            cut_off=proposed.facts["cut_off"],
            policy=before.version.close.policy,
            works=paid_through_funds(registered, fund_shares(conn), before.version.close.ends_on),
            attributions_of=lambda output_ids: attributions_of(conn, output_ids),
            clusters=duplicates(studio, registered),
            disputed=disputed_works(conn, proposed.at),
            registered_at=registration_times(conn),
        )


def _copy(source: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for name in (CLOSE, *(table_path(Path(), table).name for table in TABLES)):
        partial = into / f"{name}.{secrets.token_hex(4)}{durable.PARTIAL}"  # another closer may copy the same
        try:
            with (source / name).open("rb") as given, partial.open("wb") as file:
                shutil.copyfileobj(given, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(into / name)
        except OSError as error:
            raise durable.machine_error(error, into / name) from error
    durable.sync_folder(into)
