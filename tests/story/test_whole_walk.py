"""The whole walk, from an empty folder to proofs, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from endcredits.errors import ConflictError, InputError
from endcredits.flows import attributing, catalogue, indexing, pairs, periods
from endcredits.flows.books import account_balances, check_ledger, record_payment
from endcredits.flows.checking import check_studio
from endcredits.flows.splits import set_work_splits, share_work
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.payouts import Statement
from endcredits.receipts import check_log, receipts_in, verify_receipt
from endcredits.royalties import FIFTY_FIFTY
from endcredits.works import Contributor, Permission, Split, Submission, party_id_of, read_table

from . import house as h
from .house import House


@pytest.fixture
def studio(tmp_path: Path, store_url: str) -> Iterator[Studio]:
    """A new studio on each kind of database."""
    made = init_studio(tmp_path / "studio", name="Story House", database=store_url)
    yield made
    made.close()


def owed(studio: Studio) -> dict[tuple[str, str], int]:
    """What the ledger says is owed, by party and currency."""
    found = account_balances(studio, "Liabilities:Payable")
    return {(a.removeprefix("Liabilities:Payable:"), money): -micros for (a, money), micros in found.items()}


def closing(statements: tuple[Statement, ...]) -> dict[tuple[str, str], int]:
    return {(one.party_id, one.currency): one.closing_balance_micros for one in statements}


def test_from_an_empty_folder_to_proofs(studio: Studio, house: House) -> None:
    """Every step does what it says, sums to the unit, and changes nothing when run again."""
    index = h.fill(studio, house.models)
    corpus = catalogue.corpus(studio)

    assert [work.work_id for work in corpus.admitted] == sorted([h.SALT, h.LAMP, h.TIDE, h.RHYME])
    assert {work.work_id: decision.value for work, decision in corpus.refused} == {h.CLOSED: "deny", h.FOUND: "unknown"}
    assert set(index.index.work_ids) == {work.work_id for work in corpus.admitted}

    found = attributing.attribute(studio, index, h.outputs())
    again = attributing.attribute(studio, index, h.outputs())

    assert again == found
    for given, attribution in zip(h.outputs(), found, strict=True):
        assert sum(line.share_ppb for line in attribution.lines) + attribution.unattributed_ppb == PPB
        assert attribution.lines[0].work_id == given.label, "the model learnt these words from this work alone"

    added = periods.record_usage(studio, h.january(found))
    assert (added.new, periods.record_usage(studio, h.january(found)).new) == (5, 0)
    first = periods.close(studio, h.JANUARY)

    assert {pool.currency for pool in first.close.pools} == {"EUR", "USD"}
    for pool in first.close.pools:
        assert pool.allocated_micros + pool.commons_micros == pool.pool_micros
        assert pool.revenue_micros == pool.pool_micros + pool.operator_micros
        assert sum(party.amount_micros for party in pool.parties) == pool.allocated_micros
        assert pool.suspense_micros == sum(w.amount_micros for w in pool.works if w.work_id == h.RHYME) > 0
        assert pool.rounding_carry_micros == 0
    assert {line.territory for one in first.statements for line in one.lines} == {"WORLD", "DE"}
    assert closing(first.statements) == owed(studio), "the ledger owes what the statements say"
    assert all(one.payable_micros == 0 and one.carried_over_micros > 0 for one in first.statements)
    suspense = account_balances(studio, "Liabilities:Suspense")
    assert {account for account, _ in suspense} == {f"Liabilities:Suspense:{h.RHYME}"}

    periods.record_usage(studio, h.february(found))
    second = periods.close(studio, h.FEBRUARY)

    before = closing(first.statements)
    for one in second.statements:
        assert one.opening_balance_micros == before[one.party_id, one.currency]
        assert (one.payable_micros, one.carried_over_micros) == (
            (one.closing_balance_micros, 0) if one.currency == "EUR" else (0, one.closing_balance_micros)
        )
    assert {one.currency for one in second.statements} == {"EUR", "USD"}, "dollars are carried though none were earned"
    assert closing(second.statements) == owed(studio)

    for currency in ("EUR", "USD"):
        assert sum(micros for (_, money), micros in account_balances(studio).items() if money == currency) == 0
    assert check_ledger(studio) == (2, [])
    assert check_log(studio.log()) == []
    assert check_studio(studio) == []

    rows, kept = h.dump(studio), h.files(studio.path)
    assert catalogue.add_works(studio, read_table(studio.path.parent / "studio-works.csv")).new == ()
    indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio))
    attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    periods.record_usage(studio, h.january(found) + h.february(found))
    assert periods.close(studio, h.JANUARY).was_closed and periods.close(studio, h.FEBRUARY).was_closed
    assert h.dump(studio) == rows
    assert h.files(studio.path) == kept, "not one byte of one file is another"


def test_every_receipt_verifies_offline(tmp_path: Path, house: House) -> None:
    """What outsiders get - a file and one line - is enough, and one changed byte is too much."""
    path = house.copy(house.finished, tmp_path / "studio")
    vkey = (path / "log" / "log.vkey").read_text().strip()
    receipts = sorted((path / "receipts").glob("*.json"))

    verdicts = [verify_receipt(file.read_bytes(), vkey) for file in receipts]

    assert len(verdicts) == 7 and all(verdict.verified for verdict in verdicts)
    assert {verdict.type for verdict in verdicts} == {"run.receipt", "period.receipt"}
    changed = bytearray(receipts[0].read_bytes())
    changed[len(changed) // 2] ^= 1
    assert not verify_receipt(bytes(changed), vkey).verified
    for receipt in receipts_in(path / "receipts"):
        assert not any(name in str(receipt) for name in (h.ADA, h.BEN, h.CLEO, "Lamp Book")), "receipts name nobody"


def test_a_refusal_takes_a_work_out_of_the_next_index(tmp_path: Path, house: House) -> None:
    """After a no, the next index is without the work, and the old one stays beside it with its receipts."""
    studio = open_studio(house.copy(house.finished, tmp_path / "studio"))
    old = indexing.current_index(studio)
    no = Permission(h.TIDE, "train", "deny", "withdrawn", "letter", h.CLEO, "2025-03-01T00:00:00Z")

    catalogue.state(studio, no)
    corpus = catalogue.corpus(studio)
    new = indexing.build(studio, pairs.folders(*house.models), corpus)
    (attribution,) = attributing.attribute(studio, new, h.outputs()[:1])

    assert h.TIDE in {work.work_id for work, _ in corpus.refused}
    assert h.TIDE not in {line.work_id for line in attribution.lines}
    assert new.folder != old.folder and old.folder.exists()
    assert attribution.index_digest == indexing.current_index(studio).index.digest != old.index.digest
    assert check_studio(studio) == []
    studio.close()


def test_a_period_is_closed_under_one_policy(tmp_path: Path, house: House) -> None:
    """Another policy, other days, or usage for a closed day are refused and leave everything as it was."""
    studio = open_studio(house.copy(house.finished, tmp_path / "studio"))
    rows, kept = h.dump(studio), h.files(studio.path)
    late = replace(h.january(attributing.all_attributions(studio))[0], event_id="late")

    with pytest.raises(ConflictError, match="closed already"):
        periods.close(studio, h.JANUARY, policy=replace(FIFTY_FIFTY, pool_ppb=400_000_000))
    with pytest.raises(InputError, match="'2025-01' names a month"):
        periods.close(studio, h.JANUARY, starts_on="2025-01-01", ends_on="2025-01-30")
    with pytest.raises(ConflictError, match="in the closed period '2025-01'"):
        periods.record_usage(studio, [late])

    assert h.dump(studio) == rows
    assert h.files(studio.path) == kept
    studio.close()


def test_periods_close_in_order(tmp_path: Path, house: House) -> None:
    """February does not close before January's usage, nor January after February: openings are what was left before."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    periods.record_usage(studio, h.january(found) + h.february(found))
    rows = h.dump(studio)

    with pytest.raises(ConflictError, match="no closed period holds"):
        periods.close(studio, h.FEBRUARY)
    assert h.dump(studio) == rows
    first, second = periods.close(studio, h.JANUARY), periods.close(studio, h.FEBRUARY)
    with pytest.raises(ConflictError, match="lies before the closed period"):
        periods.close(studio, "2024-12")

    before = closing(first.statements)
    assert all(one.opening_balance_micros == before[one.party_id, one.currency] for one in second.statements)
    studio.close()


