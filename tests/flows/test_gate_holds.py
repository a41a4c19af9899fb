"""Copies of refused works in other clothes wait for a person, whose word ends it and never overrides a no."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import ImageEnhance

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows import admitting, catalogue, holds, looking, prints, rights
from endcredits.flows.admissions import read_admission
from endcredits.flows.candidates import Terms
from endcredits.flows.checking import check_studio
from endcredits.flows.clock import now
from endcredits.flows.holds import GATE, holds_of
from endcredits.flows.looking import look
from endcredits.flows.prints import print_of
from endcredits.flows.reviewing import review, waiting
from endcredits.flows.seen import FILE, Cache
from endcredits.flows.studio import Studio, init_studio
from endcredits.works import Permission, permissions, read_folder, works
from endcredits.works.looks_alike import Print
from tests.flows.gated import HILL, SEA, by_name, deny, pass_gate, photo, put, saved, work_of

PLAIN = SEA.replace("\u201c", '"').replace("\u201d", '"').replace("\u2014", "-")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A refused text and a refused picture."""
    made = init_studio(tmp_path / "studio")
    refused = put(tmp_path / "refused", sea__txt=SEA, boat__png=saved(photo(1)))
    pass_gate(made, refused, terms=Terms(creator="Ada Quill", permission="deny"))
    yield made
    made.close()


def codes(text: str) -> str:
    """The content code of a text."""
    return print_of("0" * 64, text.encode(), "text/plain", "1+iscc")[1]


@pytest.mark.parametrize(
    ("name", "data", "by"),
    [
        ("utf16.txt", SEA.encode("utf-16"), "letters"),
        ("western.txt", SEA.encode("cp1252"), "letters"),
        ("typeset.html", f"<html><body><p>{PLAIN.replace(' ', '<br>')}</p></body></html>".encode(), "letters"),
        ("shouted.md", PLAIN.upper().replace(", ", ",\n").encode(), "letters"),
        ("added.txt", (SEA + "The end of this.").encode(), "text"),
        ("again.jpg", saved(photo(1), "JPEG", quality=60), "image"),
        ("small.webp", saved(photo(1).resize((90, 90)), "WEBP"), "image"),
        ("bright.png", saved(ImageEnhance.Brightness(photo(1)).enhance(1.1)), "image"),
        ("resaved.png", saved(photo(1), compress_level=1), "image"),
    ],
)
def test_a_copy_of_a_refused_work_waits(studio: Studio, tmp_path: Path, name: str, data: bytes, by: str) -> None:
    """Encoded anew, typeset, saved, scaled: permitted by its own source, and held all the same."""
    folder = put(tmp_path / "src", **{name.replace(".", "__"): data}, hill__txt=HILL, other__png=saved(photo(2)))

    done = pass_gate(studio, folder)

    assert by_name(done) == {name: "waiting", "hill.txt": "admitted", "other.png": "admitted"}
    (held,) = done.having("waiting")
    (hold,) = held.holds
    assert hold.likeness.by == by and hold.likeness.owner.startswith("work:boat" if by == "image" else "work:sea")
    assert held.reason.startswith(f"it looks like '{hold.likeness.owner}', which is refused") and held.value == "unknown"
    assert held.permission_id == hold.permission.permission_id and hold.permission.declared_by == GATE
    assert done.admission.document["waiting"][0]["looks_like"][0]["by"] == by
    assert held.work_id not in {work.work_id for work in catalogue.corpus(studio, gate=False).admitted}, "with or without"
    again = pass_gate(studio, folder)
    assert again.outcomes == done.outcomes and again.read == 0
    assert check_studio(studio) == []


@pytest.mark.parametrize("print_", ['["", []]', f'["{"0" * 64}", []]', f'["", [["text", "{"00" * 32}"]]]'])
def test_a_cache_that_lies_hides_nobody(studio: Studio, tmp_path: Path, print_: str) -> None:
    """Neither the refused work nor its copy: what the cache says is held against the registry."""
    folder = put(tmp_path / "src", utf16__txt=SEA.encode("utf-16"), hill__txt=HILL)
    first = pass_gate(studio, folder)
    with sqlite3.connect(studio.path / "corpora" / FILE) as cache:
        assert cache.execute("UPDATE prints SET print = ?", [print_]).rowcount >= 4
    cache.close()

    again = pass_gate(studio, folder)

    assert by_name(again) == {"utf16.txt": "waiting", "hill.txt": "admitted"} and again.outcomes == first.outcomes


