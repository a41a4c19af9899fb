"""The definition holds what it must, leaves out what is private, and is refused before it is too large to sign."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import c2pa
import pytest

from endcredits.errors import InputError
from endcredits.receipts.credentials import definition, signed
from endcredits.receipts.credentials.library import context
from endcredits.receipts.credentials.manifest import DEFINITION_BYTES_MAX, WORKS_MAX
from endcredits.receipts.credentials.records import ATTRIBUTION, DISCLOSURE, UsedWork
from tests.receipts.credentials import files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return files.put(tmp_path, "a.png", files.picture())


def data_of(manifest: dict[str, object], label: str) -> dict[str, object]:
    assertions: object = manifest["assertions"]
    assert isinstance(assertions, list)
    return next(one["data"] for one in assertions if one["label"] == label)  # type: ignore[no-any-return]


def test_what_points_to_the_proof(path: Path) -> None:
    _, codes, manifest = files.manifest_for(path)
    said = data_of(manifest, ATTRIBUTION)
    assert said["receipt"] == {
        "receipt_id": "out-1",
        "log_origin": "studio.example/endcredits/log",
        "log_index": 17,
        "url": "https://s.example/out-1",
    }
    assert (said["lines_count"], said["lines_root"], said["attribution_sha256"]) == (40, "2" * 64, "1" * 64)
    assert said["file"] == {"sha256": codes.sha256, "iscc": list(codes.iscc), "is_the_attributed_output": False}
    works = said["works"]
    assert isinstance(works, list) and "share_ppb" not in works[0] and works[0]["names"] == ["Maker 0"]


def test_the_editor_stays_out_of_the_file(path: Path) -> None:
    _, _, manifest = files.manifest_for(path, disclosure=files.said(human_editor_id="editor-77"))
    assert data_of(manifest, DISCLOSURE)["human_editor"] is True
    assert "editor-77" not in json.dumps(manifest)


def test_a_file_with_a_parent_is_opened_and_not_created(path: Path) -> None:
    _, _, manifest = files.manifest_for(path, has_parent=True, inputs=2)
    actions = data_of(manifest, "c2pa.actions.v2")["actions"]
    assert isinstance(actions, list)
    assert [one["action"] for one in actions] == ["c2pa.opened", "c2pa.edited"]
    assert actions[0]["parameters"] == {"ingredientIds": ["parent"]}
    assert actions[1]["parameters"]["ingredientIds"][-2:] == ["input-0", "input-1"]


def test_names_and_shares_are_told_only_when_given(path: Path) -> None:
    form, codes, _ = files.manifest_for(path)
    told = [UsedWork("work:1", 1, share_ppb=600), UsedWork("work:2", 2, "<b>\x1b]0;x\x07</b>", ("=cmd()",))]
    manifest = definition(form, "a", codes, files.PROOF, told, files.said(), time=files.AT, unique_id="u", version="1.0")
    works = data_of(manifest, ATTRIBUTION)["works"]
    assert works == [
        {"work_id": "work:1", "rank": 1, "sha256": [], "iscc": [], "share_ppb": 600},
        {"work_id": "work:2", "rank": 2, "sha256": [], "iscc": [], "title": "<b>\x1b]0;x\x07</b>", "names": ["=cmd()"]},
    ]
    assert [one["title"] for one in manifest["ingredients"]] == ["work:1", "<b>\x1b]0;x\x07</b>"]
    with signed(path, path.with_name("b.png"), form, manifest, files.signer()) as copy:
        assert copy.reading.ingredients[1] == ("inputTo", "<b>\x1b]0;x\x07</b>")


def test_no_works_and_no_address(path: Path) -> None:
    form, codes, _ = files.manifest_for(path)
    bare = replace(files.PROOF, receipt_url="")
    manifest = definition(form, "a", codes, bare, [], files.said(), time=files.AT, unique_id="u", version="1.0")
    assert "url" not in json.dumps(data_of(manifest, ATTRIBUTION)["receipt"])
    with signed(path, path.with_name("b.png"), form, manifest, files.signer()) as copy:
        assert copy.reading.state == "Trusted" and copy.reading.ingredients == ()


def test_too_many_works(path: Path) -> None:
    files.manifest_for(path, works=WORKS_MAX)
    with pytest.raises(InputError, match="too many for a manifest"):
        files.manifest_for(path, works=WORKS_MAX + 1)


def padded(size: int, path: Path) -> dict[str, object]:
    """A definition of about so many bytes."""
    form, codes, _ = files.manifest_for(path)
    works = [replace(files.used(0), title="x" * size)]
    return definition(form, "a", codes, files.PROOF, works, files.said(), time=files.AT, unique_id="u", version="1.0")


def test_the_largest_definition_is_signed_and_a_larger_one_refused_before(path: Path) -> None:
    form, _, _ = files.manifest_for(path)
    most = DEFINITION_BYTES_MAX // 2 - 2_000
    with signed(path, path.with_name("b.png"), form, padded(most, path), files.signer()) as copy:
        assert copy.reading.state == "Trusted"
    with pytest.raises(InputError, match="more than the 700000 that can be signed") as told:
        padded(DEFINITION_BYTES_MAX // 2 + 2_000, path)
    assert "nothing was signed" in told.value.remedy


def test_why_there_is_a_limit(path: Path) -> None:
    """The library itself breaks off, in its own words."""
    one = files.signer()
    made = {**files.manifest_for(path)[2], "title": "x" * 1_700_000}
    info = c2pa.C2paSignerInfo(b"es256", one.chain_pem.encode(), one.key_pem, None)
    with (
        context() as ours,
        pytest.raises(c2pa.C2paError, match="StringTooLong"),
        c2pa.Builder(made, context=ours) as builder,
    ):
        builder.sign(c2pa.Signer.from_info(info), "image/png", io.BytesIO(path.read_bytes()), io.BytesIO())


def test_half_a_character_is_refused(path: Path) -> None:
    form, codes, _ = files.manifest_for(path)
    with pytest.raises(InputError, match="half a character"):
        definition(form, "\ud800", codes, files.PROOF, [], files.said(), time=files.AT, unique_id="u", version="1.0")
