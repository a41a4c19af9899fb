"""The same name is the same party, whatever its case, spaces and Unicode form; no e-mail address is a name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.works import party_id_of
from endcredits.works.names import clean_identifiers, clean_name, party_key

NAMES = st.text(st.characters(categories=["L", "N", "Zs", "P"], exclude_characters="@"), min_size=1, max_size=60).filter(
    str.strip
)


@given(NAMES)
def test_case_spaces_and_unicode_form_make_no_difference(name: str) -> None:
    party_id = party_id_of(name)

    assert party_id_of(unicodedata.normalize("NFD", name)) == party_id
    assert party_id_of(f"  {name}\t") == party_id
    assert party_id_of(name.casefold()) == party_id


@given(NAMES)
def test_every_name_gives_a_plain_id(name: str) -> None:
    party_id = party_id_of(name)

    assert plain_id(party_id) == party_id
    assert party_id.startswith("party:")


@given(NAMES, NAMES)
def test_two_names_share_an_id_only_when_they_are_the_same(one: str, two: str) -> None:
    assert (party_id_of(one) == party_id_of(two)) == (party_key(one) == party_key(two))


@given(NAMES)
def test_cleaning_a_clean_name_changes_nothing(name: str) -> None:
    clean = clean_name(name)

    assert clean_name(clean) == clean
    assert party_id_of(clean) == party_id_of(name)


def test_an_identifier_tells_two_people_of_one_name_apart() -> None:
    first = clean_identifiers((("orcid", "0000-0002-1825-0097"),))

    assert party_id_of("A. Smith", first) != party_id_of("A. Smith")
    assert first == clean_identifiers((("orcid", "https://orcid.org/0000-0002-1825-0097"),))


@pytest.mark.parametrize("name", ["", "  ", "a@example.org", "A. Smith <a@example.org>", "x" * 201, "A\x00B"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        clean_name(name)

    assert "example.org" not in str(caught.value)


def test_a_stage_name_may_hold_an_at_sign() -> None:
    assert clean_name("@nobody") == "@nobody"


@pytest.mark.parametrize("identifiers", [(("shoe", "43"),), (("orcid", "0000-0002-1825-0098"),)])
def test_a_wrong_identifier_is_refused(identifiers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(InputError):
        clean_identifiers(identifiers)
