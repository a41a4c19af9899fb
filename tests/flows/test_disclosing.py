"""What disclosures are made from: counted from the registry and the log, as it was when the corpus was made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.canonical import digest
from endcredits.errors import InputError, IntegrityError, MachineError, NotFoundError
from endcredits.flows import admitting, catalogue, fact_log, indexing
from endcredits.flows.disclosing import PRESENT, REGISTRY, collect
from endcredits.flows.disclosing_documents import DOCUMENTS, disclose
from endcredits.flows.fact_files import facts_in
from endcredits.flows.fact_kinds import CONSENT, MODEL
from endcredits.flows.sources import from_registry
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.receipts import Item, issue
from endcredits.works import FileMark, Permission, Provenance, add_marks, permissions, state_permissions, works
from endcredits.works.disclosure import Collected, Facts, parse_facts, training_record
from tests.flows.used import ADA
from tests.story import house as h
from tests.story.house import House

DAY, LATER = "2030-01-01", "2031-01-01T00:00:00Z"
OPERATOR = "party:story-house"


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """A studio of the test's own, with works and an index."""
    opened = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    yield opened
    opened.close()


def said(subject: str, value: str = "allow", **fields: Any) -> Permission:
    plain: dict[str, Any] = {
        "verb": "train",
        "reason": f"it says {value}",
        "source": "letter",
        "declared_by": "Ada Quill",
        "effective_from": "2026-01-01T00:00:00Z",
    }
    return Permission(subject=subject, value=value, **{**plain, **fields})


def state(studio: Studio, *statements: Permission) -> None:
    fact_log.write(studio, lambda conn: state_permissions(conn, statements))


def read_by_machine(sha256: str, value: str, standard: str = "TDMRep", **fields: Any) -> Permission:
    where = Provenance(standard, "1.0", "HTTP header", "https://a.example/x", digest([standard, value]))
    return said(sha256, value, subject_kind="sha256", provenance=where, declared_by=f"{standard} of a.example", **fields)


def file_of(studio: Studio, work_id: str) -> str:
    with studio.store.reading() as conn:
        return next(work for work in works(conn) if work.work_id == work_id).manifestations[0].sha256


def known(collected: Collected) -> list[str]:
    return [work.work_id for work in collected.works]


def test_an_index_is_disclosed_with_what_it_was_built_from(studio: Studio) -> None:
    found = collect(studio, on=DAY, positions=True)
    with studio.store.reading() as conn:
        registered = {work.work_id: work for work in works(conn)}
        stated = {one.permission_id: one for one in permissions(conn)}
    assert known(found) == sorted([h.SALT, h.LAMP, h.TIDE, h.RHYME])
    for work in found.works:
        of = registered[work.work_id]  # type: ignore[index]
        assert work.title == of.title and [one.sha256 for one in work.files] == [one.sha256 for one in of.manifestations]
        assert work.names == tuple(one.display_credit for one in of.credits)
        assert work.permission == stated[work.permission_id] and work.ground == "other statement" and not work.taken_back
    assert {(one.work_id, one.value) for one in found.refused} == {(h.CLOSED, "deny"), (h.FOUND, "unknown")}
    positions = {fact.fact_id.removeprefix("consent.state:"): fact.position for fact in facts_in(studio.path, CONSENT)}
    assert {work.permission_id: work.permission_position for work in found.works}.items() <= positions.items()

    (model,) = facts_in(studio.path, MODEL)
    assert model.body is not None
    standing = found.standing
    assert standing.corpus_digest == model.body["corpus_digest"] and standing.index_digest == model.body["index_digest"]
    assert (standing.trained_size, standing.trained_root) == tuple(
        model.body["permissions"][one] for one in ("size", "root")
    )
    assert standing.log_root == studio.log_to_read().root_at(standing.log_size).hex() and standing.on == DAY
    assert standing.admission == "missing" and dict(standing.models)["full"] == model.body["full_sha256"]


def test_receipts_that_follow_change_no_document(studio: Studio) -> None:
    """A document stands on the statements; the log grows with every output, and the document stays as it is."""
    before = disclose(studio, "eu", Facts({}), on=DAY).data
    issue(studio.log(), studio.receipts, [Item("note:1", "note", {"text": "later"})], "2026-11-20T00:00:00Z")
    assert disclose(studio, "eu", Facts({}), on=DAY).data == before


