"""`endcredits payout`: from what is owed to money that arrived. Account numbers are shown masked everywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, counted, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.payouts.payments import Hold, Plan
    from endcredits.payouts.payout_states import BookedBatch

ByOption = Annotated[str, typer.Option("--by", help="Who does this.", show_default="your user name")]
RatesOption = Annotated[str, typer.Option("--rates", help="Tax rates (TOML); those that come with endcredits by default.")]
HOLDS_SHOWN = 20
"""Holds that are printed one by one."""

NOT_ADVICE = "Withholding follows the rates' file. It is not tax advice."


def payout_app(new_app: Callable[[str], typer.Typer]) -> typer.Typer:
    """The group of commands."""
    group = new_app(
        "Pay what is owed: payees, plan, approve, send, reconcile.\n\nExample: endcredits payout plan --payer payer.toml"
    )
    payees = new_app("Who is paid how.\n\nExample: endcredits payout payees import payees.csv")
    payees.command("import")(import_payees)
    payees.command("list")(list_payees)
    group.add_typer(payees, name="payees")
    for name, command in (("plan", plan), ("approve", approve), ("send", send), ("reconcile", reconcile)):
        group.command(name)(command)
    group.command("cancel")(cancel)
    group.command("status")(status)
    group.command("year-end")(year_end)
    return group


def import_payees(
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV with a header, or JSON Lines: one payee a row.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record how payees are paid: all of a file, or nothing when a row is wrong. A changed payee gets a new number.

    Columns: party_id, country, rail (pain001, nacha, csv, stripe), currency, holder; and as known: iban, bic, iban_country,
    routing, account, account_type, stripe_account, tax_form, tax_signed_on, tin_last_four, treaty_rate, vat_id, vat_rate,
    minimum, sanctions, dispute, valid_from.

    Example: endcredits payout payees import payees.csv
    """
    from endcredits.flows import paying
    from endcredits.payouts.payout_documents import public_profile

    with opened(studio) as place:
        done = paying.import_payees(place, file)
    if as_json:
        new = [public_profile(profile) for profile in done.new]
        print_json({"new": new, "unchanged": done.unchanged, "unknown_parties": list(done.unknown)})
        return
    say(f"Recorded {counted(len(done.new), 'payee')}; {counted(done.unchanged, 'was as it is', 'were as they are')}.")
    for party_id in done.unknown:
        say(f"  '{party_id}' is no party of a registered work; it waits until it is owed something.")


