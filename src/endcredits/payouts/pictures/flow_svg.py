"""The money flow as SVG and as a page: bands whose widths are amounts, from left to right.

The layout is small and always the same: every column is stacked from the top in the order of the flow, one scale for
all, and bands leave and arrive in the order of where they go. Heights are the only floats; amounts stay integers and
are written beside the bars.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from endcredits.money import format_micros
from endcredits.payouts.pictures.flow import COLUMNS, Flow, Node
from endcredits.payouts.pictures.svg import FONT, Colours, escaped, number, short, shortened, tag

WIDTH, TOP, BOTTOM, LEFT, RIGHT = 1200, 64, 24, 16, 250
BAR, GAP, TEXT, BARS = 13, 17, 12, 380
LABEL_CELLS, LAST_LABEL_CELLS = 20, 26
KINDS = {"other": "plain", "commons": "dots", "held": "hatch", "kept": "cross"}


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    height: float


def flow_svg(flow: Flow, colours: Colours | None = None, *, prefix: str = "flow") -> str:
    """A flow as one SVG element.

    Args:
        flow: what to draw.
        colours: sober ones if left out.
        prefix: of the ids inside, for pages with several pictures.
    """
    chosen = colours or Colours()
    columns: dict[int, list[Node]] = defaultdict(list)
    for node in flow.nodes:
        columns[node.column].append(node)
    scale = _scale(columns)
    boxes = _boxes(columns, scale)
    height = max((box.y + box.height for box in boxes.values()), default=TOP) + BOTTOM
    parts = [
        tag("title", {"id": f"{prefix}-title"}, escaped(flow.title)),
        tag("desc", {"id": f"{prefix}-desc"}, escaped(describe(flow))),
        tag("defs", {}, _patterns(prefix, chosen)),
        tag("rect", {"width": WIDTH, "height": number(height), "fill": chosen.paper}),
    ]
    for column in sorted(columns):
        where = {"x": number(_x(column)), "y": TOP - 34, "font-size": 13, "font-weight": 700, "fill": chosen.faint}
        parts.append(tag("text", where, COLUMNS[column]))
    parts += _bands(flow, boxes, scale, chosen)
    parts += [_bar(node, boxes[node.key], prefix, chosen) for node in flow.nodes]
    parts += [_label(node, boxes[node.key], flow.currency, chosen) for node in flow.nodes]
    values = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {WIDTH} {number(height)}",
        "role": "img",
        "aria-labelledby": f"{prefix}-title {prefix}-desc",
        "font-family": FONT,
        "font-size": TEXT,
    }
    return tag("svg", values, "".join(parts))


def describe(flow: Flow) -> str:
    """The flow in words: every column with its largest sums."""
    said = []
    for column, name in enumerate(COLUMNS):
        of = [node for node in flow.nodes if node.column == column]
        if of:
            listed = ", ".join(f"{node.label} {format_micros(node.amount_micros, flow.currency)}" for node in of)
            said.append(f"{name}: {listed}.")
    said += [f"Not drawn, because it is below zero: {name} {format_micros(micros)}." for name, micros in flow.left_out]
    return " ".join(said)


def flow_html(flow: Flow, colours: Colours | None = None) -> str:
    """A page with the picture and every band of it as a table, self-contained; made to be printed."""
    chosen = colours or Colours()
    labels = {node.key: node.label for node in flow.nodes}
    rows = "".join(
        f"<tr><td><bdi>{escaped(labels[start])}</bdi></td><td><bdi>{escaped(labels[end])}</bdi></td>"
        f'<td class="number">{format_micros(micros)}</td></tr>'
        for start, end, micros in flow.links
    )
    below = "".join(
        f"<li><bdi>{escaped(name)}</bdi>: {format_micros(micros, flow.currency)}</li>" for name, micros in flow.left_out
    )
    left_out = f"<h2>Below zero, not drawn</h2><ul>{below}</ul>" if below else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escaped(flow.title)}</title>
<style>
  @page {{ size: A4 landscape; margin: 12mm; }}
  body {{ margin: 0 auto; padding: 1.5rem; max-width: 78rem; background: {chosen.paper}; color: {chosen.ink};
         font: 15px/1.5 {FONT}; }}
  h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
  svg {{ width: 100%; height: auto; }}
  .picture {{ overflow-x: auto; }} .picture svg {{ min-width: 46rem; }}
  table {{ border-collapse: collapse; width: 100%; max-width: 54rem; }}
  th, td {{ text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #d8d8d8; overflow-wrap: anywhere; }}
  thead {{ display: table-header-group; }} tr {{ break-inside: avoid; }}
  .number {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
  @media print {{ body {{ padding: 0; max-width: none; }} .picture {{ overflow: visible; break-after: page; }} }}
</style>
</head>
<body>
<main>
<h1>{escaped(flow.title)}, in {flow.currency}</h1>
<div class="picture">{flow_svg(flow, chosen)}</div>
<h2>The same in numbers</h2>
<table>
<thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col" class="number">{flow.currency}</th></tr></thead>
<tbody>{rows}</tbody>
</table>
{left_out}
</main>
</body>
</html>
"""


