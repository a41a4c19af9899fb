"""Bad input through the command line: the right exit code, one paragraph that helps, and nothing changed anywhere."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from endcredits.flows.clock import now
from tests.story import house as h
from tests.story.house import House

from .terminal import Said, rows_of, type_in, type_well

Scene = Callable[[Path, House], tuple[list[object], list[str]]]
"""Prepares a folder with a finished studio in `studio`, and says what to type and what the answer must name."""

SCENES: dict[str, tuple[int, Scene]] = {}


def scene(code: int) -> Callable[[Scene], Scene]:
    """Registers a scene that ends with an exit code."""

    def keep(prepare: Scene) -> Scene:
        SCENES[prepare.__name__] = (code, prepare)
        return prepare

    return keep


def table(place: Path, *rows: str, header: str = "title,creator,split,permission,text", name: str = "t.csv") -> Path:
    path = place / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def usage(place: Path, *rows: str, header: str = "event_id,output_id,used_at,revenue,currency") -> Path:
    return table(place, *rows, header=header, name="u.csv")


def an_output(place: Path) -> str:
    with closing(sqlite3.connect(place / "studio" / "studio.db")) as conn:
        return str(conn.execute("SELECT output_id FROM attributions ORDER BY 1").fetchone()[0])


# Works


@scene(2)
def works_from_a_file_that_is_not_there(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["works", "add", place / "none.csv"], ["none.csv", "cannot be read", "Check that it exists"]


@scene(2)
def works_from_an_empty_file(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "t.csv").write_text("")
    return ["works", "add", place / "t.csv"], ["t.csv", "the table is empty", "Give a header"]


@scene(2)
def works_without_the_column(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "A,x", header="name,text")
    return ["works", "add", path], ["t.csv", "field 'title'", "the table has: name, text", "--column title=NAME"]


@scene(2)
def works_with_a_renamed_column_that_is_not_there(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "A,B,,allow,x")
    return ["works", "add", path, "--column", "creator=author"], ["t.csv", "author", "--column creator=NAME"]


@scene(2)
def works_with_one_text_twice(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "A,Ada,,allow,same", "B,Ben,,allow,same")
    return ["works", "add", path], ["t.csv, row 2", "the same text stands in row 1 and in row 2"]


@scene(4)
def works_that_are_registered_under_another_id(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, f'New,Ada,,allow,"{h.prose(h.SALT, 700)}"')
    return ["works", "add", path], ["row 1", h.SALT, "Register one content once"]


@scene(2)
def splits_that_are_one_short(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "Fine,Ada,,allow,one", "Short,Ada;Ben,600000000;399999999,allow,two")
    return ["works", "add", path], ["t.csv, row 2, field 'split'", "sum to 999,999,999 ppb", "exactly 1,000,000,000"]


@scene(2)
def works_that_are_not_utf8(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = place / "t.csv"
    path.write_bytes(b"title,creator,text\nA,B,\xff\xfe\n")
    return ["works", "add", path], ["t.csv", "not UTF-8 at byte offset", "Save it as UTF-8"]


@scene(2)
def a_folder_with_a_file_that_is_not_utf8(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "texts").mkdir()
    (place / "texts" / "a.txt").write_bytes(b"caf\xe9 au lait")
    return ["works", "add", place / "texts", "--permission", "allow"], ["a.txt", "not UTF-8", "Save it as UTF-8"]


@scene(2)
def an_unknown_permission(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "A,Ada,,perhaps,one")
    return ["works", "add", path], ["row 1, field 'permission'", "'perhaps'", "allow, deny"]


@scene(2)
def permitting_an_unknown_work(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["rights", "deny", "work:none", "--reason", "r", "--by", "b"], ["work:none", "field 'work_id'"]


@scene(2)
def permitting_with_an_unknown_verb(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["rights", "deny", h.SALT, "--reason", "r", "--by", "b", "--verb", "eat"]
    return [*words], ["field 'verb'", "'eat' is not a verb", "Use one of"]


@scene(2)
def permitting_without_saying_who(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["rights", "deny", h.SALT, "--reason", "r", "--by", " "], ["declared_by", "is empty", "who says so"]


@scene(2)
def permitting_without_saying_why(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["rights", "deny", h.SALT, "--reason", "", "--by", "b"], ["reason is empty", "Say why"]


@scene(2)
def permitting_until_before_it_begins(place: Path, house: House) -> tuple[list[object], list[str]]:
    words: list[object] = ["rights", "deny", h.SALT, "--reason", "r", "--by", "b", "--to", "2025-01-01T00:00:00Z"]
    return words, ["ends before it begins", "effective_to"]


@scene(2)
def works_with_a_column_that_is_almost_ours(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "One,Ada,deny,words", header="title,creator,Permission,text")
    return ["works", "add", path], ["t.csv", "'Permission'", "--column permission=Permission"]


@scene(2)
def options_for_folders_beside_a_table(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["works", "add", table(place), "--creator", "Ada"], ["--creator is for folders"]


# The index and the models


def spoilt_models(place: Path, house: House, **changes: Any) -> tuple[Path, Path]:
    """Another pair of models."""
    return h.train(place / "models", replace(h.SETTINGS, full_epochs=1, **changes))


@scene(2)
def base_and_full_of_different_shapes(place: Path, house: House) -> tuple[list[object], list[str]]:
    base, _ = spoilt_models(place, house, width=24)
    words = ["index", "build", "--base", base, "--full", house.full]
    return [*words], ["field 'head_dim'", "not the same architecture", "12 in base and 8 in full"]


@scene(2)
def a_model_folder_without_a_model(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "m").mkdir()
    return ["index", "build", "--base", place / "m", "--full", house.full], ["m, field 'base'", "config.json is missing"]


@scene(2)
def a_model_whose_weights_are_torn(place: Path, house: House) -> tuple[list[object], list[str]]:
    base = house.copy(house.base, place / "torn")
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    return ["index", "build", "--base", base, "--full", house.full], ["torn, field 'base'", "cannot be loaded", "intact"]


@scene(2)
def an_index_of_no_models(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["index", "build", "--base", house.base], ["field '--base'", "Give --base and --full"]


@scene(2)
def a_pair_that_cannot_be_imported(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["index", "build", "--task", "no_such_module:pair"], ["field 'task'", "no_such_module", "PYTHONPATH"]


@scene(2)
def a_pair_that_lacks_parts(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["index", "build", "--task", "json:decoder"], ["field 'task'", "'json:decoder' lacks base, full, task"]


@scene(2)
def a_function_that_makes_no_pair(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["index", "build", "--task", "json:dumps"], ["field 'task'", "made no pair (TypeError", "--debug"]


@scene(2)
def an_index_of_another_model(place: Path, house: House) -> tuple[list[object], list[str]]:
    """The folder that the index was built from now holds another model's weights."""
    _, other = spoilt_models(place, house)
    full = house.copy(house.full, place / "full")
    base = house.copy(house.base, place / "base")
    type_well("index", "build", "--base", base, "--full", full, "-s", place / "studio")
    (full / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    return ["attribute", "--text", "salt"], ["field 'full_sha256'", "belongs to another full model", "build an index"]


@scene(3)
def a_corrupted_shard(place: Path, house: House) -> tuple[list[object], list[str]]:
    (shard,) = (place / "studio" / "index").glob("*/works-00000.safetensors")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(bytes(data))
    return ["attribute", "--text", "salt"], ["works-00000.safetensors", "does not fit", "build again"]


@scene(3)
def a_corrupted_manifest(place: Path, house: House) -> tuple[list[object], list[str]]:
    (manifest,) = (place / "studio" / "index").glob("*/manifest.json")
    document = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**document, "scale": "2.0"}))
    return ["attribute", "--text", "salt"], ["manifest.json", "manifest was changed", "build again"]


