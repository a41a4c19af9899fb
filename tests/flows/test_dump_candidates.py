"""A crawl through the gate: what servers and sites said counts, and so does a no to an address."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.flows import admitting, catalogue
from endcredits.flows.admitting import Admitted
from endcredits.flows.candidates import Terms
from endcredits.flows.checking import check_studio
from endcredits.flows.clock import now
from endcredits.flows.sources import from_dump
from endcredits.flows.studio import Studio, init_studio
from endcredits.works import Permission, marks, permissions
from tests.flows.gated import HILL, LONG_AGO, SEA, photo, saved, work_of

FETCHED = "2026-11-01T00:00:00Z"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = init_studio(tmp_path / "studio")
    yield made
    made.close()


def dump(folder: Path, *rows: dict[str, Any]) -> Path:
    """A file of answers, last changed long ago."""
    file = folder / "crawl.jsonl"
    file.write_text("".join(json.dumps({"fetched_at": FETCHED, **row}) + "\n" for row in rows))
    os.utime(file, (LONG_AGO, LONG_AGO))
    return file


def answer(url: str, body: bytes | None = None, **more: Any) -> dict[str, Any]:
    return {"url": url, **({"body_base64": base64.b64encode(body).decode()} if body is not None else {}), **more}


ROWS = (
    answer("https://a.example/robots.txt", b"User-agent: *\nContent-Usage: /no/ train-ai=n\n"),
    answer("https://a.example/no/sea.txt", SEA.encode()),
    answer("https://a.example/hill.txt", HILL.encode(), headers={"Content-Usage": "train-ai=y"}),
    answer("https://b.example/boat", saved(photo(3)), headers={"content-type": "image/png"}),
    answer("https://b.example/gone.txt", b"not found", status=404),
    answer("https://b.example/headers-alone"),
    answer(
        "https://c.example/old.txt",
        b"A text that moved from one address to another, and said so on the way.",
        hops=[{"url": "https://c.example/old.txt", "status": 301, "headers": {}}],
        answered_by="https://c.example/new.txt",
    ),
)


def gate(studio: Studio, file: Path, terms: Terms | None = None) -> Admitted:
    return admitting.admit(studio, [from_dump(file, terms or Terms(permission="allow"))])


def outcomes(done: Admitted) -> dict[str, str]:
    return {one.name: one.outcome for one in done.outcomes}


def test_a_crawl_through_the_gate(studio: Studio, tmp_path: Path) -> None:
    file = dump(tmp_path, *ROWS)
    with file.open("a") as opened:
        opened.write("no JSON\n")
    os.utime(file, (LONG_AGO, LONG_AGO))

    done = gate(studio, file)

    assert outcomes(done) == {
        "https://a.example/no/sea.txt": "refused",
        "https://a.example/hill.txt": "admitted",
        "https://b.example/boat": "admitted",
        "https://b.example/gone.txt": "refused",
        "https://b.example/headers-alone": "refused",
        "https://c.example/old.txt": "admitted",
        "crawl.jsonl row 8": "refused",
    }
    reasons = {one.name: one.reason for one in done.outcomes}
    assert reasons["https://b.example/gone.txt"] == "the server answered 404; this is not the work"
    assert reasons["https://b.example/headers-alone"] == "the dump holds no bytes of it"
    with studio.store.reading() as conn:
        said, names = permissions(conn), marks(conn)
    told = next(one for one in said if one.subject_kind == "sha256" and one.value == "deny" and one.verb == "train")
    assert told.source.startswith("https://a.example/robots.txt, ") and f"fetched {FETCHED}" in told.source
    assert told.authority == "host" and told.effective_from > FETCHED
    moved = next(one for one in done.outcomes if one.name.endswith("old.txt")).files[0]
    assert {value for kind, value in names[moved] if kind == "url"} == {
        "https://c.example/old.txt",
        "https://c.example/new.txt",
    }
    assert check_studio(studio) == []

    again = gate(studio, file)
    assert (again.read, again.outcomes, again.corpus_digest) == (0, done.outcomes, done.corpus_digest)

    no = Permission("https://c.example/new*", "train", "deny", "not these", "letter", "Cleo", now(), subject_kind="url")
    catalogue.state(studio, no)
    assert outcomes(gate(studio, file))["https://c.example/old.txt"] == "refused", "a no to the address where it was found"


def test_a_page_that_asks_for_something_is_not_widened_by_the_operator(studio: Studio, tmp_path: Path) -> None:
    """Fetched weeks before the crawl was let through: the operator's yes of today does not come after it."""
    page = b"<html><body><p>words, words</p></body></html>"
    rows = (
        answer("https://a.example/robots.txt", b"License: https://a.example/rsl.xml\n"),
        answer("https://a.example/p", page),
    )
    done = gate(studio, dump(tmp_path, *rows))
    assert outcomes(done) == {"https://a.example/p": "waiting"} and done.outcomes[0].value == "conditional"


def test_where_the_operator_is_silent_the_crawl_speaks(studio: Studio, tmp_path: Path) -> None:
    done = gate(studio, dump(tmp_path, *ROWS[1:4]), Terms())
    assert outcomes(done) == {
        "https://a.example/no/sea.txt": "waiting",
        "https://a.example/hill.txt": "admitted",
        "https://b.example/boat": "waiting",
    }
    assert work_of(done, "hill.txt").startswith("work:hill-")


def test_what_is_no_dump_is_refused(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        gate(studio, tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="'perhaps' is not a permission"):
        gate(studio, dump(tmp_path, *ROWS), Terms(permission="perhaps"))