def list_payees(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Show how payees are paid, with masked accounts.

    Example: endcredits payout payees list
    """
    from endcredits.flows import paying
    from endcredits.payouts.payout_documents import public_profile

    with opened(studio) as place:
        found = paying.payees(place)
    if as_json:
        print_json([public_profile(profile) for profile in found])
        return
    for profile in found:
        notes = [note for note in (profile.bank_hold, profile.dispute, "sanctions" if profile.sanctions else "") if note]
        say(
            f"{profile.profile_id}  {profile.bank.holder}  {profile.rail} {profile.currency}  {profile.bank.masked}  "
            f"{profile.tax.form or 'no tax form'}{'  HELD: ' + '; '.join(notes) if notes else ''}"
        )


def plan(
    payer: Annotated[str, typer.Option(help="Who pays (TOML): name, country, accounts.")],
    on: Annotated[str, typer.Option("--on", help="Day of execution, YYYY-MM-DD.", show_default="tomorrow, UTC")] = "",
    threshold: Annotated[
        str,
        typer.Option(
            help="Least payment of everybody, in main units; by default the payout threshold that the policy of the period "
            "closed last names, as its statements do. 0 pays every balance.",
            show_default=False,
        ),
    ] = "",
    four_eyes: Annotated[bool, typer.Option("--four-eyes", help="Somebody else than the planner must approve.")] = False,
    without_form: Annotated[
        bool, typer.Option("--without-form", help="Withhold the full rate where a tax form is missing, instead of holding.")
    ] = False,
    rates: RatesOption = "",
    by: ByOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Plan the payment of everything that is owed: batches by rail and currency, and every hold with its reason.

    Example: endcredits payout plan --payer payer.toml --on 2026-12-01 --threshold 10
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import paying
    from endcredits.money import parse_micros
    from endcredits.payouts.payers import read_payer
    from endcredits.payouts.tax import read_rates

    who = read_payer(payer)
    table = read_rates(rates) if rates else read_rates()
    least = parse_micros(threshold, field="--threshold") if threshold else None
    with opened(studio) as place:
        made, new = paying.plan_payments(
            place,
            who,
            on=on,
            by=by or _user(),
            rates=table,
            threshold_micros=least,
            without_form=without_form,
            four_eyes=four_eyes,
        )
    if as_json:
        print_json({**to_plain(made), "was_planned": not new, "note": NOT_ADVICE})
    else:
        _print_plan(made, new)


def _print_holds(holds: Sequence[Hold], indent: str = "") -> None:
    """The first of what is held; the rest as numbers, because there may be thousands for one reason."""
    from endcredits.money import format_micros

    for hold in holds[:HOLDS_SHOWN]:
        amount = format_micros(hold.amount_micros, hold.currency)
        say(f"{indent}held {amount:>20}  {hold.party_id}: {hold.reason}: {hold.detail}")
    if rest := Counter(hold.reason for hold in holds[HOLDS_SHOWN:]):
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(rest.items()))
        say(f"{indent}... and {counted(rest.total(), 'more hold')} ({reasons}); all with --json")


def _print_plan(made: Plan, new: bool) -> None:
    from endcredits.money import format_micros

    say(f"{made.plan_id} for {made.on}{'' if new else ', as planned before'}:")
    for batch in made.batches:
        total = format_micros(batch.transfer_micros, batch.currency)
        say(f"  {batch.batch_id}  {batch.rail:<8}{total:>20}  {counted(batch.count, 'payment')}")
    _print_holds(made.holds, "  ")
    for total_ in made.totals:
        sums = (total_.owed_micros, total_.gross_micros, total_.rest_micros, total_.held_micros)
        owed, paid, rest, held = (format_micros(micros) for micros in sums)
        say(f"  {total_.currency}: {owed} owed = {paid} paid + {rest} below a coin + {held} held")
    say(NOT_ADVICE)
    if made.batches:
        say(f"Next: endcredits payout approve {made.batches[0].batch_id}")


def approve(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="Id of a planned batch.")],
    by: ByOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Approve a batch, once. Refused when a payee or what is owed changed since it was planned.

    Example: endcredits payout approve payout-0123456789abcdef01234567 --by "Second Person"
    """
    from endcredits.flows import paying

    with opened(studio) as place:
        booked = paying.approve(place, batch, by or _user())
    _print_batch(booked, as_json, f"Next: endcredits payout send {batch} --out FILE")


def cancel(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="Id of a planned or approved batch.")],
    by: ByOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Take a batch back before it is sent; what it would have paid stays owed, and is planned anew for another day.

    Example: endcredits payout cancel payout-0123456789abcdef01234567 --by "Second Person"
    """
    from endcredits.flows import paying

    with opened(studio) as place:
        booked = paying.cancel(place, batch, by or _user())
    _print_batch(booked, as_json, "")


def send(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="Id of an approved batch.")],
    rail: Annotated[str, typer.Option(help="pain001, nacha, csv or stripe; must be the batch's own.")] = "",
    out: Annotated[str, typer.Option(help="File for the bank; holds whole account numbers. Not for stripe.")] = "",
    server: Annotated[str, typer.Option(help="Another server than Stripe's own, for trials.")] = "",
    by: ByOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Send an approved batch, once: write the bank's file, or ask Stripe (key in STRIPE_API_KEY). Run again to complete it.

    Example: endcredits payout send payout-0123456789abcdef01234567 --rail pain001 --out december.xml
    """
    import os

    from endcredits.errors import InputError
    from endcredits.flows import sending

    with opened(studio) as place:
        if rail == "stripe" or (not rail and not out):
            from endcredits.payouts.rails.stripe_connect import Stripe

            if out:
                raise InputError("Stripe takes no file", remedy="Leave out --out.", field="--out")
            if not rail:
                raise InputError("sending needs a place", remedy="Give --out FILE, or --rail stripe.", field="--out")
            stripe = Stripe(os.environ.get("STRIPE_API_KEY", ""), server=server)
            done = sending.send_requests(place, batch, stripe, by or _user(), rail=rail)
        elif not out:
            raise InputError("a file needs a name", remedy="Give --out FILE.", field="--out")
        else:
            done = sending.send_file(place, batch, out, by or _user(), rail=rail)
    if not as_json:
        for change in done.rewritten[:20]:
            say(f"  {change.field} '{change.original}' stands in the file as '{change.written}'")
        if len(done.rewritten) > 20:
            say(f"  ... and {len(done.rewritten) - 20} more names are spelt in Latin letters")
        if done.restored:
            say("It was sent before, and its file was gone: the same file stands there again. Nothing was booked now.")
            say("Hand it to the bank only if the bank does not have it: the bank may pay a second file a second time.")
        elif done.was_sent:
            say("It was sent before; nothing was sent now.")
    rewritten = [[c.payment_id, c.field, c.original, c.written] for c in done.rewritten]
    _print_batch(done.booked, as_json, "", was_sent=done.was_sent, restored=done.restored, rewritten=rewritten)


