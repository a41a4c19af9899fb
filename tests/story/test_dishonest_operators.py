"""Operators who cheat, each really built, and what an auditor says of them: what was done, and where."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from endcredits.attribution import attributions, document_of
from endcredits.canonical import canonical_bytes, digest
from endcredits.flows import attributing, booking, catalogue, closing, fact_log, indexing, pairs, periods, reporting
from endcredits.flows.clock import now
from endcredits.flows.fact_files import add_facts, make_fact
from endcredits.flows.fact_kinds import CONSENT, KINDS, STEP
from endcredits.flows.publishing import publish_period
from endcredits.flows.studio import Studio, open_studio
from endcredits.payouts import Statement, parse_statement, statement_json
from endcredits.receipts import Item, issue, load_receipt, receipt_bytes, receipt_path
from endcredits.receipts.sum_file import read_tree, write_tree
from endcredits.receipts.sum_tree import Salted, SumNode, build, leaf_hash
from endcredits.royalties import FIFTY_FIFTY
from endcredits.store import row_digest
from endcredits.works import Permission, read_table
from tests.flows.used import csv_file
from tests.story import house as h
from tests.story.dishonest import (
    attributed,
    audited,
    by_hand,
    closed,
    listed_again,
    pack,
    published,
    rewritten_lines,
    rewritten_table,
    told,
    uses,
)
from tests.story.house import JANUARY, House

__all__ = ["attributed", "closed", "pack"]


def test_an_honest_operator_is_found_honest(pack: Path) -> None:
    """Nothing is found, and what was not checked is said."""
    audit = audited(pack)

    assert audit.findings == ()
    assert any("--usage" in text for text in audit.not_checked) and len(audit.checked) >= 6


def test_what_is_registered_while_a_close_waits_for_approval_blames_nobody(attributed: Studio, tmp_path: Path) -> None:
    """A work that came after the inputs were frozen is none of them: it counts in the next period."""
    reporting.report(attributed, uses(attributed, 20))
    closing.propose(attributed, JANUARY, by="ada")
    row = ["work_id,title,creator,split,permission,text", "work:new,New,Eve Lund,,allow,salt and sand"]
    (tmp_path / "new.csv").write_text("\n".join(row) + "\n")
    catalogue.add_works(attributed, read_table(tmp_path / "new.csv"))
    periods.approve(attributed, JANUARY, by="bob")

    assert published(attributed, tmp_path / "pack") == ""


def test_one_in_a_hundred_uses_is_dropped_after_it_was_handed_in(attributed: Studio, tmp_path: Path) -> None:
    """The hand-in's entry counts them: which numbers are missing is said."""
    reporting.report(attributed, uses(attributed))
    with by_hand(attributed, "usage_events") as hand:
        hand.execute("DELETE FROM usage_events WHERE number IN (17, 133)")
    periods.close(attributed, JANUARY)

    found = published(attributed, tmp_path / "pack")

    assert "2 of them are missing (numbers 17, 133): dropped after they were handed in" in found


def test_the_gap_is_closed_by_new_numbers(attributed: Studio, tmp_path: Path) -> None:
    """Who numbers the others anew leaves no gap, and rows that the entry does not commit to."""
    reporting.report(attributed, uses(attributed))
    with by_hand(attributed, "usage_events") as hand:
        hand.execute("DELETE FROM usage_events WHERE number = 17")
        hand.execute("UPDATE usage_events SET number = number - 1 WHERE number > 17")
        columns = [row[1] for row in hand.execute("PRAGMA table_info(usage_events)")]
        for values in hand.execute("SELECT * FROM usage_events WHERE number >= 17").fetchall():
            row = dict(zip(columns, values, strict=True))
            fits = row_digest("usage_events", {name: value for name, value in row.items() if name != "digest"})
            hand.execute("UPDATE usage_events SET digest = ? WHERE number = ?", [fits, row["number"]])
    periods.close(attributed, JANUARY)

    found = published(attributed, tmp_path / "pack")

    assert "1 of them are missing (numbers 200)" in found
    assert "of the events of 2025-01-17 in EUR, 7 were handed in and 6 are shown" in found


