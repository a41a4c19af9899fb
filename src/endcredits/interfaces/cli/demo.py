"""`endcredits demo`: the whole walk on this environment's own packages, told on a terminal."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import (
    FAILED_CHECK,
    JsonOption,
    ThreadsOption,
    console,
    counted,
    print_json,
    progress_bars,
)

if TYPE_CHECKING:
    from rich.console import Console

    from endcredits.attribution import Attribution
    from endcredits.flows.demo import DemoResult
    from endcredits.royalties import Pool


def demo(
    studio: Annotated[str, typer.Option("--studio", "-s", help="Where the demo's studio is made.")] = "demo-studio",
    cache: Annotated[str, typer.Option(help="Where trained models are kept.")] = ".cache",
    threads: ThreadsOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Run the main job on real works: the packages installed here, their makers, their licences. No network.

    Example: endcredits demo --studio /tmp/demo-studio
    """
    from endcredits import influence
    from endcredits.flows.demo import run_demo

    influence.use_threads(threads)
    with progress_bars(lines=not as_json) as progress:
        result = run_demo(studio, cache, progress=progress)
    if as_json:
        print_json(document(result))
    else:
        show(console(), result)
    result.studio.close()
    if result.findings or not all(verdict.verified for verdict in result.verdicts):
        raise typer.Exit(FAILED_CHECK)


def document(result: DemoResult) -> dict[str, Any]:
    """The demo as one JSON document."""
    from endcredits.attribution import NANO
    from endcredits.flows.books import check_ledger

    entries, wrong = check_ledger(result.studio)
    pools = result.period.close.pools
    parts = [part for pool in pools for part in pool.parts]
    return {
        "works_admitted": len(result.admitted),
        "works_waiting": result.waiting,
        "corpus_manifest": result.manifest_sha256,
        "works_refused": [{"name": work.title, "reason": decision.reason} for work, decision in result.refused]
        + [{"name": skipped.name, "reason": skipped.reason} for skipped in result.skipped],
        "outputs": len(result.attributions),
        "log_ratio_nats": sum(a.log_ratio_nanonats for a in result.attributions) / NANO,
        "credit_sum_nats": sum(a.credit_sum_nanonats for a in result.attributions) / NANO,
        "held_out_passages": result.held_out.passages,
        "held_out_top1": result.held_out.first,
        "held_out_top3": result.held_out.among_three,
        "held_out_chance": result.held_out.passages / result.held_out.works,
        "currency": pools[0].currency,
        "revenue_micros": sum(pool.revenue_micros for pool in pools),
        "pool_micros": sum(pool.pool_micros for pool in pools),
        "allocated_micros": sum(part.allocated_micros for part in parts),
        "suspense_micros": sum(part.suspense_micros for part in parts),
        "commons_micros": sum(part.commons_micros for part in parts) + sum(pool.rest_micros for pool in pools),
        "rounding_carry_micros": sum(map(carry_micros, pools)),
        "statements": len(result.period.statements),
        "journal_entries": entries,
        "books_balanced": not wrong,
        "payments": result.payout.batch.batch.count if result.payout.batch else 0,
        "payments_confirmed": result.payout.fates.get("confirmed", 0),
        "payments_returned": result.payout.fates.get("returned", 0),
        "payments_held": len(result.payout.holds),
        "paid_micros": result.payout.bank_micros,
        "owed_micros": result.payout.owed_micros,
        "receipts": len(result.verdicts),
        "receipts_verified": sum(verdict.verified for verdict in result.verdicts),
        "findings": [{"where": f.where, "problem": f.problem} for f in result.findings],
        "seconds": result.seconds,
        "studio": str(result.studio.path.resolve()),
    }


def carry_micros(pool: Pool) -> int:
    """What of a pool nobody got; always 0, and printed because people check it."""
    given = sum(part.allocated_micros + part.commons_micros for part in pool.parts)
    return pool.pool_micros - pool.breakage_micros - pool.rest_micros - given


