"""Works come in through the front door, and only those with a yes go on to the model.

`add_works` registers submissions, whatever their permission. `corpus` asks the registry, work by work, whether a model
may be trained and fine-tuned on it at a moment, and that nobody has denied keeping it in an index; everything else is
refused, by name and with the reason. So is a work that holds the very bytes of a file of a denied one.

Once a corpus went through the gate (`admitting`), its manifest counts too: a corpus is then what the manifest admits and
what is still permitted now. A work that came later, or that waits for a person, is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from endcredits.canonical import digest
from endcredits.errors import NotFoundError
from endcredits.flows import admissions, fact_log
from endcredits.flows.clock import now
from endcredits.flows.looking import VERB, Look, look
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.works import (
    NO_USE,
    Decision,
    Permission,
    Registered,
    Split,
    Submission,
    Use,
    Work,
    catalogue_digest,
    get_content,
    register,
    state_permission,
)
from endcredits.works.decide_work import decide_work

__all__ = [
    "VERB",
    "Corpus",
    "Look",
    "add_works",
    "corpus",
    "corpus_of",
    "digest_within",
    "extent_of",
    "look",
    "may",
    "standing",
    "state",
    "whole_characters",
]


def add_works(studio: Studio, submissions: Sequence[Submission], at: str = "") -> Registered:
    """Registers submissions: all of them, or none when one cannot be kept."""
    moment = at or now()
    return fact_log.write(studio, lambda conn: register(conn, studio.content, submissions, moment))


@dataclass(frozen=True, slots=True)
class Corpus:
    """What a model may learn from, as of a moment.

    Attributes:
        admitted: works with a yes.
        decisions: the yes to training of each admitted work, in the same order.
        refused: every other work with the decision that kept it out; its verb says what was asked.
        catalogue_digest: of all works and permissions at the time of asking.
        extent: which works, sets of splits and permissions there were then; see `extent_of`.
        content: folder of the works' files.
        max_bytes_per_work: how much of each work counts, 0 for all of it.
        operator: the party whose contracts counted; empty for none.
        admission: state of its manifest: "whole", "missing" (it did not go through the gate) or "broken".
        gate_problem: why no model may be made of it before it goes through the gate again; empty for nothing.
    """

    admitted: tuple[Work, ...]
    decisions: tuple[Decision, ...]
    refused: tuple[tuple[Work, Decision], ...]
    catalogue_digest: str
    extent: Mapping[str, Any]
    content: Path
    max_bytes_per_work: int = 0
    operator: str = ""
    admission: str = "missing"
    gate_problem: str = ""

    def texts(self) -> Iterator[tuple[WorkId, bytes]]:
        """Every file of every admitted work, cut to the limit, in order.

        Raises:
            IntegrityError: a file is missing or changed.
        """
        for work in self.admitted:
            left = self.max_bytes_per_work or None
            for manifestation in work.manifestations:
                data = get_content(self.content, manifestation.sha256)
                if left is not None:
                    data = data if len(data) <= left else whole_characters(data[:left])
                    left = max(0, left - manifestation.size_bytes)
                if data:
                    yield work.work_id, data
                if left == 0:
                    break

    def manifest(self) -> dict[str, object]:
        """The admitted works with their files' digests and the statement that admitted each."""
        return {
            "verb": VERB,
            **({"operator": self.operator} if self.operator else {}),
            "max_bytes_per_work": self.max_bytes_per_work,
            "works": [
                {
                    "work_id": work.work_id,
                    "files": [manifestation.sha256 for manifestation in work.manifestations],
                    "permission_id": decision.permission_id,
                }
                for work, decision in zip(self.admitted, self.decisions, strict=True)
            ],
        }

    def digest(self) -> str:
        """SHA-256 of the manifest."""
        return digest(self.manifest())


def whole_characters(cut: bytes) -> bytes:
    """The beginning of a UTF-8 text without the part of a character at its end.

    >>> whole_characters("né".encode()[:2])
    b'n'
    """
    for back in range(1, min(4, len(cut) + 1)):
        first = cut[-back]
        if first >= 0xC0:  # the byte that begins a character tells its length
            length = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
            return cut if back >= length else cut[:-back]
        if first < 0x80:
            break
    return cut


def extent_of(registered: Iterable[Work], stated: Iterable[Permission]) -> dict[str, Any]:
    """How far the catalogue reaches: ids of works with their sets of splits, and of statements.

    The catalogue only grows, so this is all that is needed to cut today's back to what it was; see `digest_within`.
    """
    return {
        "works": {
            work.work_id: sorted(list(key) for key in {_set_of(split) for split in work.splits}) for work in registered
        },
        "permissions": sorted(one.permission_id for one in stated),
    }


def digest_within(extent: Mapping[str, Any], registered: Iterable[Work], stated: Iterable[Permission]) -> str:
    """The digest of the catalogue cut back to an earlier extent: the earlier digest, unless something was changed."""
    sets = {work_id: {tuple(key) for key in keys} for work_id, keys in extent["works"].items()}
    then = [
        replace(work, splits=tuple(split for split in work.splits if _set_of(split) in sets[work.work_id]))
        for work in registered
        if work.work_id in sets
    ]
    said = set(extent["permissions"])
    return catalogue_digest(then, [one for one in stated if one.permission_id in said])


