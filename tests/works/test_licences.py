"""A licence is read into one of four answers; only permissive ones and the public domain are a yes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.works import VALUES, judge_licence, licence_of_classifiers

CASES = {
    "MIT": "allow",
    "mit": "allow",
    "MIT License": "allow",
    "The MIT License (MIT)": "allow",
    "BSD": "allow",
    "BSD-3-Clause": "allow",
    "BSD 3-Clause License": "allow",
    "Apache-2.0": "allow",
    "Apache 2.0": "allow",
    "Apache License, Version 2.0": "allow",
    "Apache Software License": "allow",
    "ISC License (ISCL)": "allow",
    "0BSD": "allow",
    "Unlicense": "allow",
    "Zlib": "allow",
    "PSF-2.0": "allow",
    "Python-2.0": "allow",
    "Python Software Foundation License": "allow",
    "CC0-1.0": "allow",
    "CC-BY-4.0": "allow",
    "CC BY 4.0": "allow",
    "CC-BY-3.0": "allow",
    "BSL-1.0": "allow",
    "HPND": "allow",
    "MIT-CMU": "allow",
    "Public domain": "allow",
    "Public domain in the USA (source text); Standard Ebooks edition CC0-1.0": "allow",
    "GPL-3.0-or-later": "conditional",
    "GPL-2.0+": "conditional",
    "GPL": "conditional",
    "GNU General Public License v3 (GPLv3)": "conditional",
    "LGPL-2.1-only": "conditional",
    "AGPL-3.0-only": "conditional",
    "MPL-2.0": "conditional",
    "EUPL-1.2": "conditional",
    "CC-BY-SA-4.0": "conditional",
    "BUSL-1.1": "conditional",
    "CC-BY-NC-4.0": "deny",
    "CC-BY-ND-4.0": "deny",
    "CC-BY-NC-SA-4.0": "deny",
    "CC-BY-NC-ND-4.0": "deny",
    "Proprietary": "deny",
    "All rights reserved": "deny",
    "Copyright 2020 A. Smith. All rights reserved.": "deny",
    "NVIDIA Proprietary Software": "deny",
    "LicenseRef-NVIDIA-Proprietary": "deny",
    "": "unknown",
    "   ": "unknown",
    "UNKNOWN": "unknown",
    "Foo-1.0": "unknown",
    "MIT-NonCommercial": "deny",
    "X11-proprietary": "deny",
    "MIT-no-AI": "unknown",
    "MIT-like": "unknown",
    "BSD-3-Clause-Research-Only": "unknown",
    "BSD-like": "allow",
    "CC-BY-2.0-NC": "unknown",
    "CC-BY-2.0": "allow",
    "CC-BY-3.0-AT": "allow",
    "Apache-2.0+": "allow",
    "X11-distribute-modifications-variant": "allow",
    "LicenseRef-scancode-public-domain": "allow",
    "LicenseRef-scancode-public-domain-but-mine": "unknown",
    "LicenseRef-BSD": "allow",
    "LicenseRef-BSD-ours": "unknown",
    "MIT OR": "unknown",
    "((": "unknown",
    "MIT except for machines": "unknown",
}


@pytest.mark.parametrize(("licence", "value"), CASES.items())
def test_a_licence_is_read(licence: str, value: str) -> None:
    assert judge_licence(licence)[0] == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("GPL-2.0-only OR MIT", "allow"),
        ("GPL-2.0-only AND MIT", "conditional"),
        ("MIT AND (Foo-1.0 OR BSD-3-Clause)", "allow"),
        ("Foo-1.0 OR GPL-2.0-only", "conditional"),
        ("Foo-1.0 AND GPL-2.0-only", "unknown"),
        ("CC-BY-NC-4.0 OR Foo-1.0", "unknown"),
        ("CC-BY-NC-4.0 AND Foo-1.0", "deny"),
        ("MIT License or Apache License, Version 2.0", "allow"),
        ("MIT; all rights reserved", "deny"),
        ("MIT AND MIT-no-AI", "unknown"),
        ("MIT-no-AI OR Foo-1.0", "unknown"),
        ("Apache-2.0 WITH LLVM-exception", "allow"),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", "conditional"),
    ],
)
def test_or_takes_the_best_and_and_the_strictest(expression: str, value: str) -> None:
    assert judge_licence(expression)[0] == value


@pytest.mark.parametrize("text", ["MIT OR (AND MIT)", "()", "MIT OR ()", "(OR MIT)", "AND", "MIT AND"])
def test_what_is_no_expression_is_no_yes(text: str) -> None:
    """Operators without operands and empty brackets are answered like any text that names no licence."""
    value, reason = judge_licence(text)

    assert value == "unknown" and "not one that we recognise" in reason


def test_an_exception_that_spdx_does_not_know_may_take_something_away() -> None:
    value, reason = judge_licence("MIT WITH Commons-Clause")

    assert value == "unknown"
    assert "exception" in reason


def test_a_yes_names_the_licence_and_says_that_attribution_travels() -> None:
    _, reason = judge_licence("MIT License AND CC-BY-4.0")

    assert "MIT" in reason and "CC-BY-4.0" in reason
    assert "attribution travel with the credit" in reason


def test_copyleft_needs_a_person() -> None:
    assert "needs a person's decision" in judge_licence("AGPL-3.0-only")[1]


def test_a_long_text_is_not_judged() -> None:
    assert judge_licence("MIT " * 200)[0] == "unknown"


@given(st.text(max_size=60))
def test_any_text_gets_an_answer_with_a_reason(text: str) -> None:
    value, reason = judge_licence(text)

    assert value in VALUES
    assert reason


ATOMS = st.sampled_from(["MIT", "GPL-3.0-only", "CC-BY-NC-4.0", "Foo-1.0", "BSD", "MPL-2.0"])
ORDER = ["allow", "conditional", "unknown", "deny"]


@given(ATOMS, ATOMS)
def test_joining_two_licences_follows_the_order_of_restriction(one: str, two: str) -> None:
    ranks = [ORDER.index(judge_licence(atom)[0]) for atom in (one, two)]

    assert judge_licence(f"{one} OR {two}")[0] == ORDER[min(ranks)]
    assert judge_licence(f"{one} AND {two}")[0] == ORDER[max(ranks)]


@pytest.mark.parametrize(
    ("classifiers", "licence", "value"),
    [
        (["License :: OSI Approved :: MIT License"], "MIT", "allow"),
        (["License :: OSI Approved", "License :: DFSG approved"], "", "unknown"),
        (["License :: OSI Approved", "License :: OSI Approved :: BSD License"], "LicenseRef-BSD", "allow"),
        (["License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)"], "MPL-2.0", "conditional"),
        (["License :: Other/Proprietary License"], "LicenseRef-proprietary", "deny"),
        (["License :: OSI Approved :: Nowhere License"], "Nowhere License", "unknown"),
        (["Programming Language :: Python"], "", "unknown"),
        ([], "", "unknown"),
    ],
)
def test_classifiers_name_a_licence(classifiers: list[str], licence: str, value: str) -> None:
    assert licence_of_classifiers(classifiers) == licence
    assert judge_licence(licence)[0] == value


def test_several_classifiers_all_hold() -> None:
    both = licence_of_classifiers(
        ["License :: OSI Approved :: MIT License", "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"]
    )

    assert both == "MIT AND GPL-3.0-only"
    assert judge_licence(both)[0] == "conditional"
