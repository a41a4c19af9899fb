"""Every command, once as text and once as JSON, in the order in which an operator meets them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from endcredits.works import party_id_of
from tests.story import house as h
from tests.story.house import House

from .terminal import Said, leaves, start, type_in, type_well

walked: set[tuple[str, ...]] = set()
"""The commands that the walk has called."""


ONE_OF_MANY = re.compile(
    r"(?<![\w.,:/+-])1 (?:usage events|entries|works|receipts|rows|payees|parties|people|files|statements|payments|claims"
    r"|keys|refunds|rates|contracts|advances|logs|disputes|sums|outputs|lines|creators|findings|versions|witnesses|were|are)\b"
)
"""A number and a word that do not fit each other."""


def both(studio: Path, *arguments: object) -> tuple[Said, Said]:
    """A command as text and as JSON; the document stands alone on standard output."""
    words = tuple(str(argument) for argument in arguments)
    walked.update(name for name, _ in leaves() if name and words[: len(name)] == name)
    text = type_well(*words, "--studio", studio)
    document = type_well(*words, "--studio", studio, "--json")
    assert text.out.strip() and not text.err and not document.err
    assert not ONE_OF_MANY.search(text.out), "one of them is not many"
    assert document.json is not None
    return text, document


def test_every_command_walks(tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """From init to check: text for people, one JSON document for programs, and running twice is safe."""
    studio = tmp_path / "studio"
    table = tmp_path / "works.csv"
    table.write_text(h.works_csv())

    assert "Made the studio 'Walk'" in type_well("init", studio, "--name", "Walk").out
    made = type_well("init", tmp_path / "other", "--json").json
    assert set(made) == {"studio", "name", "origin"} and made["name"] == "other"
    walked.add(("init",))

    text, again = both(studio, "works", "add", table)
    assert "Registered 6 works; 0 were there already." in text.out
    assert (again.json["new"], len(again.json["already_there"])) == ([], 6)

    text, listed = both(studio, "works", "list")
    assert "4 admitted, 2 refused." in text.out
    assert {row["work_id"]: row["decision"] for row in listed.json}[h.CLOSED] == "deny"

    text, parties = both(studio, "works", "parties")
    ids = {row["name"]: row["party_id"] for row in parties.json}
    assert ids[h.ADA] == party_id_of(h.ADA) and f"{ids[h.ADA]}  {h.ADA}" in text.out
    assert f"{len(ids)} parties." in text.out and all(row["identifiers"] == [] for row in parties.json)

    text, permitted = both(
        studio, "rights", "deny", h.FOUND, "--reason", "no", "--by", h.DORA, "--from", "2025-01-01T00:00:00Z"
    )
    assert "train deny" in text.out and permitted.json["statements"][0]["value"] == "deny"

    text, built = both(studio, "index", "build", "--base", house.base, "--full", house.full)
    assert "Indexed 4 works" in text.out and "2 works were refused" in text.out
    assert (built.json["works"], built.json["refused"]) == (4, 2)
    text, shown = both(studio, "index", "show")
    assert shown.json[0]["index_digest"] == built.json["index_digest"] and built.json["index_digest"] in text.out

    said = h.prose(h.SALT, 60, seed=1)
    text, credits = both(studio, "attribute", "--text", said)
    assert "The Salt Road" in text.out and "completeness: credits sum to" in text.out
    assert credits.json[0]["lines"][0]["title"] == "The Salt Road"
    assert credits.json[0]["lines"][0]["people"] == [h.ADA, h.BEN]
    output_id = credits.json[0]["output_id"]

    events = tmp_path / "usage.csv"
    events.write_text(
        "event_id,output_id,used_at,revenue,currency,territory\n"
        f"a,{output_id},2025-01-03T12:00:00Z,12.50,EUR,DE\nb,{output_id},2025-01-04T12:00:00Z,3,USD,US\n"
    )
    text, added = both(studio, "usage", "add", events)
    assert "Recorded 2 usage events" in text.out and added.json == {"new": 0, "already_there": 2, "held": 0}
    single = (
        "--output",
        output_id,
        "--revenue",
        "0.25",
        "--currency",
        "EUR",
        "--event",
        "c",
        "--at",
        "2025-01-05T00:00:00Z",
    )
    assert "Recorded 1 usage event;" in both(studio, "usage", "add", *single)[0].out

    text, closed = both(studio, "period", "close", h.JANUARY)
    assert "is closed" in text.out and "12.75 EUR" in text.out
    assert closed.json["was_closed"] is True and closed.json["receipt"] == "period:2025-01"
    text, shown = both(studio, "period", "show", h.JANUARY)
    assert "nothing changed" in text.out and shown.json["close_digest"] == closed.json["close_digest"]

    text, statements = both(studio, "statement", h.JANUARY)
    assert len(statements.json) == closed.json["statements"] and h.ADA in text.out
    text, one = both(studio, "statement", h.JANUARY, "--payee", h.ADA)
    assert text.out.startswith("# Statement for Ada Quill") and {s["payee"] for s in one.json} == {h.ADA}
    assert both(studio, "statement", h.JANUARY, "--payee", h.ADA, "--form", "html")[0].out.lstrip().startswith("<!")
    pages = both(studio, "statement", h.JANUARY, "--form", "html")[0].out
    assert pages.count("<!doctype html>") == len(statements.json) and "payable  payee" not in pages

    text = type_well("works", "split", h.RHYME, f"{h.ADA}=60%", f"{h.BEN}=40%", "--from", "2025-02-01", "-s", studio)
    assert "split between 2 parties from 2025-02-01 on" in text.out
    later = ("--from", "2025-03-01", "--json", "-s", studio)
    assert type_well("works", "split", h.RHYME, f"{h.ADA}=100%", *later).json["splits"][0]["split_ppb"] == 10**9
    walked.add(("works", "split"))

    text, books = both(studio, "ledger", "check")
    assert "1 journal entries; the books balance." in text.out
    assert books.json == {"journal_entries": 1, "books_balanced": True, "findings": []}
    text, sums = both(studio, "ledger", "balances", "Income")
    assert [row["balance_micros"] for row in sums.json] == [-6_375_000, -1_500_000] and "-6.375 EUR" in text.out
    for form in ("hledger", "beancount"):
        text, exported = both(studio, "ledger", "export", "--form", form)
        assert exported.json == {"form": form, "journal": text.out} and "close:2025-01" in text.out

    paid = ("ledger", "pay", h.ADA, "0.01", "EUR", "--key", "t-1", "--date", "2025-02-05")
    text, booked = both(studio, *paid)
    assert "0.01 EUR paid to Ada Quill" in text.out and booked.json["paid_micros"] == 10_000
    assert type_well("ledger", "check", "-s", studio, "--json").json["journal_entries"] == 2, "a key is booked once"

    text, receipts = both(studio, "receipt", "list")
    count = 2 + closed.json["statements"]
    assert f"{count} receipts." in text.out and len({row["leaf_index"] for row in receipts.json}) == count
    names = [row["file"] for row in receipts.json]
    text, verdicts = both(studio, "verify", *names)
    assert f"{count} of {count} receipts verify." in text.out and all(row["verified"] for row in verdicts.json["receipts"])
    monkeypatch.chdir(tmp_path)
    key = (studio / "log" / "log.vkey").read_text().strip()
    assert type_well("verify", names[0], "--vkey", key).out.startswith("VERIFIED"), "no studio is needed"

    text, checked = both(studio, "check")
    assert text.out.endswith("\nEverything fits.\n") and checked.json["fits"] is True and len(checked.json["checked"]) == 13
    assert [line[:31] for line in text.out.split("\n")[:-2]] == ["The manifest of the corpus that"], "no gate was walked"

    commands = {name for name, command in leaves() if not hasattr(command, "commands")}
    elsewhere = {("demo",), ("credits",), ("estimate",), ("earnings",)}
    elsewhere |= {
        name
        for name in commands
        if name[0]
        in ("policy", "payout", "contracts", "units", "disputes", "holds", "rights", "log", "witness", "media", "rules")
        or name[0] in ("corpus", "likeness", "disclose", "trained-on", "export")
        or name[:2] in (("works", "import"), ("works", "sheet"), ("works", "fund"), ("works", "credits"))
    }
    elsewhere |= {("usage", name) for name in ("revenue", "refund", "rates", "held")}
    elsewhere |= {("period", name) for name in ("propose", "approve", "correct", "withdraw", "steps", "publish")}
    elsewhere |= {("audit", name) for name in ("output", "outputs", "period", "sample")}
    elsewhere |= {("receipt", name) for name in ("show", "line", "lines", "refresh", "export", "erase")}
    assert commands - walked == elsewhere - walked, "these have tests of their own"


def test_outputs_from_files_and_from_standard_input(tmp_path: Path, house: House) -> None:
    """A text file, JSON Lines with prompts, and a pipe each become outputs."""
    studio = house.copy(house.indexed, tmp_path / "studio")
    text, rows = tmp_path / "one.txt", tmp_path / "more.jsonl"
    text.write_text("lamp wick oil night")
    rows.write_text('{"output": "tide moon", "prompt": "the "}\n\n{"text": "salt road"}\n')

    found = type_well("attribute", text, rows, "-", "-s", studio, "--json", stdin=b"ring rosy").json
    prompted = type_well("attribute", text, "--prompt", "once", "-s", studio, "--json", "--top", "2").json

    assert [row["label"] for row in found] == [str(text), f"{rows} row 1", f"{rows} row 3", "-"]
    assert [row["output_bytes"] for row in found] == [19, 9, 9, 9]
    assert prompted[0]["output_id"] != found[0]["output_id"], "another prompt makes another output"
    assert type_well("attribute", text, "-s", studio, "--top", "1").out.count("more works") == 1


def test_rows_from_standard_input(tmp_path: Path, house: House) -> None:
    """A pipe of JSON Lines is rows, each an output of its own; a pipe of anything else is one text."""
    studio = house.copy(house.indexed, tmp_path / "studio")
    words = ("attribute", "-", "-s", studio, "--json")
    rows = b'{"output": "tide moon", "prompt": "the "}\n\n{"text": "salt road"}\n'

    found = type_well(*words, stdin=rows).json
    mixed = type_well(*words, stdin=rows + b"and a line of text").json
    other = type_well(*words, stdin=b'{"title": "no output"}').json

    assert [(row["label"], row["output_bytes"]) for row in found] == [("stdin row 1", 9), ("stdin row 3", 9)]
    assert [(row["label"], row["output_bytes"]) for row in mixed] == [("-", len(rows) + 18)]
    assert [row["label"] for row in other] == ["-"]
    for wrong, said in (
        (b'{"output": "a", "output": "b"}', "a key stands twice"),
        (b'{"output": "a", "x": ' + b"[" * 100_000, "not JSON"),
        (b'{"output": ""}', "no output text"),
    ):
        refused = type_in(*words[:-1], stdin=b'{"output": "tide moon"}\n' + wrong)
        assert refused.code == 2 and "stdin, row 2" in refused.err and said in refused.err, refused.err
    prompted = type_in(*words, "--prompt", "once", stdin=rows)
    assert prompted.code == 2 and "--prompt goes with" in prompted.err


def test_a_folder_of_texts_and_renamed_columns(tmp_path: Path) -> None:
    """Works come from a folder with options, and from a table with other names of columns."""
    studio, folder, table = tmp_path / "studio", tmp_path / "texts", tmp_path / "t.jsonl"
    folder.mkdir()
    (folder / "a.txt").write_text("salt road")
    table.write_text('{"name": "B", "author": ["Ben Marl"], "text": "lamp", "licence": "CC0-1.0"}\n')
    type_well("init", studio)

    type_well("works", "add", folder, "--creator", h.ADA, "--permission", "allow", "-s", studio)
    type_well("works", "add", table, "--column", "title=name", "--column", "creator=author", "-s", studio)

    listed = type_well("works", "list", "-s", studio, "--json").json
    assert sorted((row["people"][0], row["decision"]) for row in listed) == [(h.ADA, "allow"), (h.BEN, "allow")]


def test_the_studio_can_be_named_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ENDCREDITS_STUDIO and the present folder both name the studio."""
    type_well("init", tmp_path / "studio")
    monkeypatch.setenv("ENDCREDITS_STUDIO", str(tmp_path / "studio"))
    assert type_well("works", "list").out == "0 admitted, 0 refused.\n"

    monkeypatch.delenv("ENDCREDITS_STUDIO")
    monkeypatch.chdir(tmp_path / "studio")
    assert type_well("works", "list").out == "0 admitted, 0 refused.\n"


