"""A policy is read as C2SP tlog-policy says, errors name their line, and the quorum is what a slow reading says."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError, IntegrityError
from endcredits.receipts.cosignature import cosign, read_statement, with_lines
from endcredits.receipts.cosigner import CosigningKey, Key
from endcredits.receipts.policy import LINES_MAX, Policy, load_policy, parse_policy
from endcredits.receipts.quorum import lacking, reached, weigh
from tests.receipts.witnesses import MemoryLog, entries, key

LOG = MemoryLog(entries(5))
OWN = Key("own.example/w", 4, LOG.key.private.public_key().public_bytes_raw())


def cosigner(number: int) -> CosigningKey:
    private = Ed25519PrivateKey.from_private_bytes(bytes([100 + number]) * 32)
    return CosigningKey(f"w{number}.example/w", private)


def witness(number: int, name: str = "") -> str:
    return f"witness {name or f'w{number}'} {cosigner(number).key.vkey}"


def policy(*lines: str) -> Policy:
    return parse_policy("".join(f"{line}\n" for line in lines).encode())


THREE = [f"log {LOG.key.vkey}", *[witness(number) for number in range(3)]]


def test_the_example_of_the_standard_is_read() -> None:
    """Two levels of groups, remarks, tabs, spaces, addresses, no final newline."""
    text = "\n".join(
        [
            "  # a remark",
            "",
            f"log {LOG.key.vkey} https://log.example/",
            f"\twitness   X1\t{cosigner(1).key.vkey} https://x1.example/w",
            witness(2, "X2"),
            witness(3, "X3"),
            "group X-witnesses 2 X1 X2 X3",
            witness(4, "Y1"),
            witness(5, "Y2"),
            "group Y-witnesses any Y1 Y2",
            "group X-and-Y all X-witnesses Y-witnesses",
            "quorum X-and-Y",
        ]
    )

    read = parse_policy(text.encode())

    assert [log.url for log in read.logs] == ["https://log.example/"]
    assert [(one.name, one.url) for one in read.witnesses][:2] == [("X1", "https://x1.example/w"), ("X2", "")]
    assert [(group.name, group.threshold, group.members) for group in read.groups] == [
        ("X-witnesses", 2, ("X1", "X2", "X3")),
        ("Y-witnesses", 1, ("Y1", "Y2")),
        ("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    ]
    assert reached(read, ["X1", "X3", "Y2"])
    assert not reached(read, ["X1", "X2", "X3"])
    assert lacking(read, ["X1", "Y1"]) == (
        "'X-and-Y' asks for 2 of 2 and has 1, without X-witnesses; 'X-witnesses' asks for 2 of 3 and has 1, without X2, X3"
    )


@pytest.mark.parametrize(
    ("lines", "row", "problem"),
    [
        (["quorum w0", *THREE], 1, "no line above defines 'w0'"),
        ([*THREE, "group g 2 w0 w9", "quorum g"], 5, "no line above defines 'w9'"),
        ([*THREE, "group g 2 w0 g", "quorum g"], 5, "no line above defines 'g'"),
        ([*THREE, "group g any none", "quorum g"], 5, "no line above defines 'none'"),
        ([*THREE, "group g 3 w0 w1", "quorum g"], 5, "'3' is not how many"),
        ([*THREE, "group g 0 w0 w1", "quorum g"], 5, "'0' is not how many"),
        ([*THREE, "group g 01 w0 w1", "quorum g"], 5, "'01' is not how many"),
        ([*THREE, "group g -1 w0 w1", "quorum g"], 5, "'-1' is not how many"),
        ([*THREE, "group g \u0661 w0 w1", "quorum g"], 5, "is not how many"),
        ([*THREE, "group g most w0 w1", "quorum g"], 5, "'most' is not how many"),
        ([*THREE, "group g any", "quorum g"], 5, "2 fields after 'group'"),
        ([*THREE, "group g any w0 w0", "quorum g"], 5, "'w0' is a member already"),
        ([*THREE, "group g any w0", "group h any w0", "quorum h"], 6, "'w0' is a member already"),
        ([*THREE, "group w0 any w1", "quorum w0"], 5, "the name 'w0' is taken"),
        ([*THREE, witness(7, "w0"), "quorum w0"], 5, "the name 'w0' is taken"),
        ([*THREE, witness(7, "none"), "quorum w0"], 5, "the name 'none' is taken"),
        ([*THREE, witness(0, "again"), "quorum w0"], 5, "an earlier line gives the same key"),
        ([*THREE, THREE[0], "quorum w0"], 5, "an earlier line gives the same key"),
        ([*THREE, f"witness own {OWN.vkey}", "quorum own"], 5, "an earlier line gives the same key"),
        ([*THREE, "quorum w0", "quorum w0"], 6, "an earlier line gives a quorum"),
        ([*THREE, "quorum w0 w1"], 5, "2 fields after 'quorum'"),
        ([*THREE, "quorum"], 5, "0 fields after 'quorum'"),
        ([*THREE, "Quorum w0"], 5, "'Quorum' is not a word"),
        ([*THREE, "policy 1", "quorum w0"], 5, "'policy' is not a word"),
        ([*THREE, "log", "quorum w0"], 5, "0 fields after 'log'"),
        ([*THREE, "log nothing", "quorum w0"], 5, "it is not a vkey"),
        ([*THREE, f"log {cosigner(8).key.vkey}", "quorum w0"], 5, "type 4 cannot be that of a log"),
        ([*THREE, f"witness l {key(7).vkey}", "quorum w0"], 5, "type 1 cannot be that of a witness"),
        ([*THREE, f"{witness(8)} http://a http://b", "quorum w0"], 5, "4 fields after 'witness'"),
        ([*THREE, "quorum w0\r"], 5, "a control character"),
        ([*THREE, "# \x1b[2J", "quorum w0"], 5, "a control character"),
        ([*THREE, "quorum\u00a0w0"], 5, "is not a word"),
    ],
)
def test_errors_name_their_line(lines: list[str], row: int, problem: str) -> None:
    """What is wrong, where, and what to do."""
    with pytest.raises(InputError) as caught:
        parse_policy("\n".join(lines).encode(), file="w.policy")

    assert problem in caught.value.message
    assert (caught.value.file, caught.value.row) == ("w.policy", row)
    assert caught.value.remedy


def test_errors_of_the_whole_file(tmp_path: Path) -> None:
    """No quorum, not UTF-8, too long, missing, a folder."""
    (tmp_path / "none").write_text("\n".join(THREE))
    (tmp_path / "latin").write_bytes(b"# caf\xe9\nquorum none\n")
    (tmp_path / "long").write_bytes(b"\n" * LINES_MAX)
    (tmp_path / "wide").write_bytes(b"#" * (2 << 20))
    (tmp_path / "good").write_text("quorum none")

    for name, problem in [
        ("none", "which quorum"),
        ("latin", "row 1: the line is not UTF-8"),
        ("long", "too long"),
        ("wide", "too long"),
        ("missing", "no such policy"),
        (".", "a folder"),
    ]:
        with pytest.raises(InputError, match=problem):
            load_policy(tmp_path / name)
    assert load_policy(tmp_path / "good") == Policy((), (), (), "none")


def test_names_are_bytes_and_not_what_they_look_like() -> None:
    """The Kelvin sign is not K, and a composed letter is not its parts."""
    read = policy(witness(0, "K"), witness(1, "\u212a"), witness(2, "\u00e9"), witness(3, "e\u0301"), "quorum \u212a")

    assert reached(read, ["\u212a"])
    assert not reached(read, ["K", "\u00e9", "e\u0301"])


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    """A policy or an InputError."""
    good = "".join(f"{line}\n" for line in THREE).encode()
    for text in (data, good + data, good + b"quorum w0\n" + data):
        with contextlib.suppress(InputError):
            parse_policy(text)


# The slow twin: it knows only the nested form, and asks every group by trying all choices of members.
Rule = str | tuple[int, list["Rule"]]


def slowly(rule: Rule, cosigned: set[str]) -> bool:
    if isinstance(rule, str):
        return rule in cosigned
    threshold, members = rule
    return any(all(slowly(member, cosigned) for member in chosen) for chosen in itertools.combinations(members, threshold))


@st.composite
def rules(draw: st.DrawFn) -> tuple[Rule, list[str], list[str]]:
    """A nested rule, the same as lines of a policy, and the witnesses' names."""
    lines: list[str] = []
    names: list[str] = []

    def rule(depth: int) -> tuple[Rule, str]:
        if depth == 0 or len(names) > 8 or draw(st.booleans()):
            name = f"w{len(names)}"
            lines.append(witness(len(names)))
            names.append(name)
            return name, name
        parts = [rule(depth - 1) for _ in range(draw(st.integers(1, 3)))]
        threshold = draw(st.integers(1, len(parts)))
        count = {1: "any", len(parts): "all"}.get(threshold, str(threshold)) if draw(st.booleans()) else str(threshold)
        name = f"g{len(lines)}"
        lines.append(f"group {name} {count} {' '.join(part[1] for part in parts)}")
        return (threshold, [part[0] for part in parts]), name

    whole, name = rule(draw(st.integers(1, 3)))
    return whole, [*lines, f"quorum {name}"], names


