"""What a creator, an auditor and somebody who asks to be forgotten get from the command line."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from pathlib import Path

import pytest

from endcredits.flows import receipting
from endcredits.flows.studio import open_studio
from endcredits.receipts import Item, issue
from endcredits.receipts.cose import read_cose_receipt
from endcredits.receipts.cosignature import cosign, read_statement
from endcredits.receipts.cosigner import make_cosigning_key
from endcredits.receipts.tlog_proof import parse_proof
from endcredits.works import party_id_of
from tests.story import house as h
from tests.story.house import House

from .terminal import type_in, type_well


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Path:
    """Two closed periods."""
    return house.copy(house.finished, tmp_path / "studio")


def output_of(studio: Path) -> str:
    """The id of the output that was entered last."""
    rows = type_well("receipt", "list", "-s", studio, "--json").json
    return str([row["receipt_id"] for row in rows if row["type"] == "run.receipt"][-1])


def vkey(studio: Path) -> str:
    return (studio / "log" / "log.vkey").read_text().splitlines()[0]


def test_a_creator_gets_the_own_line(studio: Path, tmp_path: Path) -> None:
    """One file that verifies without the studio and names no other work; an auditor's names them all."""
    output = output_of(studio)
    mine, every = tmp_path / "mine.json", tmp_path / "every.json"

    said = type_well("receipt", "line", output, h.LAMP, "--out", mine, "-s", studio)
    told = type_well("receipt", "lines", output, "--out", every, "-s", studio, "--json").json

    assert said.out == f"Written: {mine}\n" and told == {"file": str(every), "bytes": every.stat().st_size}
    assert json.loads(mine.read_bytes())["line"]["line"]["work_id"] == h.LAMP
    assert not any(name.encode() in mine.read_bytes() for name in (h.SALT, h.TIDE, h.RHYME))
    assert all(name.encode() in every.read_bytes() for name in (h.SALT, h.LAMP, h.TIDE, h.RHYME))
    assert type_well("receipt", "line", output, h.LAMP, "-s", studio).out.encode() == mine.read_bytes()
    refused = type_in("receipt", "line", output, "work:nobody", "-s", studio)
    assert refused.code == 2 and "no line of the work 'work:nobody'" in refused.err


def test_a_receipt_is_shown(studio: Path) -> None:
    """Its place, what it says, and its lines when they are asked for."""
    output = output_of(studio)

    plain = type_well("receipt", "show", output, "-s", studio).out
    document = type_well("receipt", "show", output, "--lines", "-s", studio, "--json").json

    assert f"run.receipt {output}" in plain and "unattributed_ppb: " in plain and h.LAMP not in plain
    assert document["body"]["output_id"] == output and {line["work_id"] for line in document["lines"]} >= {h.LAMP, h.SALT}
    missing = type_in("receipt", "show", "output:nobody", "-s", studio)
    assert missing.code == 2 and "no such file" in missing.err


def test_a_proof_is_exported(studio: Path, tmp_path: Path) -> None:
    """As tlog-proof, as COSE with the entry that it proves, and as a receipt with a proof of today."""
    output = output_of(studio)
    leaf = type_well("receipt", "export", output, "--form", "leaf", "-s", studio).out.encode()

    proof = parse_proof(type_well("receipt", "export", output, "-s", studio).out)
    cose = tmp_path / "output.cose"
    type_well("receipt", "export", output, "--cose", "--out", cose, "-s", studio)
    inside = base64.b64decode(type_well("receipt", "export", output, "--cose", "-s", studio, "--json").json["base64"])

    opened = open_studio(studio)
    assert proof.checkpoint == opened.log_to_read().checkpoint().note, "it is of today"
    opened.close()
    for data in (cose.read_bytes(), inside):
        assert read_cose_receipt(data, leaf, vkey(studio)).leaf_index == proof.leaf_index
    binary = type_in("receipt", "export", output, "--cose", "-s", studio)
    assert binary.code == 2 and "--out FILE" in binary.err
    unknown = type_in("receipt", "export", output, "--form", "pdf", "-s", studio)
    assert unknown.code == 2 and "no form of a receipt" in unknown.err


