"""Which facts go into the log, and how each is read from the books: a type, how many there are, and what each says.

Rows of the books are only ever added, so as many entries of a type as rows means that nothing waits to be logged; only
where the numbers differ are the rows read. What others told the operator (permissions, splits, contracts) is logged as it
was recorded; what is reported goes in as one entry for each hand-in, with a digest over all its rows, so that a row that is
dropped or changed later is found by whoever holds the rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.payouts import payout_tables
from endcredits.royalties import contract_tables, step_tables
from endcredits.royalties.recording import cut_off
from endcredits.royalties.row_log import reports_digest
from endcredits.royalties.tables import currency_rates, refunds, revenues, usage_events
from endcredits.store import many
from endcredits.works import parties, permissions, plain_of, share_tables, tables, works
from endcredits.works.likeness import tables as likeness_tables

WORK, SPLIT, CONSENT, MODEL, INTAKE = "work.register", "split.set", "consent.state", "model.train", "usage.intake"
FILE_MARK = "file.mark"
CONTRACT, UNITS, STEP = "contract.set", "units.set", "period.step"
PARTY, FUND, SHEET, ACCEPTED = "party.add", "fund.set", "sheet.propose", "sheet.accept"
LATER_CREDIT, TITLE, WORK_NUMBER, PARTY_NUMBER = "work.credit", "work.title", "work.number", "party.number"
IMPORTED = "share.import"
SAMPLED = "audit.report"
OPENED, ENDED, BATCH, SETTLED = "dispute.open", "dispute.close", "payout.batch", "payout.settle"

LIKENESS_GRANT = "likeness.grant"
"""A person's consent to uses of their likeness: it is in the log before it is used."""

Item = tuple[str, Any]
"""A fact's key within its type, and its body."""
SAMPLES = Path("audits") / "samples"
"""Where a studio keeps the reports of samples, which are facts, too."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of facts that stand in the books.

    Attributes:
        type: of the log's entries.
        count: how many there are, as a query of one number that both databases know.
        items: all of them.
    """

    type: str
    count: str
    items: Callable[[Connection], Iterator[Item]]


def _of_table(kind: str, table: sa.Table) -> Kind:
    """Every row of a table is a fact, told by its primary key, and its columns but the digest are the body."""
    keys = [column.name for column in table.primary_key.columns]
    columns = [column for column in table.columns if column.name != "digest"]

    def items(conn: Connection) -> Iterator[Item]:
        for row in many(conn, sa.select(*columns).order_by(*(table.c[key] for key in keys))):
            yield ":".join(str(row[key]) for key in keys), {name: value for name, value in row.items()}

    return Kind(kind, _rows(table), items)


def _rows(table: sa.Table) -> str:
    return f"SELECT COUNT(*) FROM {table.name}"


def _sets(table: sa.Table, key: Sequence[sa.Column[Any]]) -> str:
    """How many sets of rows share a key."""
    return f"SELECT COUNT(*) FROM (SELECT DISTINCT {', '.join(one.name for one in key)} FROM {table.name}) AS sets"


