"""An output or a person is forgotten end to end: their proofs are noise, everybody else's stand, and the check says when."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from endcredits import durable
from endcredits.errors import ConflictError, MachineError, NotFoundError
from endcredits.flows import attributing, erasing, fact_log, indexing, periods, rights
from endcredits.flows.checking import CHECKS, check_studio
from endcredits.flows.erasing import erase, plan_output, plan_party, resume
from endcredits.flows.fact_files import facts_in
from endcredits.flows.studio import Studio, open_studio
from endcredits.ids import WorkId
from endcredits.receipts import check_log, load_lines, load_receipt, receipt_path, verify_receipt
from endcredits.receipts.handing_out import line_receipt
from endcredits.receipts.lines import lines_path
from endcredits.works import FileMark, Permission, add_marks, party_id_of, works
from tests.story import house as h
from tests.story.house import House, house

__all__ = ["house"]

CLEO = str(party_id_of(h.CLEO))
ADA = str(party_id_of(h.ADA))
REGISTER = "media/codes.sqlite"


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """Two closed periods."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield opened
    opened.close()


def outputs(studio: Studio) -> list[str]:
    return [str(one.output_id) for one in attributing.all_attributions(studio)]


def snapshot(studio: Studio) -> dict[str, bytes]:
    """Every file but the database, the log and what lies beside it."""
    return {name: data for name, data in h.files(studio.path).items() if not name.startswith("log")}


def found(studio: Studio) -> list[tuple[str, str]]:
    """What the checks of log and receipts find; computing closes again would find no more here, and take its time."""
    findings = check_log(studio.log_to_read())
    for check in CHECKS["receipts"]:
        findings.extend(check(studio))
    return [(one.where, one.problem) for one in findings]


def test_an_output_is_forgotten(studio: Studio) -> None:
    """Salt and body are nowhere any more, all other files are the same to the byte, and everything fits."""
    output, *others = outputs(studio)
    receipt = load_receipt(receipt_path(studio.receipts, output))
    lines = load_lines(lines_path(studio.receipts, output), output)
    older, before = studio.log_to_read().checkpoint().note, snapshot(studio)
    told = line_receipt(studio.receipts, output, h.TIDE)

    plan = plan_output(studio, output)
    assert plan.receipts == (output,) and any("books" in text for text in plan.remains)
    assert snapshot(studio) == before, "a plan only looks"
    (name,) = erase(studio, plan)

    after = snapshot(studio)
    for secret in (receipt.salt, *(line.salt for line in lines)):
        assert not [file for file, data in after.items() if secret.encode() in data]
    changed = {file for file in {*before, *after} if before.get(file) != after.get(file)}
    file = receipt_path(studio.receipts, output).name
    assert {f"receipts/{file}", f"receipts/lines/{file}"} <= changed
    rest = changed - {f"receipts/{file}", f"receipts/lines/{file}"}
    assert {one for one in rest if not one.startswith(("receipts/erasure", "receipts/erased/"))} <= {REGISTER}
    assert check_log(studio.log_to_read(), [older]) == [] and found(studio) == []
    assert verify_receipt(receipt_path(studio.receipts, name).read_bytes(), studio.log_to_read().vkey).verified
    assert verify_receipt(told, studio.log_to_read().vkey).verified, "what was handed out before stays true"
    assert erasing.notes(studio)[0].startswith("Erased on 20") and "1 entry" in erasing.notes(studio)[0]
    with pytest.raises(ConflictError, match="was erased on"):
        plan_output(studio, output)
    assert others


def test_a_forgotten_output_stays_forgotten(studio: Studio) -> None:
    """Attributing the same again, closing again and looking at the period issue it no second time."""
    given = h.outputs()[0]
    index = indexing.current_index(studio)
    (known,) = attributing.attribute(studio, index, [given])
    erase(studio, plan_output(studio, known.output_id))
    size = studio.log_to_read().checkpoint().size

    (again,) = attributing.attribute(studio, index, [given])
    periods.find_period(studio, h.JANUARY)
    assert attributing.complete_receipts(studio, [known]) == []

    assert again == known and studio.log_to_read().checkpoint().size == size
    assert not receipt_path(studio.receipts, known.output_id).exists() and found(studio) == []