def test_proofs_are_made_fresh(studio: Path, tmp_path: Path) -> None:
    """One into a file, or all of them in their places; the check has nothing against it."""
    output = output_of(studio)
    today = tmp_path / "today.json"

    type_well("receipt", "refresh", output, "--out", today, "-s", studio)
    number = type_well("receipt", "refresh", "--all", "-s", studio, "--json").json["refreshed"]

    (stands,) = [
        row["file"] for row in type_well("receipt", "list", "-s", studio, "--json").json if row["receipt_id"] == output
    ]
    assert Path(stands).read_bytes() == today.read_bytes()
    assert number == len(type_well("receipt", "list", "-s", studio, "--json").json)
    for words in ([], ["--all", output], ["--all", "--out", today]):
        assert type_in("receipt", "refresh", *words, "-s", studio).code == 2
    type_well("check", "-s", studio)


def test_a_witnessed_proof_is_kept_until_a_later_one_has_witnesses(studio: Path, tmp_path: Path) -> None:
    """The log grows on; its newest checkpoint, which no witness has seen yet, takes no signature from a receipt."""
    output = output_of(studio)
    key = make_cosigning_key(tmp_path / "witness.pem", "witness.example/w")
    with closing(open_studio(studio)) as place:
        log = place.log()
        now = log.checkpoint()
        log.add_signatures([cosign(read_statement(now.note), key, 1_800_000_000)], now)
        assert receipting.refresh_all(place) == (len(receipting.entered(place)), 0)
        issue(log, place.receipts, [Item("later", "test.note", {"a": 1})], "2027-01-20T00:00:00Z")
        witnessed = receipting.refreshed(place, output)
        assert "witness.example/w" in witnessed.proof.checkpoint
        assert receipting.refresh_all(place) == (1, len(receipting.entered(place)) - 1)  # the new receipt alone
        assert receipting.refreshed(place, output) == witnessed
    assert "Ask them first" in type_well("receipt", "refresh", output, "-s", studio).err


def test_an_output_is_erased(studio: Path) -> None:
    """First it is told what would go and what must stay; with --yes it goes, and everything still fits."""
    output = output_of(studio)

    asked = type_well("receipt", "erase", output, "-s", studio)
    assert "Would be erased" in asked.out and "Remains: " in asked.out and "give --yes" in asked.out
    assert output_of(studio) == output
    done = type_well("receipt", "erase", output, "--yes", "-s", studio, "--json").json
    assert done["erased"] is True and done["receipts"] == [output] and done["erasures"]

    assert type_in("receipt", "show", output, "-s", studio).code == 2
    again = type_in("receipt", "erase", output, "--yes", "-s", studio)
    assert again.code == 4 and "was erased on" in again.err
    told = type_well("receipt", "list", "--erased", "-s", studio)
    assert "run.receipt" in told.out and "erased on" in told.out and output not in told.out
    assert "1 erased receipts." in told.out
    assert [row["type"] for row in type_well("receipt", "list", "--erased", "-s", studio, "--json").json] == ["run.receipt"]
    checked = type_well("check", "-s", studio)
    assert "Erased on" in checked.out and "Everything fits." in checked.out and "WRONG" not in checked.out
    assert type_well("check", "-s", studio, "--json").json["erased"][0].startswith("Erased on")


def test_a_person_is_erased(studio: Path) -> None:
    """By their id; what is left of it is said."""
    cleo = party_id_of(h.CLEO)

    done = type_well("receipt", "erase", "--party", cleo, "--yes", "-s", studio)

    assert f"Erased of {cleo}" in done.out and "5 lines" in done.out and "books" in done.out
    assert type_well("receipt", "erase", "--resume", "-s", studio).out == "0 files were changed or removed.\n"
    shown = type_well("receipt", "show", output_of(studio), "--lines", "-s", studio)
    assert ": erased" in shown.out and h.TIDE not in shown.out
    refused = type_in("receipt", "erase", "--party", "party:nobody", "--yes", "-s", studio)
    assert refused.code == 2 and "works parties" in refused.err
    for words in ([], ["--resume", "--party", cleo]):
        assert type_in("receipt", "erase", *words, "-s", studio).code == 2