def test_without_the_library_no_hold_by_code_is_taken_back(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cannot compare codes has not seen that two files look alike no longer."""
    folder = put(
        tmp_path / "src", added__txt=(SEA + "The end of this.").encode(), again__jpg=saved(photo(1), "JPEG", quality=60)
    )
    first = pass_gate(studio, folder)
    assert by_name(first) == {"added.txt": "waiting", "again.jpg": "waiting"}
    monkeypatch.setattr(admitting, "means", lambda: prints.VERSION)

    again = pass_gate(studio, folder)

    assert by_name(again) == by_name(first) and "iscc" not in again.compared_by


@pytest.mark.parametrize("made_with", ["1", "1+iscc"])
def test_a_cache_that_was_there_before_the_registry_knew_hides_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_with: str
) -> None:
    """A refused work that was registered past the gate has no names yet: nobody vouches for what the cache says of it."""
    made = init_studio(tmp_path / "studio")
    catalogue.add_works(made, read_folder(put(tmp_path / "ref", sea__txt=SEA), creator="Ada", permission="allow"))
    with made.store.reading() as conn:
        (work,) = works(conn)
    deny(made, work.work_id)
    cache = Cache(made.path / "corpora" / FILE)
    sha256 = work.manifestations[0].sha256
    cache.keep_prints({sha256: Print(sha256)}, made_with)
    cache.close()
    monkeypatch.setattr(admitting, "means", lambda: made_with)

    assert by_name(pass_gate(made, put(tmp_path / "src", utf16__txt=SEA.encode("utf-16")))) == {"utf16.txt": "waiting"}
    made.close()


def test_a_clock_that_was_set_back_lets_no_code_through(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights.say(studio, [Permission(codes(HILL * 2), "train", "deny", "no", "a list", "Ben Marl", "", subject_kind="iscc")])
    for module in (admitting, holds, looking, rights):
        monkeypatch.setattr(module, "now", lambda: "2026-01-01T00:00:00Z")

    done = pass_gate(studio, put(tmp_path / "src", hill__txt=HILL * 2 + "More."))

    assert by_name(done) == {"hill.txt": "waiting"}


def test_the_very_bytes_are_denied(studio: Studio, tmp_path: Path) -> None:
    """An exact copy needs no looking at."""
    assert by_name(pass_gate(studio, put(tmp_path / "src", copy__txt=SEA))) == {"copy.txt": "refused"}


def test_a_code_that_was_handed_in_alone_excludes(studio: Studio, tmp_path: Path) -> None:
    """Somebody denies a content code: nobody has the work, and what is near the code waits."""
    poem = HILL * 2
    no = Permission(codes(poem), "train", "deny", "not mine to give", "a list", "Ben Marl", now(), subject_kind="iscc")
    catalogue.state(studio, no)
    folder = put(
        tmp_path / "src", near__txt=poem + "More.", same__txt=poem.upper(), far__txt="Something quite different, " * 9
    )

    done = pass_gate(studio, folder)

    assert by_name(done) == {"near.txt": "waiting", "same.txt": "refused", "far.txt": "admitted"}
    found = waiting(studio, work_of(done, "near.txt"))
    (code, side), (work, _) = found.likes
    assert code.likeness.owner == side.work_id == no.subject and side.file is None
    assert work.likeness.owner == work_of(done, "same.txt") and found.own.excerpt.startswith("A road")
    said = next(one.permission_id for one in _said(studio) if one.subject == no.subject)
    rights.revoke(studio, said, by="Ben Marl", reason="mistaken")
    assert by_name(pass_gate(studio, folder)) == dict.fromkeys(by_name(done), "admitted")


def _said(studio: Studio) -> tuple[Permission, ...]:
    with studio.store.reading() as conn:
        return permissions(conn)


def test_a_person_looks_at_both_and_admits(studio: Studio, tmp_path: Path) -> None:
    """Their word is a statement that answers this hold; it counts at the next gate, and a later source does not undo it."""
    folder = put(tmp_path / "src", again__jpg=saved(photo(1), "JPEG", quality=60))
    done = pass_gate(studio, folder)
    work_id = work_of(done, "again.jpg")

    found = waiting(studio, work_id)
    ((hold, side),) = found.likes
    assert (found.own.title, side.title) == ("again", "boat") and not hold.answered
    assert found.own.file and found.own.file.read_bytes() == (folder / "again.jpg").read_bytes()
    assert side.file and side.file.read_bytes() == saved(photo(1)) and side.people == ("Ada Quill",)

    (said,) = review(studio, work_id, admit=True, by="Cleo Dunn", reason="painted after the photograph, with leave")
    assert (said.value, said.declared_by, said.subject) == ("allow", "Cleo Dunn", work_id)
    assert said.source == f"review of {hold.permission.permission_id}"
    assert catalogue.corpus(studio).admitted == (), "the manifest says who is in"
    done = pass_gate(studio, folder)
    assert by_name(done) == {"again.jpg": "admitted"} and done.outcomes[0].permission_id == said.permission_id
    assert done.admission.document["works"][0]["permission_id"] == said.permission_id
    with pytest.raises(ConflictError, match="does not wait"):
        review(studio, work_id, admit=True, by="Cleo Dunn", reason="once more")

    rights.revoke(studio, said.permission_id, by="Cleo Dunn", reason="there was no leave")
    assert catalogue.corpus(studio).gate_problem.startswith(f"'{work_id}' was admitted and may no longer be used")
    assert by_name(pass_gate(studio, folder)) == {"again.jpg": "waiting"}, "an answer taken back is none"
    assert check_studio(studio) == []


def test_another_yes_is_no_answer(studio: Studio, tmp_path: Path) -> None:
    """A yes that somebody states later does not speak of the hold, so the work still waits."""
    folder = put(tmp_path / "src", added__txt=SEA + "The end of this.")
    work_id = work_of(pass_gate(studio, folder), "added.txt")
    after = "2099-01-01T00:00:00Z"
    catalogue.state(studio, Permission(work_id, "train", "allow", "of course", "a form", "Eve Hale", now()))

    assert holds_of(look(studio, after)) and by_name(pass_gate(studio, folder)) == {"added.txt": "waiting"}


def test_an_answer_is_about_one_likeness(studio: Studio, tmp_path: Path) -> None:
    """When another refused work turns up that it looks like, somebody has to look again."""
    folder = put(tmp_path / "src", added__txt=SEA + "The end of this.")
    work_id = work_of(pass_gate(studio, folder), "added.txt")
    review(studio, work_id, admit=True, by="Cleo Dunn", reason="a quotation")
    assert by_name(pass_gate(studio, folder)) == {"added.txt": "admitted"}

    other = put(tmp_path / "more", longer__txt=SEA + "The end of that, and then some.")
    more = pass_gate(studio, other, terms=Terms(creator="Ben Marl", permission="deny"))
    assert by_name(more) == {"longer.txt": "refused"}
    done = pass_gate(studio, folder)
    assert by_name(done) == {"added.txt": "waiting"}
    assert [hold.likeness.owner for hold in done.outcomes[0].holds] == [work_of(more, "longer.txt")]


def test_a_hold_ends_with_the_refusal(studio: Studio, tmp_path: Path) -> None:
    """Whoever said no takes it back: the gate takes its hold back, and says so."""
    folder = put(tmp_path / "src", utf8__txt=SEA + " ")
    done = pass_gate(studio, folder)
    assert by_name(done) == {"utf8.txt": "waiting"}
    refused = done.outcomes[0].holds[0].likeness.owner
    no = next(one for one in _said(studio) if one.subject == refused)

    rights.revoke(studio, no.permission_id, by=no.declared_by, reason="a new contract")

    assert by_name(pass_gate(studio, folder)) == {"utf8.txt": "admitted"}
    (back,) = [one for one in _said(studio) if one.declared_by == GATE and one.revokes]
    assert back.revokes == done.outcomes[0].permission_id


def test_a_review_never_overrides_a_no(studio: Studio, tmp_path: Path) -> None:
    folder = put(
        tmp_path / "src", added__txt=SEA + "The end of this.", code__py="# SPDX-License-Identifier: GPL-2.0-only\nprint()\n"
    )
    done = pass_gate(studio, folder)
    work_id, code = work_of(done, "added.txt"), work_of(done, "code.py")

    for by, reason in (("", "why"), ("Cleo", " ")):
        with pytest.raises(InputError, match="a reason and somebody"):
            review(studio, work_id, admit=True, by=by, reason=reason)
    with pytest.raises(NotFoundError, match="there is no work 'work:none'"):
        review(studio, "work:none", admit=True, by="Cleo", reason="why")

    (no,) = review(studio, work_id, admit=False, by="Cleo Dunn", reason="it is a copy")
    assert (no.value, no.verb) == ("deny", "train")
    with pytest.raises(ConflictError, match="is denied: it is a copy") as caught:
        review(studio, work_id, admit=True, by="Eve Hale", reason="I like it")
    assert no.permission_id in caught.value.remedy
    said = review(studio, code, admit=True, by="Cleo Dunn", reason="the GPL is fine for us")
    assert [one.verb for one in said] == ["train", "finetune"], "both were conditional"
    assert by_name(pass_gate(studio, folder)) == {"added.txt": "refused", "code.py": "admitted"}
    deny(studio, code, by="Ada Quill")
    assert by_name(pass_gate(studio, folder))["code.py"] == "refused"
    assert read_admission(studio, catalogue.corpus(studio).digest()).state == "whole"
