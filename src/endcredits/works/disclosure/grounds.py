"""On what ground a work's yes rests: its own maker, a contract, the public domain, a licence, a statement.

Certifiers and laws ask not only whether there was a yes but of what kind. This is read from the recorded statement alone;
nothing is guessed from a title or a file. A licence is known by the words with which `licences.judge_licence` gives its
reason, or, where a machine read it in the file, by judging the recorded words again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from endcredits.works.licences import judge_licence
from endcredits.works.records import Permission
from endcredits.works.signals.licence_words import STANDARD, spdx_of_address

_LICENCE = re.compile(
    r"licence ([^()]{1,200}?) \((public domain or its like|permissive|attribution|copyleft|restricts some uses)\)"
)
PUBLIC_DOMAIN = "public domain or its like"


def licences_of(permission: Permission | None) -> tuple[tuple[str, str], ...]:
    """(name, family) of the licences that a statement's reason names, sorted; () for none."""
    if permission is None:
        return ()
    words = permission.reason
    if permission.provenance is not None and permission.provenance.standard == STANDARD:
        stated = words.partition(": ")[2]
        words = _judged(spdx_of_address(stated) or stated)
    return tuple(sorted(set(_LICENCE.findall(words))))


def _judged(expression: str) -> str:
    try:
        return judge_licence(expression)[1]
    except Exception:
        # The library that parses expressions answers some broken ones with failed assertions; then no licence is known.
        return ""


def ground_of(permission: Permission | None, makers: Iterable[str] = (), operator: str = "") -> str:
    """The ground of a yes, one of `records.GROUNDS`.

    Args:
        permission: the statement that decided; None where it is not known any more.
        makers: ids of the parties credited with the work.
        operator: id of the operator's own party; "" for none.
    """
    people = set(makers)
    if operator and people == {operator}:
        return "own"
    if permission is None:
        return "other statement"
    if permission.licensee:
        return "contract"
    found = licences_of(permission)
    if found:
        return "public domain" if all(family == PUBLIC_DOMAIN for _, family in found) else "open licence"
    if permission.provenance is not None and permission.provenance.standard:
        return "machine-readable statement"
    return "rights holder" if permission.authority in ("rightsholder", "agent") else "other statement"
