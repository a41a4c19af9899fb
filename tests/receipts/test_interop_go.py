"""Go's own packages for signed notes and tiled logs read our log, accept our proofs, and make the same ones from our tiles.

The packages are golang.org/x/mod/sumdb (`note`, `tlog`), the code by which Go itself checks modules. Debian has them:

    apt-get install golang-go golang-golang-x-mod-dev

Where they are missing, these tests are skipped and say so; with ENDCREDITS_REQUIRE_GO=1 they fail.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from endcredits.receipts.log import Log
from endcredits.receipts.merkle import leaf_hash, verify_consistency, verify_inclusion
from endcredits.receipts.note import open_checkpoint
from endcredits.receipts.policy import parse_policy
from endcredits.receipts.witness import Witness
from tests.receipts.helpers import KEY, leaf
from tests.receipts.witnesses import new_witness, serving

PROGRAM = Path(__file__).parent / "interop" / "main.go"
PACKAGES = Path("/usr/share/gocode")
SIZE = 66_000  # three levels of tiles: 256 x 256 leaves fill one of the second level
Ask = Any


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """The program, built; call it with a question."""
    missing = ""
    if not shutil.which("go"):
        missing = "there is no Go here"
    elif not (PACKAGES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        missing = "the packages of golang-golang-x-mod-dev are not here"
    if missing and os.environ.get("ENDCREDITS_REQUIRE_GO") == "1":
        pytest.fail(f"Go is required here: {missing}")
    if missing:
        pytest.skip(f"NOT TESTED AGAINST GO: {missing} (apt-get install golang-go golang-golang-x-mod-dev)")
    place = tmp_path_factory.mktemp("go")
    settings = {"GO111MODULE": "off", "GOPATH": str(PACKAGES), "GOCACHE": str(place / "cache"), "GOFLAGS": ""}
    built = ["go", "build", "-o", str(place / "interop"), str(PROGRAM)]
    subprocess.run(built, check=True, env={**os.environ, **settings}, cwd=place, capture_output=True, text=True)

    def ask(**question: Any) -> Any:
        told = subprocess.run(
            [str(place / "interop")], input=json.dumps(question), capture_output=True, text=True, check=False
        )
        if told.returncode:
            raise AssertionError(told.stderr)
        return json.loads(told.stdout)

    return ask


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A log of three levels of tiles, grown in uneven batches."""
    grown = Log.open(tmp_path_factory.mktemp("log") / "log", KEY)
    sizes = [0, 1, 255, 256, 257, 511, 5_000, 65_536, 65_537, SIZE]
    for start, end in itertools.pairwise(sizes):
        grown.append([leaf(number) for number in range(start, end)])
    return grown


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def inclusion(log: Log, index: int, path: Sequence[bytes] | None = None, entry: bytes = b"") -> dict[str, Any]:
    nodes = [bytes.fromhex(node) for node in log.proof(index).path] if path is None else path
    return {"index": index, "old": -1, "entry": coded(entry or leaf(index)), "path": [coded(node) for node in nodes]}


def growth(log: Log, old: int, path: Sequence[bytes] | None = None, root: bytes = b"") -> dict[str, Any]:
    nodes = [bytes.fromhex(node) for node in log.consistency_path(old)] if path is None else path
    return {"old": old, "old_root": coded(root or log.root_at(old)), "path": [coded(node) for node in nodes]}


PLACES = [0, 1, 254, 255, 256, 257, 511, 4_999, 12_345, 65_535, 65_536, 65_791, 65_792, SIZE - 2, SIZE - 1]


def test_go_opens_our_checkpoint_and_accepts_and_rebuilds_our_proofs(go: Ask, log: Log) -> None:
    """Borders of tiles and bundles included; Go's proofs from our tiles are ours to the byte."""
    olds = [1, 2, 255, 256, 257, 12_345, 65_535, 65_536, 65_537, SIZE - 1, SIZE]
    proofs = [*(inclusion(log, index) for index in PLACES), *(growth(log, old) for old in olds)]

    told = go(kind="check", folder=str(log.folder), vkeys=[log.vkey], proofs=proofs)

    latest = log.checkpoint()
    assert (told["origin"], told["size"], base64.b64decode(told["root"]).hex()) == (latest.origin, SIZE, latest.root)
    assert told["signers"] == [KEY.name]
    assert [one["problem"] for one in told["verdicts"]] == [""] * len(proofs)
    assert all(one["same"] for one in told["verdicts"])
    assert all(one["bundled"] for one in told["verdicts"][: len(PLACES)])


