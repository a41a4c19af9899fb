"""Notes are those of C2SP: published signatures are accepted and reproduced, altered ones refused."""

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.receipts.merkle import EMPTY_ROOT
from endcredits.receipts.note import (
    SigningKey,
    load_key,
    make_keypair,
    open_checkpoint,
    open_note,
    read_vkey,
    sign_checkpoint,
    sign_note,
)
from tests.receipts.helpers import KEY, OTHER_KEY

# The example of the C2SP specification's implementations, and the key pair of Go's golang.org/x/mod/sumdb/note.
FOO_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"


def test_the_published_example_opens() -> None:
    """The note by example.com/foo is signed by its key."""
    assert open_note(FOO_NOTE, FOO_VKEY) == "This is an example message.\n"


def test_signing_gives_the_published_bytes() -> None:
    """Go's test key gives Go's vkey and Go's signature, byte by byte."""
    key = SigningKey("PeterNeumann", Ed25519PrivateKey.from_private_bytes(base64.b64decode(PETER_SEED)[1:]))

    assert key.vkey == PETER_VKEY
    assert sign_note(PETER_TEXT, key) == f"{PETER_TEXT}\n{PETER_LINE}"


def test_a_checkpoint_has_the_three_lines_of_the_standard() -> None:
    """Origin, size and base64 root, then an empty line and the signature."""
    checkpoint = sign_checkpoint(0, EMPTY_ROOT, KEY)

    lines = checkpoint.note.split("\n")
    assert lines[:4] == [KEY.name, "0", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", ""]
    assert lines[4].startswith(f"— {KEY.name} ")
    assert open_checkpoint(checkpoint.note, KEY.vkey) == checkpoint


def test_every_changed_byte_of_a_checkpoint_is_refused() -> None:
    """No single bit of the note can change."""
    note = sign_checkpoint(12, bytes(32), KEY).note.encode()

    for place in range(len(note)):
        for bit in range(8):
            changed = bytearray(note)
            changed[place] ^= 1 << bit
            with pytest.raises((IntegrityError, UnicodeDecodeError)):
                open_checkpoint(changed.decode(), KEY.vkey)


def test_every_changed_character_of_a_vkey_is_refused() -> None:
    """The key id binds name and key, so a slip of the hand is found."""
    for place in range(len(KEY.vkey)):
        changed = KEY.vkey[:place] + chr(ord(KEY.vkey[place]) ^ 1) + KEY.vkey[place + 1 :]
        with pytest.raises(InputError):
            read_vkey(changed)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        PETER_VKEY[1:],
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_malformed_vkeys_are_refused(vkey: str) -> None:
    """Not a line, a cut line, a key too long, an unknown algorithm."""
    with pytest.raises(InputError):
        read_vkey(vkey)


def test_signatures_by_unknown_keys_are_passed_over() -> None:
    """A witness may add a line, before or after ours; alone it does not do."""
    text, _, ours = sign_checkpoint(3, bytes(32), KEY).note.rpartition("\n\n")

    assert open_checkpoint(f"{text}\n\n{PETER_LINE}{ours}", KEY.vkey).size == 3
    assert open_checkpoint(f"{text}\n\n{ours}{PETER_LINE}", KEY.vkey).size == 3
    with pytest.raises(IntegrityError, match="not signed by the key"):
        open_checkpoint(f"{text}\n\n{PETER_LINE}", KEY.vkey)


def test_another_key_of_the_same_name_is_refused() -> None:
    """A name proves nothing."""
    note = sign_checkpoint(3, bytes(32), OTHER_KEY).note

    with pytest.raises(IntegrityError, match="not signed by the key"):
        open_checkpoint(note, KEY.vkey)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("another.example/log\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "is of the log"),
        (f"{KEY.name}\n03\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "not a checkpoint"),
        (f"{KEY.name}\n3\n", "not a checkpoint"),
        (f"{KEY.name}\n3\nAAAA\n", "not 32 bytes"),
        (f"{KEY.name}\n3\n***\n", "cannot be read"),
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str, problem: str) -> None:
    """Rightly signed is not enough: origin, size and root must be there."""
    with pytest.raises(IntegrityError, match=problem):
        open_checkpoint(sign_note(text, KEY), KEY.vkey)


def test_keys_are_kept_for_the_owner_only(tmp_path: Path) -> None:
    """The private key's file has mode 0600 and gives the same public key again."""
    key = make_keypair(tmp_path / "private" / "log.pem", "studio.example/log")

    assert stat.S_IMODE((tmp_path / "private" / "log.pem").stat().st_mode) == 0o600
    assert load_key(tmp_path / "private" / "log.pem", "studio.example/log").vkey == key.vkey
    assert "private" not in repr(key)


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    """Making a key where there is one leaves the old one."""
    make_keypair(tmp_path / "log.pem", "studio.example/log")
    before = (tmp_path / "log.pem").read_bytes()

    with pytest.raises(ConflictError):
        make_keypair(tmp_path / "log.pem", "studio.example/log")

    assert (tmp_path / "log.pem").read_bytes() == before


def test_unusable_keys_are_named(tmp_path: Path) -> None:
    """Missing, not a key, and a name that no note can carry."""
    (tmp_path / "bad.pem").write_text("hello")

    with pytest.raises(NotFoundError):
        load_key(tmp_path / "none.pem", "name")
    with pytest.raises(InputError, match=r"bad\.pem"):
        load_key(tmp_path / "bad.pem", "name")
    with pytest.raises(InputError, match="name of a log"):
        make_keypair(tmp_path / "log.pem", "two words")
