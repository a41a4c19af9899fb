"""An output leaves with its end credits, and comes back without them."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from endcredits.attribution import Attribution
from endcredits.errors import ConflictError, InputError, IntegrityError, MachineError, NotFoundError
from endcredits.flows import attributing, crediting_media, media_codes
from endcredits.flows.checking import check_studio
from endcredits.flows.crediting_media import Wishes
from endcredits.flows.studio import Studio, open_studio
from endcredits.receipts import load_receipt, receipt_path, receipts_in, verify_receipt
from endcredits.receipts.credentials import codes_of_file, codes_of_text, format_of, read, registry
from endcredits.receipts.credentials import signing as signing_module
from endcredits.works import get_content, works
from tests.receipts.credentials import files
from tests.story import house as story
from tests.story.house import House

LONG = " ".join(story.prose(name, 90, seed=9) for name in (story.SALT, story.LAMP, story.TIDE))


@pytest.fixture(scope="module")
def credited(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A studio with one longer output and one picture-like one, attributed."""
    path = house.copy(house.indexed, tmp_path_factory.mktemp("media") / "studio")
    studio = open_studio(path)
    story.use_one_thread()
    given = [attributing.GivenOutput(LONG.encode(), b"", "long")]
    attributing.attribute(studio, attributing_index(studio), given)
    studio.close()
    return path


def attributing_index(studio: Studio) -> Any:
    """The studio's index."""
    from endcredits.flows import indexing

    return indexing.current_index(studio)


@pytest.fixture
def studio(credited: Path, tmp_path: Path) -> Iterator[Studio]:
    """A copy of one's own."""
    opened = open_studio(shutil.copytree(credited, tmp_path / "studio"))
    yield opened
    opened.close()


@pytest.fixture
def output(studio: Studio) -> Attribution:
    (found,) = attributing.all_attributions(studio)
    return found


def poem(folder: Path) -> Path:
    """The attributed text as a file."""
    return files.put(folder, "poem.txt", LONG.encode())


def sign(studio: Studio, file: Path, output_id: str, **wishes: Any) -> crediting_media.SignedOutput:
    out = wishes.pop("out", None)
    return crediting_media.sign(studio, file, output_id, files.signer(), wishes=Wishes(**wishes), out=out)


def test_a_text_is_signed_beside_itself_and_points_to_its_receipt(
    studio: Studio, output: Attribution, tmp_path: Path
) -> None:
    file = poem(tmp_path)
    made = sign(studio, file, output.output_id, receipt_url="https://s.example/r/{receipt_id}.json", shares=True)
    assert made.file == tmp_path / "poem.txt.c2pa" and file.read_bytes() == LONG.encode()
    found = read(file, anchors=files.signer().root_pem)
    said = found.attribution
    assert found.state == "Trusted" and said is not None
    receipt = load_receipt(receipt_path(studio.receipts, output.output_id))
    assert said["receipt"]["log_index"] == receipt.proof.leaf_index
    assert said["receipt"]["url"].startswith("https://s.example/r/") and ":" not in said["receipt"]["url"][24:]
    for name in ("attribution_sha256", "lines_count", "lines_root"):
        assert said[name] == receipt.body[name]
    assert said["file"]["is_the_attributed_output"] is True
    with studio.store.reading() as conn:
        known = {work.work_id: work for work in works(conn)}
    assert [one["work_id"] for one in said["works"]] == [line.work_id for line in output.lines if line.share_ppb > 0]
    for one, line in zip(said["works"], output.lines, strict=False):
        work = known[line.work_id]
        assert (one["title"], one["rank"], one["share_ppb"]) == (work.title, line.rank, line.share_ppb)
        assert one["names"] == [credit.display_credit for credit in work.credits]
        assert one["sha256"] == [file.sha256 for file in work.manifestations]
        data = get_content(studio.content, work.manifestations[0].sha256)
        assert one["iscc"] == [codes_of_text(data).content]
    assert found.ingredients == tuple(("inputTo", one["title"]) for one in said["works"])


