"""On what a yes rests, from the statement alone."""

from __future__ import annotations

import pytest

from endcredits.works import judge_licence
from endcredits.works.disclosure import ground_of, licences_of
from endcredits.works.records import Provenance
from tests.works.disclosure import made


@pytest.mark.parametrize(
    ("fields", "ground"),
    [
        ({"reason": made.MIT}, "open licence"),
        ({"reason": made.FREE}, "public domain"),
        ({"reason": f"{made.MIT}; {made.FREE}"}, "open licence"),
        ({"reason": "the table says allow"}, "other statement"),
        ({"reason": "said", "authority": "rightsholder"}, "rights holder"),
        ({"reason": "said", "authority": "agent"}, "rights holder"),
        ({"reason": "said", "authority": "host"}, "other statement"),
        ({"reason": "TDMRep: 0", "provenance": Provenance("TDMRep", carrier="HTTP header")}, "machine-readable statement"),
        ({"reason": "licence in text: CC-BY-4.0", "provenance": Provenance("licence", carrier="text")}, "open licence"),
        (
            {
                "reason": "licence in XMP: https://creativecommons.org/publicdomain/zero/1.0/",
                "provenance": Provenance("licence", carrier="XMP"),
            },
            "public domain",
        ),
        ({"reason": "licence in text: MIT OR (ISC AND", "provenance": Provenance("licence")}, "machine-readable statement"),
        ({"reason": made.MIT, "licensee": "party:studio"}, "contract"),
    ],
)
def test_grounds(fields: dict[str, object], ground: str) -> None:
    assert ground_of(made.permission(1, **fields)) == ground


def test_ones_own_work_needs_every_maker_to_be_the_operator() -> None:
    said = made.permission(1, reason="said")
    assert ground_of(said, ["party:studio"], "party:studio") == "own"
    assert ground_of(said, ["party:studio", "party:ada"], "party:studio") == "other statement"
    assert ground_of(said, [], "") == "other statement" and ground_of(said, ["party:x"], "") == "other statement"
    assert ground_of(None) == "other statement"


@pytest.mark.parametrize("name", ["MIT", "CC0-1.0", "CC-BY-4.0", "Public Domain", "BSD License", "MIT OR Apache-2.0"])
def test_the_words_of_the_licence_judge_are_understood(name: str) -> None:
    """Whatever the judge permits names a licence that is found again; the two must not drift apart."""
    value, reason = judge_licence(name)
    assert value == "allow" and licences_of(made.permission(1, reason=reason))


def test_words_that_only_look_like_a_licence_name_none() -> None:
    assert licences_of(made.permission(1, reason="licence to kill (secret) permits use")) == ()
    assert licences_of(None) == ()
