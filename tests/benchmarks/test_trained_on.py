"""The benchmark of "was I trained on?" asks a real studio, at a size that takes seconds."""

from __future__ import annotations

from pathlib import Path

from benchmarks.trained_on import make, measure, texts
from endcredits.flows.studio import open_studio
from endcredits.flows.trained_on import trained_on
from endcredits.flows.trained_on_records import Question


def test_every_figure_is_there() -> None:
    found = measure(works=60, size=1_500, outputs=2, runs=1)
    figures = {one.name: one.value for one in found["figures"]}
    asked = ("exact_file", "copy_with_other_layout", "passage", "name", "work", "unknown_file")
    assert {f"{name}_cpu_s" for name in asked} <= set(figures)
    assert {"first_file_cpu_s", "read_and_hash_cpu_s", "unknown_file_to_reading"} <= set(figures)
    assert found["facts"]["works"] == 60 and found["facts"]["peak_mb"] > 0


def test_the_studio_that_is_asked_is_a_real_one(tmp_path: Path) -> None:
    """Every work is in the model's list under its own statement, and every output names every work."""
    make(tmp_path / "studio", 20, 800, 3).close()
    studio = open_studio(tmp_path / "studio")
    try:
        (answer,) = trained_on(studio, [Question("work", "work:000007")])
        (found,) = answer.works
        assert answer.answer == "yes" and answer.searched.works == 20 and answer.searched.unread == ()
        assert found.trained[0].statement is not None and found.trained[0].statement.subject == "work:000007"
        assert found.credited is not None and found.credited.measured == 3
        assert len(set(texts(20, 800))) == 20 and {len(text) for text in texts(3, 800)} == {800}
    finally:
        studio.close()
