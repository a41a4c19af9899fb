"""Which works are the same again: by files, by resemblance, and never by what was compared without a file."""

from __future__ import annotations

import random

import pytest

from endcredits.canonical import canonical_bytes
from endcredits.flows import catalogue, duplicates
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.works import Contributor, Submission, Work, works
from endcredits.works.content import path_of
from tests.story import house as h

from .used import studio

__all__ = ["studio"]

COPY = WorkId("work:copy")


def add(studio: Studio, work_id: str, *parts: bytes, media_type: str = "text/plain") -> None:
    """Registers a work of some files."""
    content = tuple((f"{n}.txt", media_type, part) for n, part in enumerate(parts))
    one = Submission(f"T {work_id}", content, (Contributor(h.DORA),), "allow", "", "", h.DORA, "", f"work:{work_id}")
    catalogue.add_works(studio, [one])


def registered(studio: Studio) -> tuple[Work, ...]:
    with studio.store.reading() as conn:
        return works(conn)


def found(studio: Studio) -> set[frozenset[str]]:
    return {frozenset(map(str, cluster)) for cluster in duplicates.duplicates(studio, registered(studio))}


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def near(work_id: str) -> bytes:
    """A work of the house with another ending."""
    return h.prose(work_id, 690).encode() + b" my own."


def test_an_edited_text_is_the_same_work_again(studio: Studio) -> None:
    """And works in the same few words that are not copies stay apart."""
    assert found(studio) == set()
    add(studio, "copy", near(h.TIDE))
    add(studio, "other", h.prose(h.TIDE, 700, seed=9).encode())
    assert found(studio) == {frozenset({h.TIDE, COPY})}


def test_files_join_works_where_they_are_half_of_both(studio: Studio) -> None:
    """A licence that both hold joins nothing; a picture in another package does, and so on from one to the next."""
    licence, picture, other = noise(1, 1_000), noise(2, 5_000), noise(3, 5_000)
    kind = {"media_type": "image/png"}
    add(studio, "a", picture, licence, **kind)
    add(studio, "b", other, licence, **kind)
    assert found(studio) == set()
    add(studio, "c", picture, noise(4, 2_000), **kind)
    assert found(studio) == {frozenset({"work:a", "work:c"})}
    add(studio, "d", picture, noise(5, 3_000), **kind)
    add(studio, "e", picture, noise(6, 6_000), **kind)
    assert found(studio) == {frozenset({"work:a", "work:c", "work:d"})}, "5 of 9 and of 10 kB, but not of 12"


def test_what_very_many_hold_is_not_compared(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its holders' pairs would be their square."""
    monkeypatch.setattr(duplicates, "HOLDERS_MAX", 2)
    for number in range(2):
        add(studio, f"n{number}", noise(1, 900), noise(10 + number, 100), media_type="image/png")
    assert len(found(studio)) == 1
    add(studio, "n2", noise(1, 900), noise(12, 100), media_type="image/png")
    assert found(studio) == set()


def test_an_unchanged_catalogue_is_compared_once(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kept result answers; a deleted, torn or changed one, and a new work, are compared again."""
    add(studio, "copy", near(h.TIDE))
    expected = found(studio)
    kept = studio.path / duplicates.KEPT
    data = kept.read_bytes()
    real, calls = duplicates.near_pairs, [0]

    def counted(texts: dict[WorkId, bytes]) -> object:
        calls[0] += 1
        return real(texts)

    monkeypatch.setattr(duplicates, "near_pairs", counted)
    assert (found(studio), calls) == (expected, [0])
    broken = [
        b"",
        data[:-5],
        b"[]",
        b"null",
        data.replace(b'"pairs":[{', b'"pairs":[null,{'),
        canonical_bytes({"pairs": []}),
    ]
    for number, other in enumerate(broken, 1):
        kept.write_bytes(other)
        assert (found(studio), calls) == (expected, [number])
        assert kept.read_bytes() == data
    kept.unlink()
    add(studio, "new", near(h.SALT))
    assert found(studio) == expected | {frozenset({h.SALT, "work:new"})}
    assert calls == [len(broken) + 1]


def test_a_file_that_is_missing_hides_no_copy_after_it_is_back(studio: Studio) -> None:
    """What was compared without it is not kept."""
    add(studio, "copy", near(h.TIDE))
    (copy,) = (work for work in registered(studio) if work.work_id == COPY)
    path = path_of(studio.content, copy.manifestations[0].sha256)
    data = path.read_bytes()
    path.unlink()
    assert found(studio) == set(), "a period closes all the same; the check names the file"
    path.write_bytes(data)

    assert found(studio) == {frozenset({h.TIDE, COPY})}