def test_a_person_is_forgotten(studio: Studio) -> None:
    """Every line of the works that are theirs alone, their statements and facts; of nobody else anything."""
    names = outputs(studio)
    before = {name: load_lines(lines_path(studio.receipts, name), name) for name in names}
    kept = {name: line_receipt(studio.receipts, name, h.SALT) for name in names}
    with studio.store.reading() as conn:
        file = {work.work_id: work.manifestations[0].sha256 for work in works(conn)}
    address = "https://cleo.example/tide.txt"
    marks = [
        FileMark(file[WorkId(h.TIDE)], "url", address),
        FileMark(file[WorkId(h.SALT)], "url", "https://ada.example/salt"),
    ]
    fact_log.write(studio, lambda conn: add_marks(conn, marks))
    no = Permission(
        file[WorkId(h.TIDE)], "tdm", "deny", "no", address, "host", "2027-01-01T00:00:00Z", subject_kind="sha256"
    )
    rights.say(studio, [no])

    plan = plan_party(studio, CLEO)
    assert set(plan.lines) == set(names) and all(len(places) == 1 for places in plan.lines.values())
    assert len(plan.receipts) == 4 and plan.facts and plan.sums, "two months in two currencies"
    erase(studio, plan)

    assert check_studio(studio) == []
    for name in names:
        after = load_lines(lines_path(studio.receipts, name), name)
        for old, new in zip(before[name], after, strict=True):
            assert old.line is not None and old.hash == new.hash
            assert (new.line is None) == (old.line["work_id"] == h.TIDE)
        assert line_receipt(studio.receipts, name, h.SALT) == kept[name], "another's proof is the same to the byte"
        with pytest.raises(NotFoundError, match="1 of its lines were erased"):
            line_receipt(studio.receipts, name, h.TIDE)
    for path in studio.receipts.glob("statement*.json"):
        assert load_receipt(path).body["party_id"] != CLEO
    for path in [*studio.path.glob("statements/*/*.receipt.json"), *studio.path.glob("statements/*/*.period.json")]:
        assert CLEO.encode() not in path.read_bytes(), path
    gone, kept_types = 0, ("period.step", "usage.intake", "payout.batch", "payout.settle")
    for fact in facts_in(studio.path):
        gone += fact.body is None
        told = json.dumps(fact.body)
        assert fact.body is None or fact.type in kept_types or (CLEO not in told and address not in told), fact.fact_id
    assert "https://ada.example/salt" in json.dumps([fact.body for fact in facts_in(studio.path, "file.mark")])
    assert gone == len(plan.facts)
    sums = [row for path in studio.path.glob("periods/*/*/sums/*.jsonl") for row in path.read_bytes().splitlines()]
    assert not [row for row in sums if CLEO.encode() in row]
    assert not plan_party(studio, CLEO).lines and not plan_party(studio, CLEO).receipts
    assert erase(studio, plan_party(studio, CLEO)) == ()


def test_what_others_have_a_part_in_stays(studio: Studio) -> None:
    """A work of two is the other's proof, too: it is left, and the plan says so."""
    plan = plan_party(studio, ADA)

    assert plan.lines == {}, "her one work is Ben's, too"
    assert any(h.SALT in text for text in plan.remains)
    assert not any(h.SALT in text for text in plan_party(studio, CLEO).remains)


def test_nobody_and_nothing_to_erase(studio: Studio) -> None:
    """An unknown output or party, and a receipt that is many people's."""
    with pytest.raises(NotFoundError, match="no receipt"):
        plan_output(studio, "output:nobody")
    with pytest.raises(NotFoundError, match="no party"):
        plan_party(studio, "party:nobody")
    with pytest.raises(ConflictError, match=r"period\.receipt"):
        plan_output(studio, f"period:{h.JANUARY}")


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
@pytest.mark.parametrize("step", range(0, 30, 6))
def test_a_full_disk_at_any_write(studio: Studio, monkeypatch: pytest.MonkeyPatch, step: int, kept: bool) -> None:
    """Whatever fails, the same command or `resume` ends it, and nothing is ever called damaged meanwhile."""
    plan, real, count = plan_party(studio, CLEO), durable.write_atomic, 0

    def failing(path: Path, data: bytes, **options: bool) -> None:
        nonlocal count
        count += 1
        if count != step + 1 or kept:
            real(path, data, **options)
        if count == step + 1:
            raise MachineError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "write_atomic", failing)
        try:
            erase(studio, plan)
        except MachineError:
            problems = [problem for _, problem in found(studio)]
            assert all("not finished" in one or "interrupted" in one for one in problems), problems
    resume(studio)
    erase(studio, plan_party(studio, CLEO))

    assert found(studio) == []
    assert not plan_party(studio, CLEO).lines and not plan_party(studio, CLEO).receipts


def test_what_is_taken_away_in_silence_is_found(studio: Studio) -> None:
    """A fact or a place in a sum tree that is gone, and no erasure names it."""
    erase(studio, plan_party(studio, CLEO))
    assert found(studio) == []
    for path in studio.receipts.glob("erasure*.json"):
        document = json.loads(path.read_bytes())
        if document["body"]["entries"]:
            path.unlink()

    assert any("no erasure in the log says so" in problem for _, problem in found(studio))
