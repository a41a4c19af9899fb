"""Every statement has a receipt that counts on from the payee's last one, whatever fails; gaps and strays are found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing as closed_after
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import MachineError
from endcredits.flows import closing, periods, reporting
from endcredits.flows.attributing import all_attributions
from endcredits.flows.checking import check_studio
from endcredits.flows.statement_receipts import expected_statements, issue_statements, without_receipt
from endcredits.flows.studio import Studio, open_studio
from endcredits.payouts import Statement, save_statements, statements_for_period
from endcredits.payouts.heads import all_heads
from endcredits.payouts.statements import statement_id
from endcredits.receipts import load_receipt, receipt_path, receipts_in, verify_receipt
from endcredits.receipts.chain import FIRST, TYPE, chains, link_of, receipt_id_of
from tests.story import house as h
from tests.story.house import House


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """Two closed months."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield opened
    opened.close()


@cache
def build_approved(house: House) -> Path:
    """A third month, approved and not published: made once, to be copied."""
    path = house.copy(house.finished, house.finished.parent / "approved-unpublished")
    opened = open_studio(path)
    report(opened, "2025-03")
    closing.propose(opened, "2025-03")
    closing.approve(opened, "2025-03")
    opened.close()
    return path


@pytest.fixture
def approved(tmp_path: Path, house: House) -> Iterator[Studio]:
    opened = open_studio(house.copy(build_approved(house), tmp_path / "approved"))
    yield opened
    opened.close()


def report(studio: Studio, month: str) -> None:
    events = h.february(all_attributions(studio))
    reporting.report(
        studio,
        [
            replace(one, event_id=f"{month}-{n}", used_at=one.used_at.replace("2025-02", month))
            for n, one in enumerate(events)
        ],
    )


def links(studio: Studio) -> list[tuple[int, Any]]:
    found = [one for one in receipts_in(studio.receipts) if one.type == TYPE]
    return [(one.proof.leaf_index, link_of(one.body)) for one in found]


def of_period(studio: Studio, period_id: str) -> tuple[Statement, ...]:
    with studio.store.reading() as conn:
        return statements_for_period(conn, period_id)


def second_version(one: Statement) -> Statement:
    """The same statement with a corrected name."""
    name = statement_id(one.kind, one.period_id, one.party_id, one.currency, 2)
    return replace(one, statement_id=name, version=2, payee=f"{one.payee} II")


def test_every_statement_has_a_receipt_that_counts(studio: Studio) -> None:
    with studio.store.reading() as conn:
        heads = all_heads(conn)
    found = links(studio)
    assert {(link.statement_id, link.sha256, link.party_id, link.currency, link.period_id) for _, link in found} == {
        (one.statement_id, one.sha256, one.party_id, one.currency, one.period_id) for one in heads
    }
    for chain in chains(found):
        assert (chain.missing, chain.problems, chain.held) == ((), (), chain.last)
    places = {(link.party_id, link.currency, link.period_id): at for at, link in found}
    january = load_receipt(receipt_path(studio.receipts, periods.receipt_id_of(h.JANUARY))).proof.leaf_index
    for at, link in found:
        assert at > january, "the period's receipt comes first"
        if link.period_id == h.JANUARY:
            assert (link.count, link.previous) == (1, FIRST)
        elif link.count == 2:
            assert link.previous == places[link.party_id, link.currency, h.JANUARY]
    assert {link.count for _, link in found} == {1, 2}
    for one in receipts_in(studio.receipts):
        data = receipt_path(studio.receipts, one.receipt_id).read_bytes()
        assert verify_receipt(data, studio.log_to_read().vkey).verified


def test_publishing_again_issues_nothing(studio: Studio) -> None:
    def files() -> dict[str, bytes]:
        return {name: data for name, data in h.files(studio.path).items() if not name.startswith("log.index")}

    before = files()
    assert issue_statements(studio, h.FEBRUARY) == 0
    periods.publish(studio, h.JANUARY, was_closed=True)
    periods.find_period(studio, h.FEBRUARY)
    assert files() == before


