"""A creator's archive: everything of theirs, nothing of anybody else's, the same bytes again, and a crash leaves nothing."""

from __future__ import annotations

import csv
import dataclasses
import errno
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import IntegrityError, MachineError, NotFoundError
from endcredits.flows import catalogue, exporting, exporting_history, fact_log, funds, rights, sheets
from endcredits.flows.exporting import export
from endcredits.flows.exporting_check import check_export
from endcredits.flows.exporting_terms import WITHHELD
from endcredits.flows.sheets import NamedShare
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import balances
from endcredits.receipts import verify as lone
from endcredits.royalties import Contract, record_contracts
from endcredits.royalties.accounts import payable_account
from endcredits.works import (
    Conditions,
    Contributor,
    Credit,
    FileMark,
    Manifestation,
    Party,
    Permission,
    Split,
    Submission,
    Work,
    add_marks,
    asked_of_person,
    of_party,
    party_id_of,
    permissions,
    permissions_about,
    works,
)
from endcredits.works.likeness import Enrolment, LikenessGrant, Person, RecordedUse, Revocation
from endcredits.works.offers import FORMS
from tests.story import house as h
from tests.story.house import House, house
from tests.story.lived_in import lived_in

__all__ = ["house", "lived_in"]

VOICE = "Ada Example"
AT = "2026-01-01T00:00:00Z"


@pytest.fixture
def studio(tmp_path: Path, lived_in: Path, house: House) -> Iterator[Studio]:
    opened = open_studio(house.copy(lived_in, tmp_path / "studio"))
    yield opened
    opened.close()


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def rows(files: dict[str, bytes], name: str) -> Any:
    return json.loads(files[name])


def table(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode(), newline="")))


def vkeys(studio: Studio) -> list[str]:
    return studio.vkey_file.read_text().split()


def test_everything_of_a_creator_is_there_and_proves_itself(studio: Studio, tmp_path: Path) -> None:
    done = export(studio, h.BEN, tmp_path / "ben.zip", with_files=True)
    files = unpacked(done.path)
    ben = party_id_of(h.BEN)

    assert rows(files, "party.json")["party_id"] == done.party_id == ben
    listed = rows(files, "works/works.json")
    assert [one["work_id"] for one in listed] == [h.LAMP, h.SALT]
    for one in listed:
        for file in one["files"]:
            assert hashlib.sha256(files[file["entry"]]).hexdigest() == file["sha256"]
    assert {(one["work_id"], one["territory"]): int(one["own_ppb"]) for one in table(files, "works/splits.csv")} == {
        (h.LAMP, "DE"): 750_000_000,
        (h.LAMP, "WORLD"): 1_000_000_000,
        (h.SALT, "WORLD"): 400_000_000,
        (h.SALT, "AT"): 0,
        (h.SALT, "DE"): 0,
    }
    with studio.store.reading() as conn:
        about = [one for one in permissions(conn) if one.subject in (h.LAMP, h.SALT, ben)]
    told = {one["permission_id"]: one for one in rows(files, "terms/statements.json")}
    assert (
        set(told)
        == {one.permission_id for one in about}
        == {name for one in listed for name in one["statements"]}
        | {one.permission_id for one in about if one.subject == ben}
    )
    outputs = rows(files, "history/outputs.json")
    assert len(outputs) == len(table(files, "history/outputs.csv")) == 10
    assert all(one["receipt"] in files and one["share_ppb"] > 0 for one in outputs)
    money = rows(files, "money/statements.json")
    assert len(money) == 6 and sum(one["earned_micros"] for one in money) > 0
    assert [one["contract_id"] for one in rows(files, "money/contracts.json")] == ["ben-1"]
    trained = rows(files, "history/trained-on.json")
    assert {(one["work_id"], one["permission_id"] in told) for one in trained} == {(h.LAMP, True), (h.SALT, True)}
    with studio.store.reading() as conn:
        account = payable_account(PartyId(ben))
        owed = {currency: -micros for (_, currency), micros in balances(conn, account).items()}
    assert {one["currency"]: one["owed_micros"] for one in rows(files, "money/balances.json")} == owed and owed
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    assert done.left_out == ()

    trust = lone.read_policy("quorum none", "\n".join(vkeys(studio)))
    proofs = [name for name in files if "/proofs/" in name or "/receipts/" in name]
    assert {name.rpartition("/")[0] for name in proofs} == {
        "terms/proofs", "history/proofs", "history/receipts", "money/receipts",
    }  # fmt: skip
    for name in proofs:
        verdict, facts = lone.check(files[name], trust)
        assert verdict.verified, (name, verdict.problem)
        if name.startswith("history/receipts/"):
            assert facts["line"]["line"]["work_id"] in (h.LAMP, h.SALT)
        if name.startswith("money/"):
            statement = files[name.replace("receipts", "statements")]
            assert facts["body"]["sha256"] == hashlib.sha256(statement).hexdigest()

    found = check_export(done.path, vkeys(studio))
    assert found.findings == () and (found.entries, found.proofs) == (done.entries - 2, len(proofs))


