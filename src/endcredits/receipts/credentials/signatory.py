"""Who signs content credentials: a certificate chain and its private key, checked before anything is signed.

The signing library says "the certificate is invalid" and no more. Here every requirement of C2PA that certificates miss in
practice is looked at by itself, and the error names what is lacking: a purpose (extended key usage) for signing content, the
key usage digitalSignature, the identifier of the issuer's key, a chain in order, a key that belongs to the certificate, a
date that holds.
"""

from __future__ import annotations

import datetime
import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from endcredits.errors import InputError, NotFoundError
from endcredits.receipts.credentials.library import PURPOSES

ANY_PURPOSE = "2.5.29.37.0"
RSA_BITS_MIN = 2048
PEM_BYTES_MAX = 1_000_000
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_KEYS = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
_NEW = "Ask the issuer for a certificate for C2PA signing, or make one to try things out: endcredits media trial-key FOLDER"


@dataclass(frozen=True, slots=True)
class Signatory:
    """A checked certificate and key.

    Attributes:
        algorithm: "es256", "es384", "es512", "ed25519" or "ps256", which follows from the key.
        chain_pem: the certificates, the signer's own first.
        key_pem: the private key as unencrypted PKCS #8.
        name: the certificate's common name or organisation, for people.
        purpose: its accepted extended key usage, in words.
        valid_until: UTC time at which the certificate ends.
        root_pem: the last certificate of the chain, when it signed itself: the anchor that makes the signature Trusted for
            whoever trusts it; "" otherwise.
    """

    algorithm: str
    chain_pem: str = field(repr=False)
    key_pem: bytes = field(repr=False)
    name: str
    purpose: str
    valid_until: str
    root_pem: str = field(repr=False, default="")


def load_signatory(certificate: str | os.PathLike[str], key: str | os.PathLike[str], at: str) -> Signatory:
    """Reads and checks an operator's certificate chain and key.

    Args:
        certificate: PEM file: the signer's certificate, then its issuers in order.
        key: PEM file of its private key, not encrypted.
        at: UTC time of signing, such as 2026-11-20T12:00:00Z.

    Raises:
        NotFoundError: a file is not there.
        InputError: names what the certificate or key lacks.
    """
    file = Path(certificate)
    chain = _chain(_read(file), file)
    leaf = chain[0]
    moment = datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    _check_dates(leaf, moment, file)
    purpose = _check_purpose(leaf, file)
    _check_role(leaf, file)
    _check_order(chain, file)
    private, algorithm = _key(Path(key))
    if private.public_key() != leaf.public_key():
        raise InputError(
            "the key does not belong to the first certificate of the chain",
            remedy="Give the certificate's own key, and the signer's certificate first in its file.",
            file=key,
            field="--key",
        )
    last = chain[-1]
    return Signatory(
        algorithm=algorithm,
        chain_pem="".join(_pem(one) for one in chain),
        key_pem=private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        name=_name(leaf),
        purpose=purpose,
        valid_until=leaf.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        root_pem=_pem(last) if last.issuer == last.subject else "",
    )


def load_anchors(path: str | os.PathLike[str]) -> str:
    """Reads certificates of roots that a reader trusts, as PEM.

    Raises:
        NotFoundError: there is no such file.
        InputError: it holds no certificate.
    """
    file = Path(path)
    return "".join(_pem(one) for one in _chain(_read(file, "--trust"), file, "--trust"))


def _read(file: Path, option: str = "--cert") -> bytes:
    try:
        with file.open("rb") as handle:
            data = handle.read(PEM_BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", remedy="Check its name.", file=file, field=option) from error
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror})", file=file, field=option) from error
    if len(data) > PEM_BYTES_MAX:
        raise InputError("this is no PEM file: it is too large", file=file, field=option)
    return data


def _chain(data: bytes, file: Path, option: str = "--cert") -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise InputError(
            "the file holds no certificate that can be read",
            remedy="Give a PEM file: text that begins with -----BEGIN CERTIFICATE-----.",
            file=file,
            field=option,
        ) from error