def test_splits_that_become_known_count_from_the_next_period_on(tmp_path: Path, house: House) -> None:
    """January waits in suspense and stays as it was; February pays by the splits stated for its days."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    periods.record_usage(studio, h.january(found) + h.february(found))
    first = periods.close(studio, h.JANUARY)
    ada, ben = (PartyId(party_id_of(name)) for name in (h.ADA, h.BEN))

    with pytest.raises(ConflictError, match="closed up to 2025-01-31") as caught:
        set_work_splits(studio, WorkId(h.RHYME), [Split(ada, PPB, valid_from="2025-01-31")])
    share_work(studio, WorkId(h.RHYME), [(h.ADA, 600_000_000), (ben, 400_000_000)], "2025-02-01")
    second = periods.close(studio, h.FEBRUARY)

    assert "2025-02-01" in caught.value.remedy
    assert all(pool.suspense_micros > 0 for pool in first.close.pools)
    assert all(pool.suspense_micros == 0 for pool in second.close.pools)
    assert {part.party_id for pool in second.close.pools for part in pool.parties if part.work_id == h.RHYME} == {ada, ben}
    assert check_studio(studio) == []
    studio.close()


def test_two_parties_of_one_name_are_told_apart_by_id(tmp_path: Path) -> None:
    """A name that several parties have is refused, and the remedy names their ids."""
    studio = init_studio(tmp_path / "studio")
    isni = (("isni", "000000012281955X"),)
    for number, who in enumerate((Contributor(h.ADA), Contributor(h.ADA, identifiers=isni))):
        text = (("a.txt", "text/plain", f"{number}".encode()),)
        catalogue.add_works(studio, [Submission(f"{number}", text, (who,), "allow", "", "", "", "", f"work:{number}")])

    with pytest.raises(InputError, match="2 parties are called 'Ada Quill'") as caught:
        share_work(studio, WorkId("work:0"), [(h.ADA, PPB)], "2025-01-01")

    assert party_id_of(h.ADA) in caught.value.remedy and party_id_of(h.ADA, isni) in caught.value.remedy
    studio.close()


def test_what_was_paid_is_owed_no_more(tmp_path: Path, house: House) -> None:
    """A payment, booked once, lowers what the next statement opens with, and everything still fits."""
    studio = open_studio(house.copy(house.finished, tmp_path / "studio"))
    found = attributing.all_attributions(studio)
    ada = PartyId(party_id_of(h.ADA))
    before = owed(studio)[ada, "EUR"]

    _, left = record_payment(studio, h.ADA, before - 5, "EUR", key="t-1", date="2025-03-05")
    _, again = record_payment(studio, ada, before - 5, "EUR", key="t-1", date="2025-03-05")
    with pytest.raises(ConflictError, match=r"0\.000005 EUR is owed"):
        record_payment(studio, ada, 6, "EUR", key="t-2", date="2025-03-05")
    march = [replace(one, event_id=f"m{n}", used_at="2025-03-09T00:00:00Z") for n, one in enumerate(h.february(found))]
    periods.record_usage(studio, march)
    closed = periods.close(studio, "2025-03")

    assert left == again == 5
    statement = next(one for one in closed.statements if (one.party_id, one.currency) == (ada, "EUR"))
    assert (statement.opening_balance_micros, statement.closing_balance_micros) == (5, 5 + statement.earned_micros)
    assert closing(closed.statements) == owed(studio)
    assert account_balances(studio, "Assets:Bank") == {("Assets:Bank", "EUR"): 5 - before}
    assert check_studio(studio) == []
    studio.close()


def test_periods_with_similar_names_do_not_share_files(tmp_path: Path, house: House) -> None:
    """Names that read alike to a file system have folders of their own."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    periods.record_usage(studio, h.january(found) + h.february(found))

    spring = periods.close(studio, "Q1.a", starts_on="2025-01-01", ends_on="2025-01-31")
    with pytest.raises(ConflictError, match="closed already"):
        periods.close(studio, "Q1.a", starts_on="2025-01-01", ends_on="2025-01-30")
    summer = periods.close(studio, "q1:A", starts_on="2025-02-01", ends_on="2025-02-28")

    assert spring.folder != summer.folder
    assert check_studio(studio) == []
    studio.close()


def test_a_long_name_of_a_period(tmp_path: Path, house: House) -> None:
    """With 100 characters every id that is made from it still holds; a month may be given with its own days."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    periods.record_usage(studio, h.january(found) + h.february(found))

    periods.close(studio, h.JANUARY, starts_on="2025-01-01", ends_on="2025-01-31")
    closed = periods.close(studio, "p" * 100, starts_on="2025-02-01", ends_on="2025-02-28")

    assert closed.receipt.receipt_id == f"period:{'p' * 100}"
    assert check_studio(studio) == []
    studio.close()


def test_a_period_that_earned_nothing(tmp_path: Path, house: House) -> None:
    """Usage without revenue closes without a journal entry, and is proven all the same."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    periods.record_usage(studio, [replace(event, revenue_micros=0) for event in h.january(found)])

    closed = periods.close(studio, h.JANUARY)

    assert (closed.entry_id, closed.statements) == ("", ())
    assert check_ledger(studio) == (0, [])
    assert check_studio(studio) == []
    assert periods.close(studio, h.JANUARY).was_closed
    studio.close()
