"""Offers from a studio's statements: by work, by party, by address, at a moment, and without contracts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from endcredits.errors import InputError, NotFoundError
from endcredits.flows import catalogue, fact_log, rights
from endcredits.flows.offering import offer
from endcredits.flows.studio import Studio, init_studio
from endcredits.interfaces.cli.main import app
from endcredits.works import Contributor, FileMark, Permission, Submission, add_marks, party_id_of, works
from endcredits.works.signals import Found, combined, read_robots

AT = "2026-06-01T00:00:00Z"
EMMA, OTHER = "work:emma", "work:persuasion"
JANE, CASSANDRA = (party_id_of(name) for name in ("Jane Quill", "Cassandra Marl"))


def submission(work_id: str, title: str, *names: str) -> Submission:
    content = ((f"{title}.txt", "text/plain", title.encode() * 9),)
    people = tuple(Contributor(name) for name in names)
    return Submission(title, content, people, "unknown", "nobody said", "a test", "a test", title, work_id)


def said(subject: str, verb: str, value: str, since: str = "2026-01-01T00:00:00Z", **more: object) -> Permission:
    return Permission(subject, verb, value, "because", "a letter", "Jane Quill", since, party_id=JANE,
                      **{"authority": "rightsholder", **more})  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    opened = init_studio(tmp_path / "studio", name="Offers")
    catalogue.add_works(
        opened,
        [submission(EMMA, "Emma", "Jane Quill"), submission(OTHER, "Persuasion", "Jane Quill", "Cassandra Marl")],
        "2025-01-01T00:00:00Z",
    )
    with opened.store.reading() as conn:
        shas = {work.work_id: work.manifestations[0].sha256 for work in works(conn)}
    marks = [FileMark(shas[EMMA], "url", "https://a.example/emma.txt"), FileMark(shas[OTHER], "url", "https://b.example/p")]
    fact_log.write(opened, lambda conn: add_marks(conn, marks))
    yield opened
    opened.close()


def heard(text: str, path: str) -> dict[str, str]:
    return {verb: one.value for verb, one in combined(read_robots(text.encode(), Found("r", path=path))).items()}


def test_a_work_is_offered_at_the_addresses_of_its_files(studio: Studio) -> None:
    rights.say(studio, [said(EMMA, "train", "allow"), said(EMMA, "index", "deny")])

    found = offer(studio, EMMA, "robots", at=AT)

    (text,) = found.texts
    assert text.place == "https://a.example/robots.txt"
    assert (heard(text.text, "/emma.txt")["train"], heard(text.text, "/emma.txt")["index"]) == ("allow", "deny")
    assert heard(text.text, "/emma.txt.bak")["train"] == "unknown"
    assert (found.since, found.until) == ("2026-01-01T00:00:00Z", "")


def test_three_moments_give_three_offers(studio: Studio) -> None:
    (yes,) = rights.say(studio, [said(EMMA, "train", "allow", effective_to="2026-09-01T00:00:00Z")])
    rights.say(
        studio,
        [
            said(
                EMMA,
                "train",
                "unknown",
                "2026-08-01T00:00:00Z",
                observed_at="2026-08-01T00:00:00Z",
                revokes=yes.permission_id,
            )
        ],
    )

    texts = {at: offer(studio, EMMA, "aipref", at=at) for at in ("2025-06-01T00:00:00Z", AT, "2026-08-02T00:00:00Z")}

    assert [one.texts[0].text for one in texts.values()] == ["", "Content-Usage: train-ai=y\n", ""]
    assert [(one.since, one.until) for one in texts.values()] == [
        ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", "2026-08-01T00:00:00Z"),
        ("2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z"),
    ]


def test_a_party_is_offered_by_all_works_that_credit_it_and_the_strictest_word_counts(studio: Studio) -> None:
    rights.say(studio, [said(EMMA, "train", "allow"), said(OTHER, "train", "deny")])

    robots, header = offer(studio, "Jane Quill", "robots", at=AT), offer(studio, JANE, "aipref", at=AT)

    assert [text.place for text in robots.texts] == ["https://a.example/robots.txt", "https://b.example/robots.txt"]
    assert heard(robots.texts[0].text, "/emma.txt")["train"] == "allow"
    assert heard(robots.texts[1].text, "/p")["train"] == "deny"
    assert header.texts[0].text == "Content-Usage: train-ai=n\n"


def test_a_no_of_a_co_author_counts_and_a_contract_does_not(studio: Studio) -> None:
    rights.say(studio, [said(EMMA, "train", "allow", licensee="party:house"), said(OTHER, "train", "allow")])
    no = Permission(CASSANDRA, "train", "deny", "no", "a letter", "Cassandra Marl", "2026-01-01T00:00:00Z",
                    subject_kind="person")  # fmt: skip
    rights.say(studio, [no])

    assert offer(studio, EMMA, "aipref", at=AT).texts[0].text == ""
    assert offer(studio, OTHER, "aipref", at=AT).texts[0].text == "Content-Usage: train-ai=n\n"


def test_a_no_about_the_addresses_that_a_text_is_made_for_is_heard(studio: Studio) -> None:
    rights.say(studio, [said(EMMA, "train", "allow"),
                        said("https://c.example/shop/*", "train", "deny", subject_kind="url",
                             authority="host")])  # fmt: skip

    for url, expected in (
        ("https://d.example/", "allow"),
        ("https://c.example/shop/emma", "deny"),
        ("https://c.example/", "allow"),
        ("https://c.example/*", "deny"),
        ("https://c.example/*.html", "deny"),
        ("HTTPS://C.example:443/a/../sh%6fp/x*", "deny"),
        ("https://c.example/books/*", "allow"),
    ):
        for who in (EMMA, "Jane Quill"):
            (text,) = offer(studio, who, "robots", at=AT, url=url).texts
            told = {one.verb: one.said for one in text.told}
            assert told["train"] == (expected if who == EMMA or expected == "deny" else "unknown"), (url, who)


def test_what_cannot_be_asked_is_named(studio: Studio) -> None:
    for arguments, error in (
        ({"subject": "work:none", "form": "rsl"}, NotFoundError),
        ({"subject": EMMA, "form": "morse"}, InputError),
        ({"subject": EMMA, "form": "rsl", "url": "a.example"}, InputError),
        ({"subject": EMMA, "form": "tdmrep", "policy": "https://a.example/\n"}, InputError),
        ({"subject": EMMA, "form": "aipref", "at": "yesterday"}, InputError),
    ):
        with pytest.raises(error):
            offer(studio, **arguments)


def test_the_command_prints_lists_and_writes(studio: Studio, tmp_path: Path) -> None:
    rights.say(studio, [said(EMMA, "train", "deny"), said(EMMA, "style", "deny")])
    run = CliRunner()
    common = ["rights", "offer", EMMA, "--at", AT, "--studio", str(studio.path)]

    shown = run.invoke(app, [*common, "--form", "tdmrep"])
    written = run.invoke(app, [*common, "--form", "headers", "--out", str(tmp_path / "out"), "--json"])

    assert shown.exit_code == 0, shown.output
    assert '"tdm-reservation": 1' in shown.output
    assert "style: stated no; not expressible" in shown.output
    document = json.loads(written.output)
    assert document["subject"] == EMMA
    assert [Path(one).read_text() for one in document["written"]] == [text["text"] for text in document["texts"]]
