"""The check finds every change to the log's files and names the entry or the tile where that can be told."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from endcredits.errors import EndcreditsError
from endcredits.receipts import log_index
from endcredits.receipts.check import MISSING_MAX, NAMED_MAX, check_log
from endcredits.receipts.check_index import IndexCheck
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.log import Log
from endcredits.receipts.log_index import index_path
from endcredits.receipts.merkle import Tree, leaf_hash, root
from endcredits.receipts.note import sign_checkpoint
from endcredits.receipts.storage import FolderStorage
from endcredits.receipts.tile_tree import EMPTY_EDGE
from endcredits.receipts.tiles import TILE_WIDTH, encode_bundle, tile_name
from endcredits.store import Finding
from tests.receipts.helpers import KEY, OTHER_KEY, leaf, new_log


def change(path: Path, place: int, bit: int = 1) -> None:
    """Flips bits of one byte."""
    data = bytearray(path.read_bytes())
    data[place] ^= bit
    path.write_bytes(data)


def places(log: Log) -> list[str]:
    """Where findings are."""
    return [finding.where for finding in check_log(log)]


def forge(folder: Path, entries: list[bytes]) -> Log:
    """A folder in which entries and tiles agree with each other, whatever the checkpoint says."""
    _, tiles = EMPTY_EDGE.grow([leaf_hash(entry) for entry in entries])
    starts = range(0, len(entries), TILE_WIDTH)
    parts = [entries[start : start + TILE_WIDTH] for start in starts]
    bundles = [(tile_name("entries", number, len(part)), encode_bundle(part)) for number, part in enumerate(parts)]
    FolderStorage(folder).put([*bundles, *tiles])
    return Log.open(folder)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 600 entries: two full tiles, a partial one, one of level 1; several partial widths on the way."""
    folder = tmp_path_factory.mktemp("grown") / "log"
    log = Log.open(folder, KEY)
    for start, stop in ((0, 200), (200, 520), (520, 560), (560, 600)):
        log.append([leaf(number) for number in range(start, stop)], [f"out-{number}" for number in range(start, stop)])
    log.close()
    return folder


