"""Which registered works are meant by a file, a text, a name, a content code or an id.

Everything that has to be read through (the codes of all files, the texts of all works) is read once for all questions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.flows.studio import Studio
from endcredits.flows.trained_on_codes import CodesOfWorks, code_matches, codes_of_works
from endcredits.flows.trained_on_given import PICTURES, Given, read_question
from endcredits.flows.trained_on_passages import TEXTS, Held, Scan, passage_matches, quotes_of, scan
from endcredits.flows.trained_on_records import Match, Question
from endcredits.ids import PartyId, WorkId
from endcredits.progress import Progress, silent
from endcredits.works.finding import FileOfWork, files_of_type, files_with, titles, with_code
from endcredits.works.finding_people import funds_of, people_called, works_crediting, works_numbered, works_of

ORDER = ("id", "bytes", "identifier", "name", "code", "passages")


@dataclass(frozen=True, slots=True)
class Matched:
    """What all questions came to.

    Attributes:
        given: one a question, in their order.
        scan: what reading the texts gave; None where no text was asked about.
        codes: the codes of works; None where no code was asked about.
        files: the files that were looked through, by digest.
    """

    given: tuple[Given, ...]
    scan: Scan | None
    codes: CodesOfWorks | None
    files: Mapping[str, Sequence[FileOfWork]]


def match(studio: Studio, questions: Sequence[Question], progress: Progress = silent) -> Matched:
    """Looks all questions up.

    Raises:
        InputError: a question that nobody can answer: an unreadable file, an empty text, a wrong identifier or code.
    """
    given = [read_question(question) for question in questions]
    with studio.store.reading() as conn:
        for one in given:
            _look_up(conn, one)
        texts = list(_texts(conn)) if any(one.letters for one in given) else []
        kinds = {code.kind for one in given for code in one.codes}
        coded = [
            file
            for kind, prefix in (("text", "text/"), ("image", PICTURES))
            if kind in kinds
            for file in files_of_type(conn, prefix)
        ]
    files: dict[str, list[FileOfWork]] = defaultdict(list)
    for file in dict.fromkeys([*texts, *coded]):
        files[file.sha256].append(file)
    codes = codes_of_works(studio, coded, progress) if kinds else None
    asked = [one for one in given if one.letters]
    read = scan(studio, [one.letters or b"" for one in asked], texts, progress) if asked else None
    for one in given:
        exact = {work_id for work_id, matches in one.matches.items() if any(found.by == "bytes" for found in matches)}
        for found in code_matches(one.codes, codes, files) if codes is not None else ():
            if found.work_id not in exact:
                one.matches[found.work_id].append(found)
    for one, held in zip(asked, read.held if read is not None else (), strict=True):
        exact = {work_id for work_id, matches in one.matches.items() if any(found.by == "bytes" for found in matches)}
        for found in passage_matches(one.letters or b"", held, files, exact):
            one.matches[found.work_id].append(found)
    return Matched(tuple(given), read, codes, files)


def _texts(conn: Connection) -> Sequence[FileOfWork]:
    return [file for prefix in TEXTS for file in files_of_type(conn, prefix)]


def _look_up(conn: Connection, one: Given) -> None:
    """What the database answers at once."""
    kind, value = one.question.kind, one.question.value
    if one.sha256:
        for file in files_with(conn, [one.sha256]):
            words = f"its file '{file.label}' has the same bytes"
            one.matches[file.work_id].append(Match(file.work_id, "bytes", True, words, file.sha256))
        if kind == "text":
            one.methods.append("the SHA-256 of the text against those of all registered files")
    if kind == "code":
        code = value.strip() if value.strip().startswith("ISCC:") else f"ISCC:{value.strip()}"
        for file in files_with(conn, with_code(conn, code)):
            words = "somebody stated this very code for its file"
            one.matches[file.work_id].append(Match(file.work_id, "code", True, words, file.sha256, distance_bits=0))
        if not one.codes and not one.matches:
            raise InputError(
                "no part of this code can be compared with works, which have codes of their text and pictures alone",
                remedy="Give the file itself, or its Text-Code or Image-Code.",
                field="--code",
            )
    if kind == "work":
        one.methods.append("the id of the work, and its ISBN, ISRC, ISWC or EIDR where somebody stated one")
        for work_id in titles(conn, [value]):
            one.matches[work_id].append(Match(work_id, "id", True, "this is its id"))
        for work_id, scheme in works_numbered(conn, value).items():
            one.matches[work_id].append(Match(work_id, "identifier", True, f"this is its {scheme.upper()}"))
    if kind == "name":
        _by_name(conn, one)


def _by_name(conn: Connection, one: Given) -> None:
    one.methods.append("the names, ids and identifiers of all registered parties, and the credits of all works")
    one.blind.append("another spelling of the name, a pen name that nobody registered, and works that name nobody")
    people = people_called(conn, one.question.value)
    for party_id, fits in people:
        how = {"id": "the id", "name": "the name"}.get(fits, f"the {fits.upper()}")
        by = fits if fits in ("id", "name") else "identifier"
        own = works_of(conn, [party_id])
        through = works_of(conn, funds_of(conn, party_id)) - own
        for work_id in sorted(own | through):
            what = "credits or pays" if work_id in own else "pays a fund that passes on to"
            words = f"it {what} {party_id}, which has {how}"
            one.matches[work_id].append(Match(work_id, by, True, words, party_ids=frozenset({party_id})))
    if len({party_id for party_id, fits in people if fits == "name"}) > 1:
        one.blind.append("several parties have this name; give the id or an identifier to tell them apart")
    for work_id, party_ids in works_crediting(conn, one.question.value).items():
        if not any(match.party_ids & party_ids for match in one.matches.get(work_id, ())):
            words = "the name stands in its credits"
            one.matches[work_id].append(Match(work_id, "name", True, words, party_ids=frozenset(party_ids)))


def ordered(one: Given) -> list[tuple[WorkId, tuple[Match, ...]]]:
    """The works of a question, the surest first, each with its matches, the surest first."""
    found = [(work_id, tuple(sorted(matches, key=_strength))) for work_id, matches in one.matches.items()]
    return sorted(found, key=lambda item: (_strength(item[1][0]), item[0]))


def _strength(match: Match) -> tuple[bool, int, int, int]:
    covered = max(match.given_ppb or 0, match.work_ppb or 0)
    return (not match.sure, ORDER.index(match.by), match.distance_bits or 0, -covered)


def with_quotes(studio: Studio, matched: Matched, one: Given, matches: Sequence[Match]) -> tuple[Match, ...]:
    """The matches of a work, those by passages with the words themselves."""
    if matched.scan is None or one.letters is None:
        return tuple(matches)
    number = [other for other in matched.given if other.letters].index(one)
    held: Mapping[str, Held] = {item.sha256: item for item in matched.scan.held[number]}
    found = []
    for match in matches:
        if match.by == "passages":
            file = next(file for file in matched.files[match.sha256] if file.work_id == match.work_id)
            match = replace(match, quotes=quotes_of(studio, file, held[match.sha256]))
        found.append(match)
    return tuple(found)


def people_of(matches: Sequence[Match]) -> frozenset[PartyId]:
    """Who was asked for by name."""
    return frozenset(party_id for match in matches for party_id in match.party_ids)
