"""Tax at the moment of payment: which rule applies, at which rate, and what no rule may decide without a form.

Rates are data with a day and a source (`tax_rates.toml`, or a file of the operator's own), never constants of the program.
Royalties with a source in the United States are what the shipped rules cover: a foreign payee is paid less 30 per cent
unless a treaty claimed on a W-8 says less; a payee at home without a W-9 less 24 per cent (backup withholding). A missing
or expired form holds the payment; only when the operator says so is the full rate withheld instead.

VAT stands outside what was split: a payee who is registered gets it on top (the operator issues the invoice,
"self-billing"), and nothing is withheld from it.

Nothing here is tax advice.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.errors import InputError
from endcredits.money import PPB, allocate, parse_micros
from endcredits.payouts.bank import check_country
from endcredits.payouts.parse import check_day, percent_ppb, read_text
from endcredits.payouts.payees import PayeeProfile
from endcredits.payouts.payers import Payer

SHIPPED = Path(__file__).with_name("tax_rates.toml")
NOTE = "A summary of what was paid and withheld; not tax advice, and not a form to be filed."


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the rates: a rule of withholding, a treaty, or a duty to report.

    Attributes:
        rule_id: its name; a treaty's is made from its countries, a report's from its form.
        jurisdiction: whose law it is, ISO 3166-1 alpha-2.
        of: "foreign", "domestic", or for a treaty the payee's country.
        when: "always" or "no-form".
        rate_ppb: what is withheld; 0 for a report.
        valid_from: its first day.
        treaty_may_lower: whether a treaty can lower it.
        source: where it is written.
        currency: of a report.
        least_micros: from which amount on something is reported.
    """

    rule_id: str
    jurisdiction: str
    of: str
    when: str
    rate_ppb: int
    valid_from: str
    treaty_may_lower: bool
    source: str
    currency: str = ""
    least_micros: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """All rows of a file.

    Attributes:
        reviewed_on: when somebody last looked them over.
        rules: of withholding.
        treaties: that lower them.
        reports: at the end of a year.
    """

    reviewed_on: str
    rules: tuple[Rule, ...]
    treaties: tuple[Rule, ...]
    reports: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Withholding:
    """What is withheld from one payment.

    Attributes:
        jurisdiction: to whom it is owed, "" for nobody.
        rule_id: why, "" for no rule.
        rate_ppb: of the part with its source there.
        source_ppb: that part of the payment.
        hold: why nothing may be paid now, "" when it may.
    """

    jurisdiction: str = ""
    rule_id: str = ""
    rate_ppb: int = 0
    source_ppb: int = 0
    hold: str = ""

    def coins(self, gross_coins: int) -> int:
        """How many coins of a payment are withheld; the same division as all money's, so nothing is lost by rounding."""
        weight = self.rate_ppb * self.source_ppb
        return allocate(gross_coins, {"net": PPB * PPB - weight, "withheld": weight})["withheld"]


def read_rates(path: str | os.PathLike[str] = SHIPPED) -> Rates:
    """Reads a file of rates.

    Raises:
        InputError: naming the file and the row.
    """
    try:
        table = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"this is not TOML ({error})", remedy="Correct it.", file=path) from error
    known = {"reviewed_on", "rule", "treaty", "report"}
    if set(table) - known:
        raise InputError(f"'{min(set(table) - known)}' is not known", remedy=f"Use {', '.join(sorted(known))}.", file=path)
    try:
        reviewed = check_day(str(table.get("reviewed_on", "")), field="reviewed_on")
    except InputError as error:
        raise InputError(error.message, remedy=error.remedy, file=path, field="reviewed_on") from error
    return Rates(
        reviewed,
        _rows(table, "rule", path, _rule),
        _rows(table, "treaty", path, _treaty),
        _rows(table, "report", path, _report),
    )


