"""Which index is which: one folder for the same models, works, code and threads, another for anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from endcredits.errors import IntegrityError
from endcredits.flows import attributing, catalogue, indexing, pairs
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import open_studio
from endcredits.receipts import load_receipt, receipt_path
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