def reconcile(
    file: Annotated[str, typer.Argument(metavar="FILE", help="camt.053 or pain.002, as the bank gave it.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Read what the bank says and book what fits, once. Leaves with 3 when something does not fit what was sent.

    Example: endcredits payout reconcile statement-2026-12-03.xml
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import paying
    from endcredits.money import format_micros
    from endcredits.payouts.reconcile import UNFIT

    with opened(studio) as place:
        outcomes = paying.reconcile(place, file)
    counts = dict(sorted(Counter(outcome.outcome for outcome in outcomes).items()))
    if as_json:
        print_json({"counts": counts, "lines": [to_plain(outcome) for outcome in outcomes]})
    else:
        for one in outcomes:
            amount = format_micros(one.line.amount_micros, one.line.currency) if one.line.currency else ""
            name = one.line.end_to_end_id or one.line.batch_id or one.line.reference
            say(f"{one.outcome:<10}{amount:>20}  {name}{'  ' + one.detail if one.detail else ''}")
        say(", ".join(f"{number} {name}" for name, number in counts.items()) or "The file has no lines.")
    if any(outcome.outcome in UNFIT for outcome in outcomes):
        raise typer.Exit(FAILED_CHECK)


def status(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="One batch with its payments; all by default.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show batches with their states, and what the last plan held back.

    Example: endcredits payout status
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import paying
    from endcredits.money import format_micros

    with opened(studio) as place:
        found = paying.status(place, batch)
        holds = () if batch else paying.latest_holds(place)
    if as_json:
        print_json({"batches": [_plain(booked) for booked in found], "holds": [to_plain(hold) for hold in holds]})
        return
    for booked in found:
        counts = Counter(booked.fate(payment.payment_id) for payment in booked.batch.payments)
        fates = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        total = format_micros(booked.batch.transfer_micros, booked.batch.currency)
        say(f"{booked.batch.batch_id}  {booked.batch.on}  {booked.batch.rail:<8}{total:>20}  {fates}")
        if batch:
            for payment in booked.batch.payments:
                amount = format_micros(payment.transfer_micros, booked.batch.currency)
                say(f"  {payment.payment_id}  {booked.fate(payment.payment_id):<10}{amount:>20}  {payment.party_id}")
    _print_holds(holds)
    if not found:
        say("There are no batches.")


def year_end(
    year: Annotated[str, typer.Argument(metavar="YEAR", help="Calendar year (UTC), such as 2026.")],
    form: Annotated[str, typer.Option("--form", help="text or csv.")] = "text",
    rates: RatesOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Sum up a year by payee and jurisdiction: what was paid and withheld, and on which form it is reported. Not tax advice.

    Example: endcredits payout year-end 2026 --form csv > 2026.csv
    """
    from endcredits.canonical import to_plain
    from endcredits.errors import InputError
    from endcredits.flows import paying
    from endcredits.money import format_micros
    from endcredits.payouts.tax import NOTE, read_rates
    from endcredits.payouts.year_end import year_end_csv

    if form not in ("text", "csv"):
        raise InputError(f"'{form}' is not a form", remedy="Write text or csv.", field="--form")
    table = read_rates(rates) if rates else read_rates()
    with opened(studio) as place:
        rows = paying.year_end(place, year, table)
    if as_json:
        print_json({"year": year, "rows": [to_plain(row) for row in rows], "rates_of": table.reviewed_on, "note": NOTE})
    elif form == "csv":
        typer.echo(year_end_csv(rows), nl=False)
    else:
        for row in rows:
            paid, kept = (format_micros(m, row.currency) for m in (row.gross_micros, row.withheld_micros))
            say(f"{row.jurisdiction} {row.form or '-':<10}{paid:>20} paid{kept:>20} withheld  {row.holder} ({row.party_id})")
        say(NOTE)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _plain(booked: BookedBatch) -> dict[str, Any]:
    from endcredits.canonical import to_plain

    steps = [to_plain(step) for step in booked.steps.values()]
    fates = {payment.payment_id: booked.fate(payment.payment_id) for payment in booked.batch.payments}
    planned = {"planned_at": booked.planned_at, "planned_by": booked.planned_by, "four_eyes": booked.four_eyes}
    return {"state": booked.state, **planned, "steps": steps, "fates": fates, "batch": to_plain(booked.batch)}


def _print_batch(booked: BookedBatch, as_json: bool, after: str, **more: Any) -> None:
    from endcredits.money import format_micros

    if as_json:
        print_json({**_plain(booked), **more})
        return
    total = format_micros(booked.batch.transfer_micros, booked.batch.currency)
    place = booked.steps["sending"].place if "sending" in booked.steps else ""
    say(
        f"{booked.batch.batch_id} is {booked.state}: {counted(booked.batch.count, 'payment')}, {total}"
        f"{', ' + place if place else ''}."
    )
    if after:
        say(after)
