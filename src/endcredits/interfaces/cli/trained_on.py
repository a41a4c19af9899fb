"""`endcredits trained-on`: was this work, text or person's work trained on, by whose leave, and what did it earn."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import (
    FAILED_CHECK,
    JsonOption,
    StudioOption,
    opened,
    print_json,
    progress_bars,
    say,
)

if TYPE_CHECKING:
    from endcredits.flows.trained_on_records import Answer, FoundWork, Match, Trained

NOT_FOUND = 6
"""Exit code of a no: everything was searched, and no model learnt from what was asked about."""
ANSWERS = {
    "yes": "YES: a model learnt from it.",
    "perhaps": "PERHAPS: a model learnt from works that hold part of it, or look like it.",
    "registered": "NO: it is registered here, and no model learnt from it.",
    "no": "NO: nothing of it is registered here, so far as can be seen this way.",
}
HASH_SHOWN = 12


def trained_on(
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE...]", help="Files: texts, pictures, anything.")] = None,
    text: Annotated[list[str] | None, typer.Option(help="A text, at best a few sentences.")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="A person or body: name, party id, ISNI, ORCID iD or IPI name number.")
    ] = None,
    code: Annotated[list[str] | None, typer.Option(help="A content code (ISCC, ISO 24138).")] = None,
    work: Annotated[list[str] | None, typer.Option(help="The id of a work, or its ISBN, ISRC, ISWC or EIDR.")] = None,
    most: Annotated[int, typer.Option(min=1, help="So many works are listed.")] = 20,
    outputs: Annotated[int, typer.Option(min=0, help="So many outputs are listed of each work.")] = 5,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Say whether a model was trained on a file, a text, somebody's works, a content code, or a work.

    Per work that is found: how it was recognised, which models learnt from it, since when and under which statement, which
    outputs credited it, and what it earned. A no says what was searched and what cannot be seen that way. Nothing is
    recorded by asking. Exit code 0: a model learnt from it, or may have; 6: none did, so far as can be seen; 3: nothing was
    found, but something could not be read.

    Example: endcredits trained-on poem.txt --name "Ada Quill"
    """
    from endcredits.flows.trained_on import trained_on as ask
    from endcredits.flows.trained_on_records import Question

    given = (("file", files), ("text", text), ("name", name), ("code", code), ("work", work))
    questions = [Question(kind, value) for kind, values in given for value in values or ()]
    with opened(studio) as place, progress_bars() as progress:
        answers = ask(place, questions, most=most, outputs=outputs, progress=progress)
    if as_json:
        print_json({"answers": [document(answer) for answer in answers]})
    else:
        for number, answer in enumerate(answers):
            if number:
                say("")
            _show(answer)
    if not any(answer.answer in ("yes", "perhaps") for answer in answers):
        raise typer.Exit(FAILED_CHECK if any(answer.searched.unread for answer in answers) else NOT_FOUND)


def document(answer: Answer) -> dict[str, Any]:
    """An answer as plain data."""
    from endcredits.works import plain_of

    plain = asdict(answer)
    plain["question"]["value"] = _printable(answer.question.value)
    for work, found in zip(plain["works"], answer.works, strict=True):
        work["sure"] = found.sure
        for match, own in zip(work["matches"], found.matches, strict=True):
            match["party_ids"] = sorted(own.party_ids)
        for model, learnt in zip(work["trained"], found.trained, strict=True):
            model["statement"] = plain_of(learnt.statement) if learnt.statement else None
            model["trained_under_revoked"] = model.pop("flag")
    return plain


def _show(answer: Answer) -> None:
    what = _printable(answer.question.value)
    what = _short(what) if answer.question.kind == "text" else what
    say(f"{answer.question.kind} {what}")
    say(f"  {ANSWERS[answer.answer]}")
    for work in answer.works:
        _show_work(work)
    if answer.more:
        say(f"  and {answer.more} more works; list them with --most {len(answer.works) + answer.more}")
    if answer.totals_micros and len(answer.works) + answer.more > 1:
        say("  together they earned " + ", ".join(_money(micros, one) for one, micros in answer.totals_micros.items()))
    _show_searched(answer)


