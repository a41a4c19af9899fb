"""The steps of a close: proposed, computed, approved; or withdrawn and proposed again. What is approved may be corrected.

Closing takes a while and may be killed at any moment, two people may do it at once, and somebody else may have to approve
it. So each step is a row that is only ever added, with a number of its own per period, and a period's state is what its
rows say from first to last. Two closers who add the same number at the same moment cannot both succeed: the second finds
the number taken, reads again, and goes on from what the first did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes
from endcredits.errors import ConflictError
from endcredits.royalties.row_log import insert_logged
from endcredits.royalties.step_tables import close_steps
from endcredits.store import Finding, check_rows, many

STEPS = ("proposed", "computed", "withdrawn", "approved", "corrected")
"""What a row may say."""

FOLLOWS = {
    "": ("proposed",),
    "proposed": ("computed", "withdrawn"),
    "computed": ("approved", "withdrawn"),
    "withdrawn": ("proposed",),
    "approved": ("corrected",),
    "corrected": ("corrected",),
}
"""What may follow what; nothing but corrections follows an approval."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the close of one period.

    Attributes:
        period_id: the period.
        number: from 1, without gaps.
        step: one of `STEPS`.
        by: who did it, as the operator names people; "" where nobody was named.
        at: UTC time.
        facts: what belongs to it: the days, the policy and the cut-off that were proposed; the digest of the close that was
            computed or approved; the reason of a withdrawal; version, digest, reason and entries of a correction.
    """

    period_id: str
    number: int
    step: str
    by: str
    at: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def steps_of(conn: Connection, period_id: str) -> tuple[Step, ...]:
    """The steps of a period, in order."""
    table = close_steps.c
    rows = many(conn, sa.select(close_steps).where(table.period_id == period_id).order_by(table.number))
    return tuple(_step(row) for row in rows)


def all_steps(conn: Connection) -> tuple[tuple[Step, ...], ...]:
    """The steps of every period, by its id."""
    names = conn.scalars(sa.select(close_steps.c.period_id).distinct().order_by(close_steps.c.period_id)).all()
    return tuple(steps_of(conn, name) for name in names)


def standing(steps: tuple[Step, ...], step: str) -> Step | None:
    """The latest step of a kind that no withdrawal has undone."""
    found = None
    for one in steps:
        if one.step == "withdrawn":
            found = None
        elif one.step == step:
            found = one
    return found


def open_proposals(conn: Connection) -> tuple[str, ...]:
    """The periods whose close is proposed or computed, and neither approved nor withdrawn."""
    names = conn.scalars(sa.select(close_steps.c.period_id).distinct().order_by(close_steps.c.period_id)).all()
    return tuple(name for name in names if steps_of(conn, name)[-1].step in ("proposed", "computed"))


def add_step(conn: Connection, step: Step) -> Step:
    """Records a step.

    Raises:
        ConflictError: its number is taken by another step, or it may not follow the last one.
    """
    before = steps_of(conn, step.period_id)
    if before and before[-1] == step:
        return step
    last = before[-1].step if before else ""
    if step.number != len(before) + 1 or step.step not in FOLLOWS.get(last, ()):
        raise ConflictError(
            f"the close of the period '{step.period_id}' is {last or 'not yet proposed'}, so it cannot be {step.step} now",
            remedy=f"See what was done: endcredits period steps {step.period_id}.",
            field="period",
        )
    insert_logged(
        conn,
        close_steps,
        [
            {
                "period_id": step.period_id,
                "number": step.number,
                "step": step.step,
                "done_by": step.by,
                "done_at": step.at,
                "facts": canonical_bytes(dict(step.facts)).decode(),
            }
        ],
    )
    return step


def check_steps(conn: Connection) -> list[Finding]:
    """That rows fit their digests and that every step may follow the one before it."""
    findings = check_rows(conn, close_steps)
    for name in conn.scalars(sa.select(close_steps.c.period_id).distinct().order_by(close_steps.c.period_id)).all():
        last = ""
        for number, step in enumerate(steps_of(conn, name), 1):
            if step.number != number or step.step not in FOLLOWS.get(last, ()):
                findings.append(Finding(f"close of {name}, step {step.number}", f"'{step.step}' cannot follow '{last}'"))
            last = step.step
    return findings


def _step(row: Mapping[str, Any]) -> Step:
    return Step(row["period_id"], row["number"], row["step"], row["done_by"], row["done_at"], json.loads(row["facts"]))
