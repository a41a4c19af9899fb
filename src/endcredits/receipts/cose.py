"""The same proof in binary, for programs of supply chains: a COSE receipt (RFC 9942) of RFC9162_SHA256.

The log's tree is the one of RFC 9162, so nothing is proven anew; the proof is only written in CBOR. A COSE receipt is a
COSE_Sign1 (tag 18) whose payload, the tree's root, is left out: whoever checks it computes the root from the entry and
the path, and holds the signature against that.

    18([ << {1: -8, 4: key id, 15: {1: the log's origin, 2: the entry's subject}, 395: 1} >>,
         {396: {-1: [ << [size, index, [hash, ...]] >> ]}},
         null,
         signature over ["Signature1", protected, h'', root] ])

The checkpoint's signature is over a text and cannot be carried over, so making one takes the log's private key. The
algorithm is EdDSA (-8), which every COSE library knows; RFC 9864 names the same Ed25519 signature -19 too, and both are
read here. Needs the package cbor2: pip install 'endcredits[cose]'.
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from endcredits.errors import InputError, IntegrityError
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.merkle import HASH_BYTES, leaf_hash, root_of_path
from endcredits.receipts.note import SigningKey, open_checkpoint, read_vkey
from endcredits.receipts.records import InclusionProof, Receipt

SIGN1, ALG, KID, CWT, VDS, VDP, INCLUSION = 18, 1, 4, 15, 395, 396, -1
EDDSA, ED25519 = -8, -19
RFC9162_SHA256 = 1
COSE_BYTES_MAX = 65_536
MEDIA_TYPE = "application/cose"


def _cbor() -> Any:
    try:
        import cbor2
    except ImportError as error:
        raise InputError(
            "COSE receipts need the package cbor2", remedy="Install it: pip install 'endcredits[cose]'."
        ) from error
    return cbor2


def cose_receipt(receipt: Receipt, key: SigningKey) -> bytes:
    """A receipt's proof as a COSE receipt.

    Args:
        receipt: with a proof by this key's log.
        key: the log's Ed25519 key.

    Raises:
        InputError: cbor2 is not installed, the key is not an Ed25519 key, or the log had a single entry, which has no path.
        IntegrityError: the receipt's proof is not one of this key's log.
    """
    cbor2 = _cbor()
    if not isinstance(key.private, Ed25519PrivateKey):
        raise InputError("COSE receipts are signed with an Ed25519 key", field="key")
    checkpoint = open_checkpoint(receipt.proof.checkpoint, key.vkey)
    path = [bytes.fromhex(node) for node in receipt.proof.path]
    root = bytes.fromhex(checkpoint.root)
    if root_of_path(leaf_hash(receipt.leaf.encode()), receipt.proof.leaf_index, checkpoint.size, path) != root:
        raise IntegrityError("the receipt's entry is not in the log that was signed")
    if not path:
        raise InputError(
            "the log had a single entry, and a COSE receipt needs a path",
            remedy="Ask again when the log has grown.",
            field="receipt_id",
        )
    claims = {1: checkpoint.origin, 2: parse_leaf(receipt.leaf.encode()).subject}
    header = {ALG: EDDSA, KID: read_vkey(key.vkey).key_id, CWT: claims, VDS: RFC9162_SHA256}
    protected = cbor2.dumps(header, canonical=True)
    proof = cbor2.dumps([checkpoint.size, receipt.proof.leaf_index, path], canonical=True)
    signature = key.private.sign(_to_sign(cbor2, protected, root))
    message = [protected, {VDP: {INCLUSION: [proof]}}, None, signature]
    data: bytes = cbor2.dumps(cbor2.CBORTag(SIGN1, message), canonical=True)
    return data


def _to_sign(cbor2: Any, protected: bytes, root: bytes) -> bytes:
    """The Sig_structure of RFC 9052 section 4.4, without external data."""
    data: bytes = cbor2.dumps(["Signature1", protected, b"", root], canonical=True)
    return data


def read_cose_receipt(data: bytes, leaf: bytes, vkey: str) -> InclusionProof:
    """The proof in a COSE receipt, after checking that it proves this entry under this key.

    Args:
        data: the COSE receipt.
        leaf: the log's entry, as it stands in the receipt's file.
        vkey: the log's public key.

    Returns:
        Position and path; `checkpoint` is empty, since none is carried.

    Raises:
        InputError: cbor2 is not installed, or the key cannot be used.
        IntegrityError: it is no COSE receipt, or does not prove this entry.
    """
    cbor2 = _cbor()
    key = read_vkey(vkey)
    if len(data) > COSE_BYTES_MAX:
        raise IntegrityError(f"the COSE receipt has more than {COSE_BYTES_MAX} bytes")
    try:
        message = cbor2.loads(data)
        if not isinstance(message, cbor2.CBORTag) or message.tag != SIGN1 or cbor2.dumps(message, canonical=True) != data:
            raise ValueError("it is not a COSE_Sign1 in its one spelling")
        protected, unprotected, payload, signature = message.value
        header = cbor2.loads(protected)
        if payload is not None or set(unprotected) != {VDP} or set(unprotected[VDP]) != {INCLUSION}:
            raise ValueError("it does not hold exactly one proof of inclusion and a detached payload")
        if header.get(ALG) not in (EDDSA, ED25519) or header.get(VDS) != RFC9162_SHA256:
            raise ValueError("its algorithm or its kind of tree is another")
        (encoded,) = unprotected[VDP][INCLUSION]
        size, index, path = cbor2.loads(encoded)
        whole = type(size) is int and type(index) is int and 0 <= index < size < 2**63
        if not whole or not 1 <= len(path) <= 63 or any(type(node) is not bytes or len(node) != HASH_BYTES for node in path):
            raise ValueError("its path or its position cannot be")
        root = root_of_path(leaf_hash(leaf), index, size, path)
        if root is None or not isinstance(key.public, Ed25519PublicKey):
            raise ValueError("its path does not fit its position")
        key.public.verify(signature, _to_sign(cbor2, protected, root))
        if header.get(KID, key.key_id) != key.key_id or header.get(CWT, {}).get(1, key.name) != key.name:
            raise ValueError("it names another log")
        return InclusionProof(index, tuple(node.hex() for node in path), "")
    except InvalidSignature as error:
        raise IntegrityError(
            "the COSE receipt does not prove this entry: its signature is of another root or key"
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, cbor2.CBORError) as error:
        raise IntegrityError(f"it is not a COSE receipt of an entry in a log: {error}") from error
