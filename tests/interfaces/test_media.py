"""`endcredits media`: from a key to a signed file, to what a stranger reads, to a stripped copy that is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.interfaces.terminal import type_in, type_well
from tests.receipts.credentials import files
from tests.story import house as h
from tests.story.house import House

TEXT = " ".join(h.prose(name, 90, seed=7) for name in (h.SALT, h.LAMP, h.TIDE))


@pytest.fixture(scope="module")
def credited(house: House, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """A studio, an output that was attributed through the command line, and a folder with trial keys."""
    h.use_one_thread()
    folder = tmp_path_factory.mktemp("media")
    studio = house.copy(house.indexed, folder / "studio")
    output_id = type_well("attribute", "--text", TEXT, "-s", studio, "--json").json[0]["output_id"]
    type_well("media", "trial-key", folder / "keys", "--name", "Story House")
    return studio, output_id, folder / "keys"


def words(credited: tuple[Path, str, Path], file: Path) -> tuple[object, ...]:
    studio, output_id, keys = credited
    key = ("--cert", keys / "chain.pem", "--key", keys / "key.pem")
    return ("media", "sign", file, "--output-id", output_id, *key, "-s", studio)


def test_from_a_key_to_a_stripped_copy(credited: tuple[Path, str, Path], tmp_path: Path) -> None:
    studio, output_id, keys = credited
    picture = files.put(tmp_path, "a.png", files.picture())
    said = type_well(
        *words(credited, picture), "--rendition", "--mining", "no", "--receipt-url", "https://s.example/{receipt_id}"
    )
    assert "reads back as Trusted for whoever trusts the root of your chain" in said.out
    assert "Public viewers know no such root" in said.out

    trusted = type_well("media", "read", tmp_path / "a.signed.png", "--trust", keys / "root.pem")
    assert trusted.out.startswith("TRUSTED") and "inputTo" in trusted.out and "ai_training: notAllowed" in trusted.out
    assert f"receipt {output_id}: entry " in trusted.out and "https://s.example/output%3A" in trusted.out
    assert "watermark: none (no watermark" in trusted.out and "Not proven" in trusted.out
    unknown = type_well("media", "read", tmp_path / "a.signed.png", "--json").json
    assert unknown["state"] == "Valid" and unknown["signer"].endswith("Story House")
    assert unknown["attribution"]["receipt"]["receipt_id"] == output_id

    with Image.open(tmp_path / "a.signed.png") as opened:
        opened.save(tmp_path / "b.jpg", quality=60)
    none = type_well("media", "read", tmp_path / "b.jpg")
    assert none.out.startswith("NONE") and "media lookup" in none.out
    found = type_well("media", "lookup", tmp_path / "b.jpg", "-s", studio)
    assert found.out.startswith(f"{output_id}  close") and "Likeness is no proof of origin" in found.out
    (match,) = type_well("media", "lookup", tmp_path / "a.signed.png", "-s", studio, "--json").json["matches"]
    assert (match["verdict"], match["distance_bits"], match["output_id"]) == ("same bytes", 0, output_id)


def test_an_attributed_text_is_found_at_once(credited: tuple[Path, str, Path], tmp_path: Path) -> None:
    studio, output_id, _ = credited
    copied = files.put(tmp_path, "copied.txt", TEXT.replace("salt", "pepper", 1).upper().encode())
    found = type_well("media", "lookup", copied, "-s", studio)
    assert found.out.startswith(output_id) and "of 256 bits" in found.out
    other = files.put(tmp_path, "other.txt", files.TEXT.encode())
    nothing = type_well("media", "lookup", other, "-s", studio)
    assert nothing.out.startswith("None of ") and "does not prove that no model made it" in nothing.out


def test_a_changed_file_leaves_with_three(credited: tuple[Path, str, Path], tmp_path: Path) -> None:
    file = files.put(tmp_path, "poem.txt", TEXT.encode())
    made = type_well(*words(credited, file), "--json").json
    assert (
        made["file"] == str(file) + ".c2pa" and made["state"] == "Trusted" and made["disclosure"].startswith("disclosure:")
    )
    file.write_bytes(TEXT.encode() + b".")
    changed = type_in("media", "read", file)
    assert changed.code == 3 and changed.out.startswith("INVALID") and "changed after signing" in changed.out
    assert type_in("media", "read", file, "--json").json["state"] == "Invalid"
    other = tmp_path / "elsewhere.c2pa"
    (tmp_path / "poem.txt.c2pa").rename(other)
    file.write_bytes(TEXT.encode())
    assert type_well("media", "read", file, "--sidecar", other, "--json").json["carrier"] == str(other)


def test_the_receipt_is_held_against_the_file(credited: tuple[Path, str, Path], tmp_path: Path) -> None:
    studio, output_id, _ = credited
    file = files.put(tmp_path, "poem.txt", TEXT.encode())
    disclosed = type_well(*words(credited, file), "--json").json["disclosure"]
    receipts, key = studio / "receipts", ("--vkey", studio / "log" / "log.vkey")
    right = receipts / (output_id.replace(":", "%3a") + ".json")
    same = type_well("media", "read", file, "--receipt", right, *key)
    assert "verifies, and the file says what it says" in same.out
    assert type_well("media", "read", file, "--receipt", right, *key, "--json").json["receipt_problems"] == []
    other = type_in("media", "read", file, "--receipt", receipts / (disclosed.replace(":", "%3a") + ".json"), *key)
    assert other.code == 3 and "the file's lines root is not the receipt's" in other.out
    bent = files.put(tmp_path, "bent.json", right.read_bytes().replace(b'"lines_count":', b'"lines_c0unt":'))
    assert "does not verify" in type_in("media", "read", file, "--receipt", bent, *key).out
    picture = files.put(tmp_path, "a.png", files.picture())
    assert "no valid credentials" in type_in("media", "read", picture, "--receipt", right, *key).out
    for wrong in (
        ("--receipt", right),
        key,
        ("--receipt", tmp_path / "none", *key),
        ("--receipt", right, "--vkey", "a+b+c"),
    ):
        assert type_in("media", "read", file, *wrong).code == 2


def test_mistakes_say_what_to_do(credited: tuple[Path, str, Path], tmp_path: Path) -> None:
    studio, output_id, keys = credited
    file = files.put(tmp_path, "poem.txt", TEXT.encode())
    key = ("--cert", keys / "chain.pem", "--key", keys / "key.pem", "-s", studio)
    cases = [
        (("media", "sign", file, "--output-id", "output:none", *key), 2, "has no receipt"),
        (("media", "sign", tmp_path / "none.txt", "--output-id", output_id, *key), 2, "no such file"),
        (("media", "sign", file, "--output-id", output_id, "--cert", keys / "key.pem", *key[2:]), 2, "no certificate"),
        (("media", "sign", file, "--output-id", output_id, *key, "--out", file), 4, "of this name already"),
        (("media", "read", tmp_path / "none.png"), 2, "no such file"),
        (("media", "read", file, "--trust", file), 2, "no certificate"),
        (("media", "lookup", tmp_path, "-s", studio), 2, "folder"),
        (("media", "trial-key", keys), 4, "there already"),
    ]
    for line, code, text in cases:
        said = type_in(*line)
        assert (said.code, text in said.err) == (code, True), (line, said.err)
        assert said.out == "" and type_in(*line, "--json").code == code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["poem.txt"]


def test_a_hostile_title_cannot_move_the_cursor(tmp_path: Path) -> None:
    path = files.put(tmp_path, "a.png", files.picture())
    form, _, manifest = files.manifest_for(path)
    manifest["ingredients"][0]["title"] = "\x1b[2J\x1b]0;owned\x07Title"
    from endcredits.receipts.credentials import signed

    with signed(path, tmp_path / "b.png", form, manifest, files.signer()) as copy:
        copy.publish()
    said = type_well("media", "read", tmp_path / "b.png")
    assert "Title" in said.out and "\x1b" not in said.out
