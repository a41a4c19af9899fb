"""A use of a likeness: asked about, or decided, counted and reported for payment in one step.

    ask(studio, request)                                                       # decides and counts nothing
    done = use(studio, request, use_id="spot-1", output_id="output:4f2a")      # decided, counted and reported, or refused

A use is decided and counted in one transaction, and so is the usage event by which it is paid (`royalties`): what was
counted is owed, and what was refused is neither. A grant is in the log before it is used, because `complete` puts it there
before anything is decided.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.attribution import attributed
from endcredits.canonical import canonical_bytes
from endcredits.errors import ConflictError, NotFoundError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.likeness_known import logged_grants, refusal_of
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, plain_id
from endcredits.royalties import make_event
from endcredits.royalties.forms import handed_in
from endcredits.royalties.recording import Added, record_events
from endcredits.works import known_works
from endcredits.works.likeness import (
    PURPOSES,
    LikenessDecision,
    LikenessUse,
    RecordedUse,
    Resemblance,
    check_use,
    decide_likeness,
    fee_of,
    find_use,
    grants,
    insert_use,
    name_output,
    record_use,
    require_person,
    standing_of,
)
from endcredits.works.likeness.synthetic import OFFER, SYNTHETIC, decide_synthetic

SERVICE = "likeness"
"""The service under which uses are reported."""
NO_CURRENCY = "USD"
"""Uses earn nothing by themselves; where no fee was agreed their revenue of zero is in this currency."""


@dataclass(frozen=True, slots=True)
class Used:
    """What became of a request.

    Attributes:
        decision: with all reasons.
        use: as counted; None where it was refused, and then nothing was recorded.
        payment: "reported" (the next close pays it), "waits" (its output is not attributed yet, so it is held), "unnamed"
            (no output was named yet), or "" where it was refused.
    """

    decision: LikenessDecision
    use: RecordedUse | None
    payment: str


def ask(studio: Studio, request: LikenessUse, *, at: str = "", resemblances: Iterable[Resemblance] = ()) -> LikenessDecision:
    """Decides a request without counting it.

    Args:
        studio: whose.
        request: what is asked for.
        at: UTC time asked about, now by default; uses are those counted so far.
        resemblances: what tests of resemblance say.
    """
    moment = at or now()
    fact_log.complete(studio)
    with studio.store.reading() as conn:
        standing = standing_of(
            conn,
            request.person_id,
            logged_grants(studio, request.person_id),
            refusal_of(studio, conn, request.person_id, moment, training=request.purpose == PURPOSES[1]),
        )
    return decide_likeness(standing, request, moment, resemblances=resemblances)


def use(
    studio: Studio,
    request: LikenessUse,
    *,
    use_id: str = "",
    output_id: str = "",
    resemblances: Sequence[Resemblance] = (),
) -> Used:
    """Decides a request now and, where it is permitted, counts it and reports it for payment, all or nothing.

    Args:
        studio: whose.
        request: what is asked for.
        use_id: the operator's own id, by which the same use handed in again is found counted; "" makes one.
        output_id: the output in which it appears; "" where it is not made yet, and then `appear` names it later.
        resemblances: what tests of resemblance say.

    Raises:
        InputError: the request makes no sense.
        ConflictError: the id was counted with another request or output.
    """
    check_use(request)
    made = plain_id(use_id or f"use-{secrets.token_hex(8)}", what="use_id")
    fact_log.complete(studio)
    logged = logged_grants(studio, request.person_id)

    def work(conn: Connection) -> Used:
        at = now()  # of this attempt: who had to wait for another's writing is not earlier for that
        refused = refusal_of(studio, conn, request.person_id, at, training=request.purpose == PURPOSES[1])
        decision, found = record_use(conn, made, request, at, logged=logged, refused=refused, resemblances=resemblances)
        if found is None:
            return Used(decision, None, "")
        return _reported(conn, decision, found, output_id, at)

    return fact_log.write(studio, work)


def use_synthetic(
    studio: Studio,
    document: Mapping[str, Any],
    *,
    territory: str = "WORLD",
    jurisdictions: Sequence[str] = (),
    count: int = 1,
    use_id: str = "",
    output_id: str = "",
) -> Used:
    """The same for a synthetic performer, who is nobody: what is paid goes to the fund that the policy names.

    Args:
        studio: whose.
        document: the fields of `works.likeness.synthetic.FIELDS`.
        territory: where it is shown.
        jurisdictions: other places whose rules are asked.
        count: how many uses.
        use_id: as for `use`.
        output_id: as for `use`.

    Raises:
        InputError: the record makes no sense.
        ConflictError: as for `use`.
    """
    made, at = plain_id(use_id or f"use-{secrets.token_hex(8)}", what="use_id"), now()
    decision = decide_synthetic(document, at, sorted({territory, *jurisdictions}))
    if decision.value == "deny":
        return Used(decision, None, "")
    whole = canonical_bytes({"record": dict(document), "territory": territory, "count": count}).decode()
    # Checked like any request; the names only stand in for a person's.
    check_use(LikenessUse(PartyId("party:nobody"), SYNTHETIC, SYNTHETIC, SYNTHETIC, territory, ("body",), count))

    def work(conn: Connection) -> Used:
        known = find_use(conn, made)
        if known is None:
            insert_use(conn, RecordedUse(made, "", "", -1, count, at, SYNTHETIC, OFFER, whole))
            known = find_use(conn, made)
        assert known is not None
        if known.document != whole:
            raise ConflictError(
                f"the use '{made}' was counted with another request",
                remedy="Give every use an id of its own; what was counted is never changed.",
                field="use_id",
            )
        return _reported(conn, decision, known, output_id, at)

    return fact_log.write(studio, work)


def appear(studio: Studio, use_id: str, output_id: str) -> Used:
    """Names the output in which a counted use appears, so that it can be paid. The same again changes nothing.

    Raises:
        NotFoundError: no such use.
        ConflictError: another output was named.
    """
    at = now()

    def work(conn: Connection) -> Used:
        found = find_use(conn, use_id)
        if found is None:
            raise NotFoundError(
                f"there is no use '{use_id[:60]}'", remedy="See: endcredits likeness show PERSON.", field="use_id"
            )
        decision = LikenessDecision("allow", found.used_at, "granted", "it was counted before", found.grant_id, found.row)
        return _reported(conn, decision, found, output_id, at)

    return fact_log.write(studio, work)


def _reported(conn: Connection, decision: LikenessDecision, found: RecordedUse, output_id: str, at: str) -> Used:
    """Reports a counted use as a usage event, once its output is known."""
    if output_id:
        found = name_output(conn, found.use_id, output_id, at)
    if not found.output_id:
        return Used(decision, found, "unnamed")
    grant = next((one for one in grants(conn, found.person_id) if one.grant_id == found.grant_id), None)
    fee = fee_of(grant.pay) if grant is not None else None
    event = make_event(
        f"likeness:{found.use_id}",
        found.output_id,
        found.used_at,
        0,
        fee.currency if fee is not None else NO_CURRENCY,
        SERVICE,
        _country(str(json.loads(found.document)["territory"])),
        offer=found.offer,
        uses=found.count,
        use=found.kind,
        declared=(require_person(conn, found.person_id).work_id,) if found.person_id else (),
    )
    added: Added = record_events(
        conn,
        handed_in([event]),
        at=at,
        outputs_known=lambda ids: attributed(conn, ids),
        works_known=lambda ids: known_works(conn, ids),
    )
    return Used(decision, found, "waits" if added.held else "reported")


def _country(place: str) -> str:
    """The territory of a use as usage events tell it: a country, or WORLD for what is larger."""
    country = place.partition("-")[0]
    return country if len(country) == 2 and country != "EU" else "WORLD"
