"""Every type is signed and reads back; every pitfall of the signing library is stepped around or told."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import c2pa
import pytest
from PIL import Image

from endcredits import durable
from endcredits.errors import ConflictError, InputError, IntegrityError, MachineError
from endcredits.receipts.credentials import default_target, format_of, read, refuse_invalid, signed
from endcredits.receipts.credentials import library as library_of
from endcredits.receipts.credentials import signing as module
from endcredits.receipts.credentials.library import PURPOSES, context, settings
from endcredits.receipts.credentials.mining import stated
from endcredits.receipts.credentials.reading import Reading
from tests.receipts.credentials import files

NO = {name: {"use": "notAllowed"} for name in ("data_mining", "ai_generative_training", "ai_training", "ai_inference")}


def sign(path: Path, out: Path | None = None, **wishes: Any) -> Path:
    """Signs a copy and publishes it."""
    signatory = wishes.pop("signatory", files.signer())
    inputs = wishes.pop("inputs", ())
    parent: Reading | None = wishes.pop("parent", None)
    has_parent = parent is not None and parent.state != "none"
    form, _, manifest = files.manifest_for(path, has_parent=has_parent, inputs=len(inputs), **wishes)
    target = out or default_target(path, form)
    with signed(path, target, form, manifest, signatory, parent=parent, inputs=inputs) as copy:
        return copy.publish()


def trusted(path: Path) -> Reading:
    """As somebody reads it who trusts the trial root."""
    return read(path, anchors=files.signer().root_pem)


@pytest.mark.parametrize("suffix", list(files.embedded()))
def test_a_file_carries_its_manifest_and_reads_back(tmp_path: Path, suffix: str) -> None:
    path = files.put(tmp_path, f"out.{suffix}", files.embedded()[suffix])
    before = path.read_bytes()
    made = sign(path)
    assert made.name == f"out.signed.{suffix}" and path.read_bytes() == before
    found = trusted(made)
    assert (found.state, found.carrier, found.problems, found.doubts) == ("Trusted", "in the file", (), ())
    assert found.actions[0][:2] == ("c2pa.created", "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia")
    assert found.actions[0][2] == "tiny 1"
    assert found.ingredients == (("inputTo", "Work 0"), ("inputTo", "Work 1"), ("inputTo", "Work 2"))
    assert found.attribution is not None and found.attribution["lines_root"] == files.PROOF.lines_root
    assert found.disclosure is not None and "watermark" in found.disclosure
    assert read(made).state == "Valid"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")] == []


@pytest.mark.parametrize(("name", "data"), [("a.txt", files.TEXT.encode()), ("a.webm", files.WEBM), ("a.ogg", files.OGG)])
def test_what_holds_no_manifest_gets_a_sidecar(tmp_path: Path, name: str, data: bytes) -> None:
    path = files.put(tmp_path, name, data)
    made = sign(path)
    assert made.name == f"{name}.c2pa" and path.read_bytes() == data
    assert trusted(path).state == "Trusted" and trusted(path).carrier == str(made)
    path.write_bytes(data + b".")
    changed = trusted(path)
    assert changed.state == "Invalid" and "assertion.dataHash.mismatch" in " ".join(changed.problems)


def test_any_file_can_have_a_sidecar_when_asked(tmp_path: Path) -> None:
    path = files.put(tmp_path, "model.bin", bytes(range(256)))
    with pytest.raises(InputError, match="--sidecar"):
        format_of(path)
    sign(path, form=format_of(path, sidecar=True))
    assert trusted(path).state == "Trusted"


def test_ingredients_are_linked_from_the_action_by_their_hashes(tmp_path: Path) -> None:
    found = trusted(sign(files.put(tmp_path, "a.png", files.picture())))
    active = found.store["manifests"][found.label]
    (action,) = next(one for one in active["assertions"] if one["label"] == "c2pa.actions.v2")["data"]["actions"]
    labels = [one["label"] for one in active["ingredients"]]
    assert [link["url"].rpartition("/")[2] for link in action["parameters"]["ingredients"]] == labels


def test_a_works_digest_is_in_our_assertion_since_document_id_is_dropped(tmp_path: Path) -> None:
    """The library drops `document_id` of an ingredient that is only named; so nothing of ours rests on it."""
    path = files.put(tmp_path, "a.png", files.picture())
    form, _, manifest = files.manifest_for(path)
    assert all("document_id" not in one for one in manifest["ingredients"])
    manifest["ingredients"][0]["document_id"] = "xmp.did:lost"
    with signed(path, tmp_path / "b.png", form, manifest, files.signer()) as copy:
        text = json.dumps(copy.reading.store)
    assert "xmp.did:lost" not in text and "urn:endcredits:work:work:0" in text
    assert copy.reading.attribution is not None
    assert copy.reading.attribution["works"][1]["sha256"] == [f"{1:064x}"]


@pytest.mark.parametrize("purpose", list(PURPOSES.values()))
def test_each_purpose_of_a_certificate_is_configured(tmp_path: Path, purpose: str) -> None:
    """The library alone refuses all but emailProtection; our settings name all three, for signing and for reading."""
    path = files.put(tmp_path, "a.png", files.picture())
    signatory = files.signer(purpose)
    made = sign(path, signatory=signatory)
    assert read(made, anchors=signatory.root_pem).state == "Trusted"
    assert read(made).state == "Valid"
    bare = {key: value for key, value in settings().items() if key != "trust"}
    with c2pa.Context.from_dict(bare) as plain, made.open("rb") as file:
        state = json.loads(c2pa.Reader("image/png", file, context=plain).json())["validation_state"]
    assert state == ("Valid" if purpose == "emailProtection" else "Invalid")


def test_no_time_stamp_address_is_none_and_not_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty address breaks inside the library; ours is None."""
    given: list[Any] = []
    real = c2pa.C2paSignerInfo

    def info(*arguments: Any) -> Any:
        given.append(arguments[-1])
        return real(*arguments)

    monkeypatch.setattr(c2pa, "C2paSignerInfo", info)
    path = files.put(tmp_path, "a.png", files.picture())
    sign(path)
    assert given == [None]
    monkeypatch.setattr(c2pa, "C2paSignerInfo", lambda *arguments: real(*arguments[:-1], b""))
    with pytest.raises(InputError, match="empty string"):
        sign(path, tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_thumbnails_and_the_network_are_off(tmp_path: Path) -> None:
    chosen = settings()
    assert chosen["builder"]["thumbnail"] == {"enabled": False}
    assert chosen["verify"] == {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True}
    path = files.put(tmp_path, "a.png", files.picture(side=512))
    form, _, manifest = files.manifest_for(path)
    with signed(path, tmp_path / "b.png", form, manifest, files.signer()) as copy:
        assert copy.manifest_bytes < 20_000
        assert "thumbnail" not in json.dumps(copy.reading.store)


def test_a_manifest_kept_elsewhere_is_not_fetched(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.png", files.picture())
    form, _, manifest = files.manifest_for(path)
    one = files.signer()
    info = c2pa.C2paSignerInfo(b"es256", one.chain_pem.encode(), one.key_pem, None)
    with context() as made, c2pa.Builder(manifest, context=made) as builder, c2pa.Signer.from_info(info) as key:
        builder.set_no_embed()
        builder.set_remote_url("http://127.0.0.1:9/manifest.c2pa")
        out = io.BytesIO()
        builder.sign(key, form.told, io.BytesIO(path.read_bytes()), out)
    path.write_bytes(out.getvalue())
    with pytest.raises(InputError, match=r"nothing is fetched here"):
        read(path)


def test_signing_again_takes_the_old_manifest_along_as_parent(tmp_path: Path) -> None:
    first = sign(files.put(tmp_path, "a.png", files.picture()), mining=NO)
    found = read(first)
    second = trusted(sign(first, tmp_path / "b.png", parent=found))
    assert (second.state, second.manifests) == ("Trusted", 2)
    assert [action[0] for action in second.actions] == ["c2pa.opened", "c2pa.edited"]
    assert second.actions[1][1].endswith("trainedAlgorithmicMedia")
    assert ("parentOf", "a.signed.png") in second.ingredients
    assert second.mining == NO and found.label in second.store["manifests"]


def test_without_a_parent_the_library_loses_an_opt_out_in_silence(tmp_path: Path) -> None:
    """What the walk prevents: the old manifest is gone, and the file is Trusted."""
    first = sign(files.put(tmp_path, "a.png", files.picture()), mining=NO)
    lost = trusted(sign(first, tmp_path / "b.png"))
    assert (lost.state, lost.manifests, lost.mining) == ("Trusted", 1, {})


def test_a_sidecars_manifest_is_taken_along_too(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.txt", files.TEXT.encode())
    first = sign(path, mining=NO)
    found = read(path)
    first.rename(tmp_path / "old.c2pa")
    found = read(path, sidecar=tmp_path / "old.c2pa")
    sign(path, parent=found)
    again = trusted(path)
    assert (again.state, again.manifests, again.mining) == ("Trusted", 2, NO)
    assert ("parentOf", "a.txt") in again.ingredients


@pytest.mark.parametrize("kind", ["png", "txt"])
def test_an_inputs_opt_out_survives_in_the_output(tmp_path: Path, kind: str) -> None:
    data = files.picture(shift=3) if kind == "png" else files.TEXT.encode()
    made_from = files.put(tmp_path, f"sample.{kind}", data)
    marked = sign(made_from, mining=stated(["ai_generative_training=notAllowed"]))
    source = marked if kind == "png" else made_from
    found = trusted(sign(files.put(tmp_path, "a.jpg", files.picture("JPEG")), inputs=[source]))
    assert found.state == "Trusted" and found.manifests == 2
    assert ("inputTo", source.name) in found.ingredients
    assert found.mining == {"ai_generative_training": {"use": "notAllowed"}}


def test_pillow_strips_everything(tmp_path: Path) -> None:
    made = sign(files.put(tmp_path, "a.png", files.picture()))
    with Image.open(made) as opened:
        opened.save(tmp_path / "stripped.png")
    assert trusted(tmp_path / "stripped.png").state == "none"


def test_changed_pixels_and_changed_assertions_are_told_apart(tmp_path: Path) -> None:
    data = sign(files.put(tmp_path, "a.png", files.picture())).read_bytes()
    places = {"assertion.dataHash.mismatch": len(data) - 40, "assertion.hashedURI.mismatch": data.find(b"lines_root")}
    for code, place in places.items():
        assert place > 0
        path = files.put(tmp_path, "changed.png", data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        found = trusted(path)
        assert found.state == "Invalid" and any(code in problem for problem in found.problems)
        with pytest.raises(InputError, match="does not hold"):
            refuse_invalid(found, path)


def test_application_zip_is_told_as_zip(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.zip", files.zipped())
    assert (format_of(path).media_type, format_of(path).told) == ("application/zip", "zip")
    with context() as made, pytest.raises(c2pa.C2paError, match="unsupported"):
        c2pa.Reader("application/zip", io.BytesIO(files.zipped()), context=made)
    assert trusted(sign(path)).state == "Trusted"


def test_a_broken_file_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.mp4", files.mp4()[:40])
    with pytest.raises(InputError, match=r"a\.mp4: the file cannot be signed"):
        sign(path)
    assert [one.name for one in tmp_path.iterdir()] == ["a.mp4"]


def test_a_name_that_is_taken_is_not_overwritten(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.png", files.picture())
    there = files.put(tmp_path, "b.png", b"mine")
    with pytest.raises(ConflictError, match="--out"):
        sign(path, there)
    with pytest.raises(ConflictError):
        sign(path, path)
    assert there.read_bytes() == b"mine" and path.read_bytes() == files.picture()


def test_a_name_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.png", files.picture())
    form, _, manifest = files.manifest_for(path)
    with (
        pytest.raises(ConflictError, match="of this name already"),
        signed(path, tmp_path / "b.png", form, manifest, files.signer()) as copy,
    ):
        files.put(tmp_path, "b.png", b"mine")
        copy.publish()
    assert (tmp_path / "b.png").read_bytes() == b"mine" and len(list(tmp_path.iterdir())) == 2


def test_what_is_not_published_leaves_nothing(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.png", files.picture())
    form, _, manifest = files.manifest_for(path)
    with signed(path, tmp_path / "b.png", form, manifest, files.signer()) as copy:
        assert copy.partial.exists()
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


def test_a_lost_write_leaves_the_original_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files.put(tmp_path, "a.png", files.picture())

    def lost(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lost)
        with pytest.raises(MachineError, match="disk is full"):
            sign(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lost)
        with pytest.raises(MachineError, match="disk is full"):
            sign(path)
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"] and path.read_bytes() == files.picture()


def test_a_write_that_was_kept_but_reported_lost_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files.put(tmp_path, "a.png", files.picture())

    def reported(folder: Path) -> None:
        durable.sync_folder(folder)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module, "sync_folder", reported)
    with pytest.raises(MachineError):
        sign(path)
    assert trusted(tmp_path / "a.signed.png").state == "Trusted"
    assert len(list(tmp_path.iterdir())) == 2


def test_what_does_not_read_back_gets_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files.put(tmp_path, "a.png", files.picture())
    monkeypatch.setattr(module, "read", lambda *_, **__: Reading("Invalid", "image/png", problems=("tampered",)))
    with pytest.raises(IntegrityError, match="reads back as Invalid \\(tampered\\)"):
        sign(path)
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


def test_without_the_extra_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named '{name}'")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InputError, match=r"pip install 'endcredits\[media\]'"):
        library_of("c2pa")