def test_an_index_built_before_stays_disclosed_as_it_was(studio: Studio) -> None:
    """A later no, a later yes and a later address change neither grounds nor refusals; the no is told as taken back."""
    before = collect(studio, on=DAY)
    sha = file_of(studio, h.TIDE)
    state(
        studio,
        said(h.SALT, "deny", effective_from="2029-06-01T00:00:00Z"),
        said(h.FOUND, "allow", effective_from="2027-01-01T00:00:00Z"),
        read_by_machine(sha, "deny", effective_from=LATER),
    )
    fact_log.write(studio, lambda conn: add_marks(conn, [FileMark(sha, "url", "https://a.example/x")]))
    after = collect(studio, on=DAY)
    assert [(one.work_id, one.value) for one in after.refused] == [(one.work_id, one.value) for one in before.refused]
    assert after.standards == before.standards and after.raw_sha256 == ""
    assert {work.work_id for work in after.works if work.taken_back} == {h.SALT}
    assert after.standing.corpus_digest == before.standing.corpus_digest
    assert after.standing.log_size > before.standing.log_size
    assert all(not file.urls for work in after.works for file in work.files)
    assert {work.work_id for work in collect(studio, on="2031-06-01").works if work.taken_back} == {h.SALT, h.TIDE}
    assert not any(work.taken_back for work in collect(studio, on="2028-01-01").works)


def test_the_registry_as_it_would_be_admitted_on_a_day(studio: Studio) -> None:
    today = collect(studio, corpus=REGISTRY)
    corpus = catalogue.corpus(studio)
    assert known(today) == sorted(work.work_id for work in corpus.admitted)
    assert today.standing.corpus_digest == corpus.digest() and today.standing.index_digest == ""
    before = collect(studio, corpus=REGISTRY, on="2000-01-01")
    assert known(before) == [] and before.refused == () and before.standards == ()


def test_reservations_are_counted_by_standard(studio: Studio) -> None:
    """Read from where they stand in the statements; against counting the statements one by one."""
    salt, lamp, tide = (file_of(studio, one) for one in (h.SALT, h.LAMP, h.TIDE))
    state(
        studio,
        read_by_machine(salt, "deny", verb="tdm"),
        read_by_machine(lamp, "allow"),
        read_by_machine(lamp, "allow", verb="index"),
        read_by_machine(tide, "deny", "AIPREF"),
        read_by_machine(tide, "deny", "RSL", verb="likeness"),
    )
    found = collect(studio, corpus=REGISTRY)
    counts = {one.standard: one for one in found.standards}
    assert list(counts) == ["AIPREF", "TDMRep", ""]
    reserved = counts["TDMRep"]
    assert (reserved.statements, reserved.noes, reserved.read, reserved.works, reserved.kept_out) == (3, 1, 2, 2, 1)
    assert reserved.versions == ("1.0",) and reserved.carriers == ("HTTP header",)
    assert counts["AIPREF"].kept_out == 1 and counts[""].kept_out == 2 and counts[""].read == 0
    assert {one.work_id: one.standard for one in found.refused if one.standard} == {h.SALT: "TDMRep", h.TIDE: "AIPREF"}
    with studio.store.reading() as conn:
        read = [one for one in permissions(conn) if one.provenance and one.verb != "likeness"]
    assert sum(one.statements for one in found.standards if one.standard) == len(read)
    raws = sorted({one.provenance.raw_sha256 for one in read if one.provenance})
    assert found.raw_sha256 == digest(raws)


def test_a_contract_over_a_reserved_work_is_told(studio: Studio) -> None:
    """Used, though the file says no to everybody else: counted, and named as the contract that permits it."""
    (studio.path / "studio.toml").write_text((studio.path / "studio.toml").read_text() + f'operator = "{OPERATOR}"\n')
    again = open_studio(studio.path)
    contract = said(h.SALT, licensee=OPERATOR, authority="rightsholder", party_id=ADA, reason="contract of 2 May 2026")
    tuned = said(h.SALT, licensee=OPERATOR, authority="rightsholder", party_id=ADA, verb="finetune", reason="the same")
    state(again, read_by_machine(file_of(again, h.SALT), "deny"), contract, tuned)
    found = collect(again, corpus=REGISTRY)
    (work,) = [one for one in found.works if one.work_id == h.SALT]
    assert work.ground == "contract" and found.contracts == (work.permission_id,)
    assert next(one for one in found.standards if one.standard == "TDMRep").used_despite == 1
    values = training_record(found, parse_facts({"reservation_checked_at": "2026-01-01T00:00:00Z"})).values
    assert values["result"] == "reserved" and values["licence_ref"] == work.permission_id
    again.close()


