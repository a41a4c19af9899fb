"""Which index is which: one folder for the same models, works, code and threads, another for anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from endcredits.errors import ConflictError, InputError, IntegrityError
from endcredits.flows import attributing, catalogue, indexing, pairs
from endcredits.flows.checking import check_studio
from endcredits.flows.clock import now
from endcredits.flows.studio import open_studio
from endcredits.ids import WorkId
from endcredits.influence import Example
from endcredits.receipts import load_receipt, receipt_path
from endcredits.works import Permission
from tests.story import house as h
from tests.story.house import House


def test_another_number_of_threads_is_another_index(tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other threads may give other bits, so they never meet in one folder; the old index stays checkable."""
    studio = open_studio(house.copy(house.finished, tmp_path / "studio"))
    old = indexing.current_index(studio)
    corpus = catalogue.corpus(studio)

    with monkeypatch.context() as patch:
        # Said and not done: two threads on a busy machine would take their time.
        patch.setattr(torch, "get_num_threads", lambda: 2)
        new = indexing.build(studio, pairs.folders(*house.models), corpus)
        again = indexing.build(studio, pairs.folders(*house.models), corpus)
    back = indexing.build(studio, pairs.folders(*house.models), corpus)

    assert new.folder == again.folder != old.folder == back.folder
    assert old.index.digest == back.index.digest
    assert indexing.index_folders(studio) == sorted([old.folder, new.folder])
    assert check_studio(studio) == []
    studio.close()


def test_less_of_every_work_is_another_index(tmp_path: Path, house: House) -> None:
    """The limit of bytes is part of the corpus, and the same output has an answer under each."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    whole = indexing.current_index(studio)

    half = indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio, max_bytes_per_work=350))

    assert half.folder != whole.folder and half.facts["examples"] < whole.facts["examples"]
    (first,) = attributing.attribute(studio, whole, h.outputs()[:1])
    (second,) = attributing.attribute(studio, half, h.outputs()[:1])
    assert first.output_sha256 == second.output_sha256 and first.output_id != second.output_id
    lost = receipt_path(studio.receipts, second.output_id)
    body = load_receipt(lost).body
    assert attributing.complete_receipts(studio, [first, second]) == []
    assert body["corpus_digest"] == half.known.corpus_digest
    assert check_studio(studio) == []
    studio.close()


def test_a_no_since_the_corpus_was_taken_is_heard(tmp_path: Path, house: House) -> None:
    """Consent is asked again at the moment of building; nothing is built, and the corpus taken anew is."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    corpus = catalogue.corpus(studio, max_bytes_per_work=350)
    folders = indexing.index_folders(studio)
    catalogue.state(studio, Permission(WorkId(h.SALT), "finetune", "deny", "withdrawn", "a letter", h.ADA, now()))

    with pytest.raises(ConflictError, match=f"'{h.SALT}' may no longer be used .deny: withdrawn") as caught:
        indexing.build(studio, pairs.folders(*house.models), corpus)

    assert caught.value.remedy and indexing.index_folders(studio) == folders
    anew = indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio, max_bytes_per_work=350))
    assert h.SALT not in anew.index.work_ids
    studio.close()


def test_a_work_of_another_studio_is_not_built(tmp_path: Path, house: House) -> None:
    """A corpus names works of this studio, with the files that are registered for them."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    corpus = catalogue.corpus(studio)
    stranger = replace(corpus.admitted[0], work_id=WorkId("stranger"))
    longer = replace(corpus.admitted[0], manifestations=corpus.admitted[1].manifestations)

    for work in (stranger, longer):
        with pytest.raises(ConflictError, match="it is not registered so"):
            indexing.build(studio, pairs.folders(*house.models), replace(corpus, admitted=(work, *corpus.admitted[1:])))
    studio.close()


def test_an_example_of_another_work_is_refused(tmp_path: Path, house: House) -> None:
    """An own pair cannot slip one work's text in under another's name."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    pair = pairs.load_pair(pairs.folders(*house.models))
    examples = pair.examples

    class Mislabelling:
        base, full, task, output, calibration = pair.base, pair.full, pair.task, pair.output, pair.calibration

        def examples(self, work_id: WorkId, content: bytes) -> list[Example]:
            return [replace(one, work_id=WorkId(h.CLOSED)) for one in examples(work_id, content)]

    with pytest.raises(InputError, match=f"an example of '{h.CLOSED}'"):
        indexing.build(studio, Mislabelling(), catalogue.corpus(studio, max_bytes_per_work=350))
    studio.close()


def test_a_lost_corpus_file_is_not_made_up(tmp_path: Path, house: House) -> None:
    """As long as nothing was registered since, building again writes the same; afterwards it would spoil receipts."""
    studio = open_studio(house.copy(house.finished, tmp_path / "studio"))
    (path,) = studio.path.glob("index/*/corpus.json")
    held = path.read_bytes()
    path.unlink()
    indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio))
    assert path.read_bytes() == held

    catalogue.state(studio, Permission(WorkId(h.CLOSED), "finetune", "deny", "asked again", "a letter", h.DORA, now()))
    for data in (None, b"{}"):
        path.unlink() if data is None else path.write_bytes(data)
        with pytest.raises(IntegrityError, match=r"corpus\.json: the file is lost.*Restore corpus\.json"):
            indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio))
        assert path.exists() == (data is not None)

    path.write_bytes(held)
    assert check_studio(studio) == []
    studio.close()


@pytest.mark.parametrize("name", ["current.json", "corpus.json"])
def test_a_note_with_another_content_is_refused(tmp_path: Path, house: House, name: str) -> None:
    """The notes beside an index carry their own digest: edited by hand, they are damaged."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    (path,) = studio.path.glob(f"index/**/{name}")
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps(document, indent=1))

    with pytest.raises(IntegrityError, match="the file is damaged"):
        indexing.current_index(studio)
    studio.close()


def test_a_work_of_which_nothing_can_be_learnt_is_named(tmp_path: Path, house: House) -> None:
    """Instead of dropping out of the index in silence."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    pair = pairs.load_pair(pairs.folders(*house.models))
    examples, folders = pair.examples, indexing.index_folders(studio)

    class Blind:
        base, full, task, output, calibration = pair.base, pair.full, pair.task, pair.output, pair.calibration

        def examples(self, work_id: WorkId, content: bytes) -> list[Example]:
            return [] if work_id in (h.SALT, h.TIDE) else examples(work_id, content)

    with pytest.raises(InputError, match=f"2 admitted works hold nothing .* '{h.SALT}', '{h.TIDE}'") as caught:
        indexing.build(studio, Blind(), catalogue.corpus(studio, max_bytes_per_work=350))

    assert "endcredits rights deny ID" in caught.value.remedy and indexing.index_folders(studio) == folders
    studio.close()
