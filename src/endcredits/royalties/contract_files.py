"""Reading contracts from a file: TOML for people, CSV, JSON Lines or Parquet for tables. The keys are the same.

    [[contract]]
    contract_id = "debut-album"
    party_id = "party:ada"
    currency = "EUR"
    valid_from = "2026-01-01"
    advance = "5000.00"            # main units; or advance_micros = 5000000000
    recoup = "50%"                 # of the earnings, until the advance is earned; 100% where it is left out
    reserve = "10%"                # held back against refunds
    reserve_days = 180
    guarantee = "100.00"
    cross_group = "albums"         # contracts of this name recoup each other's advances
    works = ["work:a", "work:b"]   # in a table: work:a;work:b; left out for all works of the party
    order = ["guarantee", "recoup", "reserve", "release"]
    source = "contract of 2026-01-05, clause 7"

A file that holds one wrong contract gives none, so that nobody is settled by half of what was agreed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.ids import PartyId, WorkId, plain_id
from endcredits.money import PPB
from endcredits.royalties.cells import amount, day, required, texts_of, whole
from endcredits.royalties.contract_records import ORDER, Contract
from endcredits.royalties.spellings import checked_currency, percent_ppb, readable
from endcredits.royalties.tabular import raw_rows
from endcredits.royalties.toml_table import Table, load_toml
from endcredits.works.party_ids import checked_party_id

CONTRACT_ID_LENGTH_MAX = 80
"""An account's path holds the ids of a party and of a contract and has at most 300 characters."""
RESERVE_DAYS_MAX = 3_660
REQUIRED = ("contract_id", "party_id", "currency", "valid_from")

T = TypeVar("T")

_AMOUNTS = ("advance", "guarantee")
_PORTIONS = {"recoup": PPB, "reserve": 0}
_NUMBERS = frozenset({"reserve_days"} | {key for name in _AMOUNTS for key in (name, f"{name}_micros")})
_NUMBERS_PPB = frozenset(f"{name}_ppb" for name in _PORTIONS)
_LISTS = frozenset({"works", "order"})
_TEXTS = frozenset({*REQUIRED, *_PORTIONS, "valid_to", "cross_group", "source"})


def read_contracts(path: str | os.PathLike[str]) -> tuple[Contract, ...]:
    """Reads the contracts of a file, in its order.

    Args:
        path: ends in `.toml`, `.csv`, `.jsonl`, `.ndjson` or `.parquet`.

    Raises:
        InputError: naming file, row (the number of the contract in TOML) and field.
    """
    file = Path(path)
    if file.suffix.lower() == ".toml":
        top = Table(load_toml(file))
        tables = top.tables("contract")
        _in_row(top.close, file, None)
        found = [_in_row(lambda one=table: _of_table(one), file, row) for row, table in enumerate(tables, 1)]  # type: ignore[misc]
    else:
        found = list(_rows(file))
    if not found:
        raise InputError("the file holds no contract", remedy="Add one; see the documentation for its fields.", file=file)
    return tuple(found)


def check_contract(contract: Contract) -> Contract:
    """Returns a contract as it is.

    Raises:
        InputError: a value is out of range, or terms do not go together; the field is named.
    """
    plain_id(contract.contract_id, what="contract_id")
    if len(contract.contract_id) > CONTRACT_ID_LENGTH_MAX or ":" in contract.contract_id:
        raise InputError(
            f"'{contract.contract_id[:90]}' cannot be the id of a contract",
            remedy=f"Use at most {CONTRACT_ID_LENGTH_MAX} characters and no colon: an account is named after it.",
            field="contract_id",
        )
    checked_party_id(contract.party_id)
    checked_currency(contract.currency, "currency")
    day(contract.valid_from, field="valid_from")
    if contract.valid_to and day(contract.valid_to, field="valid_to") < contract.valid_from:
        raise InputError(
            f"it ends on {contract.valid_to}, before it begins on {contract.valid_from}",
            remedy="Exchange the two days, or leave valid_to empty for no end.",
            field="valid_to",
        )
    _range(contract.advance_micros, INTEGER_MAX, "advance")
    _range(contract.guarantee_micros, INTEGER_MAX, "guarantee")
    _range(contract.recoup_ppb, PPB, "recoup")
    _range(contract.reserve_ppb, PPB, "reserve")
    _range(contract.reserve_days, RESERVE_DAYS_MAX, "reserve_days")
    if contract.reserve_ppb and not contract.reserve_days:
        raise InputError(
            "a reserve without days is never held", remedy="Say after how many days it is released.", field="reserve_days"
        )
    if sorted(contract.order) != sorted(ORDER):
        raise InputError(
            f"the order {';'.join(contract.order)[:80]!r} is not one of all four terms",
            remedy=f"Name each once: {', '.join(ORDER)}.",
            field="order",
        )
    for key in ("cross_group", "source"):
        if getattr(contract, key):
            readable(getattr(contract, key), key)
    for work_id in contract.works:
        plain_id(work_id, what="works")
    if list(contract.works) != sorted(set(contract.works)):
        raise InputError("a work stands twice or out of order", remedy="Name each work once, sorted.", field="works")
    return contract


