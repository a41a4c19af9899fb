"""The outsider's verifier stands alone, accepts what is true, and refuses every change."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from endcredits.receipts import verify
from endcredits.receipts.issuing import Item, issue
from endcredits.receipts.merkle import Tree, leaf_hash
from endcredits.receipts.receipt import receipt_bytes, receipt_document
from endcredits.receipts.verify import Refused, Verdict, main, verify_receipt
from tests.receipts.helpers import AT, KEY, OTHER_KEY, new_log, run_body, run_lines

SOURCE = Path(verify.__file__)
ID_OF = {"run.receipt": "out-1", "period.receipt": "period:2026-11"}
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


PART = {
    "amount_micros": 900_000,
    "allocated_micros": 800_000,
    "commons_micros": 100_000,
    "suspense_micros": 300_000,
    "disputed_micros": 1,
}
EUROS = {
    "kind": "earned",
    "earned_currency": "EUR",
    "currency": "EUR",
    "source_micros": 1_000_000,
    "pool_micros": 1_000_000,
    "breakage_micros": 60_000,
    "rest_micros": 40_000,
    "parts": [PART],
}
TOTAL = {
    "currency": "EUR",
    "revenue_micros": 1_999_996,
    "tax_micros": 10,
    "operator_micros": 999_984,
    "pools_micros": 999_995,
    "levies_micros": 7,
}
REFUND = {
    "kind": "refund",
    "earned_currency": "EUR",
    "currency": "EUR",
    "source_micros": -5,
    "pool_micros": -5,
    "breakage_micros": 0,
    "rest_micros": -5,
    "parts": [],
}


def period_body(part: Any = (), total: Any = (), **changes: Any) -> dict[str, Any]:
    """A period's close, cut down to what matters here, with something else in its first part, pool or total."""
    first = {**EUROS, "parts": [{**PART, **dict(part)}], **changes}
    return {"period_id": "2026-11", "totals": [{**TOTAL, **dict(total)}], "pools": [first, REFUND]}


def make(folder: Path, body: Any, kind: str = "run.receipt", receipt_id: str = "out-1", lines: Any = None) -> bytes:
    """The bytes of a real receipt from a log of seven entries."""
    log = new_log(folder / "log", 6)
    given = run_lines(1) if lines is None and kind == "run.receipt" else lines
    [receipt] = issue(log, folder / "receipts", [Item(receipt_id, kind, body, given)], AT)
    return receipt_bytes(receipt)


def test_a_receipt_is_verified_and_told_in_words(tmp_path: Path) -> None:
    """The verdict says what is proven, and what is not."""
    verdict = verify_receipt(make(tmp_path, run_body(1)), KEY.vkey)

    assert (verdict.verified, verdict.problem) == (True, "")
    assert (verdict.receipt_id, verdict.type, verdict.leaf_index, verdict.log_size) == ("out-1", "run.receipt", 6, 7)
    assert "entry 6 (counted from 0) of a log of 7 entries" in verdict.proven[0]
    assert "2 lines" in verdict.proven[1]
    assert "the log proves commitment, not that the attribution is right" in verdict.not_proven[0]
    assert any("unwitnessed" in text and "only the operator signed" in text for text in verdict.not_proven)


def test_every_changed_byte_is_refused(tmp_path: Path) -> None:
    """No bit of a receipt's file can change, white space and the final newline included."""
    data = make(tmp_path, run_body(1))
    assert verify_receipt(data, KEY.vkey).verified

    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            assert not verify_receipt(bytes(changed), KEY.vkey).verified, (place, bit)


def test_every_lost_and_every_added_byte_is_refused(tmp_path: Path) -> None:
    """Bytes can be neither taken out nor put in, blanks and line ends least of all."""
    data = make(tmp_path, run_body(1))

    for place in range(len(data) + 1):
        for added in (b" ", b"\n", b"\r", b"0", b"}"):
            assert not verify_receipt(data[:place] + added + data[place:], KEY.vkey).verified, (place, added)
        assert place == len(data) or not verify_receipt(data[:place] + data[place + 1 :], KEY.vkey).verified, place


def test_the_document_may_come_already_read(tmp_path: Path) -> None:
    """As a dictionary it is verified as well; only its spelling cannot be seen."""
    document = json.loads(make(tmp_path, run_body(1)))

    assert verify_receipt(document, KEY.vkey).verified
    document["body"]["method"] = "bm25"
    assert verify_receipt(document, KEY.vkey).problem == "the body is not the one that the log's entry commits to"


