"""From the first signature to the fee: a permitted use is counted once and paid as agreed; a refused one is neither."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.flows import (
    attributing,
    erasing,
    fact_log,
    indexing,
    likeness,
    likeness_known,
    likeness_policy,
    periods,
    reporting,
    rights,
)
from endcredits.flows import likeness_granting as granting
from endcredits.flows.api import StudioHandle
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.catalogue import corpus
from endcredits.flows.checking import check_studio
from endcredits.flows.fact_files import facts_in
from endcredits.flows.likeness import Used
from endcredits.flows.likeness_known import Granted
from endcredits.flows.studio import Studio, init_studio
from endcredits.ledger import balances
from endcredits.royalties import payable_account, policy_toml, read_policy, shipped_policy
from endcredits.store import many
from endcredits.works import Permission, works
from endcredits.works.likeness import LikenessUse, Resemblance
from endcredits.works.likeness import tables as likeness_tables
from tests.story import house as h
from tests.works.likeness.made import ADA, BOB, MUM, document, request, stand_still
from tests.works.likeness.test_synthetic import RECORD

from .used import JANUARY, fail_commits, output_of, studio

__all__ = ["studio"]

AT = "2025-01-15T12:00:00Z"
NEW = GivenOutput(b"lamp wick oil night page ink hush stair moth", b"", "new")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The time of day, which stands still until a test moves it."""
    moment = [AT]
    stand_still(monkeypatch, moment)

    def move(to: str) -> None:
        moment[0] = to

    return move


def in_2025(**changes: Any) -> dict[str, Any]:
    """A grant of the year in which the house earns."""
    dated = {
        "signed_at": "2025-01-02T10:00:00Z",
        "notice_given_at": "2025-01-01T09:00:00Z",
        "uses__0__from": "2025-01-10",
        "uses__0__to": "2025-12-31",
        "term_to": "2026-01-01",
        "pay__basis": "session",
        "pay__amount": "250.00",
        "pay__currency": "EUR",
    }
    return document(**{**dated, **changes})


def granted(studio: Studio, folder: Path, **changes: Any) -> Granted:
    """Ada is on record with a grant."""
    granting.enrol(studio, "Ada Example")
    file = folder / "grant.json"
    file.write_text(json.dumps(in_2025(**changes)))
    return granting.grant_file(studio, file)


def use(studio: Studio, use_id: str = "spot-1", work_id: str = h.TIDE, asked: LikenessUse | None = None) -> Used:
    """One use, in an output that is attributed."""
    output = output_of(studio, work_id).output_id
    return likeness.use(studio, asked or request(), use_id=use_id, output_id=output)


def owed(studio: Studio, party_id: str, currency: str = "EUR") -> int:
    """What a party is owed, in micros."""
    account = payable_account(party_id)  # type: ignore[arg-type]
    with studio.store.reading() as conn:
        return -balances(conn, account).get((account, currency), 0)


def test_a_use_is_counted_reported_and_paid_what_was_agreed(studio: Studio, tmp_path: Path) -> None:
    kept = granted(studio, tmp_path)
    assert kept.new and kept.findings == ()
    done = use(studio)
    assert (done.decision.value, done.payment) == ("allow", "reported")
    again = use(studio)
    assert again.use == done.use and again.payment == "reported"
    second = use(studio, "spot-2")
    assert second.decision.value == "warn" and second.decision.left == 0

    policy = likeness_policy.fee_policy(studio).policy
    assert read_policy(policy_toml(policy)) == policy
    periods.close(studio, JANUARY, policy=policy)
    assert owed(studio, ADA) == 500_000_000, "two sessions at 250 EUR, and not three"
    assert check_studio(studio) == []
    shown = likeness_known.known(studio, "Ada Example")
    assert [one.use_id for one in shown.uses] == ["spot-1", "spot-2"] and shown.grants[0].findings == ()


def test_a_refused_use_leaves_no_trace_in_counts_and_money(studio: Studio, tmp_path: Path) -> None:
    granted(studio, tmp_path)
    before = h.dump(studio)
    refused = use(studio, asked=request(contexts=("political",)))
    assert (refused.decision.rule_id, refused.use, refused.payment) == ("forbidden-context", None, "")
    assert h.dump(studio) == before


