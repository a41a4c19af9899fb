"""Reports, works and attributions for tests of recording and freezing: small, and all of them checked records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.attribution import Attribution, Line
from endcredits.ids import OutputId, PartyId, WorkId
from endcredits.money import PPB
from endcredits.royalties import recording
from endcredits.royalties.forms import handed_in
from endcredits.royalties.policy import policy_digest
from endcredits.royalties.recording import Added
from endcredits.royalties.records import PeriodClose, Refund, Revenue, UsageEvent
from endcredits.royalties.refunds import make_refund
from endcredits.royalties.revenue import make_revenue
from endcredits.royalties.rules import Part, Policy, PoolRule
from endcredits.royalties.tables import period_closes
from endcredits.royalties.usage import make_event
from endcredits.store import insert_records
from endcredits.works import Split, Work

NOW = "2026-12-02T08:00:00Z"
POLICY = Policy("half", (PoolRule("half", "net", PPB // 2, parts=(Part("works"),)),))


def event(name: str, *, on: str = "2026-11-03", output: str = "o1", micros: int = 1_000_000, **more: Any) -> UsageEvent:
    """A usage event at noon, in euros."""
    return make_event(name, output, f"{on}T12:00:00Z", micros, more.pop("currency", "EUR"), **more)


def revenue(name: str, *, on: str = "2026-11-30", micros: int = 5_000_000, **more: Any) -> Revenue:
    """A revenue in euros."""
    return make_revenue(name, on, micros, more.pop("currency", "EUR"), **more)


def refund(name: str, of: str, micros: int, *, currency: str = "EUR") -> Refund:
    """A refund at noon of 1 December."""
    return make_refund(name, of, "2026-12-01T12:00:00Z", micros, currency)


def everything(ids: Sequence[Any]) -> Collection[Any]:
    """All outputs and works are known."""
    return ids


def only(*known: str) -> Callable[[Sequence[Any]], Collection[Any]]:
    """These are known and no others."""
    return lambda ids: [one for one in ids if one in known]


def add_events(conn: Connection, *events: UsageEvent, at: str = NOW, hold: bool = False) -> Added:
    """Records events of known outputs and works."""
    return recording.record_events(
        conn, handed_in(events), at=at, outputs_known=everything, works_known=everything, hold=hold
    )


def attribution(output: str, credits: Mapping[str, int], log_ratio: int = 10) -> Attribution:
    """An attribution with the given credits in nano-nats, and errors of a tenth of them."""
    ranked = sorted(credits.items(), key=lambda item: (-item[1], item[0]))
    return Attribution(
        output_id=OutputId(output),
        output_sha256="0" * 64,
        prompt_sha256="1" * 64,
        output_bytes=10,
        method="test/1",
        index_digest="2" * 64,
        log_ratio_nanonats=log_ratio,
        credit_sum_nanonats=sum(credits.values()),
        unattributed_ppb=0,
        lines=tuple(Line(rank, WorkId(work), credit, abs(credit) // 10, 0) for rank, (work, credit) in enumerate(ranked, 1)),
    )


def attributed(*attributions: Attribution) -> Callable[[Sequence[OutputId]], Mapping[OutputId, Attribution]]:
    """What a freeze asks for attributions."""
    known = {one.output_id: one for one in attributions}
    return lambda ids: {one: known[one] for one in ids if one in known}


def split(party: str, ppb: int = PPB, *, territory: str = "WORLD", since: str = "0001-01-01", right: str = "train") -> Split:
    """A split."""
    return Split(PartyId(party), ppb, right, territory, since)


def work(name: str, *splits: Split) -> Work:
    """A work without files and credits."""
    return Work(WorkId(name), f"Title of {name}", (), (), splits)


def close_days(conn: Connection, period_id: str, starts_on: str, ends_on: str, cut_off: int | None = None) -> None:
    """Records a closed period, as far as counting looks at it: its days and its cut-off."""
    row = {
        "period_id": period_id,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "cut_off": recording.cut_off(conn) if cut_off is None else cut_off,
        "frozen_digest": "0" * 64,
        "document": "{}",
        "close_digest": "0" * 64,
        "entry_id": None,
    }
    insert_records(conn, period_closes, [row])


def a_close(period_id: str = "2026-11", starts_on: str = "2026-11-01", ends_on: str = "2026-11-30") -> PeriodClose:
    """A close in which nothing was earned."""
    return PeriodClose(
        period_id=period_id,
        starts_on=starts_on,
        ends_on=ends_on,
        policy=POLICY,
        policy_digest=policy_digest(POLICY),
        frozen=(("events", "0" * 64),),
        totals=(),
        pools=(),
        work_lines=0,
        work_lines_digest="0" * 64,
        lines=0,
        lines_digest="0" * 64,
    )


def naive_digest(name: str, columns: Mapping[str, Iterable[Any]]) -> str:
    """The digest of a frozen table by the words of its rule, one value after another."""
    import hashlib

    data = name.encode()
    for column, values in columns.items():
        data += column.encode()
        for value in values:
            if isinstance(value, str):
                data += len(value.encode()).to_bytes(8, "little") + value.encode()
            else:
                data += value.to_bytes(8, "little", signed=True)
    return hashlib.sha256(data).hexdigest()
