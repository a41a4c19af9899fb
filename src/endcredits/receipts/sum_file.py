"""The leaves of a sum tree with their salts, one a line, in the order of the tree: what an operator keeps of it.

    {"leaf":{"currency":"EUR","kind":"payee",...},"salt":"9f.."}
    {"hash":"03..","paid_micros":5,"taken_micros":0}                  a leaf that was erased

Lines are RFC 8785 JSON, so a file has one spelling and whatever was changed in it is found while it is read. The file is
private: whoever has it sees what everybody earned. From it root, sums and every payee's path follow.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from endcredits import durable
from endcredits.canonical import canonical_bytes
from endcredits.errors import EndcreditsError, InputError, IntegrityError, NotFoundError
from endcredits.receipts.sum_tree import Salted, SumLeaf, SumNode, SumPlace, SumRoot, SumTree, build, leaf_bytes

T = TypeVar("T")
_RESTORE = "Restore it from your last copy; without its salts nobody can prove their place any more."
_LEAF: dict[str, type] = {field.name: str if field.type == "str" else int for field in dataclasses.fields(SumLeaf)}
_NODE: dict[str, type] = {"hash": str, "paid_micros": int, "taken_micros": int}
_ROOT: dict[str, type] = {"currency": str, "count": int, "paid_micros": int, "taken_micros": int, "root": str}


def row_bytes(row: Salted | SumNode) -> bytes:
    """A row's line without its end, RFC 8785."""
    if isinstance(row, SumNode):
        return canonical_bytes(row)
    return b'{"leaf":' + leaf_bytes(row.leaf) + b',"salt":"' + row.salt.encode() + b'"}'


def write_tree(path: str | os.PathLike[str], tree: SumTree) -> None:
    """Writes a tree's rows, whole or not at all.

    Raises:
        MachineError: the disk is full or may not be written; what stood there before stands.
    """
    durable.write_atomic(path, b"".join(row_bytes(row) + b"\n" for row in tree.rows), private=True)


def read_tree(path: str | os.PathLike[str]) -> SumTree:
    """Reads the rows back and builds the tree.

    Raises:
        NotFoundError: there is no such file.
        IntegrityError: it is not as it was written, by row.
        MachineError: it cannot be read.
    """
    place = Path(path)
    try:
        data = place.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError("there is no such sum tree", remedy=_RESTORE, file=place) from error
    except OSError as error:
        raise durable.machine_error(error, place) from error
    *lines, rest = data.split(b"\n")
    if rest:
        raise IntegrityError("the last line has no end", remedy=_RESTORE, file=place, row=len(lines) + 1)
    rows = [_row(line, place, number) for number, line in enumerate(lines, 1)]
    try:
        tree = build(rows)
    except EndcreditsError as error:
        raise IntegrityError(f"this is no sum tree: {error.message}", remedy=_RESTORE, file=place) from error
    if list(tree.rows) != rows:
        raise IntegrityError("the leaves are not in the order of their hashes", remedy=_RESTORE, file=place)
    return tree


def _row(line: bytes, file: Path, number: int) -> Salted | SumNode:
    try:
        row = _row_of(json.loads(line))
        if row_bytes(row) != line:
            raise ValueError("it is spelt otherwise")
    except (ValueError, TypeError, KeyError, RecursionError, EndcreditsError) as error:
        raise IntegrityError(f"this is no row of a sum tree ({error})", remedy=_RESTORE, file=file, row=number) from error
    return row


def _row_of(plain: Any) -> Salted | SumNode:
    if "hash" in plain:
        return SumNode(**_checked(plain, _NODE, "the node"))
    salted = _checked(plain, {"leaf": dict, "salt": str}, "the row")
    return Salted(SumLeaf(**_checked(salted["leaf"], _LEAF, "the leaf")), salted["salt"])


def _checked(plain: Any, kinds: dict[str, type], what: str) -> dict[str, Any]:
    """An object that has exactly these fields, of these types."""
    if type(plain) is not dict or plain.keys() != kinds.keys():
        raise ValueError(f"{what} has other fields than {', '.join(kinds)}")
    for name, kind in kinds.items():
        if type(plain[name]) is not kind:
            raise ValueError(f"the field '{name}' of {what} is of the wrong kind")
    return plain


def place_of(plain: Any) -> SumPlace:
    """A payee's place as it is attached to a period's receipt (`sum`).

    Raises:
        InputError: it has other fields, or values of other kinds; whether it proves anything is for `sum_problem` to say.
    """
    return _refusing("place", _place_of, plain)


def root_of(plain: Any) -> SumRoot:
    """One of the published `sums` of a period's receipt.

    Raises:
        InputError: it has other fields, or values of other kinds.
    """
    return _refusing("sum", lambda plain: SumRoot(**_checked(plain, _ROOT, "the sum")), plain)


def body_problem(body: Any) -> str:
    """What is wrong with the published sums of a period's receipt beside its pools, in words; "" when nothing is.

    What was given less what was taken back is the sum of the pools, in every currency of a pool; other currencies have
    nothing. Whoever was left out or invented would have to be made up for in the pools, which everybody sees.
    """
    try:
        sums = [root_of(one) for one in body["sums"]]
        whole: dict[str, int] = {}
        for pool in body["pools"]:
            micros = pool["pool_micros"]
            if type(micros) is not int or type(pool["currency"]) is not str:
                raise TypeError("a pool has no amount or no currency")
            whole[pool["currency"]] = whole.get(pool["currency"], 0) + micros
    except (TypeError, KeyError, InputError) as error:
        return f"the pools and sums cannot be read ({error})"
    of_currency = {one.currency: one for one in sums}
    if len(of_currency) < len(sums):
        return "a currency has two sums"
    for currency in sorted({*whole, *of_currency}):
        one = of_currency.get(currency)
        if one is None:
            return f"the pools in {currency} have no sum"
        if one.paid_micros - one.taken_micros != whole.get(currency, 0):
            return f"the sums in {currency} are not those of its pools"
    return ""


def _place_of(plain: Any) -> SumPlace:
    kinds: dict[str, type] = {"currency": str, "index": int, "leaf": dict, "path": list, "salt": str}
    values = _checked(plain, kinds, "the place")
    path = tuple(SumNode(**_checked(step, _NODE, "a step")) for step in values["path"])
    return SumPlace(**{**values, "leaf": SumLeaf(**_checked(values["leaf"], _LEAF, "the leaf")), "path": path})


def _refusing(what: str, read: Callable[[Any], T], plain: Any) -> T:
    try:
        return read(plain)
    except (ValueError, TypeError) as error:
        raise InputError(f"this is no {what} of a sum tree: {error}", remedy="Use the file as it was handed out.") from error
