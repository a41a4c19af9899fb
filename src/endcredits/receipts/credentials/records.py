"""What a content credential of an output says, before it is signed.

A *content credential* is a C2PA manifest: claims about a file, bound to its bytes by hashes and signed by a certificate's
key. Ours says that a model made the file, names the works that moved it most, and points to the receipt, where the whole
list is committed. What identifies a work is a digest in our own assertion: an ingredient of C2PA that is named and not
enclosed binds no bytes of the work.
"""

from __future__ import annotations

from dataclasses import dataclass

ATTRIBUTION = "org.endcredits.attribution"
"""Label of the assertion that points to the receipt."""
DISCLOSURE = "org.endcredits.disclosure"
"""Label of the assertion that holds the disclosure record."""
MINING = "cawg.training-mining"
"""Label of the assertion on what may be done with the output itself (CAWG training and data mining 1.1)."""


@dataclass(frozen=True, slots=True)
class UsedWork:
    """A work that moved the output, as it is named in the manifest.

    Attributes:
        work_id: the catalogue's id.
        rank: 1 for the largest credit.
        title: as published; "" where names are left out.
        names: display credits; empty where names are left out.
        sha256: of each file in which the work exists, 64 hex digits.
        iscc: content codes of those files that have one ("ISCC:...").
        share_ppb: the work's share of the output in parts per billion, None where shares are not told.
    """

    work_id: str
    rank: int
    title: str = ""
    names: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    iscc: tuple[str, ...] = ()
    share_ppb: int | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Where the whole list of works is committed.

    Attributes:
        output_id: the attributed output.
        receipt_id: its receipt.
        output_sha256: of the bytes that were attributed.
        attribution_sha256: digest of the whole attribution document.
        lines_count: works in the whole list.
        lines_root: Merkle root over the salted lines, 64 hex digits.
        log_origin: name of the log.
        log_index: the receipt's position in it, from 0.
        receipt_url: where the receipt can be fetched; "" where the operator names no address.
    """

    output_id: str
    receipt_id: str
    output_sha256: str
    attribution_sha256: str
    lines_count: int
    lines_root: str
    log_origin: str
    log_index: int
    receipt_url: str = ""


@dataclass(frozen=True, slots=True)
class Codes:
    """A file's identity, exact and by content.

    Attributes:
        sha256: of the bytes, 64 hex digits.
        size_bytes: length.
        media_type: what it is.
        instance: ISCC Instance-Code, 256 bits: the exact bytes (BLAKE3).
        data: ISCC Data-Code, 256 bits: which stretches of bytes it is made of.
        content: ISCC Text-Code or Image-Code, 256 bits: what it says or shows, whatever its bytes; "" where there is none.
        why_not: why there is no content code, in words; "" if there is one.
    """

    sha256: str
    size_bytes: int
    media_type: str
    instance: str
    data: str
    content: str = ""
    why_not: str = ""

    @property
    def iscc(self) -> tuple[str, ...]:
        """The codes that it has."""
        return tuple(code for code in (self.content, self.data, self.instance) if code)
