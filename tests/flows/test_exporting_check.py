"""Whatever somebody does to an archive on its way, the check names it; also what an operator signed and should not have."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.flows.exporting import export
from endcredits.flows.exporting_check import check_export
from endcredits.flows.exporting_manifest import FORMAT, Manifest, entries_of, manifest_parts, note_bytes, open_manifest
from endcredits.flows.exporting_zip import Stored, ZipWriter
from endcredits.flows.studio import KEY, open_studio
from endcredits.receipts.keys import SigningKey, load_key, make_keypair
from endcredits.receipts.note import open_checkpoint, sign_checkpoint, sign_note
from tests.story import house as h
from tests.story.house import House, house

__all__ = ["house"]

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, house: House) -> tuple[Path, str, SigningKey]:
    """An archive, the log's public key, and its private one."""
    folder = tmp_path_factory.mktemp("archive")
    studio = open_studio(house.copy(house.finished, folder / "studio"))
    path = export(studio, h.BEN, folder / "ben.zip", with_files=True).path
    key = load_key(studio.path / KEY, studio.origin)
    vkey = studio.vkey_file.read_text().strip()
    studio.close()
    return path, vkey, key


def files_of(path: Path) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(files: Files, path: Path) -> Path:
    with path.open("wb") as file:
        archive = ZipWriter(file)
        for name, data in files.items():
            archive.add(name, io.BytesIO(data), len(data))
        archive.finish()
    return path


def signed_anew(files: Files, key: SigningKey, path: Path, **changes: object) -> Path:
    """As an operator who changes their mind would sign it."""
    about = json.loads(files["manifest.json"])
    plain = {name: data for name, data in files.items() if not name.startswith("manifest.")}
    scratch = io.BytesIO()
    archive = ZipWriter(scratch)
    stored = [archive.add(name, io.BytesIO(data), len(data)) for name, data in plain.items()]
    told = Manifest(about["party_id"], about["log"]["origin"], about["log"]["size"], about["log"]["root"], True,
                    entries_of(stored))  # fmt: skip
    data = b"".join(manifest_parts(told))
    entry = Stored("manifest.json", len(data), 0, 0, hashlib.sha256(data).hexdigest())
    note = note_bytes(str(changes.get("party_id", told.party_id)), entry, [key])
    return pack({**plain, "manifest.json": data, "manifest.note": note}, path)


def test_an_archive_that_nobody_touched_fits(archive: tuple[Path, str, SigningKey], tmp_path: Path) -> None:
    path, vkey, key = archive
    found = check_export(path, [vkey])

    assert found.findings == () and not found.own_key and found.proofs > 10
    assert pack(files_of(path), tmp_path / "again.zip").read_bytes() == path.read_bytes()
    assert signed_anew(files_of(path), key, tmp_path / "same.zip").read_bytes() == path.read_bytes()
    alone = check_export(path)
    assert alone.findings == () and alone.own_key


def test_every_file_that_is_changed_left_out_or_added_is_named(
    archive: tuple[Path, str, SigningKey], tmp_path: Path
) -> None:
    path, vkey, _ = archive
    files = files_of(path)
    target = tmp_path / "changed.zip"
    for name in files:
        if name.startswith("manifest."):
            continue
        changed = check_export(pack({**files, name: files[name] + b" "}, target), [vkey])
        assert name in {one.where for one in changed.findings}, name
        flipped = bytes([files[name][0] ^ 1]) + files[name][1:]
        assert name in {one.where for one in check_export(pack({**files, name: flipped}, target), [vkey]).findings}
        gone = check_export(pack({key: data for key, data in files.items() if key != name}, target), [vkey])
        assert (name, "the manifest lists it, and it is missing") in {(one.where, one.problem) for one in gone.findings}
    more = check_export(pack({"a.txt": b"extra", **files}, target), [vkey])
    assert [(one.where, one.problem) for one in more.findings] == [("a.txt", "the manifest does not list it")]
    other_order = dict(reversed(files.items()))
    assert "another order" in check_export(pack(other_order, target), [vkey]).findings[0].problem