def withholding(profile: PayeeProfile, payer: Payer, rates: Rates, day: str, *, without_form: bool = False) -> Withholding:
    """What is withheld when a payee is paid on a day.

    Args:
        without_form: withhold the full rate where a form is missing or expired, instead of holding the payment.
    """
    if not payer.us_source_ppb:
        return Withholding()
    foreign = profile.country != "US"
    missing = form_problem(profile, day)
    if missing and not without_form:
        return Withholding(hold=missing)
    rule = _in_force(rates.rules, day, lambda r: r.of == ("foreign" if foreign else "domestic"))
    if rule is None or (rule.when == "no-form" and not missing):
        return Withholding()
    rate, name = rule.rate_ppb, rule.rule_id
    claimed = profile.tax.treaty_rate_ppb
    if claimed is not None and not missing and rule.treaty_may_lower and claimed < rate:
        treaty = _in_force(rates.treaties, day, lambda r: r.of == profile.country)
        if treaty is None or claimed < treaty.rate_ppb:
            return Withholding(hold=f"no treaty with {profile.country} is recorded that allows the rate claimed")
        rate, name = claimed, treaty.rule_id
    return Withholding(rule.jurisdiction, name, rate, payer.us_source_ppb)


def form_problem(profile: PayeeProfile, day: str) -> str:
    """What is wrong with a payee's tax form on a day, in words; "" when it counts."""
    tax = profile.tax
    if not tax.form:
        return f"no {'W-9' if profile.country == 'US' else 'W-8BEN or W-8BEN-E'} is on file"
    if tax.signed_on > day:
        return f"the {tax.form} is signed on {tax.signed_on}, after the day of payment"
    if tax.expires_on and tax.expires_on < day:
        return f"the {tax.form} expired on {tax.expires_on}"
    return ""


def vat_coins(gross_coins: int, vat_rate_ppb: int) -> int:
    """VAT on top of a payment, to the coin."""
    return allocate(gross_coins, {"rest": PPB - vat_rate_ppb, "vat": vat_rate_ppb})["vat"]


def reports_of(rates: Rates, country: str, day: str) -> tuple[Rule, ...]:
    """The duties to report payments to a payee of a country, as of a day."""
    of = "domestic" if country == "US" else "foreign"
    found = {rule.rule_id: rule for rule in sorted(rates.reports, key=lambda r: r.valid_from) if rule.valid_from <= day}
    return tuple(rule for rule in found.values() if rule.of == of)


def _in_force(rules: tuple[Rule, ...], day: str, fits: Callable[[Rule], bool]) -> Rule | None:
    found = [rule for rule in rules if rule.valid_from <= day and rule.jurisdiction == "US" and fits(rule)]
    return max(found, key=lambda rule: rule.valid_from, default=None)


def _rows(table: Mapping[str, Any], name: str, path: object, make: Callable[[Mapping[str, Any]], Rule]) -> tuple[Rule, ...]:
    rows = table.get(name, [])
    found = []
    for number, row in enumerate(rows if isinstance(rows, list) else [rows], 1):
        try:
            found.append(make(row))
        except InputError as error:
            raise InputError(
                error.message, remedy=error.remedy, file=path, row=number, field=f"{name}.{error.field}"
            ) from error
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"a {name} lacks or misspells {error}",
                remedy="Compare it with the shipped file.",
                file=path,
                row=number,
                field=name,
            ) from error
    return tuple(found)


def _rule(row: Mapping[str, Any]) -> Rule:
    if row["of"] not in ("foreign", "domestic") or row["when"] not in ("always", "no-form"):
        raise InputError("it is for nobody that we know", remedy="See the file's head for what can be said.", field="of")
    return Rule(
        row["id"],
        check_country(row["jurisdiction"]),
        row["of"],
        row["when"],
        percent_ppb(row["rate"], field="rate"),
        check_day(row["valid_from"], field="valid_from"),
        bool(row["treaty_may_lower"]),
        row["source"],
    )


def _treaty(row: Mapping[str, Any]) -> Rule:
    home, abroad = check_country(row["jurisdiction"]), check_country(row["country"])
    rate = percent_ppb(row["rate"], field="rate")
    return Rule(
        f"treaty-{home}-{abroad}",
        home,
        abroad,
        "always",
        rate,
        check_day(row["valid_from"], field="valid_from"),
        False,
        row["source"],
    )


def _report(row: Mapping[str, Any]) -> Rule:
    return Rule(
        row["form"],
        check_country(row["jurisdiction"]),
        row["of"],
        "always",
        0,
        check_day(row["valid_from"], field="valid_from"),
        False,
        row["source"],
        row["currency"],
        parse_micros(row["least"], field="least"),
    )
