"""Bank details are checked when they come in, and never shown whole."""

# ruff: noqa: RUF001 (digits and letters of other scripts are the subject of some tests)
from __future__ import annotations

import pytest
import schwifty
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.payouts.bank import (
    BankDetail,
    check_country,
    check_holder,
    iban_problem,
    mask,
    validate_bic,
    validate_iban,
    validate_routing,
)
from endcredits.payouts.rails.sample import german_iban

GOOD = "DE89370400440532013000"
SOUND = (GOOD, "GB29NWBK60161331926819", "FR1420041010050500013M02606", "NO9386011117947", "MT84MALT011000012345MTLCAST001S")


@pytest.mark.parametrize("iban", SOUND)
def test_examples_of_the_registry_are_taken(iban: str) -> None:
    """With spaces and in small letters too."""
    assert validate_iban(iban) == iban
    assert validate_iban(" ".join(iban.lower())) == iban


@pytest.mark.parametrize(
    "iban",
    ["", "DE", "DE89370400440532013001", "DE8937040044053201300", "XX89370400440532013000", "ＤＥ89370400440532013000"],
)
def test_what_is_no_iban_is_refused_without_showing_it(iban: str) -> None:
    """The message masks the number, and says what to do."""
    with pytest.raises(InputError) as caught:
        validate_iban(iban)

    assert caught.value.field == "iban"
    assert "370400440532" not in str(caught.value)


@given(st.integers(0, 10**10 - 1), st.integers(0, 21), st.integers(1, 9))
def test_one_changed_digit_is_found(number: int, place: int, shift: int) -> None:
    """Mod 97 finds every slip of one digit; the slow twin is schwifty."""
    iban = german_iban(number)
    assert iban_problem(iban) == "" and schwifty.IBAN(iban).is_valid
    if place >= 2:
        wrong = iban[:place] + str((int(iban[place]) + shift) % 10) + iban[place + 1 :]

        assert iban_problem(wrong) != ""


def test_a_routing_number_has_a_check_digit() -> None:
    """Nine digits, weighted 3, 7, 1."""
    assert validate_routing("0110-0001 5") == "011000015"
    for wrong in ("011000016", "01100001", "000000000", "01100001x", "٠١١٠٠٠٠١٥"):
        with pytest.raises(InputError, match="routing"):
            validate_routing(wrong)


def test_a_bic_has_a_country() -> None:
    """ISO 9362."""
    assert validate_bic("cobadeff xxx") == "COBADEFFXXX"
    for wrong in ("COBA", "COBAXXFF", "=cmd"):
        with pytest.raises(InputError):
            validate_bic(wrong)


def test_a_detail_prints_itself_masked() -> None:
    """In a log, a traceback, a document."""
    detail = BankDetail("Ada", GOOD, "COBADEFFXXX", "011000015", "123456789", "checking", "acct_1234567890")

    for text in (repr(detail), str(detail), f"{detail}"):
        for secret in (GOOD, "011000015", "123456789", "acct_1234567890"):
            assert secret not in text
    assert detail.masked == "IBAN DE…3000"
    assert mask("1234567") == "…"


def test_countries_are_those_of_the_standard() -> None:
    """ISO 3166-1, as pycountry lists it."""
    pycountry = pytest.importorskip("pycountry")
    for country in pycountry.countries:
        assert check_country(country.alpha_2) == country.alpha_2
    for wrong in ("UK", "XX", "de", "", "DEU", "=1"):
        with pytest.raises(InputError, match="country"):
            check_country(wrong)


@pytest.mark.parametrize("name", ["", "  ", " Ada", "A\u202eda", "A\x00", "A\nB", "12 34", "x" * 141, "A\ud800"])
def test_a_holder_is_one_visible_line(name: str) -> None:
    """Control and direction marks have no place in a name."""
    with pytest.raises(InputError) as caught:
        check_holder(name)

    assert caught.value.field == "holder"


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "<b>&\"'", "#import", "山田太郎", "Ada"])
def test_other_strange_names_are_data(name: str) -> None:
    """They are somebody's name until shown otherwise."""
    assert check_holder(name) == name
