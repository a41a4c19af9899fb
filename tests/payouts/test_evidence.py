"""A payee's archive can be checked alone, and whatever was changed in it is found."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import pytest

from endcredits.canonical import sha256_bytes
from endcredits.errors import IntegrityError
from endcredits.payouts import statement_json
from endcredits.payouts.evidence import evidence_files, evidence_problems, evidence_zip

from .makers import earning, november, ordinary

POLICY = "name = 'mixed'\n"


def packed(files: dict[str, bytes]) -> bytes:
    """Files as an archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_sound_evidence_has_no_problems_and_is_always_the_same_bytes() -> None:
    """For every payee, other files included."""
    close = november().close
    for one in ordinary():
        data = evidence_zip(one, close, POLICY, {"receipt.json": b"{}"})
        assert list(evidence_problems(data)) == []
        assert evidence_zip(one, close, POLICY, {"receipt.json": b"{}"}) == data
        assert packed(evidence_files(one, close, POLICY, {"receipt.json": b"{}"}))


def test_the_readme_names_what_to_check() -> None:
    """Files, digests, how to dispute, until when; and what cannot be shown."""
    one = ordinary()[0]
    files = evidence_files(one, november().close, POLICY)

    readme = files["README.txt"].decode()

    assert all(name in readme for name in files if name != "README.txt")
    for words in (
        one.close_digest,
        one.policy_digest,
        one.audit_until,
        one.contact,
        one.dispute,
        "cannot show",
        "sha256sum -c",
    ):
        assert words in readme
    assert sha256_bytes(files["close.json"]) == one.close_digest
    assert f"{sha256_bytes(files['statement.json'])}  statement.json\n" in files["digests.txt"].decode()


def test_another_periods_close_is_refused() -> None:
    """Evidence must be of the statement."""
    with pytest.raises(IntegrityError, match="another close"):
        evidence_zip(ordinary()[0], earning(5, 0).close, POLICY)


def refit(files: dict[str, bytes]) -> dict[str, bytes]:
    """Digests made anew, as somebody would who hides a change."""
    names = sorted(set(files) - {"digests.txt"})
    return files | {"digests.txt": "".join(f"{sha256_bytes(files[name])}  {name}\n" for name in names).encode()}


def close_changed(files: dict[str, bytes], change: Callable[[dict[str, object]], None]) -> dict[str, bytes]:
    """Another close, with a statement that names it."""
    from dataclasses import replace

    close = json.loads(files["close.json"])
    change(close)
    data = json.dumps(close, separators=(",", ":"), sort_keys=True).encode()
    one = replace(ordinary()[0], close_digest=sha256_bytes(data))
    from endcredits.payouts import statement_csv

    document = {"statement.json": statement_json(one).encode(), "statement.tsv": statement_csv(one).encode()}
    return refit(files | document | {"close.json": data})


def test_whatever_was_changed_is_found() -> None:
    """A file, a digest, a sum, a pool, the policy, a missing file, and what is no archive."""
    files = evidence_files(ordinary()[0], november().close, POLICY)

    def found(changed: dict[str, bytes]) -> list[str]:
        return list(evidence_problems(packed(changed)))

    def pool(close: dict) -> None:  # type: ignore[type-arg]
        close["pools"][0]["pool_micros"] += 1

    def part(close: dict) -> None:  # type: ignore[type-arg]
        close["pools"][0]["parts"][0]["denominator"] = "1"

    def policy(close: dict) -> None:  # type: ignore[type-arg]
        close["policy"]["name"] = "other"

    assert found(files) == []
    assert found(files | {"policy.toml": b"x"}) == ["its files do not fit their digests"]
    assert found({name: data for name, data in files.items() if name != "close.json"}) == ["it lacks close.json"]
    other = refit(files | {"close.json": files["close.json"].replace(b"2026-11-30", b"2026-11-29")})
    assert found(other) == ["the close is not the one that the statement names"]
    flat = refit(files | {"statement.tsv": files["statement.tsv"].replace(b"Title", b"Tidle")})
    assert found(flat) == ["the flat form is not that of the statement"]
    cheated = refit(
        files | {"statement.json": files["statement.json"].replace(b'"earned_micros":25687500', b'"earned_micros":25687501')}
    )
    assert "its lines do not sum to what was earned" in found(cheated)
    assert found(close_changed(files, pool)) == ["the pool 0 is not the close's"]
    assert found(close_changed(files, part)) == ["the part 0 of the pool 0 is not the close's"]
    assert found(close_changed(files, policy)) == ["the policy in the close is not the one that the statement names"]
    assert any("not a statement" in text for text in found(refit(files | {"statement.json": b"{}"})))
    assert any("is not one of a statement" in text for text in found(refit(files | {"statement.tsv": b"x"})))
    assert any("not an archive" in text for text in evidence_problems(b"PK nothing"))
