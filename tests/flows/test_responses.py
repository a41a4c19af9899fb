"""Which works are one creator's, what a plan says before anything is trained, and whose works no run may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from endcredits.errors import ConflictError, InputError
from endcredits.flows import auditing, catalogue, indexing, pairs, responses
from endcredits.flows.catalogue import Corpus
from endcredits.flows.responses import by_creators, plan_responses
from endcredits.flows.studio import open_studio
from endcredits.ids import PartyId, WorkId
from endcredits.influence import Example
from endcredits.influence.text.finetune import Recipe, TextFineTune
from endcredits.influence.text.windows import Window
from endcredits.works import Credit, Work, party_id_of
from tests.story import house as h
from tests.story.house import House

TRAINED = (h.SALT, h.LAMP, h.TIDE, h.RHYME)


@dataclass(frozen=True)
class Reader:
    """As much of a trainer as a plan looks at."""

    reads: Sequence[str] = TRAINED
    digest: str = "f" * 64

    @property
    def work_ids(self) -> tuple[WorkId, ...]:
        return tuple(map(WorkId, self.reads))

    def train(self, *_: Any) -> Any:
        raise AssertionError("a plan trains nothing")

    model = task = train


@pytest.fixture
def corpus(house: House, tmp_path: Path) -> Corpus:
    """Of the small house."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    try:
        return catalogue.corpus(studio)
    finally:
        studio.close()


def work(name: str, *makers: str) -> Work:
    """A work with makers and nothing else."""
    credits = tuple(Credit(PartyId(f"party:{m}"), "author", m.title(), n) for n, m in enumerate(makers, start=1))
    return Work(WorkId(name), name, (), credits, ())


def test_the_same_set_of_people_is_one_creator() -> None:
    """Whatever their order; a part of them is another creator, and each work of nobody stands alone."""
    works = [work("a", "x", "y"), work("b", "y", "x"), work("c", "x"), work("d"), work("e"), work("party:x")]

    found = {name: [one.work_id for one in members] for name, members in by_creators(works).items()}

    assert found == {
        "party:x + party:y": ["a", "b"],
        "party:x": ["c"],
        "work d": ["d"],
        "work e": ["e"],
        "work party:x": ["party:x"],
    }


@pytest.mark.parametrize(("design", "runs"), [("two-levels", 2 * 4 + 3), ("central", 2 * 4 + 2), ("one-sided", 4 + 2)])
def test_a_plan_counts_its_runs(corpus: Corpus, tmp_path: Path, design: str, runs: int) -> None:
    """The repetition of the full model's run among them; those that are there need not be made."""
    plan = plan_responses(corpus, Reader(), design)

    assert len(plan.runs) == len({run.name for run in plan.runs}) == runs
    assert sorted(plan.names.values()) == sorted(["Ada Quill, Ben Marl", h.BEN, h.CLEO, "nobody named: Counting Rhymes"])
    assert plan.unread == () and plan.missing(tmp_path) == runs
    assert plan.catalogues[f"{party_id_of(h.ADA)} + {party_id_of(h.BEN)}"] == (h.SALT,)


def test_works_that_are_never_read_are_in_no_catalogue(corpus: Corpus) -> None:
    """They are named instead."""
    plan = plan_responses(corpus, Reader(TRAINED[:2]))

    assert plan.unread == (h.RHYME, h.TIDE)
    assert [works for works in plan.catalogues.values()] == [(h.SALT,), (h.LAMP,)]


def test_the_name_of_the_index_depends_on_trainer_design_and_catalogues(corpus: Corpus) -> None:
    """And is read from the plan as from the manifest."""
    facts = {name: "0" for name in ("base_sha256", "full_sha256", "task", "code_sha256", "torch", "threads")}
    plan = plan_responses(corpus, Reader())
    others = [
        plan_responses(corpus, Reader(digest="e" * 64)),
        plan_responses(corpus, Reader(), "central"),
        plan_responses(corpus, Reader(TRAINED[:3])),
    ]

    names = [indexing.index_name({**facts, **one.facts}, corpus.manifest()) for one in (plan, *others)]

    assert len({*names, indexing.index_name(facts, corpus.manifest())}) == 5
    more = {**plan.facts, "design": {"name": "two-levels", "runs": [], "terms": []}}
    assert indexing.index_name({**facts, **more}, corpus.manifest()) == names[0]


