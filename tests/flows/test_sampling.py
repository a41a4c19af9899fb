"""A sample of attributions measured again: drawn by a later value, compared to the nano-nat, bounded, and logged."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from endcredits.attribution import Attribution
from endcredits.errors import InputError, IntegrityError
from endcredits.flows import attributing
from endcredits.flows.checking import check_studio
from endcredits.flows.clock import now
from endcredits.flows.fact_files import facts_in
from endcredits.flows.sampling import audit_sample, check_beacon, compare, draw, read_sample
from endcredits.flows.studio import Studio, open_studio
from endcredits.ids import OutputId
from endcredits.receipts import load_receipt, receipt_path
from tests.story import dishonest
from tests.story import house as h
from tests.story.house import House

BEACON = "round 4711 of a public beacon: 8c1f03a9d2"
LATER = "2199-01-01T00:00:00Z"


@pytest.fixture
def closed(tmp_path: Path, house: House) -> Iterator[Studio]:
    """A studio of the test's own whose January was closed."""
    studio = open_studio(house.copy(dishonest.build_closed(house), tmp_path / "studio"))
    yield studio
    studio.close()


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time went on, so that a beacon can be of after the close."""
    monkeypatch.setattr("endcredits.flows.sampling.now", lambda: "2199-01-02T00:00:00Z")


def test_a_sample_comes_out_and_is_logged(closed: Studio, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of five are equal to the nano-nat, so none can be wrong; the report stands in the log."""
    later(monkeypatch)
    pack, key = dishonest.build_published(house), closed.vkey_file.read_text().strip()

    report, path = audit_sample(closed, pack, h.outputs(), vkey=key, beacon=BEACON, published_at=LATER, size=99)

    assert (report.outputs, report.sampled, report.equal, report.wrong, report.wrong_at_most) == (5, 5, 5, 0, 0)
    receipt = load_receipt(receipt_path(closed.receipts, f"period:{h.JANUARY}"))
    ids = sorted(one.output_id for one in attributing.all_attributions(closed))
    order = sorted(ids, key=lambda one: hashlib.sha256(bytes.fromhex(report.seed) + one.encode()).digest())
    assert [one.output_id for one in report.measured] == order, "anybody draws the same from the seed"
    assert report.logged_at == json.loads(receipt.leaf)["time"]
    (fact,) = facts_in(closed.path, "audit.report")
    assert fact.body == read_sample(path) and fact.body["beacon"] == BEACON
    assert check_studio(closed) == []


def test_what_is_not_given_counts_as_wrong(closed: Studio, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hiding a text gains nothing."""
    later(monkeypatch)
    pack, key = dishonest.build_published(house), closed.vkey_file.read_text().strip()

    report, _ = audit_sample(closed, pack, h.outputs()[:3], vkey=key, beacon=BEACON, published_at=LATER, size=5)

    assert (report.equal, report.wrong, report.wrong_at_most) == (3, 2, 2)
    assert {one.reason for one in report.measured if one.verdict == "missing"} == {"its text was not given"}


def test_the_list_is_the_committed_one(
    closed: Studio, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pack whose list was changed is not sampled."""
    later(monkeypatch)
    pack = shutil.copytree(dishonest.build_published(house), tmp_path / "pack")
    dishonest.rewritten_table(pack, "outputs", lambda row: {**row, "reliability_ppb": 1})
    key = closed.vkey_file.read_text().strip()

    with pytest.raises(IntegrityError, match="not the one that the period's receipt commits to"):
        audit_sample(closed, pack, h.outputs(), vkey=key, beacon=BEACON, published_at=LATER, size=5)


@pytest.mark.parametrize(
    ("beacon", "published_at", "why"),
    [
        ("7", "2026-01-02T00:00:00Z", "could have been guessed"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa1", "2026-01-02T00:00:00Z", "could have been guessed"),
        (BEACON, "yesterday", "is not a UTC time"),
        (BEACON, "2026-01-01T00:00:00Z", "could have known"),
        (BEACON, LATER, "which is not over"),
    ],
)
def test_a_beacon_that_could_have_been_known_is_refused(beacon: str, published_at: str, why: str) -> None:
    """Too short, before the period, or not yet."""
    with pytest.raises(InputError, match=why):
        check_beacon(beacon, published_at, "2026-01-01T00:00:00Z")


def test_draws_are_spread_and_repeatable() -> None:
    """Every output is drawn about as often as any other, over many beacons."""
    listed = [OutputId(f"output:{n}") for n in range(20)]
    seeds = [hashlib.sha256(f"{n}".encode()).hexdigest() for n in range(400)]
    often = {one: 0 for one in listed}
    for seed in seeds:
        chosen = draw(seed, listed, 5)
        assert chosen == draw(seed, listed[::-1], 5) and len(set(chosen)) == 5
        for one in chosen:
            often[one] += 1

    assert min(often.values()) > 60 and max(often.values()) < 140, "100 each, within five deviations"
    with pytest.raises(InputError, match="nothing would be sampled"):
        draw(seeds[0], [], 5)


def test_how_two_measurements_are_held_against_each_other(closed: Studio) -> None:
    """Equal, within the stated error of every credit, or wrong: and by which work."""
    one = attributing.all_attributions(closed)[0]

    def moved(by: int) -> Attribution:
        line = one.lines[0]
        return replace(one, lines=(replace(line, credit_nanonats=line.credit_nanonats + by), *one.lines[1:]))

    error = one.lines[0].error_nanonats
    assert compare(one, one).verdict == "equal"
    assert (compare(one, moved(error)).verdict, compare(one, moved(error)).largest_nanonats) == ("within", error)
    assert compare(one, moved(-error - 1)).verdict == "wrong"
    assert one.lines[0].work_id in compare(one, moved(error + 1)).reason
    assert compare(one, replace(one, lines=one.lines[1:])).verdict == "wrong"
    assert now() < LATER
