"""On what ground a work's yes rests: its own maker, a contract, the public domain, a licence, a statement.

Certifiers and laws ask not only whether there was a yes but of what kind. This is read from the recorded statement alone;
nothing is guessed from a title or a file. A licence is known by the words with which `licences.judge_licence` gives its
reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from endcredits.works.records import Permission

_LICENCE = re.compile(
    r"licence ([^()]{1,200}?) \((public domain or its like|permissive|attribution|copyleft|restricts some uses)\)"
)
PUBLIC_DOMAIN = "public domain or its like"


def licences_of(permission: Permission | None) -> tuple[tuple[str, str], ...]:
    """(name, family) of the licences that a statement's reason names, sorted; () for none."""
    if permission is None:
        return ()
    return tuple(sorted(set(_LICENCE.findall(permission.reason))))


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
