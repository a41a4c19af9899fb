"""The same walk from Python, in five lines.

    import endcredits

    studio = endcredits.open("my-studio")
    index = studio.build_index(endcredits.text_models("base/", "full/"), studio.corpus())
    credits = index.attribute("It was the best of times")
    credits.shares(by="creator")

`StudioHandle` and `IndexHandle` only forward to the flows; they hold nothing of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from endcredits.attribution import Attribution
from endcredits.flows import attributing, catalogue, checking, indexing, periods, reporting
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.catalogue import Corpus
from endcredits.flows.credit_view import CreditView
from endcredits.flows.indexing import OpenIndex
from endcredits.flows.periods import ClosedPeriod
from endcredits.flows.responses import DESIGNS
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.flows.trainers import find_trainer
from endcredits.influence import ModelPair
from endcredits.progress import Progress, silent
from endcredits.royalties import Added, Policy, UsageEvent
from endcredits.store import Finding
from endcredits.works import Registered, Submission

if TYPE_CHECKING:
    from endcredits.influence.trainer import Trainer


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
        """Records usage of attributed outputs."""
        return reporting.report(self.studio, events)

    def close_period(
        self, period_id: str, *, starts_on: str = "", ends_on: str = "", policy: Policy | None = None
    ) -> ClosedPeriod:
        """Closes a period, once."""
        return periods.close(self.studio, period_id, starts_on=starts_on, ends_on=ends_on, policy=policy)

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


def text_models(base: str | Path, full: str | Path) -> dict[str, str]:
    """Names two model folders in Hugging Face format, for `StudioHandle.build_index`."""
    from endcredits.flows.pairs import folders

    return folders(base, full)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