@pytest.mark.parametrize(
    ("pay", "micros"),
    [
        ({"pay__basis": "day_rate", "pay__amount": "1000.00"}, 3_000_000_000),
        ({"pay__basis": "usage_multiplier", "pay__amount": "100.00", "pay__multiplier": "1.5"}, 450_000_000),
    ],
)
def test_days_and_multipliers_are_data(studio: Studio, tmp_path: Path, pay: dict[str, str], micros: int) -> None:
    granted(studio, tmp_path, uses__0__max_uses=None, **pay)
    use(studio, asked=request(count=3))
    periods.close(studio, JANUARY, policy=likeness_policy.fee_policy(studio).policy)
    assert owed(studio, ADA) == micros


def test_the_shipped_policy_pays_every_appearance_and_its_levy(studio: Studio, tmp_path: Path) -> None:
    """0.05 USD an appearance, 20 % on top for the plans, whatever the grant's own terms are."""
    granted(studio, tmp_path, uses__0__max_uses=None)
    use(studio, asked=request(count=40))
    periods.close(studio, JANUARY, policy=shipped_policy("likeness-per-appearance"))
    assert owed(studio, ADA, "USD") == 2_000_000
    assert owed(studio, "party:pension-and-health", "USD") == 400_000


def test_a_share_is_left_to_the_operators_policy_and_said_so(studio: Studio, tmp_path: Path) -> None:
    granted(studio, tmp_path, pay__basis="share", pay__amount=None, pay__currency=None)
    use(studio)
    with pytest.raises(InputError, match="no grant on record agrees a fee"):
        likeness_policy.fee_policy(studio)
    made = likeness_policy.fee_policy(
        studio, onto=shipped_policy("likeness-per-appearance"), fund="party:f", synthetic_fee="1 EUR"
    )
    assert list(made.unpaid) == ["likeness share"] and [one.name for one in made.policy.pools] == [
        "appearances",
        "synthetic performers",
    ]


def test_a_synthetic_performer_pays_a_fund(studio: Studio, clock: Callable[[str], None]) -> None:
    clock("2025-05-15T12:00:00Z")
    output = output_of(studio, h.TIDE).output_id
    record = {**RECORD, "agreements": ["sag-aftra-commercials-2025"]}
    without = {**record, "union_notice_at": None}
    refused = likeness.use_synthetic(studio, without, territory="US", output_id=output)
    assert refused.decision.value == "deny" and refused.use is None
    done = likeness.use_synthetic(studio, record, territory="US", use_id="creature-1", count=2, output_id=output)
    assert (done.decision.value, done.payment) == ("allow", "reported")
    again = likeness.use_synthetic(studio, record, territory="US", use_id="creature-1", count=2, output_id=output)
    assert again.use == done.use
    with pytest.raises(ConflictError):
        likeness.use_synthetic(studio, record, territory="US", use_id="creature-1", count=3, output_id=output)
    made = likeness_policy.fee_policy(
        studio, fund="party:performers-fund", synthetic_fee="25.00 EUR", levies=[("plans", 200_000_000, "party:plans")]
    )
    periods.close(studio, "2025-05", policy=made.policy)
    assert (owed(studio, "party:performers-fund"), owed(studio, "party:plans")) == (50_000_000, 10_000_000)
    assert check_studio(studio) == []
    with pytest.raises(InputError, match="nobody is paid"):
        likeness_policy.fee_policy(studio, synthetic_fee="25.00 EUR")


def test_a_use_of_an_output_that_is_not_attributed_yet_waits_for_it(studio: Studio, tmp_path: Path) -> None:
    granted(studio, tmp_path)
    index = indexing.current_index(studio)
    output = str(attributing.output_id_of(NEW.text, NEW.prompt, index.index.digest))
    done = likeness.use(studio, request(), use_id="spot-1", output_id=output)
    assert done.payment == "waits" and [one.record_id for one in reporting.held_rows(studio)] == ["likeness:spot-1"]
    attributing.attribute(studio, index, [NEW])
    assert reporting.held_rows(studio) == ()
    assert likeness.appear(studio, "spot-1", output).payment == "reported"


def test_an_output_can_be_named_later_and_only_once(studio: Studio, tmp_path: Path) -> None:
    granted(studio, tmp_path)
    done = likeness.use(studio, request(), use_id="spot-1")
    assert (done.decision.value, done.payment) == ("allow", "unnamed")
    output = output_of(studio, h.TIDE).output_id
    assert likeness.appear(studio, "spot-1", output).payment == "reported"
    assert likeness.appear(studio, "spot-1", output).payment == "reported"
    with pytest.raises(ConflictError):
        likeness.appear(studio, "spot-1", output_of(studio, h.LAMP).output_id)
    with pytest.raises(NotFoundError):
        likeness.appear(studio, "spot-9", output)


