"""A period's pack: the same bytes whoever is killed when, nothing else in it, and no secret of the operator's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import ConflictError, MachineError, NotFoundError
from endcredits.flows import pack_files, publishing
from endcredits.flows.erasing import erase, plan_party
from endcredits.flows.publishing import publish_period
from endcredits.works import party_id_of
from tests.story import house as h
from tests.story.dishonest import audited, closed, listed_again, rewritten_table, told
from tests.story.house import JANUARY

__all__ = ["closed"]


STAGES = ("_log", "_facts", "_close", "_books", "_reports", "_attributions", "_receipts", "_statements")


def test_a_killed_publishing_goes_on(closed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After every stage: the next run ends with the pack that one run makes."""
    whole, into = tmp_path / "whole", tmp_path / "pack"
    publish_period(closed, JANUARY, whole)
    for name in STAGES:
        real = getattr(publishing, name)

        def dies(*args: Any, real: Any = real) -> None:
            real(*args)
            raise MachineError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(publishing, name, dies)
            with pytest.raises(MachineError):
                publish_period(closed, JANUARY, into)
        with pytest.raises(NotFoundError, match="interrupted"):
            pack_files.read_manifest(into)
    publish_period(closed, JANUARY, into)

    assert (into / pack_files.MANIFEST).read_bytes() == (whole / pack_files.MANIFEST).read_bytes()
    assert told(audited(into)) == ""


@pytest.mark.parametrize("kept", [False, True])
def test_every_write_may_fail(closed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Lost, or kept and reported lost: run again, it is whole."""
    real, into, left = durable.write_atomic, tmp_path / "pack", [0]

    def write(path: Any, data: bytes, **more: Any) -> None:
        left[0] -= 1
        if left[0] or kept:
            real(path, data, **more)
        if not left[0]:
            raise MachineError("the disk is full")

    monkeypatch.setattr(durable, "write_atomic", write)
    failures = 0
    for number in range(1, 50):
        left[0] = number
        try:
            publish_period(closed, JANUARY, into)
        except MachineError:
            failures += 1
        else:
            break
    monkeypatch.undo()

    assert failures > 5 and told(audited(into)) == ""


def test_only_its_own_folder_is_written(closed: Any, tmp_path: Path) -> None:
    """Another folder is left alone, a finished pack is found, and a period that is not closed has none."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")

    with pytest.raises(ConflictError, match="something else"):
        publish_period(closed, JANUARY, tmp_path / "full")
    with pytest.raises(NotFoundError, match="is not closed"):
        publish_period(closed, h.FEBRUARY, tmp_path / "none")
    first = publish_period(closed, JANUARY, tmp_path / "pack")
    held = h.files(tmp_path / "pack")

    assert publish_period(closed, JANUARY, tmp_path / "pack") == first
    assert h.files(tmp_path / "pack") == held and not (tmp_path / "none").exists()


def test_no_key_and_no_text_leaves_the_studio(closed: Any, tmp_path: Path) -> None:
    """Private keys, bank details and the works' texts are no part of a pack."""
    publish_period(closed, JANUARY, tmp_path / "pack")
    everything = b"".join(h.files(tmp_path / "pack").values())

    assert b"PRIVATE KEY" not in everything and b"private_document" not in everything
    assert h.prose(h.SALT, 700).encode()[:60] not in everything


def test_what_was_erased_is_told_and_blames_nobody(closed: Any, tmp_path: Path) -> None:
    """After somebody is forgotten, what is left of the period still agrees, and the auditor hears what cannot be seen."""
    ben = str(party_id_of(h.BEN))
    erase(closed, plan_party(closed, ben))

    publish_period(closed, JANUARY, tmp_path / "pack")
    audit = audited(tmp_path / "pack")

    assert told(audit) == ""
    assert any("erased facts and receipts" in text for text in audit.not_checked)


def test_what_was_erased_hides_no_edited_credit(closed: Any, tmp_path: Path) -> None:
    """Somebody is forgotten, and a credit of somebody else is edited: the rest is made again all the same."""
    erase(closed, plan_party(closed, str(party_id_of(h.BEN))))
    publish_period(closed, JANUARY, tmp_path / "pack")
    rewritten_table(tmp_path / "pack", "credits", lambda row: {**row, "credit_nanonats": row["credit_nanonats"] + 7})
    listed_again(tmp_path / "pack")

    assert "frozen table 'credits': it holds the row" in told(audited(tmp_path / "pack"))
