"""Works come in through the front door, and only those with a yes go on to the model.

`add_works` registers submissions, whatever their permission. `corpus` asks the registry, work by work, whether a model
may be trained and fine-tuned on it at a moment, and that nobody has denied keeping it in an index; everything else is
refused, by name and with the reason. So is a work that holds the very bytes of a file of a denied one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from endcredits.canonical import digest
from endcredits.errors import NotFoundError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.works import (
    NO_USE,
    Asked,
    Decision,
    Permission,
    Registered,
    Said,
    Split,
    Submission,
    Use,
    Work,
    asked_about,
    asked_in,
    catalogue_digest,
    decide,
    get_content,
    marks,
    permissions,
    permissions_about,
    register,
    state_permission,
    works,
)

VERB = "train"
"""The verb whose yes admits a work."""


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
    """

    admitted: tuple[Work, ...]
    decisions: tuple[Decision, ...]
    refused: tuple[tuple[Work, Decision], ...]
    catalogue_digest: str
    extent: Mapping[str, Any]
    content: Path
    max_bytes_per_work: int = 0
    operator: str = ""

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


def corpus(studio: Studio, at: str = "", *, max_bytes_per_work: int = 0) -> Corpus:
    """Asks the registry which works may be trained on at a moment (now by default)."""
    moment = at or now()
    with studio.store.reading() as conn:
        registered, stated, names = works(conn), permissions(conn), marks(conn)
    said, answers = Said(stated), {}
    for work in registered:
        asked = asked_about(work, names)
        answers[work.work_id] = _answer(said.about(asked), asked, moment, studio.operator)
    denied: dict[str, Decision] = {}
    for work in registered:
        if answers[work.work_id].value == "deny":
            for file in work.manifestations:
                denied.setdefault(file.sha256, answers[work.work_id])
    admitted, yes, refused = [], [], []
    for work in registered:
        answer = _answer_of_files(work, denied, answers[work.work_id])
        if answer.value == "allow":
            admitted.append(work)
            yes.append(answer)
        else:
            refused.append((work, answer))
    return Corpus(
        tuple(admitted),
        tuple(yes),
        tuple(refused),
        catalogue_digest(registered, stated),
        extent_of(registered, stated),
        studio.content,
        max_bytes_per_work,
        studio.operator,
    )


def _answer(said: Sequence[Permission], asked: Asked, at: str, by: str) -> Decision:
    """The yes to training, or what stands against it: a deny before anything that is merely not a yes."""
    train, finetune, index = (decide(said, asked, verb, at, by=by) for verb in (VERB, "finetune", "index"))
    for one in (train, finetune, index):
        if one.value == "deny":
            return one
    return train if train.value != "allow" else finetune if finetune.value != "allow" else train


def _answer_of_files(work: Work, denied: Mapping[str, Decision], answer: Decision) -> Decision:
    """The work's own answer, unless it is a yes and one of its files belongs to a denied work as well."""
    for file in work.manifestations:
        other = denied.get(file.sha256)
        if answer.value == "allow" and other is not None:
            reason = f"'{file.label}' is also a file of '{other.subject}', which is denied: {other.reason}"
            return replace(answer, value="deny", reason=reason, permission_id=other.permission_id)
    return answer


def may(studio: Studio, work_id: WorkId, verb: str, *, at: str = "", use: Use = NO_USE) -> Decision:
    """Whether something may be done with a registered work at a moment (now by default); only "allow" is a yes.

    Retrieval, style and likeness ask this before every use: a no, or a yes taken back, counts from its second on.

    Raises:
        NotFoundError: no such work.
        InputError: an unknown verb, or no time.
    """
    with studio.store.reading() as conn:
        asked = asked_in(conn, work_id)
        return decide(permissions_about(conn, asked), asked, verb, at or now(), by=studio.operator, use=use)


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
