"""The end credits as a page and on a terminal say the same as the attribution, and nothing from outside acts on either."""

from __future__ import annotations

import io
import re
import sys
import types
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from rich.console import Console

from endcredits.attribution import attribution_of
from endcredits.flows import credit_view, end_credits
from endcredits.flows.attributing import People
from endcredits.flows.credit_view import UNKNOWN, CreditView
from endcredits.flows.spans import CreditSpan, TextSpans
from endcredits.ids import PartyId, WorkId
from endcredits.influence import Credits
from endcredits.money import PPB
from endcredits.works import Credit, Party, Split, Work

EVIL = "<script>alert(1)</script>\x1b[2J'\" onload=x"
VOID = {"meta"}


class Reader(HTMLParser):
    """Tags must close in order; text and attributes are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def read(document: str) -> Reader:
    reader = Reader()
    reader.feed(document)
    assert reader.open == []
    return reader


def work(work_id: str, title: str, names: tuple[str, ...]) -> Work:
    """A work in equal splits."""
    credits = tuple(Credit(PartyId(f"party:{name}"), "author", name, place) for place, name in enumerate(names, 1))
    splits = tuple(Split(PartyId(f"party:{name}"), 1_000_000_000 // len(names)) for name in names)
    return Work(WorkId(work_id), title, (), credits, splits)


@pytest.fixture
def view() -> CreditView:
    """Twenty works, one against the output, one with dangerous names, one that names nobody; three parts of a text."""
    names = [("Ada",), (EVIL,), ("Ada", "שרה"), ()] + [(f"Writer {number}",) for number in range(16)]
    works = [work(f"work:{n:02d}", EVIL if n == 1 else f"Title {n}", who) for n, who in enumerate(names)]
    parties = {credit.party_id: Party(credit.party_id, credit.display_credit) for one in works for credit in one.credits}
    rows = (
        (6.0, 1.0, 0.5, 0.2, *[0.1] * 15, -2.0),
        (0.5, 4.0, 0.3, 0.3, *[0.1] * 15, -1.0),
        (0.01, 0.0, 0.0, 0.0, *[0.0] * 15, 0.02),
    )
    texts = (b"One <b>part</b>\x1b[31m. ", b"Another \xff & more, ", b"the rest")
    ids = tuple(one.work_id for one in works)
    spans = TextSpans(
        ids,
        tuple(CreditSpan(text, len(text), sum(row), row, (0.4,) * len(ids)) for text, row in zip(texts, rows, strict=True)),
    )
    whole = tuple(map(sum, zip(*rows, strict=True)))
    credits = Credits(sum(whole) + 4.0, ids, whole, (0.7,) * len(ids))
    attribution = attribution_of(credits, output=b"".join(texts), method="test/1", index_digest="0" * 64)
    return CreditView(attribution, People({one.work_id: one for one in works}, parties), spans)


def shown(view: CreditView, **more: object) -> str:
    """The terminal's text, without colours."""
    screen = Console(file=io.StringIO(), width=120, highlight=False)
    end_credits.roll(view, screen, **more)  # type: ignore[arg-type]
    return screen.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("top", [1, 12, 50])
def test_the_page_says_what_the_attribution_says(view: CreditView, top: int) -> None:
    """Ranked works with people, shares as bars in proportion, the rest summed, unattributed last, nothing left out."""
    page = read(view.html(top=top))
    lines = view.lines()
    for line in lines[:top]:
        assert f"{line.share_ppb / 1e9:.2%}" in page.text
        assert f"{line.credit_nats:+.2f} ± {line.error_nats:.2f}" in page.text
    assert top == 1 or ("Title 0" in page.text and "nobody named" in page.text)
    if top < len(lines):
        assert f"{len(lines) - top} more works" in page.text
    assert page.text.index("unattributed") > page.text.index("more work" if top < len(lines) else lines[-1].title)
    widths = [float(width) for width in re.findall(r'class="bar" style="width:([0-9.]+)%', view.html(top=top))]
    rest = [sum(line.share_ppb for line in lines[top:])] if top < len(lines) else []
    shares = [*(line.share_ppb for line in lines[:top]), *rest, view.attribution.unattributed_ppb]
    assert widths == pytest.approx([60 * share / max(shares) for share in shares], abs=0.006)
    assert "uncalibrated" in page.text and "completeness: credits sum to" in page.text


def test_the_text_is_coloured_and_lettered_by_creator(view: CreditView) -> None:
    """Who leads a part is marked by colour and letter; where nobody is clear there is no mark."""
    page = view.html()
    assert page.count("<mark") == 2 and page.count('class="nobody"') == 1
    marks = re.findall(r"<mark style=\"background:(#\w+);color:#111111\" title=\"(.*?)\">(.*?)</mark>", page)
    assert [title.split(":")[0][:3] for _, title, _ in marks] == ["Ada", "&lt"]
    letters = [re.findall(r">(\w)</b>", body) for _, _, body in marks]
    assert letters == [["A"], ["B"]] and len({colour for colour, _, _ in marks}) == 2
    text = shown(view)
    assert "One <b>part</b>\ufffd[31m.[A]" in text and "Another \ufffd & more,[B]" in text and "the rest\n" in text
    assert "[A] Ada +" in text and "unattributed" in text.splitlines()[-3] and "8 more works" in text


