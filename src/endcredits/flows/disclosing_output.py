"""The disclosure of an output, from its receipt, from what was signed into its file, and from the operator's facts.

What the log says goes before what is declared: a file that carries content credentials says to the world what its disclosure
was when it was signed. The same facts, as the TOML file that `endcredits media sign --disclosure` embeds, are made here too,
so that the record and the file cannot say different things.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from endcredits.canonical import to_plain
from endcredits.errors import InputError
from endcredits.flows.clock import now
from endcredits.flows.media_claims import proven
from endcredits.flows.media_codes import DISCLOSURE
from endcredits.flows.studio import Studio
from endcredits.receipts import Receipt, readable_receipts
from endcredits.receipts.credentials import Disclosure, disclosure_of
from endcredits.receipts.leaf import parse_leaf
from endcredits.works.disclosure import Document, Facts, Standing, output_document
from endcredits.works.rules import Pack
from endcredits.works.utc import check_day

COUNTED, DECLARED = "counted", "declared"
_ART = ("artistic", "satirical")
_SIGNING = ("kind", "parts", "deepfake", "public_interest_text", "exceptions")
_ELSEWHERE = (
    *("detector_url", "marks_stripped", "system_market_date", "monthly_users", "manifest_disclosure_offered"),
    *("latent_disclosure", "licensee_disabled_known_at", "licensee_revoked_at", "platform_users", "provenance_kept"),
    "provenance_shown",
)
_SAID = (*_SIGNING, "visible_label", "human_editor_id")
"""What the operator says of an output, which is missing when nobody says it: a default would be an invention."""


def statements(facts: Facts) -> dict[str, Any]:
    """What the facts say of outputs, in the words of `receipts.credentials.disclosure`."""
    found: dict[str, Any] = {}
    for name, path in (("provider", "provider"), ("system", "output.system"), ("version", "output.version")):
        if facts.has(path):
            found[name] = facts.get(path)
    if "system" not in found and facts.has("model"):
        found["system"] = facts.get("model")
    if "version" not in found and facts.has("model_version"):
        found["version"] = facts.get("model_version")
    found.update({name: facts.get(f"output.{name}") for name in _SIGNING if facts.has(f"output.{name}")})
    for name in ("visible_label", "human_editor_id"):
        if facts.get(f"output.{name}") is not None:
            found[name] = facts.get(f"output.{name}")
    if facts.has("output.watermark"):
        found["watermark"] = _watermark(facts.get("output.watermark"))
    return found


def _watermark(stated: Mapping[str, Any]) -> dict[str, str]:
    named = {("reason" if key == "none_reason" else key): value for key, value in stated.items()}
    return {key: str(value) for key, value in named.items() if value is not None}


def disclosure_for_signing(facts: Facts, defaults: Mapping[str, str]) -> bytes:
    """The facts as the TOML file that `endcredits media sign --disclosure` reads, after the checks that signing makes.

    Raises:
        InputError: they say what cannot be signed, such as a deepfake without a label.
    """
    stated = statements(facts)
    _checked({**defaults, **stated}, facts)
    lines = [f"{key} = {_toml(value)}" for key, value in stated.items() if not isinstance(value, Mapping)]
    for key, value in stated.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{key}]", *(f"{name} = {_toml(one)}" for name, one in value.items())]
    return ("\n".join(lines) + "\n").encode()


def _checked(stated: Mapping[str, Any], facts: Facts) -> Disclosure:
    try:
        return disclosure_of(stated)
    except InputError as error:
        field = error.field if error.field in ("provider",) else f"output.{error.field}"
        raise InputError(error.message, remedy=error.remedy, file=facts.file or None, field=field) from error


def _toml(value: Any) -> str:
    """A text, truth or list of texts in TOML; JSON's spelling of them is TOML's, but for the DEL character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def disclose_output(
    studio: Studio, output_id: str, facts: Facts, *, on: str = "", jurisdiction: str = "WORLD", pack: Pack | None = None
) -> Document:
    """The disclosure of an output as a document, checked against the rules of a place.

    Args:
        studio: where it was attributed.
        output_id: its id.
        facts: the operator's.
        on: the day of the document; today by default.
        jurisdiction: a place; WORLD for all.
        pack: the rules; those that are shipped, by default.

    Raises:
        NotFoundError: the output has no receipt.
        InputError: not a day or place, or the facts say what cannot be.
        IntegrityError: the receipt does not verify.
    """
    day = check_day(on or now()[:10], field="on")
    receipt, attribution = proven(studio, output_id)
    values: dict[str, Any] = {
        "output_sha256": attribution.output_sha256,
        "time": parse_leaf(receipt.leaf.encode()).time,
        "unique_id": output_id,
    }
    origins = dict.fromkeys(values, COUNTED)
    signed = _signed(studio, output_id)
    if signed is not None:
        embedded = _embedded(signed.body)
        values.update(embedded)
        origins.update(dict.fromkeys(embedded, COUNTED))
    else:
        declared = _declared(facts)
        values.update({**declared, "c2pa": {"state": "none"}})
        origins.update({**dict.fromkeys(declared, DECLARED), "c2pa": COUNTED})
    for name in _ELSEWHERE:
        if facts.has(f"output.{name}"):
            values[name] = facts.get(f"output.{name}")
            origins[name] = DECLARED
    return output_document(values, origins, _standing(studio, receipt, signed, day), jurisdiction=jurisdiction, pack=pack)


