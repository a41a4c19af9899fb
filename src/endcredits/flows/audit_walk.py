"""The stages of a period's audit, in the order in which the data walked; see `auditing_period`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from endcredits.attribution import Attribution
from endcredits.canonical import digest, sha256_bytes, sha256_file
from endcredits.flows import pack_credits, pack_entries, pack_files, pack_inputs, pack_money, pack_stood
from endcredits.flows.audit_given import Given
from endcredits.flows.booking import Names
from endcredits.flows.close_files import TWIN_CREDITS_MAX
from endcredits.flows.fact_files import Fact
from endcredits.flows.pack_catalogue import Told, earlier_closes, standing_step, steps_of, told_by
from endcredits.flows.pack_entries import PERIOD, RUN, STATEMENT, Entries
from endcredits.flows.pack_files import PackOf
from endcredits.flows.pack_usage import compare_usage
from endcredits.flows.periods import receipt_id_of
from endcredits.ids import OutputId
from endcredits.ledger import JournalEntry
from endcredits.payouts import Statement
from endcredits.receipts.records import Receipt
from endcredits.royalties import Frozen, PeriodClose, parse_close, read_frozen, replay_close
from endcredits.store import Finding


@dataclass(slots=True)
class Walk:
    """An audit on its way."""

    folder: Path
    given: Given
    about: PackOf
    findings: list[Finding] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    entries: Entries | None = None
    close: PeriodClose | None = None
    close_digest: str = ""
    frozen: Frozen | None = None
    steps: list[Fact] = field(default_factory=list)
    told: Told | None = None
    receipts: list[Receipt] = field(default_factory=list)
    attributions: dict[OutputId, Attribution] = field(default_factory=dict)
    made: dict[str, Statement] = field(default_factory=dict)
    shown: dict[str, Statement] = field(default_factory=dict)
    booked: list[JournalEntry] = field(default_factory=list)
    links: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def tables(self) -> Path:
        """The folder of the close."""
        return self.folder / pack_files.CLOSE

    def note(self, findings: Iterable[Finding]) -> None:
        """Keeps findings."""
        self.findings.extend(findings)


def _log(walk: Walk) -> None:
    """The log."""
    entries, findings = pack_entries.open_entries(walk.folder, walk.about, walk.given.vkey)
    walk.note(findings)
    walk.entries = entries
    if entries is not None:
        walk.note(pack_entries.check_older(entries, walk.given.older))
        walk.checked.append(f"All {len(entries.shown)} entries of the log, their hashes and the signature on its root.")


def _facts(walk: Walk) -> None:
    """Facts."""
    assert walk.entries is not None, "the log cannot be opened"
    walk.note(pack_entries.read_facts(walk.folder, walk.entries))
    walk.steps = steps_of(walk.entries, walk.about.period_id)
    walk.note(pack_entries.steps_in_order(walk.entries, walk.steps))
    number = sum(map(len, walk.entries.facts.values()))
    walk.checked.append(f"{number} facts, each the one that its entry commits to, none left out.")


def _close(walk: Walk) -> None:
    """The close."""
    text = (walk.tables / "close.json").read_bytes()
    walk.close, walk.close_digest = parse_close(text), sha256_bytes(text)
    walk.frozen = read_frozen(walk.tables / "frozen")
    if walk.close.period_id != walk.about.period_id:
        walk.note([Finding("close", f"it is of the period '{walk.close.period_id}'")])
    walk.note(_fixed(walk, walk.close))
    walk.note(replay_close(walk.frozen, walk.close, walk.tables, credits_max=TWIN_CREDITS_MAX))
    walk.checked.append(f"The close with its {walk.close.lines} lines, divided again by the simple program.")


def _fixed(walk: Walk, close: PeriodClose) -> Iterator[Finding]:
    """What the steps in the log fixed before: days, policy, the close itself and its files."""
    steps = {name: standing_step(walk.steps, name) for name in ("proposed", "computed", "approved")}
    for name, fact in steps.items():
        if fact is None or fact.body is None:
            yield Finding("close", f"the log has no step '{name}' of it")
            continue
        facts, where = fact.body["facts"], f"step '{name}' (entry {fact.position} of the log)"
        if name == "proposed":
            if digest(facts["policy"]) != close.policy_digest or digest(close.policy) != close.policy_digest:
                stated = facts["policy"].get("name")
                problem = f"it fixed the policy '{stated}' ({digest(facts['policy'])[:12]}), and the close was divided by"
                yield Finding(where, f"{problem} '{close.policy.name}' ({close.policy_digest[:12]}): the policy was swapped")
            if (facts["starts_on"], facts["ends_on"]) != (close.starts_on, close.ends_on):
                yield Finding(where, f"it fixed the days {facts['starts_on']} to {facts['ends_on']}, the close has others")
        elif facts["close_digest"] != walk.close_digest:
            yield Finding(where, "it is of another close than the one here: the close was changed after it")
        if name == "computed":
            for path, stated in sorted(facts["files"].items()):
                place = walk.tables / path
                if place.exists() and sha256_file(place) != stated:
                    yield Finding(f"close/{path}", "it is not what it was when the close was computed: it was changed")
    agreed = walk.given.policy
    if agreed is not None and digest(agreed) != close.policy_digest:
        problem = f"the close was divided by '{close.policy.name}', which is not the policy that was given"
        yield Finding("policy", f"{problem} ('{agreed.name}'): it was swapped")


def _receipts(walk: Walk) -> None:
    """Receipts."""
    assert walk.entries is not None, "the log cannot be opened"
    walk.attributions = pack_credits.read_attributions(walk.folder)
    runs = 0
    for found in pack_entries.read_receipts(walk.folder, walk.entries):
        if isinstance(found, Finding):
            walk.note([found])
        elif found[0].type == RUN:
            runs += 1
            walk.note(pack_credits.check_run(*found, walk.entries, walk.attributions))
        else:
            walk.receipts.append(found[0])
    walk.note(pack_entries.read_others(walk.folder, walk.entries))
    walk.note(pack_entries.check_erased(walk.folder, walk.entries, walk.receipts))
    walk.note(pack_credits.check_receipts_complete(walk.entries, walk.attributions))
    walk.note(pack_entries.left_out(walk.entries))
    walk.note(pack_entries.held_by_others(walk.entries, walk.folder, walk.given.receipts))
    walk.checked.append(f"{runs} receipts of outputs with all their lines.")


def _inputs(walk: Walk) -> None:
    """Frozen inputs."""
    assert walk.entries is not None and walk.close is not None and walk.frozen is not None, "log or close cannot be read"
    close = walk.close
    proposed = standing_step(walk.steps, "proposed")
    assert proposed is not None and proposed.body is not None, "the log has no step 'proposed' of the close"
    computed = standing_step(walk.steps, "computed")
    walk.told = told_by(
        walk.entries,
        proposed_at=proposed.body["done_at"],
        frozen_before=walk.about.log_size if computed is None else computed.position,
        starts_on=close.starts_on,
        ends_on=close.ends_on,
        operator=proposed.body["facts"].get("operator", ""),
    )
    erased = any(walk.entries.erased[kind] for kind in pack_inputs.CATALOGUE)
    earlier = earlier_closes(walk.entries, close.starts_on)
    with tempfile.TemporaryDirectory() as scratch:
        store = pack_inputs.scratch_store(Path(scratch))
        try:
            closed_to, counted_to = (earlier[-1].ends_on, earlier[-1].cut_off) if earlier else ("", 0)
            walk.note(pack_inputs.check_reports(walk.folder, walk.entries, store, closed_to, counted_to))
            facts = {**proposed.body["facts"], "period_id": close.period_id}
            known = pack_inputs.as_frozen(walk.told, walk.frozen) if erased else walk.told
            walk.note(
                pack_inputs.freeze_again(
                    store, walk.tables, walk.frozen, close.policy, facts, known, earlier, walk.attributions
                )
            )
        finally:
            store.close()
    catalogue = "the catalogue as it was frozen" if erased else "the catalogue in the log"
    walk.checked.append(
        f"What was handed in, and the frozen inputs, made again from it, from {catalogue} and from the credits."
    )


def _permissions(walk: Walk) -> None:
    """Permissions."""
    assert walk.entries is not None and walk.told is not None, "facts cannot be read"
    walk.note(pack_credits.check_permissions(walk.folder, walk.entries, walk.told))
    walk.checked.append("That every work had a yes in the log before a model was trained on it.")


def _statements(walk: Walk) -> None:
    """Statements."""
    assert walk.close is not None and walk.told is not None and walk.entries is not None, "close or facts cannot be read"
    stood, issued_on = pack_money.read_stood(walk.folder)
    walk.note(pack_stood.check_stood(stood, walk.told))
    walk.note(pack_stood.check_payments(stood, walk.entries))
    people, titles = pack_stood.names(walk.folder, walk.told, erased=walk.entries.erased.total() > 0)
    attributions = walk.attributions

    def methods(output_ids: Sequence[OutputId]) -> set[str]:
        return {attributions[one].method for one in output_ids if one in attributions}

    names = Names(people, titles, methods)
    walk.made, walk.booked = pack_money.made_again(walk.close, walk.close_digest, walk.tables, stood, issued_on, names)
    walk.shown, findings = pack_money.check_statements(walk.folder, walk.made)
    walk.note(findings)
    walk.links = pack_stood.carried(walk.given.before, stood, walk.note)
    walk.checked.append(f"{len(walk.made)} statements, made again to the byte.")


def _chain(walk: Walk) -> None:
    """Receipts of statements."""
    assert walk.entries is not None, "the log cannot be opened"
    own = [one for one in walk.receipts if one.type == STATEMENT]
    walk.note(pack_money.check_chain(walk.entries, own, walk.shown, walk.links))


def _sums(walk: Walk) -> None:
    """The receipt of the period."""
    assert walk.close is not None, "the close cannot be read"
    own = [one for one in walk.receipts if one.type == PERIOD and one.receipt_id == receipt_id_of(walk.about.period_id)]
    if len(own) != 1:
        walk.note([Finding("receipts", f"there are {len(own)} receipts of the period, not one")])
    for receipt in own:
        walk.note(
            pack_money.check_period_receipt(receipt, walk.close, walk.close_digest, walk.tables, walk.booked, walk.made)
        )
    walk.checked.append("The receipt of the period, and its sum trees over all that was given and taken back.")


def _usage(walk: Walk) -> None:
    """The service's report."""
    if walk.given.usage is not None:
        assert walk.close is not None, "the close cannot be read"
        walk.note(compare_usage(walk.folder, walk.given.usage, walk.close))
        walk.checked.append("The uses of the period against the service's own report.")


STAGES: tuple[Callable[[Walk], None], ...] = (
    _log,
    _facts,
    _close,
    _receipts,
    _inputs,
    _permissions,
    _statements,
    _chain,
    _sums,
    _usage,
)
"""The stages of an audit, in order."""
