"""What happened to a batch and to each of its payments, as records.

A batch walks planned -> approved -> sending -> sent, or is cancelled before anything of it is sent. A payment of it is
accepted (by a rail that answers), confirmed (the money arrived) or returned, which may also happen after it was confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.payouts.payers import Payer
from endcredits.payouts.payments import Batch

STATES = ("approved", "sending", "sent", "cancelled")


@dataclass(frozen=True, slots=True)
class Step:
    """A batch's step.

    Attributes:
        state: "approved", "sending", "sent" or "cancelled".
        at: UTC time.
        by: who.
        sha256: of what is sent, from "sending" on.
        place: where it goes: a file's path, or a rail's name.
    """

    state: str
    at: str
    by: str
    sha256: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a payment.

    Attributes:
        state: "accepted", "confirmed" or "returned".
        at: UTC time.
        reference: the rail's or bank's name for it, or the reason of a return.
        entry_id: journal entry, "" for none.
    """

    state: str
    at: str
    reference: str
    entry_id: str = ""


@dataclass(frozen=True, slots=True)
class BookedBatch:
    """A batch with all that happened to it.

    Attributes:
        batch: as planned.
        payer: who pays; holds bank details and is for rails alone.
        plan_id: the plan that named it first.
        planned_at: UTC time.
        planned_by: who.
        four_eyes: whether somebody else must approve.
        steps: by state.
        fates: by payment id and state.
    """

    batch: Batch
    payer: Payer
    plan_id: str
    planned_at: str
    planned_by: str
    four_eyes: bool
    steps: dict[str, Step]
    fates: dict[tuple[str, str], Fate]

    @property
    def state(self) -> str:
        """The last step: "planned", "approved", "sending", "sent" or "cancelled"."""
        return next((state for state in reversed(STATES) if state in self.steps), "planned")

    def fate(self, payment_id: str) -> str:
        """What became of a payment: "returned", "confirmed", or the batch's own state."""
        return next((s for s in ("returned", "confirmed", "accepted") if (payment_id, s) in self.fates), self.state)
