"""The evidence folder: whole or not there, checkable without the studio, and no changed byte passes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.canonical import canonical_bytes, sha256_file
from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.flows.checking_evidence import check_evidence
from endcredits.flows.disclosing_documents import Made, disclose_evidence
from endcredits.flows.disclosing_evidence import MANIFEST, MODEL_FILE, WORKS
from endcredits.flows.erasing import erase, plan_party
from endcredits.flows.studio import Studio, open_studio
from endcredits.receipts import Item, issue, verify_receipt
from endcredits.works.disclosure import Facts
from tests.flows.used import CLEO
from tests.story import house as h
from tests.story.house import House

DAY = "2030-01-01"


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    opened = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    yield opened
    opened.close()


@pytest.fixture
def pack(studio: Studio, tmp_path: Path) -> Path:
    write(studio, tmp_path / "pack")
    return tmp_path / "pack"


def write(studio: Studio, out: Path) -> Made:
    return disclose_evidence(studio, Facts({}), out, on=DAY)


def key(studio: Studio) -> str:
    return studio.log_to_read().vkey


def problems(pack: Path, studio: Studio) -> str:
    return "; ".join(f"{one.where}: {one.problem}" for one in check_evidence(pack, key(studio)))


def resealed(pack: Path) -> None:
    """Makes the manifest fit again, as somebody would who forges the folder."""
    about = json.loads((pack / MANIFEST).read_bytes())
    about["files"] = {
        path.relative_to(pack).as_posix(): sha256_file(path)
        for path in sorted(pack.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    (pack / MANIFEST).write_bytes(canonical_bytes(about) + b"\n")


def change_line(pack: Path, **fields: Any) -> None:
    """Changes the first work's line, and makes the manifest fit."""
    lines = (pack / WORKS).read_bytes().splitlines()
    lines[0] = canonical_bytes({**json.loads(lines[0]), **fields})
    (pack / WORKS).write_bytes(b"\n".join(lines) + b"\n")
    resealed(pack)


def test_a_folder_checks_by_the_logs_key_alone(studio: Studio, pack: Path, tmp_path: Path) -> None:
    made = write(studio, tmp_path / "again")
    names = {path.relative_to(pack).as_posix() for path in pack.rglob("*") if path.is_file()}
    assert len(names) == made.files and {"README.md", "summary.md", "log.vkey", WORKS, MODEL_FILE, MANIFEST} < names
    assert check_evidence(pack, key(studio)) == []
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (pack / name).read_bytes(), name
    for line in (pack / WORKS).read_bytes().splitlines():
        work = json.loads(line)
        verdict = verify_receipt((pack / work["statement_file"]).read_bytes(), key(studio))
        assert verdict.verified and verdict.leaf_index == work["log_position"]
    assert [one.field for one in made.missing] == ["ground"] and not made.complete
    assert "other statement" in (pack / "summary.md").read_text()


def test_another_key_proves_nothing(studio: Studio, pack: Path, tmp_path: Path) -> None:
    from endcredits.flows.studio import init_studio

    other = init_studio(tmp_path / "other")
    found = check_evidence(pack, key(other))
    assert found and all("does not verify" in one.problem for one in found)
    other.close()


def test_every_file_that_is_changed_missing_or_added_is_named(studio: Studio, pack: Path) -> None:
    for path in sorted(path for path in pack.rglob("*") if path.is_file() and path.name != MANIFEST):
        name, data = path.relative_to(pack).as_posix(), path.read_bytes()
        path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
        assert f"{name}: its digest is not the one" in problems(pack, studio)
        path.unlink()
        assert f"{name}: the file is missing" in problems(pack, studio)
        path.write_bytes(data)
    (pack / "statements" / "extra.json").write_text("{}")
    assert "does not name this file" in problems(pack, studio)
    (pack / "statements" / "extra.json").unlink()
    (pack / "README.md").rename(pack / "away.md")
    (pack / "README.md").symlink_to(pack / "away.md")
    assert "README.md: it is no plain file" in problems(pack, studio)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"log_position": 0}, "is entry"),
        ({"permission_id": "perm:other"}, "its file is of another statement"),
        ({"work_id": "work:somebody-elses", "files": []}, "about something else"),
        ({"permission": {"value": "allow"}}, "says something else"),
        ({"statement_file": ""}, "no statement in the log"),
        ({"statement_file": "../outside.json"}, "another statement"),
        ({"files": 7}, "cannot be read"),
        ({"files": []}, "left out, added or changed"),
    ],
)
def test_a_forged_line_is_found_though_the_manifest_fits(
    studio: Studio, pack: Path, fields: dict[str, Any], problem: str
) -> None:
    change_line(pack, **fields)
    assert problem in problems(pack, studio)


