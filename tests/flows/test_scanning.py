"""Scanning folders and dumps: every work has a record, whatever is wrong with it, and nothing is missed beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.flows import scanning
from endcredits.flows.scanning import ScannedWork, scan_paths
from endcredits.flows.scanning_dump import scan_dump
from tests.works.signals.media import epub, mining, opf, packet, pdf, picture
from tests.works.signals.said import NO_TRAINING, YES_TRAINING
from tests.works.signals.test_c2pa import mining as assertion
from tests.works.signals.test_c2pa import store, use

ALL_NO = dict.fromkeys(("tdm", "train", "finetune", "retrieve", "index"), "deny")
RSL_NO = (
    b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><prohibits type="usage">ai-train</prohibits>'
    b"</license></content></rsl>"
)


def scan(*paths: Path) -> dict[str, ScannedWork]:
    """By name without folders."""
    return {Path(one.name).name: one for one in scan_paths(paths)}


def said(work: ScannedWork) -> dict[str, str]:
    return {verb: one.value for verb, one in work.answers.items() if one.signal is not None}


def test_a_folder_of_everything(tmp_path: Path) -> None:
    files = {
        "no.jpg": picture("JPEG", mining("DMI-PROHIBITED")),
        "plain.jpg": picture("JPEG", None),
        "book.epub": epub(opf('<meta property="tdm:reservation">1</meta>')),
        "page.html": b'<html><meta name="robots" content="noai">',
        "code.py": b"# SPDX-License-Identifier: MIT\n",
        "note.txt": b"no words about use",
        "empty.txt": b"",
        "store.json": store([assertion(use("notAllowed"))]),
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><metadata>'
        + packet(wrapped=False).encode()
        + b"</metadata></svg>",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "report.pdf").write_bytes(pdf(tmp_path, packet("<tdm:reservation>1</tdm:reservation>"), packed=True))
    (tmp_path / "page.pdf").unlink()

    works = scan(tmp_path)

    reserved = dict.fromkeys(("tdm", "train", "finetune"), "deny")
    assert {name: said(work) for name, work in works.items()} == {
        "no.jpg": ALL_NO,
        "plain.jpg": {},
        "book.epub": reserved,
        "page.html": reserved,
        "code.py": YES_TRAINING,
        "note.txt": {},
        "empty.txt": dict.fromkeys(ALL_NO, "unknown"),
        "store.json": NO_TRAINING,
        "drawing.svg": {},
        "report.pdf": reserved,
    }
    assert list(works) == sorted(files.keys() | {"report.pdf"})
    assert works["no.jpg"].sha256 == hashlib.sha256(files["no.jpg"]).hexdigest()
    assert works["no.jpg"].size_bytes == len(files["no.jpg"]) and works["no.jpg"].media_type == "image/jpeg"
    assert [name for name, work in works.items() if work.problems] == ["empty.txt"]
    assert all(work.answers["style"].value == work.answers["likeness"].value == "unknown" for work in works.values())


def test_files_of_a_site_speak_for_everything_below(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / ".well-known").mkdir(parents=True)
    (site / "a").mkdir()
    (site / "b").mkdir()
    (site / "robots.txt").write_text("User-agent: *\nContent-Usage: /a/ train-ai=n\nDisallow: /b/\n")
    (site / ".well-known" / "tdmrep.json").write_text('[{"location": "/b/", "tdm-reservation": 1}]')
    (site / "b" / "ai.txt").write_text("User-Agent: *\nAllow: *.txt\n")
    for name in ("a/x.txt", "b/y.txt", "z.txt"):
        (site / name).write_text("text")
    (tmp_path / "outside.txt").write_text("text")

    works = scan(tmp_path)

    assert sorted(works) == ["outside.txt", "x.txt", "y.txt", "z.txt"], "the files of the site are no works"
    assert said(works["x.txt"]) == NO_TRAINING and said(works["z.txt"]) == {} == said(works["outside.txt"])
    assert works["y.txt"].answers["tdm"].value == "deny", "a yes nearer by does not undo the no of the site"
    assert works["y.txt"].fetch and not works["y.txt"].fetch.allowed and works["outside.txt"].fetch is None
    assert said(scan(site / "b" / "y.txt")["y.txt"])["tdm"] == "allow", "alone it is read with what lies beside it"


def test_terms_in_the_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_text("License: https://a.example/license.xml\n")
    (tmp_path / "x.txt").write_text("text")
    assert said(scan(tmp_path)["x.txt"])["train"] == "conditional"

    (tmp_path / "license.xml").write_bytes(RSL_NO)
    assert said(scan(tmp_path)["x.txt"])["train"] == "deny" and "license.xml" not in scan(tmp_path)

    (tmp_path / "license.xml").write_bytes(RSL_NO.replace(b"prohibits", b"permits"))
    assert said(scan(tmp_path)["x.txt"])["train"] == "allow"


def test_files_beside_a_work_speak_for_it(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        (tmp_path / name).write_bytes(picture("JPEG", None))
    (tmp_path / "a.jpg.xmp").write_text(mining("DMI-PROHIBITED"))
    (tmp_path / "b.xmp").write_text(mining("DMI-PROHIBITED"))
    (tmp_path / "c.jpg.license").write_text("SPDX-License-Identifier: CC-BY-4.0\n")
    (tmp_path / "d.jpg.c2pa.json").write_bytes(store([assertion(use("notAllowed"))]))
    (tmp_path / "alone.xmp").write_text(mining("DMI-PROHIBITED"))

    works = scan(tmp_path)

    assert {name: said(work) for name, work in works.items()} == {
        "a.jpg": ALL_NO,
        "b.jpg": ALL_NO,
        "c.jpg": YES_TRAINING,
        "d.jpg": NO_TRAINING,
        "alone.xmp": ALL_NO,
    }
    assert works["a.jpg"].signals[0].source.endswith("a.jpg.xmp")
    assert said(scan(tmp_path / "a.jpg")["a.jpg"]) == ALL_NO


def test_a_reader_of_credentials_settles_what_could_not_be_read(tmp_path: Path) -> None:
    """The file speaks about training in its credentials; the JSON that a C2PA reader printed of it says what."""
    file = tmp_path / "a.bin"
    file.write_bytes(b"\0\1jumb cawg.training-mining")
    assert said(scan(tmp_path)["a.bin"])["train"] == "unknown"

    (tmp_path / "a.bin.c2pa.json").write_bytes(store([assertion(use("allowed"))]))
    assert said(scan(tmp_path)["a.bin"]) == YES_TRAINING
    (tmp_path / "a.bin.c2pa.json").write_bytes(b"{}")
    assert said(scan(tmp_path)["a.bin"])["train"] == "unknown"


def test_links_pipes_and_folders_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "work.txt").write_text("text")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "link.txt").symlink_to("work.txt")
    os.mkfifo(tmp_path / "pipe")

    works = scan(tmp_path)

    assert set(works) == {"work.txt", "loop", "self", "gone", "link.txt", "pipe"}
    assert works["link.txt"].sha256 == works["work.txt"].sha256 and not works["link.txt"].problems
    for name, words in (
        ("loop", "behind a link"),
        ("self", "cannot be read"),
        ("gone", "No such file"),
        ("pipe", "not a file"),
    ):
        assert words in works[name].problems[0][1], name
        assert works[name].answers["train"].value == "unknown" and works[name].sha256 == ""


def test_the_system_refusing_is_a_finding_for_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt", "b.txt.license", "robots.txt"):
        (tmp_path / name).write_text("text")
    real, plainly = Path.open, os.open

    def refuse(self: Path, *arguments: Any, **more: Any) -> Any:
        if self.name in ("b.txt.license", "robots.txt"):
            raise PermissionError(13, "Permission denied")
        return real(self, *arguments, **more)

    def refuse_plainly(path: Any, *arguments: Any, **more: Any) -> int:
        if Path(path).name == "a.txt":
            raise PermissionError(13, "Permission denied")
        return plainly(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(os, "open", refuse_plainly)
    monkeypatch.setattr(Path, "read_bytes", lambda self: refuse(self, "rb").read())
    works = scan(tmp_path)

    assert set(works) == {"a.txt", "b.txt"}
    assert [len(works[name].problems) for name in ("a.txt", "b.txt")] == [1, 2]
    assert all("Permission denied" in words for work in works.values() for _, words in work.problems)
    assert (works["a.txt"].sha256, bool(works["b.txt"].sha256)) == ("", True)


def test_large_files_are_read_by_threads_and_all_come_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as one after another, whichever are large; and whoever has seen enough may stop."""
    for number in range(150):
        folder = tmp_path / f"{number // 60}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:03}.jpg").write_bytes(picture("JPEG", mining("DMI-PROHIBITED" if number % 2 else "DMI-ALLOWED")))
    (tmp_path / "1" / "loop").symlink_to(tmp_path)

    alone = list(scan_paths([tmp_path]))
    sizes = sorted(path.stat().st_size for path in tmp_path.rglob("*.jpg"))
    for large in (sizes[0], sizes[75]):
        monkeypatch.setattr(scanning, "LARGE_BYTES", large)
        many = list(scan_paths([tmp_path]))
        assert [(one.name, one.sha256, said(one)) for one in many] == [(one.name, one.sha256, said(one)) for one in alone]
        assert len(many) == 151
    some = scan_paths([tmp_path])
    assert next(some).name == many[0].name
    some.close()


