"""People, enrolments, grants and revocations: added once, never changed, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.store import Store
from endcredits.works import Split, decide, parties, permissions, works
from endcredits.works.asked import asked_about
from endcredits.works.likeness import (
    RIGHT,
    LikenessGrant,
    Person,
    add_enrolment,
    add_grant,
    add_party,
    check_likeness,
    enrol_person,
    enrolments,
    grants,
    people,
    revocations,
    revoke_grant,
)

from .made import ADA, AFTER, AT, BEFORE, MUM, grant

SHA = "ab" * 32


def enrolled(store: Store, **changes: Any) -> Person:
    """Ada, on record."""

    def work(conn: Any) -> Person:
        return enrol_person(conn, add_party(conn, "Ada Example"), BEFORE, **changes)

    return store.write(work)


def granted(store: Store, **changes: Any) -> LikenessGrant:
    """Ada's grant, on record."""
    return store.write(lambda conn: add_grant(conn, grant(**changes)))[0]


def test_a_person_has_an_entry_that_nobody_learns_from_and_that_pays_them(store: Store) -> None:
    person = enrolled(store)
    with store.reading() as conn:
        (work,), said = works(conn), permissions(conn)
        assert parties(conn)[ADA].kind == "person" and people(conn) == {ADA: person}
    assert work.work_id == person.work_id == f"likeness:{ADA}" and work.manifestations == ()
    assert work.splits == (Split(ADA, 1_000_000_000, right=RIGHT),)
    assert [(one.party_id, one.role) for one in work.credits] == [(ADA, "performer")]
    assert decide(said, asked_about(work), "train", AT).value == "deny"
    assert decide(said, asked_about(work), "finetune", AT).value == "deny"


def test_the_same_again_adds_nothing_and_news_adds_a_version(store: Store) -> None:
    first = enrolled(store, turns_18_on="2030-01-01")
    assert enrolled(store) == enrolled(store, turns_18_on="2030-01-01") == first
    mum = store.write(lambda conn: add_party(conn, "Grace Example")).party_id
    later = enrolled(store, guardian_id=mum, deceased_on="2026-11-01")
    assert (later.turns_18_on, later.guardian_id, later.deceased_on) == ("2030-01-01", MUM, "2026-11-01")
    with store.reading() as conn:
        assert people(conn)[ADA] == later
        assert list(check_likeness(conn)) == []


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"guardian_id": ADA}, InputError, "guardian"),
        ({"rights_holder_id": ADA}, InputError, "rights_holder"),
        ({"guardian_id": "party:nobody"}, NotFoundError, "guardian"),
        ({"turns_18_on": "soon"}, InputError, "turns_18_on"),
        ({"deceased_on": "2026-02-30"}, InputError, "deceased_on"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(
    sqlite_store: Store, changes: dict[str, Any], error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as refused:
        enrolled(sqlite_store, **changes)
    assert refused.value.field == field  # type: ignore[attr-defined]
    with sqlite_store.reading() as conn:
        assert people(conn) == {} == parties(conn) and works(conn) == ()


def test_payees_are_named_once_and_later_by_splits(store: Store) -> None:
    def work(conn: Any, part: int) -> Person:
        mum = add_party(conn, "Grace Example").party_id
        paid = [Split(mum, part, right=RIGHT), Split(ADA, 10**9 - part, right=RIGHT)]
        return enrol_person(conn, add_party(conn, "Ada Example"), BEFORE, payees=paid)

    store.write(lambda conn: work(conn, 250_000_000))
    with store.reading() as conn:
        assert {one.party_id: one.split_ppb for one in works(conn)[0].splits} == {MUM: 250_000_000, ADA: 750_000_000}
    with pytest.raises(InputError, match="on record already"):
        store.write(lambda conn: work(conn, 300_000_000))


def test_a_reference_is_its_digest_alone(store: Store) -> None:
    enrolled(store)
    first = store.write(lambda conn: add_enrolment(conn, ADA, "voice", SHA, "vault 2", BEFORE))
    again = store.write(lambda conn: add_enrolment(conn, ADA, "voice", SHA, "vault 3", AT))
    store.write(lambda conn: add_enrolment(conn, ADA, "face", SHA, "vault 2", BEFORE))
    assert again == first and first.kept_at == "vault 2"
    with store.reading() as conn:
        assert {one.modality for one in enrolments(conn, ADA)} == {"voice", "face"} and len(enrolments(conn)) == 2
        assert list(check_likeness(conn)) == []
    for words, modality in (("", "voice"), ("vault", "aura"), ("a\0b", "voice")):
        with pytest.raises(InputError):
            store.write(lambda conn, m=modality, w=words: add_enrolment(conn, ADA, m, SHA, w, BEFORE))  # type: ignore[misc]
    with pytest.raises(NotFoundError):
        store.write(lambda conn: add_enrolment(conn, MUM, "voice", SHA, "vault", BEFORE))


def test_a_grant_is_kept_once_and_as_it_was(store: Store) -> None:
    with pytest.raises(NotFoundError, match="enrol"):
        granted(store)
    enrolled(store)
    hostile = {"uses__0__description": "=cmd|' /C calc'!A0 <b>two lines</b> in episode four", "cba_id": "\x1b[2J\u202e"}
    kept, new = store.write(lambda conn: add_grant(conn, grant(**hostile)))
    again, news = store.write(lambda conn: add_grant(conn, grant(**hostile)))
    assert (new, news) == (True, False) and again == kept
    with store.reading() as conn:
        assert grants(conn) == grants(conn, ADA) == (kept,) and grants(conn, MUM) == ()


def test_taking_back_closes_forward_and_deletes_nothing(store: Store) -> None:
    enrolled(store)
    kept = granted(store)
    first = store.write(lambda conn: revoke_grant(conn, kept.grant_id, "I changed my mind.", "Ada", AT))
    again = store.write(lambda conn: revoke_grant(conn, kept.grant_id, "Truly.", "Ada", AFTER))
    assert again == first and first.revoked_at == AT
    with store.reading() as conn:
        assert revocations(conn) == revocations(conn, [kept.grant_id]) == (first,) and grants(conn) == (kept,)
        assert list(check_likeness(conn)) == []
    for reason, by in (("", "Ada"), ("why", " "), ("x" * 2_001, "Ada")):
        with pytest.raises(InputError):
            store.write(lambda conn, r=reason, b=by: revoke_grant(conn, kept.grant_id, r, b, AT))  # type: ignore[misc]
    with pytest.raises(NotFoundError):
        store.write(lambda conn: revoke_grant(conn, "grant:none", "why", "Ada", AT))