def test_one_in_a_hundred_uses_is_never_handed_in(attributed: Studio, tmp_path: Path) -> None:
    """Only the service's own report shows it, and then every one is named."""
    every = uses(attributed)
    reporting.report(attributed, [one for n, one in enumerate(every) if n not in (20, 150)])
    periods.close(attributed, JANUARY)
    rows = [f"{one.event_id},{one.output_id},{one.used_at},{one.revenue_micros},EUR,web,DE" for one in every]
    head = "event_id,output_id,used_at,revenue_micros,currency,service,territory"
    service = csv_file(tmp_path / "service.csv", head, *rows)

    alone = published(attributed, tmp_path / "pack")
    found = told(audited(tmp_path / "pack", usage=service))

    assert alone == "", "the operator's own books cannot show it"
    assert "use use-0020 of 2025-01-21" in found and "use use-0150" in found
    assert "2 of 200 uses that the service reports (1.0 %) are missing" in found
    assert "never handed in" in found


def test_the_policy_is_swapped_after_it_was_proposed(attributed: Studio, tmp_path: Path) -> None:
    """The step in the log fixed another one."""
    reporting.report(attributed, uses(attributed, 20))
    meaner = replace(FIFTY_FIFTY, pools=(replace(FIFTY_FIFTY.pools[0], share_ppb=400_000_000),))
    closing.propose(attributed, JANUARY)
    shutil.rmtree(attributed.path / "periods")
    with by_hand(attributed, "close_steps", "royalty_log") as hand:
        hand.execute("DELETE FROM close_steps WHERE step = 'computed'")
        (facts,) = hand.execute("SELECT facts FROM close_steps").fetchone()
        swapped = {**json.loads(facts), "policy": json.loads(canonical_bytes(meaner))}
        hand.execute("UPDATE close_steps SET facts = ?", [canonical_bytes(swapped).decode()])
    with attributed.store.reading() as conn:
        (step,) = closing.steps_of(conn, JANUARY)
    closing.compute(attributed, step)
    periods.approve(attributed, JANUARY)

    found = published(attributed, tmp_path / "pack")

    assert "the policy was swapped" in found
    assert "it is of another close than the one here: the close was changed after it" in found


def test_another_policy_than_the_agreed_one(pack: Path) -> None:
    """Who has the agreed policy compares."""
    agreed = replace(FIFTY_FIFTY, pools=(replace(FIFTY_FIFTY.pools[0], share_ppb=600_000_000),))

    assert "which is not the policy that was given" in told(audited(pack, policy=agreed))
    assert audited(pack, policy=FIFTY_FIFTY).findings == ()


def test_a_credit_is_edited_in_the_books(attributed: Studio, tmp_path: Path) -> None:
    """The output's receipt committed to another one before: which work's, and from what to what."""
    with attributed.store.reading() as conn:
        one = attributions(conn)[0]
    plain: dict[str, Any] = document_of(one)
    line = plain["lines"][0]
    before = line["credit_nanonats"]
    line["credit_nanonats"] += 1_000_000
    document = canonical_bytes(plain).decode()
    with by_hand(attributed, "attributions") as hand:
        columns = [row[1] for row in hand.execute("PRAGMA table_info(attributions)")]
        name = "document" if "document" in columns else columns[-2]
        values = hand.execute("SELECT * FROM attributions WHERE output_id = ?", [one.output_id]).fetchone()
        row = {**dict(zip(columns, values, strict=True)), name: document}
        stated = digest(document_of(one))
        row.update({key: digest(plain) for key in columns if key.endswith("_digest") and row[key] == stated})
        row["digest"] = row_digest("attributions", {key: value for key, value in row.items() if key != "digest"})
        changes = ", ".join(f"{key} = ?" for key in columns)
        new = [*(row[key] for key in columns), one.output_id]
        hand.execute(f"UPDATE attributions SET {changes} WHERE output_id = ?", new)
    reporting.report(attributed, uses(attributed, 20))
    periods.close(attributed, JANUARY)

    found = published(attributed, tmp_path / "pack")

    assert f"receipt {one.output_id}" in found
    assert f"the credit of '{line['work_id']}' was {before} nano-nats when it was committed to" in found
    assert f"is {before + 1_000_000} in what was paid by: it was edited" in found


