"""What is asked of "was I trained on?", and what is answered.

An answer names the works that are meant, how each was recognised, the models that learnt from it with the statement that let
them, the outputs that credited it and what it earned. A no is an answer as well: it says what was looked through, and what
cannot be seen that way.

Two works may share a sentence without one being made from the other. So a match is *sure* (the same bytes, the same content,
at least half of the text, its own id, its maker's name) or a *hint*. Of a hint no money is told: it may be somebody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from endcredits.flows.flags import Flag
from endcredits.ids import PartyId, WorkId
from endcredits.works import Decision, Permission

KINDS = ("file", "text", "name", "code", "work")
"""What can be asked about."""
YES, PERHAPS, REGISTERED, NO = "yes", "perhaps", "registered", "no"
"""Answers: a model learnt from a work that is meant; from one that may be; a work that is meant is registered, and no model
learnt from it; nothing is found."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks about.

    Attributes:
        kind: one of `KINDS`.
        value: the file's path, the text, the name or identifier, the content code (ISCC), or the work's id.
    """

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage that stands in a given text and in a work.

    Attributes:
        letters: how long it is: bytes of its letters and digits.
        sha256: of the work's file.
        label: that file's name where it was registered from.
        start: where it begins in that file, in characters from 0; a word that is touched counts whole.
        stop: behind its end.
        line: of its beginning, from 1.
        words: its words as they stand there, cut where they are long.
    """

    letters: int
    sha256: str
    label: str
    start: int
    stop: int
    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Match:
    """How a work was recognised.

    Attributes:
        work_id: the work.
        by: "bytes", "code", "passages", "name", "identifier" or "id".
        sure: whether the work is meant; else it is a hint.
        words: how, in a sentence.
        sha256: of the work's file that fits; empty where no file is meant.
        distance_bits: bits of the content codes that differ, of 256 (fewer for a short code); None where none were compared.
        given_ppb: how much of the given text stands in this file, of its letters; None where no passages were looked for.
        work_ppb: how much of this file stands in the given text; None likewise.
        quotes: the longest passages, longest first.
        party_ids: who was named, where somebody was.
    """

    work_id: WorkId
    by: str
    sure: bool
    words: str
    sha256: str = ""
    distance_bits: int | None = None
    given_ppb: int | None = None
    work_ppb: int | None = None
    quotes: tuple[Quote, ...] = ()
    party_ids: frozenset[PartyId] = frozenset()


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that learnt from a work.

    Attributes:
        index: the name of its index.
        index_digest: of the index, as receipts state it.
        current: whether the studio answers by it now.
        base_sha256: of the weights before the works.
        full_sha256: of the weights after them.
        corpus_digest: of the list of works that it was built from.
        admission: state of the gate's signed manifest of that list: "whole", "missing" (it did not go through the gate) or
            "broken".
        manifest_sha256: of what that manifest says; empty unless it is whole.
        log_entry: position of the log's entry about it, from 0; -1 where it has none yet.
        logged_at: UTC time of that entry; empty likewise.
        permission_id: the statement by which the work was let in.
        statement: that statement; None where the books have lost it.
        never_read: whether the training run that was measured never read the work, though it was in the list.
        bytes_max: how much of each work counted, in bytes; 0 for all of it.
        flag: what became of the yes since; None where it stands.
    """

    index: str
    index_digest: str
    current: bool
    base_sha256: str
    full_sha256: str
    corpus_digest: str
    admission: str
    manifest_sha256: str
    log_entry: int
    logged_at: str
    permission_id: str
    statement: Permission | None
    never_read: bool
    bytes_max: int
    flag: Flag | None


@dataclass(frozen=True, slots=True)
class CreditedOutput:
    """An output that credited a work.

    Attributes:
        output_id: the output; its receipt has this name.
        recorded_at: UTC time.
        credit_nanonats: signed.
        share_ppb: of the output.
    """

    output_id: str
    recorded_at: str
    credit_nanonats: int
    share_ppb: int


@dataclass(frozen=True, slots=True)
class Credited:
    """What outputs said of a work.

    Attributes:
        measured: outputs that were measured by an index that holds the work.
        outputs: those among them that gave it a share.
        credit_nanonats: sum of its signed credits over all that were measured.
        recent: the last that gave it a share, latest first.
    """

    measured: int = 0
    outputs: int = 0
    credit_nanonats: int = 0
    recent: tuple[CreditedOutput, ...] = ()


@dataclass(frozen=True, slots=True)
class Earned:
    """What a work earned for somebody in one currency, over all closed periods.

    Attributes:
        currency: ISO 4217 code.
        party_id: whom; empty for nobody known, and for all others where one person asked by name.
        name: theirs, or words that say who is meant.
        state: "payable", "suspense" (nobody known) or "disputed", as it was when the period was closed.
        micros: exact, in millionths.
    """

    currency: str
    party_id: str
    name: str
    state: str
    micros: int


@dataclass(frozen=True, slots=True)
class FoundWork:
    """A work that is meant, or may be, and what became of it.

    Attributes:
        work_id: its id.
        title: its title.
        matches: how it was recognised, the surest first.
        today: whether it may be trained on now, and by which statement.
        trained: the models that learnt from it, the first logged first.
        credited: what outputs said of it; None for a hint.
        earned: what it earned; None for a hint.
        periods: the closed periods in which it earned something; None for a hint.
    """

    work_id: WorkId
    title: str
    matches: tuple[Match, ...]
    today: Decision
    trained: tuple[Trained, ...]
    credited: Credited | None
    earned: tuple[Earned, ...] | None
    periods: tuple[str, ...] | None

    @property
    def sure(self) -> bool:
        """Whether the work is meant."""
        return any(match.sure for match in self.matches)


@dataclass(frozen=True, slots=True)
class Searched:
    """What was looked through for an answer.

    Attributes:
        works: registered works.
        files: their files.
        codes: of these, files whose content codes were compared.
        texts: of these, texts that were read for passages.
        text_bytes: how long they are together.
        models: models whose list of works was read.
        outputs: recorded attributions of outputs.
        periods: closed periods whose money was read.
        methods: how was searched, in words.
        blind: what cannot be seen that way, in words.
        unread: what could not be read, and so was not searched, in words; a no is not whole then.
        damaged: what else could not be read, in words: it may lack money or details, and hides no work.
    """

    works: int
    files: int
    codes: int
    texts: int
    text_bytes: int
    models: int
    outputs: int
    periods: int
    methods: tuple[str, ...]
    blind: tuple[str, ...]
    unread: tuple[str, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to one question.

    Attributes:
        question: what was asked.
        answer: `YES`, `PERHAPS`, `REGISTERED` or `NO`.
        works: works that are meant or may be, the surest first; at most as many as were asked for.
        more: how many are not listed.
        totals_micros: what all that are meant earned together, listed or not, by currency; of a person who was asked for by
            name only their part.
        searched: what was looked through.
    """

    question: Question
    answer: str
    works: tuple[FoundWork, ...]
    more: int
    totals_micros: Mapping[str, int]
    searched: Searched
