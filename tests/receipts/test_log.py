"""The log only grows, counts what its checkpoint covers, and signs nothing that does not fit what it signed before."""

from pathlib import Path

import pytest

from endcredits import durable
from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.receipts import log as log_module
from endcredits.receipts.log import Log
from endcredits.receipts.merkle import leaf_hash, root, verify_consistency, verify_inclusion
from endcredits.receipts.note import SigningKey, open_checkpoint
from tests.receipts.helpers import KEY, OTHER_KEY, leaf, new_log


def test_a_log_begins_empty_and_signed(tmp_path: Path) -> None:
    """Opening with a key makes the four files."""
    log = Log.open(tmp_path / "log", KEY)

    assert (log.checkpoint().size, log.checkpoint().origin, log.vkey) == (0, KEY.name, KEY.vkey)
    assert (tmp_path / "log" / "log.vkey").read_text() == f"{KEY.vkey}\n"
    assert {path.name for path in (tmp_path / "log").iterdir()} == {
        ".lock",
        "checkpoint",
        "entries",
        "hashes",
        "log.vkey",
    }


def test_entries_are_proven_from_the_published_files_alone(tmp_path: Path) -> None:
    """Every proof of a grown log verifies against its signed checkpoint."""
    log = new_log(tmp_path, 5)

    first = log.append([leaf(5), leaf(6)])

    assert first == 5
    for index in range(7):
        proof = log.proof(index)
        checkpoint = open_checkpoint(proof.checkpoint, log.vkey)
        path = [bytes.fromhex(node) for node in proof.path]
        assert verify_inclusion(leaf_hash(leaf(index)), index, 7, path, bytes.fromhex(checkpoint.root))
    assert (tmp_path / "entries").read_bytes() == b"".join(leaf(index) + b"\n" for index in range(7))


def test_entries_are_found_by_commitment_and_name(tmp_path: Path) -> None:
    """Looking up works in the writer and in a reader opened before the entry came."""
    writer = new_log(tmp_path, 3)
    reader = Log.open(tmp_path)
    assert reader.find("00" * 32) is None

    writer.append([leaf(3)], ["out-3"])

    commit = leaf(3).decode().split('"')[3]
    assert writer.find(commit) == reader.find(commit) == reader.find_name("out-3") == 3
    assert reader.find_name("out-4") is None


def test_every_checkpoint_is_consistent_with_all_before(tmp_path: Path) -> None:
    """Growing is provable."""
    log = new_log(tmp_path)
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
    """An empty batch leaves the checkpoint as it is."""
    log = new_log(tmp_path, 2)
    before = (tmp_path / "checkpoint").read_bytes()

    assert log.append([]) == 2

    assert (tmp_path / "checkpoint").read_bytes() == before


def test_a_tail_beyond_the_checkpoint_is_dropped(tmp_path: Path) -> None:
    """What a killed writer left is no part of the log, and the next writer cuts it off."""
    log = new_log(tmp_path, 3)
    durable.append(tmp_path / "entries", leaf(77) + b"\n" + leaf(78)[:20])
    durable.append(tmp_path / "hashes", b"x" * 40)

    assert Log.open(tmp_path).find(leaf(77).decode().split('"')[3]) is None
    log.append([leaf(3)])

    hashes = [leaf_hash(leaf(number)) for number in range(4)]
    assert (tmp_path / "entries").read_bytes() == b"".join(leaf(number) + b"\n" for number in range(4))
    assert (tmp_path / "hashes").read_bytes() == b"".join(hashes)
    assert Log.open(tmp_path).checkpoint().root == root(hashes).hex()


