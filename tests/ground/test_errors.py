"""Errors that a person can act on: what, where, and what to do."""

import pytest

from endcredits.errors import (
    ConflictError,
    EndcreditsError,
    InputError,
    IntegrityError,
    MachineError,
    NotFoundError,
)


def test_a_message_names_file_row_field_and_remedy() -> None:
    """All on one line, in the order in which one looks."""
    error = InputError("'x' is not a number", remedy="Write 12.50.", file="works.csv", row=3, field="amount")

    assert str(error) == "works.csv, row 3, field 'amount': 'x' is not a number. Write 12.50."
    assert error.args == (str(error),)


@pytest.mark.parametrize(
    "places,text",
    [
        ({}, "it is so."),
        ({"file": "a.txt"}, "a.txt: it is so."),
        ({"row": 1}, "row 1: it is so."),
        ({"field": "f"}, "field 'f': it is so."),
        ({"file": "a.txt", "field": "f"}, "a.txt, field 'f': it is so."),
    ],
)
def test_only_the_places_that_are_known_are_named(places, text) -> None:
    """No empty places, no stray punctuation."""
    assert str(EndcreditsError("it is so", **places)) == text


def test_an_error_as_data_has_every_part() -> None:
    """For programs that read our output."""
    error = NotFoundError("there is none", remedy="Look again.", file="f", row=2, field="id")

    assert error.as_dict() == {
        "error": "NotFoundError",
        "message": "there is none",
        "remedy": "Look again.",
        "file": "f",
        "row": 2,
        "field": "id",
    }


def test_each_kind_has_its_exit_code() -> None:
    """As documented; scripts rely on them."""
    codes = {kind: kind.exit_code for kind in (InputError, NotFoundError, IntegrityError, ConflictError, MachineError)}

    assert codes == {InputError: 2, NotFoundError: 2, IntegrityError: 3, ConflictError: 4, MachineError: 5}
    assert all(issubclass(kind, EndcreditsError) for kind in codes)
