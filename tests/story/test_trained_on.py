"""A creator's advocate comes with a file and leaves with an answer: before the training, after it, after a no, after a loss.

The same small house from its first day: nothing is said of a model that does not exist, a work that was refused stays out,
what was learnt is told with the statement that allowed it, a yes that is gone stays on record as a flag, money grows from
period to period and adds up to what the books paid, and a lost index turns a plain no into one that says what is missing.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from endcredits.flows import attributing, catalogue, indexing, pairs, periods, reporting, rights
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.checking import check_studio
from endcredits.flows.comparing import earned_by_payee
from endcredits.flows.fact_log import train_index
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.flows.trained_on import trained_on
from endcredits.flows.trained_on_records import Answer, Question
from endcredits.flows.versions import standing_version
from endcredits.receipts import load_receipt, receipt_path
from endcredits.works import Permission, party_id_of, read_table
from tests.interfaces.terminal import type_in, type_well

from . import house as h
from .house import House
from .lived_in import lived_in

__all__ = ["lived_in"]
EVERY = (h.SALT, h.LAMP, h.TIDE, h.RHYME, h.CLOSED, h.FOUND)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio with works and no model."""
    h.use_one_thread()
    opened = init_studio(tmp_path / "studio", name="Asked")
    table = tmp_path / "works.csv"
    table.write_text(h.works_csv())
    catalogue.add_works(opened, read_table(table))
    yield opened
    opened.close()


def ask(studio: Studio, kind: str, value: object) -> Answer:
    (answer,) = trained_on(studio, [Question(kind, str(value))])
    return answer


def test_an_advocate_asks_from_the_first_day_on(studio: Studio, house: House, tmp_path: Path) -> None:
    mine, closed = tmp_path / "the salt road (final) \u202e.txt", tmp_path / "=closed.txt"
    mine.write_text(h.prose(h.SALT, 700).replace(" ", "  \n"))
    closed.write_text(h.prose(h.CLOSED, 700))
    before = ask(studio, "file", mine)
    assert before.answer == "registered" and before.searched.models == 0 and before.searched.unread == ()

    index = indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio))
    learnt = ask(studio, "file", mine)
    (model,) = learnt.works[0].trained
    assert learnt.answer == "yes" and model.index_digest == index.index.digest
    assert model.log_entry == train_index(studio, index.index.digest) and model.admission == "missing"
    assert model.statement is not None and model.statement.source.endswith("row 1, field permission")
    assert learnt.works[0].earned == () and learnt.works[0].credited is not None
    assert learnt.works[0].credited.measured == 0
    refused = ask(studio, "file", closed)
    assert refused.answer == "registered" and refused.works[0].today.value == "deny"

    found = attributing.attribute(studio, index, h.outputs())
    reporting.report(studio, h.january(found))
    periods.close(studio, h.JANUARY)
    one = ask(studio, "file", mine)
    reporting.report(studio, h.february(found))
    periods.close(studio, h.FEBRUARY)
    both = ask(studio, "file", mine)
    assert (one.works[0].periods, both.works[0].periods) == ((h.JANUARY,), (h.JANUARY, h.FEBRUARY))
    assert 0 < one.totals_micros["EUR"] < both.totals_micros["EUR"]
    assert both.works[0].credited is not None
    for output in both.works[0].credited.recent:
        receipt = load_receipt(receipt_path(studio.receipts, output.output_id))
        assert receipt.body["model"]["train_index"] == model.log_entry

    rights.say(studio, [Permission(h.SALT, "train", "deny", "I said no", "letter", h.ADA, "")])
    after = ask(studio, "file", mine)
    flag = after.works[0].trained[0].flag
    assert flag is not None and flag.reason == "I said no" and after.works[0].today.value == "deny"
    assert after.totals_micros == both.totals_micros, "what was earned stays earned"
    assert check_studio(studio) == [], "a yes that is gone is lawful history"

    second = indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio))
    assert second.index.digest != index.index.digest
    later = ask(studio, "file", mine).works[0].trained
    assert [one.index_digest for one in later] == [index.index.digest], "the new model never saw it"
    assert len(ask(studio, "work", h.LAMP).works[0].trained) == 2


def test_all_answers_together_are_what_the_books_paid(lived_in: Path, tmp_path: Path, house: House) -> None:
    """Three months in which everything happened: per party and currency, answers about all works add up to the closes."""
    opened = open_studio(house.copy(lived_in, tmp_path / "lived"))
    try:
        told: Counter[tuple[str, str]] = Counter()
        for answer in trained_on(opened, [Question("work", work_id) for work_id in EVERY]):
            for found in answer.works:
                for one in found.earned or ():
                    told[one.party_id if one.state == "payable" else f"~{one.state}", one.currency] += one.micros
        booked: Counter[tuple[str, str]] = Counter()
        with opened.store.reading() as conn:
            for period_id in (h.JANUARY, h.FEBRUARY, "2025-03"):
                version = standing_version(opened, conn, period_id)
                booked.update(dict(earned_by_payee(version.close, version.folder)))
        for key, micros in told.items():
            assert booked[key] == micros, key
        others = {party for (party, _), micros in booked.items() if micros} - {party for party, _ in told}
        assert others <= {"~commons", "~breakage", "~operator", "~taxes"}
    finally:
        opened.close()


def test_nobody_sees_anybody_elses_money(lived_in: Path, tmp_path: Path, house: House) -> None:
    opened = open_studio(house.copy(lived_in, tmp_path / "lived"))
    try:
        for name in (h.ADA, h.BEN, h.CLEO, h.DORA):
            own = party_id_of(name)
            answer = ask(opened, "name", name)
            told = {one.party_id for found in answer.works for one in found.earned or ()}
            assert told <= {own, ""}, name
            assert answer.answer in ("yes", "registered") and answer.searched.unread == ()
    finally:
        opened.close()


def test_the_command_line_alone_is_enough(house: House, tmp_path: Path) -> None:
    """With nothing but the operator's machine and a file: yes, no, a loss, and a studio of another kind."""
    studio = house.copy(house.finished, tmp_path / "studio")
    mine, never = tmp_path / "mine.txt", tmp_path / "never.txt"
    mine.write_bytes(b"\xef\xbb\xbf" + h.prose(h.LAMP, 700).upper().encode())
    never.write_text(" ".join(f"{number} bassoons that nobody wrote of" for number in range(40)))
    yes = type_well("trained-on", mine, "-s", studio)
    assert h.LAMP in yes.out and f"for {h.BEN}" in yes.out and "CLEO" not in yes.out.upper().replace("DUNN", "")
    assert type_in("trained-on", never, "-s", studio).code == 6
    shutil.rmtree(next((studio / "index").glob("*/manifest.json")).parent)
    lost = type_in("trained-on", never, "-s", studio)
    assert lost.code == 3 and "its index is gone" in lost.out
    assert type_in("trained-on", mine, "-s", tmp_path).code == 2


def test_outputs_that_a_model_made_are_no_works(house: House, tmp_path: Path) -> None:
    """An output is not registered: asked about one, the answer is about the works whose passages stand in it."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    try:
        own = GivenOutput(h.prose(h.TIDE, 90, seed=9).encode())
        answer = ask(opened, "text", own.text.decode())
        assert answer.answer in ("no", "perhaps") and not any(found.sure for found in answer.works)
    finally:
        opened.close()
