"""PDF by real libraries: the document's metadata stream, its parts, encryption."""

from __future__ import annotations

from pathlib import Path

import pytest

from endcredits.works.signals import read_work

from .media import mining, packet, pdf
from .said import HERE, problems, said

RESERVED = dict.fromkeys(("tdm", "train", "finetune"), "deny")
TDM = "<tdm:reservation>{}</tdm:reservation>"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("value", "expected"), [("1", RESERVED), ("0", dict.fromkeys(RESERVED, "allow"))])
def test_the_metadata_of_a_document(tmp_path: Path, packed: bool, value: str, expected: dict[str, str]) -> None:
    signals = read_work(pdf(tmp_path, packet(TDM.format(value)), packed=packed), HERE).signals

    assert said(signals) == expected and problems(signals) == []
    assert {one.standard for one in signals} == {"TDMRep"} and signals[0].place.startswith("metadata stream")


def test_a_document_without_says_nothing(tmp_path: Path) -> None:
    reading = read_work(pdf(tmp_path, None), HERE)

    assert reading.media_type == "application/pdf" and reading.signals == ()


def test_what_a_picture_inside_says_is_no_yes_for_the_document(tmp_path: Path) -> None:
    """A second stream that the catalogue does not name."""
    document = pdf(tmp_path, packet())
    for value, expected in (("DMI-ALLOWED", {}), ("DMI-PROHIBITED", "deny")):
        part = b"90 0 obj\n<< /Type /Metadata /Subtype /XML >>\nstream\n" + mining(value).encode() + b"\nendstream\nendobj\n"
        found = said(read_work(document + part + b"%%EOF", HERE).signals)
        assert found == {} if expected == {} else found["train"] == "deny"


def test_what_a_former_version_refused_stays_refused(tmp_path: Path) -> None:
    first = pdf(tmp_path, packet(TDM.format(1)))
    second = pdf(tmp_path, packet(TDM.format(0)))

    assert said(read_work(second + first, HERE).signals) == RESERVED


def test_broken_encrypted_and_cut_documents(tmp_path: Path) -> None:
    yes = pdf(tmp_path, packet(TDM.format(0)), packed=True)

    for data, words in (
        (yes[: yes.rindex(b"%%EOF") - 5].replace(b"%%EOF", b"%%eof"), "cut short"),
        (yes.replace(b"/Root", b"/Encrypt 9 0 R /Root"), "encrypted"),
        (yes.replace(b"x\x9c", b"xx"), "broken"),
    ):
        signals = read_work(data, HERE).signals
        assert said(signals)["train"] == "unknown" and words in " ".join(problems(signals)), words


def test_a_document_of_another_maker() -> None:
    """typst writes its own metadata stream; nothing in it is about use, and reading it is no trouble."""
    typst = pytest.importorskip("typst")
    data = typst.compile(b"= Title\nText")

    assert read_work(data, HERE).signals == ()