def _every() -> Iterator[tuple[str, ...]]:
    yield from (name for name, _ in leaves())


@pytest.mark.parametrize("name", list(_every()), ids=lambda name: " ".join(name) or "endcredits")
def test_every_command_and_group_says_what_it_does(name: tuple[str, ...]) -> None:
    """Help tells what it is for and gives an example that begins with the command itself."""
    command = dict(leaves())[name]

    said = type_well(*name, "--help")

    assert command.help and len(command.help.split("Example:")) == 2
    example = command.help.split("Example:")[1].strip()
    assert example.startswith(" ".join(["endcredits", *name]))
    assert "Example:" in said.out and said.err == ""


@pytest.mark.parametrize("program", ["import endcredits", "from endcredits.interfaces.cli.main import run; run()"])
def test_help_and_import_load_nothing_heavy(program: str) -> None:
    """Neither asking for help nor importing the package pays for torch or the database."""
    heavy = "torch transformers sqlalchemy alembic numpy pyarrow cryptography jinja2 rich"
    watched = (
        "import atexit, sys\n"
        "sys.argv[1:] = ['--help']\n"
        f"atexit.register(lambda: print('LOADED', sorted(set({heavy.split()!r}) & set(sys.modules)), file=sys.stderr))\n"
    )

    process = start(program=watched + program)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert err == "LOADED []\n"
    assert ("Usage:" in out) == ("run()" in program)


