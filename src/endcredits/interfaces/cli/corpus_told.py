"""What `endcredits corpus` says: outcomes, manifests, and two works side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from endcredits.interfaces.cli.common import say

if TYPE_CHECKING:
    from endcredits.flows.admitting import Admitted, Outcome
    from endcredits.flows.checking_corpora import CorpusState
    from endcredits.flows.reviewing import Side, Waiting

SHOWN = 30
"""Works of a kind that are listed; --json has all."""
EXCERPT_LINES = 6
WIDTH = 58
_TURNING = re.compile("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that turn a line around; a text must not be able to pass for its neighbour."""


def document(done: Admitted) -> dict[str, Any]:
    """What the gate did, as one JSON document."""
    return {
        "corpus_digest": done.corpus_digest,
        "manifest_sha256": done.admission.digest,
        "compared_by": list(done.compared_by),
        "files_read": done.read,
        "known": done.known,
        **{kind: [_plain(one) for one in done.having(kind)] for kind in ("admitted", "refused", "waiting")},
    }


def _plain(one: Outcome) -> dict[str, Any]:
    return {
        "name": one.name,
        "work_id": one.work_id,
        "value": one.value,
        "verb": one.verb,
        "reason": one.reason,
        "permission_id": one.permission_id,
        "files": list(one.files),
        "looks_like": [
            {"to": hold.likeness.owner, "by": hold.likeness.by, "distance_bits": hold.likeness.distance_bits}
            for hold in one.holds
        ],
    }


def tell(done: Admitted) -> None:
    """What the gate did, for people: what was not admitted, and the counts."""
    for kind in ("refused", "waiting"):
        rows = done.having(kind)
        for one in rows[:SHOWN]:
            say(f"{kind:<9}{one.name}{f'  {one.work_id}' if one.work_id not in ('', one.name) else ''}")
            say(f"{'':<9}{'' if one.verb == 'train' else f'{one.verb}: '}{one.reason}")
        if len(rows) > SHOWN:
            say(f"{kind:<9}and {len(rows) - SHOWN} more: endcredits corpus show --json")
    counts = {kind: len(done.having(kind)) for kind in ("admitted", "refused", "waiting")}
    say(f"{counts['admitted']} admitted, {counts['refused']} refused, {counts['waiting']} waiting.")
    say(f"{done.read} files were read, {done.known} works were known. Refused works were looked for by {_by(done)}.")
    say(f"Corpus {done.corpus_digest}, manifest signed.")
    if counts["waiting"]:
        say("Next: endcredits corpus review WORK")


def _by(done: Admitted) -> str:
    told = {"sha256": "bytes", "letters": "letters", "iscc": "content codes"}
    words = ", ".join(told[one] for one in done.compared_by)
    return words if "iscc" in done.compared_by else f"{words}; for content codes: pip install 'endcredits[media]'"


def tell_manifest(name: str, document: Any) -> None:
    """A whole manifest, for people."""
    say(f"Corpus {name}, made at {document['made_at']}; what was permitted stands in the first {document['log']['size']} ")
    say(f"entries of the log. Refused works were looked for by {', '.join(document['compared_by'])}.")
    for row in document["works"][:SHOWN]:
        say(f"admitted  {row['work_id']}  by {row['permission_id']} ({row['value']})")
    for kind in ("refused", "waiting"):
        for row in document[kind][:SHOWN]:
            say(f"{kind:<10}{row['name']}  {row['work_id']}")
            by = f"  ({row['permission_id']})" if row["permission_id"] else ""
            say(f"{'':<10}{row['reason']}{by}")
    counts = ", ".join(f"{len(document[rows])} {told}" for rows, told in KINDS)
    say(f"{counts}. All of it: endcredits corpus show --json")


KINDS = (("works", "admitted"), ("refused", "refused"), ("waiting", "waiting"))


def tell_corpus(one: CorpusState) -> None:
    """How a corpus stands, for people."""
    say(f"{one.corpus_digest}  manifest {one.state}{'  (current)' if one.current else ''}")
    if one.state == "whole":
        say(f"  made at {one.made_at}: {one.admitted} admitted, {one.refused} refused, {one.waiting} waiting")
    else:
        say(f"  {one.problem}")
    for index, flags in one.indexes.items():
        say(f"  index {index}" + (f": {len(flags)} of its works may no longer be used" if flags else ""))
        for flag in flags[:SHOWN]:
            say(f"    since {flag.since[:10]}  {flag.work_id}: {flag.reason}")


def plain_corpus(one: CorpusState) -> dict[str, Any]:
    """How a corpus stands, as JSON."""
    row = {name: getattr(one, name) for name in one.__dataclass_fields__ if name != "indexes"}
    row["indexes"] = [
        {"index": index, "withdrawn": [{"work_id": f.work_id, "since": f.since, "reason": f.reason} for f in flags]}
        for index, flags in one.indexes.items()
    ]
    return row


def _plain_side(side: Side) -> dict[str, Any]:
    row = {name: getattr(side, name) for name in side.__dataclass_fields__}
    return {**row, "people": list(side.people), "file": str(side.file) if side.file else ""}


def plain_waiting(found: Waiting) -> dict[str, Any]:
    """What a person looks at, as JSON."""
    return {
        "work": _plain_side(found.own),
        "value": found.decision.value,
        "reason": found.decision.reason,
        "looks_like": [
            {
                "refused": _plain_side(side),
                "by": hold.likeness.by,
                "distance_bits": hold.likeness.distance_bits,
                "permission_id": hold.permission.permission_id,
                "reviewed": hold.answered,
            }
            for hold, side in found.likes
        ],
    }


def tell_waiting(found: Waiting) -> None:
    """What a person looks at: the two side by side."""
    say(f"{found.own.work_id}: {found.decision.value}: {found.decision.reason}")
    for hold, side in found.likes:
        say("")
        say(f"{hold.likeness.words()}{'; reviewed' if hold.answered else ''}")
        for left, right in _side_by_side(found.own, side):
            say(f"  {left:<{WIDTH}}| {right}".rstrip())
        say(f"  Look at both: {found.own.file} and {side.file or 'no file'}")
    if not found.likes:
        for line, _ in _side_by_side(found.own, found.own):
            say(f"  {line}".rstrip())
        say(f"  Look at it: {found.own.file}")


def _side_by_side(left: Side, right: Side) -> list[tuple[str, str]]:
    """Two columns: who, what, where, and how each text begins."""
    from itertools import zip_longest
    from textwrap import wrap

    columns = []
    for side in (left, right):
        size = f"{side.size_bytes:,} bytes, {side.media_type}" if side.file else "nothing but its code is known"
        head = [side.work_id, side.title, ", ".join(side.people) or "nobody named", size]
        lines = [line for text in head for line in wrap(text, WIDTH - 2) or [""]]
        columns.append([*lines, *wrap(_TURNING.sub("\ufffd", side.excerpt), WIDTH - 2)[:EXCERPT_LINES]])
    return [(one, two) for one, two in zip_longest(*columns, fillvalue="")]
