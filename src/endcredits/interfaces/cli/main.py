"""`endcredits`: one command per walk through the house."""

from __future__ import annotations

from typing import Annotated

import typer

from endcredits.interfaces.cli import (
    attribute,
    audit,
    audit_period,
    check,
    contracts,
    corpus,
    correct,
    credits,
    demo,
    disclose,
    disputes,
    export,
    holds,
    index,
    ledger,
    likeness,
    log,
    media,
    offer,
    payout,
    period,
    policy,
    receipt,
    rights,
    rights_said,
    rules,
    sheet,
    split,
    statement,
    trained_on,
    usage,
    verify,
    witness,
    works,
    works_import,
)
from endcredits.interfaces.cli.common import JsonOption, print_json, run_app, say


def new_app(help_text: str, *, asks_for_command: bool = True) -> typer.Typer:
    """A group of commands in the house's style: plain help, no tracebacks, no shell-completion options."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=asks_for_command,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


app = new_app(
    "An output rolls its credits and its makers are paid.\n\n"
    "Begin with 'endcredits demo', or with a studio of your own: init, works add, index build, attribute, usage add, "
    "period close, statement. 'check' re-verifies everything. Every command takes --json; --debug shows tracebacks. "
    "Exit codes: 0 done, 1 bug, 2 bad input, 3 a check failed, 4 conflict, 5 the machine failed, "
    "6 looked for and not found.\n\n"
    "Example: endcredits init my-studio",
    asks_for_command=False,
)


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context,
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if show:
        from endcredits import __version__

        say(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        say(context.get_help())


@app.command()
def init(
    path: Annotated[str, typer.Argument(metavar="STUDIO", help="A new or empty folder.")],
    name: Annotated[str, typer.Option(help="For people; the folder's name by default.")] = "",
    database: Annotated[str, typer.Option(help="Database URL; SQLite in the folder by default.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a studio: the folder that holds works, index, books, log and receipts.

    Example: endcredits init my-studio
    """
    from endcredits.flows.studio import init_studio

    studio = init_studio(path, name=name, database=database)
    if as_json:
        print_json({"studio": str(studio.path), "name": studio.name, "origin": studio.origin})
    else:
        say(f"Made the studio '{studio.name}' in {studio.path}.")
        say(f"Its log is '{studio.origin}'; hand out {studio.vkey_file} to whoever is to verify receipts.")
        say(f"Next: endcredits works add PATH --studio {path}")


works_app = new_app("Register works, see what is permitted, say no.\n\nExample: endcredits works add novels.csv")
works_app.command("add")(works.add)
works_app.command("list")(works.show)
works_app.command("parties")(works.parties)
works_app.command("split")(split.split)
works_app.command("import")(works_import.import_file)
works_app.command("credits")(works_import.credits)
works_app.add_typer(sheet.sheet_app(new_app), name="sheet")
works_app.add_typer(sheet.fund_app(new_app), name="fund")
app.add_typer(works_app, name="works")

rights_app = new_app(
    "What works and people say about a use, and what follows from it.\n\nExample: endcredits rights decide work:emma-1f2e"
)
rights_app.command("scan")(rights.scan)
rights_app.command("decide")(rights_said.decide)
rights_app.command("explain")(rights_said.explain)
rights_app.command("grant")(rights_said.grant)
rights_app.command("deny")(rights_said.deny)
rights_app.command("revoke")(rights_said.revoke)
rights_app.command("offer")(offer.offer)
app.add_typer(rights_app, name="rights")

app.add_typer(rules.rules_app(new_app), name="rules")
app.add_typer(disclose.disclose_app(new_app), name="disclose")

app.add_typer(likeness.likeness_app(new_app), name="likeness")

corpus_app = new_app(
    "The gate: what a model may learn from, by whose word.\n\nExample: endcredits corpus admit novels/ --licence CC0-1.0"
)
corpus_app.command("admit")(corpus.admit)
corpus_app.command("review")(corpus.review)
corpus_app.command("show")(corpus.show)
corpus_app.command("check")(corpus.check)
app.add_typer(corpus_app, name="corpus")

