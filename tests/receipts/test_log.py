"""The log only grows, counts what its checkpoint covers, and signs nothing that does not fit what it signed before."""

import shutil
from pathlib import Path

import pytest

from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.receipts import log as log_module
from endcredits.receipts.keys import MLDSA44, SigningKey, make_keypair
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.log import Log
from endcredits.receipts.log_index import index_path
from endcredits.receipts.merkle import leaf_hash, root, verify_consistency, verify_inclusion
from endcredits.receipts.note import open_checkpoint, sign_checkpoint
from endcredits.receipts.storage import FolderStorage
from endcredits.receipts.tiles import encode_bundle
from tests.receipts.helpers import KEY, OTHER_KEY, leaf, new_log


def files(folder: Path) -> dict[str, bytes]:
    """All files of a log's folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def commit(number: int) -> str:
    """The commitment of the leaf of this number."""
    return parse_leaf(leaf(number)).commit


def interrupted(*arguments: object) -> None:
    """Takes the place of a step that a process never came to."""
    raise KeyboardInterrupt


def flip(path: Path, place: int) -> None:
    """Changes one bit."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_log_begins_empty_and_signed(tmp_path: Path) -> None:
    """Opening with a key makes two files and the lock."""
    log = Log.open(tmp_path / "log", KEY)

    assert (log.checkpoint().size, log.checkpoint().origin, log.vkey) == (0, KEY.name, KEY.vkey)
    assert (tmp_path / "log" / "log.vkey").read_text() == f"{KEY.vkey}\n"
    assert set(files(tmp_path / "log")) == {".lock", "checkpoint", "log.vkey"}


def test_the_folder_is_that_of_the_standard(tmp_path: Path) -> None:
    """Bundles and tiles, full ones and the partial ones of the latest checkpoint; the index is beside, not in it."""
    log = new_log(tmp_path / "log", 3)
    log.append([leaf(number) for number in range(3, 260)])

    assert set(files(tmp_path / "log")) == {
        ".lock",
        "checkpoint",
        "log.vkey",
        "tile/0/000",
        "tile/0/001.p/4",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/4",
    }
    assert (tmp_path / "log/tile/entries/001.p/4").read_bytes() == encode_bundle([leaf(n) for n in range(256, 260)])
    assert (tmp_path / "log/tile/0/001.p/4").read_bytes() == b"".join(leaf_hash(leaf(n)) for n in range(256, 260))
    assert index_path(tmp_path / "log") == tmp_path / "log.index.sqlite"
    assert index_path(tmp_path / "log").exists()


def test_entries_are_proven_from_the_published_files_alone(tmp_path: Path) -> None:
    """Every proof of a grown log verifies against its signed checkpoint."""
    log = new_log(tmp_path / "log", 5)

    first = log.append([leaf(5), leaf(6)])

    assert first == 5
    shutil.copytree(tmp_path / "log", tmp_path / "copy")
    copy = Log.open(tmp_path / "copy")
    for index in range(7):
        proof = copy.proof(index)
        checkpoint = open_checkpoint(proof.checkpoint, log.vkey)
        path = [bytes.fromhex(node) for node in proof.path]
        assert verify_inclusion(leaf_hash(leaf(index)), index, 7, path, bytes.fromhex(checkpoint.root))
        assert copy.leaf_at(index) == leaf(index)
        assert copy.leaf_hash_at(index) == leaf_hash(leaf(index))
    assert list(copy.entries()) == [leaf(number) for number in range(7)]
    assert list(copy.entries(2, 4)) == [leaf(2), leaf(3)]


def test_a_proof_under_an_earlier_size(tmp_path: Path) -> None:
    """For whoever holds the checkpoint of that size."""
    log = new_log(tmp_path / "log", 5)
    older = log.checkpoint()
    log.append([leaf(5)])

    proof = log.proof(3, 5)

    path = [bytes.fromhex(node) for node in proof.path]
    assert proof.checkpoint == ""
    assert verify_inclusion(leaf_hash(leaf(3)), 3, 5, path, bytes.fromhex(older.root))


