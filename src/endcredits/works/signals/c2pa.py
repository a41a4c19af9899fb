"""Content credentials (C2PA) with CAWG training and data mining assertions (v1.1), as a C2PA reader prints them.

The input is the JSON of a manifest store, which `c2patool FILE` and the `Reader` of the c2pa libraries print: manifests by
label, the active one named. Signatures were checked, or not, by whoever printed it: a yes in a store whose validation
failed is not taken, a no is.

An assertion `cawg.training-mining` (C2PA 1.x: `c2pa.training-mining`) has entries: a key for the use, and allowed,
notAllowed or constrained. Constrained without saying how is a no. Signing libraries do not check the words: "maybe" gets
signed, and is a no here. Every ingredient is read too: a work made from one that says no says no, and signing it again
without its parent must not lose that; an ingredient's yes is its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from endcredits.works.signals.decoding import decoded
from endcredits.works.signals.records import TRAINING, USES, Carrier, Found, Signal, carrier_of, of_a_part
from endcredits.works.strict_json import read_json

CARRIER, STANDARD, VERSION = "C2PA", "CAWG", "training-mining 1.1"

_LABEL = re.compile(r"(cawg|c2pa)\.training-mining(?:\.v\d+)?(?:__\d+)?")
_KEYS: dict[str, tuple[str, ...]] = {
    "data_mining": ("tdm",),
    "ai_generative_training": TRAINING,
    "ai_training": TRAINING,
    "ai_inference": ("retrieve",),
}
_USES = ("allowed", "notAllowed", "constrained")
SPOKEN = b"training-mining"
"""Bytes that every such assertion holds in its label, in whatever file."""


def looks_like_store(document: object) -> bool:
    """Whether a JSON document is a manifest store."""
    return isinstance(document, dict) and isinstance(document.get("manifests"), dict)


def read_c2pa(data: bytes, found: Found) -> tuple[Signal, ...]:
    """What a manifest store says, given as the JSON that a C2PA reader prints."""
    carrier = carrier_of(found, CARRIER, data)
    text, _ = decoded(data)
    try:
        store = read_json(text)
    except ValueError as error:
        return carrier.unreadable(STANDARD, f"it is not JSON ({error})", place="manifest store", raw=text[:200])
    if not looks_like_store(store):
        return carrier.unreadable(STANDARD, "it holds no manifests", place="manifest store", raw=text[:200])
    active = store.get("active_manifest")
    signals: list[Signal] = []
    if active not in store["manifests"]:
        signals += carrier.unreadable(STANDARD, "its active manifest is not in it", place="manifest store")
    state = _state(store)
    for label, manifest in store["manifests"].items():
        said = tuple(_manifest(label, manifest, carrier))
        if label != active:
            said = of_a_part(said, f"the ingredient {label}")
        elif state:
            said = of_a_part(said, f"a manifest whose validation says '{state}'")
        signals += said
    return tuple(signals)


def _state(store: dict[str, Any]) -> str:
    """Why a yes of this store has no weight; "" if it has."""
    state = store.get("validation_state")
    if state is not None and state not in ("Valid", "Trusted"):
        return str(state)
    codes = [one.get("code") for one in store.get("validation_status") or () if isinstance(one, dict)]
    return str(codes[0]) if codes and state is None else ""


def _manifest(label: str, manifest: Any, carrier: Carrier) -> Iterator[Signal]:
    place = f"manifest {label}"
    assertions = manifest.get("assertions", ()) if isinstance(manifest, dict) else None
    if not isinstance(assertions, (list, tuple)):
        yield from carrier.unreadable(STANDARD, "its assertions cannot be read", place=place)
        return
    for assertion in assertions:
        name = assertion.get("label") if isinstance(assertion, dict) else None
        if not isinstance(name, str):
            continue
        if not _LABEL.fullmatch(name):
            if "trainingmining" in re.sub(r"[^a-z]", "", name.casefold()):
                problem = f"'{name}' should be 'cawg.training-mining'; honoured as a no"
                yield from carrier.say(STANDARD, VERSION, "deny", USES, place=place, raw=name, problem=problem)
            continue
        entries = assertion.get("data", {}).get("entries") if isinstance(assertion.get("data"), dict) else None
        if not isinstance(entries, dict):
            problem = "it has no entries; honoured as a no"
            yield from carrier.say(STANDARD, VERSION, "deny", USES, place=place, raw=name, problem=problem)
            continue
        for key, entry in entries.items():
            yield from _entry(key, entry, carrier, f"{place}, {name}")


def _entry(key: str, entry: Any, carrier: Carrier, place: str) -> Iterator[Signal]:
    prefix, _, kind = key.partition(".")
    use = entry.get("use") if isinstance(entry, dict) else None
    verbs = _KEYS.get(kind) if prefix in ("cawg", "c2pa") else None
    raw, note, problem = f"{key}: {use}", "", ""
    if verbs is None:
        sounds = re.sub(r"[^a-z]", "", key.casefold())
        verbs = next((verbs for name, verbs in _KEYS.items() if sounds.endswith(name.replace("_", ""))), None)
        if verbs is not None:
            problem = f"'{key}' is not a key of CAWG training-mining; honoured as a no"
        elif use == "allowed":
            yield from carrier.say(
                STANDARD, VERSION, "unknown", USES, place=place, raw=raw, note=f"'{key}' is somebody's own key"
            )
            return
        else:
            verbs, problem = USES, f"'{key}' is not a key that we know; honoured as a no to everything"
    info = entry.get("constraint_info", entry.get("constraints_info")) if isinstance(entry, dict) else None
    conditions: tuple[str, ...] = ()
    if problem:
        value = "deny"
    elif use not in _USES:
        value, problem = "deny", f"'{use}' is not a value of use ({', '.join(_USES)}); honoured as a no"
    elif use == "constrained" and isinstance(info, str) and info.strip():
        value, conditions = "conditional", (info.strip(),)
    elif use == "allowed":
        value = "allow"
        if kind == "ai_training":
            value, note = "unknown", "it allows only models that do not generate"
    else:
        value, note = "deny", "constrained without saying how" if use == "constrained" else ""
    yield from carrier.say(
        STANDARD, VERSION, value, verbs, place=place, raw=raw, conditions=conditions, problem=problem, note=note
    )
