"""Times and days have one shape, so that comparing texts compares times."""

import pytest

from endcredits.errors import InputError
from endcredits.works.utc import check_day, check_time


@pytest.mark.parametrize(
    "text", ["2026-11-20", "2026-11-20T12:00:00.5Z", "2026-11-20T12:00:00+00:00", "2026-02-30T00:00:00Z", ""]
)
def test_another_shape_of_time_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a UTC time"):
        check_time(text)


@pytest.mark.parametrize("text", ["2026-02-30", "20261120", "2026-11-20T00:00:00Z", "٢٠٢٦-11-20"])
def test_another_shape_of_day_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a day"):
        check_day(text)


def test_the_right_shape_is_returned_as_it_is() -> None:
    assert check_time("2026-11-20T12:00:00Z") == "2026-11-20T12:00:00Z"
    assert check_day("0001-01-01") == "0001-01-01"
