"""The lone verifier weighs witnesses as `quorum` does: they share no line, and neither trusts more than the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.receipts import verify as lone
from endcredits.receipts.cosignature import cosign, read_statement
from endcredits.receipts.issuing import issue
from endcredits.receipts.log import Log
from endcredits.receipts.names import receipt_path
from endcredits.receipts.policy import parse_policy
from endcredits.receipts.quorum import weigh
from tests.receipts.helpers import AT, KEY, items
from tests.receipts.test_policy import THREE, Rule, cosigner, rules, witness

THREE_OF_KEY = [f"log {KEY.vkey}", *THREE[1:]]


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A receipt's file, unwitnessed."""
    place = tmp_path_factory.mktemp("studio")
    issue(Log.open(place / "log", KEY), place / "receipts", items(1, 2, 3), AT)
    return receipt_path(place / "receipts", "out-2").read_bytes()


def note_of(receipt: bytes) -> str:
    return str(json.loads(receipt)["proof"]).partition("\n\n")[2]


def with_cosignatures(receipt: bytes, names: set[str]) -> bytes:
    """The same receipt under a checkpoint that these witnesses have signed; canonical JSON spells the lines as they are."""
    said = read_statement(note_of(receipt))
    lines = [cosign(said, cosigner(int(name[1:])), 1_700_000_000 + int(name[1:])) for name in sorted(names)]
    last = said.lines[-1]
    return receipt.replace(f"{last}\\n".encode(), "".join(f"{line}\\n" for line in (last, *lines)).encode())


@given(rules(), st.data())
def test_both_ask_for_the_same_witnesses(
    receipt: bytes, drawn: tuple[Rule, list[str], list[str]], data: st.DataObject
) -> None:
    """For drawn policies and drawn cosigners: verified exactly when the quorum is reached, and by the same witnesses."""
    _, lines, names = drawn
    cosigned = set(data.draw(st.lists(st.sampled_from(names), unique=True)))
    text = "\n".join([f"log {KEY.vkey}", *lines]) + "\n"
    file = with_cosignatures(receipt, cosigned)

    weighed = weigh(parse_policy(text.encode()), note_of(file))
    verdict, _ = lone.check(file, lone.read_policy(text))

    assert verdict.verified == weighed.reached, verdict.problem
    assert set(weighed.cosignatures) == cosigned
    if verdict.verified:
        assert verdict.witnesses == tuple(sorted(cosigned))
        assert any("unwitnessed" in line for line in verdict.not_proven) == (not cosigned)
    else:
        assert "as the policy asks for" in verdict.problem


@pytest.mark.parametrize(
    "lines",
    [
        ["quorum w0", *THREE_OF_KEY],
        [*THREE_OF_KEY],
        [*THREE_OF_KEY, "group g 2 w0 w9", "quorum g"],
        [*THREE_OF_KEY, "group g 3 w0 w1", "quorum g"],
        [*THREE_OF_KEY, "group g 0 w0 w1", "quorum g"],
        [*THREE_OF_KEY, "group g 01 w0 w1", "quorum g"],
        [*THREE_OF_KEY, "group g any", "quorum g"],
        [*THREE_OF_KEY, "group g any w0 w0", "quorum g"],
        [*THREE_OF_KEY, "group g any w0", "group h any w0", "quorum h"],
        [*THREE_OF_KEY, "group g all w0 none", "quorum g"],
        [*THREE_OF_KEY, "group w0 any w1", "quorum w0"],
        [*THREE_OF_KEY, witness(7, "w0"), "quorum w0"],
        [*THREE_OF_KEY, witness(7, "none"), "quorum w0"],
        [*THREE_OF_KEY, witness(0, "again"), "quorum w0"],
        [*THREE_OF_KEY, THREE_OF_KEY[0], "quorum w0"],
        [*THREE_OF_KEY, "quorum w0", "quorum w0"],
        [*THREE_OF_KEY, "quorum w0 w1"],
        [*THREE_OF_KEY, "quorum w9"],
        [*THREE_OF_KEY, "Quorum w0"],
        [*THREE_OF_KEY, "log nothing", "quorum w0"],
    ],
)
def test_both_refuse_the_same_policies(lines: list[str]) -> None:
    """What one cannot read the other does not read either."""
    text = "\n".join(lines) + "\n"

    with pytest.raises(InputError):
        parse_policy(text.encode())
    with pytest.raises(ValueError):
        lone.read_policy(text)


def test_the_lone_verifier_sees_a_forged_cosignature(receipt: bytes, tmp_path: Path) -> None:
    """A cosignature of another checkpoint, or by another key under the witness's name, is refused by both."""
    good = with_cosignatures(receipt, {"w0"})
    said = read_statement(note_of(receipt))
    other = read_statement(note_of(receipt).replace("\n3\n", "\n4\n"))
    right, wrong = cosign(said, cosigner(0), 1_700_000_000), cosign(other, cosigner(0), 1_700_000_000)
    text = "\n".join([*THREE_OF_KEY, "quorum w0"]) + "\n"

    assert lone.check(good, lone.read_policy(text))[0].verified
    forged = lone.check(good.replace(right.encode(), wrong.encode()), lone.read_policy(text))[0]

    assert not forged.verified and "signature" in forged.problem