def test_a_stranger_checks_it_with_what_the_readme_says(studio: Studio, tmp_path: Path) -> None:
    """One file of Python that imports nothing of ours, and a program that prints SHA-256."""
    with zipfile.ZipFile(export(studio, h.BEN, tmp_path / "ben.zip").path) as archive:
        archive.extractall(tmp_path / "out")
    folder = tmp_path / "out"
    assert (
        f"manifest.json {hashlib.sha256((folder / 'manifest.json').read_bytes()).hexdigest()}"
        in ((folder / "manifest.note").read_text().splitlines()[2])
    )
    for one in json.loads((folder / "manifest.json").read_bytes())["entries"]:
        assert hashlib.sha256((folder / one["name"]).read_bytes()).hexdigest() == one["sha256"]
    proofs = sorted(str(path) for path in folder.glob("*/*s/*.json") if path.parent.name in ("proofs", "receipts"))
    verified = subprocess.run(
        [sys.executable, "-I", str(Path(lone.__file__)), *proofs, "--vkey", str(folder / "log.vkey")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stdout[-2000:] + verified.stderr
    assert verified.stdout.count("VERIFIED  ") == len(proofs) > 15


def test_the_readme_names_every_file_that_is_there(studio: Studio, tmp_path: Path) -> None:
    files = unpacked(export(studio, VOICE, tmp_path / "voice.zip").path)
    told = files["README.txt"].decode()

    for name in files:
        folder, base = name.rpartition("/")[0], name.rpartition(".")[0]
        assert name in told or f"{folder}/ " in told or f"{base}.json, .csv" in told or name == "README.txt", name
    assert "files/ " not in told
    assert "FILE.zip --vkey KEY" in told


def test_the_same_state_gives_the_same_bytes_and_the_log_moves_them(studio: Studio, tmp_path: Path) -> None:
    first = export(studio, h.BEN, tmp_path / "a.zip", with_files=True)
    second = export(studio, h.BEN, tmp_path / "b" / "c.zip", with_files=True)
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256

    rights.say(studio, [Permission(h.LAMP, "style", "deny", "no", "a letter", h.BEN, AT)])
    later = export(studio, h.BEN, tmp_path / "a.zip", with_files=True)
    assert later.path.read_bytes() != second.path.read_bytes()
    assert [one["verb"] for one in rows(unpacked(later.path), "terms/statements.json")].count("style") == 1
    assert check_export(later.path, vkeys(studio)).findings == ()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.endswith(durable.PARTIAL)) == []


def test_the_clock_moves_nothing_until_a_statement_begins_or_ends(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with studio.store.reading() as conn:
        sha256 = next(one.manifestations[0].sha256 for one in works(conn) if one.work_id == h.TIDE)
    fact_log.write(studio, lambda conn: add_marks(conn, [FileMark(sha256, "url", "https://cleo.example/tide")]))
    yes = Permission(
        h.TIDE, "index", "allow", "for a year", "a letter", h.CLEO, "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"
    )
    rights.say(studio, [yes])
    exported = {}
    for moment in ("2029-06-01", "2029-07-01", "2030-06-01", "2030-07-01", "2032-01-01"):
        monkeypatch.setattr(exporting, "now", lambda moment=moment: f"{moment}T00:00:00Z")
        exported[moment] = export(studio, h.CLEO, tmp_path / "cleo.zip").path.read_bytes()
        files = unpacked(tmp_path / "cleo.zip")
        (robots,) = [data for name, data in files.items() if name.startswith("offers/robots")]
        assert (b"search=y" in robots) == moment.startswith("2030"), moment
        told = json.loads(files["offers/about.json"])["texts"]
        assert {one["form"] for one in told} == set(FORMS)
        assert {one["until"] for one in told if one["form"] == "robots"} == {
            {"2029": "2030-01-01T00:00:00Z", "2030": "2031-01-01T00:00:00Z", "2032": ""}[moment[:4]]
        }

    assert exported["2029-06-01"] == exported["2029-07-01"] != exported["2030-06-01"] == exported["2030-07-01"]
    assert len(set(exported.values())) == 3


def test_a_likeness_leaves_with_its_grant_its_use_and_what_the_log_stands_for(studio: Studio, tmp_path: Path) -> None:
    files = unpacked(export(studio, VOICE, tmp_path / "voice.zip").path)

    kept = rows(files, "likeness/likeness.json")
    assert kept["person"]["name"] == VOICE
    assert [one["modality"] for one in kept["enrolments"]] == ["voice"]
    (grant,) = kept["grants"]
    assert grant["document"]["person_id"] == party_id_of(VOICE)
    assert [one["reason"] for one in grant["revoked"]] == ["one was enough"]
    (use,) = rows(files, "likeness/uses.json")
    assert (use["use_id"], use["grant_id"]) == ("voice-1", grant["grant_id"])
    trust = lone.read_policy("quorum none", "\n".join(vkeys(studio)))
    bodies = {}
    for name, data in files.items():
        if name.startswith("likeness/proofs/"):
            verdict, facts = lone.check(data, trust)
            assert verdict.verified, verdict.problem
            bodies[verdict.receipt_id] = facts["body"]
    told = rows(files, "likeness/rows.json")
    assert {one["type"] for one in told} == {"likeness.enrol", "likeness.grant", "likeness.revoke", "likeness.use"}
    for one in told:
        assert hashlib.sha256(one["row"].encode()).hexdigest() == one["row_sha256"]
        assert bodies[f"{one['type']}:{one['key']}"]["row_sha256"] == one["row_sha256"]


def test_many_lines_in_one_output_are_one_receipt_with_the_others_as_hashes(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting_history, "LINES_ALONE", 1)
    done = export(studio, h.BEN, tmp_path / "ben.zip")
    files = unpacked(done.path)

    proofs = [name for name in files if name.endswith(".lines.json")]
    assert len(proofs) == 5 and check_export(done.path, vkeys(studio)).findings == ()
    for name in proofs:
        lines = json.loads(files[name])["lines"]
        assert {one["line"]["work_id"] for one in lines if "line" in one} == {h.LAMP, h.SALT}
        assert sum("hash" in one for one in lines) == len(lines) - 2


# Other people

CO = "Zuleika Canary"
SHOWN = "Zed C."
SECRETS = {
    "id": party_id_of(CO),
    "name": CO,
    "isni": "0000000121032683",
    "iban": "DE89370400440532013000",
    "reason": "because the canary sings",
    "source": "a private letter to the canary",
    "price": "123456789",
    "condition": "ask the canary's mother",
    "licensee": "party:cat-and-co",
    "person": "the canary hides from painters",
    "contract": "canary-1",
    "advance": "7654321",
    "sheet": "by the canary's hand",
    "accepted": "2031-05-06T07:08:09Z",
    "member": "666555444",
    "guardian": "Canary Guardian",
}
"""What is kept of a co-author, and must not leave with somebody else's archive."""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Studio]:
    """A work by two people, with everything that can be kept about the second."""
    opened = init_studio(tmp_path / "shared", name="Two People")
    one = Submission(
        "Duet", (("duet.txt", "text/plain", b"la la la"),),
        (Contributor("Ada Quill"), Contributor(CO, identifiers=(("isni", SECRETS["isni"]),))),
        "unknown", "nobody said", "a test", "a test", "duet", "work:duet",
    )  # fmt: skip
    solo = dataclasses.replace(one, title="Solo", content=(("solo.txt", "text/plain", b"mi"),), work_id="work:solo",
                               contributors=(Contributor(CO, identifiers=(("isni", SECRETS["isni"]),)),))  # fmt: skip
    catalogue.add_works(opened, [one, solo], AT)
    yield opened
    opened.close()


def fill(studio: Studio) -> None:
    ada = party_id_of("Ada Quill")
    with studio.store.reading() as conn:
        known = {credit.display_credit: credit.party_id for work in works(conn) for credit in work.credits}
        shas = {work.work_id: work.manifestations[0].sha256 for work in works(conn)}
    canary = known[CO]
    assert known["Ada Quill"] == ada
    SECRETS["id"] = canary

    def say(subject: str, verb: str, value: str, **more: Any) -> Permission:
        told = {"reason": SECRETS["reason"], "source": SECRETS["source"], "declared_by": CO, **more}
        return Permission(subject, verb, value, effective_from=AT, **told)

    contract = Conditions(price_micros=int(SECRETS["price"]), currency="EUR", words=(SECRETS["condition"],))
    fact_log.write(studio, lambda conn: add_marks(conn, [FileMark(shas["work:duet"], "url", "https://a.example/duet")]))
    rights.say(
        studio,
        [
            say("work:duet", "train", "conditional", party_id=canary, conditions=contract, licensee=SECRETS["licensee"]),
            say("work:duet", "index", "deny", party_id=canary),
            say("work:duet", "tdm", "deny", declared_by="Ada Quill", party_id=ada, reason="my own no", source="my letter"),
            say(
                "https://a.example/*",
                "retrieve",
                "deny",
                subject_kind="url",
                declared_by="robots.txt",
                reason="r",
                source="s",
            ),
            say("https://a.example/other*", "retrieve", "deny", subject_kind="url", reason=SECRETS["person"]),
            say(canary, "style", "deny", subject_kind="person", party_id=canary, reason=SECRETS["person"]),
            say("work:solo", "style", "deny", party_id=canary, reason=SECRETS["person"]),
        ],
    )
    agreed = [Contract(SECRETS["contract"], canary, "EUR", "2026-01-01", advance_micros=int(SECRETS["advance"]))]
    studio.store.write(lambda conn: record_contracts(conn, agreed, AT))


def test_of_others_nothing_leaves_but_how_they_are_credited(shared: Studio, tmp_path: Path) -> None:
    fill(shared)
    files = unpacked(export(shared, "Ada Quill", tmp_path / "ada.zip", with_files=True).path)
    everything = b"\n".join(files.values()) + "\n".join(files).encode()

    shown = SECRETS["name"].encode()
    credited = files["works/works.json"]
    assert credited.count(shown) == 1 and json.loads(credited)[0]["credits"][1] == {
        "display_credit": CO, "own": False, "position": 2, "role": "author",
    }  # fmt: skip
    for what, secret in SECRETS.items():
        if what not in ("name",):
            assert secret.encode() not in everything, what
    for name, data in files.items():
        if name not in ("works/works.json", "terms/statements.json", "terms/statements.csv"):
            assert shown not in data, name

    told = {(one["verb"], one["value"]): one for one in json.loads(files["terms/statements.json"])}
    theirs = told["train", "conditional"]
    assert theirs["declared_by"] == CO and theirs["is_contract"] is True
    assert set(theirs["withheld"]) == set(WITHHELD) - {"provenance"} and not set(theirs) & set(WITHHELD)
    own = told["tdm", "deny"]
    assert (own["reason"], own["source"], own["declared_by"]) == ("my own no", "my letter", "Ada Quill")
    assert told["retrieve", "deny"]["declared_by"] == "robots.txt"
    proven = [name for name in files if name.startswith("terms/proofs/")]
    assert len(proven) == sum("withheld" not in one for one in told.values())
    assert not any(one["subject"] in ("work:solo", SECRETS["id"]) for one in told.values())


def test_the_other_one_has_what_is_theirs(shared: Studio, tmp_path: Path) -> None:
    """The test above could pass because nothing was kept; it was."""
    fill(shared)
    everything = b"\n".join(unpacked(export(shared, SECRETS["id"], tmp_path / "z.zip").path).values())

    for what in (
        "id",
        "name",
        "isni",
        "reason",
        "source",
        "price",
        "condition",
        "licensee",
        "person",
        "contract",
        "advance",
    ):
        assert SECRETS[what].encode() in everything, what
    assert b"my letter" not in everything


OUT = {
    Work: {"work_id", "title", "manifestations", "credits", "splits"},
    Manifestation: {"sha256", "media_type", "size_bytes", "label"},
    Credit: {"role", "display_credit", "position"},
    Split: {"split_ppb", "right", "territory", "valid_from"},
    Party: {"party_id", "name", "kind", "identifiers"},
    Permission: {field.name for field in dataclasses.fields(Permission)},
    Contract: {field.name for field in dataclasses.fields(Contract)},
    Enrolment: {"enrolment_id", "person_id", "modality", "reference_sha256", "content_code", "kept_at", "recorded_at"},
    Person: {"name", "turns_18_on", "deceased_on", "work_id", "recorded_at"},
    Revocation: {"revoked_at", "reason", "declared_by", "of_person"},
    RecordedUse: {"use_id", "grant_id", "row", "count", "used_at", "kind", "offer", "output_id", "document"},
}
"""Fields of records that leave with an archive, of the creator's own things."""
BARE = {
    Credit: {"party_id"},
    Split: {"party_id"},
    Person: {"person_id", "guardian_id", "rights_holder_id"},
    Revocation: {"revocation_id", "grant_id"},
    RecordedUse: {"person_id"},
}
"""Fields that do not: ids of others, or said once elsewhere."""


@pytest.mark.parametrize("record", list(OUT), ids=lambda record: record.__name__)
def test_every_field_of_a_record_was_decided_about(record: type) -> None:
    """A field that is added later fails here, so that somebody decides whether it may leave."""
    names = {field.name for field in dataclasses.fields(record)}

    assert names == OUT[record] | BARE.get(record, set())
    assert not OUT[record] & BARE.get(record, set())
    assert LikenessGrant.__dataclass_fields__.keys() >= {"document", "grant_id"}  # a grant leaves as its document


def test_sheets_and_funds_leave_with_the_own_line_alone(shared: Studio, tmp_path: Path) -> None:
    fill(shared)
    ada, canary = PartyId(party_id_of("Ada Quill")), PartyId(SECRETS["id"])
    on_it = [NamedShare(ada, 333_444_556), NamedShare(canary, int(SECRETS["member"]), display_credit=SHOWN)]
    made = sheets.propose(shared, WorkId("work:duet"), on_it, valid_from="2026-02-01", by=SECRETS["sheet"])
    sheets.accept(shared, made.state.sheet.sheet_id, ada, by=SECRETS["sheet"])
    members = [("Ada Quill", 400_000_000), (CO, 599_999_999), (SECRETS["guardian"], 1)]
    funds.set_members(shared, "Band Fund", members, valid_from="2026-02-01")

    files = unpacked(export(shared, "Ada Quill", tmp_path / "ada.zip").path)

    (sheet,) = rows(files, "works/sheets.json")
    assert [one["share_ppb"] for one in sheet["own_lines"]] == [333_444_556]
    assert sheet["others"] == [SHOWN] and len(sheet["accepted_at"]) == 1 and sheet["state"] == "proposed"
    assert rows(files, "works/funds.json") == [{"fund": "Band Fund", "share_ppb": 400_000_000, "valid_from": "2026-02-01"}]
    everything = b"\n".join(files.values())
    for secret in (SECRETS["member"], SECRETS["sheet"], SECRETS["id"], SECRETS["guardian"], "599999999"):
        assert secret.encode() not in everything, secret


HOSTILE = '=HYPERLINK("http://evil.example","a")'


def test_hostile_words_are_data_in_every_form(tmp_path: Path) -> None:
    opened = init_studio(tmp_path / "hostile", name="Hostile")
    name = "+Ada </b><script>alert(1)</script> \u202e"
    title = f'{HOSTILE},\u202e"quoted"</title>'
    content = (("..\\..\\etc/passwd", "text/x-none", b"words"),)
    people = (Contributor("Ada Quill"), Contributor("@SUM(A1)"))
    one = Submission(title, content, people, "allow", HOSTILE, "-1+1|cmd", "@evil", "a place", "work:hostile")
    catalogue.add_works(opened, [one], AT)
    rights.say(opened, [Permission("work:hostile", "style", "deny", "\x1b[2J=1+1\r\n", "\t@x", name, AT)])

    done = export(opened, "Ada Quill", tmp_path / "ada.zip", with_files=True)
    files = unpacked(done.path)

    (work,) = rows(files, "works/works.json")
    assert work["title"] == title and work["files"][0]["entry"].startswith("files/") and ".." not in "".join(files)
    assert {"\x1b[2J=1+1\r\n"} <= {told["reason"] for told in rows(files, "terms/statements.json")}
    for path in ("works/works.csv", "works/splits.csv", "terms/statements.csv"):
        assert not any(control in files[path].replace(b"\r\n", b"") for control in (b"\x1b", b"\r", b"\t", b"\n"))
        for row in table(files, path):
            assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "|")) for cell in row.values()), row
    assert check_export(done.path, vkeys(opened)).findings == ()
    opened.close()


