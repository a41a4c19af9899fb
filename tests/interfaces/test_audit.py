"""`endcredits audit` on a terminal: as text, as JSON, and when something is missing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.flows.test_auditing import Audited, audited, template
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h

__all__ = ["audited", "template"]


def rows(place: Path) -> Path:
    """The house's outputs as JSON Lines."""
    path = place / "outputs.jsonl"
    path.write_text(
        "".join(json.dumps({"output": o.text.decode(), "prompt": o.prompt.decode()}) + "\n" for o in h.outputs())
    )
    return path


def test_output_and_period(audited: Audited, tmp_path: Path) -> None:
    """One output says uncalibrated, the period calibrates, and both say what they wrote."""
    texts, trainer = rows(tmp_path), ("--trainer", f"{audited.module}:trainer", "-s", audited.studio)
    said = h.prose(h.SALT, 60, seed=1)
    output_id = type_well("attribute", "--text", said, "-s", audited.studio, "--json").json[0]["output_id"]

    one = type_well("audit", "output", output_id, "--text", said, *trainer)
    many = type_well("audit", "outputs", h.JANUARY, texts, "--repeats", "1", *trainer)
    document = type_well("audit", "outputs", h.JANUARY, texts, "--json", *trainer).json

    assert f"Audit of {output_id}: 1 output, 8 training runs" in one.out
    assert f"{h.ADA}, {h.BEN}" in one.out and "The index is uncalibrated." in one.out
    assert "Payout error of the credited shares: 0." in one.out
    assert "Reliability of calibrated credits on outputs like these: unmeasured" in one.out
    assert "Reliability of calibrated credits on outputs like these: 0." in many.out
    assert "On 5 outputs of the base model, which owe the works nothing" in many.out
    assert "The index is calibrated (" in many.out and "Another order of the examples moves" in many.out
    assert document["subject"] == f"period:{h.JANUARY}" and len(document["outputs"]) == 5
    assert type_well("check", "-s", audited.studio).out.endswith("Everything fits.\n")
    assert Path(document["file"]).is_file() and len(document["calibration_digest"]) == 64


def test_what_is_missing_is_said(audited: Audited, tmp_path: Path) -> None:
    """Exit code 2 and a remedy, also as JSON."""
    texts = rows(tmp_path)

    nobody = type_in("audit", "outputs", h.JANUARY, texts, "-s", audited.studio)
    gone = type_in("audit", "output", "output:0", texts, "--trainer", "a:b", "-s", audited.studio, "--json")

    assert nobody.code == 2 and "no trainer is named" in nobody.err
    assert gone.code == 2 and json.loads(gone.err)["error"] == "NotFoundError"