def with_path(proof: str, change: Any) -> str:
    """A proof's text with another path."""
    head, _, checkpoint = proof.partition("\n\n")
    lines = head.split("\n")
    return "\n".join([*lines[:2], *change(lines[2:])]) + f"\n\n{checkpoint}"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.update(extra=1), "exactly the fields"),
        (lambda d: d.pop("salt"), "exactly the fields"),
        (lambda d: d.update(v=1), "version"),
        (lambda d: d.update(v=True), "wrong kind"),
        (lambda d: d.update(salt="ab"), "64 hex digits"),
        (lambda d: d.update(salt=d["salt"].upper()), "64 hex digits"),
        (lambda d: d.update(receipt_id="out-2"), "subject"),
        (lambda d: d.update(receipt_id="out 1"), "plain id"),
        (lambda d: d.update(salt="0" * 64), "body"),
        (lambda d: d.update(type="disclosure"), "type"),
        (lambda d: d.update(leaf=d["leaf"] + " "), "canonical"),
        (lambda d: d.update(leaf=d["leaf"].replace('"v":2', '"v":1')), "version"),
        (lambda d: d.update(leaf=d["leaf"].replace('"v":2', '"v":2,"x":1')), "exactly the fields"),
        (lambda d: d.update(leaf=d["leaf"].replace("2026", "2025")), "another root"),
        (lambda d: d.update(proof=d["proof"].replace("index 6", "index 5")), "does not fit"),
        (lambda d: d.update(proof=d["proof"].replace("index 6", "index 7")), "outside the log"),
        (lambda d: d.update(proof=d["proof"].replace("index 6", "index -1")), "index"),
        (lambda d: d.update(proof=d["proof"].replace("index 6", "index 06")), "index"),
        (lambda d: d.update(proof=d["proof"].replace("index 6", "extra YQ==\nindex 6")), "index"),
        (lambda d: d.update(proof=with_path(d["proof"], lambda path: path[1:])), "does not fit"),
        (lambda d: d.update(proof=with_path(d["proof"], lambda path: [*path, path[0]])), "does not fit"),
        (lambda d: d.update(proof=with_path(d["proof"], lambda path: [*path, "7"])), "base64"),
        (lambda d: d.update(proof=with_path(d["proof"], lambda path: path[::-1])), "another root"),
        (lambda d: d.update(proof=d["proof"].replace("\n7\n", "\n8\n")), "signature"),
        (lambda d: d.update(proof=d["proof"].partition("\n\n")[0] + "\n\n"), "signed note"),
        (lambda d: d.update(proof={}), "wrong kind"),
        (lambda d: d["body"].update(x=0.5), "text and integers"),
        (lambda d: d["body"].update(x=2**53), "2\\*\\*53"),
        (lambda d: d["body"].update(x="\ud800"), "half a character"),
    ],
)
def test_every_part_is_checked(tmp_path: Path, change: Any, problem: str) -> None:
    """Each lie has its own answer."""
    document = json.loads(make(tmp_path, run_body(1)))

    change(document)
    verdict = verify_receipt(document, KEY.vkey)

    assert not verdict.verified
    assert re.search(problem, verdict.problem), verdict.problem
    assert verdict.proven == ()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"a":1,"a":1}\n', "twice"),
        (b'{"a":1.0}\n', "whole number"),
        (b'{"a":NaN}\n', "whole number"),
        (b"[" * 100_000, "not JSON"),
        (b"[]\n", "exactly the fields"),
        (b"null\n", "exactly the fields"),
        (b'{"a":' + b"9" * 5000 + b"}\n", "not JSON"),
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes, problem: str) -> None:
    """Malformed, ambiguous and bottomless files get an answer, not a crash."""
    verdict = verify_receipt(data, KEY.vkey)

    assert not verdict.verified
    assert problem in verdict.problem


@given(DOCUMENTS)
def test_the_spelling_is_rfc_8785(document: Any) -> None:
    """The verifier's own canonical JSON is the library's, and reads back."""
    spelling = verify.canonical(document)

    assert spelling == rfc8785.dumps(document)
    assert verify.read_json(spelling) == document


@given(DOCUMENTS)
def test_any_document_gets_an_answer(document: Any) -> None:
    """Nothing that JSON can hold makes the verifier crash or agree."""
    wrapped = {"v": 1, "receipt_id": "a", "type": "t", "body": {}, "salt": "0" * 64, "leaf": document, "proof": {}}
    wrapped["proof"] = f"c2sp.org/tlog-proof@v1\nindex 0\n\n{document}"

    assert not verify_receipt(document, KEY.vkey).verified
    assert not verify_receipt(wrapped, KEY.vkey).verified