@scene(3)
def a_corrupted_note_of_the_current_index(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "studio" / "index" / "current.json").write_text("{")
    return ["attribute", "--text", "salt"], ["current.json", "is damaged", "Build the index again"]


# Outputs


@scene(2)
def nothing_to_attribute(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["attribute"], ["nothing to attribute", "Give a file, --text"]


@scene(2)
def outputs_that_are_not_there(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["attribute", place / "none.txt"], ["none.txt", "No such file"]


@scene(2)
def an_empty_output(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "o.txt").write_text("\n")
    return ["attribute", place / "o.txt"], ["o.txt", "the file is empty"]


@scene(2)
def outputs_that_are_not_utf8(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "o.txt").write_bytes(b"good \xc3( bad")
    return ["attribute", place / "o.txt"], ["o.txt", "not UTF-8 text (byte 5)", "Save it as UTF-8"]


@scene(2)
def an_option_that_is_not_utf8(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["attribute", "--text", "half \udcff"], ["argument 3", "not UTF-8", "that writes UTF-8"]


@scene(2)
def a_row_without_output(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, '{"prompt": "x"}', header='{"output": "fine"}', name="o.jsonl")
    return ["attribute", path], ["o.jsonl, row 2, field 'output'", "no output text"]


@scene(2)
def a_row_with_half_a_character(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, header='{"output": "\\ud800"}', name="o.jsonl")
    return ["attribute", path], ["o.jsonl, row 1", "lone surrogate"]


@scene(2)
def a_row_that_is_too_deep(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, header="[" * 100_000, name="o.jsonl")
    return ["attribute", path], ["o.jsonl, row 1", "not JSON"]


# Usage


@scene(2)
def an_unknown_currency(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = usage(place, f"x,{an_output(place)},2025-03-01T00:00:00Z,1.00,EURO")
    return ["usage", "add", path], ["u.csv, row 1, field 'currency'", "'EURO'", "three-letter code"]


@scene(2)
def negative_micros(place: Path, house: House) -> tuple[list[object], list[str]]:
    header = "event_id,output_id,used_at,revenue_micros,currency"
    path = usage(place, f"x,{an_output(place)},2025-03-01T00:00:00Z,-5,EUR", header=header)
    return ["usage", "add", path], ["u.csv, row 1, field 'revenue_micros'", "'-5'", "digits only"]


@scene(2)
def fractional_micros(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = place / "u.jsonl"
    good = {"event_id": "x", "output_id": an_output(place), "used_at": "2025-03-01T00:00:00Z", "currency": "EUR"}
    lines = [{**good, "revenue_micros": 5}, {**good, "event_id": "y", "revenue_micros": 1.5}]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return ["usage", "add", path], ["u.jsonl, row 2, field 'revenue_micros'", "1.5"]


@scene(2)
def revenue_finer_than_a_micro(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = usage(place, f"x,{an_output(place)},2025-03-01T00:00:00Z,0.0000001,EUR")
    return ["usage", "add", path], ["u.csv, row 1, field 'revenue'", "finer than a micro"]


@scene(2)
def usage_that_is_not_utf8(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = place / "u.csv"
    path.write_bytes(b"event_id,output_id,used_at,revenue,currency\n\xff,o,t,1,EUR\n")
    return ["usage", "add", path], ["u.csv", "UTF-8"]


@scene(2)
def usage_with_more_than_one_bad_row(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = usage(place, f"x,{an_output(place)},2025-03-01T00:00:00Z,1.00,EUR", "y,output:none,no day,1.00,EUR")
    return ["usage", "add", path], ["u.csv, row 2, field 'used_at'", "no day"]


@scene(4)
def usage_whose_id_is_taken(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = usage(place, f"jan-0,{an_output(place)},2025-03-01T00:00:00Z,1.00,EUR")
    return ["usage", "add", path], ["u.csv, row 1, field 'event_id'", "'jan-0'", "an id of its own"]


@scene(2)
def a_revenue_of_thousands_of_digits(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["usage", "add", "--output", an_output(place), "--currency", "EUR", "--event", "x", "--revenue"]
    return [*words, "9" * 5000], ["field '--revenue'", "too long for an amount"]


@scene(2)
def usage_from_nowhere(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["usage", "add"], ["usage needs a source", "Give a file, or --output"]


@scene(2)
def usage_without_its_currency(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["usage", "add", "--output", an_output(place), "--revenue", "1", "--event", "x"]
    return [*words], ["field '--currency'", "Give it"]


# What is reported besides


@scene(2)
def revenue_in_no_currency(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "r,2025-03-01,5.00,0,EURO", header="revenue_id,earned_on,gross,tax,currency")
    return ["usage", "revenue", path], ["t.csv, row 1, field 'currency'", "'EURO'"]


@scene(2)
def revenue_less_than_its_tax(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "r,2025-03-01,5.00,5.01,EUR", header="revenue_id,earned_on,gross,tax,currency")
    return ["usage", "revenue", path], ["t.csv, row 1, field 'tax'", "more than"]


@scene(4)
def revenue_under_the_id_of_a_use(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "jan-0,2025-03-01,5.00,0,EUR", header="revenue_id,earned_on,gross,tax,currency")
    return ["usage", "revenue", path], ["t.csv, row 1, field 'revenue_id'", "'jan-0' is taken by one of the events"]


@scene(2)
def a_refund_of_more_than_was_earned(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "b,jan-0,2025-03-01T00:00:00Z,9.00,EUR", header="refund_id,of_id,refunded_at,refund,currency")
    return ["usage", "refund", path], ["t.csv, row 1, field 'refund", "jan-0"]


@scene(2)
def a_rate_of_nothing(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = table(place, "USD,EUR,0,2025-03-01,bank", header="currency,into,rate,on,source")
    return ["usage", "rates", path], ["t.csv, row 1, field 'rate'"]


@scene(2)
def held_rows_of_no_kind(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["usage", "held", "--kind", "uses"], ["field '--kind'", "events, revenue, refunds, rates"]


@scene(2)
def held_rows_to_a_file_of_all_kinds(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["usage", "held", "--out", place / "all.jsonl"], ["field '--out'", "Name a --kind"]


@scene(2)
def dropping_a_held_row_that_is_none(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["usage", "held", "--drop", "abc", "--reason", "gone"], ["abc"]


# Splits


@scene(4)
def splits_of_a_closed_day(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["works", "split", h.RHYME, f"{h.ADA}=100%", "--from", "2025-02-28"]
    return [*words], ["field 'valid_from'", "closed up to 2025-02-28", "begin on 2025-03-01"]


@scene(2)
def a_split_of_a_stranger(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["works", "split", h.RHYME, "Nobody Known=100%", "--from", "2025-03-01"]
    return [*words], ["field 'party'", "no party 'Nobody Known'", h.ADA, h.BEN]


@scene(2)
def a_split_of_an_unknown_work(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["works", "split", "work:none", f"{h.ADA}=100%", "--from", "2025-03-01"], ["no work 'work:none'"]


@scene(2)
def a_split_that_is_short(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["works", "split", h.RHYME, f"{h.ADA}=60%", f"{h.BEN}=39.9999999%", "--from", "2025-03-01"]
    return [*words], ["field 'split'", "999,999,999 ppb"]


@scene(2)
def a_split_without_a_percentage(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["works", "split", h.RHYME, h.ADA, "--from", "2025-03-01"], [f"'{h.ADA}' is not a portion", "Jane Austen=60%"]


# Periods and statements


@scene(4)
def closing_under_another_policy(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = place / "p.toml"
    path.write_text('[policy]\nname = "other"\npool = "40%"\n')
    return ["period", "close", h.JANUARY, "--policy", path], [
        "'2025-01' is closed already",
        "'fifty-fifty'",
        "never reopened",
    ]


@scene(2)
def a_policy_with_an_unknown_key(place: Path, house: House) -> tuple[list[object], list[str]]:
    path = place / "p.toml"
    path.write_text('[policy]\nname = "other"\npool = "40%"\npol = 3\n')
    return ["period", "close", "2025-03", "--policy", path], ["p.toml, field 'policy.pol'", "Known keys"]


@scene(2)
def a_policy_with_a_right_that_nobody_has(place: Path, house: House) -> tuple[list[object], list[str]]:
    usage(place, f"x,{an_output(place)},2025-03-01T00:00:00Z,1.00,EUR")
    type_well("usage", "add", place / "u.csv", "--studio", place / "studio")
    path = place / "p.toml"
    path.write_text('[policy]\nname = "other"\npool = "40%"\nright = "trian"\n')
    return ["period", "close", "2025-03", "--policy", path], ["field 'right'", "the right 'trian'", "splits for: train"]


@scene(2)
def a_period_still_to_come(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "close", "2999-12"], ["field 'period'", "ends on 2999-12-31, which is not over", "wait"]


@scene(2)
def a_period_that_ends_today(place: Path, house: House) -> tuple[list[object], list[str]]:
    today = now()[:10]
    usage(place, f"x,{an_output(place)},{today}T00:00:00Z,1.00,EUR")
    type_well("usage", "add", place / "u.csv", "--studio", place / "studio")
    words = ["period", "close", "so-far", "--from", "2025-03-01", "--to", today]
    return [*words], ["field 'period'", f"ends on {today}, which is not over", "up to yesterday with --from and --to"]


@scene(2)
def a_month_of_other_days(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["period", "close", "2025-12", "--from", "2025-04-01", "--to", "2025-04-30"]
    return [*words], [
        "field 'period'",
        "'2025-12' names a month, and 2025-04-01 to 2025-04-30 are other days",
        "another name",
    ]


@scene(2)
def a_period_with_a_long_name(place: Path, house: House) -> tuple[list[object], list[str]]:
    usage(place, f"x,{an_output(place)},2025-04-01T00:00:00Z,1.00,EUR")
    type_well("usage", "add", place / "u.csv", "--studio", place / "studio")
    words = ["period", "close", "p" * 101, "--from", "2025-04-01", "--to", "2025-04-30"]
    return [*words], ["field 'period'", "too long", "at most 100 characters"]


@scene(2)
def a_period_without_usage(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "close", "2025-03"], ["no usage from 2025-03-01 to 2025-03-31", "usage add"]


@scene(2)
def a_period_that_is_no_month(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "close", "2025-13"], ["'2025-13' is not a month", "--from and --to"]


@scene(2)
def a_period_with_a_first_day_only(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["period", "close", "2025-03", "--from", "2025-03-01"]
    return [*words], ["field '--to'", "first and its last day", "both --from and --to"]


@scene(2)
def a_period_with_no_such_day(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["period", "close", "spring", "--from", "2025-02-30", "--to", "2025-03-01"]
    return [*words], ["field '--from'", "'2025-02-30' is not a day", "YYYY-MM-DD"]


@scene(2)
def a_period_the_wrong_way_round(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["period", "close", "spring", "--from", "2025-03-02", "--to", "2025-03-01"]
    return [*words], ["field '--to'", "before it starts", "Exchange"]


@scene(4)
def a_period_that_shares_days(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["period", "close", "winter", "--from", "2025-01-15", "--to", "2025-02-15"]
    return [*words], ["shares days with the closed period '2025-01'"]


@scene(2)
def a_period_that_is_not_closed(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "show", "2025-03"], ["'2025-03' is not closed", "endcredits period close"]


@scene(2)
def an_unknown_payee(place: Path, house: House) -> tuple[list[object], list[str]]:
    words = ["statement", h.JANUARY, "--payee", "Nobody Known"]
    return [*words], ["field '--payee'", "'Nobody Known' has no statement", "See all"]


@scene(2)
def an_unknown_form(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["ledger", "export", "--form", "pdf"], ["field '--form'", "hledger or beancount"]


# Policies, proposals, forms of statements


@scene(2)
def replaying_a_period_that_is_not_closed(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["policy", "replay", "2025-03", "--policy", "pro-rata"], ["'2025-03'", "Propose it"]


@scene(2)
def approving_what_nobody_proposed(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "approve", "2025-03"], ["'2025-03'", "Propose it"]


@scene(4)
def withdrawing_what_is_posted(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "withdraw", h.JANUARY, "--reason", "second thoughts"], [f"'{h.JANUARY}'"]


@scene(4)
def approving_another_digest(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "approve", h.FEBRUARY, "--expect", "0" * 64], ["field '--expect'", "Look at it again"]


@scene(2)
def the_steps_of_nothing(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "steps", "2025-03"], ["'2025-03'", "endcredits period propose"]


@scene(2)
def a_dry_run_of_nothing(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "close", "2025-03", "--dry-run"], ["no usage from 2025-03-01 to 2025-03-31"]


@scene(2)
def an_estimate_of_nothing(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["estimate", "2025-03"], ["no usage from 2025-03-01 to 2025-03-31"]


@scene(2)
def a_statement_in_an_unknown_form(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["statement", h.JANUARY, "--form", "docx"], ["field '--form'", "md, html, csv, json, pdf, evidence"]


@scene(2)
def a_pdf_to_nowhere(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["statement", h.JANUARY, "--form", "pdf"], ["field '--out'", "Name a folder"]


@scene(2)
def a_picture_of_a_stranger(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["earnings", "Nobody Known", "--out", place / "x.svg"], ["no party 'Nobody Known'"]


@scene(2)
def a_batch_that_is_none(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["payout", "approve", "payout-none"], ["there is no batch", "payout status"]


# Payments


def payment(amount: str, *, party: str = h.ADA, key: str = "t-1", currency: str = "EUR") -> list[object]:
    return ["ledger", "pay", party, amount, currency, "--key", key, "--date", "2025-03-05"]


@scene(4)
def a_payment_of_more_than_is_owed(place: Path, house: House) -> tuple[list[object], list[str]]:
    return payment("9999999"), ["field 'amount'", "less than 9,999,999.00 EUR", "ledger balances"]


@scene(4)
def a_payment_whose_key_is_booked(place: Path, house: House) -> tuple[list[object], list[str]]:
    type_well(*payment("0.01"), "--studio", place / "studio")
    return payment("0.02"), ["'pay:t-1' is already in the books with other content"]


@scene(2)
def a_payment_of_nothing(place: Path, house: House) -> tuple[list[object], list[str]]:
    return payment("0"), ["field 'amount'", "above zero"]


@scene(2)
def a_payment_in_no_currency(place: Path, house: House) -> tuple[list[object], list[str]]:
    return payment("1", currency="euro"), ["field 'currency'", "ISO 4217"]


@scene(2)
def a_payment_to_a_stranger(place: Path, house: House) -> tuple[list[object], list[str]]:
    return payment("1", party="Nobody Known"), ["field 'party'", "no party 'Nobody Known'"]


# Receipts, studios, databases


@scene(2)
def a_receipt_that_is_not_there(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["verify", place / "none.json"], ["none.json", "No such file"]


@scene(2)
def a_key_that_is_none(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "key").write_text("no key")
    receipt = next((place / "studio" / "receipts").glob("*.json"))
    return ["verify", receipt, "--vkey", place / "key"], ["field '--vkey'", "log.vkey"]


@scene(2)
def a_folder_that_is_no_studio(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["check", "--studio", place / "elsewhere"], ["elsewhere, field 'studio'", "not a studio", "endcredits init"]


@scene(2)
def a_studio_whose_configuration_is_torn(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "studio" / "studio.toml").write_text("[studio]\nname = 3")
    return ["check"], ["studio.toml", "cannot be read", "table [studio]"]


@scene(4)
def a_database_of_a_newer_version(place: Path, house: House) -> tuple[list[object], list[str]]:
    with closing(sqlite3.connect(place / "studio" / "studio.db")) as conn, conn:
        conn.execute("INSERT INTO alembic_version VALUES ('works_9999')")
    return ["works", "list"], ["studio.db", "newer version of endcredits (schema works_9999)", "Update endcredits"]


@scene(5)
def a_database_that_is_none(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "studio" / "studio.db").write_bytes(b"x" * 4096)
    return ["works", "list"], ["studio.db", "damaged", "Restore it"]


@scene(5)
def a_database_server_that_is_not_there(place: Path, house: House) -> tuple[list[object], list[str]]:
    url = "postgresql+psycopg://nobody:secret@127.0.0.1:1/none"
    return ["init", place / "new", "--database", url], ["cannot be used", "Check the URL", "nobody:***@"]


@scene(2)
def a_database_of_another_kind(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["init", place / "new", "--database", "mysql://x/y"], ["'mysql' is not a database", "SQLite or PostgreSQL"]


@scene(4)
def a_studio_in_a_folder_with_something_in_it(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["init", place], ["not empty", "new or empty folder"]


@scene(4)
def a_studio_where_there_is_one(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["init", place / "studio"], ["studio already"]


@scene(5)
def a_studio_inside_a_file(place: Path, house: House) -> tuple[list[object], list[str]]:
    (place / "file").write_text("x")
    return ["init", place / "file" / "studio"], ["file"]


@scene(2)
def a_wrong_option(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["works", "list", "--colour", "red"], ["--colour", "See: endcredits works list --help"]


@scene(2)
def a_missing_argument(place: Path, house: House) -> tuple[list[object], list[str]]:
    return ["period", "close"], ["missing argument 'PERIOD'", "See: endcredits period close --help"]


def try_scene(place: Path, house: House, name: str, *more: str) -> tuple[int, Said, list[str]]:
    code, prepare = SCENES[name]
    studio = house.copy(house.finished, place / "studio")
    words, named = prepare(place, house)
    has_studio = words[0] == "init" or "--studio" in words
    before = rows_of(studio) if name != "a_database_that_is_none" else []
    kept = h.files(place)

    said = type_in(*words, *([] if has_studio else ["--studio", studio]), *more)

    assert (rows_of(studio) if name != "a_database_that_is_none" else []) == before, "the database is as before"
    assert h.files(place) == kept, "so is every file"
    return code, said, named


@pytest.mark.parametrize("name", SCENES)
def test_bad_input_is_named_and_changes_nothing(tmp_path: Path, house: House, name: str) -> None:
    """One paragraph on standard error, no traceback, nothing on standard output, nothing half-done."""
    code, said, named = try_scene(tmp_path, house, name)

    assert said.code == code, said.err
    assert said.out == ""
    assert said.err.startswith("endcredits: ") and said.err.count("\n") == 1 and "Traceback" not in said.err
    for part in named:
        assert part in said.err, said.err


@pytest.mark.parametrize("name", ["splits_that_are_one_short", "a_period_that_shares_days", "a_missing_argument"])
def test_errors_as_json(tmp_path: Path, house: House, name: str) -> None:
    """With --json the same is one JSON document on standard error."""
    code, said, _ = try_scene(tmp_path, house, name, "--json")

    assert (said.code, said.out) == (code, "")
    document = json.loads(said.err)
    assert set(document) == {"error", "message", "remedy", "file", "row", "field"}
    assert document["message"] and document["remedy"]
    if name == "splits_that_are_one_short":
        assert (document["error"], document["row"], document["field"]) == ("InputError", 2, "split")


def test_a_receipt_with_one_changed_byte(tmp_path: Path, house: House) -> None:
    """Verification fails with exit code 3 and names the file; the others still verify."""
    studio = house.copy(house.finished, tmp_path / "studio")
    receipts = sorted((studio / "receipts").glob("*.json"))
    data = bytearray(receipts[2].read_bytes())
    data[100] ^= 1
    receipts[2].write_bytes(bytes(data))

    text = type_in("verify", *receipts, "--studio", studio)
    document = type_in("verify", *receipts, "--studio", studio, "--json")
    checked = type_in("check", "--studio", studio)

    assert text.code == document.code == checked.code == 3
    assert f"NOT VERIFIED  {receipts[2]}" in text.out
    assert f"{len(receipts) - 1} of {len(receipts)} receipts verify." in text.out
    assert [row["verified"] for row in document.json["receipts"]].count(False) == 1
    assert receipts[2].name in checked.out and "1 thing does not fit." in checked.out


def test_closing_again_under_the_same_policy_changes_nothing(tmp_path: Path, house: House) -> None:
    """Exit code 0, and the database and all files are what they were."""
    studio = house.copy(house.finished, tmp_path / "studio")
    rows, kept = rows_of(studio), h.files(studio)

    said = type_well("period", "close", h.JANUARY, "--studio", studio)

    assert "was closed before; nothing changed" in said.out
    assert rows_of(studio) == rows and h.files(studio) == kept


def test_no_work_may_be_trained_on(tmp_path: Path, house: House) -> None:
    """An index needs at least one yes."""
    type_well("init", tmp_path / "studio")

    said = type_in("index", "build", "--base", house.base, "--full", house.full, "-s", tmp_path / "studio")

    assert said.code == 2 and "no work may be trained on (0 refused)" in said.err
    assert type_in("attribute", "--text", "x", "-s", tmp_path / "studio").code == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[policy]\nname = "all"\npool = "100.1%"\n', "field 'policy.pool"),
        ('[policy]\nname = "all"\npool = "1%"\npol = 3\n', "field 'policy.pol'"),
        ("[policy", "p.toml"),
        (None, "cannot be read"),
    ],
)
def test_a_policy_that_cannot_be_used(tmp_path: Path, text: str | None, words: str) -> None:
    """Exit code 2 with file and key; no studio is needed to find out."""
    if text is not None:
        (tmp_path / "p.toml").write_text(text)

    said = type_in("policy", "check", tmp_path / "p.toml")

    assert (said.code, said.out) == (2, "") and "p.toml" in said.err and words in said.err, said.err
    assert json.loads(type_in("policy", "check", tmp_path / "p.toml", "--json").err)["remedy"]
    assert type_in("policy", "show", "no-such-policy").code == 2
