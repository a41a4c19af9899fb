"""People, enrolments, grants and revocations: added once, never changed, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.store import Store
from endcredits.works.likeness import (
    LikenessGrant,
    Person,
    add_enrolment,
    add_grant,
    add_party,
    check_likeness,
    decide_likeness,
    enrol_person,
    enrolments,
    grants,
    revocations,
    revoke_grant,
)

from .made import ADA, AFTER, AT, BEFORE, MUM, grant, request, standing

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
    for words, modality in (("", "voice"), ("vault", "aura"), ("a\0b", "voice"), ("vault \udcff", "voice")):
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


def test_the_same_paper_is_the_same_grant_whatever_is_null_in_it(store: Store) -> None:
    enrolled(store)
    kept = granted(store)
    for same in ({"log_index": None}, {"rights_holder_id": None}, {"signature_ref": f" {kept.signature_ref} "}):
        again, new = store.write(lambda conn, c=same: add_grant(conn, grant(**c)))  # type: ignore[misc]
        assert (again, new) == (kept, False)
    for other in ({"uses__0__max_uses": 99}, {"signature_ref": kept.signature_ref.upper(), "forbidden": []}):
        with pytest.raises(ConflictError, match="same signature"):
            store.write(lambda conn, c=other: add_grant(conn, grant(**c)))  # type: ignore[misc]
    apart, new = store.write(lambda conn: add_grant(conn, grant(signature_ref="contracts/42.pdf")))
    assert new and apart.grant_id != kept.grant_id


def test_what_was_signed_before_everything_was_taken_back_does_not_count_later(store: Store) -> None:
    enrolled(store)
    kept = granted(store)
    single = store.write(lambda conn: revoke_grant(conn, kept.grant_id, "This one.", "Ada", BEFORE))
    assert store.write(lambda conn: revoke_grant(conn, kept.grant_id, "All.", "Ada", AT, of_person=True)) == single
    store.write(lambda conn: revoke_grant(conn, kept.grant_id, "All.", "Ada", AT, of_person=True))
    late, _ = store.write(lambda conn: add_grant(conn, grant(signature_ref="contracts/42.pdf")))
    with store.reading() as conn:
        taken = revocations(conn)
        assert [one.of_person for one in taken] == [False, True] and list(check_likeness(conn)) == []
    found = decide_likeness(standing(late, revocations=taken), request(), AFTER)
    assert found.rule_id == "revoked"
    anew = grant(signature_ref="contracts/43.pdf", signed_at=AFTER)
    assert "revoked" not in {
        one.rule_id for one in decide_likeness(standing(anew, revocations=taken), request(), AFTER).blocks
    }