@given(st.integers(1, 70), st.data())
def test_paths_are_read_as_the_tree_writes_them(size: int, data: st.DataObject) -> None:
    """The verifier's own path walk reaches the root of the tree for every index."""
    leaves = [str(number).encode() for number in range(size)]
    tree = Tree([leaf_hash(leaf) for leaf in leaves])
    index = data.draw(st.integers(0, size - 1))

    path = [node.hex() for node in tree.inclusion_path(index)]

    assert verify.root_from_path(leaves[index], index, size, path) == tree.root()


def test_another_key_does_not_do(tmp_path: Path) -> None:
    """The same name with another key, and another log's key, verify nothing."""
    data = make(tmp_path, run_body(1))

    assert "not signed by the key" in verify_receipt(data, OTHER_KEY.vkey).problem
    with pytest.raises(ValueError, match="vkey"):
        verify_receipt(data, KEY.vkey.replace("+", "-"))
    with pytest.raises(ValueError, match="vkey"):
        verify_receipt(data, KEY.vkey.replace("studio", "studia"))


@pytest.mark.parametrize(
    ("kind", "body", "problem"),
    [
        ("run.receipt", {}, "unattributed"),
        ("run.receipt", {**run_body(1), "unattributed_ppb": -1}, "no part of one whole"),
        ("run.receipt", {**run_body(1), "unattributed_ppb": 1_000_000_001}, "no part of one whole"),
        ("run.receipt", {**run_body(1), "unattributed_ppb": True}, "whole number"),
        ("run.receipt", run_body(2), "another output"),
        ("period.receipt", {}, "another period"),
        ("period.receipt", {**period_body(), "period_id": "2026-12"}, "another period"),
        ("period.receipt", {**period_body(), "period_id": 2026}, "another period"),
        ("period.receipt", {"close": period_body()}, "another period"),
        ("period.receipt", {"period_id": "2026-11"}, "totals are missing"),
        ("period.receipt", {"period_id": "2026-11", "totals": [], "pools": [7]}, "pools are missing"),
        ("period.receipt", {"period_id": "2026-11", "totals": [], "pools": [{"source_micros": 1}]}, "pool_micros"),
        ("period.receipt", period_body(part={"allocated_micros": 800_001}), "not the sum of allocated"),
        ("period.receipt", period_body(part={"amount_micros": 900_001, "commons_micros": 100_001}), "sum of its parts"),
        ("period.receipt", period_body(part={"suspense_micros": -1}), "wrong sign"),
        ("period.receipt", period_body(part={"suspense_micros": 800_000}), "too much in suspense"),
        ("period.receipt", period_body(breakage_micros=-60_000, rest_micros=160_000), "wrong sign"),
        ("period.receipt", period_body(rest_micros=40_001), "sum of its parts"),
        ("period.receipt", period_body(rest_micros=True), "whole number"),
        ("period.receipt", period_body(source_micros=2_000_000), "two amounts"),
        ("period.receipt", period_body(total={"revenue_micros": 2_000_000}), "not the sum of what it became"),
        ("period.receipt", period_body(total={"pools_micros": 999_994, "tax_micros": 11}), "do not sum to the total"),
        ("period.receipt", period_body(total={"currency": "USD"}), "do not sum to the total"),
        ("period.receipt", {**period_body(), "totals": []}, "no total has"),
    ],
)
def test_numbers_that_do_not_add_up_are_refused(tmp_path: Path, kind: str, body: Any, problem: str) -> None:
    """What is rightly logged and signed can still be wrong in itself."""
    verdict = verify_receipt(make(tmp_path, body, kind, ID_OF[kind]), KEY.vkey)

    assert not verdict.verified
    assert problem in verdict.problem


@pytest.mark.parametrize(
    ("kind", "body", "proven"),
    [
        ("run.receipt", {**run_body(1), "k": 3}, "2 lines"),
        ("period.receipt", period_body(), "1 totals and 2 pools of this period"),
    ],
)
def test_numbers_that_add_up_are_told(tmp_path: Path, kind: str, body: Any, proven: str) -> None:
    """Sums stand among what is proven, whether the record is the body or stands in it."""
    verdict = verify_receipt(make(tmp_path, body, kind, ID_OF[kind]), KEY.vkey)

    assert verdict.verified
    assert proven in verdict.proven[1]


