"""The whole walk, from an empty folder to proofs, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from endcredits.errors import ConflictError, InputError
from endcredits.flows import attributing, catalogue, indexing, pairs, periods, reporting
from endcredits.flows.books import account_balances, check_ledger, record_payment
from endcredits.flows.checking import check_studio
from endcredits.flows.splits import set_work_splits, share_work
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.payouts import Statement
from endcredits.receipts import check_log, receipts_in, verify_receipt
from endcredits.royalties import FIFTY_FIFTY, make_refund
from endcredits.royalties.lines import read_lines, read_work_lines
from endcredits.works import Contributor, Permission, Split, Submission, party_id_of, read_table

from . import house as h
from .house import House

FORTY_SIXTY = replace(FIFTY_FIFTY, name="forty-sixty", pools=(replace(FIFTY_FIFTY.pools[0], share_ppb=400_000_000),))


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
    return {(one.party_id, one.currency): one.summary.closing_micros for one in statements}


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

    added = reporting.report(studio, h.january(found))
    assert (added.new, reporting.report(studio, h.january(found)).new) == (5, 0)
    first = periods.close(studio, h.JANUARY)

    assert {pool.currency for pool in first.close.pools} == {"EUR", "USD"}
    works, lines = list(read_work_lines(first.tables)), list(read_lines(first.tables))
    for number, pool in enumerate(first.close.pools):
        (part,) = pool.parts
        found_here = [line for line in lines if line.pool == number]
        assert part.allocated_micros + part.commons_micros == part.amount_micros
        assert pool.pool_micros == part.amount_micros + pool.breakage_micros + pool.rest_micros
        assert sum(line.amount_micros for line in found_here) == part.allocated_micros
        unknown = [line for line in found_here if line.state == "suspense"]
        assert {(line.work_id, line.party_id) for line in unknown} == {(h.RHYME, None)}
        assert part.suspense_micros == sum(line.amount_micros for line in unknown) > 0
        assert part.suspense_micros == sum(w.amount_micros for w in works if (w.pool, w.work_id) == (number, h.RHYME))
    for total in first.close.totals:
        assert total.revenue_micros == total.operator_micros + total.pools_micros + total.tax_micros + total.levies_micros
        pools = [pool for pool in first.close.pools if pool.earned_currency == total.currency]
        assert total.pools_micros == sum(pool.source_micros for pool in pools)
    assert {line.territory for one in first.statements for line in one.lines} == {"WORLD", "DE"}
    assert closing(first.statements) == owed(studio), "the ledger owes what the statements say"
    assert all(one.summary.payable_micros == 0 < one.summary.carried_over_micros for one in first.statements)
    suspense = account_balances(studio, "Liabilities:Suspense")
    assert {account for account, _ in suspense} == {f"Liabilities:Suspense:{h.RHYME}"}

    reporting.report(studio, h.february(found))
    second = periods.close(studio, h.FEBRUARY)

    before = closing(first.statements)
    for one in second.statements:
        money = one.summary
        assert money.opening_micros == before[one.party_id, one.currency]
        assert money.payable_micros + money.carried_over_micros == money.closing_micros
        assert (money.payable_micros > 0) == (one.currency == "EUR"), "dollars stay below the threshold"
        assert money.payable_micros % 10_000 == 0, "what is sent is whole cents"
        assert money.carried_over_micros == (money.rounding_micros if one.currency == "EUR" else money.closing_micros)
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
    reporting.report(studio, h.january(found) + h.february(found))
    assert periods.close(studio, h.JANUARY).was_closed and periods.close(studio, h.FEBRUARY).was_closed
    assert h.dump(studio) == rows
    assert h.files(studio.path) == kept, "not one byte of one file is another"


def test_every_receipt_verifies_offline(tmp_path: Path, house: House) -> None:
    """What outsiders get - a file and one line - is enough, and one changed byte is too much."""
    path = house.copy(house.finished, tmp_path / "studio")
    vkey = (path / "log" / "log.vkey").read_text().strip()
    receipts = sorted((path / "receipts").glob("*.json"))

    verdicts = [verify_receipt(file.read_bytes(), vkey) for file in receipts]

    kinds = Counter(verdict.type for verdict in verdicts)
    assert all(verdict.verified for verdict in verdicts)
    assert kinds == {"run.receipt": 5, "period.receipt": 2, "statement": len(list((path / "statements").glob("*/*.csv")))}
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
    """Another policy and other days are refused and leave everything as it was."""
    studio = open_studio(house.copy(house.finished, tmp_path / "studio"))
    rows, kept = h.dump(studio), h.files(studio.path)

    with pytest.raises(ConflictError, match="closed already"):
        periods.close(studio, h.JANUARY, policy=FORTY_SIXTY)
    with pytest.raises(InputError, match="'2025-01' names a month"):
        periods.close(studio, h.JANUARY, starts_on="2025-01-01", ends_on="2025-01-30")

    assert h.dump(studio) == rows
    assert h.files(studio.path) == kept
    studio.close()


def test_what_is_reported_late_counts_in_the_next_close(tmp_path: Path, house: House) -> None:
    """Usage and refunds of closed days rewrite nothing: what they change of their period is booked by the next close."""
    studio = open_studio(house.copy(house.finished, tmp_path / "studio"))
    kept = {name: data for name, data in h.files(studio.path).items() if name.startswith(("periods", "statements"))}
    used = h.january(attributing.all_attributions(studio))[0]
    late = replace(used, event_id="late", revenue_micros=8_000_000)
    back = make_refund("back", used.event_id, "2025-02-03T00:00:00Z", 1_000_000, used.currency)

    reporting.report(studio, [late])
    reporting.report(studio, [back])
    closed = periods.close(studio, "2025-03")

    pools = {(pool.kind, pool.usage_period): pool.pool_micros for pool in closed.close.pools}
    assert pools == {("adjusted", h.JANUARY): 4_000_000 - 500_000}
    assert {one.summary.earned_micros for one in closed.statements} == {0}
    moved = sum(one.summary.adjustments_micros for one in closed.statements)
    assert moved == sum(line.amount_micros for line in read_lines(closed.tables) if line.state == "payable") > 0
    assert closing(closed.statements) == owed(studio)
    assert kept.items() <= h.files(studio.path).items(), "what was closed stays as it was"
    assert check_studio(studio) == []
    studio.close()


def test_periods_close_in_order(tmp_path: Path, house: House) -> None:
    """February does not close before January's usage, nor January after February: openings are what was left before."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    reporting.report(studio, h.january(found) + h.february(found))
    rows = h.dump(studio)

    with pytest.raises(ConflictError, match="no closed period holds"):
        periods.close(studio, h.FEBRUARY)
    assert h.dump(studio) == rows
    first, second = periods.close(studio, h.JANUARY), periods.close(studio, h.FEBRUARY)
    with pytest.raises(ConflictError, match="lies before the closed period"):
        periods.close(studio, "2024-12")

    before = closing(first.statements)
    assert all(one.summary.opening_micros == before[one.party_id, one.currency] for one in second.statements)
    studio.close()