def test_version_and_no_arguments() -> None:
    """`endcredits` alone is help, `--version` is the version."""
    import endcredits

    assert type_well("--version").out.strip() == endcredits.__version__
    assert type_well().out.startswith("Usage: endcredits")
    assert type_in("works").code == 2 and "Usage: endcredits works" in type_in("works").err


def test_text_from_outside_cannot_move_the_cursor(tmp_path: Path) -> None:
    """A title with terminal commands in it is shown without them, and kept as it is."""
    studio, table = tmp_path / "studio", tmp_path / "t.jsonl"
    title = "Quiet\x1b[2J\x1b[31mRed"
    table.write_text(json.dumps({"title": title, "creator": "A", "text": "x", "permission": "allow"}) + "\n")
    type_well("init", studio)
    type_well("works", "add", table, "-s", studio)

    assert "\x1b" not in type_well("works", "list", "-s", studio).out
    assert type_well("works", "list", "-s", studio, "--json").json[0]["title"] == title


def test_a_statement_shows_what_holds_now(tmp_path: Path) -> None:
    """After recording, the answer about training is shown, with the verb that decided; a no can have an end."""
    studio = tmp_path / "studio"
    (tmp_path / "one.txt").write_text("words")
    type_well("init", studio)
    work = type_well(
        "works", "add", tmp_path / "one.txt", "--creator", "Ada", "--permission", "allow", "-s", studio, "--json"
    ).json["new"][0]

    def said(word: str, *more: str) -> tuple[str, ...]:
        return ("rights", word, work, "--reason", "so", "--by", "Ada", "-s", str(studio), *more)

    past = ("--from", "2025-01-01T00:00:00Z", "--to", "2025-02-01T00:00:00Z")
    ended = type_well(*said("deny", *past)).out
    assert "from 2025-01-01T00:00:00Z to 2025-02-01T00:00:00Z, says Ada." in ended and "Training on it now: allow" in ended
    narrowed = type_well(*said("grant", "--condition", "ask first", "--json")).json
    assert narrowed["training"]["value"] == "conditional"
    assert narrowed["training"]["reason"] == "so (it asks for ask first)"
    assert narrowed["statements"][0]["effective_to"] is None
    assert "Training on it now: deny (finetune: so)" in type_well(*said("deny", "--verb", "finetune")).out
    assert "refused: finetune: so" in type_well("works", "list", "-s", studio).out
    assert type_well("works", "list", "-s", studio, "--json").json[0]["verb"] == "finetune"