def show(screen: Console, result: DemoResult) -> None:
    """Tells the demo: catalogue, credits, completeness, money, payout, proof, places."""
    _show_catalogue(screen, result)
    _show_credits(screen, result)
    _show_money(screen, result)
    _show_payout(screen, result)
    _show_proof(screen, result)


def _heading(screen: Console, text: str) -> None:
    from rich.rule import Rule

    screen.print()
    screen.print(Rule(text, align="left"))


def _show_catalogue(screen: Console, result: DemoResult) -> None:
    from rich.text import Text

    from endcredits.interfaces.cli.credits import people_line

    refused = len(result.refused) - result.waiting
    counts = f"{len(result.admitted)} admitted, {refused} refused, {result.waiting} waiting for a person"
    _heading(screen, f"Works at the gate: {counts}")
    for work, decision in zip(result.admitted, _decisions(result), strict=True):
        names = tuple(dict.fromkeys(credit.display_credit for credit in work.credits))
        row = Text(f"  {work.title:<24}", style="bold")
        row.append(f"{people_line(names)[:40]:<42}", style="not bold")
        row.append(decision, style="dim not bold")
        screen.print(row, overflow="ellipsis", no_wrap=True)
    for work, refusal in result.refused:
        kind = "refused" if refusal.value == "deny" else "waiting"
        screen.print(Text(f"  {kind}  {work.title:<20} {refusal.reason}", style="red"))
    for skipped in result.skipped:
        screen.print(Text(f"  skipped  {skipped.name:<20} {skipped.reason}", style="dim"))
    screen.print(f"  The manifest of this corpus is signed ({result.manifest_sha256[:16]}...), and every receipt names it.")


def _decisions(result: DemoResult) -> list[str]:
    from endcredits.flows.catalogue import corpus

    return [decision.reason.split(" (")[0] for decision in corpus(result.studio).decisions]


def _show_credits(screen: Console, result: DemoResult) -> None:
    from endcredits.attribution import NANO
    from endcredits.flows.attributing import people
    from endcredits.flows.credit_view import CreditView
    from endcredits.interfaces.cli.credits import show_credits

    _heading(screen, f"End credits: one of {len(result.attributions)} outputs of a model trained a minute ago")
    number = telling(result.attributions)
    view = CreditView(result.attributions[number], people(result.studio))
    output = result.outputs[number]
    pause = 0.12 if sys.stdout.isatty() else 0.0
    show_credits(screen, view, output.label, output.text, seconds_per_line=pause)
    measured = sum(a.log_ratio_nanonats for a in result.attributions) / NANO
    credited = sum(a.credit_sum_nanonats for a in result.attributions) / NANO
    gaps = sum(abs(a.gap_nanonats) for a in result.attributions) / NANO
    screen.print(
        f"\n  Completeness over all outputs: credits sum to {credited:,.1f} nats, measured log-ratio {measured:,.1f} nats; "
        f"{gaps / max(len(result.attributions), 1):.1f} nats of an output, in the mean, are a gap that is divided by size."
    )
    test = result.held_out
    chance = test.passages / test.works
    screen.print(
        f"  Do credits mean something? Of {test.passages} passages from files that the model never saw, "
        f"{test.first} were credited most to the package they come from ({test.among_three} among its first three); "
        f"chance would find {chance:.1f}."
    )