def _set_of(split: Split) -> tuple[str, str, str]:
    return split.right, split.territory, split.valid_from


def corpus(studio: Studio, at: str = "", *, max_bytes_per_work: int = 0, gate: bool = True) -> Corpus:
    """Asks the registry which works may be trained on at a moment (now by default).

    Args:
        studio: whose.
        at: UTC time.
        max_bytes_per_work: see `Corpus`.
        gate: whether the manifest of the current corpus counts, where there is one; without it permissions count alone.
    """
    seen = look(studio, at)
    admission = admissions.current(studio) if gate else None
    if admission is None or admission.state != "whole":
        found = corpus_of(studio, seen, max_bytes_per_work=max_bytes_per_work)
        if admission is None:
            return found
        problem = f"the manifest of the corpus is {admission.state}: {admission.problem}"
        return replace(found, admission=admission.state, gate_problem=problem)
    outside = {row["work_id"]: f"it waits for a person: {row['reason']}" for row in admission.document["waiting"]}
    chosen = frozenset(str(row["work_id"]) for row in admission.document["works"])
    found = corpus_of(studio, seen, chosen=chosen, outside=outside, max_bytes_per_work=max_bytes_per_work)
    problem = _since_changed(found, admission.document)
    return replace(found, admission="missing" if problem else "whole", gate_problem=problem)


def corpus_of(
    studio: Studio,
    seen: Look,
    *,
    chosen: frozenset[str] | None = None,
    outside: Mapping[str, str] | None = None,
    max_bytes_per_work: int = 0,
) -> Corpus:
    """The corpus of all works with a yes, or of those among them that are chosen.

    Args:
        studio: whose.
        seen: from `look`.
        chosen: ids of works; None for all.
        outside: why a work with a yes is not chosen, where that is known.
        max_bytes_per_work: see `Corpus`.
    """
    admitted, yes, refused = [], [], []
    for work in seen.registered:
        answer = seen.answers[work.work_id]
        if answer.value == "allow" and chosen is not None and work.work_id not in chosen:
            reason = (outside or {}).get(work.work_id, "it has not been through the gate: endcredits corpus admit")
            answer = Decision(work.work_id, VERB, seen.at, "unknown", reason)
        if answer.value == "allow":
            admitted.append(work)
            yes.append(answer)
        else:
            refused.append((work, answer))
    return Corpus(
        tuple(admitted),
        tuple(yes),
        tuple(refused),
        catalogue_digest(seen.registered, seen.stated),
        extent_of(seen.registered, seen.stated),
        studio.content,
        max_bytes_per_work,
        studio.operator,
    )


def _since_changed(found: Corpus, document: Mapping[str, Any]) -> str:
    """What has changed of an admitted corpus since its manifest was made, in words; empty for nothing."""
    if replace(found, max_bytes_per_work=0).digest() == document["corpus_digest"]:
        return ""
    now_admitted = {str(decision.subject): decision for decision in found.decisions}
    reasons = {work.work_id: f"{decision.value}: {decision.reason}" for work, decision in found.refused}
    lost = [row["work_id"] for row in document["works"] if row["work_id"] not in now_admitted]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        why = reasons.get(WorkId(lost[0]), "it is not registered")
        return f"'{lost[0]}'{more} was admitted and may no longer be used ({why})"
    for row in document["works"]:
        if now_admitted[row["work_id"]].permission_id != row["permission_id"]:
            return f"the yes to '{row['work_id']}' rests on another statement than the one that admitted it"
    return "what contracts count has changed since the corpus was admitted"


def may(studio: Studio, work_id: WorkId, verb: str, *, at: str = "", use: Use = NO_USE) -> Decision:
    """Whether something may be done with a registered work at a moment (now by default); only "allow" is a yes.

    Retrieval, style and likeness ask this before every use: a no, or a yes taken back, counts from its second on.

    Raises:
        NotFoundError: no such work.
        InputError: an unknown verb, or no time.
    """
    with studio.store.reading() as conn:
        return decide_work(conn, work_id, verb, at or now(), by=studio.operator, use=use, present=not at)


def standing(studio: Studio, work_id: WorkId) -> Decision:
    """Whether a registered work may be trained on now, as `corpus` would decide.

    Raises:
        NotFoundError: no such work.
    """
    found = corpus(studio)
    for decision in (*found.decisions, *(decision for _, decision in found.refused)):
        if decision.subject == work_id:
            return decision
    raise NotFoundError(f"there is no work '{work_id}'", remedy="List the works to see their ids.", field="work_id")


def state(studio: Studio, permission: Permission) -> Permission:
    """Records what somebody says about a work from a moment on, such as a later no."""
    return fact_log.write(studio, lambda conn: state_permission(conn, permission))