def _x(column: int) -> float:
    return LEFT + column * (WIDTH - LEFT - RIGHT - BAR) / (len(COLUMNS) - 1)


def _scale(columns: dict[int, list[Node]]) -> float:
    """Height of a micro: the column with the largest sum gets this much for its bars, however many there are."""
    largest = max((sum(node.amount_micros for node in nodes) for nodes in columns.values()), default=0)
    return BARS / max(largest, 1)


def _boxes(columns: dict[int, list[Node]], scale: float) -> dict[str, _Box]:
    boxes = {}
    for column, nodes in columns.items():
        y = float(TOP)
        for node in nodes:
            height = max(node.amount_micros * scale, 1.5)
            boxes[node.key] = _Box(_x(column), y, height)
            y += height + GAP
    return boxes


def _bands(flow: Flow, boxes: dict[str, _Box], scale: float, colours: Colours) -> list[str]:
    kind = {node.key: node for node in flow.nodes}
    leaves = {key: box.y for key, box in boxes.items()}
    arrives = dict(leaves)
    ends: dict[tuple[str, str], tuple[float, float]] = {}
    for start, end, micros in sorted(flow.links, key=lambda link: (boxes[link[0]].y, boxes[link[1]].y)):
        ends[start, end] = leaves[start], 0.0
        leaves[start] += micros * scale
    for start, end, micros in sorted(flow.links, key=lambda link: (boxes[link[1]].y, boxes[link[0]].x, boxes[link[0]].y)):
        ends[start, end] = ends[start, end][0], arrives[end]
        arrives[end] += micros * scale
    drawn = []
    for start, end, micros in flow.links:
        (from_y, to_y), width = ends[start, end], max(micros * scale, 0.6)
        left, right = boxes[start].x + BAR, boxes[end].x
        middle = (left + right) / 2
        there = _curve(left, from_y, middle, right, to_y)
        back = _curve(right, to_y + width, middle, left, from_y + width)
        path = f"M{there}L{back}Z"
        words = f"{kind[start].label} to {kind[end].label}: {format_micros(micros, flow.currency)}"
        fill = _colour(kind[end], colours)
        drawn.append(tag("path", {"d": path, "fill": fill, "fill-opacity": 0.28}, tag("title", {}, escaped(words))))
    return drawn


def _curve(x: float, y: float, middle: float, end_x: float, end_y: float) -> str:
    """From one point to another, leaving and arriving level."""
    first, second = f"{number(x)} {number(y)}", f"{number(middle)} {number(y)} {number(middle)} {number(end_y)}"
    return f"{first}C{second} {number(end_x)} {number(end_y)}"


def _colour(node: Node, colours: Colours) -> str:
    if node.kind in ("commons", "kept"):
        return colours.commons
    return colours.held if node.kind == "held" else colours.bars[node.column % len(colours.bars)]


def _bar(node: Node, box: _Box, prefix: str, colours: Colours) -> str:
    where = {"x": number(box.x), "y": number(box.y), "width": BAR, "height": number(box.height)}
    bar = tag("rect", {**where, "fill": _colour(node, colours)})
    pattern = KINDS.get(node.kind, "plain")
    return bar if pattern == "plain" else bar + tag("rect", {**where, "fill": f"url(#{prefix}-{pattern})"})


def _label(node: Node, box: _Box, currency: str, colours: Colours) -> str:
    # A halo in the colour of the paper keeps the words readable over the bands; isolates keep names from turning amounts.
    halo = {"stroke": colours.paper, "stroke-width": 3.5, "stroke-linejoin": "round", "paint-order": "stroke"}
    where = {"x": number(box.x + BAR + 6), "y": number(box.y + min(box.height / 2, 60) + TEXT * 0.35), "fill": colours.ink}
    last = node.column == len(COLUMNS) - 1
    name = escaped(shortened(node.label, LAST_LABEL_CELLS if last else LABEL_CELLS))
    amount = tag("tspan", {"fill": colours.faint}, f" {short(format_micros(node.amount_micros))}")
    words = tag("title", {}, escaped(f"{node.label}: {format_micros(node.amount_micros, currency)}"))
    return tag("text", {**where, **halo}, f"\u2068{name}\u2069{amount}{words}")


def _patterns(prefix: str, colours: Colours) -> str:
    """Marks that tell special bars apart without colour."""
    line = {"stroke": colours.paper, "stroke-width": 1.6}
    marks = {
        "hatch": tag("path", {"d": "M-1 1L1 -1M0 6L6 0M5 7L7 5", **line}),
        "cross": tag("path", {"d": "M0 0L6 6M6 0L0 6", **line}),
        "dots": tag("circle", {"cx": 3, "cy": 3, "r": 1.4, "fill": colours.paper}),
    }
    size = {"width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
    return "".join(tag("pattern", {"id": f"{prefix}-{name}", **size}, mark) for name, mark in marks.items())
