"""An attribution with names, to be read by people: in a terminal, a notebook, or as plain data."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from endcredits.attribution import NANO, UNCALIBRATED, Attribution, Line, document_of
from endcredits.errors import InputError
from endcredits.flows.attributing import People
from endcredits.flows.audit_report import reliability_of, trust
from endcredits.flows.clock import now
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB, allocate
from endcredits.works import TRAIN_RIGHT, WORLD, splits_at

if TYPE_CHECKING:
    from endcredits.flows.indexing import OpenIndex
    from endcredits.flows.spans import TextSpans

UNATTRIBUTED = "unattributed"
UNKNOWN = "unknown creators"
RESERVED = (UNATTRIBUTED, UNKNOWN)
"""What shares are called that belong to nobody; a work or a person of that name is shown with its id."""


@dataclass(frozen=True, slots=True)
class NamedLine:
    """A line of an attribution as it rolls.

    Attributes:
        rank: from 1.
        work_id: the work.
        title: its title.
        people: display credits, in order.
        share_ppb: share of the output.
        credit_nats: signed.
        error_nats: standard error.
    """

    rank: int
    work_id: str
    title: str
    people: tuple[str, ...]
    share_ppb: int
    credit_nats: float
    error_nats: float


@dataclass(frozen=True, slots=True)
class CreditView:
    """An attribution and the names in it.

    Attributes:
        attribution: the recorded document.
        people: the studio's names.
        spans: the output's text in parts with credits of their own; None until it was measured (`with_spans`).
    """

    attribution: Attribution
    people: People
    spans: TextSpans | None = None

    @property
    def calibration(self) -> str:
        """Digest of the calibration that corrected these credits; "" where they are uncalibrated."""
        return self.attribution.calibration_digest

    def lines(self) -> tuple[NamedLine, ...]:
        """All works by rank."""
        return tuple(self._named(line) for line in self.attribution.lines)

    def _named(self, line: Line) -> NamedLine:
        work = self.people.works.get(line.work_id)
        names = tuple(dict.fromkeys(credit.display_credit for credit in work.credits)) if work else ()
        return NamedLine(
            line.rank,
            line.work_id,
            work.title if work else line.work_id,
            names,
            line.share_ppb,
            line.credit_nanonats / NANO,
            line.error_nanonats / NANO,
        )

    def shares(self, by: str = "work", on: str = "") -> dict[str, int]:
        """Who has which share of the output, in parts per billion that sum to 1,000,000,000.

        Args:
            by: "work" (titles; an id is added where two works have one title) or "creator" (payees, by the splits).
            on: the day whose splits count, YYYY-MM-DD; today in UTC by default.

        Returns:
            Shares above zero, largest first, and "unattributed" last.

        Raises:
            InputError: `by` is something else.
        """
        if by not in ("work", "creator"):
            raise InputError(f"shares by '{by}' are not known", remedy='Ask by="work" or by="creator".', field="by")
        on = on or now()[:10]
        titles = Counter(work.title for work in self.people.works.values())
        found: Counter[str] = Counter()
        for line in self.attribution.lines:
            found.update(self._divided(line, on) if by == "creator" else {self._title(line, titles): line.share_ppb})
        ranked = sorted(((name, share) for name, share in found.items() if share), key=lambda item: (-item[1], item[0]))
        return {**dict(ranked), UNATTRIBUTED: self.attribution.unattributed_ppb}

    def _title(self, line: Line, titles: Mapping[str, int]) -> str:
        work = self.people.works.get(line.work_id)
        if work is None:
            return line.work_id
        alone = titles[work.title] == 1 and work.title not in RESERVED
        return work.title if alone else f"{work.title} ({work.work_id})"

    def _divided(self, line: Line, on: str) -> dict[str, int]:
        splits = self._splits(line.work_id, on)
        if not splits or not line.share_ppb:
            return {UNKNOWN: line.share_ppb}
        parts = allocate(line.share_ppb, splits)
        named: Counter[str] = Counter()
        for party_id, part in parts.items():
            named[self._name(party_id)] += part
        return named

    def _splits(self, work_id: str, on: str) -> dict[str, int]:
        work = self.people.works.get(WorkId(work_id))
        splits = splits_at(work, TRAIN_RIGHT, WORLD, on) if work else ()
        return {split.party_id: split.split_ppb for split in splits}

    def _name(self, party_id: str) -> str:
        name = self.people.parties[PartyId(party_id)].name
        return f"{name} ({party_id})" if name in RESERVED else name

    def portions(self, on: str = "") -> dict[str, dict[str, float]]:
        """For every work of the index, which part of it is whose; a work's parts sum to 1.

        Args:
            on: the day whose splits count, YYYY-MM-DD; today in UTC by default.
        """
        on = on or now()[:10]
        found = {}
        for line in self.attribution.lines:
            parts: dict[str, float] = {}
            for party_id, split in self._splits(line.work_id, on).items():
                parts[self._name(party_id)] = parts.get(self._name(party_id), 0.0) + split / PPB
            found[str(line.work_id)] = parts or {UNKNOWN: 1.0}
        return found

    def with_spans(self, index: OpenIndex, text: bytes, prompt: bytes = b"", *, most: int = 16) -> CreditView:
        """The same credits with the parts of the text that each work moved; a backward pass for every part.

        Args:
            index: that the output was attributed by.
            text: the output again, since nobody kept it.
            prompt: what came before it.
            most: parts, at least 1.

        Raises:
            InputError: text or prompt are not those that were attributed, or the output is not text.
            NotFoundError: the output was attributed by another index.
        """
        from endcredits.flows.spans import measure_spans

        return replace(self, spans=measure_spans(index, self.attribution, text, prompt, most=most))

    def show(self, *, top: int = 12) -> None:
        """Rolls the end credits where one looks: as a page in a notebook, else on the terminal."""
        from endcredits.flows import credit_page, end_credits

        if not credit_page.display(self, top=top):
            end_credits.roll(self, top=top)

    def html(self, *, top: int = 12) -> str:
        """The end credits as one HTML document without scripts, to be saved or sent."""
        from endcredits.flows.credit_page import page

        return page(self, top=top)

    def heat_strip(self, work_id: str) -> str:
        """Which part of the text one work moved, as an SVG picture.

        Raises:
            InputError: the parts were not measured; see `with_spans`.
            NotFoundError: the index has no such work.
        """
        from endcredits.flows.heat_strip import strip_svg

        if self.spans is None:
            raise InputError(
                "the parts of this text were not measured", remedy="Measure them: with_spans(index, text).", field="spans"
            )
        titles = {line.work_id: line.title for line in self.lines()}
        return strip_svg(self.spans, work_id, titles.get(WorkId(work_id), work_id))

    def as_dict(self) -> dict[str, Any]:
        """The attribution with titles, people, calibration and, where they were measured, spans, as plain data."""
        document = document_of(self.attribution)
        names = {line.work_id: line for line in self.lines()}
        for line in document["lines"]:
            line["title"] = names[line["work_id"]].title
            line["people"] = list(names[line["work_id"]].people)
        document["calibration"] = self.calibration or None
        document["calibration_method"] = self.attribution.calibration_method or UNCALIBRATED
        document["reliability_ppb"] = reliability_of(self.attribution)
        if self.spans is not None:
            works = self.spans.work_ids
            document["spans"] = [
                {
                    "bytes": len(span.text),
                    "tokens": span.tokens,
                    "log_ratio_nanonats": round(span.log_ratio_nats * NANO),
                    "credit_nanonats": {
                        work: round(nats * NANO) for work, nats in zip(works, span.credit_nats, strict=True)
                    },
                }
                for span in self.spans.spans
            ]
        return document

    def __repr__(self) -> str:
        rows = [
            f"{line.rank:>3}  {line.share_ppb / PPB:>7.2%}  {line.credit_nats:+.3f} +-{line.error_nats:.3f} nats  "
            f"{line.title}  {', '.join(line.people)}"
            for line in self.lines()
            if line.share_ppb
        ][:20]
        rest = f"     {self.attribution.unattributed_ppb / PPB:>7.2%}  unattributed"
        return "\n".join([self._heading(), *rows, rest])

    def _heading(self) -> str:
        total, measured = self.attribution.credit_sum_nanonats / NANO, self.attribution.log_ratio_nanonats / NANO
        sums = f"credits sum to {total:.3f} nats, measured {measured:.3f}"
        return f"{self.attribution.output_id}: {sums}; {trust(self.attribution)}"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><td>{line.rank}</td><td>{html.escape(line.title)}</td><td>{html.escape(', '.join(line.people))}</td>"
            f"<td>{line.share_ppb / PPB:.2%}</td><td>{line.credit_nats:+.3f} &plusmn; {line.error_nats:.3f}</td></tr>"
            for line in self.lines()
            if line.share_ppb
        )
        return (
            f"<table><caption>{html.escape(self._heading())}</caption>"
            "<thead><tr><th>#</th><th>work</th><th>people</th><th>share</th><th>nats</th></tr></thead>"
            f"<tbody>{cells}<tr><td></td><td>unattributed</td><td></td>"
            f"<td>{self.attribution.unattributed_ppb / PPB:.2%}</td><td></td></tr></tbody></table>"
        )
