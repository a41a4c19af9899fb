"""The policy: how much of the revenue goes to the works, as data in a TOML file that both sides can read.

    [policy]
    name = "fifty-fifty"
    pool = "50%"                 # or pool_ppb = 500000000
    weighting = "revenue"        # or "nats"
    right = "train"
    payout_threshold = "10.00"   # in main units of any currency, or payout_threshold_micros = 10000000

Everything is read exactly: percentages and amounts are texts or whole numbers, never floats. A key that we do not know
is refused, because a misspelt rule that is silently ignored pays the wrong people.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from endcredits.canonical import INTEGER_MAX, digest
from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.money import PPB, parse_micros
from endcredits.royalties.records import Policy
from endcredits.royalties.sources import read_text

WEIGHTINGS = ("revenue", "nats")
"""What `Policy.weighting` may say."""

KEYS = ("name", "pool", "pool_ppb", "weighting", "right", "payout_threshold", "payout_threshold_micros")
"""What the table [policy] may hold."""

PPB_PER_PERCENT = PPB // 100

_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,7}))? ?%")


def read_policy(source: str | os.PathLike[str]) -> Policy:
    """Reads a policy from a TOML file, or from TOML text.

    Args:
        source: a path; a `str` with a line break or beginning with "[" is the TOML text itself.

    Raises:
        InputError: no such file, not TOML, a key that is unknown, missing, given twice, of a wrong type or out
            of range.
    """
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("[")):
        return parse_policy(source)
    return parse_policy(read_text(source), file=source)


def parse_policy(text: str, *, file: object = None) -> Policy:
    """Reads a policy from TOML text.

    Args:
        text: TOML 1.0.
        file: named in errors.

    Raises:
        InputError: as for `read_policy`.
    """
    try:
        tables = tomllib.loads(text)
        return _policy(tables)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"the policy is not TOML ({error})", remedy="Correct the line named.", file=file) from error
    except InputError as error:
        raise InputError(error.message, remedy=error.remedy, file=file, field=error.field) from error


def policy_digest(policy: Policy) -> str:
    """SHA-256 of the policy's canonical bytes; the close and every statement name it."""
    return digest(policy)


def _policy(tables: Mapping[str, Any]) -> Policy:
    rules = tables.get("policy")
    if not isinstance(rules, dict):
        raise InputError("there is no table [policy]", remedy="Begin the rules with a line [policy].", field="policy")
    _refuse_unknown(tables, ("policy",), "the file")
    _refuse_unknown(rules, KEYS, "[policy]")
    name = _text(rules, "name")
    weighting = _text(rules, "weighting", "revenue")
    if weighting not in WEIGHTINGS:
        raise InputError(f"'{weighting}' is not a weighting", remedy='Write "revenue" or "nats".', field="weighting")
    return Policy(
        name=plain_id(name, what="name"),
        pool_ppb=_pool_ppb(rules),
        weighting=weighting,
        right=plain_id(_text(rules, "right", "train"), what="right"),
        payout_threshold_micros=_threshold_micros(rules),
    )


def _refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise InputError(f"{where} knows no key '{key}'", remedy=f"Known keys: {', '.join(known)}.", field=key)


def _text(rules: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = rules.get(key, default)
    if value is None:
        raise InputError(f"the key '{key}' is missing", remedy=f'Add a line {key} = "...".', field=key)
    if not isinstance(value, str):
        raise InputError(f"{value!r} is not text", remedy=f'Write {key} = "..." with quotation marks.', field=key)
    return value


def _whole(rules: Mapping[str, Any], key: str, top: int) -> int:
    value = rules[key]
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{value!r} is not a whole number", remedy=f"Write {key} as digits only.", field=key)
    if not 0 <= value <= top:
        raise InputError(f"{value} is out of range", remedy=f"Give a number from 0 to {top}.", field=key)
    return value


def _one_of(rules: Mapping[str, Any], first: str, second: str) -> None:
    if first in rules and second in rules:
        raise InputError(f"both '{first}' and '{second}' are given", remedy="Keep one of them.", field=second)


def _pool_ppb(rules: Mapping[str, Any]) -> int:
    _one_of(rules, "pool", "pool_ppb")
    if "pool_ppb" in rules:
        return _whole(rules, "pool_ppb", PPB)
    text = _text(rules, "pool")
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise InputError(
            f"'{text}' is not a percentage", remedy='Write it like "50%" or "12.5%", at most 7 decimals.', field="pool"
        )
    pool_ppb = int(match[1]) * PPB_PER_PERCENT + int((match[2] or "").ljust(7, "0"))
    if pool_ppb > PPB:
        raise InputError(f"{text} is more than the whole", remedy="Give at most 100%.", field="pool")
    return pool_ppb


def _threshold_micros(rules: Mapping[str, Any]) -> int:
    _one_of(rules, "payout_threshold", "payout_threshold_micros")
    if "payout_threshold_micros" in rules:
        return _whole(rules, "payout_threshold_micros", INTEGER_MAX)
    text = _text(rules, "payout_threshold", "0")
    # Twenty characters hold every amount in range and keep absurd ones out of the arithmetic.
    micros = parse_micros(text[:20], field="payout_threshold")
    if len(text) > 20 or not 0 <= micros <= INTEGER_MAX:
        raise InputError(
            f"'{text[:40]}' is out of range", remedy="Give an amount from 0 to 9007199254.", field="payout_threshold"
        )
    return micros


FIFTY_FIFTY = parse_policy(
    resources.files("endcredits.royalties").joinpath("policies", "fifty-fifty.toml").read_text(encoding="utf-8")
)
"""The default policy: half of the revenue, by revenue, paid out from 10.00 on."""
