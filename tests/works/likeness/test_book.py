"""People, enrolments, grants and revocations: added once, never changed, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.store import Store
from endcredits.works.likeness import (
    LikenessGrant,
    Person,
    add_enrolment,
    add_grant,
    add_party,
    check_likeness,
    enrol_person,
    enrolments,
    grants,
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
