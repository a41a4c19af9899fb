"""A manifest reads back as it was written, or is named as damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endcredits.canonical import canonical_bytes, sha256_bytes
from endcredits.errors import IntegrityError
from endcredits.ids import WorkId
from endcredits.influence.gradient.manifest import IndexManifest, manifest_bytes, read_manifest

MANIFEST = IndexManifest(
    method="ek-fac-midpoint/2",
    build_key="ab" * 32,
    facts={"task": "t/1", "layers": [["0", 2, 3, True]], "settings": {"damping": "0.03"}},
    scale="0.1",
    calibration_log_ratio_nats="1.000000",
    calibration_credit_nats="1.000000",
    works=((WorkId("a"), 3), (WorkId("b"), 1)),
    files={"curvature.safetensors": "cd" * 32},
    slopes=("1.000000", "0.900000"),
    sizes=("3.0", "0.0"),
)


def test_a_manifest_reads_back(tmp_path: Path) -> None:
    """Every field, and the digest of the file."""
    data = manifest_bytes(MANIFEST)
    (tmp_path / "manifest.json").write_bytes(data)

    assert read_manifest(tmp_path) == (MANIFEST, sha256_bytes(data))


def test_a_manifest_carries_the_digest_of_its_other_fields() -> None:
    """Anybody can recompute it: SHA-256 of the canonical JSON without that one field."""
    document = json.loads(manifest_bytes(MANIFEST))

    own = document.pop("manifest_sha256")

    assert own == sha256_bytes(canonical_bytes(document))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"3",
        b"{}",
        b"\xff",
        b'{"manifest_sha256":"x"}',
        manifest_bytes(MANIFEST) + b"\n",
        manifest_bytes(MANIFEST).replace(b'"0.1"', b'"0.2"'),
        manifest_bytes(MANIFEST).replace(b'"0.1"', b"0.1"),
        manifest_bytes(MANIFEST).replace(b'["a",3]', b'["a",30]'),
        manifest_bytes(MANIFEST).replace(b'["a",3]', b'["a"]'),
        manifest_bytes(MANIFEST).replace(b'"scale"', b'"scalf"'),
        manifest_bytes(MANIFEST).replace(b'["a",3]', b"NaN"),
    ],
)
def test_a_damaged_manifest_is_named(tmp_path: Path, data: bytes) -> None:
    """Whatever it holds instead."""
    path = tmp_path / "manifest.json"
    path.write_bytes(data)

    with pytest.raises(IntegrityError, match=r"manifest (is damaged|was changed)") as caught:
        read_manifest(tmp_path)

    assert caught.value.file == str(path)
