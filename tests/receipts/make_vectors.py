"""Writes tests/receipts/vectors/*.json: what every verifier of these formats must accept and refuse, and with which words.

    python -m tests.receipts.make_vectors

The files are made by `making`, the slow second reading; the words of each verdict come from `verify.py`, and for each bad
file the beginning of the problem that it must be refused with stands here. A file is given as `text`, or as `hex` where it
is not UTF-8. Whoever writes a third verifier needs only the JSON files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from endcredits.receipts import verify
from tests.receipts import making
from tests.receipts.making import LINES, LOG, NEXT, NO_POLICY, POLICY, WITNESSES, Signer, file_of, receipt

VECTORS = Path(__file__).parent / "vectors"
Bad = tuple[str, bytes, str]


def run(**more: Any) -> dict[str, Any]:
    """A good receipt of an output."""
    return receipt("run.receipt", "output:1", making.run_body(), **more)


def period(body: Any = None, **more: Any) -> dict[str, Any]:
    """A good receipt of a period, unless the body says otherwise."""
    return receipt("period.receipt", "period:2026-11", body or making.period_body(), **more)


def statement(**changes: Any) -> dict[str, Any]:
    """A receipt of a first statement, unless the changes say otherwise."""
    body = {**making.statement_body(1, -1), **changes}
    return receipt("statement", "statement:2026-01:EUR:ada", body)


def erased() -> dict[str, Any]:
    """What is left of a receipt."""
    whole = run()
    return {"erased_at": making.AT, "leaf": whole["leaf"], "proof": whole["proof"], "v": 2}


def good() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Files that verify: name, bytes, and a policy or keys where they are not the usual ones."""
    yield "an output", file_of(run()), {}
    yield "an output, first entry of a log of one", file_of(receipt_first()), {}
    yield "an output, in the middle of a log", file_of(run(after=5)), {}
    for index in range(len(LINES)):
        yield f"a creator's own line {index}", file_of(run(line=making.own_line(index))), {}
    yield "all lines for an auditor", file_of(run(lines=making.all_lines())), {}
    yield "all lines, of which one was erased", file_of(run(lines=making.all_lines(erased=[1]))), {}
    one = [{"rank": 1, "share_ppb": making.WHOLE, "work_id": "alone"}]
    yield (
        "an output that draws on one work only",
        file_of(receipt("run.receipt", "output:1", making.run_body(one), line=making.own_line(0, one))),
        {},
    )
    yield "an output without lines", file_of(receipt("run.receipt", "output:1", making.run_body([]), lines=[])), {}
    missing = {"base_sha256": "cd" * 32, "full_sha256": "ef" * 32, "manifest": "missing", "train_index": -1}
    yield (
        "an output of a model without training manifest",
        file_of(receipt("run.receipt", "output:1", making.run_body(model=missing))),
        {},
    )
    yield "a period", file_of(period()), {}
    for what, party in (("payee", "ada"), ("payee", "ben"), ("commons", ""), ("rest", "")):
        yield f"a period, the place of {party or what}", file_of(period(sum=making.own_sum(what, party))), {}
    corrected = {**making.period_body(), "version": 2}
    correction = receipt("period.correction", "correction:2026-11:2", corrected, sum=making.own_sum("payee", "ben"))
    yield "a correction of a period, the place of ben", file_of(correction), {}
    adjusted = making.period_body()
    adjusted["pools"][1]["kind"] = "adjusted"
    yield "a period with the differences of a correction", file_of(period(adjusted)), {}
    for number, made in enumerate(making.chain(1, 2, 3), 1):
        yield f"statement {number} of a chain", file_of(made), {}
    yield "what is left of an erased output", file_of(erased()), {}
    yield (
        "another kind of document",
        file_of(receipt("disclosure", "d-1", {"label": "made with a model", "n": 2**53 - 1})),
        {},
    )
    odd = {"\u00e9": ["\u2028", "\u007f", '\\"/\b\f\n\r\t\u0001', True, None, -1, {}, []], "bidi \u202e": "\U0001f600"}
    yield "a document with unusual text", file_of(receipt("disclosure", "d-2", odd)), {}
    yield "a document as deep as allowed", file_of(receipt("disclosure", "d-3", nested(62))), {}
    yield "signed by the old key and the new one, checked by the old", file_of(run(signers=(LOG, NEXT))), {"vkeys": LOG.vkey}
    yield (
        "signed by the old key and the new one, checked by the new",
        file_of(run(signers=(NEXT, LOG))),
        {"vkeys": NEXT.vkey},
    )
    both = f"{NEXT.vkey}\n{LOG.vkey}\n"
    yield "signed by the new key, checked by both", file_of(run(signers=(NEXT,))), {"vkeys": both}
    seen = file_of(run(signers=(LOG, WITNESSES[2], WITNESSES[0])))
    yield "cosigned by two of three witnesses", seen, {"policy": POLICY, "vkeys": ""}
    yield "cosigned by witnesses that nobody asked for", seen, {}
    yield "a key that stands in the policy too", seen, {"policy": POLICY, "vkeys": LOG.vkey}
    anyone = POLICY.replace("quorum three", "quorum none")
    yield "cosigned, where no quorum is asked for", seen, {"policy": anyone, "vkeys": ""}
    yield "not cosigned, where no quorum is asked for", file_of(run()), {"policy": anyone, "vkeys": ""}
    groups = POLICY.replace("quorum three", "group x any three\ngroup y all x\nquorum y")
    yield "cosigned, groups of groups", seen, {"policy": groups, "vkeys": ""}
    yield "a checkpoint with a line more", file_of(run(extra="an extension\n")), {}