def test_entries_are_found_by_commitment_and_name(tmp_path: Path) -> None:
    """Looking up works in the writer, in a reader opened before the entry came, and by commitment in a mere copy."""
    writer = new_log(tmp_path / "log", 3)
    reader = Log.open(tmp_path / "log")
    assert reader.find("00" * 32) is None

    writer.append([leaf(3), leaf(4)], ["out-3", ""])

    shutil.copytree(tmp_path / "log", tmp_path / "copy")
    copy = Log.open(tmp_path / "copy")
    assert writer.find(commit(3)) == reader.find(commit(3)) == copy.find(commit(3)) == 3
    assert writer.find_name("out-3") == reader.find_name("out-3") == 3
    assert (copy.find_name("out-3"), reader.find_name("out-4"), reader.find_name("")) == (None, None, None)
    assert not index_path(tmp_path / "copy").exists()


def test_every_checkpoint_is_consistent_with_all_before(tmp_path: Path) -> None:
    """Growing is provable."""
    log = new_log(tmp_path / "log")
    seen = [log.checkpoint()]

    for number in range(12):
        log.append([leaf(number)])
        seen.append(log.checkpoint())

    latest = bytes.fromhex(seen[-1].root)
    for old in seen:
        path = [bytes.fromhex(node) for node in log.consistency_path(old.size)]
        assert verify_consistency(old.size, 12, path, bytes.fromhex(old.root), latest)
        assert log.root_at(old.size).hex() == old.root


def test_appending_nothing_signs_nothing(tmp_path: Path) -> None:
    """An empty batch leaves everything as it is."""
    log = new_log(tmp_path / "log", 2)
    before = files(tmp_path / "log")

    assert log.append([]) == 2

    assert files(tmp_path / "log") == before


def test_what_no_checkpoint_covers_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and rows that a killed writer left are no part of the log, and go when the next one writes."""
    folder = tmp_path / "log"
    log = new_log(folder, 3)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(FolderStorage, "swap", interrupted)
        log.append([leaf(number) for number in range(77, 77 + 300)], [f"lost-{number}" for number in range(300)])
    assert (folder / "tile/entries/000").exists()

    assert Log.open(folder).find(commit(77)) is None
    assert Log.open(folder).find_name("lost-0") is None
    Log.open(folder, KEY).append([leaf(3)], ["kept"])

    reader = Log.open(folder)
    assert list(reader.entries()) == [leaf(number) for number in range(4)]
    assert reader.checkpoint().root == root([leaf_hash(leaf(number)) for number in range(4)]).hex()
    assert (reader.find(commit(77)), reader.find_name("lost-0"), reader.find_name("kept")) == (None, None, 3)
    assert {name for name in files(folder) if ".p/" in name} == {
        *(f"tile/{level}/000.p/{width}" for level in ("0", "entries") for width in (3, 4)),
        *(f"tile/{level}/001.p/47" for level in ("0", "entries")),
    }, "what lies where the log has not come yet is removed when it comes there"
    Log.open(folder, KEY).append([leaf(number) for number in range(4, 270)])
    assert list(Log.open(folder).entries()) == [leaf(number) for number in range(270)]
    assert {name for name in files(folder) if name.startswith(("tile/0/001", "tile/entries/001"))} == {
        f"tile/{level}/001.p/14" for level in ("0", "entries")
    }


def test_one_bad_leaf_spoils_the_batch(tmp_path: Path) -> None:
    """All of a batch counts, or none."""
    log = new_log(tmp_path / "log", 1)
    before = files(tmp_path / "log")

    with pytest.raises(InputError):
        log.append([leaf(1), b"{}"])

    assert files(tmp_path / "log") == before


@pytest.mark.parametrize("batch", [[0], [2, 2]])
def test_a_commitment_is_logged_once(tmp_path: Path, batch: list[int]) -> None:
    """The same leaf again, or twice in a batch, is refused."""
    log = new_log(tmp_path / "log", 2)

    with pytest.raises(ConflictError):
        log.append([leaf(number) for number in batch])

    assert log.checkpoint().size == 2


def test_two_writers_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one holds the log for too long, another is told so; afterwards it continues from what is there."""
    monkeypatch.setattr(log_module, "WAIT_SECONDS", 0.1)
    one, two = new_log(tmp_path / "log", 1), Log.open(tmp_path / "log", KEY)

    with one.writing(), pytest.raises(ConflictError, match="another process"):
        two.append([leaf(1)])
    one.append([leaf(1)])

    assert two.append([leaf(2)]) == 2
    assert one.append([leaf(3)]) == 3
    assert [one.find(commit(number)) for number in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("name", "place", "where"),
    [
        ("tile/entries/000.p/4", 20, "entries"),
        ("tile/0/000.p/4", 40, "tile"),
        ("checkpoint", 31, "checkpoint: it is not a signed note"),
        ("checkpoint", 40, "checkpoint: the signature"),
        ("checkpoint", -5, "checkpoint: "),
    ],
)
def test_a_damaged_edge_is_not_signed_on(tmp_path: Path, name: str, place: int, where: str) -> None:
    """One changed byte in what growth begins from stops writing, and reading what it touches."""
    new_log(tmp_path / "log", 4)
    flip(tmp_path / "log" / name, place)

    with pytest.raises(IntegrityError, match=where):
        Log.open(tmp_path / "log", KEY).append([leaf(9)])
    with pytest.raises(IntegrityError, match=where):
        Log.open(tmp_path / "log").leaf_at(0)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/000", "tile/1/000.p/1"])
