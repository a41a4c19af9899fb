"""Content credentials, as the JSON that a C2PA reader prints: active manifest, ingredients, wrong words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from endcredits.works.signals import read_c2pa, read_work

from .said import HERE, NO_TRAINING, YES_TRAINING, problems, said


def mining(entries: Any, label: str = "cawg.training-mining") -> dict[str, Any]:
    return {"label": label, "data": {"entries": entries}}


def store(assertions: list[Any], ingredient: list[Any] | None = None, **more: Any) -> bytes:
    """A manifest store in the form that c2patool prints."""
    manifests: dict[str, Any] = {
        "urn:uuid:active": {
            "claim_generator_info": [{"name": "studio", "version": "1"}],
            "title": "cat.jpg",
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.opened"}]}}, *assertions],
            "ingredients": [{"title": "a.jpg", "relationship": "parentOf", "active_manifest": "urn:uuid:a"}],
            "signature_info": {"alg": "Es256", "issuer": "A"},
        }
    }
    if ingredient is not None:
        manifests["urn:uuid:a"] = {"title": "a.jpg", "assertions": ingredient}
    return json.dumps({"active_manifest": "urn:uuid:active", "manifests": manifests, **more}).encode()


def use(value: str, key: str = "cawg.ai_generative_training", **more: str) -> dict[str, Any]:
    return {key: {"use": value, **more}}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (use("notAllowed"), NO_TRAINING),
        (use("allowed"), YES_TRAINING),
        (use("constrained"), NO_TRAINING),
        (use("constrained", constraint_info="ask ada"), dict.fromkeys(NO_TRAINING, "conditional")),
        (use("constrained", constraints_info="ask ada"), dict.fromkeys(NO_TRAINING, "conditional")),
        (use("notAllowed", "cawg.data_mining"), {"tdm": "deny", **NO_TRAINING}),
        (use("allowed", "cawg.data_mining"), {"tdm": "allow"}),
        (use("notAllowed", "cawg.ai_inference"), {"retrieve": "deny"}),
        (use("allowed", "cawg.ai_training"), {}),
        (use("notAllowed", "cawg.ai_training"), NO_TRAINING),
        ({**use("allowed", "cawg.ai_training"), **use("allowed")}, YES_TRAINING),
        (use("notAllowed", "c2pa.ai_generative_training"), NO_TRAINING),
        (use("allowed", "org.example.style"), {}),
    ],
)
@pytest.mark.parametrize("label", ["cawg.training-mining", "c2pa.training-mining", "cawg.training-mining__2"])
def test_entries(entries: Any, expected: dict[str, str], label: str) -> None:
    """Both prefixes of labels and keys are read; nothing is ever said about style or likeness."""
    signals = read_c2pa(store([mining(entries, label)]), HERE)

    assert said(signals) == expected and problems(signals) == []


@pytest.mark.parametrize(
    "assertion",
    [
        mining(use("maybe")),  # signs and validates as Trusted all the same
        mining(use("NotAllowed")),
        mining({"cawg.ai_generative_training": "notAllowed"}),
        mining({"cawg.ai_generative_training": {}}),
        mining({"cawg.ai-generative-training": {"use": "allowed"}}),
        mining({"ai_generative_training": {"use": "allowed"}}),
        mining({"cawg.something": {"use": "notAllowed"}}),
        mining(None),
        {"label": "cawg.training_mining", "data": {"entries": use("allowed")}},
        {"label": "cawg.training-mining"},
    ],
)
def test_wrong_words_are_findings_and_a_no(assertion: Any) -> None:
    signals = read_c2pa(store([assertion]), HERE)

    assert said(signals)["train"] == "deny" and len(problems(signals)) == 1


def test_the_no_of_an_ingredient_is_heard_and_its_yes_is_its_own() -> None:
    no, yes = [mining(use("notAllowed"))], [mining(use("allowed"))]

    assert said(read_c2pa(store([], no), HERE)) == NO_TRAINING
    assert said(read_c2pa(store(yes, no), HERE)) == NO_TRAINING
    assert said(read_c2pa(store([], yes), HERE)) == {}
    assert said(read_c2pa(store(yes, yes), HERE)) == YES_TRAINING


def test_a_yes_of_a_broken_signature_has_no_weight_and_its_no_has() -> None:
    yes, no = [mining(use("allowed"))], [mining(use("notAllowed"))]
    status = [{"code": "assertion.dataHash.mismatch"}]

    assert said(read_c2pa(store(yes, validation_state="Invalid"), HERE)) == {}
    assert said(read_c2pa(store(yes, validation_status=status), HERE)) == {}
    assert said(read_c2pa(store(yes, validation_state="Trusted"), HERE)) == YES_TRAINING
    assert said(read_c2pa(store(no, validation_state="Invalid"), HERE)) == NO_TRAINING


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"manifests": []}',
        b'{"manifests": {"a": {}}, "active_manifest": "b"}',
        b'{"manifests": {"a": 3}, "active_manifest": "a"}',
        b'{"manifests": {"a": {"assertions": 3}}, "active_manifest": "a"}',
    ],
)
def test_stores_that_cannot_be_read(data: bytes) -> None:
    signals = read_c2pa(data, HERE)

    assert said(signals)["train"] == "unknown" and problems(signals)


def test_credentials_inside_a_file_are_seen_though_not_read() -> None:
    """No C2PA library is needed to see that a file speaks about training; until one reads it, nothing is a yes."""
    box = b"\xff\xeb\x00\x30JP\0\x01\0\0\0\x01\0\0\0\x22jumbcawg.training-mining\0"
    picture = b"\xff\xd8" + box + b"\0" * (0x30 + 2 - len(box)) + b"\xff\xda\x00\x02..\xff\xd9"
    signals = read_work(picture, HERE).signals

    assert said(signals)["train"] == "unknown" and "C2PA reader" in problems(signals)[0]
    assert read_work(store([mining(use("notAllowed"))]), HERE, name="x.json").media_type == "application/json"
