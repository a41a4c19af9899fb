"""XMP packets: every PLUS value, every form, wrong names, broken packets."""

from __future__ import annotations

import pytest

from endcredits.works.signals import read_xmp

from .media import PLUS, VOCABULARY, mining, packet
from .said import HERE, NO_TRAINING, YES_TRAINING, problems, said
from .test_rsl import BOMB

USES = ("tdm", "train", "finetune", "retrieve", "index")
ALL_NO = dict.fromkeys(USES, "deny")
MINING_NO = dict.fromkeys(("tdm", "train", "finetune"), "deny")
LATER = dict.fromkeys(USES, "conditional")


def read(text: str | bytes) -> tuple:
    return read_xmp(text.encode() if isinstance(text, str) else text, HERE, "here")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("DMI-UNSPECIFIED", {}),
        ("DMI-ALLOWED", dict.fromkeys(USES, "allow")),
        ("DMI-PROHIBITED", ALL_NO),
        ("DMI-PROHIBITED-AIMLTRAINING", NO_TRAINING),
        ("DMI-PROHIBITED-GENAIMLTRAINING", NO_TRAINING),
        ("DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", {**ALL_NO, "index": "allow"}),
        ("DMI-PROHIBITED-SEECONSTRAINT", LATER),
        ("DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR", LATER),
        ("DMI-PROHIBITED-SEELINKEDRIGHTSEXPR", LATER),
    ],
)
@pytest.mark.parametrize("form", ["element", "attribute", "bare", "resource", "list", "unwrapped", "https"])
def test_every_value_in_every_form(value: str, expected: dict[str, str], form: str) -> None:
    address = VOCABULARY + value
    packets = {
        "element": mining(value),
        "attribute": mining(value, attribute=True),
        "bare": packet(f"<plus:DataMining>{value}</plus:DataMining>"),
        "resource": packet(f'<plus:DataMining rdf:resource="{address}"/>'),
        "list": packet(f"<plus:DataMining><rdf:Bag><rdf:li>{address}</rdf:li></rdf:Bag></plus:DataMining>"),
        "unwrapped": packet(f"<plus:DataMining>\n {address} \n</plus:DataMining>", wrapped=False),
        "https": packet(f"<plus:DataMining>{address.replace('http:', 'https:')}</plus:DataMining>"),
    }
    signals = read(packets[form])

    assert said(signals) == expected and problems(signals) == []


@pytest.mark.parametrize(
    "value",
    [
        "DMI-PROHIBITTED",
        "dmi-allowed",
        "DMI-ALLOWED-BUT",
        "allowed",
        "",
        "https://evil.example/DMI-ALLOWED",
        "DMI_ALLOWED",
        "\u200bDMI-ALLOWED",
    ],
)
def test_unknown_values_are_findings_and_a_no(value: str) -> None:
    signals = read(packet(f"<plus:DataMining>{value}</plus:DataMining>"))

    assert said(signals) == ALL_NO and len(problems(signals)) == 1


def test_a_wrong_namespace_is_a_finding_and_a_no() -> None:
    for text in (mining("DMI-ALLOWED"), mining("DMI-ALLOWED", attribute=True)):
        signals = read(text.replace(PLUS, "http://example.org/plus/"))
        assert said(signals) == ALL_NO and "namespace" in problems(signals)[0]


def test_constraints_become_conditions() -> None:
    inside = f"<plus:DataMining>{VOCABULARY}DMI-PROHIBITED-SEECONSTRAINT</plus:DataMining>"
    signals = read(packet(inside + "<plus:OtherConstraints>ask Ada</plus:OtherConstraints>"))

    assert signals[0].conditions == ("constraints: ask Ada",)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<tdm:reservation>1</tdm:reservation>", MINING_NO),
        ("<tdm:reservation>0</tdm:reservation>", dict.fromkeys(MINING_NO, "allow")),
        (
            "<tdm:reservation>1</tdm:reservation><tdm:policy>https://p.example</tdm:policy>",
            dict.fromkeys(MINING_NO, "conditional"),
        ),
        ('<cc:license rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>', YES_TRAINING),
        ('<cc:license rdf:resource="http://creativecommons.org/licenses/by-nc-sa/2.0/uk/"/>', NO_TRAINING),
        ("<xmpRights:WebStatement>https://a.example/terms</xmpRights:WebStatement>", {}),
        (
            '<x xmlns="https://rslstandard.org/rsl"><rsl><content url="https://elsewhere.example/"><license>'
            '<prohibits type="usage">ai-train</prohibits></license></content></rsl></x>',
            NO_TRAINING,
        ),
    ],
)
def test_other_standards_in_xmp(inside: str, expected: dict[str, str]) -> None:
    assert said(read(packet(inside))) == expected and problems(read(packet(inside))) == []


def test_a_reservation_in_a_namespace_like_its_own_is_a_no() -> None:
    text = packet("<tdm:reservation>0</tdm:reservation>").replace("www.w3.org/ns/tdmrep/", "www.w3.org/ns/TDMRep#")

    assert said(read(text)) == MINING_NO and problems(read(text))


def test_contradictions_are_both_heard() -> None:
    both = (
        "<plus:DataMining><rdf:Bag><rdf:li>DMI-ALLOWED</rdf:li><rdf:li>DMI-PROHIBITED</rdf:li></rdf:Bag></plus:DataMining>"
    )

    assert said(read(packet(both))) == ALL_NO


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (mining("DMI-ALLOWED")[:-60], "deny"),
        ('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>', "unknown"),
        ("<a>&b;</a>", "unknown"),
        (BOMB.replace("rsl", "x"), "unknown"),
        ("<a " * 100_000, "unknown"),
        ("<a>" * 200_000 + "</a>" * 200_000, None),
    ],
)
def test_broken_packets(data: str, value: str | None) -> None:
    """One that speaks of a standard is a no; any other stands in the way of a yes."""
    assert said(read(data)).get("train") == value


def test_both_parsers_agree() -> None:
    """Packets without a document type take a faster parser; the guarded one reads the same."""
    for value in ("DMI-ALLOWED", "DMI-PROHIBITED", "x"):
        text = mining(value)
        guarded = '<?xml version="1.0" encoding="utf-8"?>' + text
        plain, slow = read(text), read(guarded)
        assert [(one.verb, one.value, one.raw, one.problem) for one in plain] == [
            (one.verb, one.value, one.raw, one.problem) for one in slow
        ]
        assert plain[0].raw_sha256 != slow[0].raw_sha256
