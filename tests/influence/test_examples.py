"""Examples that nobody can use are named by their place before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import Example, build_index, load_text_models
from endcredits.influence.examples import check_examples
from tests.influence.helpers import EMPIRICAL, Case

GOOD = Example(WorkId("w"), 1.0)


@pytest.mark.parametrize(
    ("examples", "field", "words"),
    [
        ((GOOD for _ in "ab"), "examples", "given as a generator"),
        ("text", "examples", "given as a str"),
        (None, "examples", "given as a NoneType"),
        ([GOOD, ("w", 1.0)], "examples", "example 2 is a tuple"),
        ([GOOD, Example(7, 1.0)], "work_id", "example 2 has the work_id 7"),
        ([Example(None, 1.0)], "work_id", "example 1 has the work_id None"),
        ([Example("two words", 1.0)], "work_id", "'two words' cannot be an id"),
        ([GOOD, Example("w", 1.0, "a")], "weight", "example 2 of work 'w' has weight 'a'"),
        ([GOOD, Example("v", 1.0, None)], "weight", "example 1 of work 'v' has weight None"),
        ([Example("w", 1.0, True)], "weight", "has weight True"),
        ([Example("w", 1.0, 10**400)], "weight", "has weight of 1329 bits"),
        ([Example("w", 1.0, float("nan"))], "weight", "has weight nan"),
        ([Example("w", 1.0, 1j)], "weight", "has weight 1j"),
        ([Example("w", 1.0, -1)], "weight", "has weight -1"),
    ],
)
def test_what_cannot_be_used_is_named(examples: Any, field: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        check_examples(examples, EMPIRICAL)

    assert caught.value.field == field and caught.value.remedy


def test_good_ones_pass() -> None:
    check_examples([], EMPIRICAL)
    check_examples((GOOD, Example(WorkId("w"), None, 0), Example(WorkId("w"), "anything", 2.5)), EMPIRICAL)


def test_a_build_asks_first(classifier: Case, tmp_path: Path) -> None:
    """And leaves nothing behind."""
    for examples in (iter(classifier.examples), [Example(WorkId("w"), classifier.examples[0].content, "much")]):  # type: ignore[arg-type]
        with pytest.raises(InputError):
            build_index(
                tmp_path / "index",
                base=classifier.base,
                full=classifier.full,
                task=EMPIRICAL,
                examples=examples,  # type: ignore[arg-type]
            )
    assert not (tmp_path / "index").exists()


def test_contents_that_the_task_cannot_read_are_named(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """A text's content is a window of tokens, and its output a text; other types of models, tasks and settings are named."""
    models = load_text_models(*tiny_folders)
    examples = models.examples(WorkId("w"), b"zip zap went the fox over the hedge")
    given: dict[str, Any] = {"base": models.base, "full": models.full, "task": models.task, "examples": examples}

    def refused(words: str, field: str, **changed: Any) -> None:
        with pytest.raises(InputError, match=words) as caught:
            build_index(tmp_path / "index", **{**given, **changed})
        assert caught.value.field == field and caught.value.remedy

    wrong = [*examples, Example(WorkId("w"), "a text")]
    refused(rf"the content of example {len(wrong)} of work 'w' cannot be read \(content is a str", "content", examples=wrong)
    refused("base is a NoneType", "base", base=None)
    refused("task is a str", "task", task="text")
    refused("settings is a dict", "settings", settings={"rank": 0.5})
    with pytest.raises(InputError, match="output is a bytes"):
        models.task.pieces(b"a text")
    assert not (tmp_path / "index").exists()