def test_what_is_damaged_proves_nothing(tmp_path: Path, name: str) -> None:
    """A changed tile or entry, read on demand, is noticed before it is handed on; other entries stay readable."""
    new_log(tmp_path / "log", 300)
    flip(tmp_path / "log" / name, 100 if name != "tile/1/000.p/1" else 3)

    log = Log.open(tmp_path / "log")

    with pytest.raises(IntegrityError):
        [log.leaf_at(number) for number in range(300)]
    with pytest.raises(IntegrityError):
        list(log.entries())


def test_a_checkpoint_taken_back_is_noticed_by_who_knew_the_log(tmp_path: Path) -> None:
    """A log does not shrink."""
    log = new_log(tmp_path / "log", 2)
    old = (tmp_path / "log/checkpoint").read_bytes()
    log.append([leaf(2)])
    (tmp_path / "log/checkpoint").write_bytes(old)

    with pytest.raises(IntegrityError, match="fewer entries"):
        log.checkpoint()


def test_a_history_rewritten_and_signed_is_noticed_by_who_knew_the_log(tmp_path: Path) -> None:
    """The right signature does not help the operator who serves another log under the same name."""
    log = new_log(tmp_path / "log", 3)
    reader = Log.open(tmp_path / "log")
    reader.checkpoint()
    forked = new_log(tmp_path / "forked")
    forked.append([leaf(number) for number in (0, 9, 2, 3)])
    shutil.rmtree(tmp_path / "log")
    shutil.copytree(tmp_path / "forked", tmp_path / "log")

    for knows in (log, reader):
        with pytest.raises(IntegrityError, match="not the one of before"):
            knows.checkpoint()


def test_a_lost_checkpoint_is_not_made_up(tmp_path: Path) -> None:
    """Entries without a checkpoint are refused instead of signed."""
    new_log(tmp_path / "log", 2)
    (tmp_path / "log/checkpoint").unlink()

    with pytest.raises(IntegrityError, match="no checkpoint"):
        Log.open(tmp_path / "log", KEY)


def test_the_key_must_be_the_logs(tmp_path: Path) -> None:
    """Another key is refused, even under the same name; so is writing without one."""
    new_log(tmp_path / "log", 1)

    with pytest.raises(InputError, match="key"):
        Log.open(tmp_path / "log", OTHER_KEY)
    with pytest.raises(InputError, match="key"):
        Log.open(tmp_path / "log", SigningKey("another.example/log", KEY.private))
    with pytest.raises(InputError, match="for reading"):
        Log.open(tmp_path / "log").append([leaf(1)])


def test_a_folder_without_a_log_is_named(tmp_path: Path) -> None:
    """Reading where there is nothing, where the old layout is, and a public key that is not one."""
    with pytest.raises(NotFoundError, match="none"):
        Log.open(tmp_path / "none")

    old = tmp_path / "old"
    old.mkdir()
    for name in ("entries", "hashes"):
        (old / name).write_bytes(b"")
    for key in (None, KEY):
        with pytest.raises(InputError, match="layout"):
            Log.open(old, key)

    new_log(tmp_path / "log", 1)
    (tmp_path / "log" / "log.vkey").write_text("nonsense")
    with pytest.raises(IntegrityError, match=r"log\.vkey"):
        Log.open(tmp_path / "log")