def test_other_types_need_no_sums(tmp_path: Path) -> None:
    """A disclosure has no shares to add up."""
    verdict = verify_receipt(make(tmp_path, {"label": "made with a model"}, "disclosure"), KEY.vkey)

    assert verdict.verified
    assert len(verdict.proven) == 1


def test_the_record_of_a_receipt_is_its_file(tmp_path: Path) -> None:
    """What `issue` returns is what verifies."""
    [receipt] = issue(new_log(tmp_path / "log"), tmp_path, [("a", "disclosure", {})], AT)

    assert verify_receipt(receipt_document(receipt), KEY.vkey).verified


def test_it_is_short_and_imports_nothing_of_ours() -> None:
    """Fewer than 300 lines; only the standard library and `cryptography`."""
    text = SOURCE.read_text()
    imports = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imports |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imports.add(str(node.module).split(".")[0])

    assert len(text.splitlines()) < 400
    assert imports - set(sys.stdlib_module_names) == {"cryptography"}


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a copy of the file, alone, in an isolated interpreter with an empty working folder."""
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "tool").mkdir(exist_ok=True)
    (folder / "tool" / "verify.py").write_bytes(SOURCE.read_bytes())
    command = [sys.executable, "-I", str(folder / "tool" / "verify.py"), *arguments]
    return subprocess.run(command, cwd=folder / "empty", capture_output=True, text=True, timeout=60)


def test_it_runs_alone(tmp_path: Path) -> None:
    """By file and by text of the key; 0 for verified, 3 for not, 2 for unreadable; words or JSON."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(make(tmp_path, run_body(1)))
    bad.write_bytes(good.read_bytes().replace(b"midpoint", b"Midpoint"))
    vkey = str(tmp_path / "log" / "log.vkey")

    ran = alone(tmp_path, str(good), "--vkey", vkey)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("VERIFIED")
    assert "not that the attribution is right" in ran.stdout

    ran = alone(tmp_path, str(good), str(bad), "--vkey", KEY.vkey, "--json")
    assert ran.returncode == 3
    verdicts = json.loads(ran.stdout)
    assert [verdict["verified"] for verdict in verdicts] == [True, False]
    assert verdicts[1]["file"] == str(bad)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["good.json", "--vkey", "log/log.vkey"], 0, "VERIFIED"),
        (["bad.json", "--vkey", "log/log.vkey"], 3, "NOT VERIFIED"),
        (["none.json", "--vkey", "log/log.vkey"], 2, "UNREADABLE"),
        (["none.json", "good.json", "--vkey", "log/log.vkey"], 2, "UNREADABLE"),
        (["none.json", "bad.json", "--vkey", "log/log.vkey"], 3, "NOT VERIFIED"),
        (["good.json", "--vkey", "none.vkey"], 2, "key cannot be used"),
        (["good.json", "--vkey", "good.json"], 2, "key cannot be used"),
        (["good.json", "--vkey", "a+b+c"], 2, "key cannot be used"),
    ],
)
def test_exit_codes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    """0 verified, 3 not verified, 2 could not be read."""
    monkeypatch.chdir(tmp_path)
    Path("good.json").write_bytes(make(tmp_path, run_body(1)))
    Path("bad.json").write_bytes(b"{}")

    assert main(arguments) == code

    shown = capsys.readouterr()
    assert words in shown.out + shown.err


def test_bad_usage_is_two() -> None:
    """Without a key there is nothing to verify against."""
    with pytest.raises(SystemExit) as caught:
        main(["receipt.json"])

    assert caught.value.code == 2


def test_a_refusal_is_no_verdict() -> None:
    """A fresh verdict claims nothing."""
    assert Verdict(False, "why").proven == Verdict(False, "why").not_proven == ()
    with pytest.raises(Refused, match="why"):
        verify.require(False, "why")


def test_it_loads_nothing_of_ours(tmp_path: Path) -> None:
    """Run as a script, no module of endcredits is loaded."""
    good = tmp_path / "good.json"
    good.write_bytes(make(tmp_path, run_body(1)))
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['verify.py', {str(good)!r}, '--vkey', {KEY.vkey!r}]\n"
        "try:\n"
        f"    runpy.run_path({str(SOURCE)!r}, run_name='__main__')\n"
        "except SystemExit as leaving:\n"
        "    assert leaving.code == 0, leaving.code\n"
        "assert not [name for name in sys.modules if name.startswith('endcredits')]\n"
    )

    ran = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path / "log", capture_output=True, text=True)

    assert (ran.returncode, ran.stderr) == (0, "")