index_app = new_app(
    "Build the influence index of the admitted works.\n\n"
    "Example: endcredits index build --base models/base --full models/full"
)
index_app.command("build")(index.build)
index_app.command("show")(index.show)
app.add_typer(index_app, name="index")

app.command("attribute")(attribute.attribute)
app.command("credits")(credits.credits)

usage_app = new_app("Record what outputs earned.\n\nExample: endcredits usage add november.csv")
usage_app.command("add")(usage.add)
usage_app.command("revenue")(usage.revenue)
usage_app.command("refund")(usage.refund)
usage_app.command("rates")(usage.rates)
usage_app.command("held")(usage.held)
app.add_typer(usage_app, name="usage")

contracts_app = new_app("Terms of parties: advances, reserves.\n\nExample: endcredits contracts add contracts.toml")
contracts_app.command("add")(contracts.add)
contracts_app.command("list")(contracts.show)
app.add_typer(contracts_app, name="contracts")

units_app = new_app("Time and salary units, by which crews share.\n\nExample: endcredits units add crew.csv")
units_app.command("add")(contracts.add_units)
units_app.command("list")(contracts.show_units)
app.add_typer(units_app, name="units")

disputes_app = new_app("Who is entitled to a work's money.\n\nExample: endcredits disputes list --open")
disputes_app.command("open")(disputes.open_one)
disputes_app.command("list")(disputes.show)
disputes_app.command("end")(disputes.end)
disputes_app.command("claims")(disputes.claims)
app.add_typer(disputes_app, name="disputes")

holds_app = new_app("Money that waits for its owner.\n\nExample: endcredits holds list --ageing")
holds_app.command("list")(holds.show)
holds_app.command("search")(holds.search)
holds_app.command("release")(holds.release)
holds_app.command("unclaimed")(holds.unclaimed)
app.add_typer(holds_app, name="holds")

policy_app = new_app("Rules as data: how money is divided.\n\nExample: endcredits policy show pro-rata > policy.toml")
policy_app.command("list")(policy.show_all)
policy_app.command("show")(policy.show)
policy_app.command("check")(policy.check)
policy_app.command("replay")(policy.replay)
app.add_typer(policy_app, name="policy")

period_app = new_app("Close periods.\n\nExample: endcredits period close 2026-10")
period_app.command("close")(period.close)
period_app.command("propose")(period.propose)
period_app.command("approve")(period.approve)
period_app.command("correct")(correct.correct)
period_app.command("withdraw")(period.withdraw)
period_app.command("steps")(period.steps)
period_app.command("show")(period.show)
period_app.command("publish")(audit_period.publish)
app.add_typer(period_app, name="period")

app.command("statement")(statement.statement)
app.command("estimate")(statement.estimate)
app.command("earnings")(statement.picture)

ledger_app = new_app("Look into the books, and book what was paid.\n\nExample: endcredits ledger check")
ledger_app.command("check")(ledger.check)
ledger_app.command("balances")(ledger.balances)
ledger_app.command("export")(ledger.export)
ledger_app.command("pay")(ledger.pay)
app.add_typer(ledger_app, name="ledger")

app.add_typer(payout.payout_app(new_app), name="payout")

app.add_typer(receipt.receipt_app(new_app), name="receipt")
app.add_typer(log.log_app(new_app), name="log")

audit_app = new_app(
    "Check without trusting: compute a published period again, measure a sample again, or train again.\n\n"
    "Example: endcredits audit period 2026-10-for-audit --vkey log.vkey"
)
audit_app.command("output")(audit.output)
audit_app.command("outputs")(audit.outputs)
audit_app.command("period")(audit_period.period)
audit_app.command("sample")(audit_period.sample)
app.add_typer(audit_app, name="audit")

app.add_typer(witness.witness_app(new_app), name="witness")

app.add_typer(media.media_app(new_app), name="media")

app.command("trained-on")(trained_on.trained_on)

app.command("export")(export.export)
app.command("verify")(verify.verify)
app.command("check")(check.check)
app.command("demo")(demo.demo)


def run() -> None:
    """The console script."""
    run_app(app)


if __name__ == "__main__":
    run()
