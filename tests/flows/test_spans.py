"""Spans explain a recorded attribution: they add up to it, name who moved what, and are of the attributed text alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import endcredits
from endcredits.attribution import NANO
from endcredits.canonical import sha256_bytes
from endcredits.errors import InputError, NotFoundError
from endcredits.flows.api import IndexHandle
from endcredits.flows.credit_view import UNKNOWN, CreditView
from endcredits.flows.spans import CreditSpan, Leader, TextSpans, by_creator, find_output, leaders, strip_levels
from endcredits.ids import WorkId
from tests.story import house as h
from tests.story.house import House

TEXT = " ".join(h.prose(name, 70, seed=1) for name in (h.SALT, h.TIDE, h.RHYME)).encode()
PROMPT = b"once upon a "


@pytest.fixture(scope="module")
def index(house: House, tmp_path_factory: pytest.TempPathFactory) -> IndexHandle:
    """The index of a studio of this module."""
    h.use_one_thread()
    return endcredits.open(house.copy(house.indexed, tmp_path_factory.mktemp("spans") / "studio")).index()


@pytest.fixture(scope="module")
def view(index: IndexHandle) -> CreditView:
    """A text of three works with its spans."""
    return index.attribute(TEXT, PROMPT).with_spans(index.opened, TEXT, PROMPT)


def test_spans_add_up_to_the_recorded_credits(view: CreditView) -> None:
    """Work by work and in the log-ratio; together they are the text."""
    spans = view.spans
    assert spans is not None and 4 <= len(spans.spans) <= 16
    assert b"".join(span.text for span in spans.spans) == TEXT
    for line in view.attribution.lines:
        assert sum(spans.of_work(line.work_id)) == pytest.approx(line.credit_nanonats / NANO, abs=1e-3)
    measured = view.attribution.log_ratio_nanonats / NANO
    assert sum(span.log_ratio_nats for span in spans.spans) == pytest.approx(measured, abs=1e-3)
    document = view.as_dict()
    assert sum(row["bytes"] for row in document["spans"]) == len(TEXT) and document["calibration"] is None
    assert document["spans"][0]["credit_nanonats"][h.SALT] == round(spans.spans[0].credit_nats[0] * NANO) or (
        spans.work_ids[0] != h.SALT
    )


def test_each_part_is_led_by_who_wrote_its_words(view: CreditView) -> None:
    """The first part is in Ada's words and the last in nobody's named; creators divide a work by its splits."""
    assert view.spans is not None
    leading = leaders(view.spans, view.portions())
    assert leading[0].name in {h.ADA, h.BEN} and leading[-1].name == UNKNOWN, "the first is the Salt Road, which two made"
    assert h.CLEO in {leader.name for leader in leading}
    assert view.portions()[h.SALT] == {h.ADA: 0.6, h.BEN: 0.4} and view.portions()[h.RHYME] == {UNKNOWN: 1.0}
    credits = by_creator(view.spans, view.portions())
    assert credits[h.ADA][0] == pytest.approx(0.6 * view.spans.of_work(h.SALT)[0])
    totals = [sum(values) for values in credits.values()]
    assert totals == sorted(totals, reverse=True)
    assert sum(totals) == pytest.approx(view.attribution.credit_sum_nanonats / NANO, abs=1e-3)


def test_who_leads_is_clearer_than_its_error() -> None:
    """Worked out by hand: errors of a creator's works add in quadrature, and what is within them is nobody's."""
    works = (WorkId("a"), WorkId("b"), WorkId("c"))
    spans = TextSpans(
        works,
        (
            CreditSpan(b"one", 1, 3.0, (2.0, 2.0, -1.0), (3.0, 4.0, 0.1)),
            CreditSpan(b"two", 1, 3.0, (3.0, 3.0, 0.0), (3.0, 4.0, 0.1)),
            CreditSpan(b"three", 1, -1.0, (-1.0, 0.0, -2.0), (0.0, 0.0, 0.0)),
        ),
    )
    portions = {"a": {"X": 1.0}, "b": {"X": 1.0}, "c": {"Y": 0.5, "Z": 0.5}}
    assert leaders(spans, portions) == (Leader("", 0.0, 0.0), Leader("X", 6.0, 5.0), Leader("", 0.0, 0.0))
    assert by_creator(spans, portions) == {"X": (4.0, 6.0, -1.0), "Y": (-0.5, 0.0, -1.0), "Z": (-0.5, 0.0, -1.0)}
    assert spans.of_work("c") == (-1.0, 0.0, -2.0) and strip_levels(()) == ()
    assert strip_levels((0.0, 0.0)) == (0, 0)
    with pytest.raises(NotFoundError, match="no work 'd'"):
        spans.of_work("d")


def test_another_text_prompt_or_index_is_refused(index: IndexHandle, view: CreditView) -> None:
    """The studio keeps digests only, and they must match; a line break that an editor added is named."""
    plain = replace(view, spans=None)
    with pytest.raises(InputError, match=r"not the text of output:.*: its digest is another"):
        plain.with_spans(index.opened, TEXT + b"!", PROMPT)
    with pytest.raises(InputError, match=r"not the text of output:.* but for the line break at its end"):
        plain.with_spans(index.opened, TEXT + b"\n", PROMPT)
    with pytest.raises(InputError, match="not the prompt of output:"):
        plain.with_spans(index.opened, TEXT)
    other = replace(plain, attribution=replace(plain.attribution, index_digest=sha256_bytes(b"other")))
    with pytest.raises(NotFoundError, match="by another index"):
        other.with_spans(index.opened, TEXT, PROMPT)
    curves = replace(index.opened, pair=object())
    with pytest.raises(InputError, match="not texts of tokens"):
        plain.with_spans(curves, TEXT, PROMPT)
    with pytest.raises(InputError, match="were not measured"):
        plain.heat_strip(h.SALT)


def test_an_output_is_found_by_its_id(index: IndexHandle, view: CreditView, tmp_path: Path) -> None:
    """And one that was never attributed is not."""
    assert find_output(index.studio, view.attribution.output_id) == view.attribution
    with pytest.raises(NotFoundError, match="no output 'output:none'"):
        find_output(index.studio, "output:none")