def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_bytes(b"SPDX-License-Identifier: MIT\n" + b"x" * 5_000)
    monkeypatch.setattr(os, "fstat", lambda handle: os.stat_result((0o100644, 0, 0, 1, 0, 0, 10, 0, 0, 0)))

    assert scan(tmp_path)["a.txt"].size_bytes == 5_029


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "work.txt").write_text("text")
    real = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    works = scan(tmp_path)

    assert set(works) == {"work.txt", "shut"} and "cannot be read" in works["shut"].problems[0][1]


def test_large_files_are_mapped_and_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {
        "a.jpg": picture("JPEG", mining("DMI-PROHIBITED")) + b"\0" * 5_000,
        "b.epub": epub(opf('<meta property="tdm:reservation">1</meta>')),
        "c.html": b'<html><meta name="tdm-reservation" content="1">',
        "d.bin": bytes(range(256)) * 20 + mining("DMI-PROHIBITED").encode("utf-16-le"),
        "e.pdf": pdf(tmp_path, packet("<tdm:reservation>1</tdm:reservation>")),
        "f.tif": picture("TIFF", mining("DMI-PROHIBITED")),
        "g.png": picture("PNG", mining("DMI-PROHIBITED")),
        "h.json": store([assertion(use("notAllowed"))]),
    }
    (tmp_path / "page.pdf").unlink()
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
    small = scan(tmp_path)
    monkeypatch.setattr(scanning, "MAPPED_BYTES", 1)
    mapped = scan(tmp_path)

    assert [(said(one), one.sha256) for one in small.values()] == [(said(one), one.sha256) for one in mapped.values()]
    assert all(said(one)["train"] == "deny" for one in mapped.values())


