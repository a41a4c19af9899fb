"""The same walk from Python, in five lines.

    import endcredits

    studio = endcredits.open("my-studio")
    index = studio.build_index(endcredits.text_models("base/", "full/"), studio.corpus())
    credits = index.attribute("It was the best of times")
    credits.shares(by="creator")

And from usage to money, with four eyes and no command line:

    studio.report([endcredits.royalties.make_event("sale-1", output_id, "2026-10-03T12:00:00Z", 250_000, "EUR")])
    studio.estimate("2026-10", policy="pro-rata")
    proposal = studio.propose("2026-10", policy="pro-rata", by="ada")
    studio.approve("2026-10", by="bob", expected_digest=proposal.close_digest)
    studio.statements("2026-10")
    plan, _ = studio.plan_payouts("payer.toml", by="ada")
    batch = studio.approve_payout(plan.batches[0].batch_id, by="bob").batch
    studio.send_payout(batch.batch_id, "october.xml", by="bob")
    studio.reconcile_payouts("camt.053.xml")

`StudioHandle` and `IndexHandle` only forward to the flows; they hold nothing of their own. Money is whole micros (millionths
of the main unit) beside a currency, and days are texts, YYYY-MM-DD. A policy is a `Policy`, the name of one that comes with
endcredits, or the path of a TOML file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from endcredits.attribution import Attribution
from endcredits.flows import (
    attributing,
    books,
    catalogue,
    checking,
    closing,
    estimating,
    indexing,
    likeness,
    paying,
    periods,
    reporting,
    sending,
    trained_on,
)
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.catalogue import Corpus
from endcredits.flows.closing import Proposal
from endcredits.flows.comparing import Difference
from endcredits.flows.comparing import compare_policies as compare
from endcredits.flows.credit_view import CreditView
from endcredits.flows.indexing import OpenIndex
from endcredits.flows.periods import ClosedPeriod
from endcredits.flows.responses import DESIGNS
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.flows.trained_on_records import Answer, Question
from endcredits.flows.trainers import find_trainer
from endcredits.ids import WorkId
from endcredits.influence import ModelPair
from endcredits.payouts import Statement
from endcredits.payouts.payers import Payer, read_payer
from endcredits.payouts.payments import Plan
from endcredits.payouts.payout_states import BookedBatch
from endcredits.payouts.reconcile import Outcome
from endcredits.progress import Progress, silent
from endcredits.royalties import Added, Policy, Step, UsageEvent, read_policy, shipped_policies, shipped_policy
from endcredits.royalties.held import Held
from endcredits.store import Finding
from endcredits.works import NO_USE, Decision, Registered, Submission, Use
from endcredits.works.likeness import LikenessDecision, LikenessUse

if TYPE_CHECKING:
    from endcredits.influence.trainer import Trainer
    from endcredits.payouts.rails.http import Server

PolicyLike = Policy | str | os.PathLike[str]
"""A policy, the name of one that comes with endcredits, or the path of a TOML file."""


@dataclass(frozen=True, slots=True)
class IndexHandle:
    """An index of a studio, open for questions.

    Attributes:
        studio: where answers are recorded.
        opened: the index and its models.
    """

    studio: Studio
    opened: OpenIndex

    def attribute(self, output: str | bytes, prompt: str | bytes = b"") -> CreditView:
        """Attributes one output, records it and issues its receipt.

        Args:
            output: text (or its UTF-8 bytes) that the full model made.
            prompt: what came before it; not attributed.
        """
        return self.attribute_all([(output, prompt)])[0]

    def attribute_all(
        self, outputs: Sequence[tuple[str | bytes, str | bytes]], progress: Progress = silent
    ) -> list[CreditView]:
        """Attributes (output, prompt) pairs."""
        given = [GivenOutput(_bytes(output), _bytes(prompt)) for output, prompt in outputs]
        found = attributing.attribute(self.studio, self.opened, given, progress=progress)
        return self.view(found)

    def view(self, found: Sequence[Attribution]) -> list[CreditView]:
        """Puts names to recorded attributions."""
        names = attributing.people(self.studio)
        return [CreditView(attribution, names) for attribution in found]

    def spans(self, credits: CreditView, output: str | bytes, prompt: str | bytes = b"") -> CreditView:
        """The same credits with the part of the text that each work moved; one backward pass for every part."""
        return credits.with_spans(self.opened, _bytes(output), _bytes(prompt))

    def __repr__(self) -> str:
        return f"<{self.opened.index!r} in {self.studio.path}>"


@dataclass(frozen=True, slots=True)
class StudioHandle:
    """A studio, open for work.

    Attributes:
        studio: the open studio.
    """

    studio: Studio

    def add_works(self, submissions: Sequence[Submission]) -> Registered:
        """Registers works, whatever their permission."""
        return catalogue.add_works(self.studio, submissions)

    def corpus(self, *, max_bytes_per_work: int = 0) -> Corpus:
        """The works that may be trained on now; the others are in its `refused`."""
        return catalogue.corpus(self.studio, max_bytes_per_work=max_bytes_per_work)

    def may(self, work_id: str, verb: str, *, at: str = "", use: Use = NO_USE) -> Decision:
        """Whether something may be done with a work now, or at a UTC time; only the value "allow" is a yes.

        Ask before every retrieval, imitation of a style and use of a likeness: a yes that is taken back ends at once.

        Raises:
            NotFoundError: no such work.
            InputError: an unknown verb, or no time.
        """
        return catalogue.may(self.studio, WorkId(work_id), verb, at=at, use=use)

    def trained_on(
        self, *files: str | Path, text: str = "", name: str = "", code: str = "", work: str = ""
    ) -> tuple[Answer, ...]:
        """Was a model trained on a file, a text, somebody's works, a content code (ISCC) or a work? One answer each.

        Raises:
            InputError: nothing was asked about, or something that nobody can answer, such as an unreadable file.
        """
        asked = [("file", str(file)) for file in files]
        asked += [(kind, said) for kind, said in (("text", text), ("name", name), ("code", code), ("work", work)) if said]
        return trained_on.trained_on(self.studio, [Question(kind, said) for kind, said in asked])

    def ask_likeness(self, request: LikenessUse, *, at: str = "") -> LikenessDecision:
        """Whether somebody's likeness may be used so, now or at a UTC time; counts nothing. Only "deny" is a no.

        Raises:
            InputError: the request makes no sense.
        """
        return likeness.ask(self.studio, request, at=at)

    def use_likeness(self, request: LikenessUse, *, use_id: str = "", output_id: str = "") -> likeness.Used:
        """Decides a use of somebody's likeness and, where it may be made, counts it and reports it for payment.

        Args:
            request: what is asked for.
            use_id: your own id, by which the same use handed in again is found counted; "" makes one.
            output_id: the output in which it appears; "" where it is not made yet.

        Raises:
            InputError: the request makes no sense.
            ConflictError: the id was counted with another request or output.
        """
        return likeness.use(self.studio, request, use_id=use_id, output_id=output_id)

    def build_index(
        self,
        task: Mapping[str, str] | ModelPair,
        corpus: Corpus,
        progress: Progress = silent,
        *,
        trainer: Trainer | str | None = None,
        processes: int = 1,
        design: str = DESIGNS[0],
    ) -> IndexHandle:
        """Builds (or continues, or opens) the index of a corpus under a pair of models.

        Args:
            task: `text_models(base, full)`, {"import": "module:name"}, or a pair in memory.
            corpus: the admitted works.
            progress: told about the stages.
            trainer: repeats the run of the full model; with it every creator's part is measured by training. An
                `endcredits.influence.trainer.Trainer`, its import path "module:name", or the path of a recipe ending in
                ".toml" (see `flows.recipes`).
            processes: training runs at a time.
            design: which runs; "two-levels" (2K + 2 of K creators), "one-sided" (K + 1) or "central" (2K + 1).
        """
        if isinstance(trainer, str):
            path, recipe = ("", trainer) if trainer.endswith(".toml") else (trainer, "")
            source = task if isinstance(task, Mapping) else {}
            trainer = find_trainer(path, recipe, source, self.studio.path / indexing.RUNS)
        built = indexing.build(
            self.studio, task, corpus, trainer=trainer, design=design, processes=processes, progress=progress
        )
        return IndexHandle(self.studio, built)

    def index(self) -> IndexHandle:
        """The current index."""
        return IndexHandle(self.studio, indexing.current_index(self.studio))

    def add_usage(self, events: Sequence[UsageEvent]) -> Added:
        """Records usage; what names an output that is not attributed yet is held and taken when it is."""
        return reporting.report(self.studio, events)

    def report(self, records: Sequence[reporting.Report], *, hold: bool = False) -> Added:
        """Records usage events, revenue, refunds or rates, all of one kind; the same again changes nothing.

        Args:
            records: from `royalties.make_event`, `make_revenue`, `make_refund` or `make_rate`.
            hold: take the good ones and hold the others, instead of taking none.

        Raises:
            InputError: a record cannot be used, or they are of several kinds.
            ConflictError: an id is taken by other content.
        """
        return reporting.report(self.studio, records, hold=hold)

    def report_file(self, kind: str, path: str | os.PathLike[str], *, hold: bool = False) -> Added:
        """Records a CSV, JSON Lines or Parquet file of "events", "revenue", "refunds" or "rates"; see `report`."""
        return reporting.report_file(self.studio, kind, path, hold=hold)

    def held_reports(self, kind: str = "") -> tuple[Held, ...]:
        """Reported rows that wait, each with what is wrong and what to do."""
        return reporting.held_rows(self.studio, kind)

    def estimate(
        self, period_id: str, *, starts_on: str = "", ends_on: str = "", policy: PolicyLike | None = None
    ) -> list[Statement]:
        """What everybody would earn if the period closed now; also before it is over. Kept nowhere."""
        return estimating.estimates(
            self.studio, period_id, starts_on=starts_on, ends_on=ends_on, policy=find_policy(policy) if policy else None
        )

    def propose(
        self,
        period_id: str,
        *,
        starts_on: str = "",
        ends_on: str = "",
        policy: PolicyLike | None = None,
        by: str = "",
        progress: Progress = silent,
    ) -> Proposal:
        """Fixes days, policy and cut-off of a close and computes it; posts nothing. Again, it goes on where it stopped.

        Args:
            period_id: a month (2026-10), or any name with `starts_on` and `ends_on`.
            starts_on: first day.
            ends_on: last day; must be over.
            policy: the rules; fifty-fifty by default.
            by: who proposes; needed where the policy asks for four eyes.
            progress: told about the stages.

        Raises:
            InputError: a value cannot be used, or there is nothing in the period.
            ConflictError: another close of it is proposed or booked, or a later one is.
        """
        return closing.propose(
            self.studio,
            period_id,
            starts_on=starts_on,
            ends_on=ends_on,
            policy=find_policy(policy) if policy else None,
            by=by,
            progress=progress,
        )

    def withdraw(self, period_id: str, *, by: str, reason: str) -> Step:
        """Takes back a proposed close, so that another can be proposed."""
        return closing.withdraw(self.studio, period_id, by=by, reason=reason)

    def approve(self, period_id: str, *, by: str = "", expected_digest: str = "") -> ClosedPeriod:
        """Books a proposed close, once, and publishes its statements and receipt.

        Args:
            period_id: the period.
            by: who approves; somebody else than who proposed, where the policy asks for four eyes.
            expected_digest: refuse any other close than this one; "" takes what is proposed.

        Raises:
            NotFoundError: none is proposed.
            ConflictError: it is another close, or four eyes are missing.
        """
        return periods.approve(self.studio, period_id, by=by, expected_digest=expected_digest)

    def close_period(
        self,
        period_id: str,
        *,
        starts_on: str = "",
        ends_on: str = "",
        policy: PolicyLike | None = None,
        by: str = "",
    ) -> ClosedPeriod:
        """Proposes and approves a period in one, once; not for policies that ask for four eyes."""
        return periods.close(
            self.studio,
            period_id,
            starts_on=starts_on,
            ends_on=ends_on,
            policy=find_policy(policy) if policy else None,
            by=by,
        )

    def statements(self, period_id: str) -> tuple[Statement, ...]:
        """The statements of a closed period, by payee and currency.

        Raises:
            NotFoundError: it is not closed.
        """
        return periods.find_period(self.studio, period_id).statements

    def compare_policies(self, period_id: str, policy: PolicyLike) -> tuple[Difference, ...]:
        """Who would have earned what under another policy, over the same frozen inputs. Nothing is posted.

        Raises:
            NotFoundError: no close of the period is computed.
        """
        return compare(self.studio, period_id, find_policy(policy))

    def balances(self, prefix: str = "") -> dict[tuple[str, str], int]:
        """The ledger's balances in micros by (account, currency); what is owed stands negative."""
        return books.account_balances(self.studio, prefix)

    def import_payees(self, path: str | os.PathLike[str]) -> paying.Imported:
        """Records how payees are paid from a CSV or JSON Lines file: all of it, or nothing."""
        return paying.import_payees(self.studio, path)

    def plan_payouts(
        self,
        payer: Payer | str | os.PathLike[str],
        *,
        by: str,
        on: str = "",
        threshold_micros: int | None = None,
        four_eyes: bool = False,
        without_form: bool = False,
    ) -> tuple[Plan, bool]:
        """Plans the payment of everything that is owed; what is held back stands in the plan with its reason.

        Args:
            payer: who pays, or the path of its TOML file.
            by: who plans.
            on: day of execution; tomorrow in UTC by default.
            threshold_micros: least payment of everybody; by default the payout threshold of the policy of the period closed
                last. 0 pays every balance.
            four_eyes: whether somebody else must approve.
            without_form: withhold the full rate where a tax form is missing, instead of holding the payment.

        Returns:
            The plan, and whether it was new.
        """
        return paying.plan_payments(
            self.studio,
            payer if isinstance(payer, Payer) else read_payer(payer),
            on=on,
            by=by,
            threshold_micros=threshold_micros,
            four_eyes=four_eyes,
            without_form=without_form,
        )

    def approve_payout(self, batch_id: str, *, by: str) -> BookedBatch:
        """Approves a planned batch, once; refused when a payee or what is owed changed since."""
        return paying.approve(self.studio, batch_id, by)

    def send_payout(self, batch_id: str, to: str | os.PathLike[str] | Server, *, by: str) -> sending.Sent:
        """Sends an approved batch, once; run it again to complete it.

        Args:
            batch_id: of an approved batch.
            to: the bank's file to be written, or a server to be asked (`payouts.rails.stripe_connect.Stripe`).
            by: who sends.
        """
        if isinstance(to, str | os.PathLike):
            return sending.send_file(self.studio, batch_id, to, by)
        return sending.send_requests(self.studio, batch_id, to, by)

    def reconcile_payouts(self, path: str | os.PathLike[str]) -> tuple[Outcome, ...]:
        """Reads what the bank says (camt.053 or pain.002) and books what fits, once."""
        return paying.reconcile(self.studio, path)

    def payouts(self, batch_id: str = "") -> Sequence[BookedBatch]:
        """One batch with its states, or all of them by day."""
        return paying.status(self.studio, batch_id)

    def check(self) -> list[Finding]:
        """Re-verifies everything; empty when all fits."""
        return checking.check_studio(self.studio)

    def __repr__(self) -> str:
        return f"<studio '{self.studio.name}' in {self.studio.path}>"


def open(path: str | Path) -> StudioHandle:
    """Opens a studio."""
    return StudioHandle(open_studio(path))


def init(path: str | Path, *, name: str = "", database: str = "") -> StudioHandle:
    """Makes a studio in a new or empty folder."""
    return StudioHandle(init_studio(path, name=name, database=database))


def find_policy(source: PolicyLike) -> Policy:
    """A policy as it is, by the name of one that comes with endcredits, or from a TOML file (or its text).

    Raises:
        InputError: no such file, or its rules cannot be used; file and key are named.
    """
    if isinstance(source, Policy):
        return source
    if isinstance(source, str) and source in shipped_policies() and not Path(source).exists():
        return shipped_policy(source)
    return read_policy(source)


def text_models(base: str | Path, full: str | Path) -> dict[str, str]:
    """Names two model folders in Hugging Face format, for `StudioHandle.build_index`."""
    from endcredits.flows.pairs import folders

    return folders(base, full)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