def _flat(record: Any) -> dict[str, Any]:
    """The fields of a record that holds no records; `asdict` looks for some in every value, ten times as long."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _works(conn: Connection) -> Iterator[Item]:
    """A work with its files, its credits and the parties that they name."""
    people = parties(conn)
    times = dict(conn.execute(sa.select(tables.works.c.work_id, tables.works.c.registered_at)).all())
    for work in works(conn):
        named = sorted({credit.party_id for credit in work.credits})
        yield (
            work.work_id,
            {
                "work_id": work.work_id,
                "title": work.title,
                "registered_at": times[work.work_id],
                "files": [_flat(file) for file in work.manifestations],
                "credits": [_flat(credit) for credit in work.credits],
                "parties": [asdict(people[party_id]) for party_id in named],
            },
        )


_SET = (tables.splits.c.work_id, tables.splits.c.right_name, tables.splits.c.territory, tables.splits.c.valid_from)


def _splits(conn: Connection) -> Iterator[Item]:
    """A set of splits: of one right in one work, in one territory, from one day on."""
    rows = many(conn, sa.select(tables.splits).order_by(*_SET, tables.splits.c.party_id))
    names = [column.name for column in _SET]
    for key, group in groupby(rows, key=lambda row: tuple(row[name] for name in names)):
        own = sorted((row["party_id"], row["split_ppb"]) for row in group)
        body = dict(zip(("work_id", "right", "territory", "valid_from"), key, strict=True))
        yield ":".join(key), {**body, "splits": [{"party_id": one, "split_ppb": ppb} for one, ppb in own]}


def _added_parties(conn: Connection) -> Iterator[Item]:
    """Parties whom sheets, funds and imports named before any registered work did."""
    people = parties(conn)
    for row in many(conn, sa.select(share_tables.added_parties.c.party_id).order_by("party_id")):
        yield row["party_id"], asdict(people[row["party_id"]])


_FUND = (share_tables.fund_shares.c.fund_id, share_tables.fund_shares.c.valid_from)


def _funds(conn: Connection) -> Iterator[Item]:
    """A set of a fund's members, from one day on."""
    rows = many(conn, sa.select(share_tables.fund_shares).order_by(*_FUND, share_tables.fund_shares.c.party_id))
    for key, group in groupby(rows, key=lambda row: (row["fund_id"], row["valid_from"])):
        own = sorted((row["party_id"], row["share_ppb"]) for row in group)
        body = dict(zip(("fund_id", "valid_from"), key, strict=True))
        yield ":".join(key), {**body, "shares": [{"party_id": one, "share_ppb": ppb} for one, ppb in own]}


def _sheets(conn: Connection) -> Iterator[Item]:
    for key, body in _of_table(SHEET, share_tables.split_sheets).items(conn):
        yield key, {**body, "lines": json.loads(body["lines"])}


def _consents(conn: Connection) -> Iterator[Item]:
    for permission in permissions(conn):
        yield permission.permission_id, plain_of(permission)


def _steps(conn: Connection) -> Iterator[Item]:
    for key, body in _of_table(STEP, step_tables.close_steps).items(conn):
        yield key, {**body, "facts": json.loads(body["facts"])}


def _batches(conn: Connection) -> Iterator[Item]:
    """A batch of payments without its bank details, which no entry needs."""
    of_batch: dict[str, list[Mapping[str, Any]]] = {}
    table = payout_tables.payout_payments
    for row in many(conn, sa.select(table).order_by(table.c.payment_id)):
        of_batch.setdefault(row["batch_id"], []).append(
            {name: value for name, value in row.items() if name not in ("batch_id", "digest")}
        )
    for row in many(conn, sa.select(payout_tables.payout_batches).order_by(payout_tables.payout_batches.c.batch_id)):
        yield row["batch_id"], {**_public(row), "payments": of_batch.get(row["batch_id"], [])}


def _public(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("batch_id", "plan_id")}


def _settled(conn: Connection) -> Iterator[Item]:
    """What became of batches and of single payments."""
    for key, body in _of_table(SETTLED, payout_tables.payout_states).items(conn):
        yield key, {name: value for name, value in body.items() if name != "place"}
    yield from _of_table(SETTLED, payout_tables.payment_states).items(conn)


def _sealed(kind: str, table: sa.Table, *private: str) -> Kind:
    """As `_of_table`, with columns left out that the row's salted digest stands for: who is shown facts need not see them.

    Where the key is left out, because it is made of what is private, the digest is the key too; and the digest of its grant
    stands for the grant that a row names.
    """
    keys = [column.name for column in table.primary_key.columns]
    granted = likeness_tables.likeness_grants
    query = sa.select(table).order_by(*(table.c[key] for key in keys))
    of_grant = "grant_id" in table.c and table is not granted
    if of_grant:
        query = query.add_columns(sa.func.coalesce(granted.c.digest, "").label("grant_row_sha256"))
        query = query.outerjoin(granted, granted.c.grant_id == table.c.grant_id)
    hidden = {*private, "salt", "digest", *(["grant_id"] if of_grant else [])}

    def items(conn: Connection) -> Iterator[Item]:
        for row in many(conn, query):
            shown = {name: value for name, value in row.items() if name not in hidden}
            key = row["digest"] if hidden.intersection(keys) else ":".join(str(row[key]) for key in keys)
            yield key, {**shown, "row_sha256": row["digest"]}

    return Kind(kind, _rows(table), items)


