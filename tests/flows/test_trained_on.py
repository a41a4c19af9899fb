"""Was I trained on? Found by bytes, code, passages, name and id; exact money of the works that are meant; an honest no."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.trained_on import attribute, learn
from endcredits.attribution import attributions
from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import EndcreditsError, InputError, NotFoundError
from endcredits.flows import catalogue, rights, trained_on_codes
from endcredits.flows.admissions import manifest_path, write_manifest
from endcredits.flows.api import StudioHandle
from endcredits.flows.clock import now
from endcredits.flows.flags import FLAG
from endcredits.flows.index_files import index_folders, read_corpus, sealed
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.flows.trained_on import NOBODY, OTHERS, trained_on
from endcredits.flows.trained_on_codes import Code, CodesOfWorks, code_matches, parse_codes
from endcredits.flows.trained_on_credits import all_lines, few_lines
from endcredits.flows.trained_on_money import money_of
from endcredits.flows.trained_on_passages import COMMON_WORKS
from endcredits.flows.trained_on_records import Answer, Question
from endcredits.flows.versions import standing_version
from endcredits.ids import PartyId, WorkId
from endcredits.payouts import statements_for_period
from endcredits.receipts.credentials import codes_of_text
from endcredits.royalties.book import closed_days
from endcredits.royalties.lines import read_lines
from endcredits.store import insert_records
from endcredits.works import Contributor, Party, Permission, Submission, party_id_of, permissions, share_tables
from endcredits.works.content import path_of
from endcredits.works.finding import FileOfWork
from endcredits.works.looks_alike import NEAR_BITS
from endcredits.works.shares.book import add_parties
from endcredits.works.shares.known_as import WorkIdentifier, identify
from tests.story import house as h
from tests.story.house import House
from tests.story.lived_in import lived_in

__all__ = ["lived_in"]

ISNI, ORCID, IPI = "000000012281955X", "0000-0002-1825-0097", "00014107338"


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """A studio of the test's own with two closed periods."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield opened
    opened.close()


def ask(studio: Studio, kind: str, value: object, **options: int) -> Answer:
    (answer,) = trained_on(studio, [Question(kind, str(value))], **options)
    return answer


