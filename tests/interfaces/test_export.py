"""`endcredits export`: the command, its check without a studio, and its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from endcredits.flows.studio import open_studio
from tests.story import house as h
from tests.story.house import House

from .terminal import type_in


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, house: House) -> Path:
    return house.copy(house.finished, tmp_path_factory.mktemp("export") / "studio")


def test_out_check_and_tampering(studio: Path, tmp_path: Path) -> None:
    path = tmp_path / "ben.zip"
    written = type_in("export", h.BEN, "--out", str(path), "--with-files", "--studio", str(studio), "--json")
    assert written.code == 0, written.out
    document = json.loads(written.out)
    assert document["party_id"].startswith("party:ben-marl") and document["size_bytes"] == path.stat().st_size

    vkey = tmp_path / "log.vkey"
    shutil.copyfile(studio / "log" / "log.vkey", vkey)
    elsewhere = ["--studio", str(tmp_path)]
    good = type_in("export", "--check", str(path), "--vkey", str(vkey), "--json", *elsewhere)
    assert good.code == 0, good.out
    assert json.loads(good.out)["key"] == "given" and json.loads(good.out)["findings"] == []
    by_line = type_in("export", "--check", str(path), "--vkey", vkey.read_text().strip(), *elsewhere)
    assert by_line.code == 0 and "proofs fit" in by_line.out
    alone = type_in("export", "--check", str(path), *elsewhere)
    assert alone.code == 0 and "give --vkey" in alone.out

    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    bad = type_in("export", "--check", str(path), "--vkey", str(vkey), *elsewhere)
    assert bad.code == 3 and "WRONG" in bad.out


def test_what_is_asked_wrongly_is_two(studio: Path, tmp_path: Path) -> None:
    for arguments in (
        ["export"],
        ["export", h.BEN],
        ["export", "--out", str(tmp_path / "x.zip")],
        ["export", h.BEN, "--check", "x.zip"],
        ["export", "Nobody At All", "--out", str(tmp_path / "x.zip")],
        ["export", "--check", str(tmp_path / "none.zip")],
        ["export", "--check", "x.zip", "--vkey", str(tmp_path / "no.vkey")],
    ):
        done = type_in(*arguments, "--studio", str(studio))
        assert done.code == 2, (arguments, done.out)
    assert not (tmp_path / "x.zip").exists()


def test_a_folder_that_cannot_be_written_is_five(studio: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = type_in("export", h.BEN, "--out", str(tmp_path / "file" / "x.zip"), "--studio", str(studio))

    assert done.code == 5, done.out
    open_studio(studio).close()