def test_one_bad_leaf_spoils_the_batch(tmp_path: Path) -> None:
    """All of a batch counts, or none."""
    log = new_log(tmp_path, 1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(InputError):
        log.append([leaf(1), b"{}"])

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("batch", [[0], [2, 2]])
def test_a_commitment_is_logged_once(tmp_path: Path, batch: list[int]) -> None:
    """The same leaf again, or twice in a batch, is refused."""
    log = new_log(tmp_path, 2)

    with pytest.raises(ConflictError):
        log.append([leaf(number) for number in batch])

    assert log.checkpoint().size == 2


def test_two_writers_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one holds the log for too long, another is told so; afterwards it continues from what is there."""
    monkeypatch.setattr(log_module, "WAIT_SECONDS", 0.1)
    one, two = new_log(tmp_path, 1), Log.open(tmp_path, KEY)

    with one.writing(), pytest.raises(ConflictError, match="another process"):
        two.append([leaf(1)])
    one.append([leaf(1)])

    assert two.append([leaf(2)]) == 2
    assert one.append([leaf(3)]) == 3


@pytest.mark.parametrize(
    ("name", "place", "where"),
    [
        ("entries", 20, "entries, row 1"),
        ("hashes", 40, "entries, row 2"),
        ("checkpoint", 31, "checkpoint: it is not a signed note"),
        ("checkpoint", 40, "checkpoint: the signature"),
        ("checkpoint", -5, "checkpoint: "),
    ],
)
def test_a_damaged_log_is_not_signed_on(tmp_path: Path, name: str, place: int, where: str) -> None:
    """One changed byte stops reading and writing, in a new process and in one that knew the log before."""
    knows = new_log(tmp_path, 4)
    data = bytearray((tmp_path / name).read_bytes())
    data[place] ^= 1
    (tmp_path / name).write_bytes(data)

    for log in (Log.open(tmp_path, KEY), Log.open(tmp_path)):
        with pytest.raises(IntegrityError, match=where):
            log.find("00" * 32)
    with pytest.raises(IntegrityError):
        Log.open(tmp_path, KEY).append([leaf(9)])
    if name == "checkpoint":
        with pytest.raises(IntegrityError):
            knows.append([leaf(9)])


@pytest.mark.parametrize("name", ["entries", "hashes"])
def test_a_file_cut_short_under_a_writer_is_noticed(tmp_path: Path, name: str) -> None:
    """A writer that knew the log looks at the files' lengths before it adds."""
    log = new_log(tmp_path, 4)
    log.checkpoint()
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])

    with pytest.raises(IntegrityError, match="shorter"):
        log.append([leaf(4)])


def test_a_checkpoint_taken_back_is_noticed_by_who_knew_the_log(tmp_path: Path) -> None:
    """A log does not shrink."""
    log = new_log(tmp_path, 2)
    old = (tmp_path / "checkpoint").read_bytes()
    log.append([leaf(2)])
    (tmp_path / "checkpoint").write_bytes(old)

    with pytest.raises(IntegrityError, match="fewer entries"):
        log.checkpoint()


def test_a_lost_checkpoint_is_not_made_up(tmp_path: Path) -> None:
    """Entries without a checkpoint are refused instead of signed."""
    new_log(tmp_path, 2)
    (tmp_path / "checkpoint").unlink()

    with pytest.raises(IntegrityError, match="no checkpoint"):
        Log.open(tmp_path, KEY)


def test_the_key_must_be_the_logs(tmp_path: Path) -> None:
    """Another key is refused, even under the same name; so is writing without one."""
    new_log(tmp_path, 1)

    with pytest.raises(InputError, match="key"):
        Log.open(tmp_path, OTHER_KEY)
    with pytest.raises(InputError, match="key"):
        Log.open(tmp_path, SigningKey("another.example/log", KEY.private))
    with pytest.raises(InputError, match="for reading"):
        Log.open(tmp_path).append([leaf(1)])


def test_a_folder_without_a_log_is_named(tmp_path: Path) -> None:
    """Reading where there is nothing, and a public key that is not one."""
    with pytest.raises(NotFoundError, match="none"):
        Log.open(tmp_path / "none")

    new_log(tmp_path / "log", 1)
    (tmp_path / "log" / "log.vkey").write_text("nonsense")
    with pytest.raises(IntegrityError, match=r"log\.vkey"):
        Log.open(tmp_path / "log")


def test_asking_beyond_the_log_is_not_found(tmp_path: Path) -> None:
    """There is no proof of what is not there."""
    log = new_log(tmp_path, 2)

    with pytest.raises(NotFoundError):
        log.proof(2)
    with pytest.raises(NotFoundError):
        log.consistency_path(3)
    with pytest.raises(NotFoundError):
        log.root_at(3)
