"""A closed period and its adjustments are together what it would have been at once; the fast close is the obvious one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from endcredits.canonical import canonical_bytes, sha256_bytes
from endcredits.errors import InputError, IntegrityError
from endcredits.money import PPB
from endcredits.royalties.adjusting import changed_problems
from endcredits.royalties.adjustments import Adjustment, Term, read_adjustments, write_adjustment
from endcredits.royalties.checks import replay_close
from endcredits.royalties.close import Closed, close_rows
from endcredits.royalties.columns import close_period
from endcredits.royalties.documents import close_document, parse_close
from endcredits.royalties.freeze import facts_of
from endcredits.royalties.frozen import Frozen, table_path
from endcredits.royalties.invariants import problems
from endcredits.royalties.line_sums import line_sums
from endcredits.royalties.lines import LINES, read_lines, read_work_lines, write_lines, write_work_lines
from endcredits.royalties.posting import close_entry
from endcredits.royalties.records import ADJUSTED
from endcredits.royalties.rules import Levy, Part, Policy, PoolRule
from endcredits.royalties.sampling import sample_problems

from .makers import FIFTY, RATES, Event, Given, Income, event, givens, november, output, song

# The package gives the function this name, too.
seal = import_module("endcredits.royalties.freeze")._seal
OCTOBER, NOVEMBER = ("2026-10", "2026-10-01", "2026-10-31"), ("2026-11", "2026-11-01", "2026-11-30")
FEW = settings(max_examples=12)


def own(one: Given) -> Given:
    """A period of its own rows alone."""
    events = tuple(replace(row, kind="earned", usage_period="") for row in one.events)
    revenue = tuple(replace(row, kind="earned", usage_period="") for row in one.revenue)
    return replace(one, events=events, revenue=revenue)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Given, Given, Given]:
    """A period as it was known when it was closed, some time later, and in the end: rows and refunds have come."""
    whole = own(draw(givens()))

    def known(row: Event | Income) -> tuple[int, int, int]:
        """When it is told, and what is given back of it by the first and the second look."""
        back = row.refunded_micros
        return draw(st.integers(0, 2)), draw(st.sampled_from([0, back // 2, back])), draw(st.sampled_from([back // 2, back]))

    events = [(row, *known(row)) for row in whole.events]
    revenue = [(row, *known(row)) for row in whole.revenue]

    def at(look: int) -> Given:
        seen: list[tuple[Event | Income, ...]] = []
        for rows in (events, revenue):
            back = [replace(row, refunded_micros=(first, max(first, second))[look]) for row, since, first, second in rows]
            seen.append(tuple(one for one, (_, since, _, _) in zip(back, rows, strict=True) if since <= look))
        return replace(whole, events=seen[0], revenue=seen[1])  # type: ignore[arg-type]

    return at(0), at(1), whole


def closed(one: Given, days: tuple[str, str, str], folder: Path, adjustments: tuple[Adjustment, ...] = ()) -> Closed:
    """The simple close, with its folder."""
    frozen = one.freeze(folder / "frozen")
    seal(folder / "frozen", facts_of(*days, 1, one.policy))
    try:
        made = close_rows(one.rows(), frozen.digests, *days, one.policy, adjustments)
    except InputError:
        assume(False)
        raise
    write_work_lines(folder / "work_lines.parquet", made.work_lines)
    write_lines(folder / "lines.parquet", made.lines)
    (folder / "close.json").write_text(close_document(made.close))
    return made


def term(sign: int, made: Closed, folder: Path) -> Term:
    return Term(sign, made.close, sha256_bytes(close_document(made.close).encode()), folder)


def adjustment(again: Term, *booked: Term) -> Adjustment:
    return Adjustment("0" * 64, (again, *booked))


def accounts(*all_: Closed) -> dict[tuple[str, str], int]:
    """Balances after the entries of some closes; what cutting off converted sums leaves is no sum of parts."""
    found: Counter[tuple[str, str]] = Counter()
    for one in all_:
        entry = close_entry(one.close, line_sums(one.lines))
        for posting in entry.postings if entry else ():
            if not posting.account.startswith("Equity:"):
                found[posting.account, posting.currency] += posting.amount_micros
    return {key: micros for key, micros in found.items() if micros}


@FEW
@given(histories(), givens())
def test_early_and_adjusted_is_all_at_once(history: tuple[Given, Given, Given], later: Given) -> None:
    """Per account to the micro, under any rules of either period; twice is once; the fast close is the same bytes."""
    later = own(later)
    with TemporaryDirectory() as place:
        root = Path(place)
        first, second, third = (closed(one, OCTOBER, root / str(number)) for number, one in enumerate(history))
        terms = {
            n: (term(1, one, root / str(n)), term(-1, one, root / str(n))) for n, one in enumerate((first, second, third))
        }
        plain = closed(later, NOVEMBER, root / "plain")
        once = adjustment(terms[2][0], terms[0][1])
        adjusted = closed(later, NOVEMBER, root / "once", (once,))
        half = closed(later, NOVEMBER, root / "half", (adjustment(terms[1][0], terms[0][1]),))
        rest = closed(later, NOVEMBER, root / "rest", (adjustment(terms[2][0], terms[1][1]),))

        assert accounts(first, adjusted) == accounts(third, plain)
        assert accounts(first, half, rest) == accounts(third, plain, plain)
        assert problems(adjusted.close, adjusted.work_lines, adjusted.lines) == []
        assert parse_close(close_document(adjusted.close)) == adjusted.close
        assert adjusted.close.pools[: len(plain.close.pools)] == plain.close.pools
        assert {pool.kind for pool in adjusted.close.pools[len(plain.close.pools) :]} <= {ADJUSTED}

        frozen = Frozen(root / "once" / "frozen", adjusted.close.frozen)
        fast = close_period(frozen, *NOVEMBER, later.policy, into=root / "fast", adjustments=(once,))
        assert canonical_bytes(fast) == canonical_bytes(adjusted.close)
        assert tuple(read_lines(root / "fast")) == adjusted.lines
        assert tuple(read_work_lines(root / "fast")) == adjusted.work_lines
        assert list(changed_problems(fast, root / "fast", (once,))) == []
        assert list(sample_problems(frozen, fast, root / "fast")) == []


@FEW
@given(givens())
def test_a_refund_of_everything_leaves_nothing(one: Given) -> None:
    """Whatever the gates, clusters and parts: where pools are of net revenue, everybody stands at zero again."""
    rules = tuple(replace(rule, base="net", amount_micros=0, currency="", multipliers=()) for rule in one.policy.pools)
    one = own(replace(one, policy=replace(one.policy, pools=rules)))
    back = replace(
        one,
        events=tuple(replace(row, refunded_micros=row.gross_micros) for row in one.events),
        revenue=tuple(replace(row, refunded_micros=row.gross_micros) for row in one.revenue),
    )
    with TemporaryDirectory() as place:
        root = Path(place)
        first, again = closed(one, OCTOBER, root / "0"), closed(back, OCTOBER, root / "1")
        both = adjustment(term(1, again, root / "1"), term(-1, first, root / "0"))
        assert accounts(first, closed(Given(rates=RATES), NOVEMBER, root / "n", (both,))) == {}


def test_a_corrected_period_is_adjusted_from_what_is_booked(tmp_path: Path) -> None:
    """What came out last, plus the correction since: new rules less old. Pools of rules that are no more are taken back."""
    old = november()
    renamed = replace(
        FIFTY,
        pools=(
            replace(
                FIFTY.pools[0],
                name="other",
                parts=(Part("a", PPB // 2), Part("b", PPB // 2)),
            ),
        ),
    )
    new = replace(old, policy=renamed)
    late = replace(new, events=(*new.events, event("e4", "o1", 7_000_000)))
    v1, v2, again = (closed(one, OCTOBER, tmp_path / str(n)) for n, one in enumerate((old, new, late)))
    both = adjustment(term(1, again, tmp_path / "2"), term(-1, v1, tmp_path / "0"))
    more = adjustment(
        term(1, again, tmp_path / "2"),
        term(-1, v1, tmp_path / "0"),
        term(-1, v2, tmp_path / "1"),
        term(1, v1, tmp_path / "0"),
    )
    empty = Given(rates=RATES)
    assert accounts(v1, closed(empty, NOVEMBER, tmp_path / "a", (both,))) == accounts(again)
    made = closed(empty, NOVEMBER, tmp_path / "b", (more,))
    assert accounts(v2, made) == accounts(again)
    assert {pool.rule for pool in made.close.pools if pool.kind == ADJUSTED} == {"other"}
    assert problems(made.close, made.work_lines, made.lines) == []


def beside(tmp_path: Path) -> tuple[Closed, Path]:
    """A close of November in a folder of its own that adjusts October."""
    early = november(replace(FIFTY, levies=(Levy("culture", 10_000_000, "fund"),)))
    late = replace(
        early, events=(*early.events[:2], replace(early.events[2], refunded_micros=1_000_000), event("e4", "o1", 9_000_000))
    )
    folder = tmp_path / "close"
    place = folder / "adjusted" / "2026-10"
    again = closed(late, OCTOBER, place)
    first = closed(early, OCTOBER, place / "booked-1")
    write_adjustment(place, "1" * 64, term(1, again, place).close_digest, [(1, term(1, first, place).close_digest)])
    one = Given(songs=(song("w1", ada=PPB),), outputs=(output("o", 1, w1=1),), events=(event("e", "o", 10),), rates=RATES)
    return closed(one, NOVEMBER, folder, read_adjustments(folder / "adjusted")), folder


def test_a_close_is_checked_from_its_folder_alone(tmp_path: Path) -> None:
    """With the closed period and what was booked of it; large ones by sums. Whatever is changed or missing is named."""
    made, folder = beside(tmp_path)
    frozen = Frozen(folder / "frozen", made.close.frozen)
    assert replay_close(frozen, made.close, folder) == []
    assert replay_close(frozen, made.close, folder, credits_max=0) == []

    place = folder / "adjusted" / "2026-10"
    for name in ("adjustment.json", "close.json", "lines.parquet", "booked-1/close.json", "booked-1/work_lines.parquet"):
        kept = (place / name).read_bytes()
        for damaged in (kept[:-12] + bytes([kept[-12] ^ 1]) + kept[-11:], None):
            (place / name).unlink()
            if damaged is not None:
                (place / name).write_bytes(damaged)
            assert replay_close(frozen, made.close, folder) != [], name
        (place / name).write_bytes(kept)
    (place / "frozen" / "events.parquet").write_bytes((place / "booked-1" / "frozen" / "events.parquet").read_bytes())
    (problem,) = replay_close(frozen, made.close, folder)
    assert "frozen" in problem.problem


@pytest.mark.parametrize("credits_max", [None, 0])
def test_a_forged_difference_is_found(tmp_path: Path, credits_max: int | None) -> None:
    """A micro from one payee to another, or from the commons to the operator, with every sum and digest made to fit."""
    made, folder = beside(tmp_path)
    frozen = Frozen(folder / "frozen", made.close.frozen)
    number = next(place for place, pool in enumerate(made.close.pools) if pool.kind == ADJUSTED)
    lines = list(made.lines)
    mine = [place for place, line in enumerate(lines) if line.pool == number and line.party_id and line.work_id == "w1"][:2]
    for place, more in zip(mine, (1, -1), strict=True):
        lines[place] = replace(lines[place], amount_micros=lines[place].amount_micros + more)
    digest = write_lines(table_path(folder, LINES), lines)
    forged = replace(made.close, lines_digest=digest)
    assert replay_close(frozen, forged, folder, credits_max=credits_max) != []
    write_lines(table_path(folder, LINES), made.lines)

    (adjusted,) = made.close.adjusted
    total = next(one for one in adjusted.totals if one.currency == "EUR")
    moved = replace(total, operator_micros=total.operator_micros + 1, tax_micros=total.tax_micros - 1)
    others = tuple(moved if one == total else one for one in adjusted.totals)
    totals = tuple(
        replace(one, operator_micros=one.operator_micros + 1, tax_micros=one.tax_micros - 1)
        if one.currency == "EUR"
        else one
        for one in made.close.totals
    )
    forged = replace(made.close, adjusted=(replace(adjusted, totals=others),), totals=totals)
    assert problems(forged, made.work_lines, made.lines) == []
    assert replay_close(frozen, forged, folder, credits_max=credits_max) != []


def test_an_adjustment_that_names_another_period_is_refused(tmp_path: Path) -> None:
    """A folder moved under another period's name."""
    _, folder = beside(tmp_path)
    (folder / "adjusted" / "2026-10").rename(folder / "adjusted" / "2026-09")
    with pytest.raises(IntegrityError, match="another period"):
        read_adjustments(folder / "adjusted")


def test_rules_of_both_periods_hold_apart(tmp_path: Path) -> None:
    """One rule name, two policies: the pools of each stand under their own, and the levies, too."""
    made, _ = beside(tmp_path)
    assert made.close.policy.levies == () and [levy.name for levy in made.close.adjusted[0].levies] == ["culture"] * 2
    assert Policy("all", (PoolRule("all", share_ppb=PPB),)) == made.close.policy
    assert {(pool.kind, pool.rule) for pool in made.close.pools} == {("earned", "all"), (ADJUSTED, "half")}
