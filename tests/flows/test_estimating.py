"""What payees look at between closes: estimates that are kept nowhere, evidence, a picture."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.flows import estimating, periods, reporting
from endcredits.flows.studio import Studio
from endcredits.payouts import ESTIMATE, Statement
from endcredits.royalties import FIFTY_FIFTY, Levy
from tests.story import house as h

from .used import CLEO, FEBRUARY, JANUARY, studio, used

__all__ = ["studio"]

WITH_FUND = replace(FIFTY_FIFTY, name="with-fund", levies=(Levy("pensions", 40_000_000, "party:fund"),))


@pytest.fixture
def ready(studio: Studio) -> Studio:
    """January has usage of three works."""
    reporting.report(studio, [used(studio, f"jan-{n}", w, "2025-01-05") for n, w in enumerate((h.SALT, h.LAMP, h.TIDE))])
    return studio


def test_an_estimate_says_what_the_close_will(ready: Studio) -> None:
    """To the micro while nothing changes, funds included; it pays nothing and leaves nothing."""
    rows, kept = h.dump(ready), h.files(ready.path)
    found = estimating.estimates(ready, JANUARY, policy=WITH_FUND)
    assert (h.dump(ready), set(h.files(ready.path)) - set(kept)) in ((rows, set()), (rows, {"index/duplicates.json"}))
    assert {(one.kind, one.close_digest, one.summary.due_micros, one.entry_ids) for one in found} == {(ESTIMATE, "", 0, ())}

    closed = periods.close(ready, JANUARY, policy=WITH_FUND)

    assert [_told(one) for one in found] == [_told(one) for one in closed.statements]
    (fund,) = (one for one in found if one.party_id == "party:fund")
    assert (fund.payee, fund.summary.earned_micros) == ("party:fund", 6_000_000), "4% of half of 300"


def _told(one: Statement) -> object:
    """What an estimate tells of money; how shares were measured is told by statements alone."""
    lines = [(line.work_id, line.amount_micros, line.share_ppb, line.split_ppb, line.territory) for line in one.lines]
    return one.party_id, one.currency, lines, one.levies, one.summary.earned_micros, one.control_micros


def test_days_that_are_not_over_can_be_estimated(ready: Studio) -> None:
    """Unlike a close; days of which nothing is reported cannot, and neither can names that are none."""
    found = estimating.estimates(ready, "so-far", starts_on="2025-01-01", ends_on="2199-12-31")
    assert {one.ends_on for one in found} == {"2199-12-31"}
    with pytest.raises(InputError, match="no usage"):
        estimating.estimates(ready, "2024-12")
    with pytest.raises(InputError, match="not a month"):
        estimating.estimates(ready, "so-far")


def test_evidence_of_a_statement_is_all_that_a_check_needs(ready: Studio) -> None:
    """The same bytes each time; of a period that is not closed there is none."""
    (statement,) = (one for one in periods.close(ready, JANUARY).statements if one.party_id == CLEO)
    data = estimating.evidence_of(ready, statement)
    assert data == estimating.evidence_of(ready, statement)
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        names = packed.namelist()
        assert packed.testzip() is None
        assert any(name.startswith("README") for name in names) and any(name.endswith(".toml") for name in names)
        assert statement.statement_id.encode() in b"".join(packed.read(name) for name in names)
    with pytest.raises(NotFoundError, match="is not closed"):
        estimating.evidence_of(ready, replace(statement, period_id=FEBRUARY))


def test_earnings_are_drawn_a_picture_a_currency(ready: Studio, tmp_path: Path) -> None:
    """By name; nobody without a statement."""
    dollars = replace(used(ready, "usd", h.TIDE, "2025-01-06"), currency="USD")
    with pytest.raises(NotFoundError, match="has no statement"):
        estimating.draw_earnings(ready, h.CLEO, tmp_path / "earned.svg")
    reporting.report(ready, [dollars])
    periods.close(ready, JANUARY)

    written = estimating.draw_earnings(ready, h.CLEO, tmp_path / "earned.svg")

    assert [Path(name).name for name in written] == ["earned-EUR.svg", "earned-USD.svg"]
    for name in written:
        text = Path(name).read_text()
        assert text.startswith("<svg") or "<svg" in text[:200]
        assert "<i>Dunn" not in text and "Cleo &lt;i&gt;Dunn" in text
    with pytest.raises(NotFoundError):
        estimating.draw_earnings(ready, "nobody", tmp_path / "x.svg")