def test_splits_that_become_known_count_from_the_next_period_on(tmp_path: Path, house: House) -> None:
    """January waits in suspense and stays as it was; February pays by the splits stated for its days."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    reporting.report(studio, h.january(found) + h.february(found))
    first = periods.close(studio, h.JANUARY)
    ada, ben = (PartyId(party_id_of(name)) for name in (h.ADA, h.BEN))

    with pytest.raises(ConflictError, match="closed up to 2025-01-31") as caught:
        set_work_splits(studio, WorkId(h.RHYME), [Split(ada, PPB, valid_from="2025-01-31")])
    share_work(studio, WorkId(h.RHYME), [(h.ADA, 600_000_000), (ben, 400_000_000)], "2025-02-01")
    second = periods.close(studio, h.FEBRUARY)

    assert "2025-02-01" in caught.value.remedy
    assert all(part.suspense_micros > 0 for pool in first.close.pools for part in pool.parts)
    assert all(part.suspense_micros == 0 for pool in second.close.pools for part in pool.parts)
    assert {line.party_id for line in read_lines(second.tables) if line.work_id == h.RHYME} == {ada, ben}
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
    reporting.report(studio, march)
    closed = periods.close(studio, "2025-03")

    assert left == again == 5
    statement = next(one for one in closed.statements if (one.party_id, one.currency) == (ada, "EUR"))
    money = statement.summary
    assert (money.opening_micros, money.paid_micros) == (before, before - 5)
    assert money.closing_micros == 5 + money.earned_micros
    assert [payment.amount_micros for payment in statement.payments] == [before - 5]
    assert closing(closed.statements) == owed(studio)
    assert account_balances(studio, "Assets:Bank") == {("Assets:Bank", "EUR"): 5 - before}
    assert check_studio(studio) == []
    studio.close()


def test_periods_with_similar_names_do_not_share_files(tmp_path: Path, house: House) -> None:
    """Names that read alike to a file system have folders of their own."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    reporting.report(studio, h.january(found) + h.february(found))

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
    reporting.report(studio, h.january(found) + h.february(found))

    periods.close(studio, h.JANUARY, starts_on="2025-01-01", ends_on="2025-01-31")
    closed = periods.close(studio, "p" * 100, starts_on="2025-02-01", ends_on="2025-02-28")

    assert closed.receipt.receipt_id == f"period:{'p' * 100}"
    assert check_studio(studio) == []
    studio.close()


def test_a_period_that_earned_nothing(tmp_path: Path, house: House) -> None:
    """Usage without revenue closes without a journal entry, and is proven all the same."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    reporting.report(studio, [replace(event, revenue_micros=0) for event in h.january(found)])

    closed = periods.close(studio, h.JANUARY)

    assert (closed.entry_id, closed.statements) == ("", ())
    assert check_ledger(studio) == (0, [])
    assert check_studio(studio) == []
    assert periods.close(studio, h.JANUARY).was_closed
    studio.close()
