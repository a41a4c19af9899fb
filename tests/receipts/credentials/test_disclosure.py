"""What is disclosed is checked for meaning, since nothing else checks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import c2pa
import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.receipts.credentials import disclosure_of, read_disclosure
from endcredits.receipts.credentials.disclosure import COMPOSITE, GENERATED, SOURCE_TYPES
from tests.receipts.credentials import files

LABEL = {"text": "Made by a machine", "lang": "en", "placement": "first line"}


def test_the_least_that_is_disclosed() -> None:
    made = disclosure_of(files.SAID)
    assert (made.kind, made.digital_source_type) == ("generated", GENERATED)
    assert made.watermark.reason and not made.watermark.algo


def test_the_source_type_follows_the_kind() -> None:
    assert disclosure_of({**files.SAID, "kind": "modified"}).digital_source_type == COMPOSITE


def test_the_libraries_own_source_types_are_known() -> None:
    """Every type that the signing library can name is one of ours."""
    ours = {one.rpartition("/")[2].casefold() for one in SOURCE_TYPES}
    assert {one.name.replace("_", "").casefold() for one in c2pa.C2paDigitalSourceType} <= ours


def test_everything_that_can_be_stated(tmp_path: Path) -> None:
    path = files.put(
        tmp_path,
        "said.toml",
        b"""provider = "Studio"
kind = "modified"
parts = ["voice"]
deepfake = true
human_editor_id = "editor-1"
exceptions = ["satirical"]
visible_label = {text = "AI", lang = "pt-BR", placement = "corner"}
watermark = {algo = "example", version = "2", strength = "high", detect_url = "https://w.example"}
""",
    )
    made = read_disclosure(path, files.SAID)
    assert (made.provider, made.system, made.parts) == ("Studio", "tiny", ("voice",))
    assert made.watermark.algo == "example" and made.visible_label is not None and made.visible_label.lang == "pt-BR"
    assert (made.deepfake, made.human_editor_id, made.exceptions) == (True, "editor-1", ("satirical",))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "bogus type": ({"digital_source_type": "http://cv.iptc.org/newscodes/digitalsourcetype/bogus"}, "digital_source_type"),
    "a camera's type": ({"digital_source_type": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"}, "digital"),
    "another kind's": ({"kind": "modified", "digital_source_type": GENERATED}, "digital_source_type"),
    "no type": ({"digital_source_type": 7}, "digital_source_type"),
    "kind": ({"kind": "dreamt"}, "kind"),
    "key": ({"colour": "red"}, "colour"),
    "provider": ({"provider": " "}, "provider"),
    "system": ({"system": 5}, "system"),
    "control": ({"version": "1\x1b[2J"}, "version"),
    "long": ({"version": "1" * 301}, "version"),
    "parts": ({"parts": "voice"}, "parts"),
    "flag": ({"deepfake": "yes"}, "deepfake"),
    "no mark, no reason": ({"watermark": {}}, "watermark"),
    "mark and reason": ({"watermark": {"algo": "x", "reason": "y"}}, "watermark"),
    "mark": ({"watermark": "x"}, "watermark"),
    "label": ({"visible_label": {"text": "AI"}}, "visible_label"),
    "language": ({"visible_label": {**LABEL, "lang": "klingon!"}}, "visible_label"),
    "unlabelled deepfake": ({"deepfake": True}, "visible_label"),
    "unlabelled news": ({"public_interest_text": True}, "visible_label"),
    "exception": ({"exceptions": ["because"]}, "exceptions"),
    "editor": ({"human_editor_id": "Ada Quill"}, "human_editor_id"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_what_cannot_be_names_its_field(case: str) -> None:
    stated, field = WRONG[case]
    with pytest.raises(InputError) as told:
        disclosure_of({**files.SAID, **stated})
    assert told.value.field is not None and told.value.field.startswith(field)


def test_a_label_or_an_exception_is_enough() -> None:
    assert disclosure_of({**files.SAID, "deepfake": True, "visible_label": LABEL}).deepfake
    assert disclosure_of({**files.SAID, "public_interest_text": True, "exceptions": ["human editorial control"]})


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_disclosure(tmp_path / "none.toml", files.SAID)
    for data in (b"kind = ", b"\xff\xfe"):
        with pytest.raises(InputError, match="cannot be read"):
            read_disclosure(files.put(tmp_path, "bad.toml", data), files.SAID)
    with pytest.raises(InputError, match=r"said\.toml, field 'kind'"):
        read_disclosure(files.put(tmp_path, "said.toml", b'kind = "dreamt"'), files.SAID)
