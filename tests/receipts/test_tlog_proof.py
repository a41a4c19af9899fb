"""A proof has one text, which other programs read too, and everything else is refused."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.receipts.records import InclusionProof
from endcredits.receipts.tlog_proof import PROOF_BYTES_MAX, parse_proof, parse_tlog_proof, proof_text
from tests.receipts.helpers import new_log

NOTE = "a.example/log\n9\nAAAA\n\n— a.example/log AAAA\n"
PROOFS = st.builds(
    InclusionProof,
    st.integers(0, 2**53 - 1),
    st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=63).map(tuple),
    st.text(min_size=1, max_size=100),
)


def test_the_text_of_a_proof(tmp_path: Path) -> None:
    """Header, index, a hash a line, an empty line, and the checkpoint to its last signature."""
    proof = new_log(tmp_path / "log", 5).proof(4)

    text = proof_text(proof)

    lines = text.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 4"] and lines[3] == ""
    assert base64.b64decode(lines[2]).hex() == proof.path[0] and len(proof.path) == 1
    assert text.endswith(f"\n\n{proof.checkpoint}") and proof.checkpoint.startswith("studio.example/endcredits/log\n5\n")
    assert parse_proof(text) == proof


@given(PROOFS, st.none() | st.binary(max_size=40))
def test_what_is_written_is_read(proof: InclusionProof, extra: bytes | None) -> None:
    """With extra data or without; a receipt's proof has none."""
    text = proof_text(proof, extra)

    assert parse_tlog_proof(text) == (proof, extra)
    if extra is None:
        assert parse_proof(text) == proof
    else:
        with pytest.raises(InputError, match="extra"):
            parse_proof(text)


@given(PROOFS, st.data())
def test_no_other_text_is_read_as_a_proof(proof: InclusionProof, data: st.DataObject) -> None:
    """Whatever is read is spelt as it would be written: there are no two texts of one proof."""
    text = proof_text(proof)
    place = data.draw(st.integers(0, len(text)))
    changed = text[:place] + data.draw(st.text(max_size=2)) + text[place + data.draw(st.integers(0, 2)) :]

    try:
        read, extra = parse_tlog_proof(changed)
    except InputError:
        return
    assert proof_text(read, extra) == changed


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no checkpoint"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n\n", "no checkpoint"),
        (f"c2sp.org/tlog-proof@v2\nindex 0\n\n{NOTE}", "begin"),
        (f"c2sp.org/tlog-proof@v1\n\n{NOTE}", "index"),
        (f"c2sp.org/tlog-proof@v1\r\nindex 0\n\n{NOTE}", "begin"),
        (f"c2sp.org/tlog-proof@v1\nindex 00\n\n{NOTE}", "index"),
        (f"c2sp.org/tlog-proof@v1\nindex -0\n\n{NOTE}", "index"),
        (f"c2sp.org/tlog-proof@v1\nindex \u0663\n\n{NOTE}", "index"),
        (f"c2sp.org/tlog-proof@v1\nindex 9007199254740992\n\n{NOTE}", "index"),
        (f"c2sp.org/tlog-proof@v1\nindex {'9' * 5000}\n\n{NOTE}", "index"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\nextra YQ==\n\n{NOTE}", "base64"),
        (f"c2sp.org/tlog-proof@v1\nextra YR==\nindex 0\n\n{NOTE}", "standard spelling"),
        (f"c2sp.org/tlog-proof@v1\nextra YQ==\nextra YQ==\nindex 0\n\n{NOTE}", "index"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n{NOTE}", "32 bytes"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH} \n\n{NOTE}", "base64"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:-2]}B=\n\n{NOTE}", "standard spelling"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH.replace('=', chr(0xFF1D))}\n\n{NOTE}", "base64"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n" * 64 + f"\n{NOTE}", "63 hashes"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n\n" + "x" * PROOF_BYTES_MAX, "bytes"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n\n" + "\ud800" * (PROOF_BYTES_MAX // 3), "bytes"),
    ],
)
def test_malformed_proofs_are_refused(text: str, problem: str) -> None:
    """With the reason, whatever their size."""
    with pytest.raises(InputError, match=problem):
        parse_tlog_proof(text)
