"""Our quick reader of schemas says what the slow library says, of sound files and of broken ones."""

from __future__ import annotations

import functools
import random
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import sepaxml
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.payouts.rails.pain001 import NAMESPACE, write
from endcredits.payouts.rails.safe_xml import parse_xml
from endcredits.payouts.rails.sample import sample_order
from endcredits.payouts.rails.xsd import _check, _fits, load_schema, problems

FOLDER = Path(sepaxml.__file__).parent / "schemas"
PATH = FOLDER / "pain.001.001.09.xsd"
SCHEMA = load_schema(PATH)
SOUND = write(sample_order(3)).data


@functools.cache
def slow() -> Any:
    """The library's own reading of the schema."""
    return xmlschema.XMLSchema(str(PATH))


def quick_and_slow(root: ET.Element) -> tuple[bool, bool]:
    """The two verdicts on a document."""
    ET.register_namespace("", NAMESPACE)
    text = ET.tostring(root, encoding="unicode")
    return not problems(parse_xml(text.encode()), SCHEMA), slow().is_valid(text)


def test_a_schema_is_understood_whole_or_refused() -> None:
    """A kind of text that we cannot test does not pass as one that fits."""
    assert load_schema(FOLDER / "pain.001.001.03.xsd").roots == {"Document": "Document"}
    with pytest.raises(ValueError, match="gYear"):
        load_schema(FOLDER / "pain.001.001.11.xsd")


def test_a_sound_file_passes_both() -> None:
    """And the second pass, which names places, finds nothing either."""
    root = parse_xml(SOUND)
    found: list[str] = []
    _check(root, SCHEMA.types["Document"], SCHEMA, len(NAMESPACE) + 2, ["Document"], found)

    assert quick_and_slow(root) == (True, True)
    assert found == []


TEXTS = (
    "",
    " ",
    "x",
    "10.001",
    "-1",
    "1e5",
    "1" * 36,
    "x" * 141,
    "EUR",
    "2026-02-30",
    "2026-12-03",
    "true",
    "\n12.5\n",
    "+5.",
    ".5",
)
NAMES = (
    "MsgId",
    "Nm",
    "Amt",
    "Strd",
    "InstdAmt",
    "Nope",
    "Ustrd",
    "BICFI",
    "LEI",
    "PstlAdr",
    "Ctry",
    "CtgyPurp",
    "Cd",
    "Purp",
)


def damage(root: ET.Element, chance: random.Random) -> None:
    """Changes a document in one place: a text, a name, an attribute, or an element more, less or exchanged."""
    parents = [element for element in root.iter() if len(element)]
    if not parents:
        return
    parent = chance.choice(parents)
    child = chance.choice(list(parent))
    kind = chance.randrange(9)
    if kind == 0:
        child.text = chance.choice(TEXTS)
    elif kind == 1:
        parent.remove(child)
    elif kind == 2:
        parent.insert(chance.randrange(len(parent) + 1), child)
    elif kind == 3:
        child.tag = f"{{{NAMESPACE}}}{chance.choice(NAMES)}"
    elif kind == 4:
        child.set(chance.choice(["Ccy", "x"]), chance.choice(["EUR", "EURO", ""]))
    elif kind == 5:
        child.tail = chance.choice([" ", "ink", "\n"])
    elif kind == 6:
        element = ET.SubElement(parent, f"{{{NAMESPACE}}}{chance.choice(NAMES)}")
        element.text = chance.choice(TEXTS)
    elif kind == 7:
        child.attrib.clear()
    else:
        child.tag = chance.choice(["Nm", "{urn:other}Nm"])


@settings(max_examples=150)
@given(st.integers(0, 10**9), st.integers(1, 2))
def test_broken_files_get_the_same_verdict(seed: int, times: int) -> None:
    """Whatever was changed."""
    chance = random.Random(seed)
    root = parse_xml(SOUND)
    for _ in range(times):
        damage(root, chance)

    quick, slow_verdict = quick_and_slow(root)

    assert quick == slow_verdict


@settings(max_examples=100)
@given(st.sampled_from(sorted(name for name, kind in SCHEMA.types.items() if kind.text)), st.text(max_size=40))
def test_sure_texts_are_sound(name: str, text: str) -> None:
    """What the quick test of a text lets pass, the one that names problems lets pass."""
    kind = SCHEMA.types[name].text
    assert kind is not None
    if kind.sure.fullmatch(text):
        assert kind.problem(text) == ""


def test_a_problem_is_named_with_its_place() -> None:
    """So that a person finds it."""
    root = parse_xml(SOUND.replace(b"<Nm>Ada Lovelace 1</Nm>", b"<Nm></Nm>"))
    (problem,) = problems(root, SCHEMA)

    assert problem.startswith("Document/CstmrCdtTrfInitn[1]/PmtInf[2]/CdtTrfTxInf[13]/Cdtr[4]/Nm[1]")
    assert not _fits(root, SCHEMA.types["Document"], SCHEMA)


BOMB = '<?xml version="1.0"{0}?><!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Document>&b;</Document>'


@pytest.mark.parametrize(
    "data",
    [
        BOMB.format("").encode(),
        BOMB.format("")[21:].encode(),
        BOMB.format("").encode("utf-16"),
        BOMB.format(' encoding="latin-1"').encode("latin-1"),
        b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><d/>',
        b"\xef\xbb\xbf<!DOCTYPE d><d/>",
    ],
)
def test_document_types_and_entities_are_refused(data: bytes) -> None:
    """In any encoding."""
    with pytest.raises(InputError, match="document type"):
        parse_xml(data)


@pytest.mark.parametrize("data", [b"", SOUND[:900], SOUND[:-5], b"<a>\xff</a>", b"<a/><b/>", b"<a>&x;</a>", b"\x00"])
def test_a_file_that_was_cut_off_is_refused(data: bytes) -> None:
    """Or that is no XML."""
    with pytest.raises(InputError, match="not whole XML") as caught:
        parse_xml(data, file="bank.xml")

    assert caught.value.file == "bank.xml"
