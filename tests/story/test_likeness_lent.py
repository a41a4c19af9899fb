"""A voice is lent: consent, two spots, a change of mind, the fee, the statement, and an auditor who sees no birthday.

The young performer signs through a guardian; one fee pays two parties; a third spot comes too late. What the period paid is
recomputed by somebody who trusts nobody, from a pack that tells nothing of the family or the contract.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endcredits.flows import likeness, likeness_policy, periods
from endcredits.flows import likeness_granting as granting
from endcredits.flows.checking import check_studio
from endcredits.flows.publishing import publish_period
from endcredits.flows.studio import open_studio
from endcredits.payouts import statements_for_period
from endcredits.works import party_id_of
from endcredits.works.likeness import grant_rows
from tests.flows.used import build_attributed, output_of
from tests.story import house as h
from tests.story.dishonest import audited, told
from tests.story.house import House
from tests.works.likeness.made import ADA, MUM, document, request, stand_still

APRIL = "2025-04"
BIRTHDAY, SECRET = "2031-07-23", "the unreleased scene on the telephone in episode four"


def test_a_voice_is_lent_and_paid_for(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = ["2025-04-10T09:00:00Z"]
    stand_still(monkeypatch, moment)
    studio = open_studio(house.copy(build_attributed(house), tmp_path / "studio"))
    voice = tmp_path / "ada.wav"
    voice.write_bytes(b"RIFF a young voice")
    payees = [("Ada Example", 900_000_000), ("Grace Example", 100_000_000)]
    granting.enrol(
        studio,
        "Ada Example",
        turns_18_on=BIRTHDAY,
        guardian="Grace Example",
        payees=payees,
        references=[("voice", voice)],
        kept_at="vault 2",
    )
    paper = tmp_path / "grant.json"
    dates = {"signed_at": "2025-04-02T10:00:00Z", "notice_given_at": "2025-04-01T09:00:00Z", "term_to": "2026-04-01"}
    row = {
        "uses__0__from": "2025-04-05",
        "uses__0__to": "2026-03-31",
        "uses__0__description": SECRET,
        "uses__0__max_uses": 3,
    }
    pay = {"pay__basis": "usage_multiplier", "pay__amount": "200.00", "pay__currency": "EUR", "pay__multiplier": "1.5"}

    alone = {"is_minor": True, "turns_18_on": BIRTHDAY, "guardian": None, "grantor": "self"}
    paper.write_text(json.dumps(document(**dates, **row, **pay, **alone)))
    assert next(one.rule_id for one in granting.grant_file(studio, paper).findings) == "minor-without-guardian"
    spot = request(description=SECRET)
    output = output_of(studio, h.TIDE).output_id
    assert likeness.use(studio, spot, output_id=output).use is None, "kept, and of no effect"

    signed = {**alone, "guardian": MUM, "grantor": "guardian", "signature_ref": "contracts/41.pdf, by the guardian"}
    paper.write_text(json.dumps(document(**dates, **row, **pay, **signed)))
    kept = granting.grant_file(studio, paper)
    assert kept.findings == ()
    for number in (1, 2):
        done = likeness.use(studio, spot, use_id=f"spot-{number}", output_id=output)
        assert done.payment == "reported" and done.decision.grant_id == kept.grant.grant_id
    moment[0] = "2025-04-20T09:00:00Z"
    granting.revoke(studio, "Ada Example", reason="School comes first.", by="Grace Example")
    late = likeness.use(studio, spot, use_id="spot-3", output_id=output)
    assert late.decision.value == "deny" and "revoked" in [one.rule_id for one in late.decision.blocks]

    policy = likeness_policy.fee_policy(studio, levies=[("plans", 200_000_000, "party:plans")]).policy
    periods.close(studio, APRIL, policy=policy)
    with studio.store.reading() as conn:
        paid = {one.party_id: sum(line.amount_micros for line in one.lines) for one in statements_for_period(conn, APRIL)}
    assert paid[ADA] == 540_000_000 and paid[party_id_of("Grace Example")] == 60_000_000, "2 x 200 EUR x 1.5, 90 : 10"
    assert check_studio(studio) == []

    pack = tmp_path / "pack"
    publish_period(studio, APRIL, pack)
    assert told(audited(pack)) == ""
    shown = b"".join(path.read_bytes() for path in pack.rglob("*") if path.is_file())
    with studio.store.reading() as conn:
        row = next(row for row, grant_id in grant_rows(conn, ADA).items() if grant_id == kept.grant.grant_id)
    assert row.encode() in shown, "the grant stands there as a digest"
    for hidden in (BIRTHDAY, SECRET, "School comes first", "vault 2", "contracts/41.pdf", kept.grant.grant_id):
        assert hidden.encode() not in shown, hidden
    studio.close()