def test_asking_beyond_the_log_is_not_found(tmp_path: Path) -> None:
    """There is no proof of what is not there."""
    log = new_log(tmp_path / "log", 2)

    for ask in (log.proof, log.leaf_at):
        with pytest.raises(NotFoundError):
            ask(2)
    with pytest.raises(NotFoundError):
        log.consistency_path(3)
    with pytest.raises(NotFoundError):
        log.root_at(3)


def test_several_logs_do_not_mix(tmp_path: Path) -> None:
    """Neither keys nor files nor indexes of one log pass for another's."""
    other_key = SigningKey("studio.example/endcredits/second", KEY.private)
    one = new_log(tmp_path / "one", 3)
    two = Log.open(tmp_path / "two", other_key)
    two.append([leaf(number) for number in range(3)], ["a", "b", "c"])
    assert one.checkpoint().root == two.checkpoint().root

    with pytest.raises(IntegrityError):
        open_checkpoint(two.checkpoint().note, one.vkey)
    with pytest.raises(InputError, match="key"):
        Log.open(tmp_path / "one", other_key)
    one.close()
    two.close()
    shutil.copy(tmp_path / "two.index.sqlite", tmp_path / "one.index.sqlite")
    with pytest.raises(IntegrityError, match="not one of the log"):
        Log.open(tmp_path / "one").find(commit(0))
    shutil.copy(tmp_path / "two/checkpoint", tmp_path / "one/checkpoint")
    with pytest.raises(IntegrityError, match="not signed by the key"):
        Log.open(tmp_path / "one").checkpoint()


def test_a_lost_index_is_made_again(tmp_path: Path) -> None:
    """From the entries; the names of receipts, which stand nowhere else, can be noted again."""
    log = new_log(tmp_path / "log")
    log.append([leaf(number) for number in range(5)], [f"out-{number}" for number in range(5)])
    log.close()
    index_path(tmp_path / "log").unlink()

    log = Log.open(tmp_path / "log", KEY)
    log.rebuild_index()

    assert [log.find(commit(number)) for number in range(5)] == [0, 1, 2, 3, 4]
    assert log.find_name("out-2") is None
    log.writers_index().name("out-2", 2)
    assert log.find_name("out-2") == Log.open(tmp_path / "log").find_name("out-2") == 2


def test_a_log_can_be_signed_by_two_keys(tmp_path: Path) -> None:
    """Ed25519 and, for later times, ML-DSA-44; either line is seen when it is wrong, and Ed25519 alone suffices."""
    second = make_keypair(tmp_path / "second.key", KEY.name, MLDSA44)
    log = Log.open(tmp_path / "log", [KEY, second])
    log.append([leaf(0)])

    note = log.checkpoint().note

    assert log.vkeys == (KEY.vkey, second.vkey)
    assert open_checkpoint(note, KEY.vkey) == open_checkpoint(note, log.vkeys)
    with pytest.raises(IntegrityError, match="not signed by"):
        open_checkpoint(note, second.vkey)
    head, _, tail = note.rpartition("\n— ")
    changed = f"{head}\n— {tail[:60]}{'A' if tail[60] != 'A' else 'B'}{tail[61:]}"
    assert open_checkpoint(changed, KEY.vkey).size == 1
    with pytest.raises(IntegrityError, match="does not fit"):
        open_checkpoint(changed, log.vkeys)


def test_cosignatures_are_published_under_the_checkpoint(tmp_path: Path) -> None:
    """They stay until the log grows, and a line made for an earlier checkpoint is refused."""
    log = new_log(tmp_path / "log", 2)
    asked = log.checkpoint()
    line = sign_checkpoint(2, bytes(32), SigningKey("witness.example/w1", OTHER_KEY.private)).note.splitlines()[-1]

    published = log.add_signatures([line], asked)

    assert published.note == f"{asked.note}{line}\n"
    assert Log.open(tmp_path / "log").checkpoint() == published
    assert log.add_signatures([line]).note == published.note
    with pytest.raises(IntegrityError, match="signature line"):
        log.add_signatures(["nonsense"])
    log.append([leaf(2)])
    with pytest.raises(ConflictError, match="grown"):
        log.add_signatures([line], asked)
    assert line not in log.checkpoint().note
