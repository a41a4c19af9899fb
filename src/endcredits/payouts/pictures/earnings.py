"""A payee's earnings over time: one bar a period, adjustments beside what was earned, estimates told apart by their look.

A bar is what a period earned; what came later for earlier periods (late usage, refunds) stands on top of it or hangs
below zero. An estimate is hatched, has a dashed edge, and is called so; no sum in the picture mixes the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.money import format_micros
from endcredits.payouts.pictures.svg import FONT, Colours, escaped, number, short, shortened, tag
from endcredits.payouts.records import ESTIMATE, Statement

HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 340, 96, 20, 40, 62
STEP = 74
"""Width of a period."""
TICKS = 5


@dataclass(frozen=True, slots=True)
class Earned:
    """What a period earned.

    Attributes:
        period_id: such as "2026-11".
        earned_micros: of its own usage.
        adjustments_micros: of earlier periods' usage; may be negative.
        estimate: whether it is not final.
    """

    period_id: str
    earned_micros: int
    adjustments_micros: int
    estimate: bool


def earnings_of(statements: Iterable[Statement]) -> tuple[Earned, ...]:
    """One payee's statements in one currency as bars, by time; of several versions the last one counts.

    Raises:
        InputError: they are of different payees or currencies, or there are none.
    """
    last: dict[tuple[str, str], Statement] = {}
    about = set()
    for one in statements:
        about.add((one.party_id, one.currency))
        key = one.ends_on, one.period_id
        standing = last.get(key)
        # What is final takes the place of an estimate, and a later version that of an earlier one.
        if standing is None or (one.kind != ESTIMATE, one.version) > (standing.kind != ESTIMATE, standing.version):
            last[key] = one
    if len(about) != 1:
        raise InputError("a picture of earnings is of one payee and one currency", remedy="Choose one of each.")
    return tuple(
        Earned(one.period_id, one.summary.earned_micros, one.summary.adjustments_micros, one.kind == ESTIMATE)
        for _, one in sorted(last.items())
    )


def earnings_svg(
    title: str, bars: Sequence[Earned], currency: str, colours: Colours | None = None, *, prefix: str = "earnings"
) -> str:
    """Earnings over time as one SVG element.

    Args:
        title: of the picture.
        bars: by time.
        currency: ISO 4217 code.
        colours: sober ones if left out.
        prefix: of the ids inside.
    """
    chosen = colours or Colours()
    ticks = _ticks(bars)
    width = LEFT + max(len(bars), 1) * STEP + RIGHT
    width = max(width, 420)

    def y(micros: int) -> float:
        low, high = ticks[0], ticks[-1]
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - micros) / max(high - low, 1)

    parts = [
        tag("title", {"id": f"{prefix}-title"}, escaped(title)),
        tag("desc", {"id": f"{prefix}-desc"}, escaped(describe(bars, currency))),
        tag("defs", {}, _hatch(prefix, chosen)),
        tag("rect", {"width": width, "height": HEIGHT, "fill": chosen.paper}),
        tag("text", {"x": LEFT, "y": 18, "font-size": 13, "font-weight": 700, "fill": chosen.ink}, escaped(title)),
    ]
    for tick in ticks:
        line = {"x1": LEFT, "x2": width - RIGHT, "y1": number(y(tick)), "y2": number(y(tick))}
        edge = {"stroke": chosen.ink if tick == 0 else "#d8d8d8", "stroke-width": 1}
        parts.append(tag("line", {**line, **edge}))
        where = {"x": LEFT - 8, "y": number(y(tick) + 4), "text-anchor": "end", "fill": chosen.faint}
        parts.append(tag("text", where, format_micros(tick)))
    parts.append(tag("text", {"x": LEFT - 8, "y": TOP - 14, "text-anchor": "end", "fill": chosen.faint}, escaped(currency)))
    if any(bar.adjustments_micros for bar in bars):
        sign = {
            "x": width - RIGHT - 186,
            "y": 9,
            "width": 11,
            "height": 11,
            "fill": chosen.bars[-1],
            "stroke": chosen.bars[0],
        }
        words = {"x": width - RIGHT, "y": 18, "text-anchor": "end", "fill": chosen.faint}
        parts += [tag("rect", sign), tag("text", words, "adjustments to earlier periods")]
    for place, bar in enumerate(bars):
        parts.append(_bar(bar, LEFT + place * STEP, y, prefix, currency, chosen))
    values = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {width} {HEIGHT}",
        "role": "img",
        "aria-labelledby": f"{prefix}-title {prefix}-desc",
        "font-family": FONT,
        "font-size": 11,
    }
    return tag("svg", values, "".join(parts))


def describe(bars: Sequence[Earned], currency: str) -> str:
    """The picture in words."""
    said = [
        f"{bar.period_id}{' (estimate)' if bar.estimate else ''}: earned {format_micros(bar.earned_micros, currency)}, "
        f"adjustments {format_micros(bar.adjustments_micros, currency)}."
        for bar in bars
    ]
    return " ".join(said) or "No period."


def _ticks(bars: Sequence[Earned]) -> list[int]:
    """Round amounts from below the lowest bar to above the highest; zero is one of them."""
    high = max([0, *(max(0, bar.earned_micros) + max(0, bar.adjustments_micros) for bar in bars)])
    low = min([0, *(min(0, bar.earned_micros) + min(0, bar.adjustments_micros) for bar in bars)])
    step, nice = 1, (2, 5, 10)
    tries = 0
    while (high - low) / step > TICKS:
        tries, step = tries + 1, 10 ** (tries // 3) * nice[tries % 3]
    return [step * number for number in range(low // step, -(-high // step) + 1)]


def _bar(bar: Earned, x: float, y: object, prefix: str, currency: str, colours: Colours) -> str:
    assert callable(y)
    words = f"{bar.period_id}{', estimate' if bar.estimate else ''}: {format_micros(bar.earned_micros, currency)}"
    if bar.adjustments_micros:
        words += f", adjustments {format_micros(bar.adjustments_micros, currency)}"
    edge = {"stroke": colours.bars[0], "stroke-width": 1.2}
    if bar.estimate:
        look: dict[str, object] = {"fill": f"url(#{prefix}-hatch)", **edge, "stroke-dasharray": "4 3"}
    else:
        look = {"fill": colours.bars[1], **edge}
    beside = {"fill": colours.bars[-1], **edge, **({"stroke-dasharray": "4 3"} if bar.estimate else {})}
    drawn = [tag("title", {}, escaped(words))]
    above = below = 0
    for micros, of in ((bar.earned_micros, look), (bar.adjustments_micros, beside)):
        start = above if micros > 0 else below
        top, bottom = y(max(start, start + micros)), y(min(start, start + micros))
        if micros:
            place = {"x": number(x + 14), "y": number(top), "width": STEP - 28, "height": number(max(bottom - top, 0.8))}
            drawn.append(tag("rect", {**place, **of}))
        above, below = (start + micros, below) if micros > 0 else (above, start + micros)
    middle = number(x + STEP / 2)
    net = format_micros(bar.earned_micros + bar.adjustments_micros)
    # A sum of money that takes no more room than its bar has; the exact one is in the words.
    drawn.append(
        tag("text", {"x": middle, "y": number(y(above) - 5), "text-anchor": "middle", "fill": colours.ink}, short(net))
    )
    foot = {"x": middle, "text-anchor": "middle", "fill": colours.faint}
    drawn.append(tag("text", {**foot, "y": HEIGHT - BOTTOM + 30}, escaped(shortened(bar.period_id, 12))))
    if bar.estimate:
        drawn.append(tag("text", {**foot, "y": HEIGHT - BOTTOM + 44, "font-style": "italic"}, "estimate"))
    return tag("g", {}, "".join(drawn))


def _hatch(prefix: str, colours: Colours) -> str:
    mark = tag("path", {"d": "M-1 1L1 -1M0 6L6 0M5 7L7 5", "stroke": colours.bars[1], "stroke-width": 1.4})
    return tag("pattern", {"id": f"{prefix}-hatch", "width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}, mark)