def test_a_work_that_was_left_out_or_added_is_missed(studio: Studio, pack: Path) -> None:
    """The manifest and every line fit, and the works are not those whose digest the log has."""
    lines = (pack / WORKS).read_bytes().splitlines(keepends=True)
    for forged in (lines[1:], lines + lines[-1:], lines[1:] + lines[:1]):
        (pack / WORKS).write_bytes(b"".join(forged))
        resealed(pack)
        assert "left out, added or changed" in problems(pack, studio)


def test_a_forged_statement_does_not_verify(studio: Studio, pack: Path) -> None:
    file = next((pack / "statements").iterdir())
    receipt = json.loads(file.read_bytes())
    receipt["body"]["value"] = "deny"
    file.write_bytes(canonical_bytes(receipt) + b"\n")
    resealed(pack)
    assert "does not verify" in problems(pack, studio)


def test_the_model_is_the_one_that_the_folder_stands_on(studio: Studio, pack: Path) -> None:
    about = json.loads((pack / MANIFEST).read_bytes())
    about["standing"]["corpus_digest"] = "0" * 64
    (pack / MANIFEST).write_bytes(canonical_bytes(about) + b"\n")
    assert "its corpus_digest is not the one" in problems(pack, studio)
    (pack / MODEL_FILE).unlink()
    resealed(pack)
    assert "the log's entry about it is not here" in problems(pack, studio)


def test_what_is_no_folder_of_evidence(studio: Studio, pack: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        check_evidence(tmp_path, key(studio))
    for data in (b"{}", b"[]", b"\xff", (pack / MANIFEST).read_bytes() + b" "):
        (pack / MANIFEST).write_bytes(data)
        with pytest.raises(InputError, match="manifest"):
            check_evidence(pack, key(studio))


def test_nothing_is_written_over(studio: Studio, pack: Path, tmp_path: Path) -> None:
    """The same folder again is no conflict; another one, or a folder with something in it, is."""
    assert write(studio, pack).files == len([path for path in pack.rglob("*") if path.is_file()])
    issue(studio.log(), studio.receipts, [Item("note:1", "note", {"text": "later"})], "2026-11-20T00:00:00Z")
    with pytest.raises(ConflictError):
        write(studio, pack)
    assert problems(pack, studio) == "" and not list(tmp_path.glob("*.partial"))
    held = tmp_path / "held"
    held.mkdir()
    write(studio, held)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(ConflictError):
        write(studio, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep me"


@pytest.mark.parametrize("kept", [False, True])
def test_every_write_may_fail(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Lost, or kept and reported lost: the folder is there whole or not at all, and the same again ends whole."""
    whole, real = tmp_path / "whole", durable.write_atomic
    steps = write(studio, whole).files
    for step in range(1, steps + 1):
        left, into = [step], tmp_path / f"pack-{step}"

        def failing(path: Any, data: bytes, left: list[int] = left, **more: Any) -> None:
            left[0] -= 1
            if left[0] or kept:
                real(path, data, **more)
            if not left[0]:
                raise MachineError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(durable, "write_atomic", failing)
            with pytest.raises(MachineError):
                write(studio, into)
        assert not into.exists()
        write(studio, into)
        assert (into / MANIFEST).read_bytes() == (whole / MANIFEST).read_bytes()
        shutil.rmtree(into)


def test_a_folder_that_was_kept_and_reported_lost_is_found_written(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync_folder", lambda folder: lost(folder) if folder == tmp_path else None)
        with pytest.raises(MachineError, match="full"):
            write(studio, tmp_path / "pack")
    assert problems(tmp_path / "pack", studio) == ""
    write(studio, tmp_path / "pack")


def test_what_was_erased_is_said_to_be_missing(studio: Studio, tmp_path: Path) -> None:
    """A creator who was forgotten leaves the proof of their work's statement behind; the folder and its check say so."""
    erase(studio, plan_party(studio, CLEO))
    made = write(studio, tmp_path / "pack")
    (row,) = [one for one in made.missing if one.field == "log_position"]
    assert h.TIDE in row.why and "1 works" in row.why and "erased" in row.how
    assert problems(tmp_path / "pack", studio) == f"{WORKS} line 4: '{h.TIDE}' has no statement in the log"
