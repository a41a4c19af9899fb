"""The benchmark of the gate changes files for real, and counts what the gate would miss."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gate.likeness import PICTURES, TEXTS, false_alarms, made_pictures, made_texts, missed
from benchmarks.gate.rerun import rerun


def test_what_is_found() -> None:
    pictures, texts = made_pictures(4, side=96), made_texts(4)

    assert false_alarms("picture", pictures) == false_alarms("text", texts) == (6, 0)
    assert false_alarms("text", [texts[0], texts[0], texts[1]]) == (3, 1), "two alike are counted once"
    of_pictures, of_texts = missed("picture", pictures), missed("text", texts)
    assert set(of_pictures) == set(PICTURES) and set(of_texts) == set(TEXTS)
    assert of_pictures["JPEG 90"] == of_pictures["saved as PNG again"] == of_texts["UTF-16"] == of_texts["a web page"] == 0
    assert of_pictures["mirrored"] == 4 and of_texts["20 % of words others"] > 0, "and it says what the gate does not find"


def test_what_it_costs(tmp_path: Path) -> None:
    figures = {one.name: one for one in rerun(tmp_path, 12, 2)}

    assert "12 were read" in figures["first time"].beside
    assert figures["again, unchanged"].beside == "0 files read" and figures["again, unchanged"].runs == 2
    assert figures["again, one file changed"].beside == "1 file read"
