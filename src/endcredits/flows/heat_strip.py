"""Which part of a text one work moved, as a strip: a bar for every span, as wide as the span and as high as its credit.

Bars that made the text likelier stand on the line in blue, those that made it less likely hang below it in orange. Height
is nats per token, so that a long span is not taller for its length, and a bar's area is its credit.
"""

from __future__ import annotations

from endcredits.flows.palette import AGAINST_COLOUR, FOR_COLOUR, attributes, escaped, readable
from endcredits.flows.spans import TextSpans

WIDTH, HEIGHT, MARGIN = 700.0, 64.0, 8.0
NUMBER_WIDTH = 16.0
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#333}.line{stroke:#888}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.line{stroke:#999}}"
)


def strip_svg(spans: TextSpans, work_id: str, title: str) -> str:
    """A picture of its own, readable on a light and on a dark page.

    Args:
        spans: measured parts of a text.
        work_id: the work.
        title: what it is called.

    Raises:
        NotFoundError: the index has no such work.
    """
    values = spans.of_work(work_id)
    total = f"{sum(values):+.3f} nats in {len(values)} parts"
    inner = bars(spans, work_id, WIDTH - 2 * MARGIN, HEIGHT)
    numbers = "".join(
        f'<text x="{MARGIN + middle:.1f}" y="{30 + HEIGHT + 16:.1f}" text-anchor="middle">{number}</text>'
        for number, middle in _middles(spans, WIDTH - 2 * MARGIN)
    )
    height = 30 + HEIGHT + 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" role="img">'
        f"<title>{escaped(title)}: which part of the text it moved, {total}</title><style>{_STYLE}</style>"
        f'<text x="{MARGIN}" y="18">{escaped(title)}</text>'
        f'<text x="{WIDTH - MARGIN}" y="18" text-anchor="end">{total}</text>'
        f'<g transform="translate({MARGIN} 30)">{inner}</g>{numbers}</svg>\n'
    )


def bars(spans: TextSpans, work_id: str, width: float, height: float) -> str:
    """The bars alone in a box of that width and height; the line lies where bars up and down fill it together."""
    values = spans.of_work(work_id)
    rates = [value / span.tokens for value, span in zip(values, spans.spans, strict=True)]
    up, down = max(0.0, *rates), max(0.0, *(-rate for rate in rates))
    scale = height / ((up + down) or 1.0)
    line = up * scale if up or down else height
    per_token = width / sum(span.tokens for span in spans.spans)
    drawn, x = [], 0.0
    for number, (span, value, rate) in enumerate(zip(spans.spans, values, rates, strict=True), 1):
        wide = per_token * span.tokens
        shape = {
            "class": "for" if value >= 0 else "against",
            "x": f"{x:.2f}",
            "y": f"{line - max(rate, 0.0) * scale:.2f}",
            "width": f"{max(wide - 1, 0.5):.2f}",
            "height": f"{abs(rate) * scale:.2f}",
            "fill": FOR_COLOUR if value >= 0 else AGAINST_COLOUR,
        }
        label = f"{number}. {value:+.3f} nats: {readable(span.text).strip()[:80]}"
        drawn.append(f"<rect{attributes(shape)}><title>{escaped(label)}</title></rect>")
        x += wide
    return "".join(drawn) + f'<line class="line" x1="0" x2="{width:.1f}" y1="{line:.2f}" y2="{line:.2f}"/>'


def _middles(spans: TextSpans, width: float) -> list[tuple[int, float]]:
    """The number of each span and where its middle is; a span narrower than its number goes without."""
    whole, before, found = sum(span.tokens for span in spans.spans), 0, []
    for number, span in enumerate(spans.spans, 1):
        if width * span.tokens / whole >= NUMBER_WIDTH:
            found.append((number, width * (before + span.tokens / 2) / whole))
        before += span.tokens
    return found
