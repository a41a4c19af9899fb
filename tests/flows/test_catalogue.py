"""What may be trained on, and the catalogue as it was on an earlier day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import endcredits
from endcredits.canonical import digest
from endcredits.errors import IntegrityError
from endcredits.flows.catalogue import add_works, corpus, digest_within, extent_of, state
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