def written(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def salt(length: int = 700) -> str:
    return h.prose(h.SALT, length)


def registered(studio: Studio, name: str, data: bytes, media_type: str = "text/plain", *, yes: str = "allow") -> None:
    people = (
        Contributor("Nora Reed", identifiers=(("isni", ISNI),)),
        Contributor("Olu Stone", identifiers=(("orcid", ORCID), ("ipi", IPI))),
    )
    made = Submission(name, ((f"{name}.bin", media_type, data),), people, yes, "a letter", "letter", "Nora", name, name)
    catalogue.add_works(studio, [made])


def test_the_very_bytes_are_found_with_model_statement_outputs_and_money(studio: Studio, tmp_path: Path) -> None:
    answer = ask(studio, "file", written(tmp_path / "mine.txt", salt()))
    assert answer.answer == "yes" and answer.more == 0
    (found,) = answer.works
    assert (found.work_id, found.title, found.sure) == (h.SALT, "The Salt Road", True)
    assert [match.by for match in found.matches] == ["bytes"]
    (model,) = found.trained
    (folder,) = index_folders(studio)
    assert model.index == folder.name and model.current and not model.never_read and model.flag is None
    assert model.log_entry >= 0 and model.logged_at.endswith("Z")
    assert model.statement is not None and model.statement.value == "allow"
    assert (model.statement.subject, model.statement.permission_id) == (h.SALT, model.permission_id)
    assert found.today.value == "allow"

    with studio.store.reading() as conn:
        lines = [(one.output_id, line) for one in attributions(conn) for line in one.lines if line.work_id == h.SALT]
    assert found.credited is not None and found.credited.measured == len(lines) == 5
    assert found.credited.credit_nanonats == sum(line.credit_nanonats for _, line in lines)
    assert found.credited.outputs == sum(line.share_ppb > 0 for _, line in lines)
    told = {one.output_id: (one.credit_nanonats, one.share_ppb) for one in found.credited.recent}
    assert told == {output: (line.credit_nanonats, line.share_ppb) for output, line in lines if line.share_ppb > 0}

    assert {(one.name, one.state) for one in found.earned or ()} == {(h.ADA, "payable"), (h.BEN, "payable")}
    assert found.periods == (h.JANUARY, h.FEBRUARY)
    assert answer.totals_micros == {
        currency: sum(one.micros for one in found.earned or () if one.currency == currency) for currency in ("EUR", "USD")
    }


def test_lists_are_cut_and_said_to_be(studio: Studio, tmp_path: Path) -> None:
    answer = ask(studio, "name", h.BEN, most=1, outputs=2)
    assert (len(answer.works), answer.more) == (1, 1)
    assert answer.works[0].credited is not None and len(answer.works[0].credited.recent) == 2
    assert answer.totals_micros == ask(studio, "name", h.BEN).totals_micros


def test_what_is_earned_is_what_statements_say_line_by_line(lived_in: Path, tmp_path: Path, house: House) -> None:
    """Over three months with refunds, late usage, disputes, an advance and settled dollars; and nothing is left over."""
    opened = open_studio(house.copy(lived_in, tmp_path / "lived"))
    try:
        works = [WorkId(one) for one in (h.SALT, h.LAMP, h.TIDE, h.RHYME, h.CLOSED, h.FOUND)]
        money = money_of(opened, works)
        assert money.unread == () and money.read == 3
        stated: Counter[tuple[str, str, str, str]] = Counter()
        every: Counter[tuple[str, str, str, str]] = Counter()
        with opened.store.reading() as conn:
            for period_id, _, _ in closed_days(conn):
                for statement in statements_for_period(conn, period_id):
                    for line in statement.lines:
                        stated[line.work_id, statement.currency, statement.party_id, line.state] += line.amount_micros
                version = standing_version(opened, conn, period_id)
                for one in read_lines(version.folder):
                    if one.work_id:
                        currency = version.close.pools[one.pool].currency
                        every[one.work_id, currency, one.party_id or "", one.state] += one.amount_micros
        assert money.micros == {key: micros for key, micros in every.items() if micros}
        known = {key: micros for key, micros in money.micros.items() if key[2]}
        assert known == {key: micros for key, micros in stated.items() if micros and key[2]}
        assert any(state == "disputed" for _, _, _, state in money.micros)
        alone = {key: micros for work in works for key, micros in money_of(opened, [work]).micros.items()}
        assert alone == money.micros
    finally:
        opened.close()


def test_a_copy_with_another_layout_is_found_by_code_and_passages(studio: Studio, tmp_path: Path) -> None:
    text = "\ufeff" + salt().upper().replace(" ", "\r\n\t").replace(".", "\u2026")
    answer = ask(studio, "file", written(tmp_path / "again.md", text))
    (found,) = answer.works
    assert answer.answer == "yes" and found.work_id == h.SALT
    assert [match.by for match in found.matches] == ["code", "passages"] and all(match.sure for match in found.matches)
    passages = found.matches[1]
    assert passages.given_ppb == passages.work_ppb == 1_000_000_000
    assert passages.quotes[0].start == 0 and passages.quotes[0].words.startswith(salt()[:200])


def test_half_of_a_text_is_enough_and_the_longest_passage_comes_first(studio: Studio, tmp_path: Path) -> None:
    own = " ".join(f"{number} harpsichords" for number in range(20))
    text = f"{salt()[100:260]} {own} {salt()[400:700]}"
    (found,) = ask(studio, "text", text).works
    (match,) = [one for one in found.matches if one.by == "passages"]
    assert match.sure and match.given_ppb is not None and 500_000_000 <= match.given_ppb < 700_000_000
    lengths = [quote.letters for quote in match.quotes]
    assert lengths == sorted(lengths, reverse=True) and len(lengths) == 2
    assert salt()[match.quotes[0].start :].startswith(match.quotes[0].words.removesuffix("...")[:50])


def test_a_quotation_is_a_hint_and_shows_no_money(studio: Studio, tmp_path: Path) -> None:
    own = " ".join(f"{number} harpsichords and {number * 7} oboes" for number in range(60))
    answer = ask(studio, "file", written(tmp_path / "essay.txt", f"{own} \u201c{salt()[100:200]}\u201d {own}"))
    (found,) = answer.works
    assert answer.answer == "perhaps" and not found.sure and answer.totals_micros == {}
    assert (found.earned, found.credited, found.periods) == (None, None, None)
    assert found.trained and found.matches[0].quotes


def test_a_licence_that_everybody_prints_tells_nobody_apart(tmp_path: Path) -> None:
    studio = init_studio(tmp_path / "studio")
    licence = "Permission is hereby granted to any person to deal in this without limitation of any kind whatever. " * 2
    for number in range(COMMON_WORKS + 1):
        own = " ".join(f"w{number}x{word}" for word in range(200))
        registered(studio, f"work:{number}", f"{licence} {own}".encode())
    answer = ask(studio, "text", licence)
    assert answer.answer == "no" and len(answer.works) == COMMON_WORKS + 1
    assert not any(found.sure for found in answer.works)
    assert "tells none of them apart" in answer.works[0].matches[0].words
    studio.close()


def test_a_short_text_is_a_hint_and_one_of_a_few_letters_is_refused(studio: Studio) -> None:
    answer = ask(studio, "text", salt()[30:60])
    assert answer.answer == "perhaps" and answer.works[0].work_id == h.SALT
    with pytest.raises(InputError, match="too short"):
        ask(studio, "text", "the sand, it")


def test_a_name_finds_credits_and_parts_and_tells_nobody_elses_money(studio: Studio) -> None:
    answer = ask(studio, "name", "  ada   QUILL ")
    assert {found.work_id for found in answer.works} == {h.SALT, h.LAMP} and answer.answer == "yes"
    ada = party_id_of(h.ADA)
    for found in answer.works:
        assert {one.name for one in found.earned or ()} == {h.ADA, OTHERS}
        assert {one.party_id for one in found.earned or ()} == {ada, ""}
    own = Counter[str]()
    for (_, currency, party_id, _), micros in money_of(studio, [WorkId(h.SALT), WorkId(h.LAMP)]).micros.items():
        own[currency] += micros if party_id == ada else 0
    assert answer.totals_micros == dict(own)
    assert party_id_of(h.BEN) not in str([found.earned for found in answer.works])
    assert ask(studio, "name", ada).totals_micros == answer.totals_micros


def test_nobodys_money_is_called_so(studio: Studio) -> None:
    (found,) = ask(studio, "work", h.RHYME).works
    assert {(one.name, one.state) for one in found.earned or ()} == {(NOBODY, "suspense")}


@pytest.mark.parametrize(
    "called",
    [ISNI, "0000 0001 2281 955x", f"isni:{ISNI}", ORCID, f"https://orcid.org/{ORCID}", f"ORCID: {ORCID}", f"ipi:{IPI}", IPI],
)
def test_identifiers_of_people_are_found_as_people_write_them(studio: Studio, called: str) -> None:
    registered(studio, "work:new", b"a text that stands by itself and is like no other text in this house")
    answer = ask(studio, "name", called)
    assert answer.answer == "registered", "it was registered after the model was trained"
    assert [found.work_id for found in answer.works] == ["work:new"] and answer.works[0].trained == ()
    assert answer.works[0].matches[0].by == "identifier"


def test_a_work_is_found_by_its_standard_number_and_a_member_of_a_fund_by_name(studio: Studio) -> None:
    zoe, ben = PartyId(party_id_of("Zoe")), PartyId(party_id_of(h.BEN))
    studio.store.write(lambda conn: identify(conn, [WorkIdentifier("iswc", "T0345246801", WorkId(h.SALT), "CWR")]))
    studio.store.write(lambda conn: add_parties(conn, [Party(zoe, "Zoe")]))
    row = {"fund_id": ben, "valid_from": "2025-01-01", "party_id": zoe, "share_ppb": 1_000_000_000}
    studio.store.write(lambda conn: insert_records(conn, share_tables.fund_shares, [row]))
    (found,) = ask(studio, "work", "T-034.524.680-1").works
    assert found.work_id == h.SALT and found.matches[0].words == "this is its ISWC"
    answer = ask(studio, "name", "zoe")
    assert {one.work_id for one in answer.works} == {h.SALT, h.LAMP} and answer.answer == "yes"
    assert "a fund that passes on to" in answer.works[0].matches[0].words
    assert {one.name for found in answer.works for one in found.earned or ()} == {OTHERS}, "it was paid before she joined"
    assert answer.totals_micros == {}


@pytest.mark.parametrize("called", ["0000 0001 2281 9551", "isni:12", "ipi:00014107339", "  ", "\x00"])
def test_wrong_identifiers_are_bad_input_and_other_names_are_not(studio: Studio, called: str) -> None:
    if called == "\x00":
        assert ask(studio, "name", called).answer == "no"
        return
    with pytest.raises(InputError):
        ask(studio, "name", called)


@pytest.mark.parametrize(
    "called",
    ["' OR 1=1 --", "%", "_", "Ada Quil", "Ada\u202eQuill", "<b>Ada Quill</b>", "=cmd()", "\ud800", "x" * 100_000, "007"],
)
def test_hostile_names_are_names_that_nobody_has(studio: Studio, called: str) -> None:
    answer = ask(studio, "name", called)
    assert answer.answer == "no" and answer.works == ()
    assert ask(studio, "work", called).answer == "no"


def test_a_name_on_the_screen_is_found_though_the_party_is_called_otherwise(studio: Studio) -> None:
    assert ask(studio, "name", h.CLEO).works[0].work_id == h.TIDE


def test_a_content_code_finds_the_work_whole_short_or_in_a_row(studio: Studio) -> None:
    codes = codes_of_text(salt().encode())
    iscc = trained_on_codes.library("iscc_lib")
    whole = iscc.gen_iscc_code_v0([codes.content, codes.data, codes.instance])["iscc"]
    short = iscc.gen_text_code_v0(salt(), bits=64)["iscc"]
    for code in (codes.content, codes.content.removeprefix("ISCC:"), whole, short):
        answer = ask(studio, "code", code)
        assert answer.answer == "yes", code
        assert [(found.work_id, found.matches[0].distance_bits) for found in answer.works] == [(h.SALT, 0)]
    assert "data: works have none" in ask(studio, "code", whole).searched.blind[0]
    with pytest.raises(InputError, match="can be compared"):
        ask(studio, "code", codes.data)
    assert ask(studio, "code", codes_of_text(("xylophone zither " * 20).encode()).content).answer == "no"


@pytest.mark.parametrize("code", ["", "ISCC:", "nonsense", "ISCC:" + "A" * 500, "\x00", "\ud800", "ISCC:ÄÖÜ"])
def test_what_is_no_content_code_is_bad_input(studio: Studio, code: str) -> None:
    with pytest.raises(InputError, match="code"):
        ask(studio, "code", code)


def test_a_code_that_somebody_stated_for_a_file_is_found(studio: Studio) -> None:
    from endcredits.works import FileMark, add_marks, works

    other = codes_of_text(("an older printing of the lamp book " * 9).encode()).content
    with studio.store.reading() as conn:
        sha256 = next(work for work in works(conn) if work.work_id == h.LAMP).manifestations[0].sha256
    studio.store.write(lambda conn: add_marks(conn, [FileMark(sha256, "iscc", other)]))
    assert [found.work_id for found in ask(studio, "code", other).works] == [h.LAMP]


def picture(shift: int = 0) -> bytes:
    draw = np.random.default_rng(5)
    grid = np.kron(draw.integers(0, 255, (8, 8), dtype=np.uint8), np.ones((16, 16), np.uint8))
    file = io.BytesIO()
    Image.fromarray(np.roll(grid, shift, 0)).save(file, "PNG")
    return file.getvalue()


def test_a_picture_that_was_saved_again_is_found_by_its_code(studio: Studio, tmp_path: Path) -> None:
    registered(studio, "work:picture", picture(), "image/png")
    Image.open(io.BytesIO(picture())).convert("RGB").save(tmp_path / "again.jpg", quality=80)
    answer = ask(studio, "file", tmp_path / "again.jpg")
    assert answer.answer == "registered" and [found.work_id for found in answer.works] == ["work:picture"]
    assert answer.works[0].matches[0].by == "code" and answer.works[0].sure
    assert answer.searched.codes == 1 and answer.searched.texts == 0
    assert any("cut out of a picture" in one for one in answer.searched.blind)
    other = np.random.default_rng(9).integers(0, 255, (64, 64), dtype=np.uint8)
    Image.fromarray(other).save(tmp_path / "other.png")
    assert ask(studio, "file", tmp_path / "other.png").answer == "no"


def test_texts_inside_books_and_documents_are_read(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "mine.docx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f"<document><p>{salt()[:350]}</p><p>{salt()[350:]}</p></document>")
    assert [found.work_id for found in ask(studio, "file", file).works] == [h.SALT]
    page = written(tmp_path / "page.html", f"<html><head><title>x</title></head><p>{salt().replace(' ', '<br>')}</p></html>")
    assert [found.work_id for found in ask(studio, "file", page).works] == [h.SALT]
    old = written(tmp_path / "old.txt", salt().encode("utf-16"))
    assert [found.work_id for found in ask(studio, "file", old).works] == [h.SALT]


def test_a_no_says_what_was_searched_and_what_is_not_seen(studio: Studio, tmp_path: Path) -> None:
    text = " ".join(f"{number} bassoons that nobody wrote of" for number in range(40))
    answer = ask(studio, "file", written(tmp_path / "unknown.txt", text))
    one = answer.searched
    assert answer.answer == "no" and answer.works == () and one.unread == ()
    assert (one.works, one.files, one.codes, one.texts, one.models, one.outputs, one.periods) == (6, 6, 6, 6, 1, 5, 2)
    assert one.text_bytes == 4200 and len(one.methods) == 3 and "translation" in one.blind[0]
    sound = ask(studio, "file", written(tmp_path / "song.mp3", b"ID3\x04" + os.urandom(500))).searched
    assert "only its exact bytes are compared" in sound.blind[0] and len(sound.methods) == 1
    pdf = ask(studio, "file", written(tmp_path / "book.pdf", b"%PDF-1.4 " + os.urandom(50))).searched
    assert any("PDF is not read" in one for one in pdf.blind)


def test_a_refused_work_is_registered_and_no_model_learnt_from_it(studio: Studio, tmp_path: Path) -> None:
    answer = ask(studio, "file", written(tmp_path / "garden.txt", h.prose(h.CLOSED, 700)))
    (found,) = answer.works
    assert answer.answer == "registered" and found.trained == () and found.today.value == "deny"
    assert found.earned == () and found.credited is not None and found.credited.measured == 0


def test_an_empty_studio_says_no(tmp_path: Path) -> None:
    studio = init_studio(tmp_path / "studio")
    file = written(tmp_path / "mine.txt", salt())
    code = codes_of_text(salt().encode()).content
    asked = [("file", file), ("text", salt()), ("name", h.ADA), ("code", code), ("work", h.SALT)]
    for answer in trained_on(studio, [Question(kind, str(value)) for kind, value in asked]):
        assert answer.answer == "no" and answer.searched.models == 0 and answer.searched.unread == ()
    with pytest.raises(InputError, match="nothing was asked"):
        trained_on(studio, [])
    with pytest.raises(InputError, match="cannot be asked"):
        ask(studio, "dream", "x")
    studio.close()


def test_bad_files_are_named(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        ask(studio, "file", tmp_path / "nowhere.txt")
    with pytest.raises(InputError, match="empty"):
        ask(studio, "file", written(tmp_path / "empty.txt", b""))
    with pytest.raises(InputError, match="no file"):
        ask(studio, "file", tmp_path)
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(InputError, match="no file"):
            ask(studio, "file", tmp_path / "pipe")


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n broken",
        b"PK\x03\x04 no archive",
        b"\xff\xfe" + b"\x00" * 99,
        b"." * 1000,
        b"\x00" * 5000,
        b"a" * 50_000,
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
        "\u202e\u0007=cmd()\u0301".encode() * 90,
    ],
)
def test_hostile_files_get_an_answer(studio: Studio, tmp_path: Path, data: bytes) -> None:
    for suffix in ("txt", "html", "bin"):
        answer = ask(studio, "file", written(tmp_path / f"hostile.{suffix}", data))
        assert answer.answer == "no" and answer.searched.methods and answer.searched.blind


def test_a_damaged_list_of_works_is_told_and_the_no_is_not_whole(studio: Studio, tmp_path: Path) -> None:
    (folder,) = index_folders(studio)
    file = written(tmp_path / "mine.txt", salt())
    corpus = folder / "corpus.json"
    whole = corpus.read_bytes()
    corpus.write_bytes(whole.replace(b"lamp-book", b"lamp-bonk"))
    answer = ask(studio, "file", file)
    assert answer.answer == "registered" and answer.works[0].trained == ()
    assert len([one for one in answer.searched.unread if folder.name in one]) == 1
    assert any("entry" in one and "log" in one for one in answer.searched.unread)
    corpus.unlink()
    assert ask(studio, "file", file).searched.unread
    corpus.write_bytes(whole)
    assert ask(studio, "file", file).searched.unread == ()


def test_a_work_that_is_dropped_from_a_list_later_is_missed_by_the_log(studio: Studio) -> None:
    """Whoever rewrites the list of works with a fitting digest of its own has the log against them."""
    (folder,) = index_folders(studio)
    record = read_corpus(folder)
    kept = [work for work in record["manifest"]["works"] if work["work_id"] != h.SALT]
    (folder / "corpus.json").write_bytes(sealed({**record, "manifest": {**record["manifest"], "works": kept}}))
    answer = ask(studio, "work", h.SALT)
    assert answer.answer == "registered" and answer.works[0].trained == ()
    assert "it is not the list that entry" in answer.searched.unread[0]
    other = {**record, "manifest": {**record["manifest"], "works": kept}, "index_digest": "0" * 64}
    (folder / "corpus.json").write_bytes(sealed(other))
    unread = ask(studio, "work", h.SALT).searched.unread
    assert "no readable entry" in unread[0] and "its index is gone" in unread[1]


def test_a_damaged_manifest_hides_no_list(studio: Studio, tmp_path: Path) -> None:
    (folder,) = index_folders(studio)
    before = ask(studio, "work", h.SALT).works[0].trained[0]
    for data in (b"{}", None):
        (folder / "manifest.json").unlink() if data is None else (folder / "manifest.json").write_bytes(data)
        answer = ask(studio, "work", h.SALT)
        assert answer.answer == "yes" and "manifest" in answer.searched.damaged[0] and not answer.searched.unread
        assert answer.works[0].trained == (before,), "the log says which models these are"


def test_a_lost_index_is_known_from_the_log(studio: Studio) -> None:
    (folder,) = index_folders(studio)
    shutil.rmtree(folder)
    answer = ask(studio, "work", h.SALT)
    assert answer.answer == "registered" and answer.searched.models == 0
    assert "its index is gone" in answer.searched.unread[0]


def test_the_gates_manifest_stands_in_for_a_lost_list(studio: Studio) -> None:
    (folder,) = index_folders(studio)
    corpus = read_corpus(folder)["manifest"]
    rest = {"operator": "", "refused": [], "waiting": [], "made_at": now(), "log": {"size": 0, "root": ""}}
    made = write_manifest(studio, {**corpus, **rest, "corpus_digest": digest(corpus)})
    before = ask(studio, "work", h.SALT).works[0].trained[0]
    assert (before.admission, before.manifest_sha256) == ("whole", made.digest)

    (folder / "corpus.json").write_bytes(b"{}")
    damaged = ask(studio, "work", h.SALT)
    assert damaged.answer == "yes" and damaged.searched.unread == () and damaged.works[0].trained == (before,)
    assert "the gate's manifest has it" in damaged.searched.damaged[0]

    shutil.rmtree(folder)
    lost = ask(studio, "work", h.SALT)
    assert lost.answer == "yes" and lost.searched.unread == () and "is gone" in lost.searched.damaged[0]
    assert lost.works[0].trained == (replace(before, index="", current=False),)

    path = manifest_path(studio, before.corpus_digest)
    path.write_bytes(path.read_bytes().replace(b"salt-road", b"salt-toad"))
    broken = ask(studio, "work", h.SALT)
    assert broken.answer == "registered" and "nobody can say" in broken.searched.unread[0]


def test_a_lost_or_changed_file_of_a_work_hides_no_other(studio: Studio, tmp_path: Path) -> None:
    from endcredits.works import works

    with studio.store.reading() as conn:
        shas = {work.work_id: work.manifestations[0].sha256 for work in works(conn)}
    path_of(studio.content, shas[WorkId(h.LAMP)]).unlink()
    path_of(studio.content, shas[WorkId(h.TIDE)]).write_bytes(b"something else")
    answer = ask(studio, "file", written(tmp_path / "again.txt", salt().upper()))
    assert answer.answer == "yes" and answer.works[0].work_id == h.SALT
    assert len(answer.searched.unread) == 2 and answer.searched.texts == 4


def test_changed_money_is_named_and_not_told(studio: Studio) -> None:
    table = next((studio.path / "periods" / h.JANUARY).glob("close-*/lines.parquet"))
    table.write_bytes(table.read_bytes()[:-7])
    answer = ask(studio, "work", h.SALT)
    assert answer.works[0].periods == (h.FEBRUARY,) and answer.searched.periods == 1
    assert h.JANUARY in answer.searched.damaged[0] and answer.searched.unread == ()


def test_a_work_whose_yes_is_gone_is_flagged_and_still_found(studio: Studio) -> None:
    with studio.store.reading() as conn:
        yes = next(one for one in permissions(conn) if one.subject == h.TIDE)
    rights.revoke(studio, yes.permission_id, by=yes.declared_by, reason="no more")
    rights.say(studio, [Permission(h.SALT, "train", "deny", "never again", "letter", h.ADA, "")])
    (tide,), (road,) = (ask(studio, "work", work_id).works for work_id in (h.TIDE, h.SALT))
    assert tide.trained[0].flag is not None and tide.trained[0].flag.how == "taken back"
    assert road.trained[0].flag is not None and road.trained[0].flag.declared_by == h.ADA
    assert road.today.value == "deny" and road.earned and FLAG == "trained_under_revoked"


def test_asking_records_nothing_but_content_codes(studio: Studio, tmp_path: Path) -> None:
    before, rows = h.files(studio.path), h.dump(studio)
    trained_on(studio, [Question("text", salt()), Question("name", h.ADA), Question("work", h.SALT)])
    after = h.files(studio.path)
    assert h.dump(studio) == rows
    assert {name for name in after if after[name] != before.get(name)} <= {"media/work_codes.json"}
    assert set(before) <= set(after)


def test_where_nothing_can_be_written_codes_are_computed_again(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from endcredits.errors import MachineError

    def refused(*_: object) -> None:
        raise MachineError("read-only file system")

    monkeypatch.setattr("endcredits.flows.media_codes.durable.write_atomic", refused)
    answer = ask(studio, "file", written(tmp_path / "again.txt", salt().upper()))
    assert [match.by for match in answer.works[0].matches] == ["code", "passages"]
    assert answer.searched.unread == ()


def test_without_the_extra_bytes_and_passages_are_still_compared(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise InputError(f"content credentials need the library {name}", remedy="pip install 'endcredits[media]'")

    monkeypatch.setattr(trained_on_codes, "library", missing)
    answer = ask(studio, "file", written(tmp_path / "again.txt", salt().upper()))
    assert [match.by for match in answer.works[0].matches] == ["passages"] and answer.searched.codes == 0
    assert any("endcredits[media]" in one for one in answer.searched.blind)
    with pytest.raises(InputError, match="library"):
        ask(studio, "code", "ISCC:EAASKDNZNYGUUF5A")


def test_several_questions_are_answered_as_each_alone(studio: Studio, tmp_path: Path) -> None:
    files = [written(tmp_path / "one.txt", salt().upper()), written(tmp_path / "two.txt", h.prose(h.LAMP, 400) + "!!")]
    questions = [*(Question("file", str(file)) for file in files), Question("name", h.ADA), Question("text", salt()[:300])]
    at = now()
    together = trained_on(studio, questions, at=at)
    assert together == tuple(trained_on(studio, [one], at=at)[0] for one in questions)
    assert [answer.question for answer in together] == questions


def test_a_studio_on_another_database_answers_the_same(postgres_url: str, tmp_path: Path) -> None:
    studio = init_studio(tmp_path / "studio", database=postgres_url)
    try:
        registered(studio, "work:new", salt().encode())
        registered(studio, "work:other", (h.prose(h.LAMP, 900) + " 100% _under_").encode(), yes="deny")
        file = written(tmp_path / "again.txt", salt().upper())
        for kind, value in (("file", file), ("name", ISNI), ("work", "work:new"), ("text", salt()[:200])):
            answer = ask(studio, kind, value)
            assert answer.answer == "registered" and "work:new" in {found.work_id for found in answer.works}, kind
        attribute(studio, learn(studio, now()), 3)
        answer = ask(studio, "file", file, outputs=2)
        (found,) = [one for one in answer.works if one.work_id == "work:new"]
        assert answer.answer == "yes" and found.trained[0].log_entry >= 0 and found.trained[0].logged_at
        assert found.credited is not None and (found.credited.measured, len(found.credited.recent)) == (3, 2)
        for kind, value in (("name", "\x00"), ("name", "\ud800"), ("work", "\x00"), ("work", "%")):
            assert ask(studio, kind, value).answer == "no"
    finally:
        studio.close()


@given(
    st.lists(
        st.tuples(st.text(alphabet="abw:-{}", min_size=1, max_size=5), st.integers(-9, 9), st.integers(0, 9)), max_size=8
    ),
    st.lists(st.text(alphabet="abw:-{}", min_size=1, max_size=5), max_size=5),
)
def test_lines_cut_out_of_a_document_are_those_of_the_whole(lines: list[tuple[str, int, int]], asked: list[str]) -> None:
    rows = {name: {"credit_nanonats": nats, "share_ppb": ppb, "work_id": name} for name, nats, ppb in lines}
    document = canonical_bytes({"lines": list(rows.values()), "output_id": "work_id"}).decode()
    wanted = sorted(WorkId(one) for one in set(asked))
    found = sorted(few_lines(document, wanted), key=lambda line: line["work_id"])
    assert found == sorted(all_lines(document, wanted), key=lambda line: line["work_id"])
    assert {line["work_id"] for line in found} == set(rows) & set(asked)


bits = st.binary(min_size=32, max_size=32)


@given(
    st.lists(bits, max_size=6),
    bits,
    st.sampled_from(["text", "image"]),
    st.sampled_from([8, 16, 24, 32]),
    st.integers(0, 255),
)
def test_codes_are_near_by_the_definition(rows: list[bytes], wanted: bytes, kind: str, length: int, flip: int) -> None:
    near = bytearray(wanted)
    near[flip // 8] ^= 1 << flip % 8
    rows = [*rows, bytes(near)]
    shas = tuple(str(number) for number in range(len(rows)))
    there = CodesOfWorks({kind: (shas, np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 32))}, len(rows), ())
    holders = {sha: [FileOfWork(WorkId(sha), sha, "text/plain", 1, sha)] for sha in shas}
    found = {match.work_id: match.distance_bits for match in code_matches([Code(kind, wanted[:length])], there, holders)}
    for sha, row in zip(shas, rows, strict=True):
        distance = (int.from_bytes(row[:length]) ^ int.from_bytes(wanted[:length])).bit_count()
        limit = NEAR_BITS[kind] if length == 32 else {"text": 24, "image": 12}[kind] * length // 32
        assert found.get(WorkId(sha)) == (distance if distance <= limit else None)


def test_parts_of_a_code_are_told_apart() -> None:
    codes = codes_of_text(salt().encode())
    found, left = parse_codes(codes.content)
    assert [(one.kind, len(one.bits)) for one in found] == [("text", 32)] and left == []
    assert parse_codes(codes.instance)[0] == []


def test_python_asks_the_same(studio: Studio, tmp_path: Path) -> None:
    handle, file = StudioHandle(studio), written(tmp_path / "mine.txt", salt())
    found = handle.trained_on(file, name=h.ADA, work=h.TIDE)
    assert [(one.question.kind, one.answer) for one in found] == [("file", "yes"), ("name", "yes"), ("work", "yes")]
    with pytest.raises(InputError, match="nothing was asked"):
        handle.trained_on()


def test_the_whole_answer_is_plain_data(studio: Studio, tmp_path: Path) -> None:
    from endcredits.interfaces.cli.trained_on import document

    answer = ask(studio, "name", h.ADA)
    told = json.loads(json.dumps(document(answer)))
    assert told["works"][0]["trained"][0]["statement"]["value"] == "allow"
    assert told["works"][0]["sure"] is True and told["searched"]["models"] == 1
    assert replace(answer, works=()) != answer and issubclass(NotFoundError, EndcreditsError)