@given(rules(), st.data())
def test_the_quorum_is_what_the_slow_twin_says(drawn: tuple[Rule, list[str], list[str]], data: st.DataObject) -> None:
    """For nested groups and thresholds; the words are empty exactly when it is reached."""
    rule, lines, names = drawn
    cosigned = set(data.draw(st.lists(st.sampled_from(names), unique=True)))
    read = policy(*lines)

    assert reached(read, cosigned) == slowly(rule, cosigned)
    assert (lacking(read, cosigned) == "") == slowly(rule, cosigned)
    # One more witness never takes a quorum away, and strangers never bring it.
    assert reached(read, [*cosigned, "stranger", *[group.name for group in read.groups]]) == slowly(rule, cosigned)
    for name in names:
        assert reached(read, [*cosigned, name]) >= reached(read, cosigned)


def test_a_long_chain_of_groups_is_decided_quickly() -> None:
    """Depth costs nothing: groups are decided from top to bottom."""
    chain = [f"group g{number} all {'w0' if number == 0 else f'g{number - 1}'}" for number in range(1_500)]
    read = policy(witness(0), *chain, "quorum g1499")

    assert reached(read, ["w0"])
    assert not reached(read, [])
    assert lacking(read, []).count(";") == 1_499


def signed(*numbers: int, log: MemoryLog = LOG) -> str:
    said = read_statement(log.published.note)
    return with_lines(log.published.note, [cosign(said, cosigner(number), 1_700_000_000) for number in numbers])


