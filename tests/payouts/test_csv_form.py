"""The flat file holds every number, its counts and totals are right, and no text in it is ever a formula."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.money import parse_micros
from endcredits.payouts import Deduction, PaidOut, Standing, statement_csv
from endcredits.payouts.csv_form import COLUMNS, csv_problems, decimal, read_csv, text_cell
from endcredits.payouts.view import shown

from .makers import Closed, closes, issue, ordinary

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
STARTERS = ("=", "+", "-", "@", "|", "%", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@given(closes(), st.sampled_from(["\t", ",", ";"]))
def test_files_come_back_with_their_sums(made: Closed, delimiter: str) -> None:
    """Counts, control totals and every line's amount."""
    for one in issue(made):
        records = read_csv(statement_csv(one, delimiter))

        assert list(csv_problems(records)) == []
        assert [parse_micros(row["amount"]) for row in records["LINE"]] == [line.amount_micros for line in one.lines]
        assert [row["explanation"] for row in records["LINE"]] == [line.reason for line in one.lines]
        summary = records["SUMM"][0]
        assert {name: parse_micros(value) for name, value in summary.items()} == {
            name.removesuffix("_micros"): getattr(one.summary, name) for name in one.summary.__dataclass_fields__
        }


hostile = st.text() | st.sampled_from(
    [
        "=HYPERLINK(1)",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r\n=1",
        "'=1",
        "  =1",
        '"=1',
        "a;=1",
        "a,=1",
        "a\t=1",
        "\u202e=1",
        "\uff1d1",
    ]
)


@given(hostile, st.sampled_from(["\t", ",", ";"]))
def test_hostile_texts_stay_texts(words: str, delimiter: str) -> None:
    """No cell of theirs begins a formula, the file keeps its shape, and the words come back cleaned."""
    one = ordinary()[0]
    one = replace(
        one,
        payee=words,
        blocked=(words,),
        payments=(PaidOut("2026-11-02", words, words, 1),),
        lines=tuple(replace(line, title=words, identifiers=((words, words),)) for line in one.lines),
    )
    text = statement_csv(one, delimiter)

    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert all(len(row) == 1 + len(COLUMNS[row[0].removeprefix("#")]) for row in rows)
    for cell in (cell for row in rows for cell in row):
        assert not cell.lstrip().startswith(STARTERS) or NUMBER.fullmatch(cell)
    cleaned = text_cell(words).removeprefix("'")
    assert shown(cleaned) == shown(words)
    records = read_csv(text)
    assert records["HEAD"][0]["payee"] == cleaned
    assert records["LINE"][0]["title"] == cleaned


def test_everything_that_a_statement_holds_is_in_the_file() -> None:
    """Head, payments, deductions, levies, foot; an estimate says what it is."""
    standing = Standing(20_000_000, (PaidOut("2026-11-02", "SEPA", "E2E-7", 5_000_000),), contract_ids=("c1",))
    cuts = (Deduction("withholding", 10_000, "30 %"),)
    one = ordinary(standings={(ordinary()[0].party_id, "EUR"): standing}, deductions=lambda *about: cuts)[0]

    records = read_csv(statement_csv(one))

    assert records["HEAD"][0]["statement_id"] == one.statement_id
    assert records["HEAD"][0]["tax_status"] == one.tax_status
    assert records["PAID"] == [{"paid_on": "2026-11-02", "rail": "SEPA", "reference": "E2E-7", "amount": "5.000000"}]
    assert records["DEDU"][0]["reason"] == "30 %"
    assert records["FOOT"][0]["audit_until"] == one.audit_until
    assert records["LINE"][0]["usage_from"] == "2026-11-01"
    assert {row["accounting_period"] for row in records["LINE"]} == {"2026-11"}
    assert read_csv(statement_csv(replace(one, kind="estimate")))["HEAD"][0]["kind"] == "estimate"


def test_files_that_were_changed_or_cut_off_are_found() -> None:
    """A missing line, another amount, a missing foot, another version, another kind of file."""
    text = statement_csv(ordinary()[0])
    lines = text.split("\r\n")
    first = next(number for number, line in enumerate(lines) if line.startswith("LINE"))

    assert list(csv_problems(read_csv("\r\n".join(lines[:first] + lines[first + 1 :]))))
    assert list(csv_problems(read_csv(text.replace("\t27.175000\t", "\t27.175001\t"))))
    for wrong in ("\r\n".join(lines[:-2]), text.replace("HEAD\t1", "HEAD\t2"), "a\tb\r\n", "", "LINE\t1\r\n"):
        with pytest.raises(InputError):
            read_csv(wrong)
    with pytest.raises(InputError, match="delimiter"):
        statement_csv(ordinary()[0], "|")


@given(st.integers(-(10**18), 10**18))
def test_amounts_are_exact(micros: int) -> None:
    """Six decimals, always."""
    assert parse_micros(decimal(micros)) == micros
    assert re.fullmatch(r"-?[0-9]+\.[0-9]{6}", decimal(micros))
