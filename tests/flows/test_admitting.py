"""The gate: every candidate has an outcome, nothing is read twice, and what looks like a refused work waits."""

from __future__ import annotations

import builtins
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.flows import admissions, admitting, catalogue, prints, scanning, seen, taking_in
from endcredits.flows.admissions import read_admission
from endcredits.flows.candidates import Terms
from endcredits.flows.checking import check_studio
from endcredits.flows.sources import from_registry, from_submissions
from endcredits.flows.studio import Studio, init_studio
from endcredits.works import Contributor, Permission, Submission, marks, permissions, works
from tests.flows.gated import HILL, SEA, YES, by_name, deny, pass_gate, photo, put, saved, work_of
from tests.works.signals.media import mining, picture


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = init_studio(tmp_path / "studio")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A text, a picture, and two files that speak for themselves."""
    return put(
        tmp_path / "src",
        sea__txt=SEA,
        boat__png=saved(photo(1)),
        no__jpg=picture("JPEG", mining("DMI-PROHIBITED")),
        code__py="# SPDX-License-Identifier: GPL-3.0-only\nprint('a program of its own')\n",
    )


def test_each_candidate_has_an_outcome_and_a_reason(studio: Studio, folder: Path) -> None:
    put(folder, empty__txt="", **{"robots__txt": "User-agent: *\nContent-Usage: /hill.txt train-ai=n\n"}, hill__txt=HILL)
    put(folder, LICENSE="not a work", **{".hidden": "nor this"})

    done = pass_gate(studio, folder)

    assert by_name(done) == {
        "sea.txt": "admitted",
        "boat.png": "admitted",
        "no.jpg": "refused",
        "code.py": "waiting",
        "empty.txt": "refused",
        "hill.txt": "refused",
    }
    said = {one.name.rpartition("/")[2]: one for one in done.outcomes}
    assert said["no.jpg"].reason.startswith("PLUS in XMP: ") and said["empty.txt"].reason == "it is empty"
    assert (
        said["hill.txt"].reason.startswith("AIPREF in robots.txt: train-ai=n")
        and "sets conditions" not in said["sea.txt"].reason
    )
    assert said["code.py"].value == "conditional" and all(
        one.permission_id for name, one in said.items() if name != "empty.txt"
    )
    assert all(one.name.startswith("src/") for one in done.outcomes), "nobody's own folders are told"
    with studio.store.reading() as conn:
        kept = {one.permission_id: one for one in permissions(conn)}
        registered = {work.work_id for work in works(conn)}
        codes = marks(conn)
    assert {one.permission_id for one in done.outcomes if one.permission_id} <= set(kept)
    assert kept[said["no.jpg"].permission_id].subject == said["no.jpg"].files[0]
    assert all(str(folder) not in f"{one.source} {one.declared_by} {one.reason}" for one in kept.values())
    assert registered == {one.work_id for one in done.outcomes if one.work_id} and len(registered) == 5
    assert {kind for names in codes.values() for kind, _ in names} == {"iscc", "letters"} and len(codes) == 5
    assert check_studio(studio) == []


def test_what_files_say_is_recorded_before_anything_is_made_of_them(
    studio: Studio, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first picture is decoded, the statements stand in the registry and their entries in the log."""
    known: list[int] = []
    made = prints.work_code

    def looked(data: bytes, media_type: str) -> str:
        with studio.store.reading() as conn:
            known.append(sum(one.subject_kind == "sha256" for one in permissions(conn)))
        assert studio.log_to_read().checkpoint().size >= known[-1]
        return made(data, media_type)

    monkeypatch.setattr(prints, "work_code", looked)
    pass_gate(studio, folder)

    assert len(known) >= 4 and min(known) == max(known) > 5, "every statement was there before the first code was made"


def test_the_manifest_says_who_let_what_in(studio: Studio, folder: Path) -> None:
    done = pass_gate(studio, folder)

    found = read_admission(studio, done.corpus_digest)
    said = found.document
    assert found.state == "whole" and found.digest == done.admission.digest
    assert [row["work_id"] for row in said["works"]] == sorted([work_of(done, "sea.txt"), work_of(done, "boat.png")])
    assert all(row["value"] == "allow" and row["permission_id"] and len(row["iscc"]) == 1 for row in said["works"])
    assert [row["name"] for row in said["refused"]] == ["src/no.jpg"] and said["refused"][0]["value"] == "deny"
    assert [row["name"] for row in said["waiting"]] == ["src/code.py"] and "GPL" in said["waiting"][0]["reason"]
    assert studio.log_to_read().root_at(said["log"]["size"]).hex() == said["log"]["root"]
    corpus = catalogue.corpus(studio)
    assert (corpus.digest(), corpus.admission, corpus.gate_problem) == (done.corpus_digest, "whole", "")
    assert said["compared_by"] == ["sha256", "letters", "iscc"]