def _standing(studio: Studio, receipt: Receipt, signed: Receipt | None, day: str) -> Standing:
    """The log up to the last entry about the output."""
    size = 1 + max(one.proof.leaf_index for one in (receipt, signed) if one is not None)
    log = studio.log_to_read()
    return Standing(
        corpus_digest=str(receipt.body.get("corpus_digest", "")),
        on=day,
        log_origin=log.origin,
        log_size=size,
        log_root=log.root_at(size).hex(),
        index_digest=str(receipt.body.get("index_digest", "")),
        admission=str(receipt.body.get("admission", {}).get("state", "missing")),
    )


def _signed(studio: Studio, output_id: str) -> Receipt | None:
    """The last disclosure that was signed into a file of the output."""
    found = [
        one
        for one in readable_receipts(studio.receipts)
        if one.type == DISCLOSURE and one.body.get("output_id") == output_id
    ]
    return max(found, key=lambda one: one.proof.leaf_index, default=None)


def _declared(facts: Facts) -> dict[str, Any]:
    """What the facts say of an output that carries nothing yet."""
    stated = statements(facts)
    known = [name for name in ("provider", "system", "version") if name in stated]
    if "kind" not in stated:
        return {name: stated[name] for name in known}
    checked = _checked({**dict.fromkeys(("provider", "system", "version"), "unsaid"), **stated}, facts)
    record = _of_disclosure(to_plain(checked))
    kept = {*known, "kind", "digital_source_type", *(name for name in _SAID if facts.has(f"output.{name}"))}
    if facts.has("output.watermark"):
        kept.add("watermark")
    return {name: value for name, value in record.items() if name in kept}


def _embedded(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a signed disclosure says, in the fields of the rule pack."""
    found = _of_disclosure(body)
    credentials = body.get("c2pa", {})
    found["c2pa"] = {
        "state": "signed" if credentials.get("state") in ("Trusted", "Valid") else "unsigned",
        "manifest_sha256": str(credentials.get("manifest_sha256", "")),
        # Signing asks no time authority, so the time is the signer's own.
        "time_stamped": False,
    }
    found["unique_id"], found["time"] = str(body["unique_id"]), str(body["time"])
    return found


def _of_disclosure(plain: Mapping[str, Any]) -> dict[str, Any]:
    mark = plain.get("watermark") or {}
    claimed = plain.get("exceptions", ())
    return {
        "kind": plain["kind"],
        "digital_source_type": plain["digital_source_type"],
        "parts": list(plain.get("parts", ())),
        "provider": plain["provider"],
        "system": plain["system"],
        "version": plain["version"],
        "visible_label": dict(plain["visible_label"]) if plain.get("visible_label") else None,
        "watermark": {
            **{name: mark.get(name) or None for name in ("algo", "version", "strength", "detect_url")},
            "none_reason": mark.get("reason") or None,
        },
        "deepfake": plain.get("deepfake", False),
        "public_interest_text": plain.get("public_interest_text", False),
        "human_editor_id": plain.get("human_editor_id") or None,
        "exceptions": sorted({"art" if one in _ART else "other" for one in claimed}),
    }