def test_a_robots_txt_of_a_gigabyte_is_read_so_far(tmp_path: Path) -> None:
    with (tmp_path / "robots.txt").open("wb") as file:
        file.write(b"User-agent: *\nContent-Usage: train-ai=n\n")
        file.truncate(1_000_000_000)
    (tmp_path / "x.txt").write_text("text")

    work = scan(tmp_path)["x.txt"]

    assert work.answers["train"].value == "deny" and work.answers["index"].value == "unknown"
    assert "only its first 512000 bytes" in work.problems[0][1]


def test_no_such_path(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such folder or file"):
        list(scan_paths([tmp_path / "none"]))
    with pytest.raises(NotFoundError, match="no such dump"):
        list(scan_dump(tmp_path / "none"))


def dump(tmp_path: Path, *rows: Any) -> list[ScannedWork]:
    file = tmp_path / "dump.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return list(scan_dump(file))


def answer(url: str, body: bytes | None = None, **more: Any) -> dict[str, Any]:
    return {"url": url, **({} if body is None else {"body_base64": base64.b64encode(body).decode()}), **more}


def test_a_dump_of_a_crawl(tmp_path: Path) -> None:
    """Headers, pages and pictures, with the files of their site, which may come later in the dump."""
    at = "2026-11-20T12:00:00Z"
    works = dump(
        tmp_path,
        answer("https://a.example/x.jpg", picture("JPEG", mining("DMI-ALLOWED")), fetched_at=at),
        answer("https://a.example/y", b"<html><p>page", headers={"Content-Usage": "search=n"}),
        answer("https://b.example/x.jpg", picture("JPEG", mining("DMI-ALLOWED"))),
        answer("https://c.example/x", headers={"tdm-reservation": "1"}),
        "not json",
        answer("https://a.example/robots.txt", b"User-agent: *\nContent-Usage: train-ai=n\nDisallow: /y\n"),
        answer("https://A.example/.well-known/tdmrep.json", b"[]"),
        answer("https://b.example/robots.txt", b"not found", status=404),
    )

    assert [work.name for work in works][:4] == [
        "https://a.example/x.jpg",
        "https://a.example/y",
        "https://b.example/x.jpg",
        "https://c.example/x",
    ]
    assert [work.answers["train"].value for work in works] == ["deny", "deny", "allow", "deny", "unknown"]
    assert works[0].read_at == at and works[1].answers["index"].value == "deny"
    assert works[1].fetch and not works[1].fetch.allowed and works[2].fetch is None
    assert works[3].sha256 == "" and works[4].problems and "row 5" in works[4].name


def test_servers_that_fail(tmp_path: Path) -> None:
    works = dump(
        tmp_path,
        answer("https://a.example/x", b"oops", status=500, headers={"Content-Usage": "train-ai=y"}),
        answer("https://b.example/x", b"fine", headers={"Content-Usage": "train-ai=y"}),
        answer("https://b.example/robots.txt", b"", status=503),
    )

    assert [work.answers["train"].value for work in works] == ["unknown", "unknown"]
    assert works[1].fetch and not works[1].fetch.allowed


def test_terms_inside_a_dump_are_followed_also_to_another_site(tmp_path: Path) -> None:
    link = {"Link": '<https://terms.example/t>; rel="license"; type="application/rsl+xml"'}
    terms = answer("https://terms.example/t", RSL_NO, headers={"Content-Type": "application/rsl+xml"})

    assert dump(tmp_path, answer("https://a.example/x", b"x", headers=link))[0].answers["train"].value == "conditional"
    works = dump(tmp_path, answer("https://a.example/x", b"x", headers=link), terms)
    assert len(works) == 1 and works[0].answers["train"].value == "deny"


def test_a_dump_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d.jsonl").write_text("{}")

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        list(scan_dump(tmp_path / "d.jsonl"))
