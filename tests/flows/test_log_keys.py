"""A log's key can change: the old key says which one comes next, and whatever is killed, the same command goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.flows import log_keys
from endcredits.flows.checking import check_studio
from endcredits.flows.log_copies import described
from endcredits.flows.log_keys import TYPE, add_post_quantum, expected_rotations, rebuild_index, retire, rotate
from endcredits.flows.studio import Studio, init_studio
from endcredits.receipts import check_log, load_receipt, open_checkpoint, receipt_path
from endcredits.receipts.note import split_note
from endcredits.receipts.storage import FolderStorage


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """A new studio."""
    made = init_studio(tmp_path / "studio", name="House")
    made.store.close()
    return made


def problems(studio: Studio) -> list[str]:
    """What is wrong with the studio, its keys and receipts included."""
    return [f"{one.where}: {one.problem}" for one in check_studio(studio)]


def test_the_old_key_says_which_one_comes_next(studio: Studio) -> None:
    """The entry stands in a checkpoint of the old key alone; after it both sign, and either suffices to verify."""
    old = studio.log().vkey

    log = rotate(studio)

    new, *rest = log.vkeys
    assert rest == [old] and new != old
    (receipt_id, (kind, body)) = next(iter(expected_rotations(log.vkeys).items()))
    receipt = load_receipt(receipt_path(studio.receipts, receipt_id))
    assert (
        (receipt.type, receipt.body) == (kind, body) == (TYPE, {"new_vkey": new, "old_vkey": old, "origin": studio.origin})
    )
    assert len(split_note(receipt.proof.checkpoint)[1]) == 1
    assert open_checkpoint(receipt.proof.checkpoint, old).size == 1
    for vkey in (new, old):
        assert open_checkpoint(log.checkpoint().note, vkey).size == 1
    assert check_log(log, [receipt.proof.checkpoint]) == []
    assert [one["own"] for one in described(log)["signed_by"]] == [True, True]


def test_a_key_is_retired_before_the_next_change(studio: Studio) -> None:
    """Then only the new one signs, and the old private key is gone; old checkpoints stay verifiable."""
    first = studio.log()
    before = first.checkpoint().note
    with pytest.raises(InputError, match="no old key"):
        retire(studio)
    rotate(studio)
    with pytest.raises(ConflictError, match="still signs"):
        rotate(studio)

    log = retire(studio)

    assert len(log.keys) == 1 and log.keys[0].vkey == log.vkey
    assert len(split_note(log.checkpoint().note)[1]) == 1
    assert sorted(path.name for path in (studio.path / "keys").iterdir()) == ["log.key"]
    assert open_checkpoint(before, log.vkeys).size == 0
    assert rotate(studio).vkeys[1:] == log.vkeys
    assert len(expected_rotations(studio.log().vkeys)) == 2


def test_a_second_signature_for_later_times(studio: Studio) -> None:
    """ML-DSA-44 beside Ed25519, once, and through a change of key."""
    log = add_post_quantum(studio)

    assert [key["kind"] for key in described(log)["keys"]] == ["Ed25519", "ML-DSA-44"]
    assert len(split_note(log.checkpoint().note)[1]) == 2
    with pytest.raises(ConflictError, match="already"):
        add_post_quantum(studio)
    assert len(split_note(rotate(studio).checkpoint().note)[1]) == 3
    assert len(split_note(retire(studio).checkpoint().note)[1]) == 2
    assert check_log(studio.log(), index=True) == []


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept"])
@pytest.mark.parametrize("step", range(14))
def test_a_change_that_is_interrupted_is_gone_on_with(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, step: int, kept: bool
) -> None:
    """Whichever write or renaming fails, before it or after it: the log is whole, and the same command ends the change."""
    old, count = studio.log().vkey, 0

    def failing(real: object) -> object:
        def work(*arguments: object, **options: object) -> None:
            nonlocal count
            count += 1
            if count - 1 != step or kept:
                real(*arguments, **options)  # type: ignore[operator]
            if count - 1 == step:
                raise MachineError("the disk is full")

        return work

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing(os.replace))
        patch.setattr(FolderStorage, "swap", failing(FolderStorage.swap))
        patch.setattr(log_keys.durable, "sync_folder", failing(log_keys.durable.sync_folder))
        try:
            rotate(studio)
        except MachineError:
            assert studio.log_to_read().checkpoint().size in (0, 1)
            assert open_checkpoint((studio.path / "log/checkpoint").read_text(), old)
    if sorted(path.name for path in (studio.path / "keys").glob("*.key")) != ["log.key", "log.old.key"]:
        rotate(studio)

    log = studio.log()
    assert log.vkeys[1:] == (old,)
    assert [key.vkey for key in log.keys] == list(log.vkeys)
    assert len(expected_rotations(log.vkeys)) == 1
    assert log.checkpoint().size == 1
    assert check_log(log, index=True) == []


def test_the_index_is_made_again_with_names(studio: Studio) -> None:
    """From entries and receipts."""
    log = rotate(studio)
    (receipt_id,) = expected_rotations(log.vkeys)
    log.close()
    (studio.path / "log.index.sqlite").unlink()

    assert rebuild_index(studio) == 1

    assert studio.log_to_read().find_name(receipt_id) == 0
    assert check_log(studio.log_to_read(), index=True) == []


def test_a_studio_that_changed_its_key_fits(studio: Studio) -> None:
    """The whole check knows of the receipt of a change, and verifies those of both keys and of a second signature."""
    rotate(studio)

    assert problems(studio) == []
    retire(studio)
    add_post_quantum(studio)
    rotate(studio)
    assert problems(studio) == []
