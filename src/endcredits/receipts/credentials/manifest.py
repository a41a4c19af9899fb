"""The manifest's definition, as plain data, before anything is signed.

The first action says how the file came to be. For a new file it is `c2pa.created` with its digital source type; for one that
carries a manifest already it is `c2pa.opened` on that manifest as the *parent*, followed by `c2pa.edited` with the source
type: signing without naming the parent would remove the old manifest, an opt-out in it included, and still be Trusted.
Works are ingredients with the relationship `inputTo` (they went into the process and are not visibly inside), and the action
links them by `ingredientIds`. At most `WORKS_MAX` are named; the rest is committed in the receipt.

The signing library takes a definition of up to a megabyte and says "StringTooLong" beyond. Here the limit is told before
anything is signed, with the file still as it was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from endcredits.canonical import to_plain
from endcredits.errors import InputError
from endcredits.receipts.credentials.disclosure import Disclosure
from endcredits.receipts.credentials.formats import Format
from endcredits.receipts.credentials.mining import Entries, assertion_data
from endcredits.receipts.credentials.records import ATTRIBUTION, DISCLOSURE, MINING, Codes, Proof, UsedWork

WORKS_MAX = 20
"""Most works that are named as ingredients: fifty cost 25 kB in every file, five hundred 220 kB and 0.2 s."""
DEFINITION_BYTES_MAX = 700_000
"""Largest definition that we hand to the library, which fails somewhat above 1,000,000."""
PARENT = "parent"
"""Id under which the action names the former manifest."""
V = 1


def work_id_in_manifest(work_id: str) -> str:
    """How the action and the ingredient name a work: `instance_id`, which survives signing (`document_id` does not)."""
    return f"urn:endcredits:work:{work_id}"


def input_id(number: int) -> str:
    """How the action names the n-th file that the output was made from."""
    return f"input-{number}"


def definition(
    form: Format,
    title: str,
    codes: Codes,
    proof: Proof,
    works: Sequence[UsedWork],
    disclosure: Disclosure,
    *,
    time: str,
    unique_id: str,
    version: str,
    mining: Entries | None = None,
    has_parent: bool = False,
    inputs: int = 0,
) -> dict[str, Any]:
    """Builds the definition.

    Args:
        form: the file's kind.
        title: what the file is called.
        codes: of the file before it is signed.
        proof: where the whole list stands.
        works: those to be named, by rank.
        disclosure: checked.
        time: UTC, such as 2026-11-20T12:00:00Z.
        unique_id: of this very disclosure.
        version: of endcredits, which makes the claim.
        mining: what may be done with the output; None or empty for no such statement.
        has_parent: the file carries a manifest, which the caller adds as the ingredient `PARENT`.
        inputs: number of files that the caller adds as ingredients `input_id(n)`, from 0.

    Raises:
        InputError: too many works, or a definition that is too large.
    """
    if len(works) > WORKS_MAX:
        raise InputError(
            f"{len(works)} works are too many for a manifest",
            remedy=f"Name at most {WORKS_MAX}; the receipt holds the whole list.",
            field="--works",
        )
    linked = [work_id_in_manifest(work.work_id) for work in works] + [input_id(number) for number in range(inputs)]
    made: dict[str, Any] = {
        "title": title,
        "format": form.media_type,
        "claim_generator_info": [{"name": "endcredits", "version": version}],
        "ingredients": [_ingredient(work) for work in works],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": _actions(disclosure, time, linked, has_parent)}},
            {"label": ATTRIBUTION, "data": _attribution(codes, proof, works)},
            {"label": DISCLOSURE, "data": _disclosed(disclosure, codes, time, unique_id)},
        ],
    }
    if mining:
        made["assertions"].append({"label": MINING, "data": assertion_data(mining)})
    to_plain(made, where="the manifest")
    size = len(json.dumps(made).encode())
    if size > DEFINITION_BYTES_MAX:
        raise InputError(
            f"the manifest would be {size} bytes, more than the {DEFINITION_BYTES_MAX} that can be signed",
            remedy="Name fewer works, or shorter titles; nothing was signed.",
        )
    return made


def _actions(disclosure: Disclosure, time: str, linked: list[str], has_parent: bool) -> list[dict[str, Any]]:
    made: dict[str, Any] = {
        "action": "c2pa.edited" if has_parent else "c2pa.created",
        "when": time,
        "digitalSourceType": disclosure.digital_source_type,
        "softwareAgent": {"name": disclosure.system, "version": disclosure.version},
    }
    if linked:
        made["parameters"] = {"ingredientIds": linked}
    if not has_parent:
        return [made]
    return [{"action": "c2pa.opened", "when": time, "parameters": {"ingredientIds": [PARENT]}}, made]


def _ingredient(work: UsedWork) -> dict[str, Any]:
    """A work by name only; its digests are in our assertion, since nothing here would bind its bytes."""
    return {
        "title": work.title or work.work_id,
        "relationship": "inputTo",
        "instance_id": work_id_in_manifest(work.work_id),
    }


def _attribution(codes: Codes, proof: Proof, works: Sequence[UsedWork]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "v": V,
        "output_id": proof.output_id,
        "output_sha256": proof.output_sha256,
        "attribution_sha256": proof.attribution_sha256,
        "lines_count": proof.lines_count,
        "lines_root": proof.lines_root,
        "receipt": {
            "receipt_id": proof.receipt_id,
            "log_origin": proof.log_origin,
            "log_index": proof.log_index,
        },
        "file": {
            "sha256": codes.sha256,
            "iscc": list(codes.iscc),
            "is_the_attributed_output": codes.sha256 == proof.output_sha256,
        },
        "works": [_work(work) for work in works],
    }
    if proof.receipt_url:
        document["receipt"]["url"] = proof.receipt_url
    return document


def _work(work: UsedWork) -> dict[str, Any]:
    told: dict[str, Any] = {"work_id": work.work_id, "rank": work.rank, "sha256": list(work.sha256), "iscc": list(work.iscc)}
    if work.title:
        told |= {"title": work.title, "names": list(work.names)}
    if work.share_ppb is not None:
        told["share_ppb"] = work.share_ppb
    return told


def _disclosed(disclosure: Disclosure, codes: Codes, time: str, unique_id: str) -> dict[str, Any]:
    """The record as it stands in the file; the editor's id stays out of it."""
    plain: dict[str, Any] = to_plain(disclosure)
    edited = bool(plain.pop("human_editor_id"))
    return {
        "v": V,
        **{key: value for key, value in plain.items() if value is not None},
        "file_sha256": codes.sha256,
        "time": time,
        "unique_id": unique_id,
        "human_editor": edited,
    }