def test_without_the_extra_nothing_but_codes_is_missing(
    studio: Studio, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest says by what refused works were looked for; installed later, codes are made without reading again."""

    def missing(name: str) -> Any:
        raise InputError("not installed", remedy="pip install 'endcredits[media]'")

    with monkeypatch.context() as patch:
        patch.setattr(prints, "library", missing)
        first = pass_gate(studio, folder)
    second = pass_gate(studio, folder)

    assert first.compared_by == ("sha256", "letters") and by_name(first) == by_name(second)
    assert second.read == 0 and second.compared_by[-1] == "iscc"
    assert all(not row["iscc"] for row in first.admission.document["works"])


class Counted:
    """Counts what is opened below a folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
        self.opened: list[str] = []
        self._folders = [str(one) for one in folders]
        before_open, before_io, before_os = builtins.open, Path.open, os.open

        def note(path: object) -> None:
            text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
            if isinstance(text, str) and any(text.startswith(one) for one in self._folders):
                self.opened.append(text)

        def counted(path: Any, *rest: Any, **more: Any) -> Any:
            note(path)
            return before_open(path, *rest, **more)

        def counted_path(self: Path, *rest: Any, **more: Any) -> Any:
            note(self)
            return before_io(self, *rest, **more)

        def counted_os(path: Any, *rest: Any, **more: Any) -> int:
            note(path)
            return before_os(path, *rest, **more)

        monkeypatch.setattr(builtins, "open", counted)
        monkeypatch.setattr(Path, "open", counted_path)
        monkeypatch.setattr(os, "open", counted_os)


def test_an_unchanged_corpus_is_not_worked_on_twice(
    studio: Studio, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is scanned, nothing recorded, no file opened but a tiny one, and the manifest keeps its bytes."""
    put(
        tmp_path,
        works__csv="title,creator,permission,path,text\nHill,Ada,allow,rows/hill.txt,\nTwo,Ada,,,a text in a cell\n",
    )
    put(tmp_path / "rows", hill__txt=HILL)
    sources = (folder, tmp_path / "works.csv")
    first = admitting.admit(studio, [_from(one) for one in sources])
    deny(studio, work_of(first, "no.jpg"))
    first = admitting.admit(studio, [_from(one) for one in sources])
    manifest = admissions.manifest_path(studio, first.corpus_digest).read_bytes()
    size = studio.log_to_read().checkpoint().size
    counted = Counted(monkeypatch, folder, *sources, tmp_path / "rows", studio.content)
    scanned, made = _counting(monkeypatch, scanning, "read_work"), _counting(monkeypatch, prints, "print_of")

    again = admitting.admit(studio, [_from(one) for one in sources])

    assert (len(counted.opened), scanned, made) == (1, [], ["print_of"]), (
        "a text too short to have a name by which it is known again: nobody vouches for what the cache says of it"
    )
    assert (again.read, again.known) == (0, 6)
    assert again.outcomes == first.outcomes and again.corpus_digest == first.corpus_digest
    assert admissions.manifest_path(studio, first.corpus_digest).read_bytes() == manifest
    assert studio.log_to_read().checkpoint().size == size
    monkeypatch.undo()

    put(folder, sea__txt=SEA + "And so on.")
    some = Counted(monkeypatch, folder, tmp_path / "rows")
    changed = admitting.admit(studio, [_from(one) for one in sources])
    assert {os.path.basename(one) for one in some.opened} == {"sea.txt"} and changed.read == 1
    monkeypatch.undo()

    whole = Counted(monkeypatch, folder, tmp_path / "rows")
    rechecked = admitting.admit(studio, [_from(one) for one in sources], recheck=True)
    assert len({one for one in whole.opened}) == 5 and rechecked.read == 6 and rechecked.outcomes == changed.outcomes
    assert studio.log_to_read().checkpoint().size - size <= 5, "what is heard again is not said again"


def _from(path: Path) -> Any:
    from endcredits.flows.sources import from_path, is_table

    return from_path(path, Terms() if is_table(path) else YES)


def _counting(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[str]:
    calls: list[str] = []
    real = getattr(module, name)

    def counted(*given: Any, **more: Any) -> Any:
        calls.append(name)
        return real(*given, **more)

    monkeypatch.setattr(module, name, counted)
    return calls


@pytest.mark.parametrize("damage", ["deleted", "garbage", "other rows"])
def test_the_cache_may_be_lost(studio: Studio, folder: Path, damage: str) -> None:
    """Everything is read once more, and comes to the same."""
    first = pass_gate(studio, folder)
    cache = studio.path / "corpora" / seen.FILE
    if damage == "other rows":
        with sqlite3.connect(cache) as conn:
            conn.execute('UPDATE candidates SET seen = \'["work:nobody", [], [], ""]\'')
        conn.close()
    else:
        cache.unlink() if damage == "deleted" else cache.write_bytes(b"no database at all" * 100)
    size = studio.log_to_read().checkpoint().size

    again = pass_gate(studio, folder)

    assert again.read == 4 and again.outcomes == first.outcomes and again.admission.digest == first.admission.digest
    assert studio.log_to_read().checkpoint().size == size


def test_what_was_just_changed_is_not_known_by_its_times(studio: Studio, folder: Path) -> None:
    """A file written while the gate reads could carry the same times with other bytes."""
    (folder / "sea.txt").write_text(SEA)

    assert [pass_gate(studio, folder).read for _ in range(3)] == [4, 1, 1]


def test_a_side_file_and_a_site_are_part_of_what_was_seen(studio: Studio, folder: Path) -> None:
    """A no that is put beside a file, or into its site, is read though the file has not changed."""
    assert by_name(pass_gate(studio, folder))["boat.png"] == "admitted"

    put(folder, **{"boat__png__xmp": mining("DMI-PROHIBITED"), "ai__txt": "User-Agent: *\nDisallow: *.txt\n"})
    again = pass_gate(studio, folder)

    assert by_name(again)["boat.png"] == by_name(again)["sea.txt"] == "refused"
    assert "boat.png.xmp" not in by_name(again) and "ai.txt" not in by_name(again)


def test_a_gate_that_was_killed_goes_on(studio: Studio, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What had been recorded is not read again, wherever it stopped, and the end is the same."""
    whole = pass_gate(init_studio(studio.path.parent / "other"), folder)
    monkeypatch.setattr(taking_in, "BATCH", 1)
    write, calls = taking_in.fact_log.write, 0

    def killed(where: Studio, work: Callable[[Any], Any]) -> Any:
        nonlocal calls
        calls += 1
        if calls == stop:
            raise KeyboardInterrupt
        return write(where, work)

    reads = []
    for stop in (1, 2, 4, 99):
        calls = 0
        with monkeypatch.context() as patch:
            patch.setattr(taking_in.fact_log, "write", killed)
            if stop == 99:
                done = pass_gate(studio, folder)
                reads.append(done.read)
            else:
                with pytest.raises(KeyboardInterrupt):
                    pass_gate(studio, folder)
                assert catalogue.corpus(studio).admission == "missing", "no manifest says what is not finished"
    assert reads[0] < 4 and done.outcomes and by_name(done) == by_name(whole)
    assert [one.work_id for one in done.outcomes] == [one.work_id for one in whole.outcomes]
    assert check_studio(studio) == []


@pytest.mark.parametrize("kept", [False, True])
def test_every_file_that_the_gate_writes_may_fail(
    studio: Studio, folder: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Lost, or kept but reported lost: nothing but whole manifests is ever found, and the same again continues."""
    first = pass_gate(studio, folder)
    deny(studio, work_of(first, "sea.txt"))
    real, names = durable.write_atomic, []

    def failing(path: Any, data: bytes, **more: Any) -> None:
        names.append(Path(path).relative_to(studio.path).parts[0])
        if Path(path).is_relative_to(studio.path / "corpora") and len(failed) < wanted:
            failed.append(str(path))
            if kept:
                real(path, data, **more)
            raise MachineError("the disk is full")
        real(path, data, **more)

    wanted, failed = 2, list[str]()
    monkeypatch.setattr(durable, "write_atomic", failing)
    for _ in range(wanted):
        with pytest.raises(MachineError):
            pass_gate(studio, folder)
        for name in admissions.all_corpora(studio):
            assert read_admission(studio, name).state == "whole"
        here = catalogue.corpus(studio)
        assert here.gate_problem or here.digest() != first.corpus_digest, "never the old one as if nothing was said"
    done = pass_gate(studio, folder)

    assert len(failed) == wanted and by_name(done)["sea.txt"] == "refused"
    assert catalogue.corpus(studio).gate_problem == "" and catalogue.corpus(studio).digest() == done.corpus_digest
    assert check_studio(studio) == []


def test_a_cache_that_cannot_be_written_is_the_machines_fault(
    studio: Studio, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was recorded stays, and the next run finds it registered."""
    cache = studio.path / "corpora" / seen.FILE
    pass_gate(studio, put(studio.path.parent / "other", other__txt=HILL))
    with sqlite3.connect(cache) as conn:
        conn.execute("CREATE TRIGGER full BEFORE INSERT ON candidates BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    conn.close()
    with pytest.raises(MachineError, match=r"cache of what was seen cannot be written \(disk is full\)"):
        pass_gate(studio, folder)
    cache.unlink()
    with studio.store.reading() as conn:
        assert len(works(conn)) == 5
    assert by_name(pass_gate(studio, folder))["sea.txt"] == "admitted"


def test_wrong_files_keep_to_themselves(studio: Studio, folder: Path, tmp_path: Path) -> None:
    """An unreadable file, a link in circles, a pipe, a name that is no text: each has its outcome, the others pass."""
    (folder / "circle").symlink_to(folder)
    (folder / "dangling.txt").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe.txt")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text(HILL)
    put(folder, latin__txt="Caf\u00e9 au lait, and more words than one would think of in one line".encode("cp1252"))
    put(folder, copy__txt=SEA, **{"sub/other__txt": SEA})

    done = pass_gate(studio, folder)
    found = by_name(done)

    assert found["sea.txt"] == found["copy.txt"] == found["other.txt"] == "admitted"
    assert len({work_of(done, name) for name in ("sea.txt", "copy.txt", "other.txt")}) == 1, "one content is one work"
    assert found["pipe.txt"] == found["dangling.txt"] == found["circle"] == "refused"
    assert found["latin.txt"] == "waiting" and found["caf?.txt"] == "admitted"
    reason = next(one.reason for one in done.outcomes if one.name.endswith("latin.txt"))
    assert reason.startswith("the text is not UTF-8 at byte offset 3")
    assert [one.work_id for one in pass_gate(studio, folder).outcomes] == [one.work_id for one in done.outcomes]
    assert check_studio(studio) == []


def test_one_content_with_other_makers_is_refused_alone(studio: Studio, tmp_path: Path) -> None:
    """Somebody's name hangs on it, so nothing is passed over; its neighbours are admitted, and its files are heard."""
    folder = put(tmp_path / "src", **{"ada/sea__txt": SEA, "ben/copy__txt": SEA, "ben/hill__txt": HILL})

    done = pass_gate(studio, folder, terms=Terms(permission="allow"))

    assert by_name(done) == {"sea.txt": "admitted", "copy.txt": "refused", "hill.txt": "admitted"}
    assert "is registered already with other people (ada)" in done.having("refused")[0].reason


def test_terms_that_are_wrong_refuse_the_whole(studio: Studio, folder: Path, tmp_path: Path) -> None:
    """Before anything is read or recorded."""
    wrong = [Terms(permission="perhaps"), Terms(creator="ada@example.org")]
    for terms in wrong:
        with pytest.raises(InputError):
            pass_gate(studio, folder, terms=terms)
    with pytest.raises(NotFoundError):
        pass_gate(studio, tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"--creator is for folders"):
        pass_gate(studio, put(tmp_path, works__csv="title\n") / "works.csv")
    with pytest.raises(InputError, match=r"--column is for tables"):
        pass_gate(studio, folder, terms=Terms(columns=(("title", "name"),)))
    for at, match in (("tomorrow", "not a UTC time"), ("2999-01-01T00:00:00Z", "lies in the future")):
        with pytest.raises(InputError, match=match):
            admitting.admit(studio, [from_registry()], at=at)
    with studio.store.reading() as conn:
        assert permissions(conn) == () and admissions.all_corpora(studio) == []


def test_two_gates_at_once(studio: Studio, folder: Path) -> None:
    with durable.locked(studio.path / "corpora", "the corpora"), pytest.raises(ConflictError, match="another process"):
        pass_gate(studio, folder)


def test_the_files_own_word_counts_where_the_source_is_silent(studio: Studio, tmp_path: Path) -> None:
    """A licence in the file permits what the folder says nothing about; what the source says is not widened by it."""
    folder = put(
        tmp_path / "src",
        mit__py="# SPDX-License-Identifier: MIT\nprint('one program')\n",
        gpl__py="# SPDX-License-Identifier: GPL-2.0-only\nprint('another')\n",
        silent__py="print('a third one')\n",
    )
    silent = Terms(creator="Ada Quill")

    done = pass_gate(studio, folder, terms=silent)

    assert by_name(done) == {"mit.py": "admitted", "gpl.py": "waiting", "silent.py": "waiting"}
    reasons = {one.name: one.reason for one in done.outcomes}
    assert "MIT" in reasons["src/mit.py"] and "GPL-2.0-only" in reasons["src/gpl.py"]
    assert reasons["src/silent.py"] == "no permission and no licence were stated with the folder"
    stricter = pass_gate(studio, folder, terms=Terms(creator="Ada Quill", permission="deny"))
    assert set(by_name(stricter).values()) == {"refused"}
    assert set(by_name(pass_gate(studio, folder)).values()) == {"refused"}, "no later yes undoes it"


def test_a_source_that_says_nothing_takes_no_yes_away(studio: Studio, folder: Path, tmp_path: Path) -> None:
    """A table that names the files of a permitted folder without a word about permission leaves that as it is."""
    pass_gate(studio, folder)
    put(tmp_path, works__csv="title,creator,path\nThe sea,,src/sea.txt\n")

    done = pass_gate(studio, tmp_path / "works.csv", terms=Terms())

    assert by_name(done) == {"works.csv row 1": "admitted"}
    assert len(catalogue.corpus(studio).admitted) == 1, "the corpus is what the sources of one gate hold"


def test_works_in_memory_and_works_of_the_registry(studio: Studio, folder: Path) -> None:
    """A work of several files needs a yes for the whole; registered works are read from the studio's own copies."""
    yes = ("allow", "asked", "a letter", "Ada")
    parts = (
        ("a.py", "text/x-python", b"# SPDX-License-Identifier: GPL-2.0-only\n"),
        ("b.py", "text/x-python", b"print(1)\n"),
    )
    whole = Submission("Both", parts, (Contributor("Ada"),), *yes, origin="both", work_id="work:both")
    plain = Submission("One", parts[1:], (Contributor("Ada"),), *yes, origin="one", work_id="work:one")
    catalogue.add_works(studio, [plain])

    done = admitting.admit(studio, [from_submissions("packages", [whole])])
    assert [(one.outcome, one.work_id) for one in done.outcomes] == [("waiting", "work:both")]
    assert "GPL-2.0-only" in done.outcomes[0].reason and done.read == 2

    done = admitting.admit(studio, [from_registry()])
    assert {one.work_id: one.outcome for one in done.outcomes} == {"work:both": "waiting", "work:one": "admitted"}
    again = admitting.admit(studio, [from_registry()])
    assert (again.read, again.outcomes) == (0, done.outcomes)


def test_a_later_no_stops_the_corpus_and_a_new_gate_makes_another(studio: Studio, folder: Path) -> None:
    """A corpus is what the manifest admits and what is still permitted now."""
    done = pass_gate(studio, folder)
    new = Submission("New", (("n", "text/plain", b"new"),), (), "allow", "", "", "Ada", "n", "work:new")
    catalogue.add_works(studio, [new])
    assert "work:new" not in {work.work_id for work in catalogue.corpus(studio).admitted}
    assert "work:new" in {work.work_id for work in catalogue.corpus(studio, gate=False).admitted}

    deny(studio, work_of(done, "sea.txt"))
    found = catalogue.corpus(studio)
    assert [work.work_id for work in found.admitted] == [work_of(done, "boat.png")] and found.admission == "missing"
    assert found.gate_problem == f"'{work_of(done, 'sea.txt')}' was admitted and may no longer be used (deny: withdrawn)"

    other = pass_gate(studio, folder)
    assert other.corpus_digest != done.corpus_digest and catalogue.corpus(studio).gate_problem == ""
    assert read_admission(studio, done.corpus_digest).state == "whole", "the manifest of before stays"
    catalogue.state(
        studio,
        Permission(work_of(other, "boat.png"), "train", "allow", "again", "a letter", "Ada", admitting.now()),
    )
    assert check_studio(studio) == []
