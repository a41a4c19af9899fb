"""A name in a column of party ids is refused, and the refusal says where ids are listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from endcredits.errors import InputError
from endcredits.payouts.payee_files import read_payees
from endcredits.royalties.claims import read_claims
from endcredits.royalties.contract_files import read_contracts
from endcredits.works.party_ids import checked_party_id


def test_an_id_is_returned_as_it_is() -> None:
    assert checked_party_id("party:ada-moreno-1a2b3c4d") == "party:ada-moreno-1a2b3c4d"


@pytest.mark.parametrize(
    ("read", "columns", "row"),
    [
        (lambda path: read_payees(path, "2026-01-01"), "party_id,country,rail,currency,holder", "Ada Moreno,DE,csv,EUR,Ada"),
        (read_contracts, "party_id,contract_id,currency,valid_from", "Ada Moreno,debut,EUR,2026-01-01"),
        (read_claims, "party_id,work_id,claimed,source", "Ada Moreno,work:a,50%,a letter"),
    ],
)
def test_a_file_with_a_name_is_told_where_ids_are(
    read: Callable[[Path], object], columns: str, row: str, tmp_path: Path
) -> None:
    """File, row and field are named, and the command that lists ids."""
    path = tmp_path / "some.csv"
    path.write_text(f"{columns}\n{row}\n")
    with pytest.raises(InputError, match="'Ada Moreno' cannot be an id") as caught:
        read(path)
    assert "endcredits works parties" in caught.value.remedy
    assert (caught.value.row, caught.value.field) == (1, "party_id")
