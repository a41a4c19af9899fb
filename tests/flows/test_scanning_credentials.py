"""Credentials that the real library signed are opened and read: the active manifest, and what it was made from."""

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

c2pa = pytest.importorskip("c2pa")

from endcredits.flows import scanning_credentials  # noqa: E402
from endcredits.flows.scanning import ScannedWork, scan_paths  # noqa: E402
from endcredits.flows.scanning_dump import scan_dump  # noqa: E402
from endcredits.receipts.credentials.library import context  # noqa: E402
from tests.receipts.credentials.files import picture, signer  # noqa: E402

YES, NO, MAYBE = {"use": "allowed"}, {"use": "notAllowed"}, {"use": "maybe"}
PREFIXES = {"cawg.training-mining": "cawg", "c2pa.training-mining": "c2pa"}


def signed(entries: Mapping[str, object], *, made_from: bytes | None = None, label: str = "cawg.training-mining") -> bytes:
    """A signed JPEG whose credentials speak about training, made from another one or from nothing."""
    prefix = PREFIXES[label]
    said = {"label": label, "data": {"entries": {f"{prefix}.{key}": value for key, value in entries.items()}}}
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    created = {"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": source}]}}
    assertions = [*([] if made_from else [created]), *([said] if entries else [])]
    told = {"claim_generator_info": [{"name": "tests", "version": "1"}], "title": "t", "assertions": assertions}
    who = signer()
    info = c2pa.C2paSignerInfo(who.algorithm.encode(), who.chain_pem.encode(), who.key_pem, None)
    out = io.BytesIO()
    with context() as made, c2pa.Signer.from_info(info) as key, c2pa.Builder(told, context=made) as builder:
        if made_from is not None:
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            builder.add_ingredient({"title": "t", "relationship": "parentOf"}, "image/jpeg", io.BytesIO(made_from))
        builder.sign(key, "image/jpeg", io.BytesIO(made_from or picture("JPEG")), out)
    return out.getvalue()


def scanned(folder: Path, data: bytes) -> ScannedWork:
    """What a scan of one picture says."""
    (folder / "a.jpg").write_bytes(data)
    (work,) = scan_paths([folder / "a.jpg"])
    return work


@pytest.mark.parametrize("label", sorted(PREFIXES))
def test_a_no_is_read_and_named(tmp_path: Path, label: str) -> None:
    work = scanned(tmp_path, signed({"ai_generative_training": NO, "data_mining": YES}, label=label))

    assert (work.answers["train"].value, work.answers["finetune"].value) == ("deny", "deny")
    assert work.answers["tdm"].value == "allow", "the signature fits, and nobody says less"
    assert "CAWG in C2PA" in work.answers["train"].reason and work.problems == []


def test_what_a_picture_was_made_from_can_refuse_and_not_permit(tmp_path: Path) -> None:
    refused = scanned(tmp_path, signed({"ai_generative_training": YES}, made_from=signed({"ai_generative_training": NO})))
    only_within = scanned(tmp_path, signed({}, made_from=signed({"ai_generative_training": YES})))

    assert refused.answers["train"].value == "deny"
    assert only_within.answers["train"].value == "unknown"


def test_words_that_the_library_signs_unread_are_a_no(tmp_path: Path) -> None:
    work = scanned(tmp_path, signed({"ai_generative_training": MAYBE}))

    assert work.answers["train"].value == "deny" and "'maybe' is not a value" in work.problems[0][1]


def test_a_yes_in_a_picture_that_was_changed_after_signing_has_no_weight(tmp_path: Path) -> None:
    data = bytearray(signed({"ai_generative_training": YES}))
    data[-20] ^= 1

    assert scanned(tmp_path, bytes(data)).answers["train"].value == "unknown"


def test_in_a_crawl(tmp_path: Path) -> None:
    data = signed({"ai_generative_training": NO})
    row = {"url": "https://a.example/a.jpg", "status": 200, "headers": {}, "body_base64": base64.b64encode(data).decode()}
    (tmp_path / "crawl.jsonl").write_text(json.dumps(row) + "\n")

    (work,) = scan_dump(tmp_path / "crawl.jsonl")

    assert work.answers["train"].value == "deny" and work.problems == []


def test_without_the_library_nothing_is_a_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning_credentials.importlib.util, "find_spec", lambda name: None)

    work = scanned(tmp_path, signed({"ai_generative_training": YES}))

    assert {answer.value for answer in work.answers.values()} == {"unknown"}
    assert "nobody has read them" in work.problems[0][1]


def test_a_store_that_is_cut_short_stays_unread(tmp_path: Path) -> None:
    data = signed({"ai_generative_training": YES})
    end = data.index(b"training-mining") + 40

    work = scanned(tmp_path, data[:end])

    assert work.answers["train"].value == "unknown" and work.problems


def test_the_words_without_credentials_stay_unread(tmp_path: Path) -> None:
    work = scanned(tmp_path, picture("JPEG") + b"cawg.training-mining")

    assert work.answers["train"].value == "unknown" and work.problems
