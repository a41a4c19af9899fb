"""What is reported comes in once, is held where it cannot be taken, and is taken when what it waited for arrives."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.flows import attributing, indexing, periods, reporting
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio
from endcredits.royalties import ADJUSTED, make_event, make_rate, make_refund, make_revenue
from endcredits.royalties import held as holding
from endcredits.royalties.recording import Added
from tests.story import house as h

from .used import FEBRUARY, JANUARY, csv_file, fail_commits, output_of, studio, used

__all__ = ["studio"]

NEW = GivenOutput(b"tide moon shoal ebb kelp gull. buoy swell", b"", "new")


def files_of(studio: Studio, folder: Path) -> dict[str, Path]:
    """One file of each kind, as operators write them."""
    output = output_of(studio, h.TIDE).output_id
    return {
        "events": csv_file(
            folder / "events.csv",
            "event_id,output_id,used_at,revenue,currency",
            f"e-1,{output},2025-01-03T00:00:00Z,1.50,EUR",
            f"e-2,{output},2025-01-04T00:00:00Z,2.50,EUR",
        ),
        "revenue": csv_file(folder / "revenue.csv", "revenue_id,earned_on,gross,tax,currency", "r-1,2025-01-05,10,1.90,EUR"),
        "refunds": csv_file(
            folder / "refunds.csv", "refund_id,of_id,refunded_at,refund,currency", "b-1,e-1,2025-01-06T00:00:00Z,0.50,EUR"
        ),
        "rates": csv_file(folder / "rates.csv", "currency,into,rate,on,source", "USD,EUR,0.92,2025-01-30,a bank"),
    }


def test_every_kind_of_file_counts_once(studio: Studio, tmp_path: Path) -> None:
    """Handed in twice it changes nothing, also when the second time is a program's."""
    files = files_of(studio, tmp_path)
    for kind, path in files.items():
        rows = 2 if kind == "events" else 1
        assert reporting.report_file(studio, kind, path) == Added(rows, 0)
        before = h.dump(studio)
        assert reporting.report_file(studio, kind, path) == Added(0, rows)
        assert h.dump(studio) == before
    output = output_of(studio, h.TIDE).output_id
    same = make_event("e-1", output, "2025-01-03T00:00:00Z", 1_500_000, "EUR")
    assert reporting.report(studio, [same, same]) == Added(0, 2)
    assert reporting.report(studio, []) == Added(0, 0)


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_a_hand_in_whose_commit_failed_is_handed_in_again(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Twice the same failure, then the same file: every row is there once."""
    path = files_of(studio, tmp_path)["events"]
    for _ in range(2):
        with monkeypatch.context() as patch:
            fail_commits(studio, patch, kept=kept)
            with pytest.raises(MachineError, match="the connection was lost"):
                reporting.report_file(studio, "events", path)

    assert reporting.report_file(studio, "events", path) == (Added(0, 2) if kept else Added(2, 0))
    assert periods.close(studio, JANUARY).close.totals[0].revenue_micros == 4_000_000


def test_one_bad_row_takes_nothing_or_is_held(studio: Studio, tmp_path: Path) -> None:
    """Without `hold` the row is named and nothing is taken; with it the rest is, and the mended row ends the hold."""
    output = output_of(studio, h.TIDE).output_id
    rows = [
        "event_id,output_id,used_at,revenue,currency",
        f"good,{output},2025-01-03T00:00:00Z,1,EUR",
        f"=cmd(),{output},yesterday,1,EUR",
    ]
    path = csv_file(tmp_path / "events.csv", *rows)
    before = h.dump(studio)
    with pytest.raises(InputError) as caught:
        reporting.report_file(studio, "events", path)
    assert (caught.value.row, str(caught.value.file)) == (2, str(path))
    assert h.dump(studio) == before

    assert reporting.report_file(studio, "events", path, hold=True) == Added(1, 0, 1)
    assert reporting.report_file(studio, "events", path, hold=True) == Added(0, 1, 1)
    (row,) = reporting.held_rows(studio)
    assert (row.kind, row.reason, row.row) == ("events", "unreadable", 2)
    assert reporting.held_rows(studio, "refunds") == ()

    out = tmp_path / "mend.jsonl"
    assert reporting.export_held(studio, "events", out) == 1
    mended = json.loads(out.read_text()) | {"event_id": "mended", "used_at": "2025-01-04T00:00:00Z"}
    out.write_text(json.dumps(mended) + "\n")
    assert reporting.report_file(studio, "events", out) == Added(1, 0)
    assert reporting.held_rows(studio) == ()
    assert check_studio(studio) == []


def test_usage_that_came_before_its_output_is_taken_with_it(studio: Studio) -> None:
    """Held without being asked for, whatever the flag; the attribution takes it, and it earns."""
    index = indexing.current_index(studio)
    output_id = attributing.output_id_of(NEW.text, NEW.prompt, index.index.digest)
    early = make_event("early", output_id, "2025-01-09T00:00:00Z", 5_000_000, "EUR")
    refund = make_refund("back", "early", "2025-01-10T00:00:00Z", 1_000_000, "EUR")
    other = make_event("other", "output:never", "2025-01-09T00:00:00Z", 5_000_000, "EUR")
    assert reporting.report(studio, [early, other, used(studio, "known", h.SALT, "2025-01-08", 10)]) == Added(1, 0, 2)
    assert reporting.report(studio, [refund]) == Added(0, 0, 1)

    attributing.attribute(studio, index, [NEW])

    assert [row.record_id for row in reporting.held_rows(studio)] == ["other"]
    closed = periods.close(studio, JANUARY)
    assert closed.close.totals[0].revenue_micros == 14_000_000
    assert reporting.retry_held(studio)["events"] == Added(0, 0, 1), "the other one waits on"
    assert check_studio(studio) == []


def test_usage_that_waited_longer_than_its_period_is_late(studio: Studio) -> None:
    """January closes without it; February counts it in pools of January."""
    index = indexing.current_index(studio)
    output_id = attributing.output_id_of(NEW.text, NEW.prompt, index.index.digest)
    early = make_event("early", output_id, "2025-01-09T00:00:00Z", 5_000_000, "EUR")
    reporting.report(studio, [early, used(studio, "known", h.SALT, "2025-01-08", 10)])
    first = periods.close(studio, JANUARY)
    assert first.close.totals[0].revenue_micros == 10_000_000

    attributing.attribute(studio, index, [NEW])
    second = periods.close(studio, FEBRUARY)

    (pool,) = second.close.pools
    assert (pool.kind, pool.usage_period, pool.revenue_micros) == (ADJUSTED, JANUARY, 5_000_000)
    assert check_studio(studio) == []


def test_attributing_writes_nothing_where_nothing_waits_for_it(studio: Studio) -> None:
    """What waits for something else is not tried."""
    other = make_event("other", "output:never", "2025-01-09T00:00:00Z", 5_000_000, "EUR")
    reporting.report(studio, [other])
    before = h.dump(studio)
    attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    assert h.dump(studio) == before
    assert reporting.outputs_arrived(studio, set()) == {}


def test_very_many_rows_that_wait_do_not_keep_one_from_being_taken(studio: Studio) -> None:
    """More than one hand-in may hold: outputs arrive one by one."""
    index = indexing.current_index(studio)
    output_id = attributing.output_id_of(NEW.text, NEW.prompt, index.index.digest)
    day = "2025-01-09T00:00:00Z"
    many = [make_event(f"e-{n}", f"output:never-{n}", day, 1, "EUR") for n in range(10_050)]
    assert reporting.report(studio, [*many, make_event("early", output_id, day, 5_000_000, "EUR")]).held == 10_051

    attributing.attribute(studio, index, [NEW])

    assert len(reporting.held_rows(studio)) == 10_050
    assert periods.close(studio, JANUARY).close.totals[0].revenue_micros == 5_000_000


def test_what_waits_for_a_sale_a_day_or_nobody(studio: Studio) -> None:
    """A refund waits for its sale; a dropped row is tried no more, and its reason stays."""
    reporting.report(studio, [make_refund("back", "sale", "2025-01-10T00:00:00Z", 1_000_000, "EUR")])
    assert reporting.retry_held(studio)["refunds"] == Added(0, 0, 1)
    reporting.report(studio, [make_revenue("sale", "2025-01-09", 2_000_000, "EUR")])
    assert reporting.retry_held(studio)["refunds"] == Added(1, 0)

    reporting.report(studio, [make_event("never", "output:never", "2025-01-09T00:00:00Z", 1, "EUR")])
    (row,) = reporting.held_rows(studio)
    reporting.drop_held(studio, row.held_id, "a test of the player")
    reporting.drop_held(studio, row.held_id, "a test of the player")
    with pytest.raises(ConflictError, match="ended already"):
        reporting.drop_held(studio, row.held_id, "another reason")
    assert reporting.held_rows(studio) == ()
    assert reporting.retry_held(studio)["events"] == Added(0, 0)


def test_a_held_row_is_dropped_by_the_beginning_of_its_id(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the list shows names its row; what is too short, unknown or shared by two rows names none and drops none."""
    reporting.report(studio, [make_event(f"never-{n}", "output:never", "2025-01-09T00:00:00Z", 1, "EUR") for n in range(17)])
    rows = {row.held_id for row in reporting.held_rows(studio)}
    (shared, times), *_ = Counter(held_id[0] for held_id in rows).most_common()
    assert len(rows) == 17 and times > 1
    wanted = min(rows)
    for beginning, error, words in (
        ("", InputError, "too short"),
        (wanted[:7], InputError, "too short"),
        ("%" * 16, NotFoundError, "nothing is held"),
        (wanted[:16].upper() + "G", NotFoundError, "nothing is held"),
        (wanted + "0", NotFoundError, "nothing is held"),
    ):
        with pytest.raises(error, match=words):
            reporting.drop_held(studio, beginning, "a trial")
    with monkeypatch.context() as patch:
        patch.setattr(holding, "PREFIX_LENGTH_MIN", 1)
        with pytest.raises(InputError, match="several held rows"):
            reporting.drop_held(studio, shared, "a trial")
    assert {row.held_id for row in reporting.held_rows(studio)} == rows

    reporting.drop_held(studio, wanted[:16], "a trial")
    reporting.drop_held(studio, wanted, "a trial")
    assert {row.held_id for row in reporting.held_rows(studio)} == rows - {wanted}


def test_what_is_no_report_is_refused(studio: Studio, tmp_path: Path) -> None:
    """Several kinds together, something else altogether, a kind that is none; nothing is taken."""
    before = h.dump(studio)
    rate = make_rate("USD", "EUR", "0.92", "2025-01-30", "a bank")
    with pytest.raises(InputError, match="several kinds"):
        reporting.report(studio, [rate, used(studio, "e", h.SALT, "2025-01-08")])
    with pytest.raises(InputError, match="is no report"):
        reporting.report(studio, [{"event_id": "e"}])  # type: ignore[list-item]
    with pytest.raises(InputError, match="'sales' is no kind"):
        reporting.report_file(studio, "sales", tmp_path / "x.csv")
    assert h.dump(studio) == before
