"""Cosignatures are those of C2SP tlog-cosignature, and every change to one is seen."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.receipts.cosignature import (
    SIGNATURES_MAX,
    cosign,
    ed25519_message,
    read_statement,
    signed_by,
    subtree_message,
    with_lines,
)
from endcredits.receipts.cosigner import (
    ED25519,
    MLDSA44,
    PLAIN_ED25519,
    CosigningKey,
    Key,
    load_cosigning_key,
    make_cosigning_key,
    read_key,
)
from tests.receipts.witnesses import MemoryLog, entries, key

# The example of C2SP tlog-cosignature.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
AT = 1_679_315_147
ED = CosigningKey("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PQ = CosigningKey("witness.example/w1", MLDSA44PrivateKey.from_seed_bytes(bytes(range(32))))
LOG = MemoryLog(entries(5))


def spelt(cosigner: CosigningKey, data: bytes) -> str:
    return f"— {cosigner.name} {base64.b64encode(data).decode()}"


def test_the_example_of_the_standard_is_read_as_the_standard_says() -> None:
    """Origin, size, root, signature lines; the witness's time is where the standard has it."""
    said = read_statement(EXAMPLE)

    assert (said.origin, said.size, len(said.lines)) == ("example.com/behind-the-sofa", 20852163, 2)
    assert said.root == base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    data = base64.b64decode(said.lines[1].split(" ")[2])
    assert len(data) == 4 + 72
    assert int.from_bytes(data[4:12], "big") == AT
    assert ed25519_message(said.text, AT).decode() == (
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_an_ed25519_cosignature_has_the_bytes_of_the_standard() -> None:
    """key id || u64 time || signature, built here by hand."""
    said = read_statement(LOG.published.note)
    public = ED.private.public_key().public_bytes_raw()

    data = base64.b64decode(cosign(said, ED, AT).removeprefix(f"— {ED.name} "))

    assert data[:4] == hashlib.sha256(b"witness.example/w1\n\x04" + public).digest()[:4]
    assert data[4:12] == struct.pack(">Q", AT)
    message = b"cosignature/v1\ntime 1679315147\n" + said.text.encode()
    Ed25519PublicKey.from_public_bytes(public).verify(data[12:], message)


def test_an_mldsa_cosignature_has_the_bytes_of_the_standard() -> None:
    """The record that it signs, and the line, built here by hand."""
    said = read_statement(LOG.published.note)
    name, origin = b"witness.example/w1", said.origin.encode()
    record = b"".join(
        [
            b"subtree/v1\n\0",
            bytes([len(name)]),
            name,
            AT.to_bytes(8, "big"),
            bytes([len(origin)]),
            origin,
            bytes(8),
            (5).to_bytes(8, "big"),
            said.root,
        ]
    )
    assert isinstance(PQ.private, MLDSA44PrivateKey)

    data = base64.b64decode(cosign(said, PQ, AT).removeprefix(f"— {PQ.name} "))

    assert subtree_message(PQ.name, AT, said.origin, 5, said.root) == record
    assert len(data) == 4 + 8 + 2420
    assert data[:4] == hashlib.sha256(name + b"\n\x06" + PQ.private.public_key().public_bytes_raw()).digest()[:4]
    PQ.private.public_key().verify(data[12:], record)


@pytest.mark.parametrize("cosigner", [ED, PQ], ids=["ed25519", "mldsa44"])
def test_every_changed_bit_of_a_cosignature_is_seen(cosigner: CosigningKey) -> None:
    """A flip in key id makes it another's line; a flip anywhere else is refused."""
    said = read_statement(LOG.published.note)
    data = base64.b64decode(cosign(said, cosigner, AT).split(" ")[2])
    step = 1 if cosigner is ED else 97  # every byte of the short one, a sample of the long one

    for place in [*range(12), *range(12, len(data), step)]:
        bad = bytearray(data)
        bad[place] ^= 1
        changed = read_statement(with_lines(LOG.published.note, [spelt(cosigner, bytes(bad))]))
        if place < 4:
            assert signed_by(changed, cosigner.key) is None
        else:
            with pytest.raises(IntegrityError, match="does not fit"):
                signed_by(changed, cosigner.key)


@pytest.mark.parametrize("cosigner", [ED, PQ], ids=["ed25519", "mldsa44"])
def test_a_cosignature_is_of_one_checkpoint(cosigner: CosigningKey) -> None:
    """Under another size, root or origin it is refused."""
    line = cosign(read_statement(LOG.published.note), cosigner, AT)
    others = [
        MemoryLog(entries(6)),
        MemoryLog(entries(5, mark="other")),
        MemoryLog(entries(5), key(name="studio.example/endcredits/other")),
    ]

    for other in others:
        with pytest.raises(IntegrityError, match="does not fit"):
            signed_by(read_statement(with_lines(other.published.note, [line])), cosigner.key)


def test_the_kinds_are_not_mistaken_for_each_other() -> None:
    """A key's bytes under another kind are another key, and a log's plain signature is no cosignature."""
    said = read_statement(with_lines(LOG.published.note, [cosign(read_statement(LOG.published.note), ED, AT)]))
    plain = Key(ED.name, PLAIN_ED25519, ED.key.public)

    assert signed_by(said, ED.key) is not None
    assert signed_by(said, plain) is None
    assert signed_by(said, read_key(LOG.key.vkey)) is not None
    assert signed_by(said, Key(LOG.key.name, ED25519, read_key(LOG.key.vkey).public)) is None


def test_a_plain_signature_with_a_cosigners_key_id_is_refused() -> None:
    """Somebody who reuses a key as log and as witness gives away nothing: the messages differ."""
    said = read_statement(LOG.published.note)
    assert isinstance(ED.private, Ed25519PrivateKey)
    data = ED.key.key_id + bytes(8) + ED.private.sign(said.text.encode())

    with pytest.raises(IntegrityError, match="does not fit"):
        signed_by(read_statement(with_lines(LOG.published.note, [spelt(ED, data)])), ED.key)


def test_a_time_above_what_the_standard_allows_is_refused() -> None:
    """2**63 and more, even when the signature itself would be right."""
    said = read_statement(LOG.published.note)

    assert signed_by(read_statement(with_lines(LOG.published.note, [cosign(said, ED, 2**63 - 1)])), ED.key) is not None
    with pytest.raises(IntegrityError, match="does not fit"):
        signed_by(read_statement(with_lines(LOG.published.note, [cosign(said, ED, 2**63)])), ED.key)


def test_of_several_cosignatures_the_latest_counts_and_all_must_be_right() -> None:
    """Two times of one witness."""
    said = read_statement(LOG.published.note)
    early, late = cosign(said, ED, AT), cosign(said, ED, AT + 60)
    note = LOG.published.note + f"{late}\n{early}\n"
    bad = LOG.published.note + f"{late}\n{spelt(ED, ED.key.key_id + bytes(72))}\n"

    found = signed_by(read_statement(note), ED.key)

    assert found is not None and (found.time_s, found.line) == (AT + 60, late)
    with pytest.raises(IntegrityError, match="does not fit"):
        signed_by(read_statement(bad), ED.key)


def test_an_mldsa_key_signs_nothing_that_it_would_not_cover() -> None:
    """Further lines of a checkpoint are refused, in signing and in verifying."""
    line = cosign(read_statement(LOG.published.note), PQ, AT)
    text, _, signatures = LOG.published.note.rpartition("\n\n")
    longer = read_statement(f"{text}\nfurther\n\n{signatures}{line}\n")

    with pytest.raises(InputError, match="further lines"):
        cosign(longer, PQ, AT)
    with pytest.raises(IntegrityError, match="does not fit"):
        signed_by(longer, PQ.key)
    cosign(longer, ED, AT)


def test_adding_lines_replaces_those_of_the_same_key() -> None:
    """The log's own line and other witnesses' stand as they were."""
    said = read_statement(LOG.published.note)
    first = with_lines(LOG.published.note, [cosign(said, ED, AT), cosign(said, PQ, AT)])

    second = read_statement(with_lines(first, [cosign(said, ED, AT + 1)]))

    assert len(second.lines) == 3
    assert second.lines[0] == said.lines[0]
    found = signed_by(second, ED.key)
    assert found is not None and found.time_s == AT + 1
    with pytest.raises(IntegrityError, match=f"more than {SIGNATURES_MAX}"):
        with_lines(first, [f"— w{number} AAAAAAAA" for number in range(SIGNATURES_MAX)])
    with pytest.raises(IntegrityError):
        with_lines(first, ["— w AAAA\nAAAA"])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n1\n",
        LOG.published.note.replace("— ", "- "),
        LOG.published.note.removesuffix("\n"),
        LOG.published.note.replace("\n5\n", "\n05\n"),
        LOG.published.note.replace("\n5\n", "\n-5\n"),
        LOG.published.note.replace("\n5\n", "\n9223372036854775808\n"),
        LOG.published.note.replace("\n5\n", "\n\u0665\n"),
        LOG.published.note.replace("=\n\n", "\n\n"),
        LOG.published.note.replace("=\n\n", "\tx=\n\n"),
        LOG.published.note.replace("\n5\n", "\n5\n\n"),
        f"\n{LOG.published.note}",
        LOG.published.note + "— a+b AAAAAAAA\n",
        LOG.published.note + "— a  AAAAAAAA\n",
        LOG.published.note + "\n",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(note: str) -> None:
    """One spelling only."""
    with pytest.raises(IntegrityError):
        read_statement(note)


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    """Whatever the text: a statement or an IntegrityError, in front of good lines and behind them."""
    for note in (text, f"{text}\n\n{EXAMPLE.rpartition(chr(10) * 2)[2]}", EXAMPLE + text):
        with contextlib.suppress(IntegrityError):
            assert read_statement(note).text in note


@pytest.mark.parametrize("kind", [ED25519, MLDSA44])
def test_keys_are_kept_and_handed_out(tmp_path: Path, kind: int) -> None:
    """A saved key is read again, its line too, and it is private to its owner."""
    made = make_cosigning_key(tmp_path / "w.key", "witness.example/w1", kind)

    assert load_cosigning_key(tmp_path / "w.key", made.name).key == made.key
    assert read_key(made.key.vkey) == made.key
    assert (tmp_path / "w.key").stat().st_mode & 0o077 == 0
    assert "private" not in repr(made)
    with pytest.raises(ConflictError, match="a key already"):
        make_cosigning_key(tmp_path / "w.key", made.name, kind)


def test_what_is_not_a_key_is_refused(tmp_path: Path) -> None:
    """Missing files, other keys, wrong lines."""
    (tmp_path / "x").write_text("no key")

    with pytest.raises(NotFoundError):
        load_cosigning_key(tmp_path / "none", "w")
    with pytest.raises(InputError, match="PEM"):
        load_cosigning_key(tmp_path / "x", "w")
    for name in ("", "a b", "a+b", "a\nb", "a\u2003b", "é" * 128):
        with pytest.raises(InputError, match="name"):
            make_cosigning_key(tmp_path / "new", name)
    good = ED.key.vkey
    flips = [f"{good[:place]}{'B' if good[place] != 'B' else 'C'}{good[place + 1 :]}" for place in range(len(good))]
    for line in ["", "x", "a+b", f"{good} ", f"{good}=", good.upper(), *flips]:
        with pytest.raises(InputError):
            read_key(line)
    short = Key("w", 2, bytes(32))
    with pytest.raises(InputError, match="kind"):
        read_key(short.vkey)
