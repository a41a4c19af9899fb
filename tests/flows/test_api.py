"""The walk from Python, as the README tells it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

import endcredits
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows.credit_view import UNATTRIBUTED, UNKNOWN, CreditView
from endcredits.influence import load_text_models
from endcredits.money import PPB, allocate
from endcredits.works import Contributor, Submission, read_table
from tests.story import house as h
from tests.story.house import House


def test_five_lines(tmp_path: Path, house: House) -> None:
    """Open, build, attribute, ask for shares; then usage, close and check through the same handle."""
    made = endcredits.init(tmp_path / "studio", name="Five Lines")
    table = tmp_path / "works.csv"
    table.write_text(h.works_csv())
    made.add_works(read_table(table))
    steps: list[str] = []

    studio = endcredits.open(tmp_path / "studio")
    index = studio.build_index(
        endcredits.text_models(house.base, house.full), studio.corpus(), lambda stage, done, total: steps.append(stage)
    )
    credits = index.attribute(h.prose(h.SALT, 60, seed=1))
    by_creator = credits.shares(by="creator")

    by_work = credits.shares()
    assert sum(by_work.values()) == sum(by_creator.values()) == PPB
    assert next(iter(by_work)) == "The Salt Road" and set(list(by_creator)[:2]) == {h.ADA, h.BEN}, "its two makers"
    assert list(by_work)[-1] == list(by_creator)[-1] == UNATTRIBUTED
    assert UNKNOWN in by_creator, "the rhymes name nobody"
    assert by_creator[h.ADA] == allocate(by_work["The Salt Road"], {h.ADA: 6, h.BEN: 4})[h.ADA]
    assert {"curvature", "works", "calibration"} <= set(steps)

    again = endcredits.open(tmp_path / "studio").index().attribute(h.prose(h.SALT, 60, seed=1).encode(), prompt=b"")
    assert again.attribution == credits.attribution, "text and its UTF-8 bytes are the same output"
    two = index.attribute_all([("salt", "the"), (b"lamp", "")])
    assert [view.attribution.output_bytes for view in two] == [4, 4]

    (event, *_) = h.january([credits.attribution] * 5)
    assert studio.add_usage([event]).new == 1
    assert studio.close_period("2025-01").close.pools[0].currency == "EUR"
    assert studio.check() == []
    assert repr(studio) == f"<studio 'Five Lines' in {tmp_path / 'studio'}>"
    assert "of 4 works" in repr(index)


def test_models_in_memory_serve_this_process_only(tmp_path: Path, house: House) -> None:
    """A pair handed over as objects answers now; a later process is told to build from folders."""
    path = house.copy(house.indexed, tmp_path / "studio")
    studio = endcredits.open(path)
    pair = load_text_models(house.base, house.full)

    credits = studio.build_index(pair, studio.corpus()).attribute("tide moon shoal")

    assert sum(credits.shares().values()) == PPB
    assert studio.check() == []
    with pytest.raises(NotFoundError, match="from models in memory"):
        endcredits.open(path).index()


@pytest.fixture
def view(tmp_path: Path, house: House) -> CreditView:
    """An attribution whose names mean something to HTML."""
    studio = endcredits.open(house.copy(house.indexed, tmp_path / "studio"))
    return studio.index().attribute(h.prose(h.TIDE, 60, seed=1))


def test_shown_in_a_terminal_and_in_a_notebook(view: CreditView) -> None:
    """Plain text names everybody as they are, HTML escapes them; both show the unattributed rest."""
    text, page = repr(view), view._repr_html_()

    assert "Tide <b>Tables</b> & Co." in text and h.CLEO in text and UNATTRIBUTED in text
    assert "Tide &lt;b&gt;Tables&lt;/b&gt; &amp; Co." in page and html.escape(h.CLEO) in page
    assert set(re.findall(r"</?(\w+)", page)) == {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert page.count("<tr>") == 2 + sum(line.share_ppb > 0 for line in view.lines())
    document = view.as_dict()
    assert document["lines"][0]["title"] == "Tide <b>Tables</b> & Co." and document["lines"][0]["people"] == [h.CLEO]


def test_shares_are_by_work_or_by_creator(view: CreditView) -> None:
    """Anything else is refused, and the splits of the day asked about count."""
    with pytest.raises(InputError, match="shares by 'label' are not known"):
        view.shares(by="label")

    assert view.shares(by="creator", on="2020-01-01") == view.shares(by="creator")


def test_names_that_say_nobody(tmp_path: Path, house: House) -> None:
    """A work or a person called like the rest does not swallow it, and equal titles stay apart."""
    studio = endcredits.init(tmp_path / "studio")
    named = [(UNATTRIBUTED, UNKNOWN, h.SALT), ("Twice", UNATTRIBUTED, h.LAMP), ("Twice", h.CLEO, h.TIDE)]
    studio.add_works(
        [
            Submission(
                title,
                (("", "text/plain", h.prose(work_id, 700).encode()),),
                (Contributor(name),),
                "allow",
                "asked",
                "letter",
                name,
                "",
                work_id,
            )
            for title, name, work_id in named
        ]
    )
    index = studio.build_index(endcredits.text_models(house.base, house.full), studio.corpus())

    credits = index.attribute(h.prose(h.SALT, 60, seed=1))

    works, people = credits.shares(), credits.shares(by="creator")
    assert sum(works.values()) == sum(people.values()) == PPB
    assert works[UNATTRIBUTED] == people[UNATTRIBUTED] == credits.attribution.unattributed_ppb
    assert next(iter(works)) == f"{UNATTRIBUTED} ({h.SALT})"
    assert next(iter(people)).startswith(f"{UNKNOWN} (party:")
    earning = {line.work_id for line in credits.attribution.lines if line.share_ppb}
    ids = {h.SALT: UNATTRIBUTED, h.LAMP: "Twice", h.TIDE: "Twice"}
    assert set(works) == {f"{ids[work_id]} ({work_id})" for work_id in earning} | {UNATTRIBUTED}


def test_a_studio_is_made_once(tmp_path: Path) -> None:
    """Not over another, not over somebody's files, and a wrong database leaves nothing behind."""
    endcredits.init(tmp_path / "studio")
    with pytest.raises(ConflictError, match="studio already"):
        endcredits.init(tmp_path / "studio")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").touch()
    with pytest.raises(ConflictError, match="not empty"):
        endcredits.init(tmp_path / "full")
    with pytest.raises(InputError, match="one printable line"):
        endcredits.init(tmp_path / "other", name="two\nlines")
    with pytest.raises(InputError, match="not a database"):
        endcredits.init(tmp_path / "other", database="mysql://x/y")

    assert not (tmp_path / "other").exists()
    quoted = endcredits.init(tmp_path / "other", name='The "Back\\Room" é')
    assert endcredits.open(tmp_path / "other").studio.name == quoted.studio.name == 'The "Back\\Room" é'
    assert ((tmp_path / "other" / "keys" / "log.key").stat().st_mode & 0o777) == 0o600
