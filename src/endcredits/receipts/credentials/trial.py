"""A certificate authority of one's own, to try content credentials out before an issuer's certificate is there.

What it signs is *Valid* everywhere and *Trusted* only for whoever is given `root.pem`: public viewers show it as coming from
an unknown signer. For that, a certificate from an issuer of the C2PA conformance programme is needed.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from endcredits.durable import write_atomic
from endcredits.errors import ConflictError, InputError
from endcredits.receipts.credentials.library import PURPOSES

DAYS_MAX = 825
_FILES = ("chain.pem", "key.pem", "root.pem")


class TrialKey(NamedTuple):
    """The files that were made.

    Attributes:
        chain: certificate of the signer and of its root, for `--cert`.
        key: private key of the signer, for `--key`; readable by its owner only.
        root: certificate of the root, for `--trust`. Its private key was never written anywhere.
    """

    chain: Path
    key: Path
    root: Path


def make_trial_key(folder: Path, name: str, at: str, *, days: int = 90, purpose: str = "emailProtection") -> TrialKey:
    """Makes an authority, and one signer below it with all that C2PA asks for.

    Args:
        folder: where the three files go.
        name: the signer's organisation; every certificate says that it is for trial.
        at: UTC time from which they hold, such as 2026-11-20T12:00:00Z.
        days: how long, 1 to `DAYS_MAX`.
        purpose: one of the words of `library.PURPOSES`.

    Raises:
        ConflictError: the folder holds one of the files already.
        InputError: a name, number or purpose that cannot be.
    """
    oids = {word: oid for oid, word in PURPOSES.items()}
    if purpose not in oids:
        raise InputError(f"'{purpose}' is no purpose of a signer", remedy=f"Use {', '.join(oids)}.", field="--purpose")
    if not 1 <= days <= DAYS_MAX:
        raise InputError(f"{days} days cannot be", remedy=f"Use 1 to {DAYS_MAX}.", field="--days")
    if not name.strip() or not name.isprintable() or len(name.encode()) > 48:
        raise InputError("the name is not one short printable line", remedy="Use at most 48 bytes.", field="--name")
    for file in _FILES:
        if (folder / file).exists():
            raise ConflictError("the file is there already", remedy="Choose another folder.", file=folder / file)
    begin = datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    end = begin + datetime.timedelta(days=days)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = _subject(name, "trial root, trusted by nobody")
    root = (
        _certificate(root_name, root_name, root_key.public_key(), begin, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _certificate(_subject(name, "trial signer"), root_name, key.public_key(), begin, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(oids[purpose])]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    made = TrialKey(*(folder / file for file in _FILES))
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_atomic(made.root, root.public_bytes(pem))
    write_atomic(made.key, secret, private=True)
    write_atomic(made.chain, leaf.public_bytes(pem) + root.public_bytes(pem))
    return made


def _subject(name: str, role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name[:20]} {role}"),
        ]
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    begin: datetime.datetime,
    end: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
