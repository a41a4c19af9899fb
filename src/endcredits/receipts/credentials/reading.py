"""Reading a content credential back: what it says, and how far that is to be believed.

Four states, of which the first three are the library's:

- Trusted: signed by somebody under a root that the reader trusts, and nothing was changed since.
- Valid: nothing was changed since, by a signer whom the reader does not know.
- Invalid: the file or the manifest was changed, or the signature does not hold.
- none: no manifest. It may never have had one, or have lost it: saving a picture anew strips it. `registry` finds those.

Signing libraries check no meanings: a made-up source type is Trusted too. What a manifest says that cannot be is told here
as a `doubt`, whatever its state.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from endcredits.durable import machine_error
from endcredits.errors import InputError
from endcredits.receipts.credentials import mining
from endcredits.receipts.credentials.disclosure import SOURCE_TYPES
from endcredits.receipts.credentials.formats import SIDECAR_SUFFIX, Format, format_of
from endcredits.receipts.credentials.library import context, library, told
from endcredits.receipts.credentials.records import ATTRIBUTION, DISCLOSURE

TRUSTED, VALID, INVALID, NONE = "Trusted", "Valid", "Invalid", "none"
SIDECAR_BYTES_MAX = 50_000_000
_MEANINGS = {
    "signingCredential.untrusted": "the signer is not known to this reader",
    "signingCredential.invalid": "the signer's certificate is not one for signing content",
    "signingCredential.expired": "the signer's certificate had ended",
    "assertion.dataHash.mismatch": "the file's bytes were changed after signing",
    "assertion.bmffHash.mismatch": "the file's bytes were changed after signing",
    "assertion.hashedURI.mismatch": "an assertion of the manifest was changed after signing",
    "claimSignature.mismatch": "the signature does not fit the manifest",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file's manifest says.

    Attributes:
        state: "Trusted", "Valid", "Invalid" or "none".
        media_type: what the file is.
        carrier: "in the file", the sidecar's path, or "" for none.
        problems: why the state is not Trusted, in words, with the library's code in brackets.
        doubts: what the manifest says that cannot be, whatever its state.
        signer: name and organisation on the certificate; "" for none.
        label: the active manifest's name.
        manifests: how many manifests the file holds, those of its ingredients included.
        actions: (action, digital source type or "", software) of the active manifest.
        ingredients: (relationship, title) of the active manifest.
        attribution: our assertion, or None.
        disclosure: the disclosure record, or None.
        mining: what all its manifests say on training and mining, the strictest word for each use.
        store: the whole manifest store as the library prints it.
    """

    state: str
    media_type: str
    carrier: str = ""
    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    signer: str = ""
    label: str = ""
    manifests: int = 0
    actions: tuple[tuple[str, str, str], ...] = ()
    ingredients: tuple[tuple[str, str], ...] = ()
    attribution: Mapping[str, Any] | None = None
    disclosure: Mapping[str, Any] | None = None
    mining: mining.Entries = field(default_factory=dict)
    store: Mapping[str, Any] = field(default_factory=dict, repr=False)


def sidecar_of(path: str | os.PathLike[str]) -> Path:
    """Where a file's sidecar is looked for: beside it, `poem.txt.c2pa`."""
    place = Path(path)
    return place.with_name(place.name + SIDECAR_SUFFIX)


def read(
    path: str | os.PathLike[str],
    *,
    sidecar: str | os.PathLike[str] | None = None,
    anchors: str = "",
    form: Format | None = None,
    within: Any = None,
) -> Reading:
    """Reads and validates a file's content credential, without going to the network.

    Args:
        path: the file.
        sidecar: the manifest's file; one beside the file is found by itself.
        anchors: PEM certificates of the roots that are trusted.
        form: the file's kind, when the caller knows it; else its bytes and name say.
        within: the library's context to read in, for a caller that has one with these anchors.

    Raises:
        NotFoundError: there is no such file.
        InputError: the file or its sidecar is damaged beyond reading.
    """
    beside = Path(sidecar) if sidecar is not None else sidecar_of(path)
    takes_sidecar = sidecar is not None or beside.exists()
    kind = form or format_of(path, sidecar=True)
    if not takes_sidecar and not (form or _as_embedded(path, kind)).embeds:
        return Reading(NONE, kind.media_type)
    manifest = _bytes(beside) if takes_sidecar else None
    store = _store(Path(path), kind, manifest, anchors, within)
    if store is None:
        return Reading(NONE, kind.media_type)
    return reading_of(store, kind, str(beside) if takes_sidecar else "in the file")


