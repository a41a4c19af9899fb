"""The demo, on the packages that are installed here, with a model small enough to wait for."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch

from endcredits import influence
from endcredits.errors import ConflictError
from endcredits.flows import demo, demo_payout
from endcredits.flows.demo import standard_library
from endcredits.flows.studio import open_studio
from endcredits.influence.text.tiny import TinySettings
from endcredits.works import parties, read_distributions
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h

SMALL: dict[str, int] = {
    "WORK_BYTES": 1_000,
    "BACKGROUND_BYTES": 20_000,
    "BACKGROUND_FILE_BYTES": 2_000,
    "OUTPUTS_UNPROMPTED": 3,
    "OUTPUTS_PROMPTED": 2,
    "OUTPUT_TOKENS": 32,
    "PROMPT_BYTES": 8,
    "PASSAGE_BYTES": 64,
}
SETTINGS = TinySettings(width=16, layers=1, heads=2, context=32, batch_windows=32, full_epochs=1)


@functools.cache
def some_distributions(*, max_bytes_per_work: int) -> tuple[Any, ...]:
    """The first works of this environment, looked for once: they are the same for every demo here."""
    return tuple(part[:30] for part in read_distributions(max_bytes_per_work=max_bytes_per_work))


@functools.cache
def background() -> list[bytes]:
    """The base model's texts, read once."""
    found = standard_library()
    assert found and sum(map(len, found)) >= SMALL["BACKGROUND_BYTES"]
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo with small numbers."""
    for name, value in SMALL.items():
        monkeypatch.setattr(demo, name, value)
    monkeypatch.setattr(influence, "train_tiny", functools.partial(influence.train_tiny, settings=SETTINGS))
    monkeypatch.setattr(demo_payout, "THRESHOLD_MICROS", 100_000)
    monkeypatch.setattr(demo, "read_distributions", some_distributions)
    monkeypatch.setattr(demo, "standard_library", background)
    h.use_one_thread()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that are trained once for all tests here."""
    return tmp_path_factory.mktemp("cache")


