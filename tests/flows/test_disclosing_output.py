"""The disclosure of an output: what was signed goes before what is declared, and signing embeds what is declared."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from endcredits.canonical import sha256_bytes
from endcredits.errors import InputError, NotFoundError
from endcredits.flows import crediting_media
from endcredits.flows.crediting_media import Wishes
from endcredits.flows.disclosing_output import disclose_output, disclosure_for_signing, statements
from endcredits.flows.studio import Studio, open_studio
from endcredits.receipts.credentials import disclosure_of, read_disclosure
from endcredits.works.disclosure import Document, Facts, parse_facts, rendered
from tests.flows.used import build_attributed, output_of
from tests.receipts.credentials import files
from tests.story import house as h
from tests.story.house import House

DAY = "2026-11-20"
WHOLE: dict[str, Any] = {
    "provider": "Story House",
    "model": "Quill",
    "model_version": "2",
    "output": {
        "kind": "modified",
        "parts": ["the second verse"],
        "visible_label": {"text": "Written with a machine", "lang": "en", "placement": "below the title"},
        "watermark": {"algo": "none", "none_reason": "the text is too short"},
        "deepfake": False,
        "public_interest_text": True,
        "human_editor_id": "editor:7",
        "exceptions": ["satirical", "human editorial control"],
        "detector_url": "https://story.example/detect",
        "system_market_date": "2026-09-01",
        "marks_stripped": False,
        "monthly_users": 900,
        "platform_users": 0,
    },
}


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    opened = open_studio(house.copy(build_attributed(house), tmp_path / "studio"))
    yield opened
    opened.close()


def said(document: Document) -> dict[str, tuple[tuple[str, ...], str]]:
    return {line.field: (line.texts, line.origin) for section in document.sections for line in section.lines}


def missing(document: Document) -> set[str]:
    return {one.field for one in document.missing}


def test_what_is_declared_of_an_output_without_credentials(studio: Studio) -> None:
    output = output_of(studio, h.SALT)
    document = disclose_output(studio, output.output_id, parse_facts(WHOLE), on=DAY)
    lines = said(document)
    assert lines["output_sha256"] == ((output.output_sha256,), "counted")
    assert lines["kind"] == (("modified",), "declared")
    assert lines["digital_source_type"][0][0].endswith("compositeWithTrainedAlgorithmicMedia")
    assert lines["visible_label.text"] == (("Written with a machine",), "declared")
    assert lines["human_editor_id"] == (("editor:7",), "declared")
    assert lines["exceptions"] == (("art", "other"), "declared")
    assert lines["watermark.none_reason"] == (("the text is too short",), "declared")
    assert lines["c2pa.state"] == (("none",), "counted")
    assert {"c2pa.state", "c2pa.manifest_sha256", "watermark.algo"} <= missing(document)
    assert not {"provider", "kind", "monthly_users"} & missing(document)
    assert document.standing.index_digest and document.standing.log_size > 0
    assert rendered(document, ".json") == rendered(
        disclose_output(studio, output.output_id, parse_facts(WHOLE), on=DAY), ".json"
    )


def test_without_facts_nothing_is_made_up(studio: Studio) -> None:
    """No kind, no system, no "no deepfake": a default would be somebody's word that nobody gave."""
    document = disclose_output(studio, output_of(studio, h.SALT).output_id, Facts({}), on=DAY)
    assert set(document.record) == {"output_sha256", "time", "unique_id", "c2pa"}
    assert {"kind", "provider", "system", "version", "deepfake", "public_interest_text"} <= missing(document)
    partly = parse_facts({"output": {"kind": "generated"}})
    document = disclose_output(studio, output_of(studio, h.SALT).output_id, partly, on=DAY)
    assert {"kind", "digital_source_type"} < set(document.record) and "deepfake" not in document.record
    assert "watermark" not in document.record and "parts" not in document.record


def test_what_is_signed_is_what_was_declared_and_goes_before_later_facts(studio: Studio, tmp_path: Path) -> None:
    """The facts become the file that signing embeds; afterwards the log says what was disclosed."""
    output = output_of(studio, h.SALT)
    facts = parse_facts(WHOLE)
    stated = tmp_path / "disclosure.toml"
    stated.write_bytes(disclosure_for_signing(facts, {}))
    assert read_disclosure(stated, {}) == disclosure_of(statements(facts))
    text = next(one.text for one in h.outputs() if sha256_bytes(one.text) == output.output_sha256)
    file = files.put(tmp_path, "poem.txt", text)
    made = crediting_media.sign(studio, file, output.output_id, files.signer(), wishes=Wishes(disclosure=stated))
    document = disclose_output(studio, output.output_id, parse_facts({"model": "Another"}), on=DAY)
    lines = said(document)
    assert lines["c2pa.state"] == (("signed",), "counted")
    assert lines["c2pa.manifest_sha256"] == ((made.manifest_sha256,), "counted")
    assert lines["c2pa.time_stamped"] == (("no",), "counted") and "c2pa.time_stamped" in missing(document)
    assert lines["system"] == (("Quill",), "counted") and lines["kind"] == (("modified",), "counted")
    assert lines["unique_id"][0] == (made.disclosure_id.removeprefix("disclosure:"),)
    assert lines["visible_label.placement"] == (("below the title",), "counted")
    assert lines["watermark.algo"] == (("none",), "counted")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"deepfake": True, "visible_label": None}, "output.visible_label"),
        ({"exceptions": ["because"]}, "output.exceptions"),
        ({"visible_label": {"text": "x", "lang": "English!", "placement": "y"}}, "output.visible_label"),
        ({"watermark": {"algo": "mark", "none_reason": "none either"}}, "output.watermark"),
    ],
)
def test_what_cannot_be_signed_is_refused_by_its_name(studio: Studio, changes: dict[str, Any], field: str) -> None:
    own = {key: value for key, value in {**WHOLE["output"], **changes}.items() if value is not None}
    if "visible_label" in changes and changes["visible_label"] is None:
        own.pop("exceptions")
    facts = parse_facts({**WHOLE, "output": own})
    for doing in (
        lambda: disclosure_for_signing(facts, {}),
        lambda: disclose_output(studio, output_of(studio, h.SALT).output_id, facts, on=DAY),
    ):
        with pytest.raises(InputError) as told:
            doing()
        assert told.value.field == field


def test_hostile_words_are_texts_of_the_file_for_signing() -> None:
    words = 'x"]\nkind = "assisted" # \\ \x7f'
    facts = parse_facts({**WHOLE, "provider": 'He said "no" \\ # é \U0001f600'})
    assert tomllib.loads(disclosure_for_signing(facts, {}).decode())["provider"] == 'He said "no" \\ # é \U0001f600'
    with pytest.raises(InputError, match="printable"):
        disclosure_for_signing(parse_facts({**WHOLE, "provider": words}), {})


def test_an_output_without_a_receipt(studio: Studio) -> None:
    with pytest.raises(NotFoundError, match="no receipt"):
        disclose_output(studio, "output:none", Facts({}), on=DAY)
    with pytest.raises(InputError, match="day"):
        disclose_output(studio, output_of(studio, h.SALT).output_id, Facts({}), on="soon")
