"""Was I trained on? Which models learnt from a work, since when, by whose leave, what credited it and what it earned.

    (answer,) = trained_on(studio, [Question("file", "poem.txt")])
    answer.answer                       # "yes", "perhaps", "registered" or "no"
    answer.works[0].trained             # the models, with the log's entry and the statement
    answer.searched.blind               # what cannot be seen this way: as much a part of a no as of a yes

Nothing is recorded by asking. What is damaged is told and passed over, so that one lost file does not hide all others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.flows.admissions import Admission, read_admission
from endcredits.flows.catalogue import VERB, may
from endcredits.flows.clock import now
from endcredits.flows.flags import Flag, flags_of_works
from endcredits.flows.studio import Studio
from endcredits.flows.trained_on_credits import count_outputs, credited
from endcredits.flows.trained_on_given import Given
from endcredits.flows.trained_on_matching import Matched, match, ordered, people_of, with_quotes
from endcredits.flows.trained_on_models import Model, Models, read_models, statements_of, trained
from endcredits.flows.trained_on_money import Money, money_of
from endcredits.flows.trained_on_records import (
    KINDS,
    NO,
    PERHAPS,
    REGISTERED,
    YES,
    Answer,
    Credited,
    Earned,
    FoundWork,
    Match,
    Question,
    Searched,
)
from endcredits.ids import PartyId, WorkId
from endcredits.progress import Progress, silent
from endcredits.works import Decision, Permission
from endcredits.works.finding import count_works, titles
from endcredits.works.finding_people import names_of

MOST = 20
NOBODY, OTHERS = "nobody known", "others"
"""Whose money it is that waits for its owner, and that is not told where one person asked by name."""

Ordered = Sequence[tuple[WorkId, tuple[Match, ...]]]


def trained_on(
    studio: Studio,
    questions: Sequence[Question],
    *,
    most: int = MOST,
    outputs: int = 5,
    at: str = "",
    progress: Progress = silent,
) -> tuple[Answer, ...]:
    """Answers questions about files, texts, names, codes and works.

    Args:
        studio: whose models are asked about.
        questions: at least one.
        most: so many works are listed in an answer, at least 1.
        outputs: so many outputs are listed of each work.
        at: UTC time as of which a yes is looked at; now by default.
        progress: told what is read.

    Returns:
        One answer a question, in their order.

    Raises:
        InputError: no question, or one that nobody can answer: an unreadable file, a short text, a wrong identifier.
    """
    if not questions:
        raise InputError("nothing was asked about", remedy="Give a file, a text, a name, a content code or a work.")
    for question in questions:
        if question.kind not in KINDS:
            raise InputError(f"'{question.kind}' cannot be asked about", remedy=f"Use one of: {', '.join(KINDS)}.")
    matched = match(studio, questions, progress)
    known = read_models(studio)
    models = known.models
    found = [ordered(one) for one in matched.given]
    listed = {work_id for works in found for work_id, _ in works[:most]}
    meant = {work_id for works in found for work_id, matches in works if matches[0].sure}
    digests = {model.index_digest for model in models if not listed.isdisjoint(model.works)}
    money = money_of(studio, meant)
    with studio.store.reading() as conn:
        facts = _Facts(
            models,
            titles(conn, listed),
            statements_of(conn, models, sorted(listed)),
            flags_of_works(conn, listed, at or now(), by=studio.operator),
            credited(conn, digests, listed & meant, most=outputs),
            {model.corpus_digest: read_admission(studio, model.corpus_digest) for model in models},
            money,
            names_of(conn, {party_id for _, _, party_id, _ in money.micros}),
        )
        counts = (*count_works(conn), count_outputs(conn))
    answers = []
    for one, works in zip(matched.given, found, strict=True):
        shown = [
            _found(facts, work_id, with_quotes(studio, matched, one, matches), may(studio, work_id, VERB, at=at))
            for work_id, matches in works[:most]
        ]
        answers.append(
            Answer(
                one.question,
                _verdict(works, models),
                tuple(shown),
                max(0, len(works) - most),
                _totals(works, facts.money),
                _searched(one, matched, facts, counts, known),
            )
        )
    return tuple(answers)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Everything that is known of the works that are listed."""

    models: tuple[Model, ...]
    titles: Mapping[WorkId, str]
    statements: Mapping[str, Permission]
    flags: Mapping[WorkId, Flag]
    credited: Mapping[WorkId, Credited]
    admissions: Mapping[str, Admission]
    money: Money
    names: Mapping[PartyId, str]


def _verdict(works: Ordered, models: Sequence[Model]) -> str:
    learnt = [matches[0].sure for work_id, matches in works if any(work_id in model.works for model in models)]
    if any(learnt):
        return YES
    return PERHAPS if learnt else REGISTERED if any(matches[0].sure for _, matches in works) else NO


def _found(facts: _Facts, work_id: WorkId, matches: tuple[Match, ...], today: Decision) -> FoundWork:
    models = trained(facts.models, work_id, facts.statements, facts.flags.get(work_id), facts.admissions)
    title = facts.titles.get(work_id, "")
    if not matches[0].sure:
        return FoundWork(work_id, title, matches, today, models, None, None, None)
    earned = _earned(facts, work_id, people_of(matches))
    credits = facts.credited.get(work_id, Credited())
    return FoundWork(work_id, title, matches, today, models, credits, earned, facts.money.periods[work_id])


def _earned(facts: _Facts, work_id: WorkId, people: frozenset[PartyId]) -> tuple[Earned, ...]:
    """What a work earned for whom; where people asked by name, all others stand together."""
    sums: Counter[tuple[str, bool, str, str, str]] = Counter()
    for (of_work, currency, party_id, state), micros in facts.money.micros.items():
        if of_work != work_id:
            continue
        own = not people or not party_id or party_id in people
        name = facts.names.get(PartyId(party_id), party_id or NOBODY) if own else OTHERS
        sums[currency, not own, name, party_id if own else "", state] += micros
    return tuple(
        Earned(currency, party_id, name, state, micros)
        for (currency, _, name, party_id, state), micros in sorted(sums.items())
        if micros
    )


def _totals(works: Ordered, money: Money) -> dict[str, int]:
    """What works that are meant earned together; of people who asked by name, what they earned with them."""
    people = {work_id: people_of(matches) for work_id, matches in works if matches[0].sure}
    found: Counter[str] = Counter()
    for (work_id, currency, party_id, _), micros in money.micros.items():
        if work_id in people and (not people[work_id] or party_id in people[work_id]):
            found[currency] += micros
    return dict(sorted(found.items()))


def _unexplained(facts: _Facts, outputs: int) -> list[str]:
    """What shows that there was a model where none is known."""
    if facts.models or not (outputs or facts.money.micros):
        return []
    what = f"{outputs} outputs are attributed to works" if outputs else "works earned money"
    return [f"{what}, and no model is known that made the outputs"]


def _searched(one: Given, matched: Matched, facts: _Facts, counts: tuple[int, int, int], known: Models) -> Searched:
    codes = matched.codes if one.codes else None
    scan = matched.scan if one.letters else None
    works, files, outputs = counts
    of_question = [*(codes.unread if codes else ()), *(scan.unread if scan else ())]
    return Searched(
        works,
        files,
        codes.files if codes else 0,
        scan.texts if scan else 0,
        scan.text_bytes if scan else 0,
        len(facts.models),
        outputs,
        facts.money.read,
        tuple(one.methods),
        tuple(one.blind),
        tuple(dict.fromkeys([*of_question, *known.unread, *_unexplained(facts, outputs)])),
        (*known.damaged, *facts.money.unread),
    )
