"""What people agreed to own becomes splits in the books, and what they claim more than once over becomes a dispute.

Sheets and imports come through here. Splits begin after the last closed day, as all do: a closed period keeps what it was
computed from. What is held more than once over is not averaged and not taken: a dispute is opened, and the work's money
waits.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError
from endcredits.ids import WorkId
from endcredits.royalties import closed_days
from endcredits.royalties.claims import Claim, dispute_over_claims
from endcredits.works import Split
from endcredits.works.shares import Agreed, Holding, OverHeld, agree, news


@dataclass(frozen=True, slots=True)
class Settled:
    """What holdings of a work came to.

    Attributes:
        agreed: all of it; see `endcredits.works.shares.Agreed`.
        news: those of its splits that change who is paid.
    """

    agreed: Agreed
    news: tuple[Split, ...]


def last_closed_day(conn: Connection) -> str:
    """The last day of a closed period, "" where none is closed."""
    return max((ends_on for _, _, ends_on in closed_days(conn)), default="")


def first_open_day(conn: Connection, today: str) -> str:
    """The first day on which something new may begin to hold: today, or the day after the last closed one."""
    last = last_closed_day(conn)
    return max(today, day_after(last)) if last else today


def day_after(day: str) -> str:
    """The next calendar day."""
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=1)).isoformat()


def must_begin_after(last: str, first_day: str, what: str) -> None:
    """Refuses what would change a closed period.

    Raises:
        ConflictError: the day is not after the last closed one.
    """
    if last and first_day <= last:
        raise ConflictError(
            f"{what} from {first_day} on would change periods that are closed up to {last}",
            remedy=f"Let them begin on {day_after(last)}, the day after.",
            field="valid_from",
        )


def settle(holdings: Iterable[Holding], before: Sequence[Split]) -> Settled:
    """Makes splits of holdings, and says which of them are news to a work with some splits."""
    agreed = agree(holdings, before)
    return Settled(agreed, news(agreed.splits, before))


def beginning(holdings: Iterable[Holding], day: str) -> list[Holding]:
    """The same holdings as far as they hold from a day on; what ended before is left out."""
    return [replace(one, valid_from=max(one.valid_from, day)) for one in holdings if not one.valid_to or one.valid_to >= day]


def open_disputes(conn: Connection, work_id: WorkId, over: Iterable[OverHeld], at: str, source: str) -> tuple[str, ...]:
    """Opens a dispute for every right that is held more than once over; the same claims again open nothing new.

    Returns:
        The disputes' ids.
    """
    claims = [Claim(work_id, one.right, one.place, party_id, ppb, source) for one in over for party_id, ppb in one.held]
    return tuple(dispute.dispute_id for dispute in dispute_over_claims(conn, claims, at))
