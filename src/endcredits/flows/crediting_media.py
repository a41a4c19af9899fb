"""An output leaves the house as a file, and its end credits go with it; a stripped copy is recognised when it comes back.

Signing needs a receipt: what a manifest says about works is what the log holds, and nothing else. The walk is: check receipt
and certificate, take the file's codes, make and sign the manifest on a copy, register the codes, issue a receipt of the
disclosure, and only then give the copy its name. A copy that is there is registered and disclosed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits import __version__
from endcredits.canonical import to_plain
from endcredits.errors import InputError
from endcredits.flows.clock import now
from endcredits.flows.media_claims import Wishes, proof_of, proven, used_works
from endcredits.flows.media_codes import DISCLOSURE, find, forget, keep_codes, register_of
from endcredits.flows.studio import Studio
from endcredits.receipts import Item, Receipt, issue
from endcredits.receipts.credentials import (
    ORIGINAL,
    SIGNED,
    WORKS_MAX,
    Codes,
    Disclosure,
    Entry,
    Reading,
    Signatory,
    UsedWork,
    codes_of_file,
    default_target,
    definition,
    disclosure_of,
    format_of,
    library,
    lookup,
    mining,
    read,
    read_disclosure,
    refuse_invalid,
    registry,
    signed,
)
from endcredits.receipts.credentials.signing import Signed

__all__ = ["SignedOutput", "Wishes", "find", "forget", "keep_codes", "sign"]


@dataclass(frozen=True, slots=True)
class SignedOutput:
    """What signing made.

    Attributes:
        file: the signed copy, or the sidecar.
        output_id: the output.
        reading: how the copy reads back to whoever trusts the chain's root.
        codes: of the file before it was signed.
        manifest_sha256: of the manifest store.
        manifest_bytes: its length.
        disclosure_id: the receipt of the disclosure.
        works: the works that are named.
        trusted_root: whether the chain ends in a root of its own, for which alone the state is Trusted.
    """

    file: Path
    output_id: str
    reading: Reading
    codes: Codes
    manifest_sha256: str
    manifest_bytes: int
    disclosure_id: str
    works: tuple[UsedWork, ...]
    trusted_root: bool


def sign(
    studio: Studio,
    file: Path,
    output_id: str,
    signatory: Signatory,
    *,
    wishes: Wishes | None = None,
    out: Path | None = None,
) -> SignedOutput:
    """Signs a copy of an output's file with its end credits.

    Args:
        studio: where the output was attributed.
        file: the output's file, which stays as it is.
        output_id: its id.
        signatory: see `load_signatory`.
        wishes: see `Wishes`.
        out: name of the copy, or of the sidecar; beside the file by default.

    Raises:
        NotFoundError: the output has no receipt: what cannot be proven is not signed.
        InputError: the file, a wish or the certificate does not fit; nothing is signed.
        ConflictError: there is a file of that name already, or a no to training would become a yes.
        IntegrityError: the receipt does not verify, or does not fit the books.
        MachineError: writing failed; run the same again.
    """
    wishes = wishes or Wishes()
    library("c2pa"), library("iscc_lib")
    if not 0 <= wishes.works <= WORKS_MAX:
        raise InputError(
            f"{wishes.works} works cannot be named", remedy=f"Name 0 to {WORKS_MAX}; the receipt has all.", field="--works"
        )
    at = now()
    receipt, attribution = proven(studio, output_id)
    form = format_of(file, sidecar=wishes.sidecar)
    before = read(file)
    refuse_invalid(before, file)
    codes = codes_of_file(file, form)
    register = register_of(studio)
    if codes.sha256 != attribution.output_sha256 and not wishes.rendition and not _is_ours(register, output_id, codes):
        raise InputError(
            "the file's bytes are not those that were attributed",
            remedy="Give the output itself; or say --rendition, if it is the output in another form, in your word.",
            file=file,
        )
    used = used_works(studio, attribution, wishes)
    disclosure = _disclosure(studio, receipt, wishes)
    unique_id = secrets.token_hex(16)
    manifest = definition(
        form,
        file.name,
        codes,
        proof_of(studio, receipt, attribution, wishes.receipt_url),
        used,
        disclosure,
        time=at,
        unique_id=unique_id,
        version=__version__,
        mining=_mining(before, wishes, file),
        has_parent=before.state != "none",
        inputs=len(wishes.inputs),
    )
    target = out or default_target(file, form)
    with signed(file, target, form, manifest, signatory, parent=before, inputs=wishes.inputs) as copy:
        rows = [Entry(output_id, ORIGINAL, at, codes)]
        if form.embeds:
            rows.append(Entry(output_id, SIGNED, at, codes_of_file(copy.partial, form)))
        registry.add(register, rows)
        disclosure_id = f"{DISCLOSURE}:{unique_id}"
        body = {**_stated(disclosure), "unique_id": unique_id, **_body(rows, copy)}
        issue(studio.log(), studio.receipts, [Item(disclosure_id, DISCLOSURE, body)], at)
        copy.publish()
        return SignedOutput(
            file=copy.target,
            output_id=output_id,
            reading=copy.reading,
            codes=codes,
            manifest_sha256=copy.manifest_sha256,
            manifest_bytes=copy.manifest_bytes,
            disclosure_id=disclosure_id,
            works=used,
            trusted_root=bool(signatory.root_pem),
        )


def _mining(before: Reading, wishes: Wishes, file: Path) -> mining.Entries:
    """What is said of mining: the strictest of what the file and its inputs say already, and of what is wished."""
    said: mining.Entries = {}
    for one in (before, *(read(one) for one in wishes.inputs)):
        said = mining.strictest(said, one.mining)
    return mining.carried_on(said, mining.stated(wishes.mining), file)


def _body(rows: Sequence[Entry], copy: Signed) -> dict[str, Any]:
    """What the receipt of a disclosure says of the file, before it was signed and after."""
    first, codes = rows[0], rows[0].codes
    return {
        "time": first.at,
        "output_id": first.output_id,
        "file_sha256": codes.sha256,
        "signed_sha256": rows[-1].codes.sha256,
        "media_type": codes.media_type,
        "iscc": list(codes.iscc),
        "c2pa": {"state": copy.reading.state, "manifest_sha256": copy.manifest_sha256, "label": copy.reading.label},
    }


def _is_ours(register: Path, output_id: str, codes: Codes) -> bool:
    """Whether these bytes were signed for this output before."""
    return any(match.by == "sha256" and match.entry.output_id == output_id for match in lookup(register, codes))


def _disclosure(studio: Studio, receipt: Receipt, wishes: Wishes) -> Disclosure:
    """The operator's statements over what the receipt says: the studio, its model by digest."""
    model: Any = receipt.body.get("model")
    version = str(model["full_sha256"])[:16] if isinstance(model, Mapping) and "full_sha256" in model else "unknown"
    defaults = {"provider": studio.name, "system": f"model of {studio.name}", "version": version}
    return read_disclosure(wishes.disclosure, defaults) if wishes.disclosure else disclosure_of(defaults)


def _stated(disclosure: Disclosure) -> dict[str, Any]:
    return {key: value for key, value in to_plain(disclosure).items() if value is not None}
