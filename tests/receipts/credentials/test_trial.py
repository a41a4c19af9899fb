"""The trial authority makes what C2PA asks for, and says that it is for trial."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509

from endcredits.errors import ConflictError, InputError
from endcredits.flows.clock import now
from endcredits.receipts.credentials import load_anchors, load_signatory, make_trial_key
from endcredits.receipts.credentials.library import PURPOSES


@pytest.mark.parametrize("purpose", list(PURPOSES.values()))
def test_what_it_makes_passes_our_own_checks(tmp_path: Path, purpose: str) -> None:
    made = make_trial_key(tmp_path / "keys", "Studio", now(), purpose=purpose)
    one = load_signatory(made.chain, made.key, now())
    assert (one.purpose, one.algorithm) == (purpose, "es256") and "trial" in one.name
    assert load_anchors(made.root) == one.root_pem
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    root = x509.load_pem_x509_certificate(made.root.read_bytes())
    assert "trusted by nobody" in root.subject.rfc4514_string()
    assert sorted(path.name for path in made.key.parent.iterdir()) == ["chain.pem", "key.pem", "root.pem"]


def test_no_key_is_overwritten(tmp_path: Path) -> None:
    made = make_trial_key(tmp_path, "Studio", now())
    before = made.key.read_bytes()
    with pytest.raises(ConflictError):
        make_trial_key(tmp_path, "Studio", now())
    assert made.key.read_bytes() == before


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": "x" * 60}, {"name": "a\nb"}, {"days": 0}, {"days": 826}, {"purpose": "serverAuth"}]
)
def test_what_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    stated: dict[str, object] = {"name": "Studio", "days": 90, "purpose": "emailProtection", **wrong}
    name = stated.pop("name")
    with pytest.raises(InputError):
        make_trial_key(tmp_path / "keys", str(name), now(), **stated)  # type: ignore[arg-type]
    assert not (tmp_path / "keys").exists()