def test_no_run_reads_what_has_no_yes(corpus: Corpus) -> None:
    """A denied work, one of whom nothing is known, one that is not registered: named with the reason."""
    for strangers, reason in (
        ((h.CLOSED,), "deny: "),
        ((h.FOUND, "zebra"), "unknown: "),
        (("zebra",), "'zebra' is not registered"),
    ):
        with pytest.raises(ConflictError, match=reason) as caught:
            plan_responses(corpus, Reader((*TRAINED, *strangers)))
        assert all(f"'{name}'" in caught.value.message for name in strangers)
        assert f"reads {len(strangers)} works" in caught.value.message and caught.value.remedy
    with pytest.raises(ConflictError, match="and 2 more"):
        plan_responses(corpus, Reader([f"x{number}" for number in range(10)]))


def test_what_cannot_be_measured_is_named(corpus: Corpus, tmp_path: Path, house: House) -> None:
    """Another design, a trainer of nothing, of another task, or one that cannot travel."""
    with pytest.raises(InputError, match=r"no design 'thorough'.*two-levels, one-sided, central"):
        plan_responses(corpus, Reader(), "thorough")
    with pytest.raises(InputError, match="reads none of the works"):
        plan_responses(corpus, Reader(()))
    pair = pairs.load_pair(pairs.folders(*house.models))
    stuck = Reader()
    for trainer, processes, words in ((Reader(), 1, "measures outputs by 'other/1'"), (stuck, 2, "cannot be sent")):
        task = replace(pair.task, name="other/1" if processes == 1 else pair.task.name)
        object.__setattr__(trainer, "task", lambda task=task: task)
        with pytest.raises(InputError, match=words) as caught:
            responses.build_responses(
                plan_responses(corpus, trainer), tmp_path, pair, [], tmp_path, processes=processes, progress=print
            )
        assert caught.value.remedy


def test_a_recipe_says_how_often_it_read_what(corpus: Corpus, tmp_path: Path) -> None:
    """Its own cut of the works, by the times they were read; of another trainer only the works are known."""
    of_the_corpus = [Example(WorkId(name), Window((1, 2))) for name in (h.SALT, h.LAMP)]
    read = (Example(WorkId(h.SALT), Window((7,))), Example(WorkId(h.SALT), Window((8,))))
    trainer = TextFineTune(tmp_path, read, ((0, 1), (0,)), Recipe(1e-3), tmp_path)

    found = responses.read_examples(trainer, of_the_corpus)
    other = responses.read_examples(Reader((h.SALT,)), of_the_corpus)

    lamp = replace(of_the_corpus[1], weight=0.0)
    assert found == [replace(read[0], weight=2.0), replace(read[1], weight=1.0), lamp]
    assert other == [of_the_corpus[0], lamp]


def test_an_audit_has_the_same_creators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people of one name stay two, and a work that the index's own run never read is not audited."""
    known = {
        one.work_id: one for one in (work("a", "x", "y"), work("b", "y", "x"), work("c", "x"), work("d", "X"), work("e"))
    }
    monkeypatch.setattr(auditing, "people", lambda studio: SimpleNamespace(works=known))
    facts = {"sizes": {**dict.fromkeys("abcde", "8.0"), "f": "0.0"}}
    index: Any = SimpleNamespace(facts=facts, index=SimpleNamespace(work_ids=tuple("abcdef")))
    reader, studio = Reader("abcde"), cast(Any, None)

    assert auditing._groups(studio, index, reader, "creator") == {
        "X, Y": ["a", "b"],
        "X": ["c"],
        "X (party:X)": ["d"],
        "e": ["e"],
    }
    assert auditing._groups(studio, index, reader, "work") == {name: [name] for name in "abcde"}
    with pytest.raises(InputError, match="the index does not hold the work 'g'"):
        auditing._groups(studio, index, Reader("abcdeg"), "work")
