"""`endcredits payout` from the keyboard: what it prints, with which exit code, and that it never shows an account whole."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import typer

from endcredits.flows.studio import init_studio
from endcredits.ids import PartyId
from endcredits.interfaces.cli import payout
from endcredits.interfaces.cli.common import run_app
from endcredits.interfaces.cli.main import new_app
from endcredits.interfaces.cli.payout import payout_app
from endcredits.payouts.payments import Hold

from ..payouts.bank_says import detail, entry, statement
from ..payouts.paying_makers import owe
from ..payouts.rails.fake_stripe import fake_stripe

IBANS = ("DE89370400440532013000", "GB29NWBK60161331926819")
PAYER = f'[payer]\nname = "Small Studio Ltd"\ncountry = "DE"\niban = "{IBANS[0]}"\n'
PAYEES = (
    "party_id,country,rail,currency,holder,iban,stripe_account,minimum\n"
    f"ada,GB,pain001,EUR,Ada,{IBANS[1]},,1\n"
    "ben,DE,pain001,EUR,Ben,,,1\n"
    "cleo,US,stripe,USD,Cleo,,acct_sample1,1\n"
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def type_in(*arguments: object) -> Said:
    """Runs `endcredits payout` with these arguments."""
    app = new_app("trial")
    app.add_typer(payout_app(new_app), name="payout")
    out, err = io.StringIO(), io.StringIO()
    argv = ["endcredits", "payout", *(str(argument) for argument in arguments)]
    with mock.patch.object(sys, "argv", argv), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run_app(app)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    for iban in IBANS:
        assert iban not in out.getvalue() + err.getvalue()
    return Said(code, out.getvalue(), err.getvalue())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A studio that owes three payees something, and the files that the commands read."""
    studio = init_studio(tmp_path / "studio")
    owed = {("ada", "EUR"): 12_345_678, ("ben", "EUR"): 7_000_000, ("cleo", "USD"): 9_000_000}
    studio.store.write(lambda conn: owe(conn, "close:2026-11", owed))
    studio.close()
    (tmp_path / "payer.toml").write_text(PAYER)
    (tmp_path / "payees.csv").write_text(PAYEES)
    monkeypatch.setenv("ENDCREDITS_STUDIO", str(tmp_path / "studio"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def test_the_walk_from_the_keyboard(place: Path) -> None:
    """Every command in words and as JSON."""
    assert "Recorded 3 payees" in type_in("payees", "import", "payees.csv").out
    assert type_in("payees", "import", "payees.csv", "--json").json["unchanged"] == 3
    assert "IBAN GB…6819" in type_in("payees", "list").out
    assert type_in("payees", "list", "--json").json[0]["bank"]["destination"] == "IBAN GB…6819"

    words = type_in("plan", "--payer", "payer.toml", "--on", "2199-01-01", "--by", "pia").out
    assert "ben: bank: no IBAN is known" in words
    assert "EUR: 19.345678 owed = 12.34 paid + 0.005678 below a coin + 7.00 held" in words
    assert "not tax advice" in words
    plan = type_in("plan", "--payer", "payer.toml", "--on", "2199-01-01", "--by", "pia", "--json").json
    assert plan["was_planned"] is True
    bank, stripe = (batch["batch_id"] for batch in plan["batches"])

    assert type_in("send", bank, "--out", "out.xml").code == 4
    assert "is approved" in type_in("approve", bank, "--by", "q").out
    sent = type_in("send", bank, "--rail", "pain001", "--out", "out.xml", "--by", "q", "--json")
    assert (sent.code, sent.json["state"], sent.json["was_sent"]) == (0, "sent", False)
    assert "sent before" in type_in("send", bank, "--out", "out.xml").out
    assert type_in("send", bank, "--out", "other.xml").code == 4
    data = (place / "out.xml").read_bytes()
    (place / "out.xml").unlink()
    again = type_in("send", bank, "--out", "out.xml")
    assert again.code == 0 and "its file was gone: the same file stands there again" in again.out
    assert (place / "out.xml").read_bytes() == data

    payment = plan["batches"][0]["payments"][0]["payment_id"]
    (place / "camt.xml").write_bytes(statement(entry("12.34", detail(payment)), entry("12.34", detail(payment), ref="B2")))
    told = type_in("reconcile", "camt.xml")
    assert told.code == 3 and "1 confirmed, 1 twice" in told.out
    assert type_in("reconcile", "camt.xml", "--json").json["counts"] == {"duplicate": 1, "twice": 1}

    assert "1 confirmed" in type_in("status").out
    assert payment in type_in("status", bank).out
    assert [hold["reason"] for hold in type_in("status", "--json").json["holds"]] == ["bank"]
    assert type_in("approve", stripe, "--json").json["state"] == "approved"


def test_thousands_of_holds_are_not_a_thousand_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty one by one, the rest counted by reason, and nothing more where that was all."""
    few = [Hold(PartyId(f"p{n}"), "EUR", 1_000_000, "bank", "no IBAN is known") for n in range(20)]
    many = [*few, *(replace(one, reason="threshold") for one in few), replace(few[0], reason="dispute")]

    payout._print_holds(few)
    assert len(capsys.readouterr().out.splitlines()) == 20
    payout._print_holds(many, "  ")
    *told, last = capsys.readouterr().out.splitlines()

    assert len(told) == 20 and all(line.startswith("  held") and "p" in line for line in told)
    assert last == "  ... and 21 more holds (1 dispute, 20 threshold); all with --json"


def test_stripe_from_the_keyboard(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key comes from the environment; the year's summary counts the transfer."""
    pytest.importorskip("stripe")
    type_in("payees", "import", "payees.csv")
    plan = type_in("plan", "--payer", "payer.toml", "--on", "2199-01-01", "--json").json
    batch = plan["batches"][1]["batch_id"]
    type_in("approve", batch)
    assert "STRIPE_API_KEY" in type_in("send", batch, "--rail", "stripe").err
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
    with fake_stripe() as fake:
        assert type_in("send", batch, "--rail", "stripe", "--out", "x.xml").code == 2
        assert type_in("send", batch, "--rail", "stripe", "--server", fake.url, "--json").json["state"] == "sent"
        assert [one["amount"] for one in fake.transfers] == [900]
    year = type_in("status", batch, "--json").json["batches"][0]["steps"][1]["at"][:4]
    assert "9.00 USD paid" in type_in("year-end", year).out
    assert type_in("year-end", year, "--form", "csv").out.startswith("year,jurisdiction,form,party_id")
    assert "not tax advice" in type_in("year-end", year, "--json").json["note"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["approve", "payout-none"], 2, "there is no batch"),
        (["send", "payout-none"], 2, "sending needs a place"),
        (["plan", "--payer", "none.toml"], 2, "cannot be read"),
        (["plan", "--payer", "payer.toml", "--on", "yesterday"], 2, "field 'on'"),
        (["plan", "--payer", "payer.toml", "--threshold", "1e3"], 2, "--threshold"),
        (["payees", "import", "payer.toml"], 2, "suffix"),
        (["reconcile", "payer.toml"], 2, "not whole XML"),
        (["reconcile", "none.xml"], 2, "cannot be read"),
        (["year-end", "26"], 2, "not a year"),
        (["year-end", "2026", "--form", "pdf"], 2, "--form"),
        (["plan"], 2, "--payer"),
    ],
)
def test_what_cannot_be_used_is_named(place: Path, arguments: list[str], code: int, words: str) -> None:
    """One paragraph, an exit code, and the same as JSON."""
    told = type_in(*arguments)
    assert told.code == code and words in told.err and "Traceback" not in told.err
    assert json.loads(type_in(*arguments, "--json").err)["remedy"]


def test_every_command_has_an_example() -> None:
    """And says in a line what it does."""

    def commands(app: typer.Typer) -> Iterator[Any]:
        for command in app.registered_commands:
            yield command.callback
        for group in app.registered_groups:
            assert group.typer_instance is not None
            assert "Example: " in str(group.typer_instance.info.help)
            yield from commands(group.typer_instance)

    found = list(commands(payout_app(new_app)))
    assert len(found) == 9
    for command in found:
        assert "Example: endcredits payout " in command.__doc__