def test_one_append_for_a_whole_batch(approved: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many payees: the log grows in steps, not by single entries."""
    from endcredits.receipts import Log

    sizes: list[int] = []
    real = Log.append

    def append(self: Log, leaves: Any, *rest: Any, **more: Any) -> int:
        sizes.append(len(leaves))
        return real(self, leaves, *rest, **more)

    monkeypatch.setattr(Log, "append", append)
    periods.publish(approved, "2025-03", was_closed=True)
    count = len(of_period(approved, "2025-03"))
    assert sizes[-2:] == [1, count] and count > 1


def test_a_later_version_counts_when_it_is_issued(studio: Studio) -> None:
    """January's is corrected after February's was issued: it is number three, and February's number stays."""
    one = next(one for one in of_period(studio, h.JANUARY) if one.currency == "EUR")
    corrected = second_version(one)
    studio.store.write(lambda conn: save_statements(conn, [corrected]))
    (missing,) = without_receipt(studio, h.JANUARY)
    assert missing.statement_id == corrected.statement_id
    finding = f"receipt {receipt_id_of(corrected.statement_id)}"
    assert finding in [one.where for one in check_studio(studio)]

    periods.publish(studio, h.JANUARY, was_closed=True)

    found = {link.statement_id: (at, link) for at, link in links(studio)}
    _, third = found[corrected.statement_id]
    february = next(
        (at, link)
        for at, link in found.values()
        if (link.party_id, link.currency, link.period_id) == (one.party_id, "EUR", h.FEBRUARY)
    )
    assert (third.count, third.previous) == (3, february[0]) and february[1].count == 2
    (proof,) = periods.period_folder(studio, h.JANUARY).glob("*-v2.receipt.json")
    assert load_receipt(proof).body["sha256"] == third.sha256


def test_statements_of_a_period_that_was_never_published_come_first(approved: Studio) -> None:
    """March was approved and its publication killed; April's statements count on from March's all the same."""
    report(approved, "2025-04")
    periods.close(approved, "2025-04")
    march = {(link.party_id, link.currency): (at, link.count) for at, link in links(approved) if link.period_id == "2025-03"}
    april = {(link.party_id, link.currency): link for _, link in links(approved) if link.period_id == "2025-04"}
    assert march and set(march) == set(april)
    for account, (at, count) in march.items():
        assert (april[account].count, april[account].previous) == (count + 1, at)
    periods.publish(approved, "2025-03", was_closed=True)
    assert all(not chain.missing and not chain.problems for chain in chains(links(approved)))


# --- failures ---


def lost(write: Callable[..., Any]) -> Callable[..., Any]:
    def fail(path: Any, data: bytes, **options: Any) -> None:
        raise MachineError("the disk is full")

    return fail


def kept(write: Callable[..., Any]) -> Callable[..., Any]:
    def fail(path: Any, data: bytes, **options: Any) -> None:
        write(path, data, **options)
        raise MachineError("the disk is full")

    return fail


FIRST_OF_THEM: dict[str, Callable[[Path], bool]] = {
    "a sum tree": lambda path: path.name == "EUR.jsonl",
    "another sum tree": lambda path: path.name == "USD.jsonl",
    "the draft of the period": lambda path: path.parent.name == "pending" and path.name.startswith("period%3a"),
    "the receipt of the period": lambda path: path.parent.name == "receipts" and path.name.startswith("period%3a"),
    "the draft of a statement": lambda path: path.parent.name == "pending" and path.name.startswith("statement%3a"),
    "the receipt of a statement": lambda path: path.parent.name == "receipts" and path.name.startswith("statement%3a"),
    "a payee's copy": lambda path: path.name.endswith(".receipt.json"),
    "a payee's place": lambda path: path.name.endswith(".period.json"),
    "the checkpoint": lambda path: path.name == "checkpoint",
}
"""Writes of a publication, by what their first one is about."""


@pytest.mark.parametrize("failing", [lost, kept])
@pytest.mark.parametrize("what", FIRST_OF_THEM)
def test_a_publication_that_fails_is_done_again(
    approved: Studio, monkeypatch: pytest.MonkeyPatch, failing: Callable[..., Callable[..., Any]], what: str
) -> None:
    """Lost, or kept and reported lost; then the same command ends with one receipt each and one root."""
    real, failed = durable.write_atomic, [False]

    def write(path: Any, data: bytes, **options: Any) -> None:
        if not failed[0] and FIRST_OF_THEM[what](Path(path)):
            failed[0] = True
            failing(real)(path, data, **options)
        real(path, data, **options)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "write_atomic", write)
        with pytest.raises(MachineError, match="disk is full"):
            periods.publish(approved, "2025-03", was_closed=True)
    there = {path.name: path.read_bytes() for path in approved.receipts.glob("*.json")}

    published = periods.publish(approved, "2025-03", was_closed=True)

    for name, data in there.items():
        assert (approved.receipts / name).read_bytes() == data, "what was issued stays"
    with approved.store.reading() as conn:
        expected = expected_statements(approved, conn)
    assert {
        one.receipt_id: (one.type, dict(one.body)) for one in receipts_in(approved.receipts) if one.type == TYPE
    } == expected
    assert all(not chain.missing and not chain.problems for chain in chains(links(approved)))
    names = [path.name for path in published.folder.iterdir()]
    assert sum(name.endswith(".period.json") for name in names) == len(published.statements)
    assert not list((approved.receipts / "pending").glob("*.json"))


