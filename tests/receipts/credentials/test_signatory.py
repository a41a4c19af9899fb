"""A certificate or key that C2PA would refuse is refused here, with what it lacks in words."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from endcredits.errors import InputError, NotFoundError
from endcredits.receipts.credentials import Signatory, load_anchors, load_signatory, read, signed
from tests.receipts.credentials import files

AT = "2026-11-20T12:00:00Z"
EMAIL = "1.3.6.1.5.5.7.3.4"
PEM = serialization.Encoding.PEM


@dataclass
class Made:
    """An authority, a leaf and the leaf's key."""

    root: x509.Certificate
    leaf: x509.Certificate
    key: Any

    def write(self, folder: Path, *chain: x509.Certificate, key: Any = None, password: bytes = b"") -> tuple[Path, Path]:
        """Chain and key as files."""
        hidden: Any = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        secret = (key or self.key).private_bytes(PEM, serialization.PrivateFormat.PKCS8, hidden)
        text = b"".join(one.public_bytes(PEM) for one in chain or (self.leaf, self.root))
        return files.put(folder, "chain.pem", text), files.put(folder, "key.pem", secret)


def make(
    key: Any = None,
    *,
    purposes: tuple[str, ...] = (EMAIL,),
    authority: bool = False,
    usage: bool | None = True,
    issuer_key: bool = True,
    begin: int = -1,
    days: int = 30,
    itself: bool = False,
) -> Made:
    """A certificate with or without what C2PA asks for; `begin` in days from now."""
    moment = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=begin)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), key or ec.generate_private_key(ec.SECP256R1())
    names = [x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, name)]) for name in ("Root", "Leaf")]

    def start(subject: x509.Name, issuer: x509.Name, public: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment)
            .not_valid_after(moment + datetime.timedelta(days=days))
        )

    root = (
        start(names[0], names[0], root_key.public_key())
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), False)
        .sign(root_key, hashes.SHA256())
    )
    leaf = start(names[1], names[1 if itself else 0], key.public_key())
    leaf = leaf.add_extension(x509.BasicConstraints(authority, None), True)
    if usage is not None:
        leaf = leaf.add_extension(x509.KeyUsage(usage, not usage, *(False,) * 7), True)
    if purposes:
        leaf = leaf.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in purposes]), False)
    if issuer_key:
        leaf = leaf.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
    by = key if itself else root_key
    return Made(root, leaf.sign(by, hashes.SHA256() if not isinstance(by, ed25519.Ed25519PrivateKey) else None), key)


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


KEYS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "es512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_every_kind_of_key_signs(tmp_path: Path, algorithm: str) -> None:
    """The algorithm follows from the key, and what it signs is Trusted under its root."""
    one = load_signatory(*make(KEYS[algorithm]()).write(tmp_path), now())
    assert (one.algorithm, one.name, one.purpose) == (algorithm, "Leaf", "emailProtection")
    path = files.put(tmp_path, "a.png", files.picture())
    form, _, manifest = files.manifest_for(path)
    with signed(path, tmp_path / "b.png", form, manifest, one) as copy:
        assert copy.reading.state == "Trusted"


