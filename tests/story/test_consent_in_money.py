"""Consent reaches the money, and an auditor finds the same: a contract, a yes taken back, a no about a file and a person.

In February two yeses end. Models that were trained before keep serving; March pays what was taken back by the policy's
tail, and what is under contract in full, whatever else was said in public. The published pack tells an auditor the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from endcredits.flows import attributing, catalogue, checking, fact_log, periods, reporting, rights
from endcredits.flows.closing import close_folder
from endcredits.flows.publishing import publish_period
from endcredits.flows.studio import CONFIG, Studio, open_studio
from endcredits.ids import WorkId
from endcredits.money import PPB
from endcredits.royalties import FIFTY_FIFTY
from endcredits.royalties.steps import steps_of
from endcredits.works import FileMark, Permission, add_marks, party_id_of, works
from tests.story import house as h
from tests.story.dishonest import audited, told
from tests.story.house import House, house

__all__ = ["house"]

MARCH, OPERATOR = "2025-03", "party:story-house"
TAIL = replace(FIFTY_FIFTY, name="tail", tail_ppb=600_000_000)
NO, ENDED = "2025-02-10T00:00:00Z", "2025-02-15T00:00:00Z"


def word(subject: str, value: str, kind: str = "work", by: str = h.ADA, **more: str) -> Permission:
    """One statement from February on."""
    return replace(Permission(subject, "train", value, "so", "a letter", by, NO, subject_kind=kind), **more)


@pytest.fixture
def march(house: House, tmp_path: Path) -> Studio:
    """The third month, before which something was said about every work."""
    place = house.copy(house.finished, tmp_path / "studio")
    config = place / CONFIG
    config.write_text(config.read_text() + f'operator = "{OPERATOR}"\n')
    studio = open_studio(place)
    with studio.store.reading() as conn:
        file = {work.work_id: work.manifestations[0].sha256 for work in works(conn)}
    # The salt road: refused in public under its address, and under contract with this operator.
    fact_log.write(
        studio, lambda conn: add_marks(conn, [FileMark(file[WorkId(h.SALT)], "url", "https://a.example/salt.txt")])
    )
    rights.say(studio, [word("https://a.example/*", "deny", "url", by="a host")])
    rights.say(studio, [word(h.SALT, "allow", licensee=OPERATOR)])
    # The tide tables: a yes of January is taken back.
    early = replace(word(h.TIDE, "allow", by=h.CLEO), effective_from="2025-01-01T00:00:00Z")
    (yes,) = rights.say(studio, [early])
    back = replace(word(h.TIDE, "unknown", by=h.CLEO, revokes=yes.permission_id), effective_from=ENDED, observed_at=ENDED)
    rights.say(studio, [back])
    # The lamp book: one of its makers refuses for all that credits them.
    rights.say(studio, [word(str(party_id_of(h.BEN)), "deny", "person", by=h.BEN)])
    used = h.february(attributing.all_attributions(studio))
    reporting.report(studio, [replace(one, event_id=f"m-{n}", used_at="2025-03-09T00:00:00Z") for n, one in enumerate(used)])
    return studio


def test_march_pays_and_an_auditor_finds_the_same(march: Studio, tmp_path: Path) -> None:
    # The works were registered with a yes long after, which says nothing about March.
    standing = {work: catalogue.standing(march, WorkId(work)).value for work in (h.SALT, h.TIDE, h.LAMP, h.RHYME)}
    assert standing == {h.SALT: "allow", h.TIDE: "allow", h.LAMP: "deny", h.RHYME: "allow"}

    periods.close(march, MARCH, policy=TAIL)

    with march.store.reading() as conn:
        proposed = next(one for one in steps_of(conn, MARCH) if one.step == "proposed")
    rows = pq.read_table(close_folder(march, proposed) / "frozen" / "works.parquet").to_pylist()
    paid = {row["work_id"]: row["paid_ppb"] for row in rows}
    assert (paid[h.TIDE], paid[h.LAMP]) == (TAIL.tail_ppb, TAIL.tail_ppb)
    assert (paid[h.SALT], paid[h.RHYME]) == (PPB, PPB)
    assert proposed.facts["operator"] == OPERATOR

    publish_period(march, MARCH, tmp_path / "pack")
    assert told(audited(tmp_path / "pack")) == ""
    assert checking.check_studio(march) == []
    march.close()
