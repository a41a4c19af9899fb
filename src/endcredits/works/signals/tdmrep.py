"""TDMRep, the TDM Reservation Protocol (W3C Community Group final report, 10 May 2024).

`tdm-reservation` is 1 (rights are reserved: no mining) or 0 (not reserved); `tdm-policy` is the address of terms under
which mining is licensed, and means nothing beside a 0. There are four carriers: a file for the whole site, HTTP headers,
HTML, and metadata inside EPUB and PDF. It is how publishers express the reservation of Directive (EU) 2019/790 art. 4(3);
it does not separate training from other mining.

The standard reads any other value as unset; this house reads it as a no and says so. In the site's file the standard
takes "the most specific match", which it says is the first; where the first and the longest pattern disagree, a
reservation by either is honoured.
"""

from __future__ import annotations

from typing import Any

from endcredits.works.signals.decoding import decoded
from endcredits.works.signals.patterns import matches, path_within
from endcredits.works.signals.records import MINING, Carrier, Found, Signal, carrier_of
from endcredits.works.strict_json import read_json

STANDARD, VERSION = "TDMRep", "2024-05-10"

FILE_BYTES_MAX = 2_000_000
"""A larger tdmrep.json is not read."""


def reservation(
    carrier: Carrier, value: str | None, policy: str | None, place: str, *, problem: str = ""
) -> tuple[Signal, ...]:
    """The signals of one reservation with its policy, wherever they stood.

    Args:
        carrier: makes the signals.
        value: of `tdm-reservation`, None where there is none.
        policy: of `tdm-policy`, None where there is none.
        place: for the signals.
        problem: what is already known to be wrong with the words; makes everything a no.
    """
    if value is None and policy is None and not problem:
        return ()
    raw = "; ".join(
        f"{name}: {text}" for name, text in (("tdm-reservation", value), ("tdm-policy", policy)) if text is not None
    )
    conditions: tuple[str, ...] = ()
    note = ""
    told = "" if value is None else value.strip()
    if problem:
        verdict = "deny"
    elif value is None:
        verdict, note = "unknown", "a policy without a reservation says nothing"
    elif told == "0":
        verdict = "allow"
    elif told == "1":
        verdict = "conditional" if policy and policy.strip() else "deny"
        conditions = (f"a licence under {policy.strip()}",) if policy and policy.strip() else ()
    else:
        verdict, problem = "deny", f"'{told}' is not a value of tdm-reservation (0 or 1); honoured as a no"
    return carrier.say(
        STANDARD, VERSION, verdict, MINING, place=place, raw=raw, conditions=conditions, problem=problem, note=note
    )


def read_tdmrep_json(data: bytes, found: Found) -> tuple[Signal, ...]:
    """`/.well-known/tdmrep.json`, for the work at `found.path`."""
    carrier = carrier_of(found, "tdmrep.json", data)
    if len(data) > FILE_BYTES_MAX:
        return carrier.unreadable(STANDARD, f"it is larger than {FILE_BYTES_MAX} bytes", place="the file")
    text, _ = decoded(data)
    try:
        rules = read_json(text)
    except ValueError as error:
        return carrier.unreadable(STANDARD, f"it is not JSON ({error})", place="the file", raw=text[:200])
    if not isinstance(rules, list):
        return carrier.unreadable(STANDARD, "it is not an array of rules", place="the file", raw=text[:200])
    signals: list[Signal] = []
    covering: list[tuple[int, str, dict[str, Any]]] = []
    for number, rule in enumerate(rules, start=1):
        location = rule.get("location") if isinstance(rule, dict) else None
        if not isinstance(rule, dict) or not isinstance(location, str) or not location.strip():
            signals += reservation(
                carrier, str(rule)[:200], None, f"rule {number}", problem="it has no location; honoured as a no everywhere"
            )
        elif matches(path_within(location.strip()), found.path):
            covering.append((number, location.strip(), rule))
    # Both readings of "most specific": the first in sequence, and the longest pattern.
    longest = max((len(location) for _, location, _ in covering), default=0)
    for position, (number, location, rule) in enumerate(covering):
        if position and len(location) < longest:
            continue
        said = _rule(carrier, rule, f"rule {number}, location {location}")
        outranked = position > 0 or len(location) < longest
        signals += [one for one in said if one.value != "allow" or not (outranked and len(covering) > 1)]
    return tuple(signals)


def _rule(carrier: Carrier, rule: dict[str, Any], place: str) -> tuple[Signal, ...]:
    value, policy = rule.get("tdm-reservation"), rule.get("tdm-policy")
    if policy is not None and not isinstance(policy, str):
        return reservation(carrier, str(value), str(policy), place, problem="tdm-policy is not an address; honoured as a no")
    if isinstance(value, bool) or not isinstance(value, int):
        words = "there is no tdm-reservation" if value is None else f"tdm-reservation is {value!r}, not the number 0 or 1"
        return reservation(carrier, str(value), policy, place, problem=f"{words}; honoured as a no")
    return reservation(carrier, str(value), policy, place)