def test_go_refuses_what_we_refuse(go: Ask, log: Log) -> None:
    """A changed entry, position, node, root; a proof too short, too long, turned round."""
    path = [bytes.fromhex(node) for node in log.proof(300).path]
    grown = [bytes.fromhex(node) for node in log.consistency_path(300)]
    bad = [
        inclusion(log, 300, entry=leaf(301)),
        {**inclusion(log, 300), "index": 301},
        *(inclusion(log, 300, [*path[:place], bytes(32), *path[place + 1 :]]) for place in range(len(path))),
        *(inclusion(log, 300, nodes) for nodes in (path[:-1], [*path, bytes(32)], path[::-1])),
        growth(log, 300, root=bytes(32)),
        growth(log, 301, grown),
        *(growth(log, 300, [*grown[:place], bytes(32), *grown[place + 1 :]]) for place in range(len(grown))),
        *(growth(log, 300, nodes) for nodes in (grown[:-1], [*grown, bytes(32)], grown[::-1])),
    ]

    told = go(kind="check", folder=str(log.folder), vkeys=[log.vkey], proofs=bad)

    assert [one["accepted"] for one in told["verdicts"]] == [False] * len(bad)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 40])
def test_we_accept_what_go_makes(go: Ask, size: int) -> None:
    """A log that Go made: its signed note, every inclusion proof, growth from every size."""
    entries = [f"entry {number}".encode() for number in range(size)]

    told = go(kind="make", entries=[coded(entry) for entry in entries])

    checkpoint = open_checkpoint(told["note"], told["vkey"])
    root = bytes.fromhex(checkpoint.root)
    assert (checkpoint.origin, checkpoint.size, root) == ("go.example/log", size, base64.b64decode(told["root"]))
    assert len(told["proofs"]) == 2 * size
    for proof in told["proofs"]:
        path = [base64.b64decode(node) for node in proof["path"]]
        if proof["old"] < 0:
            assert verify_inclusion(leaf_hash(entries[proof["index"]]), proof["index"], size, path, root)
        else:
            assert verify_consistency(proof["old"], size, path, base64.b64decode(proof["old_root"]), root)


@pytest.fixture
def witness(tmp_path: Path, log: Log) -> Iterator[tuple[Witness, str]]:
    """One that serves and watches the log."""
    from endcredits.receipts.witness_making import watch

    made = new_witness(tmp_path / "w")
    watch(tmp_path / "w", log.vkey)
    with serving(made) as server:
        yield made, server.url


def test_go_has_our_witness_cosign(go: Ask, log: Log, witness: tuple[Witness, str]) -> None:
    """Asked from 0, told the size when that is wrong; what comes back opens with Go's `note` and a verifier in Go."""
    ours, url = witness
    keys = [log.vkey, ours.keys[0].vkey]

    first = go(kind="witness", folder=str(log.folder), vkeys=keys, url=url, old_size=0)
    again = go(kind="witness", folder=str(log.folder), vkeys=keys, url=url, old_size=12_345)

    assert (first["statuses"], first["signers"]) == ([200], [KEY.name, ours.keys[0].name])
    assert (again["statuses"], again["signers"]) == ([409, 200], [KEY.name, ours.keys[0].name])


def test_go_opens_a_checkpoint_that_carries_cosignatures(go: Ask, log: Log, witness: tuple[Witness, str]) -> None:
    """As the flow publishes it: with the witness's key it counts two signers, with the log's alone one."""
    from endcredits.flows.witnessing import witness_log

    ours, url = witness
    rules = parse_policy(f"log {log.vkey}\nwitness w {ours.keys[0].vkey} {url}\nquorum w\n".encode())
    assert witness_log(log, rules).reached

    both = go(kind="check", folder=str(log.folder), vkeys=[log.vkey, ours.keys[0].vkey], proofs=[])
    alone = go(kind="check", folder=str(log.folder), vkeys=[log.vkey], proofs=[inclusion(log, 5)])

    assert both["signers"] == [KEY.name, ours.keys[0].name]
    assert alone["signers"] == [KEY.name] and alone["verdicts"][0]["accepted"]