def receipt_first() -> dict[str, Any]:
    """The only entry of its log, made before anything else stood there."""
    body = making.run_body(model={"train_index": -1}, permissions={"root": making.sha().hex(), "size": 0})
    return receipt("run.receipt", "output:1", body, before=0)


def nested(depth: int) -> Any:
    """Objects in objects."""
    value: Any = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def changed(document: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> bytes:
    """A file with one thing changed after everything was signed."""
    copy = deepcopy(document)
    change(copy)
    return file_of(copy)


def bad_json() -> Iterator[Bad]:
    """Files that are not what JSON in one spelling is."""
    data = file_of(run())
    spelt, broken = "the file is not canonical JSON", "it is not JSON in UTF-8"
    yield "nothing", b"", broken
    yield "a newline", b"\n", broken
    yield "not UTF-8", b"\xff" + data, broken
    yield "UTF-8 longer than needed", data.replace(b"ek-fac", b"\xc0\xaf"), broken
    yield "half a character in UTF-8", data[:-2] + b"\xed\xa0\x80" + data[-2:], broken
    yield "a byte order mark", b"\xef\xbb\xbf" + data, broken
    yield "half of it", data[: len(data) // 2], broken
    yield "without the final newline", data[:-1], spelt
    yield "with two final newlines", data + b"\n", spelt
    yield "with a carriage return", data[:-1] + b"\r\n", spelt
    yield "with a blank", data.replace(b'"v":2}', b'"v": 2}'), spelt
    yield (
        "keys in another order",
        json.dumps(dict(reversed(list(run().items()))), separators=(",", ":")).encode() + b"\n",
        spelt,
    )
    yield "a key twice", data.replace(b'"v":2}', b'"v":2,"v":2}'), spelt
    yield "a key twice, deep inside", data.replace(b'"seed":7', b'"seed":7,"seed":7'), spelt
    yield "a letter spelt as an escape", data.replace(b"output:1", b"\\u006futput:1"), spelt
    yield "an escaped solidus", data.replace(b"ek-fac", b"ek\\/fac"), spelt
    yield "half a character as an escape", data.replace(b"ek-fac", b"\\ud800"), spelt
    yield "a capital escape", data.replace(b"ek-fac", b"\\u001F"), spelt
    number = "it holds a number that is not whole"
    for spelling in (b"7.0", b"7e0", b"9007199254740992", b"9" * 5000, b"-0", b"-9007199254740992"):
        yield f"a number {spelling[:17].decode()}", data.replace(b'"seed":7', b'"seed":' + spelling), number
    for name, spelling in [("NaN", b"NaN"), ("infinity", b"-Infinity"), ("a leading zero", b"07"), ("a plus", b"+7"),
                           ("nothing after the point", b"7."), ("hexadecimal", b"0x7"), ("no digit", b"-")]:  # fmt: skip
        yield f"a number that is {name}", data.replace(b'"seed":7', b'"seed":' + spelling), broken
    yield "a control character in a text", data.replace(b"ek-fac", b"ek\x01fac"), broken
    yield "an unknown escape", data.replace(b"ek-fac", b"\\x41"), broken
    yield "a comma too many", data.replace(b'"v":2}', b'"v":2,}'), broken
    yield "something behind it", data + b"{}\n", broken
    yield "single quotes", b"{'a':1}\n", broken
    yield "very deep lists", b"[" * 100, "it is nested more than 64 deep"
    yield "very deep objects", b'{"a":' * 65 + b"1" + b"}" * 65 + b"\n", "it is nested more than 64 deep"
    yield "brackets only in a text", b'{"a":"' + b"[" * 100 + b'"}\n', "the receipt has not exactly the fields"
    yield "an unfinished text", b'{"a":"' + b'\\"' * 1000, broken
    for name, spelling in [("a list", b"[]\n"), ("null", b"null\n"), ("a text", b'"erased_at"\n'), ("a number", b"2\n")]:
        yield f"{name} instead of an object", spelling, spelt
    yield "an empty object", b"{}\n", "the receipt has not exactly the fields"


def bad_receipts() -> Iterator[Bad]:
    """Files with one part that is not the right one."""
    lone = run()
    exact, leaf = "the receipt has not exactly the fields", "the log's entry"

    def of(name: str, change: Callable[[dict[str, Any]], Any], problem: str, document: Any = None) -> Bad:
        return name, changed(document or lone, change), problem

    for field in ("body", "leaf", "proof", "receipt_id", "salt", "type", "v"):
        yield of(f"without {field}", lambda d, field=field: d.pop(field), exact)
    yield of("a field more", lambda d: d.update(x=1), exact)
    yield of("a place in sums at an output", lambda d: d.update(sum=making.own_sum("payee", "ada")), exact)
    yield of("a line at a period", lambda d: d.update(line=making.own_line(0)), exact, period())
    yield of("version 1", lambda d: d.update(v=1), "the receipt is of a version")
    yield of("version true", lambda d: d.update(v=True), "the receipt has no right 'v'")
    yield of("body of the wrong kind", lambda d: d.update(body=[]), "the receipt has no right 'body'")
    yield of("short salt", lambda d: d.update(salt="ab"), "the receipt has no right 'salt'")
    yield of("salt in capitals", lambda d: d.update(salt=d["salt"].upper()), "the receipt has no right 'salt'")
    yield of("another salt", lambda d: d.update(salt="0" * 64), "the body is not the one")
    yield of("another body", lambda d: d["body"].update(x=1), "the body is not the one")
    yield of("another id", lambda d: d.update(receipt_id="output:2"), "the receipt's id is not the subject")
    yield of("an id with a blank", lambda d: d.update(receipt_id="output 1"), "the receipt's id is not a plain id")
    yield of("an id that is very long", lambda d: d.update(receipt_id="o" * 10_000), "the receipt's id is not a plain id")
    yield of("an id with a newline", lambda d: d.update(receipt_id="output:1\n"), "the receipt's id is not a plain id")
    yield of(
        "an id in look-alike letters", lambda d: d.update(receipt_id="\u043eutput:1"), "the receipt's id is not a plain id"
    )
    yield of("another type", lambda d: d.update(type="disclosure"), "the receipt's type is not")
    yield of("entry with a blank", lambda d: d.update(leaf=d["leaf"] + " "), f"{leaf} is not canonical")
    yield of(
        "entry of version 1", lambda d: d.update(leaf=d["leaf"].replace('"v":2', '"v":1')), "the receipt is of a version"
    )
    yield of(
        "entry with a field more",
        lambda d: d.update(leaf=d["leaf"].replace('"v":2', '"v":2,"x":1')),
        f"{leaf} has not exactly",
    )
    yield of("entry without JSON", lambda d: d.update(leaf="entry"), "it is not JSON")
    yield of(
        "entry with a key twice",
        lambda d: d.update(leaf=d["leaf"].replace('"v":2', '"v":2,"v":2')),
        f"{leaf} is not canonical",
    )
    yield of(
        "entry at another time",
        lambda d: d.update(leaf=d["leaf"].replace("2026", "2025")),
        "the entry is not in the signed log",
    )
    for time in (
        "2026-13-20T12:00:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20 12:00:00Z",
        "2026-11-20T12:00:00",
        "\u0662026-11-20T12:00:00Z",
    ):
        yield of(
            f"entry at {time!a}", lambda d, t=time: d.update(leaf=d["leaf"].replace(making.AT, t)), "a time is not in UTC"
        )
    long = making.entry("run.receipt", "output:1", making.run_body()).replace("run.receipt", "r" * 5000)
    yield of("entry of 5,000 bytes", lambda d: d.update(leaf=long), f"{leaf} is not canonical")
    yield of("erased at no time", lambda d: d.update(erased_at="yesterday"), "a time is not in UTC", erased())
    yield of("erased, and yet a body", lambda d: d.update(body={}), exact, erased())
    yield of(
        "erased, of another log",
        lambda d: d.update(leaf=making.fillers(1)[0]),
        "the entry is not in the signed log",
        erased(),
    )
    yield from bad_proofs(of)
    yield from bad_lines(of)
    yield from bad_sums(of)


def bad_proofs(of: Callable[..., Bad]) -> Iterator[Bad]:
    """Proofs and checkpoints that prove nothing."""

    def swapped(old: str, new: str) -> Callable[[dict[str, Any]], Any]:
        def change(document: dict[str, Any]) -> None:
            assert old in document["proof"], old
            document["proof"] = document["proof"].replace(old, new, 1)

        return change

    whole = run(after=1)
    path = whole["proof"].split("\n\n")[0].split("\n")[2:]
    broken, fit, form = "something is not right base64", "a path does not fit its position", "the proof is not a tlog-proof"
    other = "the entry is not in the signed log"
    yield of("proof of another version", swapped("tlog-proof@v1", "tlog-proof@v2"), form)
    yield of("proof with an extra line", swapped("\nindex", "\nextra AAAA\nindex"), form)
    yield of("empty proof", lambda d: d.update(proof=""), form)
    yield of(
        "very many hashes",
        lambda d: d.update(proof=d["proof"].replace(path[0], (path[0] + "\n") * 200 + path[0])),
        fit,
        whole,
    )
    for number in ("7", "8", "5", "-1", "9007199254740991"):
        problem = other if number == "5" or number == "7" else fit
        yield of(f"index {number} of eight", swapped("index 6", f"index {number}"), problem, whole)
    for number in ("06", "+6", "6.0", "6 ", "", "9007199254740992", "\u0666"):
        yield of(f"index {number!a}", swapped("index 6", f"index {number}"), "the proof's index is not a number", whole)
    yield of("one hash missing", lambda d: d.update(proof=d["proof"].replace(path[0] + "\n", "", 1)), fit, whole)
    yield of("one hash more", lambda d: d.update(proof=d["proof"].replace(path[0], f"{path[0]}\n{path[0]}", 1)), fit, whole)
    yield of(
        "hashes in another order",
        lambda d: d.update(proof=d["proof"].replace("\n".join(path), "\n".join(path[::-1]))),
        other,
        whole,
    )
    yield of("a hash of 31 bytes", swapped(path[0], making.b64(bytes(31))), broken, whole)
    yield of("base64 without its end", swapped(path[0], path[0].rstrip("=")), broken, whole)
    yield of("base64 in another spelling", swapped(path[0][-2:], spelt_otherwise(path[0])[-2:]), broken, whole)
    yield of("base64 for addresses", swapped(path[0], "-" + path[0][1:]), broken, whole)
    yield of("checkpoint of nine", swapped("\n8\n", "\n9\n"), "the signature of", whole)
    yield of("no checkpoint", lambda d: d.update(proof=d["proof"].split("\n\n")[0]), "the checkpoint is not a signed note")
    yield of(
        "no signature", lambda d: d.update(proof=d["proof"].split("\N{EM DASH}")[0]), "the checkpoint is not signed by a key"
    )
    yield of("a signature without newline", lambda d: d.update(proof=d["proof"][:-1]), "the checkpoint is not a signed note")
    yield of("a hyphen before the signature", swapped("\N{EM DASH}", "-"), broken)
    yield of("a tab in the checkpoint", swapped("\n8\n", "\n8\t\n"), "the checkpoint is not a signed note", whole)
    yield of("carriage returns", lambda d: d.update(proof=d["proof"].replace("\n", "\r\n")), form)
    signature = whole["proof"].splitlines()[-1]
    yield of(
        "a hundred signatures",
        lambda d: d.update(proof=d["proof"] + (signature + "\n") * 99),
        "the checkpoint is not a signed note",
        whole,
    )
    yield of(
        "the same signature twice", lambda d: d.update(proof=d["proof"] + making.LOG.line("x\n")), "the signature of", whole
    )
    imposter = Signer(making.ORIGIN, "somebody else")
    yield (
        "signed by somebody else under the log's name",
        file_of(run(signers=(imposter,))),
        "the checkpoint is not signed by a key",
    )
    short = making.b64(LOG.key_id + b"short")
    yield of(
        "a short signature",
        lambda d: d.update(proof=d["proof"].replace(signature.split(" ")[2], short)),
        "the signature of",
        whole,
    )
    yield (
        "the log's own key signs in another log's name",
        file_of(run(origin="elsewhere.example/log")),
        "the checkpoint is of another log",
    )
    yield "a checkpoint of two lines", file_of(with_note(f"{making.ORIGIN}\n7\n")), "the checkpoint has not three lines"
    for size in ("07", "-7", "7.0", "0x7", "9007199254740992"):
        yield f"a checkpoint of size {size}", file_of(with_note(f"{making.ORIGIN}\n{size}\nAAAA\n")), (
            "something is not" if size == "-7" else "the checkpoint's size is not a number"
        )  # fmt: skip
    yield "a root of three bytes", file_of(with_note(f"{making.ORIGIN}\n7\nAAAA\n")), broken
    yield "another log of the same size", file_of({**run(), "proof": period()["proof"]}), other
    yield "an older checkpoint, replayed", file_of(replayed()), fit
    yield "an entry that is a node of the tree", file_of(leaf_as_node()), "it is not JSON in UTF-8"


def spelt_otherwise(text: str) -> str:
    """Base64 of 32 bytes with the unused bits of its last letter set: other letters, the same bytes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:-2] + letters[letters.index(text[-2]) + 1] + "="


def with_note(text: str) -> dict[str, Any]:
    """A receipt whose checkpoint has this text, rightly signed."""
    document = run()
    head = document["proof"].split("\n\n")[0]
    return {**document, "proof": f"{head}\n\n{text}\n{LOG.line(text)}"}


def replayed() -> dict[str, Any]:
    """The proof's path leads into a log of eight, under the checkpoint of the log when it had four entries."""
    document = run(after=1)
    head = document["proof"].split("\n\n")[0]
    return {**document, "proof": f"{head}\n\n{making.checkpoint(making.fillers(4))}"}


def leaf_as_node() -> dict[str, Any]:
    """Two hashes that stand for a node are offered as an entry: in a tree without prefixes the root would be the same."""
    document = run(before=1)
    entries = [making.sha(b"\x00", one.encode()) for one in (making.fillers(1)[0], document["leaf"])]
    node = b"".join(entries).hex()
    text = f"{making.ORIGIN}\n1\n{making.b64(making.join_hashes(*entries))}\n"
    return {**document, "leaf": node, "proof": f"c2sp.org/tlog-proof@v1\nindex 0\n\n{text}\n{LOG.line(text)}"}


def bad_lines(of: Callable[..., Bad]) -> Iterator[Bad]:
    """Lines that the receipt does not commit to, and outputs that cannot be."""
    one, every = run(line=making.own_line(1)), run(lines=making.all_lines())
    tree, fit, many = "the lines are not those", "a path does not fit its position", "there are not as many lines"
    yield of("line with another share", lambda d: d["line"]["line"].update(share_ppb=250_000_001), tree, one)
    yield of("line of another work", lambda d: d["line"]["line"].update(work_id="mine"), tree, one)
    yield of("line with another salt", lambda d: d["line"].update(salt="0" * 64), tree, one)
    yield of("line at another position", lambda d: d["line"].update(index=0), tree, one)
    yield of("line beyond the lines", lambda d: d["line"].update(index=3), fit, one)
    yield of("line before the lines", lambda d: d["line"].update(index=-1), "a line has no right 'index'", one)
    yield of("line without path", lambda d: d["line"].update(path=[]), fit, one)
    yield of("line with a longer path", lambda d: d["line"]["path"].append("0" * 64), fit, one)
    yield of("line with a number in its path", lambda d: d["line"].update(path=[1, 2]), "a path has no right 'hash'", one)
    yield of("line with a field more", lambda d: d["line"].update(x=1), "a line has not exactly the fields", one)
    yield of("line that is a list", lambda d: d.update(line=[]), "the receipt has no right 'line'", one)
    yield of("lines that are an object", lambda d: d.update(lines={}), "the receipt has no right 'lines'", every)
    yield of("lines, one too few", lambda d: d["lines"].pop(), many, every)
    yield of("lines, one twice", lambda d: d["lines"].append(d["lines"][0]), many, every)
    yield of("lines in another order", lambda d: d["lines"].reverse(), tree, every)
    node = making.join_hashes(*making.line_nodes()[:2]).hex()
    yield of("a node offered as an erased line", lambda d: d.update(lines=[{"hash": node}, d["lines"][2]]), many, every)
    yield of(
        "an erased line of 63 digits",
        lambda d: d["lines"].append({"hash": "a" * 63}),
        "an erased line has no right 'hash'",
        every,
    )
    yield of(
        "an erased line with its salt",
        lambda d: d["lines"][0].update(hash="a" * 64),
        "an erased line has not exactly",
        every,
    )
    yield of("a line that is a text", lambda d: d["lines"].append("line"), "a line has not exactly the fields", every)
    under = [{"rank": 1, "share_ppb": 5, "work_id": "a"}]
    half = making.run_body(under, unattributed_ppb=7)
    wrong = "the shares do not sum to one whole"
    yield (
        "shares that do not sum up",
        file_of(receipt("run.receipt", "output:1", half, lines=making.all_lines(lines=under))),
        wrong,
    )
    all_left = receipt("run.receipt", "output:1", making.run_body(unattributed_ppb=making.WHOLE), line=making.own_line(0))
    yield "a share beside too large a rest", file_of(all_left), wrong
    for share in (-1, making.WHOLE + 1, True, "5"):
        lines = [{"rank": 1, "share_ppb": share, "work_id": "a"}]
        body = making.run_body(lines, unattributed_ppb=0)
        made = receipt("run.receipt", "output:1", body, lines=making.all_lines(lines=lines))
        yield f"a share of {share!r}", file_of(made), "a line has no right 'share_ppb'"
    nobody = [{"rank": 1, "share_ppb": making.WHOLE}]
    lined = receipt("run.receipt", "output:1", making.run_body(nobody), line=making.own_line(0, nobody))
    yield "a line of no work", file_of(lined), "a line has no right 'work_id'"
    for name, changes, problem in [
        ("about another output", {"output_id": "output:2"}, "the body is about something else"),
        ("about no output", {"output_id": 7}, "the body has no right 'output_id'"),
        ("of more than one whole", {"unattributed_ppb": making.WHOLE + 1}, "the body has no right 'unattributed_ppb'"),
        ("with a negative rest", {"unattributed_ppb": -1}, "the body has no right 'unattributed_ppb'"),
        ("without number of lines", {"lines_count": None}, "the body has no right 'lines_count'"),
        ("without root of lines", {"lines_root": "abc"}, "the body has no right 'lines_root'"),
        ("trained after itself", {"model": {"train_index": 6}}, "the model has no right 'train_index'"),
        ("trained before the log", {"model": {"train_index": -2}}, "the model has no right 'train_index'"),
        ("of a model in words", {"model": "our best"}, "the model has no right 'train_index'"),
        (
            "with the permissions of later",
            {"permissions": {"root": "ab" * 32, "size": 7}},
            "the permissions are those of a later",
        ),
        ("without permissions", {"permissions": None}, "the body has no right 'permissions'"),
        (
            "with permissions and more",
            {"permissions": {"root": "ab" * 32, "size": 0, "x": 1}},
            "the permissions has not exactly",
        ),
    ]:
        yield f"an output {name}", file_of(receipt("run.receipt", "output:1", making.run_body(**changes))), problem


def bad_sums(of: Callable[..., Bad]) -> Iterator[Bad]:
    """Periods that do not add up, places that are not in them, and statements out of order."""
    own = period(sum=making.own_sum("payee", "ada"))
    other, fit = "the place in the sums leads to other sums", "a path does not fit its position"
    yield of("place with another amount", lambda d: d["sum"]["leaf"].update(paid_micros=700_001), other, own)
    yield of("place with more taken back", lambda d: d["sum"]["leaf"].update(taken_micros=4), other, own)
    yield of(
        "place with a negative amount",
        lambda d: d["sum"]["leaf"].update(paid_micros=-1),
        "the leaf has no right 'paid_micros'",
        own,
    )
    yield of("place of another payee", lambda d: d["sum"]["leaf"].update(party_id="eve"), other, own)
    yield of("place with another statement", lambda d: d["sum"]["leaf"].update(statement_sha256="34" * 32), other, own)
    yield of("place with another salt", lambda d: d["sum"].update(salt="0" * 64), other, own)
    yield of("place at another position", lambda d: d["sum"].update(index=(d["sum"]["index"] + 1) % 2), other, own)
    yield of("place beyond the places", lambda d: d["sum"].update(index=5), fit, own)
    yield of("place without path", lambda d: d["sum"].update(path=[]), fit, own)
    yield of("place with another sum on its path", lambda d: d["sum"]["path"][0].update(paid_micros=1), other, own)
    yield of(
        "place with more on its path", lambda d: d["sum"]["path"][0].update(x=1), "a step has not exactly the fields", own
    )
    yield of(
        "place with a text on its path", lambda d: d["sum"].update(path=["a"]), "a step has not exactly the fields", own
    )
    yield of(
        "place in another currency", lambda d: d["sum"].update(currency="USD"), "the period has no sums in the currency", own
    )
    yield of(
        "place whose leaf is in another currency",
        lambda d: d["sum"]["leaf"].update(currency="USD"),
        "the period has no sums",
        own,
    )
    yield of("place that is a list", lambda d: d.update(sum=[]), "the receipt has no right 'sum'", own)
    left_out = making.sum_row([*making.PLACES[:1], *making.PLACES[2:]])
    invented = making.sum_row([*making.PLACES, making.place("payee", "eve", 9, 0)])
    total = "the sums over payees are not the pools"
    none = making.period_body()
    del none["sums"]
    yield (
        "a place where there are no sums",
        file_of(period(none, sum=making.own_sum("payee", "ada"))),
        "the body has no right 'sums'",
    )
    for name, body, problem in [
        ("a payee left out", {**making.period_body(), "sums": [left_out]}, total),
        ("a payee invented", {**making.period_body(), "sums": [invented]}, total),
        ("no sums for its currency", {**making.period_body(), "sums": []}, "a pool is of a currency that no sum"),
        (
            "sums for another currency too",
            {**making.period_body(), "sums": [making.sum_row(), making.sum_row(currency="USD")]},
            total,
        ),
        ("sums for its currency twice", {**making.period_body(), "sums": [making.sum_row(), making.sum_row()]}, total),
        ("sums over nobody", {**making.period_body(), "sums": [{**making.sum_row(), "count": 0}]}, total),
        ("negative sums", {**making.period_body(), "sums": [{**making.sum_row(), "paid_micros": -1}]}, "a sum has no right"),
        (
            "sums without root",
            {**making.period_body(), "sums": [{**making.sum_row(), "root": ""}]},
            "a sum has no right 'root'",
        ),
        ("sums with more", {**making.period_body(), "sums": [{**making.sum_row(), "x": ""}]}, "a sum has not exactly"),
        ("another period", {**making.period_body(), "period_id": "2026-12"}, "the body is about something else"),
        ("a period that is a number", {**making.period_body(), "period_id": 2026}, "the body has no right 'period_id'"),
        ("no totals", {"period_id": "2026-11"}, "the body has no right 'totals'"),
        ("totals that are text", {**making.period_body(), "totals": ["EUR"]}, "a total has no right 'revenue_micros'"),
        ("a pool that is a number", {**making.period_body(), "pools": [7]}, "a pool has no right 'source_micros'"),
        ("allocated too much", making.period_body(part={"allocated_micros": 800_001}), "a part is not the sum of allocated"),
        (
            "too large a part",
            making.period_body(part={"amount_micros": 900_001, "commons_micros": 100_001}),
            "a pool is not the sum",
        ),
        (
            "less than nothing in suspense",
            making.period_body(part={"suspense_micros": -1}),
            "a pool has a number of the wrong sign",
        ),
        (
            "more in suspense than allocated",
            making.period_body(part={"suspense_micros": 800_000}),
            "a pool has a number of the wrong",
        ),
        (
            "negative breakage",
            making.period_body(breakage_micros=-60_000, rest_micros=160_000),
            "a pool has a number of the wrong",
        ),
        ("a larger rest", making.period_body(rest_micros=40_001), "a pool is not the sum of its parts"),
        ("a rest that is true", making.period_body(rest_micros=True), "a pool has no right 'rest_micros'"),
        (
            "a pool of two amounts",
            making.period_body(source_micros=2_000_000),
            "a pool that was not converted has two amounts",
        ),
        ("a pool in no currency", making.period_body(currency=None), "a pool has no right 'currency'"),
        ("a larger revenue", making.period_body(total={"revenue_micros": 2_000_000}), "a total's revenue is not the sum"),
        (
            "smaller pools",
            making.period_body(total={"pools_micros": 999_994, "tax_micros": 11}),
            "the pools do not sum to the total",
        ),
        ("a total in another currency", making.period_body(total={"currency": "USD"}), "the pools do not sum to the total"),
        ("no total", {**making.period_body(), "totals": []}, "a pool is of a currency that no total has"),
    ]:
        yield f"a period with {name}", file_of(period(body)), problem
    agree = "the statement's number and the place of the one before it"
    for name, changes, problem in [
        ("number 0", {"count": 0}, "the body has no right 'count'"),
        ("number 2 without one before", {"count": 2}, agree),
        ("number 1 with one before", {"previous": 3}, agree),
        ("one before that stands later", {"count": 2, "previous": 6}, "the body has no right 'previous'"),
        ("no payee", {"party_id": None}, "the body has no right 'party_id'"),
        ("no digest", {"sha256": "abc"}, "the body has no right 'sha256'"),
        ("another id", {"statement_id": "2026-02:EUR:ada"}, "the body is about something else"),
    ]:
        yield f"a statement with {name}", file_of(statement(**changes)), problem


def bad_trust() -> Iterator[tuple[str, bytes, dict[str, str], str]]:
    """Good files under keys and policies that they do not satisfy."""
    alone, seen = file_of(run()), file_of(run(signers=(LOG, WITNESSES[0])))
    few = "not as many witnesses cosigned the checkpoint"
    yield "another log's key", alone, {"vkeys": making.OTHER_LOG.vkey}, "the checkpoint is not signed by a key"
    yield "the next key only", alone, {"vkeys": NEXT.vkey}, "the checkpoint is not signed by a key"
    yield "no witness, where two must be", alone, {"policy": POLICY, "vkeys": ""}, few
    yield "one witness, where two must be", seen, {"policy": POLICY, "vkeys": ""}, few
    every = POLICY.replace("group three 2", "group three all")
    two = file_of(run(signers=(LOG, *WITNESSES[:2])))
    yield "two witnesses, where three must be", two, {"policy": every, "vkeys": ""}, few
    yield "the wrong witness", seen, {"policy": POLICY.replace("quorum three", "quorum w2"), "vkeys": ""}, few
    document = run(signers=(LOG, *WITNESSES[:2]))
    line = document["proof"].splitlines()[-1]
    wrong = WITNESSES[1].line("other\n").rstrip("\n")
    forged = file_of({**document, "proof": document["proof"].replace(line, wrong)})
    yield "a witness's signature on something else", forged, {"policy": POLICY, "vkeys": ""}, "the signature of 'witness2"
    text = document["proof"].split("\n\n")[1] + "\n"
    for name, stamp in (("in the year 10000", 253_402_300_800), ("at the end of time", 2**64 - 1)):
        late = file_of({**document, "proof": document["proof"].replace(line, WITNESSES[1].line(text, stamp).rstrip("\n"))})
        yield f"a witness {name}", late, {"policy": POLICY, "vkeys": ""}, "the time of the witness 'w2' is impossible"


def bad_policies() -> Iterator[tuple[str, dict[str, str], str]]:
    """Keys and policies that cannot be used."""
    log, witness = LOG.vkey, WITNESSES[0].vkey
    line, vkey, no_key = "the policy's line", "it is not a vkey", "there is no quorum line, or no log's key"
    yield "no key", {}, no_key
    for name, text, problem in [
        ("not a vkey", "studio", vkey),
        ("a vkey whose name was changed", log.replace("studio", "studia"), vkey),
        ("a vkey whose id was changed", log.replace("+", "+0", 1), vkey),
        ("a vkey whose key was changed", log[:-6] + "AAAAA=", vkey),
        ("a vkey that is not base64", log + "!", "something is not right base64"),
        ("a witness's key only", witness, no_key),
        ("the same key twice", f"{log}\n{log}", line),
    ]:
        yield name, {"vkeys": text}, problem
    for name, text, problem in [
        ("no quorum", f"log {log}\n", no_key),
        ("two quorums", f"log {log}\nquorum none\nquorum none", line),
        ("a quorum of nobody known", f"log {log}\nquorum w", line),
        ("an unknown word", f"log {log}\ntrust me\nquorum none", line),
        ("a quorum before its witness", f"log {log}\nquorum w\nwitness w {witness}", line),
        ("a witness twice", f"log {log}\nwitness w {witness}\nwitness v {witness}\nquorum none", line),
        ("a name twice", f"log {log}\nwitness w {witness}\nwitness w {WITNESSES[1].vkey}\nquorum none", line),
        ("a witness called none", f"log {log}\nwitness none {witness}\nquorum none", line),
        ("a group of nobody", f"log {log}\ngroup g 1\nquorum none", line),
        ("a group of strangers", f"log {log}\ngroup g any w\nquorum none", line),
        ("a group of none", f"log {log}\ngroup g any none\nquorum none", line),
        ("a group of zero", f"log {log}\nwitness w {witness}\ngroup g 0 w\nquorum g", line),
        ("a group of more than all", f"log {log}\nwitness w {witness}\ngroup g 2 w\nquorum g", line),
        ("a group that lists one twice", f"log {log}\nwitness w {witness}\ngroup g 2 w w\nquorum g", line),
        ("a witness in two groups", f"log {log}\nwitness w {witness}\ngroup g 1 w\ngroup h 1 w\nquorum g", line),
        ("a group in itself", f"log {log}\ngroup g 1 g\nquorum g", line),
    ]:
        yield f"a policy with {name}", {"policy": text}, problem


def together() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Files that are given together, and a word of what they must show."""
    first, second, third = (file_of(one) for one in making.chain(1, 2, 3))
    names = {"1.json": first, "2.json": second, "3.json": third}
    every = list(names.items())
    yield "a whole chain", {"receipts": every}, ""
    yield "a chain without its middle", {"receipts": [every[0], every[2]]}, "Statements 2 to 2 of 'ada' in EUR are missing"
    yield "a chain without its beginning", {"receipts": every[1:]}, ""
    double = [(f"{number}.json", file_of(one)) for number, one in enumerate(making.chain(1, 2, 2))]
    yield "two statements of one number", {"receipts": double}, "do not belong to one chain"
    skipped = [(f"{number}.json", file_of(one)) for number, one in enumerate(making.chain(1, 2**53 - 1))]
    yield "a very long gap", {"receipts": skipped}, "Statements 2 to 9007199254740990 of"
    yield "the same receipt twice", {"receipts": [every[0], ("copy.json", first)]}, ""
    yield "the statement itself", {"receipts": every[:1], "statements": [("s.json", making.STATEMENT)]}, ""
    yield "the statement with a newline", {"receipts": every[:1], "statements": [("s.json", making.STATEMENT + b"\n")]}, ""
    yield "another statement", {"receipts": every[:1], "statements": [("s.json", b"{}")]}, "no statement that these receipts"
    placed = file_of(period(sum=making.own_sum("payee", "ada")))
    yield (
        "a statement and a place in the sums",
        {"receipts": [("p.json", placed)], "statements": [("s.json", making.STATEMENT)]},
        "",
    )
    forked = file_of(run(world="fork "))
    yield "two logs of one size", {"receipts": [("a.json", file_of(run())), ("b.json", forked)]}, "FORK"
    longer = file_of(run(world="fork ", after=9))
    yield "a longer log that began otherwise", {"receipts": [("a.json", file_of(run())), ("b.json", longer)]}, "FORK"
    grown = file_of(run(after=9))
    yield "a log that grew", {"receipts": [("a.json", file_of(run())), ("b.json", grown)]}, ""
    back_dated = making.run_body(permissions={"root": "ab" * 32, "size": 6})
    dated = file_of(receipt("run.receipt", "output:1", back_dated, before=7))
    shown = file_of(receipt("disclosure", "filler-5", {"number": 5}, before=5, after=3))
    yield "permissions of a log that never was", {"receipts": [("a.json", shown), ("b.json", dated)]}, "FORK"
    at_seven = making.checkpoint([*making.fillers(6), making.entry("run.receipt", "output:1", making.run_body())]).encode()
    at_four, wrong = making.checkpoint(making.fillers(4)).encode(), making.checkpoint(making.fillers(4, "fork ")).encode()
    one = [("a.json", grown)]
    yield "an older checkpoint at an entry's own size", {"receipts": one, "older": [("old", at_seven)]}, ""
    yield "an older checkpoint that permissions name", {"receipts": one, "older": [("old", at_four)]}, ""
    yield "an older checkpoint of another log", {"receipts": one, "older": [("old", wrong)]}, "FORK"
    at_five = making.checkpoint(making.fillers(5)).encode()
    yield "an older checkpoint that nothing is compared with", {"receipts": one, "older": [("old", at_five)]}, ""
    yield "two older checkpoints that contradict", {"receipts": [], "older": [("a", at_four), ("b", wrong)]}, "FORK"


def spelled(data: bytes) -> dict[str, str]:
    """A file's bytes in JSON."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def verdict_of(data: bytes, policy: str, vkeys: str) -> dict[str, Any]:
    """What verify.py says, as JSON has it."""
    found = verify.check(data, verify.read_policy(policy, vkeys))[0]
    plain: dict[str, Any] = json.loads(json.dumps(found._asdict()))
    return plain


def file_vectors() -> dict[str, list[dict[str, Any]]]:
    """All vectors of single files."""
    usual = {"policy": NO_POLICY, "vkeys": LOG.vkey}
    made: dict[str, list[dict[str, Any]]] = {"good": [], "bad-json": [], "bad-receipts": [], "bad-trust": []}
    for name, data, trust in good():
        verdict = verdict_of(data, **{**usual, **trust})
        assert verdict["verified"], (name, verdict["problem"])
        made["good"].append({"name": name, **spelled(data), **usual, **trust, "verdict": verdict})
    for group, rows in (("bad-json", bad_json()), ("bad-receipts", bad_receipts())):
        for name, data, problem in rows:
            made[group].append(_refused(name, data, usual, problem))
    for name, data, trust, problem in bad_trust():
        made["bad-trust"].append(_refused(name, data, {**usual, **trust}, problem))
    return made


def _refused(name: str, data: bytes, trust: dict[str, str], problem: str) -> dict[str, Any]:
    verdict = verdict_of(data, **trust)
    assert problem and not verdict["verified"] and verdict["problem"].startswith(problem), (
        name,
        problem,
        verdict["problem"],
    )
    return {"name": name, **spelled(data), **trust, "verdict": verdict}


def policy_vectors() -> list[dict[str, Any]]:
    """Keys and policies with the problem that each must be refused with."""
    made = []
    for name, trust, problem in bad_policies():
        given = {"policy": NO_POLICY, "vkeys": "", **trust}
        try:
            verify.read_policy(given["policy"], given["vkeys"])
        except verify.Refused as refused:
            assert str(refused).startswith(problem), (name, problem, str(refused))
            made.append({"name": name, **given, "problem": str(refused)})
        else:
            raise AssertionError(f"accepted: {name}")
    return made


def group_vectors() -> list[dict[str, Any]]:
    """Files that are given together."""
    policy = verify.read_policy(vkeys=LOG.vkey)
    made = []
    for name, given, problem in together():
        whole: dict[str, list[tuple[str, bytes]]] = {"receipts": [], "older": [], "statements": [], **given}
        checked = [(file, *verify.check(data, policy)) for file, data in whole["receipts"]]
        assert all(verdict.verified for _, verdict, _ in checked), (name, [verdict.problem for _, verdict, _ in checked])
        older = [(file, verify.open_checkpoint(data.decode(), policy)) for file, data in whole["older"]]
        found = verify.compare(checked, older, whole["statements"])
        assert any(problem in text for text in found["problems"]) if problem else not found["problems"], (name, found)
        files = {kind: [[file, data.decode()] for file, data in rows] for kind, rows in whole.items()}
        made.append({"name": name, **files, "vkeys": LOG.vkey, "together": found})
    return made


def documents() -> dict[str, Any]:
    """Every vector file by name."""
    return {**file_vectors(), "bad-policies": policy_vectors(), "together": group_vectors()}


def file_bytes(document: Any) -> bytes:
    """A vector file: one vector a line, so that a change shows as one line."""
    rows = ",\n".join(json.dumps(row, ensure_ascii=True, sort_keys=True) for row in document)
    return f"[\n{rows}\n]\n".encode()


def main() -> None:
    """Writes the files."""
    VECTORS.mkdir(exist_ok=True)
    for name, document in documents().items():
        (VECTORS / f"{name}.json").write_bytes(file_bytes(document))


if __name__ == "__main__":
    main()
