"""`endcredits corpus`: the gate that works go through before a model may learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import (
    FAILED_CHECK,
    JsonOption,
    StudioOption,
    opened,
    print_json,
    progress_bars,
    report_findings,
    say,
)
from endcredits.interfaces.cli.corpus_told import (
    document,
    plain_corpus,
    plain_waiting,
    tell,
    tell_corpus,
    tell_manifest,
    tell_waiting,
)

if TYPE_CHECKING:
    from endcredits.flows.candidates import Terms


def admit(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="Folders, files and tables; without any: every registered work."),
    ] = None,
    creator: Annotated[str, typer.Option(help="Folder: who made it; several joined by ';'.")] = "",
    permission: Annotated[str, typer.Option(help="Folder: allow, deny, conditional or unknown.")] = "",
    licence: Annotated[str, typer.Option(help="Folder: an SPDX licence expression, judged by the house's table.")] = "",
    column: Annotated[
        list[str] | None, typer.Option(help="Table: ours=theirs, such as creator=author. Can be repeated.")
    ] = None,
    declared_by: Annotated[str, typer.Option(help="Who states creators and permission.")] = "",
    urls: Annotated[str, typer.Option(help="A crawl as JSON Lines, as 'rights scan --urls' and '--fetch' know it.")] = "",
    agent: Annotated[str, typer.Option(help="The name that robots.txt may call this reader by.")] = "endcredits",
    at: Annotated[str, typer.Option(help="UTC time from which what is read holds; now by default.")] = "",
    recheck: Annotated[bool, typer.Option("--recheck", help="Read files again that have not changed.")] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Let works through the gate: each is admitted, refused, or waits for a person, with the reason.

    What every file says about its use is read before anything else. All sources together become the corpus that
    'index build' uses, with a signed manifest. What looks like a refused work (its bytes, its letters, its content code)
    waits for 'corpus review'. Run again, it reads only what changed.

    Example: endcredits corpus admit novels/ works.csv --licence CC0-1.0
    """
    from endcredits.errors import InputError
    from endcredits.flows import admitting
    from endcredits.flows.candidates import Terms
    from endcredits.flows.sources import Source, from_dump, from_registry

    columns = []
    for pair in column or []:
        ours, equals, theirs = pair.partition("=")
        if not equals:
            raise InputError(f"'{pair}' is not a renamed column", remedy="Write ours=theirs.", field="--column")
        columns.append((ours.strip(), theirs.strip()))
    folder = Terms(creator, permission, licence, declared_by, (), agent)
    table = Terms("", "", "", declared_by, tuple(columns), agent)
    found: list[Source] = [_source(path, folder, table) for path in sources or []]
    found += [from_dump(urls, folder)] if urls else []
    _refuse_idle_options([*(sources or []), *(["a crawl"] if urls else [])], folder, table)
    with opened(studio) as place, progress_bars() as progress:
        done = admitting.admit(place, found or [from_registry()], at=at, recheck=recheck, progress=progress)
    if as_json:
        print_json(document(done))
    else:
        tell(done)


def _source(path: str, folder: Terms, table: Terms) -> Any:
    from endcredits.flows.sources import from_path, is_table

    return from_path(path, table if is_table(path) else folder)


def _refuse_idle_options(sources: Sequence[str], folder: Terms, table: Terms) -> None:
    """An option that speaks of nothing given would be passed over in silence, and a no with it."""
    from endcredits.errors import InputError
    from endcredits.flows.sources import is_table

    folders = [one for one in sources if not is_table(one)]
    for name in ("creator", "permission", "licence"):
        if getattr(folder, name) and not folders:
            raise InputError(f"--{name} is for folders; a table has a column for it", field=f"--{name}")
    if table.columns and len(folders) == len(sources):
        raise InputError("--column is for tables", field="--column")


def show(
    corpus_digest: Annotated[str, typer.Argument(metavar="[CORPUS]", help="Its digest, or the beginning of it.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show a corpus's manifest: what was admitted by whose word, what was refused, what waits; the current one by default.

    Example: endcredits corpus show
    """
    from endcredits.flows.checking_corpora import chosen_corpus

    with opened(studio) as place:
        name, admission = chosen_corpus(place, corpus_digest)
    if as_json:
        print_json({"corpus_digest": name, **admission.facts, "problem": admission.problem, "manifest": admission.document})
    elif admission.state != "whole":
        say(f"Corpus {name}: its manifest is {admission.state}: {admission.problem}.")
    else:
        tell_manifest(name, admission.document)
    if admission.state != "whole":
        raise typer.Exit(FAILED_CHECK)


def check(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Check all manifests, and tell which models were built of what, and what was withdrawn since.

    Exit code 3 when a manifest is broken or lost, or when the current corpus may no longer be used as it is.

    Example: endcredits corpus check
    """
    from endcredits.flows.checking_corpora import check_corpora, corpora
    from endcredits.store import Finding

    with opened(studio) as place:
        findings, found = list(check_corpora(place)), corpora(place)
    findings += [Finding(f"corpus {one.corpus_digest}", one.gate_problem) for one in found if one.gate_problem]
    if not as_json:
        for one in found:
            tell_corpus(one)
    verdict = f"{len(found)} corpora, {len(findings)} findings."
    report_findings(findings, {"corpora": [plain_corpus(one) for one in found]}, verdict, as_json)


def review(
    work: Annotated[str, typer.Argument(metavar="WORK", help="The work's id, as in 'corpus show'.")],
    admit: Annotated[bool, typer.Option("--admit", help="It may be learnt from.")] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="It is refused, from now on.")] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    by: Annotated[str, typer.Option(help="Who says so.")] = "",
    page: Annotated[str, typer.Option(help="Write a page that shows the two beside each other to this file.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Look at a work that waits, side by side with the refused one that it looks like, and say a word about it.

    Without --admit or --refuse nothing is changed. A word is a dated statement; it never overrides a no, and it counts when
    the corpus goes through the gate again.

    Example: endcredits corpus review work:cat-1f2e --admit --reason "another cat" --by "Ada Moreno"
    """
    from endcredits import durable
    from endcredits.errors import InputError
    from endcredits.flows import reviewing
    from endcredits.flows.review_page import review_page

    if admit and refuse:
        raise InputError("a work is admitted or refused, not both", remedy="Give one of them.", field="--admit")
    if page and (admit or refuse):
        raise InputError("look first, and say a word then", remedy="Give --page alone.", field="--page")
    if (reason or by) and not (admit or refuse):
        raise InputError("it is not told what is said", remedy="Add --admit or --refuse.", field="--admit")
    with opened(studio) as place:
        if admit or refuse:
            made = reviewing.review(place, work, admit=admit, by=by, reason=reason)
            found = None
        else:
            made, found = (), reviewing.waiting(place, work)
            if page:
                durable.write_atomic(page, review_page(found), private=True)
    if as_json:
        print_json(plain_waiting(found) if found else {"work_id": work, "statements": [one.permission_id for one in made]})
    elif found is None:
        say(f"Recorded: {', '.join(one.permission_id for one in made)}.")
        say("Next: endcredits corpus admit, with the same sources")
    else:
        tell_waiting(found)
        if page:
            say(f"Both stand side by side in {page}. Next: --admit or --refuse, with --reason and --by.")
