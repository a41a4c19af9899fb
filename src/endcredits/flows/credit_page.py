"""End credits as a page: the text coloured by who moved each part, then the works, largest share first, unattributed last.

White on black as in a cinema, whatever the reader's theme. It is one HTML fragment with its own style and no script, so
that it stands in a notebook, in a mail or in a file. Colour is never the only sign: every creator has a letter, every bar a
number. Everything that comes from outside (texts, titles, names) is escaped, and names stand in <bdi>, so that a name
written from right to left does not turn its neighbours around.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from endcredits.flows.audit_report import trust
from endcredits.flows.credit_view import UNKNOWN
from endcredits.flows.end_credits import caution, named_signs, sums
from endcredits.flows.heat_strip import bars
from endcredits.flows.palette import INK, Sign, attributes, escaped, readable, tint
from endcredits.flows.spans import CreditSpan, Leader, TextSpans, by_creator, leaders
from endcredits.money import PPB

if TYPE_CHECKING:
    from endcredits.flows.credit_view import CreditView, NamedLine

NAMES_MAX = 6
STRIP_WIDTH, STRIP_HEIGHT = 120, 20

_STYLE = """
.endcredits{background:#0b0b0d;color:#f4f4f4;font:15px/1.55 system-ui,"Helvetica Neue",Arial,sans-serif;padding:2.2em 1.6em;
max-width:60em;margin:0 auto}
.endcredits h2{font-weight:400;font-size:1.25em;letter-spacing:.42em;text-transform:uppercase;text-align:center;
margin:0 0 .2em;padding-left:.42em;color:#fff}
.endcredits .facts{text-align:center;color:#b9b9c0;font-size:.86em;margin:0 0 1.8em}
.endcredits .warn{color:#ffd27f}
.endcredits blockquote{white-space:pre-wrap;overflow-wrap:anywhere;font:1.06em/2 Georgia,"Times New Roman",serif;
margin:0 auto 1em;max-width:44em;border:0;padding:0;color:#f4f4f4}
.endcredits mark{border-radius:.2em;padding:.12em .1em;color:#111}
.endcredits .nobody{border-bottom:1px dotted #77777f}
.endcredits .sign{display:inline-block;font:700 .72em/1.3 system-ui,sans-serif;min-width:1.3em;text-align:center;
border-radius:.3em;padding:0 .25em;margin:0 .25em;color:#111;user-select:none}
.endcredits mark .sign{background:#111;color:#fff;vertical-align:.25em}
.endcredits ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3em 1.5em;justify-content:center;padding:0;margin:0 0 .6em}
.endcredits table{border-collapse:collapse;margin:1.6em auto 1em;width:100%;background:none;color:inherit;font-size:1em}
.endcredits caption{color:#b9b9c0;font-size:.86em;padding-bottom:.6em}
.endcredits th,.endcredits td{padding:.42em .6em;vertical-align:middle;border:0;background:none;color:inherit;
text-align:left;font-weight:400}
.endcredits thead th{color:#b9b9c0;font-size:.8em;border-bottom:1px solid #3a3a42}
.endcredits .work{text-align:right;color:#cfcfd6;width:26%}
.endcredits td.people{font-weight:600;width:26%}
.endcredits .one{white-space:nowrap}
.endcredits td.people .sign{margin-left:0}
.endcredits .share{width:24%;white-space:nowrap}
.endcredits .bar{display:inline-block;height:.72em;background:#9ecae1;margin-right:.5em;min-width:1px;vertical-align:-.03em}
.endcredits .rest .bar{background:repeating-linear-gradient(45deg,#77777f 0 3px,#3a3a42 3px 6px)}
.endcredits .nats{font-variant-numeric:tabular-nums;white-space:nowrap;text-align:right}
.endcredits svg .line{stroke:#88888f}
.endcredits .rest td,.endcredits .rest th{color:#cfcfd6}
@media(max-width:640px){.endcredits{padding:1.2em .6em}.endcredits thead{position:absolute;clip-path:inset(50%)}
.endcredits tbody tr{display:grid;grid-template-columns:2em 1fr;border-top:1px solid #3a3a42}
.endcredits tbody tr>[class],.endcredits tbody tr>td{grid-column:2;padding:.1em .4em;width:auto;text-align:left}
.endcredits tbody tr>:first-child{grid-column:1}.endcredits tbody td:empty{display:none}}
"""


def fragment(view: CreditView, *, top: int = 12) -> str:
    """The end credits as an HTML fragment.

    Args:
        view: with spans or without.
        top: works that are named; what the others have is summed in one line.
    """
    signed = named_signs(view)
    text = _text(view, view.spans, signed) if view.spans is not None else ""
    return (
        f'<section class="endcredits"><style>{_STYLE}</style><h2>End credits</h2>'
        f'<p class="facts">{escaped(view.attribution.output_id)} &middot; {escaped(view.attribution.method)} &middot; '
        f"{escaped(trust(view.attribution))}</p>"
        f"{text}{_roll(view, signed, top)}{_closing(view)}</section>"
    )


def page(view: CreditView, *, top: int = 12) -> str:
    """The same as a document of its own."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>End credits of {escaped(view.attribution.output_id)}</title>"
        f"<style>html{{background:#0b0b0d}}body{{margin:0}}</style></head><body><main>{fragment(view, top=top)}"
        "</main></body></html>\n"
    )


def display(view: CreditView, *, top: int = 12) -> bool:
    """Shows the fragment where there is a notebook, and says whether there is one."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if not hasattr(shell, "kernel"):  # a terminal, with or without IPython
        return False
    shown = importlib.import_module("IPython.display")
    shown.display(shown.HTML(fragment(view, top=top)))
    return True


def _sign(sign: Sign, name: str) -> str:
    style = {"class": "sign", "style": f"background:{sign.colour}", "title": name}
    return f"<b{attributes(style)}>{sign.letter}</b>"


def _text(view: CreditView, spans: TextSpans, signed: dict[str, Sign]) -> str:
    """The text with its parts coloured, and who the letters are."""
    portions = view.portions()
    leading = leaders(spans, portions)
    rates = [leader.credit_nats / span.tokens for leader, span in zip(leading, spans.spans, strict=True)]
    strongest = max(rates, default=0.0) or 1.0
    parts = [
        _part(span, leader, rate / strongest, signed) for span, leader, rate in zip(spans.spans, leading, rates, strict=True)
    ]
    totals = by_creator(spans, portions)
    keys = "".join(
        f"<li>{_sign(sign, name)}<bdi>{escaped(name)}</bdi> {sum(totals[name]):+.2f} nats</li>"
        for name, sign in signed.items()
    )
    return (
        f'<blockquote dir="auto" lang="">{"".join(parts)}</blockquote><ul aria-label="creators">{keys}</ul>'
        '<p class="facts">A part is marked for the creator whose works made it likelier by most, the fuller the more nats a '
        "token; dotted: no creator's credit exceeds its standard error.</p>"
    )


def _part(span: CreditSpan, leader: Leader, strength: float, signed: dict[str, Sign]) -> str:
    if not leader.name:
        figures = f"no creator stands out; log-ratio {span.log_ratio_nats:+.2f} nats"
        return f'<span class="nobody" title="{figures}">{escaped(readable(span.text))}</span>'
    sign = signed[leader.name]
    figures = f"{leader.name}: {leader.credit_nats:+.2f} ± {leader.error_nats:.2f} of {span.log_ratio_nats:+.2f} nats"
    mark = {"style": f"background:{tint(sign.colour, 0.3 + 0.7 * strength)};color:{INK}", "title": figures}
    # The letter stands before the white space that ends a sentence, so that it stays with its own line.
    text = readable(span.text)
    body = text.rstrip()
    letter = f"<b{attributes({'class': 'sign', 'title': leader.name})}>{sign.letter}</b>"
    return f"<mark{attributes(mark)}>{escaped(body)}{letter}</mark>{escaped(text[len(body) :])}"


def _roll(view: CreditView, signed: dict[str, Sign], top: int) -> str:
    lines = view.lines()
    named, others = lines[:top], lines[top:]
    rest = sum(line.share_ppb for line in others)
    unattributed = view.attribution.unattributed_ppb
    largest = max([unattributed, rest, *(line.share_ppb for line in named)], default=0) or 1
    strip = view.spans is not None
    rows = "".join(_row(view, line, largest, signed) for line in named)
    if others:
        label = f"{len(others)} more work{'s' if len(others) > 1 else ''}"
        rows += _rest(label, rest, largest, f"{sum(line.credit_nats for line in others):+.2f}", strip)
    rows += _rest("unattributed", unattributed, largest, "", strip)
    heads = ["#", "work", "people", "share of this output", "nats &plusmn; error", *["what it moved"] * strip]
    kinds = ["", "work", "people", "share", "nats", "strip"]
    cells = "".join(f'<th scope="col" class="{kind}">{head}</th>' for kind, head in zip(kinds, heads, strict=False))
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"


def _row(view: CreditView, line: NamedLine, largest: int, signed: dict[str, Sign]) -> str:
    strip = "" if view.spans is None else f'<td class="strip">{_strip(view.spans, line)}</td>'
    return (
        f'<tr><td>{line.rank}</td><th scope="row" class="work"><bdi>{escaped(line.title)}</bdi></th>'
        f'<td class="people">{_people(line.people, signed)}</td>{_share(line.share_ppb, largest)}'
        f'<td class="nats">{line.credit_nats:+.2f} &plusmn; {line.error_nats:.2f}</td>{strip}</tr>'
    )


def _rest(label: str, share: int, largest: int, nats: str, strip: bool) -> str:
    return (
        f'<tr class="rest"><td></td><th scope="row" class="work">{label}</th><td></td>{_share(share, largest)}'
        f'<td class="nats">{nats}</td>{"<td></td>" if strip else ""}</tr>'
    )


def _share(share_ppb: int, largest: int) -> str:
    width = 60 * share_ppb / largest
    return f'<td class="share"><span class="bar" style="width:{width:.2f}%"></span>{share_ppb / PPB:.2%}</td>'


def _people(names: Sequence[str], signed: dict[str, Sign]) -> str:
    if not names:
        return (_sign(signed[UNKNOWN], UNKNOWN) if UNKNOWN in signed else "") + "nobody named"
    shown = [
        f'<span class="one">{_sign(signed[name], name)}<bdi>{escaped(name)}</bdi></span>'
        if name in signed
        else f"<bdi>{escaped(name)}</bdi>"
        for name in names[:NAMES_MAX]
    ]
    return ", ".join(shown) + (f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else "")


def _strip(spans: TextSpans, line: NamedLine) -> str:
    size = {"width": STRIP_WIDTH, "height": STRIP_HEIGHT, "viewBox": f"0 -1 {STRIP_WIDTH} {STRIP_HEIGHT + 2}"}
    label = f"which part of the text {line.title} moved"
    inner = bars(spans, line.work_id, STRIP_WIDTH, STRIP_HEIGHT)
    return f'<svg{attributes(size)} role="img" aria-label="{escaped(label)}">{inner}</svg>'


def _closing(view: CreditView) -> str:
    warning = caution(view.attribution)
    return f'<p class="facts">{escaped(sums(view.attribution))}</p>' + (
        f'<p class="facts warn">{escaped(warning)}</p>' if warning else ""
    )