def test_after_the_worst_of_them_everything_fits(approved: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of write fails once, one after another, and the check finds nothing in the end."""
    real, left = durable.write_atomic, dict(FIRST_OF_THEM)

    def write(path: Any, data: bytes, **options: Any) -> None:
        for what, fits in left.items():
            if fits(Path(path)):
                del left[what]
                kept(real)(path, data, **options)
        real(path, data, **options)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "write_atomic", write)
        for _ in FIRST_OF_THEM:
            with pytest.raises(MachineError):
                periods.publish(approved, "2025-03", was_closed=True)
            if not left:
                break
    periods.publish(approved, "2025-03", was_closed=True)
    assert not left and check_studio(approved) == []


# --- what is missing, and what nobody knows of ---


def test_a_receipt_whose_file_is_gone_is_named(studio: Studio) -> None:
    (_, link), *_ = links(studio)
    name = receipt_id_of(link.statement_id)
    receipt_path(studio.receipts, name).unlink()
    found = [one for one in check_studio(studio) if one.where == f"receipt {name}"]
    assert [one.problem for one in found] == ["it was issued, and its file is missing; restore it from your last copy"]


def test_a_statement_that_was_taken_away_leaves_a_receipt_of_nothing(studio: Studio) -> None:
    """The operator takes a statement out of the books: its receipt, and the next one's number, say so."""
    _, link = next((at, link) for at, link in links(studio) if link.period_id == h.JANUARY and link.currency == "EUR")
    with closed_after(sqlite3.connect(studio.path / "studio.db", isolation_level=None)) as hand:
        for (trigger,) in hand.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            hand.execute(f"DROP TRIGGER {trigger}")
        hand.execute("PRAGMA foreign_keys = OFF")
        hand.execute("DELETE FROM statements WHERE statement_id = ?", [link.statement_id])
    found = {one.where: one.problem for one in check_studio(studio)}
    assert found[f"receipt {receipt_id_of(link.statement_id)}"] == "the books know nothing of what it is about"
    next_one = statement_id("final", h.FEBRUARY, link.party_id, "EUR")
    assert "books say something else about its" in found[f"receipt {receipt_id_of(next_one)}"]
    assert any(where.startswith("sum tree") for where in found)
