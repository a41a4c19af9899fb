"""The README inside an archive: every file in plain words, and how to check it without asking anybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from endcredits.works import Party

FILES = (
    ("party.json", "who you are here: your name, your id, your numbers (ISNI, ORCID, IPI)"),
    (
        "works/works.json",
        "your works: titles, numbers, files with their SHA-256 and addresses, who is\n"
        "credited and how it reads, your part by right, place and day, and the ids of all\n"
        "statements about them",
    ),
    ("works/works.csv", "the same list for a spreadsheet"),
    ("works/splits.csv", "your part in each work, in billionths (own_ppb), and what all others have together"),
    ("works/sheets.json", "split sheets that name you: your line, how the others are credited, your yes"),
    ("works/funds.json", "funds that pay you, and your portion"),
    ("works/units.json", "your time and salary units as one of a crew"),
    (
        "terms/statements.json",
        "everything ever said about your works, their files, their addresses and you: what\n"
        "may be done (verb and value), who said it, where it was read, from when to when,\n"
        "and what closed it",
    ),
    ("terms/statements.csv", "the same for a spreadsheet"),
    ("terms/proofs/", "for each statement that is yours or the world's: that and when it was recorded"),
    (
        "offers/",
        "what is in force, as the web's standards say it, to put on your own site;\n"
        "offers/about.json says what goes where, and what each form cannot say",
    ),
    (
        "likeness/likeness.json",
        "your likeness: digests of references, signed grants as they were handed in, and\nwhat was taken back",
    ),
    ("likeness/uses.json, .csv", "every counted use of your likeness"),
    (
        "likeness/rows.json",
        "what the log's entries about your likeness stand for: the SHA-256 of each 'row' is\nthe row_sha256 of its proof",
    ),
    ("likeness/proofs/", "that and when each of these rows was recorded"),
    (
        "history/outputs.json, .csv",
        "every output of a model that credited you with a share: work, share in billionths,\n"
        "credit in billionths of a nat with its standard error. Works without a share in an\n"
        "output are not listed",
    ),
    ("history/receipts/", "the proof of each of these lines"),
    (
        "history/trained-on.json",
        "which models learnt from which of your works, since when (logged_at), and by which\nstatement",
    ),
    ("history/proofs/", "what the log says of each of these models"),
    ("money/statements/", "your statements of money as they were issued: .json to the byte, .tsv as a table"),
    ("money/statements.json, .csv", "a list of them with their sums, in millionths of the currency (micros)"),
    ("money/receipts/", "the proof of each statement, and its number among yours, so that a missing one shows"),
    ("money/contracts.json", "your contracts: advances, reserves, guarantees"),
    ("money/balances.json", "what is owed to you now"),
    ("money/disputes.json", "disputes about your works; the words of others' claims are theirs and not here"),
    ("files/", "files of works that credit you, named after their SHA-256; only when asked for"),
    ("left-out.json", "what is missing here, and why"),
    ("log.vkey", "public key of the log that signed this; compare it with what the operator publishes"),
    ("manifest.json", "SHA-256 and length of every file here"),
    ("manifest.note", "the signature over manifest.json"),
)
"""What each file is, in the order of the walk."""


def readme(party: Party, origin: str, names: Iterable[str]) -> str:
    """The text, always the same for the same archive."""
    there = set(names) | {"manifest.json", "manifest.note"}
    listed = "\n".join(_line(name, words) for name, words in FILES if _is_there(name, there))
    return f"""EVERYTHING THAT IS KEPT ABOUT {one_line(party.name)}

Party    {party.party_id}
Log      {origin}

All of it is plain text: JSON, CSV and tab-separated tables in UTF-8. No program of ours is needed to read it. Amounts of
money are whole millionths (micros), parts are whole billionths (ppb), times are UTC. In tables a text that a spreadsheet
would take for a formula is led by an apostrophe.

WHAT IS HERE
{listed}

HOW TO CHECK IT
1. That nothing was changed, with endcredits, which needs nothing but this file:
     endcredits export --check FILE.zip --vkey KEY
   KEY is the log's public key. Take it from the operator's site or a contract, and not from this archive.
2. The same without endcredits: unpack it, compare the SHA-256 of each file with manifest.json (sha256sum or shasum -a 256),
   and that of manifest.json with the third line of manifest.note. The note's signature is Ed25519 over its text up to
   and including the newline before the empty line (C2SP signed-note).
3. Each proof (in the folders named proofs and receipts) by itself, with one file of Python and the package cryptography:
     python verify.py money/receipts/*.json --vkey log.vkey
   verify.py is endcredits/receipts/verify.py of the open source; docs/verify.md there tells every format.

WHAT A PROOF SHOWS, AND WHAT NOT
It shows that the operator committed to exactly these words when the log was as long as it says, and has not changed them
since. It does not show that what was measured is right; for that see docs/audit.md of endcredits.

WHO ELSE IS IN IT
People who made works with you appear as the credit reads on the screen. Their numbers, parts, money, contracts and bank
details are theirs and are not here; neither are yours of the bank. What another party said about a work of yours stands
here without their words and price ("withheld"). Statements of money show what a work or a pool earned as a whole where they
did so when they were issued to you.
"""


def _is_there(name: str, there: set[str]) -> bool:
    path = name.partition(",")[0]
    return path in there or (path.endswith("/") and any(one.startswith(path) for one in there))


def _line(name: str, words: str) -> str:
    first, *more = words.split("\n")
    return "\n".join([f"  {name:<28} {first}", *(f"{'':<31}{line}" for line in more)])


def one_line(text: str) -> str:
    """A name without line breaks and other characters that cannot be seen."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def offers_readme(about: Sequence[dict[str, object]]) -> dict[str, object]:
    """What `offers/about.json` says of its neighbours."""
    return {
        "note": "Texts of what is in force; make them anew at 'until', or after a statement: endcredits rights offer.",
        "texts": list(about),
    }