def _range(value: int, top: int, field: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= top:
        raise InputError(f"{value!r:.60} is out of range", remedy=f"Give 0 to {top} in its smallest unit.", field=field)


def _in_row(read: Callable[[], T], file: Path, row: int | None) -> T:
    try:
        return read()
    except InputError as error:
        field = (error.field or "").rpartition("].")[2] or None
        raise InputError(error.message, remedy=error.remedy, file=file, row=row, field=field) from error


def _of_table(table: Table) -> Contract:
    contract = _contract(
        {key: table.text(key, None if key in REQUIRED else "") for key in _TEXTS - set(_PORTIONS)},
        advance=table.amount("advance", 0),
        recoup=table.percent("recoup", PPB),
        reserve=table.percent("reserve", 0),
        reserve_days=table.whole("reserve_days", 0, top=RESERVE_DAYS_MAX),
        guarantee=table.amount("guarantee", 0),
        order=table.texts("order"),
        works=table.texts("works"),
    )
    table.close()
    return contract


def _rows(file: Path) -> Iterator[Contract]:
    columns, rows = raw_rows(file)
    for key in REQUIRED:
        if columns is not None and key not in columns:
            raise InputError(f"the column '{key}' is missing", remedy=f"Add {key}.", file=file, field=key)
    for raw in rows:
        if raw.problem is not None:
            raise InputError(raw.problem.message, remedy=raw.problem.remedy, file=file, row=raw.number)
        yield _in_row(lambda one=raw: _of_cells(one.cells), file, raw.number)  # type: ignore[misc]


def _of_cells(cells: object) -> Contract:
    assert isinstance(cells, dict)
    texts = texts_of(cells, _TEXTS | _NUMBERS | _NUMBERS_PPB | _LISTS, _NUMBERS | _NUMBERS_PPB, _LISTS)
    required(texts, *REQUIRED)
    portions = {}
    for name, default in _PORTIONS.items():
        if name in texts and f"{name}_ppb" in texts:
            raise InputError(f"both '{name}' and '{name}_ppb' are given", remedy="Keep one of them.", field=name)
        exact = whole(texts, f"{name}_ppb", default)
        portions[name] = percent_ppb(texts[name], name) if name in texts else exact
    return _contract(
        texts,
        advance=amount(texts, "advance", 0),
        recoup=portions["recoup"],
        reserve=portions["reserve"],
        reserve_days=whole(texts, "reserve_days", 0),
        guarantee=amount(texts, "guarantee", 0),
        order=[word.strip() for word in texts.get("order", "").split(";") if word.strip()],
        works=[word.strip() for word in texts.get("works", "").split(";") if word.strip()],
    )


def _contract(
    texts: dict[str, str],
    *,
    advance: int,
    recoup: int,
    reserve: int,
    reserve_days: int,
    guarantee: int,
    order: Sequence[str],
    works: Sequence[str],
) -> Contract:
    return check_contract(
        Contract(
            contract_id=texts["contract_id"],
            party_id=PartyId(texts["party_id"]),
            currency=texts["currency"],
            valid_from=texts["valid_from"],
            valid_to=texts.get("valid_to", ""),
            advance_micros=advance,
            recoup_ppb=recoup,
            cross_group=texts.get("cross_group", ""),
            reserve_ppb=reserve,
            reserve_days=reserve_days,
            guarantee_micros=guarantee,
            order=tuple(order) or ORDER,
            source=texts.get("source", ""),
            works=tuple(WorkId(work) for work in sorted(works)),
        )
    )