def test_the_demo(tmp_path: Path, small: None, cache: Path) -> None:
    """It finds works, trains, attributes, pays and proves; again it finds all of it done; and it says so to people."""
    studio = tmp_path / "demo"

    first: dict[str, Any] = type_well("demo", "--studio", studio, "--cache", cache, "--json").json

    works, outputs = first["works_admitted"], SMALL["OUTPUTS_UNPROMPTED"] + SMALL["OUTPUTS_PROMPTED"]
    assert works >= 10, "this environment has many works with a licence"
    assert all(set(refused) == {"name", "reason"} and refused["reason"] for refused in first["works_refused"])
    assert first["outputs"] == outputs
    assert isinstance(first["log_ratio_nats"], float) and isinstance(first["credit_sum_nats"], float)
    assert 0 < first["held_out_passages"] <= works
    assert 0 <= first["held_out_top1"] <= first["held_out_top3"] <= first["held_out_passages"]
    assert first["held_out_chance"] == first["held_out_passages"] / works
    assert first["currency"] == "USD"
    assert first["revenue_micros"] > 0 and first["revenue_micros"] % 10_000 == 0, "whole cents"
    assert first["pool_micros"] * 2 == first["revenue_micros"]
    assert first["allocated_micros"] + first["commons_micros"] == first["pool_micros"]
    assert 0 <= first["suspense_micros"] <= first["allocated_micros"]
    assert first["rounding_carry_micros"] == 0
    assert first["statements"] > 0 and first["books_balanced"] is True
    assert first["payments"] > 1 and first["payments_returned"] == 1, "the made-up bank gives one payment back"
    assert first["payments_confirmed"] == first["payments"] - 1
    assert first["journal_entries"] == 1 + 1 + first["payments"] + 1, "close, sent, one a payment booked, one that came back"
    in_suspense = first["suspense_micros"]
    assert first["paid_micros"] + first["owed_micros"] == first["allocated_micros"] - in_suspense, "no unit is lost"
    assert first["paid_micros"] % 10_000 == 0 < first["paid_micros"], "banks take whole cents"
    assert first["receipts"] == first["receipts_verified"] == outputs + 1 + first["statements"]
    assert first["findings"] == []
    assert first["studio"] == str(studio.resolve())
    stages = ["works", "background", "gate", "model", "index", "outputs", "attribution", "period", "payout", "verification"]
    assert list(first["seconds"]) == [*stages[:7], "held-out test", *stages[7:], "check"]
    assert set(first) == {
        *(
            "works_waiting",
            "corpus_manifest",
            "works_admitted",
            "works_refused",
            "outputs",
            "log_ratio_nats",
            "credit_sum_nats",
            "held_out_passages",
        ),
        *("held_out_top1", "held_out_top3", "held_out_chance", "currency", "revenue_micros", "pool_micros"),
        *("allocated_micros", "suspense_micros", "commons_micros", "rounding_carry_micros", "statements"),
        *("payments", "payments_confirmed", "payments_returned", "payments_held", "paid_micros", "owed_micros"),
        *("journal_entries", "books_balanced", "receipts", "receipts_verified", "findings", "seconds", "studio"),
    }

    rows, kept = h.dump_of(studio), h.files(studio)
    second = type_well("demo", "--studio", studio, "--cache", cache, "--json").json

    assert {**second, "seconds": 0} == {**first, "seconds": 0}
    assert h.dump_of(studio) == rows and h.files(studio) == kept, "nothing was done twice"
    opened = open_studio(studio)
    with opened.store.reading() as conn:
        names = [party.name for party in parties(conn).values()]
    opened.close()
    assert names and not [name for name in names if "@" in name], "names are kept, addresses never"

    said = type_well("demo", "--studio", studio, "--cache", cache)
    told, stages = said.out, said.err.splitlines()
    assert len(set(stages)) == len(stages) and all(line.endswith(" ...") for line in stages), "told where no terminal is"
    assert [one for one in stages if one in ("works ...", "period ...", "check ...")] == [
        "works ...",
        "period ...",
        "check ...",
    ]
    for heading in (
        "Works at the gate: ",
        "End credits: ",
        "Money: ",
        "The top statement",
        "Payout: ",
        "Proof: ",
        "Where everything lies",
    ):
        assert heading in told
    assert f"{first['works_waiting']} waiting for a person" in told and first["corpus_manifest"][:16] in told
    assert f"{works} admitted" in told and f"{first['receipts']} of {first['receipts']} receipts verify offline" in told
    assert "all fits" in told and "WRONG" not in told


def test_another_environment_is_another_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other code or threads would give other outputs under the same names, so they begin anew."""
    key = demo._key([], [b"text"])

    monkeypatch.setattr(torch, "get_num_threads", lambda: 99)

    assert demo._key([], [b"text"]) != key != demo._key([], [b"other"])


def test_the_demo_leaves_other_folders_alone(tmp_path: Path, small: None) -> None:
    """A folder that the demo did not make is not touched, be it a studio or a diary."""
    studio = tmp_path / "mine"
    type_well("init", studio)
    diary = tmp_path / "diary"
    diary.mkdir()
    (diary / "monday.txt").write_text("rain")
    kept = h.files(tmp_path)

    said = type_in("demo", "--studio", studio, "--cache", tmp_path / "cache")
    with pytest.raises(ConflictError, match="not a demo's studio"):
        demo.run_demo(diary, tmp_path / "cache")

    assert said.code == 4 and "not a demo's studio, so it is left alone" in said.err and "--studio" in said.err
    assert h.files(tmp_path) == kept


def test_the_demo_begins_again_where_it_was_stopped(
    tmp_path: Path, small: None, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after the index, it goes on from there."""
    studio = tmp_path / "demo"

    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(demo, "_outputs", stop)
        assert type_in("demo", "--studio", studio, "--cache", cache).code == 130

    done = type_well("demo", "--studio", studio, "--cache", cache, "--json").json

    assert done["findings"] == [] and done["receipts_verified"] == 6 + done["statements"]