def test_a_credit_is_edited_in_the_frozen_folder(pack: Path) -> None:
    """The table is made again from the receipts, and the row that does not follow is named."""
    seen: list[int] = []

    def change(row: dict[str, Any]) -> dict[str, Any]:
        if seen:
            return row
        seen.append(row["credit_nanonats"])
        return {**row, "credit_nanonats": row["credit_nanonats"] + 7}

    rewritten_table(pack, "credits", change)
    listed_again(pack)

    found = told(audited(pack))

    assert "frozen table 'credits': it holds the row" in found and f"credit_nanonats {seen[0] + 7}" in found
    assert "the frozen inputs are not those that were closed: credits differ" in found


def test_a_credit_is_edited_in_a_receipt(pack: Path) -> None:
    """A receipt whose line was changed does not verify."""

    def change(plain: dict[str, Any]) -> dict[str, Any]:
        if "lines" in plain:
            plain["lines"][0]["line"]["credit_nanonats"] += 1
        return plain

    assert rewritten_lines(pack / "receipts.jsonl", change) == 5
    listed_again(pack)

    assert "the receipt does not verify" in told(audited(pack))


def test_the_log_is_forked(attributed: Studio, tmp_path: Path, house: House) -> None:
    """Two auditors are shown two logs under one key; whoever compares checkpoints finds out."""
    other = open_studio(house.copy(attributed.path, tmp_path / "other"))
    for studio, number in ((attributed, 20), (other, 30)):
        reporting.report(studio, uses(studio, number))
        periods.close(studio, JANUARY)
    shown_to_another = (other.path / "log" / "checkpoint").read_text()
    other.close()

    alone = published(attributed, tmp_path / "pack")
    found = told(audited(tmp_path / "pack", older=(shown_to_another,)))

    assert alone == ""
    assert "another log was shown to whoever kept it" in found


def test_a_permission_is_dated_back(attributed: Studio, tmp_path: Path, house: House) -> None:
    """It holds from before the training by its own words, and its entry stands after the training that it allows."""
    honest = fact_log.KINDS
    fact_log.KINDS = tuple(kind for kind in KINDS if kind.type != CONSENT)  # the operator's program is the operator's
    try:
        at = now()
        catalogue.state(attributed, Permission(h.FOUND, "train", "allow", "agreed", "letter", h.DORA, at))
        index = indexing.build(attributed, pairs.folders(*house.models), catalogue.corpus(attributed))
    finally:
        fact_log.KINDS = honest
    attributing.attribute(attributed, index, h.outputs())
    used = [one for one in attributing.all_attributions(attributed) if one.index_digest == index.index.digest]
    reporting.report(attributed, h.january(used))
    periods.close(attributed, JANUARY)

    found = published(attributed, tmp_path / "pack")

    assert f"of '{h.FOUND}' says that it holds from {at}" in found and "it was dated back" in found


