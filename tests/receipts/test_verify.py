"""The outsider's verifier stands alone, accepts what is true, and refuses every change with its reason."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from endcredits.receipts import verify
from endcredits.receipts.issuing import issue
from endcredits.receipts.receipt import receipt_bytes
from endcredits.receipts.verify import Refused, check, main, read_policy, verify_receipt
from tests.receipts import make_vectors, making
from tests.receipts.helpers import AT, KEY, OTHER_KEY, items, new_log
from tests.receipts.making import LOG, file_of

SOURCE = Path(verify.__file__)
TRUST = read_policy(vkeys=LOG.vkey)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
MADE = make_vectors.documents()


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_vectors_on_disk_are_those_that_the_script_makes(name: str) -> None:
    """A changed verdict shows as a changed file, in a form that others can read."""
    stored = (make_vectors.VECTORS / f"{name}.json").read_bytes()

    assert stored == make_vectors.file_bytes(MADE[name]), "run: python -m tests.receipts.make_vectors"
    assert sorted(path.stem for path in make_vectors.VECTORS.glob("*.json")) == sorted(MADE)


def test_what_the_room_issues_verifies(tmp_path: Path) -> None:
    """A real receipt out of a real log, told in words."""
    [receipt] = issue(new_log(tmp_path / "log", 6), tmp_path / "receipts", items(1), AT)

    verdict = verify_receipt(receipt_bytes(receipt), KEY.vkey)

    assert (verdict.verified, verdict.problem) == (True, "")
    assert (verdict.receipt_id, verdict.type, verdict.leaf_index, verdict.log_size) == ("out-1", "run.receipt", 6, 7)
    assert "entry 6 (from 0) of a log of 7 entries" in verdict.proven[0]
    assert "2 works" in verdict.proven[1]
    assert "the log proves commitment, not that the attribution is right" in verdict.not_proven[0]
    assert any("unwitnessed" in text and "only the operator signed" in text for text in verdict.not_proven)
    assert not verify_receipt(receipt_bytes(receipt), OTHER_KEY.vkey).verified


def test_what_is_open_is_told() -> None:
    """What a receipt leaves open stands in the verdict."""
    open_points = {row["name"]: " ".join(row["verdict"]["not_proven"]) for row in MADE["good"]}

    assert "training manifest is missing" in open_points["an output of a model without training manifest"]
    assert "training manifest" not in open_points["an output"]
    assert "all 1 statements before it" in open_points["statement 2 of a chain"]
    assert "unwitnessed" not in open_points["cosigned by two of three witnesses"]


@given(DOCUMENTS)
def test_the_spelling_is_rfc_8785(document: Any) -> None:
    """The verifier's own canonical JSON is the library's, and reads back."""
    spelling = rfc8785.dumps(document)

    assert verify.canonical(verify.read_json(spelling)) == spelling
    assert verify.read_json(spelling) == document


@given(DOCUMENTS)
def test_any_document_gets_an_answer(document: Any) -> None:
    """Nothing that JSON can hold makes the verifier crash or agree, wherever it stands."""
    good = json.loads(file_of(make_vectors.run(line=making.own_line(0))))
    salt = making.salt_of("output:1")
    assert not check(rfc8785.dumps(document) + b"\n", TRUST)[0].verified
    for field in good:
        assert not check(rfc8785.dumps({**good, field: document}) + b"\n", TRUST)[0].verified or good[field] == document
    for kind, attached in (("run.receipt", "line"), ("run.receipt", "lines"), ("period.receipt", "sum"), ("statement", "")):
        if isinstance(document, dict):
            leaf = {"commit": hashlib.sha256(salt + rfc8785.dumps(document)).hexdigest(), "time": AT, "type": kind, "v": 2}
            leaf["subject"] = hashlib.sha256(salt + b"output:1").hexdigest()
            more = {attached: document} if attached else {}
            signed = making.receipt(kind, "output:1", {}, leaf=rfc8785.dumps(leaf).decode(), **more)
            assert not check(rfc8785.dumps({**signed, "body": document}) + b"\n", TRUST)[0].verified


BODIES = {
    "run.receipt": ("output:1", making.run_body()),
    "period.receipt": ("period:2026-11", making.period_body()),
    "statement": ("statement:2026-01:EUR:ada", making.statement_body(1, -1)),
}


@given(st.sampled_from(sorted(BODIES)), DOCUMENTS, st.data())
def test_any_signed_body_gets_an_answer(kind: str, document: Any, data: st.DataObject) -> None:
    """The operator may sign whatever it likes: a body with anything anywhere gets a verdict, and no crash."""
    receipt_id, body = BODIES[kind]
    body = json.loads(json.dumps(body))
    holder: Any = body
    while True:
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        if not holder[key] or not isinstance(holder[key], (dict, list)) or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = document
    salt = making.salt_of(receipt_id)
    leaf = {"commit": hashlib.sha256(salt + rfc8785.dumps(body)).hexdigest(), "time": AT, "type": kind, "v": 2}
    leaf["subject"] = hashlib.sha256(salt + receipt_id.encode()).hexdigest()
    more: dict[str, Any] = {"sum": making.own_sum("payee", "ada")} if kind == "period.receipt" else {}
    more = {"lines": making.all_lines()} if kind == "run.receipt" else more
    signed = making.receipt(kind, receipt_id, {}, leaf=rfc8785.dumps(leaf).decode(), **more)

    verdict = check(rfc8785.dumps({**signed, "body": body}) + b"\n", TRUST)[0]

    assert verdict.verified == (verdict.problem == "")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33])
def test_paths_are_climbed_as_rfc_9162_defines_them(size: int) -> None:
    """For every entry the root is that of the recursive definition, and every earlier root that a path shows is too."""
    nodes = [making.sha(b"\x00", str(number).encode()) for number in range(size)]
    roots = [making.tree_root(nodes[:count], making.join_hashes, making.sha()) for count in range(size + 1)]
    for index in range(size):
        path = making.tree_path(nodes, index, making.join_hashes)
        assert verify.climb(nodes[index], index, size, path) == roots[size]
        for level in range(size.bit_length() + 1):
            end = min(size, ((index >> level) + 1) << level)
            assert verify.climb(nodes[index], index, size, path, end) == roots[end], (index, end)
        for other in range(size):
            if other != index:
                with pytest.raises(Refused):
                    verify.require(verify.climb(nodes[index], other, size, path) == roots[size], "another root")


@given(st.integers(1, 2**53 - 1), st.data())
def test_a_path_of_another_length_is_refused_at_once(size: int, data: st.DataObject) -> None:
    """However large a log claims to be, the work is bounded by the path."""
    index = data.draw(st.integers(0, size - 1))
    length = data.draw(st.integers(54, 200))

    with pytest.raises(Refused, match="does not fit"):
        verify.climb(bytes(32), index, size, [bytes(32)] * length)


# Published vectors
RFC6962_LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
RFC6962_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def test_the_published_roots_of_rfc_6962_are_reached() -> None:
    """The trees that every log's tests use, from Certificate Transparency's own sources."""
    nodes = [making.sha(b"\x00", leaf) for leaf in RFC6962_LEAVES]
    for size, root in RFC6962_ROOTS.items():
        assert making.tree_root(nodes[:size], making.join_hashes).hex() == root
        for index in range(size):
            path = making.tree_path(nodes[:size], index, making.join_hashes)
            assert verify.climb(nodes[index], index, size, path).hex() == root


def test_the_example_of_the_signed_note_standard_opens() -> None:
    """The note of c2sp.org/signed-note is signed by the key that the standard's other copy of it names."""
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    note = f"{text}\n\N{EM DASH} PeterNeumann {signature}\n"
    trust = read_policy(vkeys=key)

    with pytest.raises(Refused, match="of another log"):  # the signature is right; a checkpoint it is not
        verify.open_checkpoint(note, trust)
    with pytest.raises(Refused, match="the signature of 'PeterNeumann'"):
        verify.open_checkpoint(note.replace("answer", "Answer"), trust)