def _as_embedded(path: str | os.PathLike[str], kind: Format) -> Format:
    """The format as it holds a manifest itself, if it can."""
    try:
        return format_of(path)
    except InputError:
        return kind


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(SIDECAR_BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise InputError("there is no such sidecar", remedy="Check its name.", file=path, field="--sidecar") from error
    except OSError as error:
        raise machine_error(error, path) from error
    if not data or len(data) > SIDECAR_BYTES_MAX:
        raise InputError("this is no manifest: it is empty, or too large", file=path, field="--sidecar")
    return data


def _store(path: Path, form: Format, manifest: bytes | None, anchors: str, within: Any) -> dict[str, Any] | None:
    """The manifest store as data; None where there is no manifest."""
    c2pa = library("c2pa")
    remedies = (
        ("emote", "Its manifest is kept elsewhere, and nothing is fetched here: get it and give it as --sidecar."),
        ("unsupported", "It can hold no manifest; give its sidecar, if there is one."),
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(told("read", path, remedies))
        made = within or stack.enter_context(context(anchors))
        file = stack.enter_context(path.open("rb"))
        try:
            with c2pa.Reader(form.told, file, manifest, context=made) as reader:
                text = reader.json()
        except c2pa.C2paError.ManifestNotFound:
            return None
    try:
        store = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the manifest cannot be read ({error})", remedy="Ask whoever signed it.", file=path) from error
    if not isinstance(store, dict):
        raise InputError("the manifest is not a record", remedy="Ask whoever signed it.", file=path)
    return store


def reading_of(store: Mapping[str, Any], form: Format, carrier: str) -> Reading:
    """What a store says."""
    manifests = store.get("manifests")
    label = str(store.get("active_manifest", ""))
    active = manifests.get(label) if isinstance(manifests, Mapping) else None
    active = active if isinstance(active, Mapping) else {}
    assertions = _assertions(active)
    actions = tuple(_actions(assertions))
    return Reading(
        state=str(store.get("validation_state", INVALID)),
        media_type=form.media_type,
        carrier=carrier,
        problems=tuple(_problems(store)),
        doubts=tuple(_doubts(actions, assertions)),
        signer=_signer(active),
        label=label,
        manifests=len(manifests) if isinstance(manifests, Mapping) else 0,
        actions=actions,
        ingredients=tuple(
            (str(one.get("relationship", "")), str(one.get("title", ""))) for one in _mappings(active.get("ingredients"))
        ),
        attribution=_record(assertions, ATTRIBUTION),
        disclosure=_record(assertions, DISCLOSURE),
        mining=mining.said_before(store),
        store=store,
    )


def _problems(store: Mapping[str, Any]) -> Iterator[str]:
    for one in _mappings(store.get("validation_status")):
        code = str(one.get("code", ""))
        yield f"{_MEANINGS.get(code, str(one.get('explanation', code)))} [{code}]"


def _doubts(actions: tuple[tuple[str, str, str], ...], assertions: Mapping[str, Any]) -> Iterator[str]:
    for _, source_type, _ in actions:
        if source_type and source_type not in SOURCE_TYPES:
            yield f"'{source_type}' is no digital source type, though it is signed"
    if not any(source_type for _, source_type, _ in actions):
        yield "it does not say how the file was made: no action has a digital source type"
    for label, data in assertions.items():
        if mining.is_label(label):
            yield from mining.doubts(data)


def _signer(active: Mapping[str, Any]) -> str:
    told_by = active.get("signature_info")
    names = [told_by.get(key) for key in ("common_name", "issuer")] if isinstance(told_by, Mapping) else []
    return ", ".join(str(name) for name in names if name)


def _record(assertions: Mapping[str, Any], label: str) -> Mapping[str, Any] | None:
    found = assertions.get(label)
    return found if isinstance(found, Mapping) else None


def _assertions(active: Mapping[str, Any]) -> dict[str, Any]:
    """The assertions' contents by label; of those that share a label, the first."""
    found: dict[str, Any] = {}
    for one in _mappings(active.get("assertions")):
        found.setdefault(str(one.get("label")), one.get("data"))
    return found


def _actions(assertions: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for label, data in assertions.items():
        if label.startswith("c2pa.actions") and isinstance(data, Mapping):
            for one in _mappings(data.get("actions")):
                agent = one.get("softwareAgent")
                name = (
                    " ".join(str(agent.get(key, "")) for key in ("name", "version")) if isinstance(agent, Mapping) else agent
                )
                yield str(one.get("action", "")), str(one.get("digitalSourceType", "")), str(name or "").strip()


def _mappings(found: Any) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