def test_nothing_from_outside_acts(view: CreditView) -> None:
    """Titles, names and texts are words on the page: no tag, attribute, script or address of theirs."""
    page = view.html()
    reader = read(page)
    assert not {"script", "img", "b>", "link", "iframe", "i"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in ("href", "src")]
    assert reader.text.count("<script>alert(1)</script>\ufffd[2J") >= 3 and "<b>part</b>" in reader.text
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "") and "\x1b" not in page + shown(view)
    assert "<bdi>שרה</bdi>" in page


def test_the_heat_strip_is_a_picture_of_one_work(view: CreditView) -> None:
    """Well-formed, bars as wide as the parts and as high as nats a token, those against it below the line."""
    assert view.spans is not None
    for work_id in ("work:00", "work:01", "work:19"):
        root = ElementTree.fromstring(view.heat_strip(work_id))
        bars = [element for element in root.iter() if element.tag.endswith("rect")]
        values, lengths = view.spans.of_work(work_id), [span.tokens for span in view.spans.spans]
        assert [bar.get("class") for bar in bars] == ["for" if value >= 0 else "against" for value in values]
        wide = [float(bar.get("width", 0)) + 1 for bar in bars]
        assert [width / sum(wide) for width in wide] == pytest.approx([n / sum(lengths) for n in lengths], rel=1e-3)
        tall = [float(bar.get("height", 0)) for bar in bars]
        rates = [abs(value) / length for value, length in zip(values, lengths, strict=True)]
        assert [height / sum(tall) for height in tall] == pytest.approx([r / sum(rates) for r in rates], abs=2e-3)
    line = next(element for element in root.iter() if element.tag.endswith("line"))
    for bar in bars:
        above = float(bar.get("y", 0)) + float(bar.get("height", 0)) <= float(line.get("y1", 0)) + 0.02
        assert above == (bar.get("class") == "for")
    assert ElementTree.fromstring(view.heat_strip("work:01")).find("{*}title").text.startswith("<script>")  # type: ignore[union-attr]
    assert (
        end_credits.strip(view.spans, "work:00").plain == "█▁·" and end_credits.strip(view.spans, "work:19").plain == "vv·"
    )
    screen = Console(file=io.StringIO(), width=60)
    end_credits.heat_rows(view.spans, "work:19", screen)
    rows = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [row.split()[1] for row in rows] == ["-2.000", "-1.000", "+0.020"]
    assert rows[0].count("█") == 2 * rows[1].count("█") == end_credits.BAR and max(map(len, rows)) <= 60


def test_without_spans_there_are_credits_without_a_text(view: CreditView) -> None:
    """And the calibration that corrected them is said."""
    corrected = replace(view.attribution, calibration_digest="c" * 64, reliability_ppb=640_000_000)
    plain = replace(view, spans=None, attribution=corrected)
    page = read(plain.html())
    assert {"mark", "svg", "blockquote"}.isdisjoint(
        page.tags
    ) and "calibrated by audit (cccccccccccc), reliability 64%" in page.text
    assert "uncalibrated" not in page.text + shown(plain) and "Title 0" in shown(plain)
    assert plain.as_dict()["calibration"] == "c" * 64 and "spans" not in plain.as_dict()
    nobody = replace(plain, people=People({}, {}))
    assert "work:00" in shown(nobody) and nobody.portions()["work:00"] == {UNKNOWN: 1.0}


def test_splits_that_begin_tomorrow_do_not_count_today(view: CreditView, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a day, today's splits in UTC name the creators; from the first day of others on, those do."""
    work = view.people.works[WorkId("work:00")]
    old, new = (sorted(view.people.parties)[n] for n in (0, 1))
    splits = (Split(old, PPB, valid_from="2030-01-01"), Split(new, PPB, valid_from="2030-01-02"))
    people = replace(view.people, works={**view.people.works, work.work_id: replace(work, splits=splits)})
    changing = replace(view, people=people)
    for day, party_id in (("2030-01-01", old), ("2030-01-02", new)):
        monkeypatch.setattr(credit_view, "now", lambda at=f"{day}T23:59:59Z": at)
        name = people.parties[party_id].name
        assert changing.portions()["work:00"] == {name: 1.0}
        assert changing.shares(by="creator") == changing.shares(by="creator", on=day)
    assert changing.shares(by="creator", on="2030-01-01") != changing.shares(by="creator", on="2030-01-02")
    assert changing.portions("2029-12-31")["work:00"] == {UNKNOWN: 1.0}


def test_an_output_that_owes_nothing_says_so(view: CreditView) -> None:
    """All of it is unattributed; so does one whose credits say far more than was measured."""
    ids = tuple(line.work_id for line in view.attribution.lines)
    for measured, said in ((-1.0, "nothing is owed for it"), (1.0, "weak evidence")):
        credits = Credits(measured, ids, (1.0,) * len(ids), (0.1,) * len(ids))
        document = attribution_of(credits, output=b"x", method="test/1", index_digest="0" * 64)
        odd = replace(view, attribution=document, spans=None)
        assert said in read(odd.html()).text and said in shown(odd)


def test_show_goes_where_one_looks(
    view: CreditView, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page in a notebook, text elsewhere, also in a shell of IPython that is no notebook."""
    given: list[str] = []
    shell = types.SimpleNamespace()
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    display.HTML = str  # type: ignore[attr-defined]
    display.display = given.append  # type: ignore[attr-defined]

    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    view.show()
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    view.show(top=3)
    assert given == [] and capsys.readouterr().out.count("unattributed") == 2
    shell.kernel = object()
    view.show(top=3)
    assert len(given) == 1 and capsys.readouterr().out == ""
    assert read(given[0]).tags[0] == "section" and "17 more works" in given[0]
