"""EPUB 2 and 3 as real archives, and archives that want to do harm."""

from __future__ import annotations

import pytest

from endcredits.works.signals import read_work
from endcredits.works.signals.epub import MEMBER_BYTES_MAX

from .media import CONTAINER, epub, opf
from .said import HERE, NO_TRAINING, YES_TRAINING, problems, said
from .test_rsl import BOMB

RESERVED = dict.fromkeys(("tdm", "train", "finetune"), "deny")


@pytest.mark.parametrize(
    ("metadata", "version", "expected"),
    [
        ('<meta name="tdm:reservation" content="1"/>', "2.0", RESERVED),
        ('<meta property="tdm:reservation">1</meta>', "3.0", RESERVED),
        ('<meta property="tdm:reservation"> 0 </meta>', "3.0", dict.fromkeys(RESERVED, "allow")),
        (
            '<meta property="tdm:reservation">1</meta><meta property="tdm:policy">https://p.example</meta>',
            "3.0",
            dict.fromkeys(RESERVED, "conditional"),
        ),
        ("<dc:rights>https://creativecommons.org/licenses/by-nc/4.0/</dc:rights>", "3.0", NO_TRAINING),
        ('<link rel="cc:license" href="https://creativecommons.org/licenses/by/4.0/"/>', "3.0", YES_TRAINING),
        ("<dc:rights>All that is ours</dc:rights>", "3.0", {}),
        ("", "3.0", {}),
    ],
)
def test_package_documents(metadata: str, version: str, expected: dict[str, str]) -> None:
    reading = read_work(epub(opf(metadata, version)), HERE, name="book.epub")

    assert said(reading.signals) == expected and problems(reading.signals) == []
    assert reading.media_type == "application/epub+zip"


@pytest.mark.parametrize(
    "metadata",
    [
        '<meta property="tdm:reservation">2</meta>',
        '<meta property="tdm-reservation">0</meta>',
        '<meta name="TDM:Reservation" content="0"/>',
        '<meta property="tdm:reservation">0</meta><meta property="tdm:reservation">yes</meta>',
    ],
)
def test_wrong_words_are_findings_and_a_no(metadata: str) -> None:
    signals = read_work(epub(opf(metadata)), HERE).signals

    assert said(signals) == RESERVED and len(problems(signals)) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (epub(opf("") + " " * (MEMBER_BYTES_MAX + 1)), "unpacks to"),
        (epub(opf(""), CONTAINER + " " * (MEMBER_BYTES_MAX + 1)), "unpacks to"),
        (epub(BOMB), "entities"),
        (epub(opf(""), BOMB), "entities"),
        (epub("<package"), "well-formed"),
        (epub(opf(""), "<container/>"), "no package document"),
        (epub(opf(""), CONTAINER.replace("book.opf", "other.opf")), "other.opf"),
        (epub(opf(""), CONTAINER.replace("OPS/book.opf", "../../etc/passwd")), "passwd"),
        (epub(opf(""))[:-30], "zip"),
        (epub(opf(""))[:200], ""),
    ],
)
def test_archives_that_cannot_be_read_stand_in_the_way(data: bytes, words: str) -> None:
    signals = read_work(data, HERE, name="book.epub").signals

    assert said(signals)["train"] == "unknown" and words in problems(signals)[0]


def test_a_size_that_lies_is_counted_too() -> None:
    """The archive's directory says 10 bytes; the member goes on."""
    data = epub(opf("") + " " * (MEMBER_BYTES_MAX + 1))
    size = len(opf("")) + MEMBER_BYTES_MAX + 1
    lying = data.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))

    assert lying != data
    assert said(read_work(lying, HERE).signals)["train"] == "unknown"


def test_two_renditions_both_count() -> None:
    two = CONTAINER.replace("</rootfiles>", '<rootfile full-path="OPS/b.opf"/></rootfiles>')
    data = epub(
        opf('<meta property="tdm:reservation">0</meta>'),
        two,
        **{"OPS/b.opf": opf('<meta property="tdm:reservation">1</meta>').encode()},
    )

    assert said(read_work(data, HERE).signals) == RESERVED