def test_a_manifest_is_worth_its_signature(archive: tuple[Path, str, SigningKey], tmp_path: Path) -> None:
    path, vkey, key = archive
    files, target = files_of(path), tmp_path / "changed.zip"

    def problems(changed: Files) -> str:
        return " ".join(one.problem for one in check_export(pack(changed, target), [vkey]).findings)

    manifest, note = files["manifest.json"], files["manifest.note"]
    assert "not the one that was signed" in problems({**files, "manifest.json": manifest.replace(b"true", b"false")})
    assert "does not fit the note" in problems({**files, "manifest.note": note.replace(b"ben-marl", b"ada-quil")})
    assert "no manifest.note" in problems({name: data for name, data in files.items() if name != "manifest.note"})
    assert "not text" in problems({**files, "manifest.note": b"\xff\xfe"})
    assert "no archive" in problems({**files, "manifest.note": sign_note("something else\n", key).encode()})
    other = make_keypair(tmp_path / "other.key", key.name)
    assert "not signed by the key" in " ".join(
        one.problem for one in check_export(signed_anew(files, other, target), [vkey]).findings
    )
    assert "another party" in " ".join(
        one.problem for one in check_export(signed_anew(files, key, target, party_id="party:else"), [vkey]).findings
    )
    elsewhere = {**files, "manifest.json": manifest.replace(key.name.encode(), b"another.example/log")}
    assert "another log" in " ".join(
        one.problem for one in check_export(signed_anew(elsewhere, key, target), [vkey]).findings
    )
    # Whoever packs it anew with a key of their own passes only where nobody gives the true key.
    forged = signed_anew({**files, "log.vkey": f"{other.vkey}\n".encode()}, other, target)
    assert any("proof" in one.problem for one in check_export(forged).findings)


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("history/receipts/", lambda data: data.replace(b'"share_ppb":', b'"share_ppb":1'), "does not verify"),
        ("terms/proofs/", lambda data: data.replace(b'"allow"', b'"deny"'), "does not verify"),
        ("money/statements/2025-01-eur", lambda data: data.replace(b'"version":1', b'"version":2'), "another statement"),
    ],
)
def test_what_an_operator_signed_and_never_logged_is_found(
    archive: tuple[Path, str, SigningKey], tmp_path: Path, name: str, change: Callable[[bytes], bytes], problem: str
) -> None:
    """The signature fits, and the log says something else."""
    path, vkey, key = archive
    files = files_of(path)
    chosen = next(one for one in files if one.startswith(name) and one.endswith(".json"))
    assert change(files[chosen]) != files[chosen]

    found = check_export(signed_anew({**files, chosen: change(files[chosen])}, key, tmp_path / "x.zip"), [vkey])

    assert [problem in one.problem for one in found.findings] == [True]


def test_a_receipt_without_its_statement_is_told(archive: tuple[Path, str, SigningKey], tmp_path: Path) -> None:
    path, vkey, key = archive
    files = {name: data for name, data in files_of(path).items() if name != "money/statements/2025-01-eur-v1.json"}

    found = check_export(signed_anew(files, key, tmp_path / "x.zip"), [vkey])

    assert [one.problem for one in found.findings] == ["the statement that it proves is missing"]


@pytest.mark.parametrize(
    "document",
    [
        b"", b"{}\n", b"[]\n", b"not json\n", b'{"format":"endcredits-export/2"}\n', b"\xff\n",
        b'{"entries":[{"name":"../x","sha256":"' + b"0" * 64 + b'","size_bytes":1}],"format":"endcredits-export/1",'
        b'"log":{"origin":"o","root":"r","size":1},"party_id":"p","with_files":false}\n',
        b'{"entries":7,"format":"endcredits-export/1","log":{},"party_id":"p","with_files":false}\n',
    ],
)  # fmt: skip
def test_a_signed_manifest_that_is_none_is_one_finding(
    archive: tuple[Path, str, SigningKey], tmp_path: Path, document: bytes
) -> None:
    _, vkey, key = archive
    digest = hashlib.sha256(document).hexdigest()
    text = f"{FORMAT}\nparty p\nmanifest.json {digest}\nsize {max(1, len(document))}\n"
    files = {"manifest.json": document, "manifest.note": sign_note(text, key).encode()}

    found = check_export(pack(files, tmp_path / "x.zip"), [vkey])

    assert len(found.findings) == 1 and found.findings[0].where == "the archive"


def test_a_signature_here_is_none_of_the_log_and_the_other_way_round(archive: tuple[Path, str, SigningKey]) -> None:
    path, vkey, key = archive
    files = files_of(path)

    with pytest.raises(Exception, match="not a checkpoint"):
        open_checkpoint(files["manifest.note"].decode(), vkey)
    with pytest.raises(Exception, match="no archive"):
        open_manifest(sign_checkpoint(3, bytes(32), key).note.encode(), files["manifest.json"], [vkey])


def test_what_is_no_archive_and_keys_that_are_none(archive: tuple[Path, str, SigningKey], tmp_path: Path) -> None:
    path, vkey, _ = archive
    with pytest.raises(NotFoundError):
        check_export(tmp_path / "none.zip", [vkey])
    with pytest.raises(InputError, match="cannot be read"):
        check_export(tmp_path, [vkey])
    with pytest.raises(InputError):
        check_export(path, ["no key"])
    (tmp_path / "x.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    assert [one.problem for one in check_export(tmp_path / "x.zip", [vkey]).findings] == ["it has no manifest.note"]
    truncated = path.read_bytes()
    for end in range(0, len(truncated), len(truncated) // 40):
        (tmp_path / "x.zip").write_bytes(truncated[:end])
        assert check_export(tmp_path / "x.zip", [vkey]).findings
