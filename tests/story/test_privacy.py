"""docs/privacy.md says field by field what each role can see; here every cell of its table is held against real files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from endcredits.attribution import Attribution
from endcredits.canonical import canonical_bytes
from endcredits.flows import attributing
from endcredits.flows.studio import Studio, open_studio
from endcredits.receipts import load_lines, load_receipt, receipt_path
from endcredits.receipts.handing_out import line_receipt, lines_receipt
from endcredits.receipts.lines import lines_path
from endcredits.works import party_id_of

from . import house as h
from .house import House

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
ROLES = ("public", "witness", "creator", "payee", "auditor", "staff")


def table() -> dict[str, tuple[bool, ...]]:
    """The page's table: what it claims, by field, in the order of the roles."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text().splitlines() if line[:1] == "|"
    ]
    start = next(number for number, row in enumerate(rows) if row[0] == "field")
    assert tuple(rows[start][1:]) == ROLES
    claims = {}
    for row in rows[start + 2 :]:
        assert set(row[1:]) <= {"yes", "no"} and len(row) == 1 + len(ROLES), row
        claims[row[0]] = tuple(cell == "yes" for cell in row[1:])
    return claims


CLAIMS = table()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, house: House) -> Iterator[Studio]:
    """Two closed periods, looked at and not changed."""
    opened = open_studio(house.copy(house.finished, tmp_path_factory.mktemp("privacy") / "studio"))
    yield opened
    opened.close()


def the_output(studio: Studio) -> tuple[Attribution, h.GivenOutput]:
    """One output, and what was said."""
    of_text = {one.output_sha256: one for one in attributing.all_attributions(studio)}
    given = h.outputs()[3]
    (found,) = [
        one for one in of_text.values() if one.output_bytes == len(given.text) and one.lines[0].work_id == given.label
    ]
    return found, given


@pytest.fixture(scope="module")
def held(studio: Studio) -> dict[str, bytes]:
    """Everything that each role holds, in one heap of bytes."""
    output, _ = the_output(studio)
    folder, january = studio.receipts, f"period:{h.JANUARY}"
    log = b"".join(path.read_bytes() for path in sorted((studio.path / "log").rglob("*")) if path.is_file())
    mail = b"".join(path.read_bytes() for path in sorted(studio.path.glob(f"statements/{h.JANUARY}/cleo*")))
    everything = b"".join(data for data in h.files(studio.path).values())
    return {
        "public": log,
        "witness": (studio.path / "log" / "checkpoint").read_bytes(),
        "creator": line_receipt(folder, output.output_id, h.LAMP),
        "payee": mail,
        "auditor": lines_receipt(folder, output.output_id) + receipt_path(folder, january).read_bytes(),
        "staff": everything + json.dumps(h.dump(studio), ensure_ascii=False).encode(),
    }


def probes(studio: Studio) -> dict[str, list[bytes]]:
    """By field, values that stand for it: who holds any of them sees the field, who does not hold any does not."""
    output, given = the_output(studio)
    receipt = load_receipt(receipt_path(studio.receipts, output.output_id))
    kept = load_lines(lines_path(studio.receipts, output.output_id), output.output_id)
    lines = {str(one.line["work_id"]): one for one in kept if one.line is not None}
    period = load_receipt(receipt_path(studio.receipts, f"period:{h.JANUARY}"))
    rows = [
        json.loads(row)
        for path in studio.path.glob(f"periods/{h.JANUARY}/*/sums/*.jsonl")
        for row in path.read_bytes().splitlines()
    ]
    leaves = {
        of: [canonical_bytes(row["leaf"]) for row in rows if row["leaf"]["party_id"] == party_id_of(of)]
        for of in (h.ADA, h.BEN, h.CLEO)
    }
    others = (h.SALT, h.TIDE, h.RHYME)
    return {
        "the log's name, size and root": [studio.origin.encode()],
        "kind and time of an entry": [b"run.receipt", b"period.receipt", b'"statement"', b'\\"statement\\"'],
        "id of an output": [output.output_id.encode()],
        "digests of an output and its prompt": [output.output_sha256.encode()],
        "text of an output or prompt": [given.text, given.prompt],
        "how much of an output is credited to nobody": [f'"unattributed_ppb":{output.unattributed_ppb}'.encode()],
        "salt of an output's receipt": [receipt.salt.encode()],
        "the creator's own line": [canonical_bytes(lines[h.LAMP].line)],
        "lines of other works": [canonical_bytes(lines[work].line) for work in others],
        "salts of the lines of other works": [lines[work].salt.encode() for work in others],
        "ids of other works": [work.encode() for work in (h.SALT, h.RHYME)],
        "totals and pools of a period": [canonical_bytes(period.body["totals"])],
        "the payee's own amounts": leaves[h.CLEO],
        "the payee's own name": [h.CLEO.encode()],
        "amounts of other payees": [*leaves[h.ADA], *leaves[h.BEN]],
        "names of other payees": [h.ADA.encode(), h.BEN.encode()],
    }


def test_the_table_speaks_of_what_is_tested(studio: Studio) -> None:
    """No row without a probe, no probe without a row, and every probe stands for something."""
    found = probes(studio)

    assert list(CLAIMS) == list(found)
    assert all(values and all(values) for values in found.values())


@pytest.mark.parametrize("field", CLAIMS)
def test_every_role_sees_exactly_what_the_page_says(studio: Studio, held: dict[str, bytes], field: str) -> None:
    """A yes is found in what the role holds, and a no nowhere in it."""
    values = probes(studio)[field]

    seen = tuple(any(value in held[role] for value in values) for role in ROLES)

    assert dict(zip(ROLES, seen, strict=True)) == dict(zip(ROLES, CLAIMS[field], strict=True))


def test_the_log_holds_digests_and_times_alone(studio: Studio) -> None:
    """Every entry has the five keys, and beside kind, time and version nothing but 64 hex digits."""
    log = studio.log_to_read()
    for index in range(log.checkpoint().size):
        leaf = log.leaf_at(index)
        data = leaf if isinstance(leaf, bytes) else canonical_bytes(leaf)
        entry = json.loads(data)
        assert set(entry) == {"commit", "subject", "time", "type", "v"}
        assert all(re.fullmatch(r"[0-9a-f]{64}", entry[name]) for name in ("commit", "subject"))
