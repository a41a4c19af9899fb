"""Where a studio lies and how it begins: any folder's name will do, and a beginning that was killed is gone on with."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from endcredits.errors import ConflictError
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import init_studio, open_studio
from endcredits.store import insert_records, metadata
from tests.interfaces.terminal import start

DIE_AT = """
import os, signal, sys
from pathlib import Path
from endcredits import durable, store
from endcredits.flows.studio import init_studio

step, real, count = int(sys.argv.pop()), durable.write_atomic, iter(range(99))

def write(path, data, **options):
    if next(count) == step:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).with_name(Path(path).name + ".0123abcd.partial").write_bytes(data[:9])
        os.kill(os.getpid(), signal.SIGKILL)
    real(path, data, **options)

durable.write_atomic = write
if step < 0:
    from alembic import command
    upgrade = command.upgrade
    command.upgrade = lambda *a: (upgrade(*a), os.kill(os.getpid(), signal.SIGKILL))
init_studio(sys.argv.pop(), name="House")
"""
WRITES = 4
"""Key, public key, checkpoint, configuration."""


@pytest.mark.parametrize("name", ["what?", "no#1", "100%25 & more", "a b/c?d=e#f", "sqlite:"])
def test_any_name_of_a_folder_will_do(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything of the studio lies in it, and it can be moved to another such name."""
    monkeypatch.chdir(tmp_path)
    init_studio(name).close()

    assert (tmp_path / name / "studio.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name.split("/")[0]]
    shutil.move(tmp_path / name, tmp_path / "else?where")
    studio = open_studio("else?where")
    assert check_studio(studio) == []
    studio.close()


@pytest.mark.parametrize("step", range(-1, WRITES))
def test_a_killed_beginning_is_gone_on_with(tmp_path: Path, step: int) -> None:
    """Wherever it was killed: the same command again makes a whole studio, under the key that was made first."""
    place = tmp_path / "studio"
    process = start(place, step, program=DIE_AT)
    assert process.wait(timeout=60) == -signal.SIGKILL, process.communicate()
    key = (place / "keys" / "log.key").read_bytes() if step > 0 else None

    studio = init_studio(place, name="House")

    assert check_studio(studio) == []
    assert key in (None, (place / "keys" / "log.key").read_bytes())
    with pytest.raises(ConflictError, match="studio already"):
        init_studio(place)
    studio.close()


def test_a_whole_beginning_takes_so_many_writes(tmp_path: Path) -> None:
    """So the test above kills at every one of them."""
    process = start(tmp_path / "studio", WRITES, program=DIE_AT)

    assert process.wait(timeout=60) == 0, process.communicate()


@pytest.mark.parametrize("left", ["diary.txt", "log/old", "keys/other.pem", "receipts/out-1.json", "log/entries"])
def test_a_folder_with_anything_else_is_left_alone(tmp_path: Path, left: str) -> None:
    """Another's file, receipts, or a log with entries: that is no unfinished beginning."""
    place = tmp_path / "studio"
    init_studio(place).close()
    (place / "studio.toml").unlink()
    (place / left).parent.mkdir(exist_ok=True)
    (place / left).write_bytes(b"something")

    with pytest.raises(ConflictError, match="not empty"):
        init_studio(place)

    assert not (place / "studio.toml").exists()


@pytest.mark.parametrize("data", [None, b"no database at all, but long enough to be looked at as if it were one" * 20])
def test_another_database_of_the_same_name_is_left_alone(tmp_path: Path, data: bytes | None) -> None:
    """A file studio.db that another program made gets no tables of ours."""
    file = tmp_path / "studio.db"
    if data is None:
        with closing(sqlite3.connect(file)) as conn:
            conn.execute("CREATE TABLE songs (title TEXT)")
    else:
        file.write_bytes(data)
    held = file.read_bytes()

    with pytest.raises(ConflictError, match="not empty"):
        init_studio(tmp_path)

    assert file.read_bytes() == held and os.listdir(tmp_path) == ["studio.db"]


def test_a_database_that_is_in_use_is_no_beginning(tmp_path: Path) -> None:
    """Without its configuration a studio with somebody in it is not begun anew."""
    studio = init_studio(tmp_path / "studio")
    row = {"party_id": "p:ada", "name": "Ada", "kind": "person", "identifiers": "[]"}
    studio.store.write(lambda conn: insert_records(conn, metadata.tables["parties"], [row]))
    studio.close()
    (studio.path / "studio.toml").unlink()

    with pytest.raises(ConflictError, match="holds another studio already"):
        init_studio(studio.path)
