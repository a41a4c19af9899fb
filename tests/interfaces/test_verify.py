"""`endcredits verify`: the lone verifier as a command, and the page that it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endcredits.receipts import verify as lone
from endcredits.receipts import web
from tests.interfaces.terminal import type_in, type_well
from tests.receipts import make_vectors, making
from tests.receipts.making import LOG, file_of


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with receipts and what is held against them, which is the working folder; no studio is near."""
    monkeypatch.chdir(tmp_path)
    for number, one in enumerate(making.chain(1, 2, 3), 1):
        Path(f"{number}.json").write_bytes(file_of(one))
    Path("seen.json").write_bytes(file_of(make_vectors.run(signers=(LOG, *making.WITNESSES[:2]))))
    Path("bad.json").write_bytes(b"{}\n")
    Path("statement.json").write_bytes(making.STATEMENT)
    Path("old").write_text(making.checkpoint(making.fillers(4)))
    Path("forked").write_text(making.checkpoint(making.fillers(4, "fork ")))
    Path("policy").write_text(making.POLICY)
    Path("paper.json").write_text('{"statement_id": "s", "lines": []}')
    Path("latin.vkey").write_bytes(b"\xe9+\xe9+\xe9")
    marked = f"\N{BYTE ORDER MARK}{LOG.vkey}\r\n\r\n"
    Path("marked.vkey").write_text(marked, newline="")
    Path("marked.policy").write_text(f"\N{BYTE ORDER MARK}{making.POLICY}")
    Path("log.vkey").write_text(f"{making.NEXT.vkey}\n{LOG.vkey}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("1.json 2.json 3.json --vkey log.vkey", 0, "3 of 3 receipts verify."),
        ("1.json --vkey marked.vkey", 0, "1 of 1 receipt verifies."),
        ("seen.json --policy marked.policy", 0, "1 of 1 receipt verifies."),
        ("1.json 3.json --vkey log.vkey", 3, "PROBLEM  Statements 2 to 2 of 'ada' in EUR are missing."),
        ("1.json bad.json --vkey log.vkey", 3, "NOT VERIFIED  bad.json"),
        (
            "1.json --vkey log.vkey --statement statement.json",
            0,
            "statement.json is the statement whose digest 1.json holds.",
        ),
        ("1.json --vkey log.vkey --statement bad.json", 3, "bad.json is no statement that these receipts are about."),
        (
            "seen.json --policy policy",
            0,
            "The witness 'w2' saw this log, and no other in its place, by 2025-11-20T12:00:00Z.",
        ),
        ("seen.json --policy policy --vkey log.vkey", 0, "1 of 1 receipt verifies."),
        ("1.json --policy policy", 3, "not as many witnesses cosigned the checkpoint as the policy asks for"),
        ("seen.json --vkey log.vkey --older old", 0, "old and seen.json show one and the same log of 4 entries."),
        ("seen.json --vkey log.vkey --older forked", 3, "PROBLEM  FORK: forked and seen.json show two logs"),
    ],
)
def test_it_says_what_the_lone_verifier_says(
    place: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, told: str
) -> None:
    """One verifier, two ways to call it: the same exit code and the same JSON."""
    text, document = type_in("verify", *words.split()), type_in("verify", *words.split(), "--json")

    assert text.code == document.code == code and told in text.out
    capsys.readouterr()
    assert lone.main([*words.split(), "--json"]) == code
    assert document.json == json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "no receipt is named"),
        ("1.json", "the public key cannot be read"),
        ("1.json --vkey none.vkey", "there is no such file, and it is no key either"),
        ("1.json --vkey latin.vkey", "the file is not UTF-8"),
        ("1.json paper.json --vkey log.vkey", "this is a statement, not the receipt of one"),
        ("1.json --vkey bad.json", "the key or the policy cannot be used"),
        ("none.json --vkey log.vkey", "the receipt cannot be read (No such file or directory)"),
        (f"{'long' * 2000}.json --vkey log.vkey", "the receipt cannot be read (File name too long)"),
        ("1.json --policy old", "the key or the policy cannot be used"),
        ("1.json --vkey log.vkey --older bad.json", "it is no checkpoint of this log"),
        ("1.json --vkey log.vkey --statement none", "the statement cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(place: Path, words: str, told: str) -> None:
    """Exit code 2, one paragraph, and the file's name in bounded length."""
    said = type_in("verify", *words.split())

    assert (said.code, said.out) == (2, "") and told in said.err and len(said.err) < 1000


def test_the_page_is_written(place: Path) -> None:
    """One page that needs nothing beside it, and the script for others."""
    text = type_well("verify", "--web", "page")
    document = type_well("verify", "--web", "page", "--json")

    assert {path.name: path.read_bytes() for path in Path("page").iterdir()} == dict(web.page_files())
    assert "Open the page in a browser" in text.out
    assert document.json == {"written": [str(Path("page") / name) for name, _ in web.page_files()]}
    both = type_well("verify", "1.json", "--vkey", "log.vkey", "--web", "page", "--json").json
    assert both["receipts"][0]["verified"] and both["written"] == document.json["written"]
