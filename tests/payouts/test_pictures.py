"""Pictures hold every unit of the money, say it in words, and show outside words as words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ids import PartyId, WorkId
from endcredits.money import format_micros
from endcredits.payouts import Payee, WorkName
from endcredits.payouts.pictures import Colours, Earned, Flow, earnings_of, earnings_svg, flow_html, flow_svg, money_flow
from endcredits.payouts.pictures.svg import shortened, width_of
from endcredits.payouts.view import shown

from .makers import PAYEES, SPLITS, Closed, PoolSpec, closed, closes, earning, facts, issue, november, ordinary

SVG = "{http://www.w3.org/2000/svg}"


def flow_of(made: Closed, **more: int) -> Flow:
    """The flow of a close in euros."""
    return money_flow(made.close, made.lines, facts(made).works, PAYEES, "EUR", **more)


def earning_only(made: Closed) -> bool:
    """Whether a close has euros and no refunds."""
    return all(pool.kind != "refund" for pool in made.close.pools) and any(
        pool.currency == "EUR" for pool in made.close.pools
    )


@given(closes().filter(earning_only), st.integers(0, 3))
def test_what_flows_in_flows_out(made: Closed, named_max: int) -> None:
    """Through every place in between, and all revenue arrives somewhere."""
    flow = flow_of(made, named_max=named_max)

    ends = {node.key: node for node in flow.nodes}
    into = {key: sum(micros for _, end, micros in flow.links if end == key) for key in ends}
    out = {key: sum(micros for start, _, micros in flow.links if start == key) for key in ends}
    for node in flow.nodes:
        if node.column in (1, 2, 3) and node.kind in ("money", "other"):
            assert into[node.key] == out[node.key] == node.amount_micros
    revenue = sum(total.revenue_micros for total in made.close.totals if total.currency == "EUR")
    assert sum(node.amount_micros for node in flow.nodes if node.column == 0) == revenue
    assert sum(node.amount_micros for node in flow.nodes if not out[node.key]) == revenue
    assert flow.left_out == ()


@given(closes().filter(lambda made: any(pool.currency == "EUR" for pool in made.close.pools)))
def test_refunds_are_taken_off_or_named(made: Closed) -> None:
    """Drawn sums are above zero; what is below is said in words with its exact amount."""
    flow = flow_of(made)

    assert all(micros > 0 for _, _, micros in flow.links)
    text = ET.fromstring(flow_svg(flow)).find(f"{SVG}desc").text  # type: ignore[union-attr]
    assert all(format_micros(micros) in text for _, micros in flow.left_out)  # type: ignore[operator]


def test_an_ordinary_flow_by_hand() -> None:
    """Suspense, dispute, the fund and the operator have their own ends."""
    flow = flow_of(november())
    amounts = {node.label: node.amount_micros for node in flow.nodes}

    assert amounts["Revenue less refunds"] == 105_999_999
    assert amounts["The operator's part"] == 52_999_999
    assert amounts["Ada Lovelace"] == 27_175_000
    assert amounts["Held: disputed"] == 2_875_000
    assert (amounts["Suspense: payees unknown"], amounts["fund, direct"]) == (5_125_000, 2_650_000)
    assert {node.kind for node in flow.nodes if "Suspense" in node.label} == {"held"}


def test_many_works_and_people_stand_together() -> None:
    """The largest are named, the others counted."""
    works = {f"w{number}": (1, 100 - number) for number in range(40)}
    splits = {work: {(f"p{number}", "WORLD"): 1_000_000_000} for number, work in enumerate(works)}
    flow = flow_of(closed([PoolSpec(1_000_000_000, works, splits)]), named_max=5)

    labels = [node.label for node in flow.nodes]
    assert "35 other works" in labels and "36 other people" in labels
    assert len(flow.nodes) < 25


def test_no_money_in_a_currency_is_said() -> None:
    """Instead of an empty picture."""
    with pytest.raises(InputError, match="no money in CHF"):
        money_flow(november().close, november().lines, {}, {}, "CHF")


def flow_named(words: str) -> Flow:
    """A flow whose names are these words."""
    made = november()
    return money_flow(
        made.close,
        made.lines,
        {WorkId(name): WorkName(words) for name in SPLITS},
        {PartyId(name): Payee(words) for name in PAYEES},
        "EUR",
    )


@given(st.sampled_from(["<script>x</script>", '"/><b', "\u202eevil", "村上 春樹 " * 9, "محمود", "&amp;", "]]>"]) | st.text())
def test_hostile_names_stay_names(words: str) -> None:
    """The drawing stays the same, well-formed XML, and the words stand in it as texts."""
    svg = flow_svg(flow_named(words))

    root = ET.fromstring(svg)

    assert [one.tag for one in root.iter()] == [one.tag for one in ET.fromstring(flow_svg(flow_named("plain"))).iter()]
    if shown(words):
        assert shown(words) in root.find(f"{SVG}desc").text  # type: ignore[union-attr,operator]
    assert "<script>" not in flow_html(flow_named(words))


def test_pictures_have_words_and_need_nothing_from_elsewhere() -> None:
    """Title, description, ids that the picture refers to, colours as given; no address but the name of the format."""
    colours = Colours(bars=("#111111", "#222222", "#333333", "#444444", "#555555"))
    bars = [Earned("2026-10", 5, 0, False), Earned("2026-11", 7, -2, True)]
    for svg in (flow_svg(flow_of(november()), colours, prefix="a"), earnings_svg("Ada", bars, "EUR", colours, prefix="a")):
        root = ET.fromstring(svg)
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == "a-title a-desc"
        assert {"a-title", "a-desc"} <= {one.get("id") for one in root.iter()}
        assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text  # type: ignore[union-attr]
        assert svg.count("http") == 1 and "url(#a-" in svg and "#222222" in svg
        assert "<script" not in svg and "<image" not in svg


def test_the_page_holds_every_band_as_a_row() -> None:
    """A table for those who do not see the picture, and what is not drawn."""
    flow = flow_of(closed([PoolSpec(10, {"w1": (1, 1)}, SPLITS), PoolSpec(50, {"w1": (1, 1)}, SPLITS, "refund", "2026-10")]))
    page = flow_html(flow)

    assert flow.left_out and "Below zero, not drawn" in page
    assert flow_html(flow_of(november())).count("<tr><td>") == len(flow_of(november()).links)


def test_earnings_follow_the_statements() -> None:
    """By time; final instead of estimate, the last version instead of the first; one payee and one currency."""
    (november_one,) = issue(earning(9_000_000, 0))
    (october,) = issue(earning(4_000_000, 0, "2026-10"))
    (december,) = issue(earning(1_000_000, 0, "2026-12"))
    guess = replace(november_one, kind="estimate", summary=replace(november_one.summary, earned_micros=1))
    later = replace(december, kind="estimate")

    assert earnings_of([later, guess, november_one, october]) == (
        Earned("2026-10", 4_000_000, 0, False),
        Earned("2026-11", 9_000_000, 0, False),
        Earned("2026-12", 1_000_000, 0, True),
    )
    for wrong in ([], ordinary()):
        with pytest.raises(InputError, match="one payee"):
            earnings_of(wrong)


@given(st.lists(st.builds(Earned, st.just("2026-11"), *[st.integers(-(10**15), 10**15)] * 2, st.booleans()), max_size=6))
def test_bars_stay_inside_and_say_their_amounts(bars: list[Earned]) -> None:
    """Whatever the amounts; estimates are called so, and few round amounts stand at the side."""
    root = ET.fromstring(earnings_svg("Ada", bars, "EUR"))
    height = float(root.get("viewBox", "").split()[3])

    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("y", 0)) >= 0 and float(rect.get("y", 0)) + float(rect.get("height", 0)) <= height
    text = "".join(root.itertext())
    assert text.count("estimate") >= sum(bar.estimate for bar in bars)
    assert all(format_micros(bar.earned_micros) in text and format_micros(bar.adjustments_micros) in text for bar in bars)
    assert len(list(root.iter(f"{SVG}line"))) <= 8


@given(st.text(), st.integers(1, 40))
def test_labels_fit(words: str, cells: int) -> None:
    """Never wider than asked, and whole where there is room."""
    assert width_of(shortened(words, cells)) <= cells
    if width_of(shown(words)) <= cells:
        assert shortened(words, cells) == shown(words)
