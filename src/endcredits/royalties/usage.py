"""Usage events: which output was used when, and what it earned.

Files are CSV (with a header), JSON Lines or Parquet, one event a row:

    event_id,output_id,used_at,revenue,currency,service,territory,offer,payer,uses,use,tax,declared
    sale-1,output:4f2a,2026-11-03T12:00:00Z,0.25,EUR,web,DE,premium,p-81,1,generation,0.04,work-a;work-b

`revenue` (and `tax`, the taxes within it) is a decimal number of main units; `revenue_micros` (`tax_micros`) a whole number
of micros; a row has one of the two. Everything after `currency` may be left out. `declared` names works that the operator
states were used, joined by ";" (in JSON and Parquet a list is fine, too). Amounts never pass through a float. Unless rows
are to be held (`recording.py`), a row that cannot be used is named and nothing of the file is taken.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from endcredits.errors import InputError
from endcredits.ids import OutputId, WorkId, plain_id
from endcredits.money import currency_code
from endcredits.royalties import cells
from endcredits.royalties.cells import Texts, amount, check_micros, check_tax, day, not_future, utc_time, whole
from endcredits.royalties.forms import Form, Read, read_rows, unique
from endcredits.royalties.records import UsageEvent

__all__ = ["EVENTS", "USES_MAX", "day", "make_event", "read_usage", "usage_rows", "utc_time"]

USES_MAX = 1_000_000_000
"""Most uses that one event stands for; sums over a period stay far below 2**63."""
DECLARED_MAX = 1_000
"""Most works that one event declares."""


def make_event(
    event_id: str,
    output_id: str,
    used_at: str,
    revenue_micros: int,
    currency: str,
    service: str = "default",
    territory: str = "WORLD",
    *,
    offer: str = "",
    payer: str = "",
    uses: int = 1,
    use: str = "generation",
    tax_micros: int = 0,
    declared: Iterable[str] = (),
    now: str = "",
) -> UsageEvent:
    """Makes a usage event after checking every value.

    Args:
        event_id: the operator's own id, 1 to 200 plain characters.
        output_id: of the attributed output.
        used_at: UTC time as ISO 8601 ("2026-11-03T12:00:00Z" or "+00:00"); kept with "Z", whole seconds.
        revenue_micros: what it earned before taxes, 0 to 2**53 - 1.
        currency: ISO 4217 code.
        service: product or channel, one line of at most 200 characters.
        territory: "WORLD" or an ISO 3166-1 alpha-2 code.
        offer: tariff or plan, "" where there is one only.
        payer: a pseudonym of who paid, "" where that is not told apart.
        uses: how many uses it stands for, 1 to `USES_MAX`.
        use: kind of use.
        tax_micros: the taxes within the revenue, 0 to `revenue_micros`.
        declared: works stated as used, each once, in any order.
        now: UTC time; a use more than `cells.SKEW_HOURS` later is refused. "" to leave that to the recording.

    Raises:
        InputError: naming the field.
    """
    check_micros(revenue_micros, "revenue_micros", "a revenue", currency)
    if isinstance(uses, bool) or not isinstance(uses, int) or not 1 <= uses <= USES_MAX:
        raise InputError(
            f"{cells.shown(repr(uses), 40)} is not a number of uses",
            remedy=f"Give a whole number from 1 to {USES_MAX}.",
            field="uses",
        )
    return UsageEvent(
        event_id=plain_id(event_id, what="event_id"),
        output_id=OutputId(plain_id(output_id, what="output_id")),
        used_at=not_future(utc_time(used_at, field="used_at"), now, field="used_at"),
        revenue_micros=revenue_micros,
        currency=currency_code(currency),
        service=cells.name(service, "service"),
        territory=cells.territory(territory),
        offer=cells.name(offer, "offer", may_be_empty=True),
        payer=cells.name(payer, "payer", may_be_empty=True),
        uses=uses,
        use=cells.name(use, "use"),
        tax_micros=check_tax(tax_micros, revenue_micros, currency),
        declared=_declared(tuple(declared)),
    )


def _declared(works: tuple[str, ...]) -> tuple[WorkId, ...]:
    if not works:
        return ()
    found = sorted({WorkId(plain_id(work, what="declared")) for work in works})
    if len(found) != len(works):
        raise InputError("a work is declared twice", remedy="Name every work once.", field="declared")
    if len(found) > DECLARED_MAX:
        raise InputError(
            f"{len(found)} works are declared", remedy=f"Declare at most {DECLARED_MAX} an event.", field="declared"
        )
    return tuple(found)


def _make(texts: Texts, now: str) -> UsageEvent:
    return make_event(
        texts["event_id"],
        texts["output_id"],
        texts["used_at"],
        amount(texts, "revenue"),
        texts["currency"],
        texts.get("service", "default"),
        texts.get("territory", "WORLD"),
        offer=texts.get("offer", ""),
        payer=texts.get("payer", ""),
        uses=whole(texts, "uses", 1),
        use=texts.get("use", "generation"),
        tax_micros=amount(texts, "tax", 0),
        declared=[work.strip() for work in texts["declared"].split(";")] if "declared" in texts else (),
        now=now,
    )


EVENTS: Form[UsageEvent] = Form(
    kind="events",
    id_field="event_id",
    needed=("event_id", "output_id", "used_at", "currency"),
    others=(
        "revenue",
        "revenue_micros",
        "service",
        "territory",
        "offer",
        "payer",
        "uses",
        "use",
        "tax",
        "tax_micros",
        "declared",
    ),
    numbers=frozenset({"revenue", "revenue_micros", "uses", "tax", "tax_micros"}),
    lists=frozenset({"declared"}),
    make=_make,
)
"""What a file of usage events looks like."""


def usage_rows(path: str | os.PathLike[str], *, now: str) -> Iterator[Read[UsageEvent]]:
    """The rows of a file one by one, good and bad, in bounded memory; see `forms.read_rows`."""
    return read_rows(path, EVENTS, now=now)


def read_usage(path: str | os.PathLike[str], *, now: str) -> tuple[UsageEvent, ...]:
    """Reads the usage events of a file, in its order; an event that stands twice with equal content counts once.

    Args:
        path: a CSV file (`.csv`), JSON Lines (`.jsonl`, `.ndjson`) or Parquet (`.parquet`), UTF-8.
        now: UTC time; events more than `cells.SKEW_HOURS` later are refused. "" to leave that to the recording.

    Raises:
        InputError: naming file, row and field; or one id with two contents.
    """
    return unique(usage_rows(path, now=now), lambda event: event.event_id, "event_id")
