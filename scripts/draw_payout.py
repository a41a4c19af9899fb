"""Draws what `python -m benchmarks.payout --json > RESULT.json` measured.

    python scripts/draw_payout.py RESULT.json > docs/img/payout.svg

Above, payout error by method, the best first: how much of an output's money would go to other people than retraining says.
Below, the same against what a method costs once, in CPU seconds. Plain SVG from the standard library, 700 pixels wide; it
follows the reader's light or dark theme. Ours are told from the others by colour and by bold names.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

OURS, EQUAL, YARDSTICK = "endcredits", "equal", "ek-fac at the final model"
GENERATED, HUMAN = "generated", "human"
WIDTH, RIGHT, TOP, ROW = 700.0, 652.0, 96.0, 26.0
LETTER, BOLD_LETTER, LEFT_MOST = 7.0, 7.9, 310.0
"""How wide a letter of a name is, and how much room names get at most; longer ones are drawn narrower."""
COST_HEIGHT, COST_LEFT, COST_RIGHT = 190.0, 60.0, 660.0
STYLE = """
text{font:13px system-ui,"Helvetica Neue",Arial,sans-serif;fill:#24292f}
.title{font-size:16px;font-weight:600}.small{font-size:11.5px;fill:#57606a}.ours{font-weight:700}
.over{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
.generated{fill:#8c959f}.human{fill:#c8ced5}.generated.own{fill:#0072b2}.human.own{fill:#7db8dc}
.floor{stroke:#c2410c;stroke-width:1.5;stroke-dasharray:5 3}.floor.of-human{stroke-dasharray:1.5 3}.equal{stroke:#57606a}
.axis{stroke:#8c959f}.grid{stroke:#d8dee4}.floor-name{fill:#c2410c}
circle.generated{stroke:#fff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9da7b1}.generated{fill:#7d8590}.human{fill:#474f58}
.generated.own{fill:#56b4e9}.human.own{fill:#2f6a92}.floor{stroke:#ff9d5c}.floor-name{fill:#ff9d5c}.grid{stroke:#30363d}
.equal{stroke:#9da7b1}circle.generated{stroke:#0d1117}.over{stroke:#0d1117}}
"""


@dataclass(frozen=True, slots=True)
class Method:
    """One method's bars.

    Attributes:
        name: as in the result.
        errors: payout error per output by kind, 0 to 1; a kind that was not measured is left out.
        seconds_once: CPU seconds before the first output can be attributed; None where none was stated.
    """

    name: str
    errors: Mapping[str, float]
    seconds_once: float | None

    @property
    def own(self) -> bool:
        """Whether it is ours."""
        return self.name.startswith(OURS)


def methods(document: Mapping[str, Any]) -> list[Method]:
    """The methods of a result, the lowest error on generated outputs first; those without it last."""
    errors: dict[str, dict[str, float]] = {}
    seconds: dict[str, float | None] = {}
    for row in document["rows"]:
        if row["tv_output"] is not None:
            errors.setdefault(row["method"], {})[row["kind"]] = float(row["tv_output"])
            seconds[row["method"]] = row.get("seconds_once")
    found = [Method(name, of_kind, seconds[name]) for name, of_kind in errors.items()]
    return sorted(found, key=lambda one: (one.errors.get(GENERATED, math.inf), one.errors.get(HUMAN, math.inf), one.name))


def draw(document: Mapping[str, Any]) -> str:
    """The picture.

    Raises:
        KeyError: the document is not a result of the bench, or has no row.
    """
    rows = methods(document)
    if not rows:
        raise KeyError("rows")
    floors = {kind: float(floor["tv_output"]) for kind, floor in document["floor"].items()}
    largest = max([*floors.values(), *(error for row in rows for error in row.errors.values())], default=1.0) or 1.0
    left = min(LEFT_MOST, 24 + max(map(_wide, rows)))
    scale = (RIGHT - left) / largest
    bottom = TOP + ROW * len(rows)
    costly = [row for row in rows if row.seconds_once and GENERATED in row.errors]
    height = bottom + 36 + (COST_HEIGHT + 92 if len(costly) > 1 else 0)
    parts = [
        *_head(document),
        *_bars(rows, left, scale),
        *_lines(rows, floors, (left, scale), bottom),
        *_numbers(rows, left, scale),
    ]
    if len(costly) > 1:
        parts += _costs(costly, floors, bottom + 86)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" '
        f'height="{height:.0f}" role="img"><title>Payout error by method</title><style>{STYLE}</style>'
        + "\n".join(parts)
        + "</svg>\n"
    )


def _head(document: Mapping[str, Any]) -> list[str]:
    counts = ", ".join(f"{number} {kind}" for kind, number in document.get("outputs", {}).items())
    said = "part of an output's money that goes to other creators than retraining shows"
    return [
        _text(12, 24, "Payout error by method (lower is better)", "title"),
        _text(12, 44, said + (f"; {counts} outputs" if counts else ""), "small"),
        f'<rect class="generated own" x="12" y="56" width="14" height="10"/><rect class="generated" x="28" y="56" '
        f'width="14" height="10"/>{_text(48, 66, "generated outputs: ours, others", "small")}',
        f'<rect class="human own" x="240" y="58" width="14" height="6"/><rect class="human" x="256" y="58" '
        f'width="14" height="6"/>{_text(276, 66, "human-written", "small")}',
    ]


def _label(row: Method) -> str:
    return row.name + (" (yardstick)" if row.name == YARDSTICK else "")


def _wide(row: Method) -> float:
    """About how many pixels a method's label takes."""
    return (BOLD_LETTER if row.own else LETTER) * len(_label(row))


def _bars(rows: Sequence[Method], left: float, scale: float) -> list[str]:
    """Two bars a method, the generated one above, and its name."""
    drawn = []
    for number, row in enumerate(rows):
        y = TOP + ROW * number
        own = " own" if row.own else ""
        squeeze = left - 20 if _wide(row) > left - 20 else 0.0
        drawn.append(_text(left - 8, y + 15, _label(row), "ours" if row.own else "", "end", squeeze))
        for kind, top, tall in ((GENERATED, 4, 11), (HUMAN, 16, 5)):
            if kind in row.errors:
                hint = f"{row.name}, {kind}: {row.errors[kind]:.3f}"
                drawn.append(
                    f'<rect class="{kind}{own}" x="{left:.1f}" y="{y + top:.1f}" width="{scale * row.errors[kind]:.2f}" '
                    f'height="{tall}"><title>{escape(hint)}</title></rect>'
                )
    return drawn


def _numbers(rows: Sequence[Method], left: float, scale: float) -> list[str]:
    """The error on generated outputs behind the bars, above all lines."""
    ends = (left + scale * max(row.errors.values()) + 5 for row in rows)
    return [
        _text(end, TOP + ROW * number + 15, f"{row.errors.get(GENERATED, row.errors.get(HUMAN, 0.0)):.3f}", "small over")
        for number, (row, end) in enumerate(zip(rows, ends, strict=True))
    ]


def _lines(rows: Sequence[Method], floors: Mapping[str, float], axis: tuple[float, float], bottom: float) -> list[str]:
    """The axis, the noise of the truth for both kinds, and what an equal split costs."""
    left, scale = axis
    drawn = [f'<line class="axis" x1="{left}" x2="{left}" y1="{TOP - 2}" y2="{bottom + 2}"/>']
    for kind, floor in floors.items():
        x = left + scale * floor
        style = "floor of-human" if kind == HUMAN else "floor"
        drawn.append(f'<line class="{style}" x1="{x:.2f}" x2="{x:.2f}" y1="{TOP - 8}" y2="{bottom + 4}"/>')
    if floors:
        named = ", ".join(f"{kind} {floor:.3f}" for kind, floor in floors.items())
        first = left + scale * min(floors.values())
        drawn.append(_text(first, bottom + 18, f"noise of the truth itself ({named})", "small floor-name", "middle"))
    equal = next((row.errors[GENERATED] for row in rows if row.name == EQUAL and GENERATED in row.errors), None)
    if equal is not None:
        x = left + scale * equal
        drawn.append(f'<line class="equal" x1="{x:.2f}" x2="{x:.2f}" y1="{TOP - 8}" y2="{bottom + 4}"/>')
        drawn.append(_text(x, TOP - 12, f"equal split {equal:.3f}", "small", "middle"))
    return drawn


def _costs(rows: Sequence[Method], floors: Mapping[str, float], top: float) -> list[str]:
    """Error on generated outputs against CPU seconds once, on a logarithmic axis that begins at a second."""
    last = max(1, math.ceil(math.log10(max(row.seconds_once or 1.0 for row in rows))))
    largest = max(row.errors[GENERATED] for row in rows) * 1.08 or 1.0
    bottom = top + COST_HEIGHT

    def place(row: Method) -> tuple[float, float]:
        across = math.log10(max(row.seconds_once or 1.0, 1.0)) / last
        return COST_LEFT + (COST_RIGHT - COST_LEFT) * across, bottom - COST_HEIGHT * row.errors[GENERATED] / largest

    drawn = [_text(12, top - 22, "Payout error per generated output, and what a method costs once", "title")]
    for power in range(last + 1):
        x = COST_LEFT + (COST_RIGHT - COST_LEFT) * power / last
        drawn.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
        drawn.append(_text(x, bottom + 18, f"{10**power:,} s", "small", "middle"))
    drawn.append(_text((COST_LEFT + COST_RIGHT) / 2, bottom + 36, "CPU seconds before the first output", "small", "middle"))
    for step in range(int(largest * 10) + 1):
        y = bottom - COST_HEIGHT * step / 10 / largest
        drawn.append(f'<line class="grid" x1="{COST_LEFT}" x2="{COST_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(_text(COST_LEFT - 8, y + 4, f".{step}", "small", "end"))
    if GENERATED in floors:
        y = bottom - COST_HEIGHT * floors[GENERATED] / largest
        drawn.append(f'<line class="floor" x1="{COST_LEFT}" x2="{COST_RIGHT}" y1="{y:.2f}" y2="{y:.2f}"/>')
    taken = [(x - 4, x + 4, y + 4) for x, y in map(place, rows)]
    # Ours and the yardstick are named first, so that they stay beside their points.
    for row in sorted(rows, key=lambda one: (not one.own, one.name != YARDSTICK)):
        x, y = place(row)
        hint = f"{row.name}: {row.errors[GENERATED]:.3f}, {row.seconds_once:,.0f} s"
        drawn.append(
            f'<circle class="generated{" own" if row.own else ""}" cx="{x:.2f}" cy="{y:.2f}" r="{6 if row.own else 4.5}">'
            f"<title>{escape(hint)}</title></circle>"
        )
        drawn.append(_name(row, x, y, taken))
    return drawn


def _name(row: Method, x: float, y: float, taken: list[tuple[float, float, float]]) -> str:
    """A point's name beside it where it covers nothing, right before left; "" where there is no room."""
    wide = (BOLD_LETTER if row.own else 6.2) * len(row.name)
    kind = "ours over" if row.own else "small over"
    for shift in (0, -12, 12):
        for start, anchor in ((x + 10, "start"), (x - 10 - wide, "end")):
            at = y + 4 + shift
            inside = start > 0 and start + wide < WIDTH
            if inside and all(start > b or start + wide < a or abs(at - c) >= 12 for a, b, c in taken):
                taken.append((start, start + wide, at))
                return _text(start if anchor == "start" else x - 10, at, row.name, kind, anchor)
    return ""


def _text(x: float, y: float, said: str, kind: str = "", anchor: str = "start", squeeze: float = 0.0) -> str:
    named = f' class="{kind}"' if kind else ""
    named += f' textLength="{squeeze:.0f}" lengthAdjust="spacingAndGlyphs"' if squeeze else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(said)}</text>'


def main() -> int:
    """Reads the result named on the command line and prints the picture."""
    if len(sys.argv) != 2:
        print("usage: python scripts/draw_payout.py RESULT.json > docs/img/payout.svg", file=sys.stderr)
        return 2
    try:
        document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        picture = draw(document)
    except OSError as error:
        print(f"{sys.argv[1]}: cannot be read ({error.strerror})", file=sys.stderr)
        return 2
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = f"{sys.argv[1]}: not a result of python -m benchmarks.payout --json ({type(error).__name__}: {error})"
        print(told, file=sys.stderr)
        return 2
    print(picture, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