def _lacks(what: str, file: Path) -> InputError:
    return InputError(f"the certificate {what}", remedy=_NEW + ".", file=file, field="--cert")


def _check_dates(leaf: x509.Certificate, moment: datetime.datetime, file: Path) -> None:
    if moment > leaf.not_valid_after_utc:
        raise _lacks(f"ended on {leaf.not_valid_after_utc:%Y-%m-%d}", file)
    if moment < leaf.not_valid_before_utc:
        raise _lacks(f"begins only on {leaf.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}", file)


def _check_purpose(leaf: x509.Certificate, file: Path) -> str:
    """The accepted purpose."""
    accepted = ", ".join(f"{name} ({oid})" for oid, name in PURPOSES.items())
    try:
        stated = [one.dotted_string for one in leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value]
    except x509.ExtensionNotFound as error:
        raise _lacks(f"lacks an extended key usage; it needs one of {accepted}", file) from error
    except ValueError as error:
        raise _lacks(f"has extensions that cannot be read ({error})", file) from error
    if ANY_PURPOSE in stated:
        raise _lacks("is for any purpose (anyExtendedKeyUsage), which C2PA refuses", file)
    fitting = [PURPOSES[oid] for oid in stated if oid in PURPOSES]
    if not fitting:
        raise _lacks(f"is for {', '.join(stated)}, not for signing content; it needs one of {accepted}", file)
    return fitting[0]


def _check_role(leaf: x509.Certificate, file: Path) -> None:
    extensions = leaf.extensions
    try:
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise _lacks("is that of an authority (CA:TRUE); content is signed by a leaf below it", file)
    except x509.ExtensionNotFound:
        pass  # a leaf without basic constraints is no authority
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        raise _lacks("lacks a key usage; it needs digitalSignature", file) from error
    if not usage.digital_signature:
        raise _lacks("has a key usage without digitalSignature", file)
    if leaf.issuer == leaf.subject:
        raise _lacks("signed itself; it needs an issuer, be it an authority of your own", file)
    try:
        extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except x509.ExtensionNotFound as error:
        raise _lacks("lacks the identifier of its issuer's key (authorityKeyIdentifier)", file) from error


def _check_order(chain: list[x509.Certificate], file: Path) -> None:
    if len(chain) == 1:
        raise InputError(
            "the chain holds the signer's certificate alone",
            remedy="Append the certificate of its issuer, so that viewers can follow it to a root.",
            file=file,
            field="--cert",
        )
    for number, (below, above) in enumerate(itertools.pairwise(chain), 1):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise InputError(
                f"certificate {number} of the chain was not issued by certificate {number + 1}",
                remedy="Order them: the signer first, each followed by its issuer, and nothing else.",
                file=file,
                field="--cert",
            ) from error


def _key(file: Path) -> tuple[_KEYS, str]:
    try:
        private = serialization.load_pem_private_key(_read(file, "--key"), password=None)
    except TypeError as error:
        raise InputError(
            "the key is encrypted",
            remedy="Decrypt it to a file that only you can read: openssl pkey -in KEY -out PLAIN.",
            file=file,
            field="--key",
        ) from error
    except ValueError as error:
        raise InputError(
            "the file holds no private key that can be read", remedy="Give a PEM file.", file=file, field="--key"
        ) from error
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES:
        return private, _CURVES[private.curve.name]
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private, "ed25519"
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= RSA_BITS_MIN:
        return private, "ps256"
    raise InputError(
        "content credentials cannot be signed with a key of this kind",
        remedy=f"Use EC P-256, P-384 or P-521, Ed25519, or RSA of at least {RSA_BITS_MIN} bits.",
        file=file,
        field="--key",
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(leaf: x509.Certificate) -> str:
    for oid in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME):
        for attribute in leaf.subject.get_attributes_for_oid(oid):
            return str(attribute.value)
    return leaf.subject.rfc4514_string()
