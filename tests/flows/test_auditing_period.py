"""A lived-in studio's periods, published one after the other, and audited each with the one before."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from endcredits.canonical import canonical_bytes
from endcredits.errors import NotFoundError
from endcredits.flows import attributing, log_keys, periods, reporting
from endcredits.flows.auditing_period import Given, audit_period
from endcredits.flows.publishing import publish_period
from endcredits.flows.studio import open_studio
from endcredits.receipts import make_keypair
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h
from tests.story.dishonest import audited, build_closed, key_of, listed_again, told
from tests.story.house import House
from tests.story.lived_in import MARCH, build_lived_in

APRIL = "2025-04"


@cache
def build_packs(house: House) -> tuple[Path, Path]:
    """March, in which everything happened, and April, before which somebody was paid."""
    studio = open_studio(house.copy(build_lived_in(house), house.finished.parent / "lived-on"))
    used = h.february(attributing.all_attributions(studio))
    reporting.report(
        studio, [replace(one, event_id=f"apr-{n}", used_at="2025-04-09T00:00:00Z") for n, one in enumerate(used)]
    )
    periods.close(studio, APRIL)
    march, april = house.finished.parent / "march-pack", house.finished.parent / "april-pack"
    publish_period(studio, MARCH, march)
    publish_period(studio, APRIL, april)
    studio.close()
    return march, april


@pytest.fixture
def packs(house: House, tmp_path: Path) -> tuple[Path, Path]:
    """Packs of the test's own."""
    march, april = build_packs(house)
    return shutil.copytree(march, tmp_path / "march"), shutil.copytree(april, tmp_path / "april")


def stood(pack: Path, change: Any) -> None:
    """Changes what a pack says stood in the books."""
    path = pack / "stood.json"
    plain = json.loads(path.read_bytes())
    change(plain["stood"])
    path.write_bytes(canonical_bytes(plain))
    listed_again(pack)


def test_late_usage_contracts_disputes_and_payments_follow(packs: tuple[Path, Path]) -> None:
    """Statements with an advance, a reserve, a dispute, a refund and a payment before them are made again to the byte."""
    march, april = packs

    assert told(audited(march)) == ""
    audit = audited(april, before=(march,))
    assert told(audit) == "" and not any("--before" in text for text in audit.not_checked)
    assert json.loads((april / "stood.json").read_bytes())["stood"]["moved"], "somebody was paid in between"


def test_a_late_use_of_a_closed_period_is_hidden(packs: tuple[Path, Path]) -> None:
    """Its digest fits the hand-in; but it came after the close before, so what it says must be here."""
    march, _ = packs
    path = march / "reports" / "events.parquet"
    table = pq.read_table(path)
    rows = [{**row, "row": "" if '"late"' in row["row"] else row["row"]} for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    listed_again(march)

    assert "it came after the close before, and what it says is left out" in told(audited(march))


def test_an_opening_balance_is_changed(packs: tuple[Path, Path]) -> None:
    """The period before closed with another, and the statements do not follow either."""
    march, april = packs

    def less(plain: dict[str, Any]) -> None:
        row = next(one for one in plain["balances"] if one["account"].startswith("Liabilities:Payable"))
        row["amount_micros"] += 1_000_000

    stood(april, less)

    found = told(audited(april, before=(march,)))

    assert "the period before closed with" in found and "summary.opening_micros" in found
    assert "the period before closed with" not in told(audited(april))


def test_a_payment_is_invented(packs: tuple[Path, Path]) -> None:
    """The log has another amount in that batch."""
    _, april = packs

    def more(plain: dict[str, Any]) -> None:
        plain["moved"][0]["payment"]["amount_micros"] += 5_000_000

    stood(april, more)

    assert "is not what the log has of that batch" in told(audited(april))


def test_contracts_are_changed(packs: tuple[Path, Path]) -> None:
    """They are not those in the log."""
    march, _ = packs

    def harder(plain: dict[str, Any]) -> None:
        plain["contracts"][0]["reserve_ppb"] *= 2

    stood(march, harder)

    assert "contracts: those applied are not those in the log (ben-1)" in told(audited(march))


def test_a_log_whose_key_was_changed(house: House, tmp_path: Path) -> None:
    """Both lines open it; the old one alone does not, and a new line beside it in the folder is the operator's word."""
    studio = open_studio(house.copy(build_closed(house), tmp_path / "studio"))
    old = studio.log_to_read().vkey
    log_keys.rotate(studio).close()
    log_keys.retire(studio).close()
    publish_period(studio, h.JANUARY, tmp_path / "pack")
    studio.close()

    assert key_of(tmp_path / "pack").split()[1] == old
    assert audited(tmp_path / "pack").findings == ()
    assert "one whose key was changed since" in told(audit_period(tmp_path / "pack", Given(old)))


def test_another_key_and_another_folder(packs: tuple[Path, Path], tmp_path: Path, house: House) -> None:
    """The auditor's key counts, not the one in the folder; a folder without a manifest is no pack."""
    march, _ = packs
    other = make_keypair(tmp_path / "other.pem", key_of(march).partition("+")[0]).vkey

    found = audit_period(march, Given(other))

    assert any("it is not signed by the key given" in one.problem for one in found.findings)
    with pytest.raises(NotFoundError, match="no published period"):
        audit_period(tmp_path, Given(other))


def test_every_file_counts(packs: tuple[Path, Path]) -> None:
    """One changed byte in any file is found, whatever it is of."""
    march, _ = packs
    key = key_of(march)
    names = sorted(json.loads((march / "manifest.json").read_bytes())["files"])
    for name in names[:: max(1, len(names) // 6)]:
        path = march / name
        held = path.read_bytes()
        path.write_bytes(held[: len(held) // 2] + bytes([held[len(held) // 2] ^ 1]) + held[len(held) // 2 + 1 :])
        assert any(name in one.where for one in audit_period(march, Given(key)).findings), name
        path.write_bytes(held)


def test_the_commands(house: House, tmp_path: Path) -> None:
    """Publish, audit, sample: as text and as JSON, and with exit code 3 when something does not follow."""
    studio, pack = house.copy(build_closed(house), tmp_path / "studio"), tmp_path / "pack"
    vkey, texts = str(studio / "log" / "log.vkey"), tmp_path / "texts.jsonl"
    rows = [{"output": one.text.decode(), "prompt": one.prompt.decode()} for one in h.outputs()]
    texts.write_text("\n".join(map(json.dumps, rows)) + "\n")

    said = type_well("period", "publish", h.JANUARY, "--out", pack, "-s", studio).out
    again = type_well("period", "publish", h.JANUARY, "--out", pack, "-s", studio, "--json").json
    assert "hand it to auditors" in said and again["period_id"] == h.JANUARY
    text = type_well("audit", "period", pack, "--vkey", vkey, "--policy", "fifty-fifty").out
    assert "Everything follows." in text and "not checked: Whether all usage was handed in" in text
    document = type_well("audit", "period", pack, "--vkey", vkey, "--json").json
    assert document["agrees"] is True and document["findings"] == []

    early = type_in(
        "audit",
        "sample",
        pack,
        texts,
        "--beacon",
        "round 1 of a beacon 99ab",
        "--published",
        "2025-01-01T00:00:00Z",
        "-s",
        studio,
    )
    assert early.code == 2 and "could have known" in early.err
    (pack / "README.txt").write_text("Trust us.")
    wrong = type_in("audit", "period", pack, "--vkey", vkey)
    assert wrong.code == 3 and "WRONG  README.txt" in wrong.out
    nokey = type_in("audit", "period", pack, "--vkey", tmp_path / "none")
    assert nokey.code == 2
