"""What may be trained on, and the catalogue as it was on an earlier day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import endcredits
from endcredits.canonical import digest
from endcredits.errors import IntegrityError, NotFoundError
from endcredits.flows.catalogue import add_works, corpus, digest_within, extent_of, standing, state
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.works import (
    Contributor,
    Permission,
    Split,
    Submission,
    catalogue_digest,
    party_id_of,
    permissions,
    set_splits,
    works,
)

BOTH = (("a.txt", "text/plain", b"abcdefgh"), ("b.txt", "text/plain", b"ijkl"))
NO = Permission(WorkId("one"), "train", "deny", "no", "letter", "Ada", "2025-02-01T00:00:00Z")


def submission(work_id: str, content: tuple[tuple[str, str, bytes], ...] = BOTH, permission: str = "allow") -> Submission:
    return Submission(work_id, content, (Contributor("Ada"),), permission, "asked", "letter", "Ada", "", work_id)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """A work of two files, registered in January."""
    made = endcredits.init(tmp_path / "studio").studio
    add_works(made, [submission("one")], "2025-01-01T00:00:00Z")
    return made


def test_a_corpus_is_asked_for_a_moment(studio: Studio) -> None:
    """Before the yes, between yes and no, and after the no."""
    state(studio, NO)

    before, between, after = (corpus(studio, f"{day}T00:00:00Z") for day in ("2024-12-31", "2025-01-15", "2025-02-01"))

    assert [len(one.admitted) for one in (before, between, after)] == [0, 1, 0]
    assert [one.refused[0][1].value for one in (before, after)] == ["unknown", "deny"]
    assert between.manifest()["works"][0]["permission_id"] == between.decisions[0].permission_id  # type: ignore[index]
    assert between.digest() == digest(between.manifest())


@pytest.mark.parametrize(
    ("verb", "value", "until", "admitted"),
    [
        ("finetune", "deny", None, False),
        ("finetune", "conditional", None, False),
        ("finetune", "unknown", None, False),
        ("finetune", "allow", None, True),
        ("index", "deny", None, False),
        ("index", "deny", "2025-03-01T00:00:00Z", True),
        ("index", "conditional", None, True),
        ("style", "deny", None, True),
        ("train", "conditional", None, False),
        ("tdm", "deny", None, False),
    ],
)
def test_a_word_about_fine_tuning_or_indexing_counts(
    studio: Studio, verb: str, value: str, until: str | None, admitted: bool
) -> None:
    """A yes to training alone is not enough; the decision shown is the one that refused."""
    said = state(studio, replace(NO, verb=verb, value=value, effective_to=until))

    found = corpus(studio, "2025-04-01T00:00:00Z")

    assert len(found.admitted) == admitted
    if admitted:
        assert (found.decisions[0].verb, found.decisions[0].value) == ("train", "allow")
    else:
        assert found.refused[0][1].permission_id == said.permission_id
        assert found.refused[0][1].value == value


def test_a_denied_file_does_not_come_in_under_another_work(studio: Studio) -> None:
    """Another work with one file of a denied one is refused and says which; when the no ends, both are back."""
    other = (("c.txt", "text/plain", b"more"), ("copy.txt", "text/plain", b"ijkl"))
    add_works(studio, [submission("a", other), submission("z", (*other, *BOTH))], "2025-01-01T00:00:00Z")
    said = state(studio, replace(NO, verb="index", effective_to="2025-03-01T00:00:00Z"))

    during, after = corpus(studio, "2025-02-15T00:00:00Z"), corpus(studio, "2025-03-01T00:00:00Z")

    reasons = {work.work_id: decision for work, decision in during.refused}
    assert during.admitted == () and len(after.admitted) == 3
    assert reasons[WorkId("a")].reason == "'copy.txt' is also a file of 'one', which is denied: no"
    assert [one.permission_id for one in reasons.values()] == [said.permission_id] * 3


def test_where_a_work_stands_now(studio: Studio) -> None:
    """The answer for one work is the corpus's own; an unknown work has none."""
    assert standing(studio, WorkId("one")).value == "allow"

    state(studio, NO)

    assert standing(studio, WorkId("one")).reason == "no"
    with pytest.raises(NotFoundError, match="there is no work 'two'"):
        standing(studio, WorkId("two"))


@pytest.mark.parametrize(
    ("limit", "texts"),
    [(0, [b"abcdefgh", b"ijkl"]), (20, [b"abcdefgh", b"ijkl"]), (9, [b"abcdefgh", b"i"]), (8, [b"abcdefgh"]), (3, [b"abc"])],
)
def test_a_work_is_cut_to_what_the_model_saw(studio: Studio, limit: int, texts: list[bytes]) -> None:
    """Bytes count over all files of a work in their order; another limit is another corpus."""
    cut = corpus(studio, max_bytes_per_work=limit)

    assert [text for _, text in cut.texts()] == texts
    assert (cut.digest() == corpus(studio).digest()) == (limit == 0)


def test_content_is_checked_when_it_is_read(studio: Studio) -> None:
    """A changed file of a work cannot be trained on unnoticed."""
    file = next(path for path in studio.content.glob("*/*") if path.read_bytes() == b"ijkl")
    file.write_bytes(b"iXkl")

    with pytest.raises(IntegrityError, match="no longer holds the bytes"):
        list(corpus(studio).texts())


def test_the_catalogue_cut_back_to_an_earlier_day(studio: Studio) -> None:
    """Whatever is added later, the earlier digest comes out; whatever is changed or missing, another does."""
    early = corpus(studio)
    ada = PartyId(party_id_of("Ada"))

    add_works(studio, [submission("two", (("c", "text/plain", b"new"),))])
    state(studio, NO)
    studio.store.write(lambda conn: set_splits(conn, WorkId("one"), [Split(ada, 10**9, territory="DE")]))
    with studio.store.reading() as conn:
        present, stated = works(conn), permissions(conn)

    assert catalogue_digest(present, stated) != early.catalogue_digest
    assert digest_within(early.extent, present, stated) == early.catalogue_digest
    assert digest_within(extent_of(present, stated), present, stated) == catalogue_digest(present, stated)
    one, two = present
    for other in (
        (two,),
        (replace(one, title="Other"), two),
        (replace(one, credits=()), two),
        (replace(one, splits=one.splits[:1]), two),
    ):
        assert digest_within(early.extent, other, stated) != early.catalogue_digest
    assert digest_within(early.extent, present, stated[1:]) != early.catalogue_digest