_PERSON = ("turns_18_on", "guardian_id", "deceased_on", "rights_holder_id")
_REFERENCE = ("enrolment_id", "reference_sha256", "content_code", "kept_at")
LIKENESS = (
    _sealed("likeness.person", likeness_tables.likeness_people, *_PERSON),
    _sealed("likeness.enrol", likeness_tables.likeness_enrolments, *_REFERENCE),
    _sealed(LIKENESS_GRANT, likeness_tables.likeness_grants, "grant_id", "document"),
    _sealed("likeness.revoke", likeness_tables.likeness_revocations, "revocation_id", "reason", "declared_by"),
    _sealed("likeness.use", likeness_tables.likeness_uses, "document"),
    _of_table("likeness.output", likeness_tables.likeness_outputs),
)
"""What people said of their likeness, and how it was used. Birthdays, families, terms and reasons stay in the studio, and
so do the ids that are made of them."""

KINDS = (
    Kind(WORK, _rows(tables.works), _works),
    Kind(SPLIT, _sets(tables.splits, _SET), _splits),
    _of_table(FILE_MARK, tables.file_marks),
    Kind(CONSENT, _rows(tables.permissions), _consents),
    Kind(PARTY, _rows(share_tables.added_parties), _added_parties),
    Kind(FUND, _sets(share_tables.fund_shares, _FUND), _funds),
    Kind(SHEET, _rows(share_tables.split_sheets), _sheets),
    _of_table(ACCEPTED, share_tables.sheet_acceptances),
    _of_table(LATER_CREDIT, share_tables.added_credits),
    _of_table(TITLE, share_tables.work_titles),
    _of_table(WORK_NUMBER, share_tables.work_identifiers),
    _of_table(PARTY_NUMBER, share_tables.party_identifiers),
    _of_table(IMPORTED, share_tables.share_imports),
    *LIKENESS,
    _of_table(CONTRACT, contract_tables.contracts),
    _of_table(UNITS, step_tables.crew_units),
    _of_table(OPENED, contract_tables.disputes),
    _of_table(ENDED, contract_tables.dispute_ends),
    Kind(STEP, _rows(step_tables.close_steps), _steps),
    Kind(BATCH, _rows(payout_tables.payout_batches), _batches),
    Kind(SETTLED, f"SELECT ({_rows(payout_tables.payout_states)}) + ({_rows(payout_tables.payment_states)})", _settled),
)
"""The facts that stand in the books row by row, in the order in which they are logged."""

_COUNTS = sa.text(f"SELECT {', '.join(f'({kind.count})' for kind in KINDS)}")


def counted(conn: Connection) -> dict[str, int]:
    """How many facts of each type stand in the books, in one query: it is asked after every write."""
    return dict(zip((kind.type for kind in KINDS), map(int, conn.execute(_COUNTS).one()), strict=True))


DATED: tuple[tuple[str, sa.Table, Any, Any], ...] = (
    ("events", usage_events, usage_events.c.used_at, usage_events.c.revenue_micros),
    ("revenue", revenues, revenues.c.earned_on, revenues.c.gross_micros),
    ("refunds", refunds, refunds.c.refunded_at, refunds.c.refund_micros),
    ("rates", currency_rates, currency_rates.c.fixed_on, None),
)
"""Every kind of report: its table, when it happened, and its money."""


def intake(conn: Connection, after: int, to: int | None = None) -> Item | None:
    """What was reported after a number (and up to another), as one fact; None when there is nothing.

    Its digest is over all rows, by number; beside it stand how many rows of which kind happened on which day and how much
    they are, so that rows of a day cannot be left out of that day's period either.
    """
    last = cut_off(conn) if to is None else to
    if last <= after:
        return None
    days: dict[str, list[dict[str, Any]]] = {}
    for kind, table, moment, money in DATED:
        day = sa.func.substr(moment, 1, 10)
        total = sa.literal(0) if money is None else sa.func.sum(money)
        query = sa.select(day, table.c.currency, sa.func.count(), total)
        query = query.where(table.c.number > after, table.c.number <= last).group_by(day, table.c.currency)
        found = sorted((str(one), str(two), int(three), int(four or 0)) for one, two, three, four in conn.execute(query))
        days[kind] = [{"day": one, "currency": two, "rows": n, "micros": str(m)} for one, two, n, m in found]
    body = {"after": after, "to": last, "digest": reports_digest(conn, after, last), "days": days}
    return f"{after + 1}-{last}", body