def telling(attributions: Sequence[Attribution]) -> int:
    """Which output to show: of the third whose credits add up best, the one whose first work stands out most."""

    def gap(number: int) -> float:
        measured, credited = attributions[number].log_ratio_nanonats, attributions[number].credit_sum_nanonats
        return abs(credited - measured) / max(measured, 1)

    by_gap = sorted(range(len(attributions)), key=gap)
    return max(by_gap[: max(1, len(by_gap) // 3)], key=lambda number: attributions[number].lines[0].share_ppb)


def _show_money(screen: Console, result: DemoResult) -> None:
    from rich.markdown import Markdown

    from endcredits.money import format_micros
    from endcredits.payouts.render import statement_markdown

    close = result.period.close
    _heading(screen, f"Money: the period {close.period_id} under the policy '{close.policy.name}'")
    for pool in close.pools:
        for name, micros in (
            ("revenue", pool.revenue_micros),
            ("pool", pool.pool_micros),
            ("allocated", sum(part.allocated_micros for part in pool.parts)),
            ("commons", pool.rest_micros + sum(part.commons_micros for part in pool.parts)),
            ("rounding carry", carry_micros(pool)),
        ):
            screen.print(f"  {name:<16}{format_micros(micros, pool.currency):>20}")
    top = max(result.period.statements, key=lambda s: s.summary.earned_micros)
    _heading(screen, f"The top statement of {len(result.period.statements)}")
    screen.print(Markdown(statement_markdown(top)), soft_wrap=False)


def _show_payout(screen: Console, result: DemoResult) -> None:
    from endcredits.flows.books import check_ledger
    from endcredits.flows.demo_payout import ANSWER, ORDER
    from endcredits.money import format_micros

    paid = result.payout
    currency = result.period.close.pools[0].currency
    _heading(screen, "Payout: through a bank and to accounts that are made up")
    if paid.batch is not None:
        batch = paid.batch.batch
        total = format_micros(batch.transfer_micros, currency)
        screen.print(f"  planned         {total:>20}  {counted(batch.count, 'payment')}, {len(paid.holds)} held")
        for reason, number in Counter(hold.reason for hold in paid.holds).items():
            micros = sum(hold.amount_micros for hold in paid.holds if hold.reason == reason)
            screen.print(f"  held            {format_micros(micros, currency):>20}  {number} for the reason '{reason}'")
        screen.print(f"  approved by somebody else than who planned it, and sent as {ORDER} (ISO 20022)")
        fates = ", ".join(f"{number} {fate}" for fate, number in sorted(paid.fates.items()))
        screen.print(f"  the bank's answer, {ANSWER}: {fates}")
        for payment in batch.payments:
            fate = paid.batch.fates.get((payment.payment_id, "returned"))
            if fate is not None:
                screen.print(
                    f"  came back       {format_micros(payment.transfer_micros, currency):>20}  {fate.reference}",
                    markup=False,
                )
    screen.print(f"  left the bank   {format_micros(paid.bank_micros, currency):>20}")
    entries, wrong = check_ledger(result.studio)
    screen.print(f"  still owed      {format_micros(paid.owed_micros, currency):>20}  held, came back, or less than a cent")
    screen.print(f"  {entries} journal entries, books {'balanced' if not wrong else 'NOT balanced'}")


def _show_proof(screen: Console, result: DemoResult) -> None:
    from endcredits.receipts import receipts_in

    good = [verdict for verdict in result.verdicts if verdict.verified]
    _heading(screen, f"Proof: {len(good)} of {len(result.verdicts)} receipts verify offline")
    for verdict in result.verdicts:
        if not verdict.verified:
            screen.print(f"  NOT VERIFIED: {verdict.problem}", style="red")
    for line in good[-1].proven[:1] if good else ():
        screen.print(f"  proven: {line}")
    for line in good[-1].not_proven if good else ():
        screen.print(f"  not proven: {line}")
    for finding in result.findings:
        screen.print(f"  WRONG {finding.where}: {finding.problem}", style="red")
    screen.print(f"  Check of everything: {'all fits' if not result.findings else 'see above'}.")
    place = result.studio.path.resolve()
    assert receipts_in(result.studio.receipts)
    _heading(screen, "Where everything lies")
    for name, path in (
        ("studio", place),
        ("statements", result.period.folder.resolve()),
        ("money flow", result.period.folder.resolve() / f"money-flow-{result.period.close.pools[0].currency}.html"),
        ("what was closed", result.period.tables.resolve()),
        ("payment files", result.payout.folder.resolve()),
        ("receipts", place / "receipts"),
        ("log and public key", place / "log"),
        ("influence index", result.index.folder.resolve()),
    ):
        screen.print(f"  {name:<20}{_relative(path)}", soft_wrap=True)
    total = sum(result.seconds.values())
    screen.print(f"  {total:.0f} seconds: " + ", ".join(f"{name} {value:.0f}" for name, value in result.seconds.items()))


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
