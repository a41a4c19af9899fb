"""People and works by what others call them: numbers that came later, later credits, funds that pay on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from endcredits.ids import PartyId, WorkId
from endcredits.store import Store, insert_records
from endcredits.works import Contributor, Party, Submission, party_id_of, register, share_tables
from endcredits.works.finding_people import (
    funds_of,
    people_called,
    works_crediting,
    works_numbered,
    works_of,
)
from endcredits.works.shares.book import add_credits, add_parties
from endcredits.works.shares.known_as import WorkIdentifier, identify, identify_parties

AT = "2026-01-01T00:00:00Z"
ORCID, IPI, ISWC, ISRC = "0000-0002-1825-0097", "00014107338", "T0345246801", "GBEMI0300013"
NORA, GUILD, HOUSE, ZOE = (PartyId(party_id_of(name)) for name in ("Nora Reed", "Guild", "House", "Zoe"))


@pytest.fixture
def filled(store: Store, tmp_path: Path) -> Iterator[Store]:
    """Nora wrote "a"; a guild, which pays a house, which pays Zoe, owns "b"."""

    def made(name: str, maker: str) -> Submission:
        content = ((name, "text/plain", name.encode()),)
        return Submission(name, content, (Contributor(maker),), "allow", "r", "s", "d", name, name)

    store.write(lambda conn: register(conn, tmp_path, [made("a", "Nora Reed"), made("b", "Guild")], AT))
    store.write(lambda conn: add_parties(conn, [Party(HOUSE, "House"), Party(ZOE, "Zoe")]))
    members = [(GUILD, HOUSE), (HOUSE, ZOE), (HOUSE, NORA)]
    rows = [
        {"fund_id": fund, "valid_from": "2026-01-01", "party_id": party, "share_ppb": 1 if party == ZOE else 999_999_999}
        for fund, party in members
    ]
    store.write(lambda conn: insert_records(conn, share_tables.fund_shares, rows))
    yield store


def test_numbers_that_others_gave_somebody_later_are_found(filled: Store) -> None:
    filled.write(lambda conn: identify_parties(conn, [("orcid", ORCID, NORA), ("ipi", IPI, ZOE)], "a society"))
    with filled.reading() as conn:
        assert people_called(conn, ORCID) == people_called(conn, ORCID.replace("-", "")) == [(NORA, "orcid")]
        assert people_called(conn, f"isni:{ORCID}") == [(NORA, "orcid")]
        assert people_called(conn, IPI) == [(ZOE, "ipi")]


def test_later_credits_count_by_party_and_by_the_name_on_the_screen(filled: Store) -> None:
    credit = [(ZOE, "translator", "Z. of the Hills")]
    filled.write(lambda conn: add_credits(conn, WorkId("a"), credit, "a sheet"))
    with filled.reading() as conn:
        assert works_of(conn, [ZOE]) == {"a"} and works_of(conn, [NORA, ZOE]) == {"a"}
        assert works_crediting(conn, "z. OF the hills") == {"a": {ZOE}}


def test_funds_are_followed_up_to_whoever_is_paid(filled: Store) -> None:
    with filled.reading() as conn:
        assert funds_of(conn, ZOE) == funds_of(conn, NORA) == {HOUSE, GUILD}
        assert funds_of(conn, GUILD) == set() and works_of(conn, funds_of(conn, ZOE)) == {"b"}
    circle = {"fund_id": NORA, "valid_from": "2026-01-01", "party_id": GUILD, "share_ppb": 1_000_000_000}
    filled.write(lambda conn: insert_records(conn, share_tables.fund_shares, [circle]))
    with filled.reading() as conn:
        assert funds_of(conn, ZOE) == {HOUSE, GUILD, NORA}, "a damaged registry ends, too"


def test_works_are_found_by_their_numbers_as_people_write_them(filled: Store) -> None:
    numbers = [WorkIdentifier("iswc", ISWC, WorkId("a"), "CWR"), WorkIdentifier("isrc", ISRC, WorkId("b"), "CWR")]
    filled.write(lambda conn: identify(conn, numbers))
    with filled.reading() as conn:
        assert works_numbered(conn, "T-034.524.680-1") == works_numbered(conn, " iswc:T0345246801") == {"a": "iswc"}
        assert works_numbered(conn, "gb-emi-03-00013") == {"b": "isrc"}
        for none in ("", "iswc:", "T-034.524.680-2", "isrc:T0345246801", "978-0-306-40615-7", "\x00", "\ud800"):
            assert works_numbered(conn, none) == {}, none
