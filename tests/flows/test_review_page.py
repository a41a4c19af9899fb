"""The page for whoever looks: both sides, pictures and differing words, and nothing in it that could run."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from endcredits.flows.candidates import Terms
from endcredits.flows.review_page import review_page
from endcredits.flows.reviewing import waiting
from endcredits.flows.studio import Studio, init_studio
from tests.flows.gated import SEA, pass_gate, photo, put, saved, work_of
from tests.interfaces.terminal import type_in, type_well

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A refused picture and a refused text with a hostile beginning."""
    made = init_studio(tmp_path / "studio")
    refused = put(tmp_path / "refused", boat__png=saved(photo(1)), sea__txt=f"{EVIL} {SEA}")
    pass_gate(made, refused, terms=Terms(creator="Ada & Sons", permission="deny"))
    yield made
    made.close()


def test_two_pictures_beside_each_other(studio: Studio, tmp_path: Path) -> None:
    copy = saved(photo(1), "JPEG", quality=60)
    work_id = work_of(pass_gate(studio, put(tmp_path / "src", again__jpg=copy)), "again.jpg")

    page = review_page(waiting(studio, work_id)).decode()

    found = re.findall(r'<img alt="" src="data:(image/\w+);base64,([^"]+)">', page)
    assert [(kind, base64.b64decode(data)) for kind, data in found] == [("image/jpeg", copy), ("image/png", saved(photo(1)))]
    assert "Ada &amp; Sons" in page and "the content codes of the pictures differ in" in page
    assert (
        "Content-Security-Policy\" content=\"default-src 'none'" in page and "http://" not in page and "https://" not in page
    )

    next(studio.content.rglob(waiting(studio, work_id).likes[0][1].file.name)).unlink()  # type: ignore[union-attr]
    assert review_page(waiting(studio, work_id)).decode().count("The file is not here.") == 1


def test_two_texts_with_their_differences(studio: Studio, tmp_path: Path) -> None:
    """Nothing of a work is markup."""
    text = f"{EVIL} {SEA.replace('mended', 'folded')}".encode("utf-16")
    work_id = work_of(pass_gate(studio, put(tmp_path / "src", near__txt=text)), "near.txt")

    page = review_page(waiting(studio, work_id)).decode()

    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert re.findall(r"<mark>(.*?)</mark>", page) == ["folded", "mended"]
    assert f"endcredits corpus review {work_id} --admit" in page


def test_a_page_is_written_by_the_command(studio: Studio, tmp_path: Path) -> None:
    work_id = work_of(pass_gate(studio, put(tmp_path / "src", near__txt=SEA + EVIL)), "near.txt")
    file = tmp_path / "review.html"
    words = ("corpus", "review", work_id, "--page", file, "-s", studio.path)

    type_well(*words)

    assert file.read_bytes() == review_page(waiting(studio, work_id)) and file.stat().st_mode & 0o077 == 0
    assert type_in(*words, "--admit", "--reason", "r", "--by", "b").code == 2
