"""What may be done with the output itself: CAWG training and data mining 1.1, carried on and never widened in silence.

Four uses, each allowed, notAllowed or constrained. Signing a file again replaces its manifest, and a reader looks at the new
one first: so what an earlier manifest said is repeated in the new one, and a no that stood there is not turned into a yes.
Words that the standard does not know are read as notAllowed, as everywhere here: a signature covers any word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from endcredits.errors import ConflictError, InputError

USES = ("data_mining", "ai_generative_training", "ai_training", "ai_inference")
"""The keys of the standard, without `cawg.`."""
ALLOWED, CONSTRAINED, NOT_ALLOWED = "allowed", "constrained", "notAllowed"
_STRICTNESS = {ALLOWED: 0, CONSTRAINED: 1, NOT_ALLOWED: 2}
_LABEL = re.compile(r"(cawg|c2pa)\.training-mining(?:\.v\d+)?(?:__\d+)?")

Entries = dict[str, dict[str, str]]
"""Use -> {"use": value, "constraint_info": words}."""


def stated(given: Iterable[str]) -> Entries:
    """What the operator says on the command line: `no`, `yes`, or `use=value` with an optional `:words` for constrained.

    >>> stated(["ai_inference=constrained:with credit"])
    {'ai_inference': {'use': 'constrained', 'constraint_info': 'with credit'}}

    Raises:
        InputError: a use or a value that the standard does not know.
    """
    entries: Entries = {}
    for one in given:
        use, _, value = one.partition("=")
        value, _, info = value.partition(":")
        if one in ("no", "yes"):
            entries.update({name: {"use": NOT_ALLOWED if one == "no" else ALLOWED} for name in USES})
            continue
        name = use.removeprefix("cawg.")
        if name not in USES or value not in _STRICTNESS or (value == CONSTRAINED) != bool(info.strip()):
            raise InputError(
                f"'{one[:80]}' is no statement on training and mining",
                remedy=f"Use no, yes, or USE=VALUE with a use of {', '.join(USES)} and a value of allowed, notAllowed, "
                "constrained:HOW.",
                field="--mining",
            )
        entries[name] = {"use": value} | ({"constraint_info": info.strip()} if info.strip() else {})
    return entries


def said_before(store: Mapping[str, Any]) -> Entries:
    """The strictest of what the manifests of a store say, the ingredients' included, as `Reading.store` holds it."""
    entries: Entries = {}
    manifests = store.get("manifests")
    for manifest in manifests.values() if isinstance(manifests, Mapping) else ():
        for assertion in _list(manifest, "assertions"):
            label = assertion.get("label") if isinstance(assertion, Mapping) else None
            if isinstance(label, str) and is_label(label):
                entries = strictest(entries, entries_of(assertion.get("data")))
    return entries


def entries_of(data: Any) -> Entries:
    """An assertion's content, unknown words read as notAllowed; no readable entries are a no to everything."""
    found = data.get("entries") if isinstance(data, Mapping) else None
    if not isinstance(found, Mapping) or not found:
        return {name: {"use": NOT_ALLOWED} for name in USES}
    entries: Entries = {}
    for key, entry in found.items():
        name = str(key).partition(".")[2]
        value = entry.get("use") if isinstance(entry, Mapping) else None
        info = entry.get("constraint_info") if isinstance(entry, Mapping) else None
        if value == CONSTRAINED and isinstance(info, str) and info.strip():
            one = {"use": CONSTRAINED, "constraint_info": info.strip()}
        else:
            one = {"use": ALLOWED if value == ALLOWED else NOT_ALLOWED}
        for use in (name,) if name in USES else USES if one["use"] != ALLOWED else ():
            entries = strictest(entries, {use: one})
    return entries


def strictest(left: Entries, right: Entries) -> Entries:
    """Both together: for each use the stricter word; a use that only one mentions stays as it is there."""
    merged = dict(left)
    for name, entry in right.items():
        there = merged.get(name)
        if there is None or _STRICTNESS[entry["use"]] > _STRICTNESS[there["use"]]:
            merged[name] = entry
    return merged


def carried_on(before: Entries, now: Entries, file: object) -> Entries:
    """What the new manifest says: what the operator states now, and where nothing is stated, what stood before.

    Raises:
        ConflictError: the operator's word is weaker than what the file says already.
    """
    for name, entry in now.items():
        there = before.get(name)
        if there is not None and _STRICTNESS[entry["use"]] < _STRICTNESS[there["use"]]:
            raise ConflictError(
                f"the file says {there['use']} for {name} already, and a new manifest would say {entry['use']}",
                remedy="Leave it out to carry the old word on; only who signed it can take it back.",
                file=file,
                field="--mining",
            )
    return {name: (now.get(name) or before[name]) for name in USES if name in now or name in before}


def is_label(label: str) -> bool:
    """Whether an assertion of this label is on training and mining."""
    return _LABEL.fullmatch(label) is not None


def doubts(data: Any) -> Iterator[str]:
    """What such an assertion says that the standard does not know, and that is read as a no."""
    found = data.get("entries") if isinstance(data, Mapping) else None
    if not isinstance(found, Mapping) or not found:
        yield "its assertion on training and mining has no entries, and is read as a no"
        return
    for key, entry in found.items():
        use = entry.get("use") if isinstance(entry, Mapping) else None
        if not isinstance(use, str) or use not in _STRICTNESS:
            yield f"'{str(use)[:60]}' is no value of use for {str(key)[:60]}, and is read as notAllowed"


def assertion_data(entries: Entries) -> dict[str, Any]:
    """The assertion's content."""
    return {"entries": {f"cawg.{name}": dict(entry) for name, entry in entries.items()}}


def _list(manifest: Any, key: str) -> list[Any]:
    found = manifest.get(key) if isinstance(manifest, Mapping) else None
    return found if isinstance(found, list) else []
