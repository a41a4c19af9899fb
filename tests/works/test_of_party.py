"""The works of a party in pieces, against the whole registry read at once."""

from __future__ import annotations

import random

import pytest
from sqlalchemy.engine import Connection

from endcredits.ids import PartyId, WorkId
from endcredits.store import Store
from endcredits.works import (
    Contributor,
    FileMark,
    Permission,
    Submission,
    add_marks,
    asked_about,
    marks,
    of_party,
    party_id_of,
    permissions,
    register,
    state_permissions,
    works,
)
from endcredits.works.asked import speaks_of

AT = "2026-01-01T00:00:00Z"
PEOPLE = ("Ada Quill", "Ben Marl", "Cleo Dunn")


def fill(conn: Connection, folder: str) -> None:
    draw = random.Random(7)
    given = []
    for number in range(23):
        content = tuple((f"{number}-{part}", "text/plain", f"{number} {part}".encode()) for part in range(1 + number % 2))
        names = draw.sample(PEOPLE, number % 3 + (number != 6) if number % 3 < 3 else 0)
        given.append(
            Submission(
                f"Work {number}", content, tuple(Contributor(name) for name in names), "unknown", "r", "s", "d", f"{number}",
                f"work:{number:02d}",
            )
        )  # fmt: skip
    register(conn, folder, given, AT)
    found = works(conn)
    add_marks(conn, [FileMark(one.manifestations[0].sha256, "url", f"https://a.example/{one.work_id[5:]}") for one in found])
    stated = [
        Permission(one.work_id, "train", draw.choice(["allow", "deny"]), "because", "s", "d", AT) for one in found[::2]
    ]
    stated += [
        Permission(one.manifestations[0].sha256, "tdm", "deny", "x", "s", "d", AT, subject_kind="sha256")
        for one in found[::3]
    ]
    stated += [
        Permission("https://a.example/1*", "index", "deny", "x", "s", "d", AT, subject_kind="url"),
        Permission("https://b.example/*", "index", "deny", "x", "s", "d", AT, subject_kind="url"),
        Permission(party_id_of(PEOPLE[0]), "style", "deny", "x", "s", "d", AT, subject_kind="person"),
        Permission("https://c.example/*", "tdm", "deny", "x", "s", PEOPLE[0], AT, subject_kind="url",
                   party_id=party_id_of(PEOPLE[0])),
    ]  # fmt: skip
    state_permissions(conn, stated)


@pytest.mark.parametrize("at_once", [1, 4, 500])
def test_pieces_say_what_the_whole_says(
    store: Store, tmp_path: object, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_party, "AT_ONCE", at_once)
    store.write(lambda conn: fill(conn, str(tmp_path)))

    with store.reading() as conn:
        everything, said, names = works(conn), permissions(conn), marks(conn)
        for person in PEOPLE:
            party_id = PartyId(party_id_of(person))
            own = [one for one in everything if party_id in {credit.party_id for credit in one.credits}]
            owned = of_party.work_ids_of(conn, party_id)
            found = list(of_party.said_of_works(conn, owned))

            assert owned == {one.work_id: True for one in own}
            assert [one.work for one in found] == own
            for one in found:
                asked = of_party.nobody(asked_about(one.work, names))
                slow = {each.permission_id for each in said if speaks_of(each, asked)}
                assert {each.permission_id for each in one.permissions} == slow
                assert set(one.names) == {credit.party_id for credit in one.work.credits}
                assert one.registered_at == AT
        assert list(of_party.said_of_works(conn, [WorkId("work:none")])) == []
        assert of_party.work_ids_of(conn, PartyId("party:none")) == {}
        for party_id in ("", "party:none", party_id_of(PEOPLE[0])):
            by_them = {one.permission_id for one in said if one.party_id == party_id}
            pages = list(of_party.statements_by(conn, PartyId(party_id)))
            found_by = {one.permission_id for page in pages for one in page if one.party_id == party_id}
            assert found_by == by_them and bool(by_them) == (party_id != "party:none")