def test_taking_back_stops_the_next_use_and_leaves_what_is_owed(
    studio: Studio, tmp_path: Path, clock: Callable[[str], None]
) -> None:
    """One question at three times, three answers, from the same books."""
    kept = granted(studio, tmp_path)
    use(studio)
    clock("2025-01-16T00:00:00Z")
    (taken,) = granting.revoke(studio, "Ada Example", reason="I changed my mind.", by="Ada Example")
    assert taken.grant_id == kept.grant.grant_id
    assert use(studio, "spot-2").decision.rule_id == "revoked"
    clock("2025-01-17T00:00:00Z")
    again = granted(studio, tmp_path, signed_at="2025-01-17T00:00:00Z", uses__0__from="2025-01-17").grant
    asked = [likeness.ask(studio, request(), at=f"2025-01-{day}T12:00:00Z") for day in (15, 16, 17)]
    assert [one.value for one in asked] == ["warn", "deny", "allow"], "the first answer says that one use was left"
    assert [one.grant_id for one in asked][::2] == [kept.grant.grant_id, again.grant_id]
    assert asked[1].rule_id in ("revoked", "not-signed"), "whichever of the two comes closest"
    assert granting.revoke(studio, kept.grant.grant_id, reason="again", by="Ada")[0] == taken
    periods.close(studio, JANUARY, policy=likeness_policy.fee_policy(studio).policy)
    assert owed(studio, ADA) == 250_000_000 and check_studio(studio) == []


def test_revoking_needs_something_to_revoke(studio: Studio) -> None:
    granting.enrol(studio, "Ada Example")
    for called in ("Ada Example", "Nobody", "grant:none"):
        with pytest.raises(NotFoundError):
            granting.revoke(studio, called, reason="why", by="Ada")


def test_a_persons_no_stands_above_their_grant(studio: Studio, tmp_path: Path) -> None:
    """A statement about the person, made like any other, ends every use of their likeness."""
    granted(studio, tmp_path)
    no = Permission(
        ADA, "likeness", "deny", "Never again.", "a letter", "Ada Example", "2025-01-10T00:00:00Z", subject_kind="person"
    )
    rights.say(studio, [no])
    refused = use(studio)
    assert (refused.decision.rule_id, refused.decision.why) == ("refused", "Never again.")
    assert likeness_known.known(studio, ADA).refused == "Never again."


def test_a_person_is_in_no_corpus_and_in_no_equal_division(studio: Studio, tmp_path: Path) -> None:
    before = {work.work_id for work in corpus(studio).admitted}
    granted(studio, tmp_path)
    assert {work.work_id for work in corpus(studio).admitted} == before
    with studio.store.reading() as conn:
        (entry,) = (work for work in works(conn) if work.work_id == f"likeness:{ADA}")
    assert {one.right for one in entry.splits} == {"likeness"} and entry.manifestations == ()


def test_payees_of_a_person_share_the_fee(studio: Studio, tmp_path: Path) -> None:
    granting.enrol(studio, "Ada Example", payees=[("Ada Example", 800_000_000), ("Grace Example", 200_000_000)])
    granted(studio, tmp_path)
    use(studio)
    periods.close(studio, JANUARY, policy=likeness_policy.fee_policy(studio).policy)
    assert (owed(studio, ADA), owed(studio, MUM)) == (200_000_000, 50_000_000)


