"""Reading says what is there, doubts what cannot be, and survives whatever it is given."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.receipts.credentials import Reading, format_of, read, signed
from endcredits.receipts.credentials.reading import reading_of
from tests.receipts.credentials import files


def signed_png(folder: Path, **stated: Any) -> Path:
    """A signed picture; `stated` goes over the definition's assertions."""
    path = files.put(folder, "a.png", files.picture())
    form, _, manifest = files.manifest_for(path)
    for change in stated.values():
        change(manifest["assertions"])
    with signed(path, folder / "b.png", form, manifest, files.signer()) as copy:
        return copy.publish()


@pytest.mark.parametrize("suffix", list(files.embedded()))
def test_a_file_without_a_manifest(tmp_path: Path, suffix: str) -> None:
    found = read(files.put(tmp_path, f"a.{suffix}", files.embedded()[suffix]))
    assert (found.state, found.carrier, found.manifests, found.mining) == ("none", "", 0, {})


@pytest.mark.parametrize("data", [b"plain text", files.WEBM, files.OGG, b"\0\1\2\3"])
def test_a_file_that_can_hold_none_holds_none(tmp_path: Path, data: bytes) -> None:
    assert read(files.put(tmp_path, "a", data)).state == "none"


def test_a_made_up_source_type_is_trusted_by_the_library_and_doubted_here(tmp_path: Path) -> None:
    def invent(assertions: list[Any]) -> None:
        assertions[0]["data"]["actions"][0]["digitalSourceType"] = "http://example.org/dreamt"

    found = read(signed_png(tmp_path, change=invent), anchors=files.signer().root_pem)
    assert found.state == "Trusted"
    assert found.doubts == ("'http://example.org/dreamt' is no digital source type, though it is signed",)


def test_a_made_up_consent_is_trusted_by_the_library_and_a_no_here(tmp_path: Path) -> None:
    def invent(assertions: list[Any]) -> None:
        data = {"entries": {"cawg.ai_training": {"use": "maybe"}}}
        assertions.append({"label": "cawg.training-mining", "data": data})

    found = read(signed_png(tmp_path, change=invent), anchors=files.signer().root_pem)
    assert (found.state, found.mining) == ("Trusted", {"ai_training": {"use": "notAllowed"}})
    assert "'maybe' is no value of use" in found.doubts[0]


def test_one_signer_is_unknown_to_another_root(tmp_path: Path) -> None:
    made = signed_png(tmp_path)
    found = read(made, anchors=files.signer("documentSigning").root_pem)
    assert found.state == "Valid" and found.problems == (
        "the signer is not known to this reader [signingCredential.untrusted]",
    )
    assert found.signer.endswith("Studio of Tests")


def test_a_sidecar_of_another_file_is_invalid(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.txt", files.TEXT.encode())
    form, _, manifest = files.manifest_for(path)
    with signed(path, tmp_path / "a.txt.c2pa", form, manifest, files.signer()) as copy:
        copy.publish()
    other = files.put(tmp_path, "b.txt", b"something else")
    assert read(other).state == "none"
    assert read(other, sidecar=tmp_path / "a.txt.c2pa").state == "Invalid"


def test_sidecars_that_are_none(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.txt", b"text")
    with pytest.raises(InputError, match="no such sidecar"):
        read(path, sidecar=tmp_path / "none.c2pa")
    for data in (b"", b"not a manifest at all"):
        with pytest.raises(InputError):
            read(path, sidecar=files.put(tmp_path, "bad.c2pa", data))
    with pytest.raises(NotFoundError):
        read(tmp_path / "none.png")


def test_no_flipped_byte_changes_what_a_trusted_file_says_or_shows(tmp_path: Path) -> None:
    """Some bytes of the manifest's wrapping are covered by nothing and mean nothing; all that has a meaning is covered."""
    data = signed_png(tmp_path).read_bytes()
    draw = random.Random(5)
    anchors = files.signer().root_pem
    whole = read(tmp_path / "b.png", anchors=anchors)
    begin = data.find(b"caBX")
    end = begin + 4 + int.from_bytes(data[begin - 4 : begin])
    states = []
    for place in sorted(draw.sample(range(8, len(data)), 200)):
        path = files.put(
            tmp_path, "c.png", data[:place] + bytes([data[place] ^ (1 << draw.randrange(8))]) + data[place + 1 :]
        )
        try:
            found = read(path, anchors=anchors)
        except InputError:
            continue
        states.append(found.state)
        if found.state == "Trusted":
            assert begin < place < end, "a byte of the picture itself"
            assert (found.attribution, found.disclosure, found.actions) == (
                whole.attribution,
                whole.disclosure,
                whole.actions,
            )
            assert (found.ingredients, found.mining, found.signer) == (whole.ingredients, whole.mining, whole.signer)
    assert states.count("Invalid") > len(states) // 2


def test_every_truncation_is_refused_or_told(tmp_path: Path) -> None:
    data = signed_png(tmp_path).read_bytes()
    for length in range(9, len(data), len(data) // 40):
        path = files.put(tmp_path, "c.png", data[:length])
        try:
            assert read(path, anchors=files.signer().root_pem).state in ("Invalid", "none"), length
        except InputError as error:
            assert error.file == str(path)


@pytest.mark.parametrize(
    "store",
    [
        {},
        {"manifests": [], "active_manifest": 3},
        {"manifests": {"a": None}, "active_manifest": "a"},
        {"manifests": {"a": {"assertions": [3, {"label": ["x"]}], "ingredients": "x"}}, "active_manifest": "a"},
        {
            "manifests": {"a": {"assertions": [{"label": "c2pa.actions", "data": {"actions": [{"softwareAgent": 3}, 4]}}]}},
            "active_manifest": "a",
            "validation_status": [None, {"code": 3}],
        },
        {"manifests": {"a": {"signature_info": [], "assertions": [{"label": "org.endcredits.attribution", "data": 7}]}}},
    ],
)
def test_a_strange_store_is_read_without_falling_over(tmp_path: Path, store: dict[str, Any]) -> None:
    found = reading_of(store, format_of(files.put(tmp_path, "a.txt", b"x")), "in the file")
    assert isinstance(found, Reading) and found.state == "Invalid" and found.attribution is None
    assert "does not say how the file was made" in " ".join(found.doubts)