# Failures


def _lost(real: Any, error: OSError) -> Any:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


def _kept(real: Any, error: OSError) -> Any:
    def fail(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        raise error

    return fail


@pytest.mark.parametrize("how", [_lost, _kept], ids=["lost", "kept but reported lost"])
@pytest.mark.parametrize("step", ["os.fsync", "os.replace", "durable.sync_folder"])
def test_a_failing_disk_leaves_the_old_archive_or_the_new_one(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Any, step: str
) -> None:
    whole = export(studio, h.CLEO, tmp_path / "good.zip").path.read_bytes()
    target = tmp_path / "out" / "cleo.zip"
    target.parent.mkdir()
    target.write_bytes(b"an older one")
    module, name = (os, step[3:]) if step.startswith("os.") else (durable, "sync_folder")
    with monkeypatch.context() as patched:
        patched.setattr(module, name, how(getattr(module, name), OSError(errno.ENOSPC, "no space left")))
        with pytest.raises(MachineError, match="disk is full"):
            export(studio, h.CLEO, target)

    assert target.read_bytes() in (b"an older one", whole)
    assert [path.name for path in target.parent.iterdir()] == ["cleo.zip"]
    assert export(studio, h.CLEO, target).path.read_bytes() == whole


@pytest.mark.parametrize("after", [0, 1, 3, 9, 20])
def test_a_disk_that_fills_up_while_laying_out_leaves_nothing(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    real, left = Path.write_bytes, [after]

    def fills_up(path: Path, data: bytes) -> int:
        if not left[0]:
            real(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "no space left")
        left[0] -= 1
        return real(path, data)

    (tmp_path / "out").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fills_up)
        with pytest.raises(MachineError, match="disk is full"):
            export(studio, h.CLEO, tmp_path / "out" / "cleo.zip")

    assert list((tmp_path / "out").iterdir()) == []
    assert check_export(export(studio, h.CLEO, tmp_path / "out" / "cleo.zip").path, vkeys(studio)).findings == ()


@pytest.mark.parametrize("stage", ["works", "pack"])
def test_an_export_that_is_stopped_by_hand_leaves_nothing(studio: Studio, tmp_path: Path, stage: str) -> None:
    (tmp_path / "out").mkdir()

    def stopped_by_hand(name: str, done: int, total: int) -> None:
        if name == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(studio, h.CLEO, tmp_path / "out" / "cleo.zip", progress=stopped_by_hand)

    assert list((tmp_path / "out").iterdir()) == []


def test_an_export_that_is_killed_leaves_the_old_archive_and_the_next_one_is_whole(studio: Studio, tmp_path: Path) -> None:
    target = tmp_path / "out" / "cleo.zip"
    whole = export(studio, h.CLEO, target).path.read_bytes()
    rights.say(studio, [Permission(h.TIDE, "style", "deny", "no", "a letter", h.CLEO, AT)])
    program = (
        "import os, sys\n"
        "from endcredits.flows.exporting import export\n"
        "from endcredits.flows.studio import open_studio\n"
        "def die(name, done, total):\n"
        "    if name == 'pack' and done == 5: os._exit(9)\n"
        "export(open_studio(sys.argv[1]), sys.argv[2], sys.argv[3], progress=die)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(studio.path), h.CLEO, str(target)], check=False)

    assert done.returncode == 9 and target.read_bytes() == whole
    left = [path.name for path in target.parent.iterdir() if path != target]
    assert left and all(name.endswith(durable.PARTIAL) for name in left)
    again = export(studio, h.CLEO, target)
    assert again.path.read_bytes() != whole and check_export(target, vkeys(studio)).findings == ()


def test_what_is_recorded_and_not_logged_yet_is_logged_first(studio: Studio, tmp_path: Path) -> None:
    """A crash between the books and the log, and one between the log and its file."""
    from endcredits.works import state_permission

    no = Permission(h.TIDE, "tdm", "deny", "no", "a letter", h.CLEO, AT)
    studio.store.write(lambda conn: state_permission(conn, no))

    files = unpacked(export(studio, h.CLEO, tmp_path / "cleo.zip").path)

    (told,) = [one for one in rows(files, "terms/statements.json") if one["verb"] == "tdm"]
    assert any(told["permission_id"].replace(":", "%3a") in name for name in files if name.startswith("terms/proofs/"))


def test_a_damaged_or_missing_file_of_a_work_is_named_and_nothing_is_written(studio: Studio, tmp_path: Path) -> None:
    with studio.store.reading() as conn:
        sha256 = next(work.manifestations[0].sha256 for work in works(conn) if work.work_id == h.TIDE)
    path = studio.content / sha256[:2] / sha256
    data = path.read_bytes()
    for damage in (b"?" * len(data), b"short", None):
        path.unlink()
        if damage is not None:
            path.write_bytes(damage)
        with pytest.raises(IntegrityError) as caught:
            export(studio, h.CLEO, tmp_path / "cleo.zip", with_files=True)
        assert sha256 in str(caught.value.file) or "file of a work" in caught.value.message
        assert not (tmp_path / "cleo.zip").exists()
        path.write_bytes(data)
    assert export(studio, h.CLEO, tmp_path / "cleo.zip", with_files=True).path.exists()


def test_a_receipt_that_is_gone_is_told_and_the_rest_leaves(studio: Studio, tmp_path: Path) -> None:
    gone = [path for path in studio.receipts.glob("statement*.json")][:99] + list(studio.receipts.glob("output*.json"))[:1]
    for path in gone:
        path.unlink()

    done = export(studio, h.BEN, tmp_path / "ben.zip")

    assert len(done.left_out) == 7 and all("receipt" in one for one in done.left_out)
    assert rows(unpacked(done.path), "left-out.json") == list(done.left_out)
    assert check_export(done.path, vkeys(studio)).findings == ()


def test_a_party_that_nobody_names_is_refused_and_one_with_nothing_gets_little(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        export(studio, "Nobody", tmp_path / "a.zip")
    assert list(tmp_path.glob("*.zip")) == []
    done = export(studio, "Players Fund", tmp_path / "fund.zip")
    files = unpacked(done.path)
    assert rows(files, "history/outputs.json") == [] and rows(files, "likeness/likeness.json")["person"] is None
    assert check_export(done.path, vkeys(studio)).findings == ()


def test_many_works_do_not_stand_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty megabytes leave through a few: works are read some at a time, files in pieces, tables grow on the disk."""
    monkeypatch.setattr(of_party, "AT_ONCE", 10)
    opened = init_studio(tmp_path / "many", name="Many")
    catalogue.add_works(
        opened,
        [
            Submission(
                f"Work {n} {'long ' * 3_000}", ((f"{n}.txt", "text/plain", f"text {n} ".encode() * 15_000),),
                (Contributor("Ada Quill"),), "allow", "she says so", "a letter", "Ada Quill", f"{n}", f"work:{n:05d}",
            )
            for n in range(200)
        ],
        AT,
    )  # fmt: skip
    fact_log.complete(opened)

    tracemalloc.start()
    done = export(opened, "Ada Quill", tmp_path / "many.zip", with_files=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    found = check_export(done.path, vkeys(opened))
    peak_of_check = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    opened.close()

    assert done.size_bytes > 30_000_000 and found.findings == ()
    assert peak < 8_000_000 and peak_of_check < 8_000_000


def test_disputes_leave_with_the_own_words_and_without_those_of_others(studio: Studio, tmp_path: Path) -> None:
    ben = rows(unpacked(export(studio, h.BEN, tmp_path / "ben.zip").path), "money/disputes.json")
    dora = rows(unpacked(export(studio, h.DORA, tmp_path / "dora.zip").path), "money/disputes.json")

    assert [(one["dispute_id"], one["outcome"], one["own"]) for one in ben] == [("d-1", "rejected", False)]
    assert not {"claimant", "reason", "decision"} & set(ben[0])
    assert {one["reason"] for one in dora} == {"the lamp is mine", "so are the tides"}


def test_what_a_creator_said_about_addresses_and_files_that_no_work_is_known_by_leaves_too(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_party, "AT_ONCE", 2)
    cleo = party_id_of(h.CLEO)
    about = [("https://cleo.example/*", "url"), ("ab" * 32, "sha256"), ("https://cleo.example/b*", "url")]
    said = rights.say(
        studio,
        [
            Permission(subject, verb, "deny", "no", "a letter", h.CLEO, AT, subject_kind=kind, party_id=cleo)
            for subject, kind in about
            for verb in ("tdm", "train")
        ],
    )
    other = Permission("https://cleo.example/c*", "tdm", "deny", "not hers", "a letter", h.BEN, AT, subject_kind="url")
    (theirs,) = rights.say(studio, [other])
    closing = rights.revoke(studio, said[0].permission_id, by=h.CLEO, reason="changed my mind")

    done = export(studio, h.CLEO, tmp_path / "cleo.zip")
    told = {one["permission_id"]: one for one in rows(unpacked(done.path), "terms/statements.json")}

    assert {one.permission_id for one in (*said, closing)} <= set(told) and theirs.permission_id not in told
    assert told[said[0].permission_id]["closed_by"] == closing.permission_id
    assert check_export(done.path, vkeys(studio)).findings == ()


def test_statements_about_the_person_are_there(studio: Studio, tmp_path: Path) -> None:
    cleo = party_id_of(h.CLEO)
    rights.say(
        studio, [Permission(cleo, "style", "deny", "my style is mine", "a letter", h.CLEO, AT, subject_kind="person")]
    )
    files = unpacked(export(studio, h.CLEO, tmp_path / "cleo.zip").path)

    with studio.store.reading() as conn:
        (no,) = permissions_about(conn, asked_of_person(cleo))
    assert no.permission_id in {one["permission_id"] for one in rows(files, "terms/statements.json")}
    assert "Cleo <i>Dunn</i>" in rows(files, "party.json")["name"]


def test_what_closed_a_statement_stands_beside_it(studio: Studio, tmp_path: Path) -> None:
    (yes,) = rights.say(studio, [Permission(h.TIDE, "style", "allow", "fine", "a letter", h.CLEO, AT)])
    closing = rights.revoke(studio, yes.permission_id, by=h.CLEO, reason="no longer")
    files = unpacked(export(studio, h.CLEO, tmp_path / "cleo.zip").path)

    told = {one["permission_id"]: one for one in rows(files, "terms/statements.json")}
    assert told[yes.permission_id]["closed_by"] == closing.permission_id
    assert told[yes.permission_id]["closed_at"] == closing.effective_from
    assert told[closing.permission_id]["revokes"] == yes.permission_id