def test_references_are_kept_as_digests(studio: Studio, tmp_path: Path) -> None:
    voice, empty = tmp_path / "ada.wav", tmp_path / "empty.wav"
    voice.write_bytes(b"RIFF the very voice of Ada")
    empty.write_bytes(b"")
    _, (one,) = granting.enrol(studio, "Ada Example", references=[("voice", voice)], kept_at="vault 2")
    assert one.modality == "voice" and b"very voice" not in b"".join(
        path.read_bytes() for path in studio.path.rglob("*") if path.is_file()
    )
    for path in (empty, tmp_path / "none.wav", tmp_path):
        with pytest.raises(InputError):
            granting.enrol(studio, "Ada Example", references=[("voice", path)], kept_at="vault 2")


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept but reported lost"])
def test_a_use_whose_commit_fails_is_counted_and_paid_once(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    granted(studio, tmp_path)
    with monkeypatch.context() as patched:
        fail_commits(studio, patched, kept=kept)
        with pytest.raises(MachineError):
            use(studio)
    done = use(studio)
    assert done.payment == "reported" and len(likeness_known.known(studio, ADA).uses) == 1
    periods.close(studio, JANUARY, policy=likeness_policy.fee_policy(studio).policy)
    assert owed(studio, ADA) == 250_000_000 and check_studio(studio) == []


def test_a_grant_whose_log_entry_was_lost_is_logged_before_it_is_used(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between recording and logging the process ends; the next use logs the grant first."""
    granting.enrol(studio, "Ada Example")
    (tmp_path / "grant.json").write_text(json.dumps(in_2025()))
    with monkeypatch.context() as patched:
        patched.setattr(fact_log, "complete", lambda _: 0)
        kept = granting.grant_file(studio, tmp_path / "grant.json")
        assert likeness_known.logged_grants(studio, ADA) == {}
        assert use(studio).decision.rule_id == "not-logged"
    assert use(studio).decision.value == "allow" and list(likeness_known.logged_grants(studio, ADA)) == [kept.grant.grant_id]


def test_what_a_test_of_resemblance_says_is_a_warning_of_the_use(studio: Studio, tmp_path: Path) -> None:
    granted(studio, tmp_path)
    alike = Resemblance(BOB, "face", 900_000_000, 800_000_000, "matcher 1")
    done = likeness.use(studio, request(), use_id="spot-1", resemblances=[alike])
    assert done.decision.value == "warn" and [one.rule_id for one in done.decision.warnings] == ["resembles"]


def test_a_grant_of_somebody_unknown_is_refused(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "grant.json").write_text(json.dumps(in_2025()))
    with pytest.raises(NotFoundError, match="enrol"):
        granting.grant_file(studio, tmp_path / "grant.json")
    refused = likeness.use(studio, replace(request(), person_id=ADA))
    assert [one.rule_id for one in refused.decision.blocks] == ["not-enrolled", "no-grant"]


def test_a_person_who_is_forgotten_leaves_hashes_and_is_never_used_again(studio: Studio, tmp_path: Path) -> None:
    """What the log told of them is gone, what it proves stays, and a grant that cannot be shown permits nothing."""
    granted(studio, tmp_path)
    use(studio)
    plan = erasing.plan_party(studio, ADA)
    erasing.erase(studio, plan)
    said = b"".join(path.read_bytes() for path in (studio.path / "facts").iterdir())
    assert ADA.encode() not in said
    assert use(studio, "spot-2").decision.rule_id == "not-logged"
    assert check_studio(studio) == []


def test_what_the_log_tells_of_a_likeness_confirms_no_guess(studio: Studio, tmp_path: Path) -> None:
    """Neither documents and reasons nor the ids that are made of them stand there; a grant is known by its salted row."""
    (tmp_path / "ada.wav").write_bytes(b"a voice")
    kept = granted(studio, tmp_path).grant
    granting.enrol(studio, "Ada Example", references=[("voice", tmp_path / "ada.wav")], kept_at="vault 2")
    use(studio)
    granting.revoke(studio, kept.grant_id, reason="No.", by="Ada")
    known = likeness_known.known(studio, ADA)
    facts = [fact for fact in facts_in(studio.path) if fact.type.startswith("likeness.")]

    told = "\n".join(f"{fact.fact_id} {fact.body}" for fact in facts)
    private = [kept.grant_id, "vault 2", "No.", known.enrolments[0].reference_sha256, known.uses[0].document]
    private += [known.enrolments[0].enrolment_id, known.revocations[0].revocation_id]
    assert [one for one in private if one in told] == []
    (row,) = (fact.body["row_sha256"] for fact in facts if fact.type == "likeness.grant" and fact.body)
    linked = [fact.body["grant_row_sha256"] for fact in facts if fact.body and "grant_row_sha256" in fact.body]
    assert linked == [row, row]
    with studio.store.reading() as conn:
        bare = [dict(one) for table in likeness_tables.ALL for one in many(conn, sa.select(table)) if "salt" in table.c]
    assert len({one["salt"] for one in bare}) == len(bare) == 5
    assert check_studio(studio) == []


def test_the_same_from_python(studio: Studio, tmp_path: Path) -> None:
    granted(studio, tmp_path)
    handle = StudioHandle(studio)
    assert handle.ask_likeness(request()).value == "allow"
    assert handle.use_likeness(request(), use_id="spot-1").payment == "unnamed"
    named = handle.use_likeness(request(), use_id="spot-1", output_id=output_of(studio, h.TIDE).output_id)
    assert named.payment == "reported" and handle.ask_likeness(request()).left == 0


@pytest.mark.parametrize(("kind", "subject"), [("person", ADA), ("work", f"likeness:{ADA}")])
def test_a_no_is_heard_whichever_name_it_uses(studio: Studio, tmp_path: Path, kind: str, subject: str) -> None:
    granted(studio, tmp_path)
    no = Permission(subject, "likeness", "deny", "No.", "a letter", "Ada Example", "2025-01-10T00:00:00Z", subject_kind=kind)
    rights.say(studio, [no])
    assert likeness.ask(studio, request()).rule_id == "refused"


def test_a_no_to_training_stops_training_alone(studio: Studio, tmp_path: Path) -> None:
    granted(studio, tmp_path, training_allowed=True)
    learning = replace(request(), purpose="training")
    assert likeness.ask(studio, learning).value == "allow"
    no = Permission(ADA, "train", "deny", "No.", "a letter", "Ada Example", "2025-01-10T00:00:00Z", subject_kind="person")
    rights.say(studio, [no])
    assert likeness.ask(studio, learning).rule_id == "refused"
    assert likeness.ask(studio, request()).value == "allow"


def said(value: str, at: str, verb: str = "likeness", **more: str) -> Permission:
    who = more.pop("by", "Ada Example")
    return Permission(ADA, verb, value, "Said so.", "a letter", who, at, subject_kind="person", **more)


def test_a_contract_stands_above_a_no_only_where_it_is_later_and_the_persons_own(studio: Studio, tmp_path: Path) -> None:
    granted(studio, tmp_path)
    studio = replace(studio, operator=granting.enrol(studio, "The House")[0].person_id)
    to_house = {"licensee": studio.operator}
    rights.say(studio, [said("allow", "2025-01-09T00:00:00Z", **to_house), said("deny", "2025-01-10T00:00:00Z")])
    assert likeness.ask(studio, request()).rule_id == "refused"
    rights.say(studio, [said("allow", "2025-01-11T00:00:00Z", by="An Agent", authority="agent", **to_house)])
    assert likeness.ask(studio, request()).rule_id == "refused"
    rights.say(studio, [said("allow", "2025-01-12T00:00:00Z", **to_house)])
    assert likeness.ask(studio, request()).value == "allow"


def test_a_no_is_heard_though_the_clock_was_set_back_and_fine_tuning_is_training(
    studio: Studio, tmp_path: Path, clock: Callable[[str], None]
) -> None:
    granted(studio, tmp_path, training_allowed=True)
    learning = replace(request(), purpose="training")
    rights.say(studio, [said("deny", "2025-01-15T00:00:00Z", "finetune")])
    assert likeness.ask(studio, learning).rule_id == "refused" and likeness.ask(studio, request()).value == "allow"
    rights.say(studio, [said("deny", "2025-01-15T11:00:00Z", observed_at="2025-01-15T11:00:00Z")])
    clock("2025-01-15T10:59:00Z")
    assert likeness.ask(studio, request()).rule_id == "refused"


def test_the_walk_on_a_database_server(tmp_path: Path, postgres_url: str) -> None:
    """Counted, reported and held in one transaction there too; the check adds everything up again."""
    studio = init_studio(tmp_path / "studio", database=postgres_url)
    granted(studio, tmp_path)
    done = likeness.use(studio, request(), use_id="spot-1", output_id="output:later")
    assert (done.decision.value, done.payment) == ("allow", "waits")
    granting.revoke(studio, "Ada Example", reason="Enough.", by="Ada Example")
    assert likeness.use(studio, request(), use_id="spot-2").decision.rule_id == "revoked"
    assert [one.record_id for one in reporting.held_rows(studio)] == ["likeness:spot-1"] and check_studio(studio) == []
    studio.close()


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept but reported lost"])
def test_enrolling_granting_and_revoking_end_the_same_when_they_are_tried_again(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    file = tmp_path / "grant.json"
    file.write_text(json.dumps(in_2025()))
    steps: list[Callable[[], object]] = [
        lambda: granting.enrol(studio, "Ada Example", guardian="Grace Example"),
        lambda: granting.grant_file(studio, file).grant,
        lambda: granting.revoke(studio, "Ada Example", reason="Enough.", by="Ada Example"),
    ]
    for step in steps:
        with monkeypatch.context() as patched:
            fail_commits(studio, patched, kept=kept)
            with pytest.raises(MachineError):
                step()
        before = h.dump(studio) if kept else {}
        done = step()
        assert step() == done
        assert not kept or h.dump(studio) == before, "what was kept is found, and nothing is added to it"
    known = likeness_known.known(studio, ADA)
    assert (len(known.grants), len(known.revocations), known.person.guardian_id) == (1, 1, MUM)
    assert check_studio(studio) == []
