"""From usage to a statement on the command line: what is reported, proposed, compared, shown and drawn."""

from __future__ import annotations

import json
import sqlite3
import tomllib
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.story import house as h
from tests.story.house import House

from .terminal import rows_of, type_in, type_well

MARCH = "2025-03"


@pytest.fixture
def studio(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A studio with two closed periods, named in the environment."""
    place = house.copy(house.finished, tmp_path / "studio")
    monkeypatch.setenv("ENDCREDITS_STUDIO", str(place))
    monkeypatch.chdir(tmp_path)
    return place


def outputs_of(studio: Path) -> list[str]:
    """The outputs that were attributed."""
    with closing(sqlite3.connect(studio / "studio.db")) as conn:
        return [str(row[0]) for row in conn.execute("SELECT output_id FROM attributions ORDER BY 1")]


def march(studio: Path) -> Path:
    """A file of two uses in March, 9 EUR together."""
    first, second, *_ = outputs_of(studio)
    path = studio.parent / "march.csv"
    path.write_text(
        "event_id,output_id,used_at,revenue,currency,payer\n"
        f"m-1,{first},2025-03-02T00:00:00Z,4.00,EUR,pia\nm-2,{second},2025-03-03T00:00:00Z,5.00,EUR,quin\n"
    )
    return path


def test_money_of_many_uses_refunds_and_rates(studio: Path) -> None:
    """Each kind of report is taken once, and says how many rows were new, known and held."""
    (studio.parent / "revenue.csv").write_text("revenue_id,earned_on,gross,tax,currency\nsub-1,2025-03-05,12.00,2.00,EUR\n")
    (studio.parent / "refunds.csv").write_text(
        "refund_id,of_id,refunded_at,refund,currency\nback-1,sub-1,2025-03-09T00:00:00Z,3.00,EUR\n"
    )
    (studio.parent / "rates.jsonl").write_text(
        '{"currency": "USD", "into": "EUR", "rate": "9213/10000", "on": "2025-03-31", "source": "made up"}\n'
    )
    for command, file in (("revenue", "revenue.csv"), ("refund", "refunds.csv"), ("rates", "rates.jsonl")):
        assert type_well("usage", command, file, "--json").json == {"new": 1, "already_there": 0, "held": 0}
        assert "Recorded 0" in type_well("usage", command, file).out, "the same again changes nothing"

    type_well("usage", "add", march(studio))
    total = type_well("period", "close", MARCH, "--policy", "pro-rata", "--dry-run", "--json").json["totals"][0]
    kept = {name: total[f"{name}_micros"] for name in ("revenue", "tax", "operator", "pools", "levies")}
    assert kept["revenue"] == kept["tax"] + kept["operator"] + kept["pools"] + kept["levies"] > 9_000_000
    assert kept["tax"] > 0


def test_rows_are_held_mended_and_dropped(studio: Path) -> None:
    """A use of an output that nobody attributed waits, is listed with its reason, and is exported, retried, and dropped."""
    good = march(studio).read_text()
    (studio.parent / "mixed.csv").write_text(good + "m-3,output:none,2025-03-04T00:00:00Z,1.00,EUR,pia\nm-4,,x,1,EUR,pia\n")

    refused = type_in("usage", "add", "mixed.csv")
    assert refused.code == 2 and "mixed.csv, row 4" in refused.err, "without --hold, all or nothing"
    assert type_well("usage", "held", "--json").json["held"] == []

    assert type_well("usage", "add", "mixed.csv", "--hold", "--json").json == {"new": 2, "already_there": 0, "held": 2}
    told = type_well("usage", "held").out
    assert "m-3" in told and "never attributed. Attribute the output" in told and "2 rows are held" in told
    held = type_well("usage", "held", "--kind", "events", "--out", "mend.jsonl", "--json").json
    assert held["written"] == 2 and len((studio.parent / "mend.jsonl").read_text().splitlines()) == 2
    assert {row["record_id"] for row in held["held"]} == {"m-3", "m-4"}
    waiting = next(row["held_id"] for row in held["held"] if row["record_id"] == "m-3")
    assert type_in("usage", "held", "--drop", waiting).code == 2, "a row is dropped for a reason"
    listed = next(line.split()[0] for line in told.splitlines() if "m-3" in line)
    assert len(listed) == 16 and waiting.startswith(listed)
    left = type_well("usage", "held", "--drop", listed, "--reason", "a trial", "--retry", "--json").json
    assert [row["record_id"] for row in left["held"]] == ["m-4"] and not any(left["taken"].values())


def test_policies_are_read_and_compared(studio: Path) -> None:
    """Every shipped policy is listed, can be shown, checked and used; another policy's outcome is shown and not posted."""
    listed = type_well("policy", "list", "--json").json
    assert {"fifty-fifty", "pro-rata", "user-centric", "waterfall"} <= {row["name"] for row in listed}
    assert all(row["about"] for row in listed) and "user-centric" in type_well("policy", "list").out
    for row in listed:
        text = type_well("policy", "show", row["name"]).out
        (studio.parent / "own.toml").write_text(text)
        checked = type_well("policy", "check", "own.toml", "--json").json
        assert checked == type_well("policy", "check", row["name"], "--json").json, "shown and read back, it is the same"
        assert tomllib.loads(text)["policy"]["name"] == type_well("policy", "show", row["name"], "--json").json["name"]
    assert "can be used: pools" in type_well("policy", "check", "own.toml").out

    before = rows_of(studio)
    found = type_well("policy", "replay", h.FEBRUARY, "--policy", "pro-rata", "--json").json
    same = type_well("policy", "replay", h.FEBRUARY, "--policy", "fifty-fifty", "--json").json
    told = type_well("policy", "replay", h.FEBRUARY, "--policy", "pro-rata", "--limit", "1").out
    assert rows_of(studio) == before
    assert found["policy"] == "pro-rata" and h.ADA in {row["name"] for row in found["payees"]}
    assert same["payees"] and all(row["micros"] == row["other_micros"] for row in same["payees"])
    assert "under pro-rata" in told and "and " in told.splitlines()[-1]


def test_four_eyes_from_proposal_to_approval(studio: Path) -> None:
    """A dry run records nothing; one proposes and another approves; a withdrawn proposal stays on record."""
    type_well("usage", "add", march(studio))
    Path("four.toml").write_text('[policy]\nname = "four"\npool = "50%"\nfour_eyes = true\n')
    before = rows_of(studio)
    dry = type_well("period", "close", MARCH, "--policy", "four.toml", "--dry-run")
    document = type_well("period", "close", MARCH, "--policy", "four.toml", "--dry-run", "--json").json
    assert "nothing was recorded" in dry.out and document["dry_run"] is True
    assert rows_of(studio) == before

    assert document["warnings"] == [] and "Warning" not in dry.out
    levied = Path("four.toml").read_text() + '[[levy]]\nname = "pensions"\nshare = "4%"\nparty = "party:nobody"\n'
    Path("levied.toml").write_text(levied)
    warned = ("period", "close", MARCH, "--policy", "levied.toml", "--dry-run")
    assert "Warning: The levy 'pensions' goes to 'party:nobody'" in type_well(*warned).out
    assert len(type_well(*warned, "--json").json["warnings"]) == 1
    assert rows_of(studio) == before

    gated = ("period", "close", MARCH, "--policy", "pro-rata", "--dry-run")  # its works need a thousand uses
    (reason,) = type_well(*gated, "--json").json["left_out"]
    assert (reason["reason"], reason["amount_micros"]) == ("uses", 0)
    assert f"{reason['works']} works: fewer uses than the part asks for (uses_min)" in type_well(*gated).out

    words = ("period", "propose", MARCH, "--policy", "four.toml", "--by", "ada")
    assert "Next: endcredits period approve 2025-03" in type_well(*words).out
    proposed = type_well(*words, "--json").json
    assert proposed["totals"] == document["totals"] and Path(proposed["tables"], "frozen").is_dir()
    assert type_in("period", "approve", MARCH, "--by", "ada").code == 4
    assert type_in("period", "approve", MARCH, "--by", "bob", "--expect", "0" * 64).code == 4

    assert type_well("period", "withdraw", MARCH, "--reason", "trial", "--by", "ada", "--json").json["withdrawn"] is True
    assert type_in("period", "approve", MARCH, "--by", "bob").code == 2, "it is not proposed any more"
    again = type_well(*words, "--json").json
    done = type_well("period", "approve", MARCH, "--by", "bob", "--expect", again["close_digest"], "--json").json
    assert done["was_closed"] is False and done["close_digest"] == again["close_digest"]
    assert "nothing changed" in type_well("period", "approve", MARCH, "--by", "bob").out

    names = [step["step"] for step in type_well("period", "steps", MARCH, "--json").json]
    assert names == ["proposed", "computed", "withdrawn", "proposed", "computed", "approved"]
    told = type_well("period", "steps", MARCH).out
    assert told.count("\n") == 6 and "reason trial" in told and "policy four" in told and "{" not in told
    assert type_in("period", "withdraw", MARCH, "--reason", "late").code == 4, "what is posted stays"
    assert type_well("check").out.endswith("Everything fits.\n")


@pytest.mark.parametrize("form", ["md", "html", "csv", "json", "pdf", "evidence"])
def test_statements_in_every_form(studio: Path, form: str) -> None:
    """One file a statement, in the folder that is named; texts are the same on the terminal."""
    count = len(type_well("statement", h.JANUARY, "--json").json)

    written = type_well("statement", h.JANUARY, "--form", form, "--out", "out", "--json").json["written"]
    assert (
        len(set(written)) == count
        and f"Wrote {count} files to out." in type_well("statement", h.JANUARY, "--form", form, "--out", "out").out
    )
    files = [Path(one) for one in written]
    if form == "pdf":
        assert all(file.read_bytes().startswith(b"%PDF") for file in files)
    elif form == "evidence":
        for file in files:
            with zipfile.ZipFile(file) as inside:
                assert inside.testzip() is None and any("README" in name for name in inside.namelist())
    else:
        told = type_well("statement", h.JANUARY, "--payee", h.ADA, "--form", form).out
        texts = [file.read_bytes().decode() for file in files]
        own = [text for text in texts if h.ADA in text]
        assert own and all(text.strip() in told for text in own)
        if form == "json":
            assert all(json.loads(text)["payee"] for text in own)


def test_estimates_are_marked_and_kept_nowhere(studio: Path) -> None:
    """What the period would earn if it closed now says that it is an estimate, and agrees with a close of the same."""
    type_well("usage", "add", march(studio))
    before = rows_of(studio)
    told = type_well("estimate", MARCH)
    guessed = type_well("estimate", MARCH, "--json").json
    assert told.out.startswith("ESTIMATE") and rows_of(studio) == before
    assert {one["kind"] for one in guessed} == {"estimate"}

    type_well("period", "close", MARCH)
    final = type_well("statement", MARCH, "--json").json
    sums = [{(one["payee"], one["summary"]["earned_micros"]) for one in some} for some in (guessed, final)]
    assert {name for name, _ in sums[0]} and sums[0] == {(name, micros) for name, micros in sums[1] if micros}


def test_pictures_of_earnings(studio: Path) -> None:
    """One picture a currency."""
    assert "Wrote ada-EUR.svg, ada-USD.svg." in type_well("earnings", h.ADA, "--out", "ada.svg").out
    written = type_well("earnings", h.CLEO, "--out", "cleo.svg", "--json").json["written"]
    for file in written:
        text = Path(file).read_text()
        assert text.lstrip().startswith("<") and "<i>" not in text, "a name with markup stays a name"


def test_late_usage_and_refunds_are_counted_in_the_next_period(studio: Path) -> None:
    """What is reported about a closed day, and what is given back of it, makes pools of its own in the next close."""
    output = outputs_of(studio)[0]
    late = (
        "--output",
        output,
        "--revenue",
        "2.00",
        "--currency",
        "EUR",
        "--event",
        "late-1",
        "--at",
        "2025-01-20T00:00:00Z",
    )
    assert "Recorded 1 usage event;" in type_well("usage", "add", *late).out
    Path("refunds.csv").write_text(
        "refund_id,of_id,refunded_at,refund,currency\nback-1,jan-0,2025-03-09T00:00:00Z,1.00,EUR\n"
    )
    type_well("usage", "refund", "refunds.csv")
    type_well("usage", "add", march(studio))

    closed = type_well("period", "close", MARCH, "--json").json
    kinds = {pool["kind"]: pool for pool in closed["pools"]}
    assert set(kinds) == {"earned", "adjusted"}
    assert (kinds["adjusted"]["usage_period"], kinds["adjusted"]["revenue_micros"]) == (h.JANUARY, 2_000_000 - 1_000_000)
    shown = type_well("period", "show", MARCH).out
    assert "works (adjusted, 1 events, 2025-01)" in shown and "divided again by its own rules: 2025-01" in shown


def test_payout_from_what_a_period_owes(studio: Path) -> None:
    """Payees, a plan, approval, a table for the bank; the books say what is on its way."""
    party = next(one["party_id"] for one in type_well("statement", h.FEBRUARY, "--json").json if one["payee"] == h.ADA)
    Path("payees.csv").write_text(
        f"party_id,country,rail,currency,holder,iban\n{party},DE,csv,EUR,Ada Quill,DE89370400440532013000\n"
    )
    Path("payer.toml").write_text('[payer]\nname = "Small Studio"\ncountry = "DE"\niban = "DE89370400440532013000"\n')
    assert type_well("payout", "payees", "import", "payees.csv", "--json").json["unknown_parties"] == []
    assert "Ada Quill" in type_well("payout", "payees", "list").out

    plan = type_well("payout", "plan", "--payer", "payer.toml", "--on", "2199-01-01", "--by", "pia", "--json").json
    (batch,) = plan["batches"]
    assert batch["count"] == 1 and {hold["reason"] for hold in plan["holds"]} >= {"no-profile"}
    assert type_in("payout", "send", batch["batch_id"], "--out", "order.csv").code == 4
    assert type_well("payout", "approve", batch["batch_id"], "--by", "quin", "--json").json["state"] == "approved"
    assert type_well("payout", "send", batch["batch_id"], "--out", "order.csv", "--json").json["state"] == "sent"
    assert "Ada Quill" in Path("order.csv").read_text()
    on_its_way = type_well("ledger", "balances", "Liabilities:Clearing", "--json").json
    assert [row["balance_micros"] for row in on_its_way] == [-batch["transfer_micros"]]
    assert "1 sent" in type_well("payout", "status").out
    assert type_well("check").out.endswith("Everything fits.\n")