def test_a_checkpoint_is_weighed() -> None:
    """Who cosigned, whether that is enough, and what lacks."""
    read = policy(*THREE, "group two 2 w0 w1 w2", "quorum two")

    alone, enough = weigh(read, signed(1)), weigh(read, signed(2, 0, 7))

    assert (alone.reached, list(alone.cosignatures)) == (False, ["w1"])
    assert alone.lacking == "'two' asks for 2 of 3 and has 1, without w0, w2"
    assert (enough.reached, list(enough.cosignatures), enough.lacking) == (True, ["w0", "w2"], "")
    assert (enough.log.name, enough.statement.size) == (LOG.key.name, 5)
    assert weigh(policy(THREE[0], "quorum none"), signed()).reached
    one = policy(*THREE, "quorum w2")
    assert weigh(one, signed(0)).lacking == "the quorum is the witness 'w2', which has not cosigned"


def test_what_the_log_did_not_sign_is_not_weighed() -> None:
    """Cosignatures do not stand in for the log's own signature; a wrong line in a known name is refused."""
    read = policy(*THREE, "quorum w0")
    forged = MemoryLog(entries(5), key(9))
    other = MemoryLog(entries(5), key(name="other.example/log"))
    wrong = signed(0).replace("\n5\n", "\n6\n")
    of_another = signed(0, log=MemoryLog(entries(6)))
    mixed = LOG.published.note + read_statement(of_another).lines[1] + "\n"

    for note, problem in [
        (signed(0, log=forged), "is not signed by the key of 'studio.example/endcredits/log'"),
        (signed(0, log=other), "which the policy does not list"),
        (wrong, "does not fit"),
        (mixed, "signature of 'w0.example/w' does not fit"),
        ("nothing", "not a signed note"),
    ]:
        with pytest.raises(IntegrityError, match=problem):
            weigh(read, note)


def test_while_a_log_changes_its_key_either_is_enough() -> None:
    """Two log lines of one origin; ML-DSA-44 may be one of them."""
    pq = CosigningKey(LOG.key.name, MLDSA44PrivateKey.from_seed_bytes(bytes(32)))
    read = policy(f"log {key(9).vkey}", f"log {LOG.key.vkey}", f"log {pq.key.vkey}", "quorum none")
    only_pq = signed().rpartition("\n\n")[0] + "\n\n" + cosign(read_statement(signed()), pq, 0) + "\n"

    assert weigh(read, signed()).log.public == LOG.key.private.public_key().public_bytes_raw()
    assert weigh(read, only_pq).log == Key(pq.name, 6, pq.key.public)