@pytest.fixture
def folder(grown: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy to be damaged."""
    shutil.copytree(grown, tmp_path / "log")
    shutil.copy(index_path(grown), index_path(tmp_path / "log"))
    yield tmp_path / "log"


def test_a_whole_log_has_no_findings(tmp_path: Path, folder: Path) -> None:
    """Nothing is wrong with an empty log, one that grew, one with a killed writer's tail, or a copy without an index."""
    log = new_log(tmp_path / "new")
    assert check_log(log) == []
    assert check_log(Log.open(folder), index=True) == []

    covered = (folder / "checkpoint").read_bytes()
    Log.open(folder, KEY).append([leaf(number) for number in range(600, 900)])
    tail, _ = (folder / "checkpoint").read_bytes(), (folder / "checkpoint").write_bytes(covered)
    assert check_log(Log.open(folder), index=True) == []
    (folder / "checkpoint").write_bytes(tail)
    index_path(folder).unlink()
    assert check_log(Log.open(folder)) == []
    assert "it is missing" in check_log(Log.open(folder), index=True)[0].problem


def test_every_changed_byte_of_every_file_is_found(tmp_path: Path) -> None:
    """No byte of a bundle, a tile, the checkpoint or the public keys can change, nor one of earlier partial files."""
    log = new_log(tmp_path / "log", 1)
    log.append([leaf(number) for number in range(1, 3)])
    paths = [path for path in (tmp_path / "log").rglob("*") if path.is_file() and path.name != ".lock"]
    assert len(paths) == 6
    assert check_log(log) == []

    for path in paths:
        for place in range(path.stat().st_size):
            change(path, place)
            found = check_log(log, index=False)
            assert any(path.relative_to(tmp_path / "log").as_posix() in one.where for one in found), (path, place, found)
            change(path, place)
    assert check_log(log) == []


def test_every_cut_of_every_file_is_found(tmp_path: Path) -> None:
    """A file that ends too early, at whatever byte, or has one byte more."""
    log = new_log(tmp_path / "log", 3)
    for path in (tmp_path / "log").rglob("*"):
        if not path.is_file() or path.name == ".lock":
            continue
        data = path.read_bytes()
        for cut in [*(data[:end] for end in range(len(data))), data + b"\n", data + data]:
            path.write_bytes(cut)
            assert check_log(log, index=False), (path, len(cut))
        path.write_bytes(data)
    assert check_log(log) == []


def test_every_changed_byte_of_the_index_is_found_or_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of a database that hold nothing may change; whatever changes one answer is found."""
    monkeypatch.setattr(log_index, "RECENT_MAX", 4)
    log = new_log(tmp_path / "log")
    for start in (0, 5):
        log.append([leaf(number) for number in range(start, start + 5)], [f"out-{n}" for n in range(start, start + 5)])
    log.close()
    path = index_path(tmp_path / "log")
    whole = path.read_bytes()
    commits = [parse_leaf(leaf(number)).commit for number in range(10)]
    reader = Log.open(tmp_path / "log")

    def findings() -> list[Finding]:
        found: list[Finding] = []
        check = IndexCheck(reader, 10, found, must_exist=True)
        check.add(0, [bytes.fromhex(commit) for commit in commits])
        check.close()
        return found

    named = 0
    for place in range(len(whole)):
        if place % 64 and not any(whole[max(0, place - 8) : place + 8]):
            continue  # in the middle of empty space
        change(path, place, 0x41)
        if findings():
            named += 1
        else:
            answers = [(reader.find(one), reader.find_name(f"out-{number}")) for number, one in enumerate(commits)]
            assert answers == [(number, number) for number in range(10)], place
            assert (reader.find("00" * 32), reader.find_name("none")) == (None, None)
        reader.close()
        path.write_bytes(whole)
    assert named > 300
    assert check_log(reader, index=True) == []


@pytest.mark.parametrize("position", [0, 5, 255, 256, 511, 512, 599])
def test_a_changed_entry_is_named_by_its_position(folder: Path, position: int) -> None:
    """Tiles and root confirm the hash, so the entry that does not fit was changed."""
    number, place = divmod(position, 256)
    path = folder / (f"tile/entries/{number:03}" if number < 2 else "tile/entries/002.p/88")
    change(path, place * (len(leaf(0)) + 2) + 15)

    findings = check_log(Log.open(folder))

    assert [one.where for one in findings] == [f"log file {path.relative_to(folder).as_posix()}, entry {position}"]
    assert "its hash in the tile is the signed one" in findings[0].problem


@pytest.mark.parametrize(
    ("name", "place"),
    [("tile/0/000", 0), ("tile/0/001", 255), ("tile/0/002.p/88", 3), ("tile/1/000.p/2", 0), ("tile/1/000.p/2", 1)],
)
def test_a_changed_hash_is_told_from_a_changed_entry(folder: Path, name: str, place: int) -> None:
    """Entries and root confirm each other, so the hash was changed."""
    change(folder / name, place * 32 + 7)

    findings = check_log(Log.open(folder))

    assert [one.where for one in findings] == [f"log file {name}, hash {place}"]
    assert "what it stands for is the signed one" in findings[0].problem


def test_changes_anywhere_in_a_larger_log_are_found_and_named(folder: Path) -> None:
    """Sixty random changes, one at a time: a byte changed, some cut off, some inserted; that file is named, and no other."""
    draw, log = random.Random(6), Log.open(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    for _ in range(60):
        path = draw.choice(paths)
        data = path.read_bytes()
        place = draw.randrange(len(data))
        kinds = (bytes([data[place] ^ draw.randrange(1, 256)]) + data[place + 1 :], b"", draw.randbytes(3) + data[place:])
        path.write_bytes(data[:place] + draw.choice(kinds))
        findings = check_log(log, index=False)
        name = path.relative_to(folder).as_posix()
        assert findings and all(name in one.where or "more findings" in one.problem for one in findings), (name, findings)
        path.write_bytes(data)
    assert check_log(log, index=True) == []


def test_two_changes_in_different_places_are_both_named(folder: Path) -> None:
    """Each is judged where it is."""
    change(folder / "tile/entries/000", 20)
    change(folder / "tile/0/001", 40)

    assert sorted(places(Log.open(folder))) == [
        "log file tile/0/001, hash 1",
        "log file tile/entries/000, entry 0",
    ]


def test_an_entry_changed_with_its_tile_is_found_by_the_tile_above(folder: Path) -> None:
    """Whoever rewrites a bundle and its tile contradicts the level above, which the root confirms."""
    entries = [leaf(number) for number in range(256)]
    entries[7] = leaf(9999)
    forge(folder, entries)
    (folder / "tile/1/000.p/1").unlink()

    findings = check_log(Log.open(folder), index=False)

    assert [one.where for one in findings] == ["log file tile/1/000.p/2, hash 0"]
    assert "tile/0/000 and the entries under it agree with each other and not with it" in findings[0].problem


def test_everything_changed_but_the_signature_is_found_though_not_named(tmp_path: Path) -> None:
    """Whoever rewrites all of it cannot rewrite the signature."""
    new_log(tmp_path / "log", 3)
    log = forge(tmp_path / "log", [leaf(number) for number in (0, 7, 2)])

    findings = check_log(log, index=False)

    assert ["agree with each other but not with the signed root" in one.problem for one in findings] == [True]


def test_an_entry_that_is_no_leaf_is_named_even_if_signed(tmp_path: Path) -> None:
    """The operator's signature does not make a malformed entry a leaf."""
    new_log(tmp_path / "log", 1)
    log = forge(tmp_path / "log", [b'{"name": "Emily"}'])
    (tmp_path / "log/checkpoint").write_text(sign_checkpoint(1, leaf_hash(b'{"name": "Emily"}'), KEY).note)

    findings = check_log(log, index=False)

    assert [one.where for one in findings] == ["log file tile/entries/000.p/1, entry 0"]
    assert "canonical" in findings[0].problem


def test_a_missing_file_is_found(folder: Path) -> None:
    """Every file that the checkpoint speaks for is needed, and named."""
    log = Log.open(folder)
    names = [
        *("checkpoint", "log.vkey", "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"),
        *("tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"),
    ]
    for name in names:
        data = (folder / name).read_bytes()
        (folder / name).unlink()
        assert any(name in one.where for one in check_log(log)), name
        (folder / name).write_bytes(data)
    assert check_log(log) == []


def test_without_a_signature_the_rest_is_still_compared(folder: Path) -> None:
    """Two things are wrong, and both are named."""
    change(folder / "checkpoint", -5)
    change(folder / "tile/0/001", 40)

    assert places(Log.open(folder)) == ["log file checkpoint", "log file tile/0/001, hash 1"]


def test_a_checkpoint_by_another_key_is_found(tmp_path: Path) -> None:
    """Re-signing everything with another key does not pass."""
    log = new_log(tmp_path / "log", 2)
    forged = sign_checkpoint(2, root([leaf_hash(leaf(0)), leaf_hash(leaf(1))]), OTHER_KEY)
    (tmp_path / "log/checkpoint").write_text(forged.note)

    assert [one.where for one in check_log(log)] == ["log file checkpoint"]


def test_a_replayed_checkpoint_is_found_by_whoever_kept_a_later_one(tmp_path: Path) -> None:
    """An old checkpoint with its old tiles is a whole log; only memory elsewhere tells that it is old."""
    log = new_log(tmp_path / "log", 3)
    old = (tmp_path / "log/checkpoint").read_bytes()
    log.append([leaf(3)])
    later = log.checkpoint().note
    (tmp_path / "log/checkpoint").write_bytes(old)

    assert check_log(Log.open(tmp_path / "log")) == []
    assert "entries were removed" in check_log(Log.open(tmp_path / "log"), [later])[0].problem


def test_growth_is_held_against_older_checkpoints(tmp_path: Path) -> None:
    """An older checkpoint kept elsewhere finds removed and rewritten history, signed as it may be."""
    log = new_log(tmp_path / "honest", 3)
    empty = sign_checkpoint(0, root([]), KEY).note
    older = log.checkpoint().note
    log.append([leaf(number) for number in range(3, 300)])
    later = log.checkpoint().note
    forked = new_log(tmp_path / "forked")
    forked.append([leaf(number) for number in (0, 9999, *range(2, 300))])
    short = new_log(tmp_path / "short", 2)

    assert check_log(log, [later, older, empty, older]) == []
    assert check_log(forked) == []
    assert [one.where for one in check_log(forked, [older, later])] == [
        "the older checkpoint of 3 entries",
        "the older checkpoint of 300 entries",
    ]
    assert "history was rewritten" in check_log(forked, [older])[0].problem
    assert "entries were removed" in check_log(short, [older])[0].problem
    assert "signature" in check_log(log, [older.replace("\n3\n", "\n2\n")])[0].problem


def test_a_size_that_was_only_declared_is_refused_soon(tmp_path: Path) -> None:
    """A signed checkpoint of nine quadrillion entries: ten missing bundles are enough."""
    new_log(tmp_path / "log", 300)
    (tmp_path / "log/checkpoint").write_text(sign_checkpoint(2**53 - 1, bytes(32), KEY).note)
    log = Log.open(tmp_path / "log")

    findings = check_log(log)

    assert len(findings) < 4 * MISSING_MAX
    assert any("the rest was not looked at" in one.problem for one in findings)
    for ask in (lambda: log.proof(0), lambda: log.leaf_at(5), lambda: log.root_at(7), lambda: log.find("00" * 32)):
        with pytest.raises(EndcreditsError):
            ask()


def test_files_of_a_huge_size_are_not_read(tmp_path: Path) -> None:
    """A terabyte that takes no room on the disk, and a pipe that never ends."""
    log = new_log(tmp_path / "log", 3)
    for name in ("tile/0/000.p/3", "tile/entries/000.p/3", "checkpoint", "log.vkey"):
        path = tmp_path / "log" / name
        data = path.read_bytes()
        with path.open("r+b") as file:
            file.truncate(2**40)
        assert any(name in one.where and "bytes and may have" in one.problem for one in check_log(log, index=False)), name
        path.unlink()
        path.mkdir()
        assert any(name in one.where and "not a plain file" in one.problem for one in check_log(log, index=False)), name
        path.rmdir()
        path.write_bytes(data)
    assert check_log(log) == []


def test_many_changed_entries_are_summed_up(folder: Path) -> None:
    """A bundle put in another's place: the first entries are named and the rest counted."""
    (folder / "tile/entries/001").write_bytes((folder / "tile/entries/000").read_bytes())

    findings = check_log(Log.open(folder))

    assert findings[0].where.startswith("log file") or findings[1].where == "log file tile/entries/001, entry 256"
    assert len(findings) == NAMED_MAX + 1
    assert "246 more findings" in findings[-1].problem


def test_an_index_that_leads_astray_is_found(folder: Path) -> None:
    """One that is behind, and one that was made for other entries."""
    other = new_log(folder.parent / "other")
    other.append([leaf(number) for number in (*range(599), 7777)])
    other.close()
    shutil.copy(folder.parent / "other.index.sqlite", index_path(folder))
    assert [one.problem for one in check_log(Log.open(folder))] == ["it does not lead to the entry at position 599"]

    index_path(folder).unlink()
    index = log_index.open_index(index_path(folder), KEY.name, writing=True)
    assert index is not None
    index.add(0, [bytes.fromhex(parse_leaf(leaf(0)).commit)], [])
    index.close()
    assert [one.problem for one in check_log(Log.open(folder))] == ["it knows 1 of the 600 entries"]


def test_progress_is_told(folder: Path) -> None:
    """A long check says where it stands."""
    seen: list[tuple[str, int, int]] = []

    check_log(Log.open(folder), progress=lambda *told: seen.append(told))

    assert seen == [("check the log", done, 600) for done in (0, 256, 512, 600)]


def test_the_tiles_of_the_second_level_are_judged_too(tmp_path: Path) -> None:
    """66,000 entries: a full tile of level 1; a hash of it changed, then an entry under it."""
    entries = [leaf(number % 3) for number in range(66_000)]
    Log.open(tmp_path / "log", KEY)
    forge(tmp_path / "log", entries)
    signed = sign_checkpoint(66_000, Tree(map(leaf_hash, entries)).root(), KEY)
    (tmp_path / "log/checkpoint").write_text(signed.note)
    log = Log.open(tmp_path / "log")
    assert check_log(log, index=False) == []

    change(tmp_path / "log/tile/1/000", 200 * 32)
    change(tmp_path / "log/tile/2/000.p/1", 5)
    change(tmp_path / "log/tile/entries/003", 20)

    # The changed hash of level 2 leaves nothing above level 1 to judge by; level 1 judges what is below it.
    findings = {one.where: one.problem for one in check_log(log, index=False)}
    assert "its hash in the tile is the signed one" in findings.pop("log file tile/entries/003, entry 768")
    assert set(findings) == {"log file tile/1/000, hash 200", "log file tile/2/000.p/1, hash 0"}