def test_the_standards_example_of_a_proof_is_read() -> None:
    """The layout of c2sp.org/tlog-proof, with its extra line taken out: only its signatures are shortened there."""
    hashes = [
        "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=", "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
        "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=", "RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=",
    ]  # fmt: skip
    whole = make_vectors.run()
    proof = "c2sp.org/tlog-proof@v1\nindex 73894\n" + "\n".join(hashes)
    for extra, problem in (("extra AAAA\nindex", "extra line"), ("index", "does not fit its position")):
        document = {**whole, "proof": f"{proof.replace('index', extra)}\n\n{whole['proof'].split(chr(10) * 2, 1)[1]}"}
        assert problem in check(file_of(document), TRUST)[0].problem


# Every byte
KINDS = {
    "an output with a line": lambda: make_vectors.run(line=making.own_line(1)),
    "an output with all lines, one erased": lambda: make_vectors.run(lines=making.all_lines(erased=[0])),
    "a period with a place": lambda: make_vectors.period(sum=making.own_sum("payee", "ada")),
    "a statement": lambda: making.chain(1, 2)[1],
    "a disclosure": lambda: making.receipt("disclosure", "d-1", {"label": "\u00e9"}),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_changed_byte_is_refused(kind: str) -> None:
    """No byte of a receipt's file can change, be lost or be added, blanks and line ends included."""
    data = file_of(KINDS[kind]())
    assert check(data, TRUST)[0].verified

    for spot in range(len(data)):
        flipped = bytes([data[spot] ^ 1 << spot % 8])
        assert not check(data[:spot] + flipped + data[spot + 1 :], TRUST)[0].verified, spot
        assert not check(data[:spot] + data[spot + 1 :], TRUST)[0].verified, spot
        assert not check(data[:spot] + b" \n0}"[spot % 4 : spot % 4 + 1] + data[spot:], TRUST)[0].verified, spot


def test_every_bit_of_one_receipt_is_refused() -> None:
    """All eight bits of every byte of a short receipt."""
    data = file_of(KINDS["a disclosure"]())
    for spot in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[spot] ^= 1 << bit
            assert not check(bytes(changed), TRUST)[0].verified, (spot, bit)


def test_every_truncation_is_refused() -> None:
    """Half a file proves nothing, and neither does any other part of it."""
    data = file_of(make_vectors.run(line=making.own_line(0)))
    for length in range(len(data)):
        assert not check(data[:length], TRUST)[0].verified, length


def test_of_an_erased_receipt_only_the_time_of_erasing_can_change() -> None:
    """Nothing signs when it was erased; every other byte is held by the log."""
    data = file_of(make_vectors.erased())
    start = data.index(b'"erased_at":"') + 13
    for spot in range(len(data)):
        changed = data[:spot] + bytes([data[spot] ^ 1]) + data[spot + 1 :]
        assert not check(changed, TRUST)[0].verified or start <= spot < start + 20, spot


# Bounds
BOMBS: dict[str, tuple[Callable[[int], bytes], str]] = {
    "too large": (lambda size: b" " * (size + 1), "it has more than"),
    "many empty lists": (lambda size: b"[" + b"[]," * (size // 3 - 1) + b"0]", "it holds more than"),
    "many texts": (lambda size: b"[" + b'"",' * (size // 3 - 1) + b"0]", "it holds more than"),
    "many unfinished texts": (lambda size: b'"\\"' * (size // 3), "it is not JSON"),
    "many quotes": (lambda size: b'"' * size, "it is not JSON"),
    "many backslashes": (lambda size: b'"' + b"\\" * (size - 1), "it is not JSON"),
    "deep": (lambda size: b"[" * 1000, "it is nested more than 64 deep"),
    "very deep": (lambda size: b"[" * size, "it holds more than"),
    "digits": (lambda size: b"9" * size, "it holds a number that is not whole"),
    "digits one by one": (lambda size: b"9 " * (size // 2), "it is not JSON"),
    "one long text": (lambda size: b'"' + b"a" * (size - 3) + b'"\n', "the file is not canonical JSON"),
}


@pytest.mark.parametrize("kind", sorted(BOMBS))
def test_bombs_are_refused_in_bounded_memory(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest file that is read takes a small multiple of its own size, whatever it holds (here with smaller bounds)."""
    size, (made, problem) = 2**20, BOMBS[kind]
    monkeypatch.setattr(verify, "FILE_BYTES_MAX", size)
    monkeypatch.setattr(verify, "VALUES_MAX", verify.VALUES_MAX * size // 2**25)
    data = made(size)
    tracemalloc.start()
    try:
        verdict = check(data, TRUST)[0]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert verdict.problem.startswith(problem), verdict.problem
    assert peak < 12 * size, peak


def test_a_very_long_proof_and_a_very_long_entry_are_refused() -> None:
    """The parts have bounds of their own."""
    whole = make_vectors.run()
    assert "not a tlog-proof" in check(file_of({**whole, "proof": whole["proof"] + "A" * 300_000}), TRUST)[0].problem
    assert "not a tlog-proof" in check(file_of({**whole, "proof": whole["proof"] + "\U0001f600" * 70_000}), TRUST)[0].problem


# Alone
def test_it_is_short_and_imports_nothing_of_ours() -> None:
    """Fewer than 400 lines; only the standard library and `cryptography`."""
    text = SOURCE.read_text(encoding="utf-8")
    imports = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imports |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imports.add(str(node.module).split(".")[0])

    assert len(text.splitlines()) < 400
    assert max(len(line) for line in text.splitlines()) <= 125
    assert imports - set(sys.stdlib_module_names) == {"cryptography"}


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a copy of the file, alone, in an isolated interpreter with an empty working folder."""
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "tool").mkdir(exist_ok=True)
    (folder / "tool" / "verify.py").write_bytes(SOURCE.read_bytes())
    command = [sys.executable, "-I", str(folder / "tool" / "verify.py"), *arguments]
    return subprocess.run(command, cwd=folder / "empty", capture_output=True, text=True, timeout=60)


def test_it_runs_alone(tmp_path: Path) -> None:
    """By file and by text of the key; 0 for verified, 3 for not; words or JSON."""
    good, bad, vkey = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "log.vkey"
    good.write_bytes(file_of(make_vectors.run()))
    bad.write_bytes(good.read_bytes().replace(b"ek-fac", b"bm25"))
    vkey.write_text(f"{LOG.vkey}\n")

    ran = alone(tmp_path, str(good), "--vkey", str(vkey))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("VERIFIED")
    assert "not that the attribution is right" in ran.stdout

    ran = alone(tmp_path, str(good), str(bad), "--vkey", LOG.vkey, "--json")
    assert ran.returncode == 3
    shown = json.loads(ran.stdout)
    assert [verdict["verified"] for verdict in shown["receipts"]] == [True, False]
    assert shown["receipts"][1]["file"] == str(bad) and shown["together"]["problems"] == []


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with receipts, keys, checkpoints and a statement, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    one, two, three = making.chain(1, 2, 3)
    documents = {"1.json": one, "2.json": two, "3.json": three, "fork.json": make_vectors.run(world="fork ")}
    documents |= {"run.json": make_vectors.run(), "seen.json": make_vectors.run(signers=(LOG, *making.WITNESSES))}
    for name, document in documents.items():
        Path(name).write_bytes(file_of(document))
    Path("bad.json").write_bytes(b"{}")
    Path("statement.json").write_bytes(making.STATEMENT)
    Path("log.vkey").write_text(f"{making.NEXT.vkey}\n{LOG.vkey}\n")
    Path("policy").write_text(making.POLICY)
    Path("old").write_text(making.checkpoint(making.fillers(4)))
    Path("forked").write_text(making.checkpoint(making.fillers(4, "fork ")))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("run.json --vkey log.vkey", 0, "VERIFIED  run.json: run.receipt output:1"),
        ("run.json bad.json --vkey log.vkey", 3, "NOT VERIFIED  bad.json"),
        ("none.json --vkey log.vkey", 2, "UNREADABLE  none.json"),
        ("none.json run.json --vkey log.vkey", 2, "UNREADABLE  none.json"),
        ("run.json --vkey none.vkey", 2, "cannot be used"),
        ("run.json --vkey run.json", 2, "cannot be used"),
        ("run.json --vkey a+b+c", 2, "cannot be used"),
        ("run.json", 2, "no log's key"),
        ("run.json --policy policy", 3, "not as many witnesses"),
        ("seen.json --policy policy", 0, "The witness 'w3' saw this log"),
        ("run.json --policy old", 2, "cannot be used"),
        ("1.json 2.json 3.json --vkey log.vkey", 0, "It is statement number 3 of 'ada' in EUR"),
        ("1.json 3.json --vkey log.vkey", 3, "PROBLEM  Statements 2 to 2 of 'ada' in EUR are missing"),
        (
            "1.json --statement statement.json --vkey log.vkey",
            0,
            "statement.json is the statement whose digest 1.json holds",
        ),
        ("run.json --statement statement.json --vkey log.vkey", 3, "no statement that these receipts are about"),
        ("run.json fork.json --vkey log.vkey", 3, "PROBLEM  FORK: run.json and fork.json show two logs"),
        ("run.json --older old --vkey log.vkey", 0, "show one and the same log of 4 entries"),
        ("run.json --older forked --vkey log.vkey", 3, "FORK"),
        ("1.json --older old --vkey log.vkey", 3, "FORK"),
        ("run.json --older bad.json --vkey log.vkey", 2, "cannot be used"),
    ],
)
def test_exit_codes(files: Path, capsys: pytest.CaptureFixture[str], arguments: str, code: int, words: str) -> None:
    """0 verified, 3 not verified, 2 could not be read."""
    try:
        left = main(arguments.split())
    except SystemExit as leaving:
        left = int(str(leaving.code))

    shown = capsys.readouterr()
    assert (left, words in shown.out + shown.err) == (code, True), shown


def test_hostile_names_do_not_move_the_cursor(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed for people has no control characters, and nothing that turns a line around."""
    Path("own.json").write_bytes(file_of(make_vectors.run(line=making.own_line(2))))

    assert main(["own.json", "--vkey", LOG.vkey]) == 0

    shown = capsys.readouterr().out
    assert "calc" in shown and "\ufffdevil<b>" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_it_loads_nothing_of_ours(files: Path) -> None:
    """Run as a script, no module of endcredits is loaded."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['verify.py', 'run.json', '--vkey', {LOG.vkey!r}]\n"
        "try:\n"
        f"    runpy.run_path({str(SOURCE)!r}, run_name='__main__')\n"
        "except SystemExit as leaving:\n"
        "    assert leaving.code == 0, leaving.code\n"
        "assert not [name for name in sys.modules if name.startswith('endcredits')]\n"
    )

    ran = subprocess.run([sys.executable, "-I", "-c", code], cwd=files, capture_output=True, text=True)

    assert (ran.returncode, ran.stderr) == (0, "")
