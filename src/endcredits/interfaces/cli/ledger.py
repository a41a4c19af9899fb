"""`endcredits ledger`: the books."""

from __future__ import annotations

from typing import Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, print_json, report_findings, say


def check(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Re-verify every journal entry: digests, balance, reversals.

    Example: endcredits ledger check
    """
    from endcredits.flows.books import check_ledger

    with opened(studio) as place:
        entries, findings = check_ledger(place)
    verdict = f"{entries} journal entries; the books {'balance' if not findings else 'do not hold'}."
    report_findings(findings, {"journal_entries": entries, "books_balanced": not findings}, verdict, as_json)


def balances(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="Only this account and those below it: whole parts of the path.")
    ] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Print the balance of every account. What is owed to somebody is negative, as accountants write it.

    Example: endcredits ledger balances Liabilities:Payable
    """
    from endcredits.flows.books import account_balances
    from endcredits.money import format_micros

    with opened(studio) as place:
        found = account_balances(place, account)
    if as_json:
        print_json([{"account": a, "currency": c, "balance_micros": m} for (a, c), m in found.items()])
        return
    for (name, currency), micros in found.items():
        say(f"{format_micros(micros, currency):>24}  {name}")


def export(
    form: Annotated[str, typer.Option("--form", help="hledger or beancount.")] = "hledger",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Print the whole journal for hledger or beancount, as a second opinion.

    Example: endcredits ledger export --form beancount > journal.beancount
    """
    from endcredits.flows.books import export_journal

    with opened(studio) as place:
        journal = export_journal(place, form)
    if as_json:
        print_json({"form": form, "journal": journal})
    else:
        typer.echo(journal, nl=False)


def pay(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Name or party id of the payee.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="What was paid, such as 12.50.")],
    currency: Annotated[str, typer.Argument(metavar="CURRENCY", help="ISO 4217 code.")],
    key: Annotated[str, typer.Option(help="Your own name of the payment, such as the bank's reference; booked once.")],
    date: Annotated[str, typer.Option(help="Accounting date, YYYY-MM-DD.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Book a payment that you made: the next statement opens with what is still owed. It moves no money itself.

    Example: endcredits ledger pay "Jane Austen" 12.50 EUR --key transfer-0001 --date 2026-12-05
    """
    from endcredits.flows.books import record_payment
    from endcredits.money import format_micros, parse_micros

    micros = parse_micros(amount, field="AMOUNT")
    with opened(studio) as place:
        entry, owed = record_payment(place, party, micros, currency, key=key, date=date)
    if as_json:
        print_json({"entry_id": entry.entry_id, "paid_micros": micros, "currency": currency, "owed_micros": owed})
    else:
        say(f"Booked: {format_micros(micros, currency)} paid to {party}; {format_micros(owed, currency)} is still owed.")