def _show_work(work: FoundWork) -> None:
    say(f"  {work.work_id}  {work.title}")
    for match in work.matches:
        say(f"    {'it is meant' if match.sure else 'perhaps'}: {match.words}")
        _show_quotes(match)
    for model in work.trained:
        _show_model(model)
    if not work.trained:
        say("    no model learnt from it")
    say(f"    may it be trained on today: {work.today.value}, {work.today.reason}")
    if work.credited is not None and work.credited.measured:
        one = work.credited
        nats = one.credit_nanonats / 1e9
        say(f"    credited by {one.outputs:,} of {one.measured:,} outputs, {nats:+.3f} nats together")
        for output in one.recent:
            say(f"      {output.recorded_at}  {output.output_id}  {output.share_ppb / 1e9:.2%}")
    if work.earned is None:
        say(f"    what it earned is not told of a hint; if it is yours, ask for it: --work {work.work_id}")
    elif not work.earned:
        say("    it has earned nothing in a closed period")
    for earned in work.earned or ():
        waits = "" if earned.state == "payable" else f", {earned.state}"
        say(f"    earned {_money(earned.micros, earned.currency)} for {earned.name}{waits}")


def _show_quotes(match: Match) -> None:
    for quote in match.quotes:
        say(f"      {quote.letters} letters, {quote.label} line {quote.line}: {quote.words}")


def _show_model(model: Trained) -> None:
    since = f"since {model.logged_at}, entry {model.log_entry} of the log" if model.logged_at else "not in the log yet"
    current = ", in use" if model.current else ""
    index = model.index or "that is gone"
    say(f"    learnt by model {model.full_sha256[:HASH_SHOWN] or 'unknown'} (index {index}{current}), {since}")
    said = model.statement
    if said is not None:
        say(
            f"      under {said.permission_id}: {said.value}, {said.reason} ({said.declared_by}, from {said.effective_from})"
        )
    else:
        say(f"      under {model.permission_id or 'no statement'}, which the books do not have")
    say(f"      in the corpus {model.corpus_digest[:HASH_SHOWN]}")
    gate = {"whole": "through the gate, by a signed manifest", "broken": "the gate's manifest is BROKEN"}
    say(f"      let in: {gate.get(model.admission, 'not through the gate: there is no signed manifest')}")
    if model.never_read:
        say("      its training run never read this work")
    if model.bytes_max:
        say(f"      at most the first {model.bytes_max:,} bytes of it")
    if model.flag is not None:
        flag = model.flag
        say(
            f"      trained_under_revoked: {flag.verb} {flag.how} from {flag.since} on by {flag.declared_by} "
            f"({flag.permission_id}); it keeps paying"
        )


def _show_searched(answer: Answer) -> None:
    one = answer.searched
    say(
        f"  searched: {one.works:,} works with {one.files:,} files, {one.models:,} models, {one.outputs:,} outputs, "
        f"{one.periods:,} closed periods"
    )
    if one.texts:
        say(f"    {one.texts:,} texts of {one.text_bytes:,} bytes were read")
    for method in one.methods:
        say(f"    by {method}")
    for blind in one.blind:
        say(f"    not seen: {blind}")
    for unread in one.unread:
        say(f"    COULD NOT BE READ: {unread}")
    for damaged in one.damaged:
        say(f"    DAMAGED: {damaged}")


def _printable(text: str) -> str:
    """Text from a command line, in which a file's name may hold bytes that are no letters."""
    return text.encode("utf-8", "replace").decode()


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"'{line[:60]}...'" if len(line) > 60 else f"'{line}'"


def _money(micros: int, currency: str) -> str:
    from endcredits.money import format_micros

    return format_micros(micros, currency)