def test_an_older_spelling_of_the_key_is_taken(tmp_path: Path) -> None:
    """The library takes PKCS #8 only; a key that OpenSSL wrote the old way is handed on in the new."""
    made = make()
    chain, key = made.write(tmp_path)
    key.write_bytes(
        made.key.private_bytes(PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    )
    assert b"BEGIN EC PRIVATE KEY" in key.read_bytes()
    assert load_signatory(chain, key, now()).key_pem.startswith(b"-----BEGIN PRIVATE KEY-----")


LACKING: dict[str, tuple[dict[str, Any], str]] = {
    "no purpose": ({"purposes": ()}, "lacks an extended key usage; it needs one of emailProtection"),
    "a server's": ({"purposes": ("1.3.6.1.5.5.7.3.1",)}, r"is for 1\.3\.6\.1\.5\.5\.7\.3\.1, not for signing content"),
    "any purpose": ({"purposes": (EMAIL, "2.5.29.37.0")}, "is for any purpose"),
    "authority": ({"authority": True}, "is that of an authority"),
    "no usage": ({"usage": None}, "lacks a key usage"),
    "other usage": ({"usage": False}, "without digitalSignature"),
    "no issuer key": ({"issuer_key": False}, "authorityKeyIdentifier"),
    "ended": ({"begin": -40}, "ended on"),
    "to begin": ({"begin": 3}, "begins only on"),
    "itself": ({"itself": True}, "signed itself"),
}


@pytest.mark.parametrize("case", list(LACKING))
def test_the_error_names_what_the_certificate_lacks(tmp_path: Path, case: str) -> None:
    stated, words = LACKING[case]
    made = make(**stated)
    with pytest.raises(InputError, match=words) as told:
        load_signatory(*made.write(tmp_path), now())
    assert told.value.field == "--cert" and "chain.pem" in str(told.value) and "trial-key" in told.value.remedy


def test_a_chain_is_whole_and_in_order(tmp_path: Path) -> None:
    made, other = make(), make()
    with pytest.raises(InputError, match="alone"):
        load_signatory(*made.write(tmp_path, made.leaf), now())
    with pytest.raises(InputError, match="certificate 1 of the chain was not issued by certificate 2"):
        load_signatory(*made.write(tmp_path, made.leaf, other.root), now())
    with pytest.raises(InputError, match="extended key usage"):
        load_signatory(*made.write(tmp_path, made.root, made.leaf), now())


def test_a_key_that_does_not_fit(tmp_path: Path) -> None:
    made = make()
    with pytest.raises(InputError, match="does not belong"):
        load_signatory(*made.write(tmp_path, key=KEYS["es256"]()), now())
    with pytest.raises(InputError, match="encrypted"):
        load_signatory(*made.write(tmp_path, password=b"secret"), now())
    for weak in (
        rsa.generate_private_key(65537, 1024),
        dsa.generate_private_key(1024),
        ec.generate_private_key(ec.SECP256K1()),
    ):
        with pytest.raises(InputError, match="of this kind") as told:
            load_signatory(*made.write(tmp_path, key=weak), now())
        assert told.value.field == "--key"


@pytest.mark.parametrize(
    "data", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_files_that_are_no_pem(tmp_path: Path, data: bytes) -> None:
    chain, key = make().write(tmp_path)
    bad = files.put(tmp_path, "bad.pem", data)
    with pytest.raises(InputError, match="no certificate") as told:
        load_signatory(bad, key, now())
    assert told.value.field == "--cert"
    with pytest.raises(InputError, match="no private key") as told:
        load_signatory(chain, bad, now())
    assert told.value.field == "--key"
    with pytest.raises(InputError, match="no certificate") as told:
        load_anchors(bad)
    assert told.value.field == "--trust"
    with pytest.raises(NotFoundError):
        load_signatory(tmp_path / "none.pem", key, now())
    with pytest.raises(NotFoundError):
        load_signatory(chain, tmp_path / "none.pem", now())


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    chain, _ = make().write(tmp_path)
    with pytest.raises(InputError, match="too large"):
        load_signatory(chain, files.put(tmp_path, "huge.pem", bytes(1_000_001)), now())


def test_without_a_root_in_the_chain_the_state_is_valid(tmp_path: Path) -> None:
    """An issuer's chain ends below its root: then whoever signs cannot claim to be Trusted."""
    made, above = make(), make()
    root = above.root
    chain = Signatory("es256", "", b"", "", "", "")
    assert chain.root_pem == ""
    one = load_signatory(*made.write(tmp_path), now())
    assert one.root_pem == made.root.public_bytes(PEM).decode() != root.public_bytes(PEM).decode()
    path = files.put(tmp_path, "a.png", files.picture())
    form, _, manifest = files.manifest_for(path)
    below = Signatory(one.algorithm, one.chain_pem, one.key_pem, one.name, one.purpose, one.valid_until)
    with signed(path, tmp_path / "b.png", form, manifest, below) as copy:
        assert copy.reading.state == "Valid" and "not known to this reader" in copy.reading.problems[0]
        copy.publish()
    assert read(tmp_path / "b.png", anchors=root.public_bytes(PEM).decode()).state == "Valid"
    assert read(tmp_path / "b.png", anchors=made.root.public_bytes(PEM).decode()).state == "Trusted"


def test_secrets_do_not_show(tmp_path: Path) -> None:
    one = load_signatory(*make().write(tmp_path), now())
    assert "PRIVATE" not in repr(one) and "BEGIN" not in repr(one)
