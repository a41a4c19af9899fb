"""What a manifest of ours claims, taken from what is proven: the receipt, the books, the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from endcredits.attribution import Attribution, document_of, find_attribution
from endcredits.canonical import digest
from endcredits.errors import InputError, IntegrityError, NotFoundError
from endcredits.flows.media_codes import work_codes
from endcredits.flows.studio import Studio
from endcredits.ids import OutputId
from endcredits.receipts import Receipt, load_receipt, receipt_path, verify_receipt
from endcredits.receipts.credentials import Proof, UsedWork
from endcredits.works import works

WORKS = 10
"""Works named by default."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a file is to be signed.

    Attributes:
        works: how many works are named, 0 to 20.
        names: tell titles and names; else work ids alone.
        shares: tell each named work's share.
        receipt_url: address under which receipts can be fetched, with {receipt_id} in it; "" for none.
        mining: what may be done with the output: `no`, `yes`, or `use=value`.
        inputs: files that the output was made from.
        sidecar: keep the manifest beside the file, whatever its type.
        rendition: the file is the output in another form, in the operator's word; else its bytes must be those attributed.
        disclosure: TOML file of the operator's statements; None for what the receipt says.
    """

    works: int = WORKS
    names: bool = True
    shares: bool = False
    receipt_url: str = ""
    mining: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()
    sidecar: bool = False
    rendition: bool = False
    disclosure: Path | None = None


def proven(studio: Studio, output_id: str) -> tuple[Receipt, Attribution]:
    """An output's receipt, verified, and its attribution, of which it holds the digest."""
    path = receipt_path(studio.receipts, output_id)
    if not path.exists():
        raise NotFoundError(
            f"the output '{output_id}' has no receipt, and without one nothing is signed",
            remedy="Attribute it first: endcredits attribute. Its id is in what that prints.",
            file=path,
            field="--output-id",
        )
    verdict = verify_receipt(path.read_bytes(), "\n".join(studio.log_to_read().vkeys))
    if not verdict.verified or verdict.receipt_id != output_id or verdict.type != "run.receipt":
        raise IntegrityError(
            f"the output's receipt does not verify ({verdict.problem or 'it is the receipt of something else'})",
            remedy="Run endcredits check.",
            file=path,
        )
    receipt = load_receipt(path)
    with studio.store.reading() as conn:
        attribution = find_attribution(conn, OutputId(output_id))
    if attribution is None or digest(document_of(attribution)) != receipt.body.get("attribution_sha256"):
        raise IntegrityError(
            "the books do not hold the attribution that the receipt proves", remedy="Run endcredits check.", file=path
        )
    return receipt, attribution


def proof_of(studio: Studio, receipt: Receipt, attribution: Attribution, url: str) -> Proof:
    """Where the whole list of an output's works is committed."""
    return Proof(
        output_id=attribution.output_id,
        receipt_id=receipt.receipt_id,
        output_sha256=attribution.output_sha256,
        attribution_sha256=str(receipt.body["attribution_sha256"]),
        lines_count=int(receipt.body["lines_count"]),
        lines_root=str(receipt.body["lines_root"]),
        log_origin=studio.origin,
        log_index=receipt.proof.leaf_index,
        receipt_url=_address(url, receipt.receipt_id),
    )


def used_works(studio: Studio, attribution: Attribution, wishes: Wishes) -> tuple[UsedWork, ...]:
    """The works with the largest credits, if they have any."""
    lines = [line for line in attribution.lines if line.share_ppb > 0][: wishes.works]
    with studio.store.reading() as conn:
        known = {work.work_id: work for work in works(conn)} if lines else {}
    iscc = work_codes(studio, [known[line.work_id] for line in lines if line.work_id in known])
    named = []
    for line in lines:
        work = known.get(line.work_id)
        told = work is not None and wishes.names
        named.append(
            UsedWork(
                work_id=line.work_id,
                rank=line.rank,
                title=work.title if work is not None and told else "",
                names=tuple(dict.fromkeys(one.display_credit for one in work.credits)) if work is not None and told else (),
                sha256=tuple(one.sha256 for one in work.manifestations) if work is not None else (),
                iscc=iscc.get(line.work_id, ()),
                share_ppb=line.share_ppb if wishes.shares else None,
            )
        )
    return tuple(named)


def _address(template: str, receipt_id: str) -> str:
    """Where a receipt can be fetched."""
    if not template:
        return ""
    parts = urlsplit(template)
    if parts.scheme not in ("http", "https") or not parts.hostname or "{receipt_id}" not in template:
        raise InputError(
            f"'{template[:100]}' is no address of receipts",
            remedy="Write it like https://studio.example/receipts/{receipt_id}.json.",
            field="--receipt-url",
        )
    return template.replace("{receipt_id}", quote(receipt_id, safe=""))