def test_an_index_is_found_by_its_name_and_its_digest(studio: Studio) -> None:
    folder = indexing.index_folders(studio)[0]
    whole = collect(studio, on=DAY)
    for name in (folder.name, folder.name[:8], whole.standing.index_digest, whole.standing.index_digest[:12]):
        assert collect(studio, on=DAY, index=name) == whole
    for name in ("nothing-of-that-name", folder.name[:7], "../../etc"):
        with pytest.raises(NotFoundError, match="no index"):
            collect(studio, on=DAY, index=name)
    with pytest.raises(NotFoundError, match="no corpus"):
        collect(studio, corpus="0" * 64)
    with pytest.raises(InputError, match="day"):
        collect(studio, on="tomorrow")


def test_a_damaged_index_is_named(studio: Studio) -> None:
    file = indexing.index_folders(studio)[0] / "corpus.json"
    file.write_bytes(file.read_bytes().replace(b"work:salt-road", b"work:salt-roae"))
    with pytest.raises(IntegrityError, match="damaged"):
        collect(studio, on=DAY)


def test_no_index_yet(tmp_path: Path) -> None:
    new = init_studio(tmp_path / "new")
    with pytest.raises(NotFoundError, match="no influence index"):
        collect(new, on=DAY)
    nothing = collect(new, on=DAY, corpus=REGISTRY)
    assert nothing.works == () and nothing.standing.log_size == 0 and nothing.standing.log_root == ""
    for kind in DOCUMENTS:
        assert not disclose(new, kind, Facts({}), on=DAY, corpus=REGISTRY).complete
    new.close()


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_twice_is_the_same_bytes(studio: Studio, tmp_path: Path, kind: str) -> None:
    facts = parse_facts({"provider": "Story House"})
    file = tmp_path / f"document{DOCUMENTS[kind]}"
    made = disclose(studio, kind, facts, on=DAY, out=file)
    assert file.read_bytes() == made.data == disclose(studio, kind, facts, on=DAY).data
    assert not made.complete and made.files == 1
    with pytest.raises(InputError, match="no form"):
        disclose(studio, kind, facts, on=DAY, out=tmp_path / "document.docx")


def test_an_admitted_corpus_is_disclosed_by_its_manifest(studio: Studio) -> None:
    """What went through the gate: its works, the statements of that time, and when every carrier was read."""
    with pytest.raises(NotFoundError, match="no corpus 'current'"):
        collect(studio, corpus=PRESENT)
    done = admitting.admit(studio, [from_registry()])
    before = collect(studio, on=DAY, corpus=done.corpus_digest)
    assert collect(studio, on=DAY, corpus=PRESENT) == before
    assert before.standing.admission == "whole" and before.standing.corpus_digest == done.corpus_digest
    assert before.standing.admitted_at == done.admission.document["made_at"]
    assert known(before) == sorted(row["work_id"] for row in done.admission.document["works"])
    assert {one.work_id: one.value for one in before.refused} == {h.CLOSED: "deny", h.FOUND: "unknown"}
    values = training_record(before, Facts({})).values
    assert values["reservation_checked_at"] == before.standing.admitted_at and values["result"] == "none-found"
    state(studio, said(h.SALT, "deny", effective_from="2029-06-01T00:00:00Z"), said(h.FOUND))
    after = collect(studio, on=DAY, corpus=done.corpus_digest[:12])
    assert known(after) == known(before) and after.refused == before.refused and after.standards == before.standards
    assert [work.work_id for work in after.works if work.taken_back] == [h.SALT]
    file = studio.path / "corpora" / f"{done.corpus_digest}.json"
    file.write_bytes(file.read_bytes().replace(b"rhymes", b"rhymez", 1))
    with pytest.raises(IntegrityError, match="broken"):
        collect(studio, on=DAY, corpus=done.corpus_digest)


@pytest.mark.parametrize("kept", [False, True])
def test_a_write_may_fail(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Lost, or kept and reported lost: the old document or the new one, whole, and the same again is right."""
    file, real = tmp_path / "summary.md", durable.write_atomic
    file.write_bytes(b"last year's")

    def write(path: Any, data: bytes, **more: Any) -> None:
        if kept:
            real(path, data, **more)
        raise MachineError("the disk is full")

    whole = disclose(studio, "eu", Facts({}), on=DAY).data
    with monkeypatch.context() as patch:
        patch.setattr(durable, "write_atomic", write)
        with pytest.raises(MachineError):
            disclose(studio, "eu", Facts({}), on=DAY, out=file)
    assert file.read_bytes() == (whole if kept else b"last year's")
    assert disclose(studio, "eu", Facts({}), on=DAY, out=file).data == file.read_bytes() == whole