def test_the_disclosure_is_in_the_log(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    made = sign(studio, poem(tmp_path), output.output_id)
    path = receipt_path(studio.receipts, made.disclosure_id)
    assert verify_receipt(path.read_bytes(), studio.log_to_read().vkey).verified
    receipt = load_receipt(path)
    assert receipt.type == "disclosure" and receipt.body["output_id"] == output.output_id
    assert receipt.body["c2pa"]["manifest_sha256"] == made.manifest_sha256
    assert receipt.body["watermark"]["reason"] == "no watermark is embedded by this system"
    read_back = read(tmp_path / "poem.txt").disclosure
    assert read_back is not None and read_back["unique_id"] == receipt.body["unique_id"]
    assert read_back["time"] == receipt.body["time"]
    assert check_studio(studio) == []


def test_a_picture_is_a_rendition_on_the_operators_word(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    file = files.put(tmp_path, "a.png", files.picture())
    with pytest.raises(InputError, match=r"not those that were attributed.*--rendition"):
        sign(studio, file, output.output_id)
    made = sign(studio, file, output.output_id, rendition=True)
    assert made.file.name == "a.signed.png" and made.reading.attribution is not None
    assert made.reading.attribution["file"]["is_the_attributed_output"] is False
    again = sign(studio, made.file, output.output_id)  # what we signed for this output needs no word
    assert again.reading.manifests == 2 and again.reading.state == "Trusted"


def test_an_output_without_a_receipt_is_refused(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    file = poem(tmp_path)
    for name in ("output:none", "../../etc/passwd"):
        with pytest.raises(InputError):
            sign(studio, file, name)
    with pytest.raises(NotFoundError, match="has no receipt"):
        sign(studio, file, "output:none")
    path = receipt_path(studio.receipts, output.output_id)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"lines_count":', b'"lines_c0unt":', 1))
    with pytest.raises(IntegrityError, match="does not verify"):
        sign(studio, file, output.output_id)
    path.unlink()
    with pytest.raises(NotFoundError, match="endcredits attribute"):
        sign(studio, file, output.output_id)
    assert not (tmp_path / "poem.txt.c2pa").exists()


def test_a_receipt_of_something_else_is_refused(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    made = sign(studio, poem(tmp_path), output.output_id)
    with pytest.raises(IntegrityError, match="the receipt of something else"):
        sign(studio, tmp_path / "poem.txt", made.disclosure_id, out=tmp_path / "b.c2pa")


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG"])
def test_a_stripped_picture_is_found(studio: Studio, output: Attribution, tmp_path: Path, form: str) -> None:
    made = sign(studio, files.put(tmp_path, "a.png", files.picture()), output.output_id, rendition=True)
    stripped = tmp_path / f"b.{form.lower()}"
    with Image.open(made.file) as opened:
        opened.resize((80, 80)).save(stripped, form)
    assert read(stripped).state == "none"
    (match,) = crediting_media.find(studio, stripped).matches
    assert (match.entry.output_id, match.by) == (output.output_id, "image")
    assert match.verdict in ("close", "similar") and match.distance_bits <= 32
    (exact,) = crediting_media.find(studio, made.file).matches
    assert (exact.verdict, exact.entry.taken_of) == ("same bytes", "signed")
    other = files.put(tmp_path, "c.png", files.picture(shift=2))
    nothing = crediting_media.find(studio, other)
    assert nothing.matches == () and nothing.registered >= 2


def test_a_text_is_found_without_ever_being_signed(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    media_codes.forget(studio, [output.output_id])
    media_codes.keep_codes(studio, [(output.output_id, LONG.encode()), ("out-other", b"\xff\xfe")], "2026-11-20T12:00:00Z")
    copied = files.put(tmp_path, "copied.txt", (LONG[:-40] + " and so it ended").encode())
    (match,) = crediting_media.find(studio, copied).matches
    assert (match.entry.output_id, match.by, match.entry.taken_of) == (output.output_id, "text", "attributed")
    assert match.verdict in ("close", "similar")


def test_sound_that_lost_its_manifest_is_found_by_its_data(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    file = files.put(tmp_path, "a.wav", files.wav(40_000))
    made = sign(studio, file, output.output_id, rendition=True)
    assert "no content code" in made.codes.why_not
    (match,) = crediting_media.find(studio, file).matches
    assert (match.verdict, match.entry.taken_of) == ("same bytes", "original")
    cut = files.put(tmp_path, "b.wav", files.wav(40_000) + b"LIST\4\0\0\0INFO")
    (match,) = crediting_media.find(studio, cut).matches
    assert match.by == "data" and match.verdict == "close"


def test_forgotten_outputs_are_not_found(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    sign(studio, poem(tmp_path), output.output_id)
    assert crediting_media.forget(studio, [output.output_id]) >= 1
    assert crediting_media.find(studio, tmp_path / "poem.txt").matches == ()


def test_what_was_erased_is_taken_out_of_the_register(
    studio: Studio, output: Attribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The register forgets what has a tombstone, and the check names what it still knows."""
    made = sign(studio, poem(tmp_path), output.output_id)
    assert media_codes.disclosures_of(studio, output.output_id) == (made.disclosure_id,)
    assert media_codes.disclosures_of(studio, "output:none") == () and media_codes.forget_erased(studio) == 0
    register = media_codes.register_of(studio)
    other = registry.Entry("output:other", "attributed", "2026-11-20T12:00:00Z", codes_of_text(files.TEXT.encode()))
    registry.add(register, [other])
    (studio.receipts / "erased").mkdir()
    erased = {output.output_id: "a tombstone"}
    monkeypatch.setattr(media_codes, "find_tombstone", lambda log, folder, receipt_id: erased.get(receipt_id))
    (finding,) = media_codes.check_register(studio)
    assert finding.where == f"output {output.output_id}" and "still knows it" in finding.problem
    assert media_codes.forget_erased(studio) >= 1
    assert registry.entries(register) == [other] and list(media_codes.check_register(studio)) == []


def test_a_no_is_carried_on_and_not_widened(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    first = sign(studio, files.put(tmp_path, "a.png", files.picture()), output.output_id, rendition=True, mining=("no",))
    second = sign(studio, first.file, output.output_id)
    active = second.reading.store["manifests"][second.reading.label]
    said = next(one for one in active["assertions"] if one["label"] == "cawg.training-mining")
    assert {entry["use"] for entry in said["data"]["entries"].values()} == {"notAllowed"}
    with pytest.raises(ConflictError, match="notAllowed"):
        sign(studio, first.file, output.output_id, mining=("yes",), out=tmp_path / "c.png")


def test_an_inputs_no_reaches_the_output(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    sample = files.put(tmp_path, "sample.jpg", files.picture("JPEG", shift=4))
    marked = sign(studio, sample, output.output_id, rendition=True, mining=("ai_training=notAllowed",)).file
    made = sign(studio, poem(tmp_path), output.output_id, inputs=(marked,))
    assert made.reading.mining == {"ai_training": {"use": "notAllowed"}}
    assert ("inputTo", marked.name) in made.reading.ingredients and made.reading.manifests == 2


def test_a_tampered_file_is_not_signed_over(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    made = sign(studio, files.put(tmp_path, "a.png", files.picture()), output.output_id, rendition=True)
    data = bytearray(made.file.read_bytes())
    data[data.find(b"lines_root")] ^= 1
    bad = files.put(tmp_path, "bad.png", bytes(data))
    with pytest.raises(InputError, match="does not hold"):
        sign(studio, bad, output.output_id, rendition=True)
    (match,) = crediting_media.find(studio, bad).matches  # Pillow refuses the picture; its bytes are still looked up
    assert (match.entry.output_id, match.by) == (output.output_id, "data")


def test_the_check_finds_a_lost_or_changed_register(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    made = sign(studio, poem(tmp_path), output.output_id)
    register = media_codes.register_of(studio)
    data = register.read_bytes()
    place = data.find(b"text/plain")
    register.write_bytes(data[:place] + b"test" + data[place + 4 :])
    (finding,) = check_studio(studio)
    assert finding.where.endswith("of the register of content codes") and "as it was written" in finding.problem
    register.unlink()
    (finding,) = check_studio(studio)
    assert finding.where == f"receipt {made.disclosure_id}" and "register of content codes" in finding.problem


def test_names_can_be_left_out(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    made = sign(studio, poem(tmp_path), output.output_id, names=False, works=2)
    text = json.dumps(made.reading.store)
    assert len(made.works) == 2 and "Ben Marl" not in text and "Salt Road" not in text
    assert all("share_ppb" not in one for one in (made.reading.attribution or {})["works"])


def test_the_operators_statements(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    stated = b'system = "Muse"\nversion = "3"\nhuman_editor_id = "editor-5"\nwatermark = {algo = "example"}\n'
    said = files.put(tmp_path, "said.toml", stated)
    made = sign(studio, poem(tmp_path), output.output_id, disclosure=said)
    assert made.reading.actions[0][2] == "Muse 3"
    assert "editor-5" not in json.dumps(made.reading.store)
    body = load_receipt(receipt_path(studio.receipts, made.disclosure_id)).body
    assert (body["human_editor_id"], body["watermark"]["algo"], body["provider"]) == ("editor-5", "example", studio.name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"works": 21},
        {"works": -1},
        {"receipt_url": "https://s.example/"},
        {"receipt_url": "javascript:{receipt_id}"},
        {"mining": ("maybe",)},
        {"inputs": (Path("/nowhere/at/all.png"),)},
    ],
)
def test_wishes_that_cannot_be(studio: Studio, output: Attribution, tmp_path: Path, wrong: dict[str, Any]) -> None:
    before = studio.log_to_read().checkpoint()
    with pytest.raises(InputError):
        sign(studio, poem(tmp_path), output.output_id, **wrong)
    assert not (tmp_path / "poem.txt.c2pa").exists() and studio.log_to_read().checkpoint() == before


def test_a_name_that_is_taken(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    made = sign(studio, poem(tmp_path), output.output_id)
    before = made.file.read_bytes()
    with pytest.raises(ConflictError):
        sign(studio, poem(tmp_path), output.output_id, out=made.file)
    assert made.file.read_bytes() == before


@pytest.mark.parametrize("step", ["register", "issue", "publish"])
@pytest.mark.parametrize("kept", [False, True])
def test_whatever_fails_the_same_walk_again_succeeds(
    studio: Studio, output: Attribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, kept: bool
) -> None:
    """Each durable step lost, and kept but reported lost; a copy with its name is always registered and disclosed."""
    file = files.put(tmp_path, "a.png", files.picture())
    places: dict[str, tuple[Any, str]] = {
        "register": (registry, "add"),
        "issue": (crediting_media, "issue"),
        "publish": (signing_module, "sync_folder"),
    }
    module, name = places[step]
    real = getattr(module, name)

    def failing(*given: Any, **stated: Any) -> Any:
        if kept:
            real(*given, **stated)
        raise OSError(5, "Input/output error") if step == "publish" else MachineError("the disk failed")

    with monkeypatch.context() as patch:
        patch.setattr(module, name, failing)
        with pytest.raises(MachineError):
            sign(studio, file, output.output_id, rendition=True)
    there = tmp_path / "a.signed.png"
    assert there.exists() == (step == "publish")
    if there.exists():
        assert crediting_media.find(studio, there).matches[0].verdict == "same bytes"
    made = sign(studio, file, output.output_id, rendition=True, out=tmp_path / "again.png")
    assert read(made.file, anchors=files.signer().root_pem).state == "Trusted"
    ids = {one.receipt_id for one in receipts_in(studio.receipts)}
    assert made.disclosure_id in ids
    assert check_studio(studio) == []
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_work_codes_are_kept_and_a_damaged_file_of_them_is_made_anew(
    studio: Studio, output: Attribution, tmp_path: Path
) -> None:
    first = sign(studio, poem(tmp_path), output.output_id)
    kept = studio.path / "media" / "work_codes.json"
    good = kept.read_bytes()
    for damage in (b"{", b"[]", b'{"a": 3}', b"[" * 100_000):
        kept.write_bytes(damage)
        again = sign(studio, poem(tmp_path), output.output_id, out=tmp_path / f"{len(damage)}.c2pa")
        assert again.works == first.works and kept.read_bytes() == good


def test_without_the_extra_attributing_goes_on(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise InputError("not here")

    monkeypatch.setattr(media_codes, "library", missing)
    assert media_codes.keep_codes(studio, [("out-1", LONG.encode())], "2026-11-20T12:00:00Z") == 0


def test_the_codes_in_the_manifest_are_the_files(studio: Studio, output: Attribution, tmp_path: Path) -> None:
    data = files.picture("WEBP")
    made = sign(studio, files.put(tmp_path, "a.webp", data), output.output_id, rendition=True)
    assert made.reading.attribution is not None
    assert made.reading.attribution["file"]["iscc"] == list(made.codes.iscc)
    again = codes_of_file(tmp_path / "a.webp", format_of(tmp_path / "a.webp"))
    assert again == made.codes
    with Image.open(io.BytesIO(data)) as before, Image.open(made.file) as after:
        assert before.tobytes() == after.tobytes()