def test_one_line_is_changed_and_everything_signed_again(
    attributed: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator's program moves one micro; statement, receipt and log agree with each other, and the close does not."""
    honest = booking.statements_of

    def greedy(*args: Any) -> Iterator[Statement]:
        for number, one in enumerate(honest(*args)):
            if number == 0:
                money = replace(one.summary, earned_micros=one.summary.earned_micros - 1)
                money = replace(money, closing_micros=money.closing_micros - 1)
                money = replace(money, carried_over_micros=money.carried_over_micros - 1)
                lines = (replace(one.lines[0], amount_micros=one.lines[0].amount_micros - 1), *one.lines[1:])
                one = replace(one, summary=money, lines=lines, control_micros=one.control_micros - 1)
            yield one

    reporting.report(attributed, uses(attributed, 20))
    monkeypatch.setattr(booking, "statements_of", greedy)
    periods.close(attributed, JANUARY)
    publish_period(attributed, JANUARY, tmp_path / "pack")
    monkeypatch.undo()

    found = told(audited(tmp_path / "pack"))

    assert "it says lines[0].amount_micros" in found and "it says summary.closing_micros" in found


def test_a_payee_is_invented(pack: Path) -> None:
    """A statement that follows from nothing is named with its payee."""
    path = sorted((pack / "statements").glob("*.json"))[0]
    invented = replace(parse_statement(path.read_bytes()), party_id="party:nobody", payee="Nobody Real")  # type: ignore[arg-type]
    invented = replace(invented, statement_id=f"statement:{JANUARY}:EUR:0123456789abcdef")
    (pack / "statements" / "nobody-real-EUR-00000000.json").write_bytes(statement_json(invented).encode())
    listed_again(pack)

    found = told(audited(pack))

    assert "nothing is owed to 'Nobody Real' in EUR: an invented payee or statement" in found
    assert "the log has no receipt of it" in found


def test_a_statement_is_withheld(pack: Path) -> None:
    """It is made again, so it is missed by name; that its receipt was left out as well changes nothing."""
    path = sorted((pack / "statements").glob("*.json"))[0]
    gone = parse_statement(path.read_bytes())
    path.unlink()
    rewritten_lines(
        pack / "receipts.jsonl", lambda plain: None if plain["receipt_id"].endswith(gone.statement_id) else plain
    )
    listed_again(pack)

    found = told(audited(pack))

    assert f"statement {gone.statement_id}: it follows from the close ('{gone.payee}'" in found and "withheld" in found


def test_a_receipt_is_issued_again(closed: Studio, tmp_path: Path) -> None:
    """The log has two entries about outputs more than there are outputs; and who holds the first one shows it."""
    one = attributing.all_attributions(closed)[0]
    path = receipt_path(closed.receipts, one.output_id)
    receipt = load_receipt(path)
    held = receipt_bytes(receipt)
    path.unlink()
    (closed.receipts / "lines" / path.name).unlink()
    for left in closed.path.glob("log.*"):
        left.unlink()  # the private index that would refuse a second one
    body = {name: value for name, value in receipt.body.items() if name not in ("lines_count", "lines_root")}
    changed = {**body, "reliability_ppb": 1_000_000_000}
    issue(closed.log(), closed.receipts, [Item(one.output_id, "run.receipt", changed, document_of(one)["lines"])], now())

    found = published(closed, tmp_path / "pack")
    by_holder = told(audited(tmp_path / "pack", receipts=(held,)))

    assert f"entry {receipt.proof.leaf_index} of the log: it is an output's receipt that is neither shown nor named" in found
    assert "somebody holds one of another content than the one here: it was re-issued" in by_holder


def test_splits_are_altered_in_the_books(attributed: Studio, tmp_path: Path) -> None:
    """The close follows from the altered splits to the byte, and the log holds the agreed ones."""
    reporting.report(attributed, uses(attributed, 20))
    with by_hand(attributed, "splits") as hand:
        columns = [row[1] for row in hand.execute("PRAGMA table_info(splits)")]
        for ppb, changed in ((600_000_000, 700_000_000), (400_000_000, 300_000_000)):
            where = "WHERE work_id = ? AND split_ppb = ?"
            values = hand.execute(f"SELECT * FROM splits {where}", [h.SALT, ppb]).fetchone()
            row = {**dict(zip(columns, values, strict=True)), "split_ppb": changed}
            fits = row_digest("splits", {key: value for key, value in row.items() if key != "digest"})
            hand.execute(f"UPDATE splits SET split_ppb = ?, digest = ? {where}", [changed, fits, h.SALT, ppb])
    periods.close(attributed, JANUARY)

    found = published(attributed, tmp_path / "pack")

    assert f"frozen table 'splits': it holds the row (work {h.SALT}, right train" in found
    assert "split_ppb 700000000" in found and "split_ppb 600000000), ) is missing" not in found


def test_splits_are_altered_in_the_frozen_folder(pack: Path) -> None:
    """The same in the folder alone."""
    swapped = {600_000_000: 700_000_000, 400_000_000: 300_000_000}
    rewritten_table(pack, "splits", lambda row: {**row, "split_ppb": swapped.get(row["split_ppb"], row["split_ppb"])})
    listed_again(pack)

    found = told(audited(pack))

    assert "frozen table 'splits'" in found and "close/frozen/splits.parquet" in found


def test_a_fact_is_left_out(pack: Path) -> None:
    """The log counts entries by type: a hand-in that the pack does not show is missed."""
    dropped: list[int] = []

    def change(plain: dict[str, Any]) -> dict[str, Any] | None:
        if plain.get("fact_id", "").startswith("usage.intake"):
            dropped.append(plain["position"])
            return None
        return plain

    rewritten_lines(pack / "facts.jsonl", change)
    listed_again(pack)

    assert f"entry {dropped[0]} of the log: it is a 'usage.intake' from before the approval" in told(audited(pack))


def test_steps_are_reordered(attributed: Studio, tmp_path: Path) -> None:
    """Approved by the log before it was proposed by the log."""
    reporting.report(attributed, uses(attributed, 20))
    honest = fact_log.KINDS
    fact_log.KINDS = tuple(kind for kind in KINDS if kind.type != STEP)
    try:
        periods.close(attributed, JANUARY)
    finally:
        fact_log.KINDS = honest
    (kind,) = (kind for kind in KINDS if kind.type == STEP)
    with attributed.store.reading() as conn:
        steps = list(kind.items(conn))
    log = attributed.log()
    with log.writing():
        add_facts(attributed.path, log, [make_fact(STEP, key, body, now()) for key, body in reversed(steps)])

    found = published(attributed, tmp_path / "pack")

    assert "before the step that it follows" in found and "reordered" in found


def test_a_file_is_changed_after_publishing(pack: Path) -> None:
    """Also what no other check looks at."""
    (pack / "README.txt").write_text("Trust us.")
    (pack / "more.txt").write_text("Nobody listed me.")

    found = told(audited(pack))

    assert "README.txt: it is not the file that the manifest names" in found
    assert "more.txt: the manifest does not name it" in found


@pytest.mark.parametrize("kind", ["work.register", "split.set", "consent.state", "usage.intake"])
def test_a_fact_is_called_erased_and_no_erasure_says_so(pack: Path, kind: str) -> None:
    """What was left out does not become erased by being called so, and what is of the books never does."""
    called: list[str] = []

    def hide(row: dict[str, Any]) -> dict[str, Any]:
        if called or json.loads(row["leaf"])["type"] != kind:
            return row
        called.append(row["leaf"])
        return {"erased": True, "leaf": row["leaf"], "position": row["position"]}

    rewritten_lines(pack / "facts.jsonl", hide)
    listed_again(pack)

    assert called and "it is called erased here" in told(audited(pack))


def test_a_receipt_is_called_erased_and_no_erasure_says_so(pack: Path) -> None:
    """So a second receipt for an output could be hidden."""
    hidden: list[dict[str, Any]] = []

    def hide(row: dict[str, Any]) -> dict[str, Any] | None:
        if hidden or row["type"] != "run.receipt":
            return row
        hidden.append(row)
        return None

    rewritten_lines(pack / "receipts.jsonl", hide)
    position = int(hidden[0]["proof"].splitlines()[1].removeprefix("index "))
    stone = {"erased": True, "leaf": hidden[0]["leaf"], "position": position}
    (pack / "others.jsonl").write_bytes((pack / "others.jsonl").read_bytes() + canonical_bytes(stone) + b"\n")
    listed_again(pack)

    assert "no erasure in the log names it: it was left out ('run.receipt')" in told(audited(pack))


def test_a_place_in_the_sums_is_called_erased_and_no_erasure_says_so(pack: Path) -> None:
    """The amounts are right, and whose they are is hidden."""
    path = next((pack / "close" / "sums").glob("*.jsonl"))
    rows = list(read_tree(path).rows)
    first = rows[0]
    assert isinstance(first, Salted)
    hashed = leaf_hash(first.leaf, bytes.fromhex(first.salt)).hex()
    rows[0] = SumNode(hashed, first.leaf.paid_micros, first.leaf.taken_micros)
    write_tree(path, build(rows))
    listed_again(pack)

    assert "it is called erased here" in told(audited(pack))
