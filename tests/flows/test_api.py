"""The walk from Python, as the README tells it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

import endcredits
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows.api import find_policy
from endcredits.flows.credit_view import UNATTRIBUTED, UNKNOWN, CreditView
from endcredits.influence import load_text_models
from endcredits.money import PPB, allocate
from endcredits.payouts.payers import make_payer
from endcredits.payouts.rails.http import Answer, Request
from endcredits.payouts.rails.sample import german_iban
from endcredits.royalties import make_event, make_rate, make_refund, make_revenue, shipped_policy
from endcredits.works import Contributor, Submission, party_id_of, read_table
from tests.payouts.bank_says import detail, entry, statement
from tests.story import house as h
from tests.story.house import House


def test_five_lines(tmp_path: Path, house: House) -> None:
    """Open, build, attribute, ask for shares; then usage, close and check through the same handle."""
    made = endcredits.init(tmp_path / "studio", name="Five Lines")
    table = tmp_path / "works.csv"
    table.write_text(h.works_csv())
    made.add_works(read_table(table))
    steps: list[str] = []

    studio = endcredits.open(tmp_path / "studio")
    assert [studio.may(work_id, "train").value for work_id in (h.SALT, h.CLOSED)] == ["allow", "deny"]
    assert studio.may(h.SALT, "retrieve").value == "unknown", "nobody has spoken about it, and that is no yes"
    index = studio.build_index(
        endcredits.text_models(house.base, house.full), studio.corpus(), lambda stage, done, total: steps.append(stage)
    )
    credits = index.attribute(h.prose(h.SALT, 60, seed=1))
    by_creator = credits.shares(by="creator")

    by_work = credits.shares()
    assert sum(by_work.values()) == sum(by_creator.values()) == PPB
    assert next(iter(by_work)) == "The Salt Road" and set(list(by_creator)[:2]) == {h.ADA, h.BEN}, "its two makers"
    assert list(by_work)[-1] == list(by_creator)[-1] == UNATTRIBUTED
    assert UNKNOWN in by_creator, "the rhymes name nobody"
    assert by_creator[h.ADA] == allocate(by_work["The Salt Road"], {h.ADA: 6, h.BEN: 4})[h.ADA]
    assert {"curvature", "works", "calibration"} <= set(steps)

    again = endcredits.open(tmp_path / "studio").index().attribute(h.prose(h.SALT, 60, seed=1).encode(), prompt=b"")
    assert again.attribution == credits.attribution, "text and its UTF-8 bytes are the same output"
    two = index.attribute_all([("salt", "the"), (b"lamp", "")])
    assert [view.attribution.output_bytes for view in two] == [4, 4]

    (event, *_) = h.january([credits.attribution] * 5)
    assert studio.add_usage([event]).new == 1
    assert studio.close_period("2025-01").close.pools[0].currency == "EUR"
    assert studio.check() == []
    assert repr(studio) == f"<studio 'Five Lines' in {tmp_path / 'studio'}>"
    assert "of 4 works" in repr(index)


def test_models_in_memory_serve_this_process_only(tmp_path: Path, house: House) -> None:
    """A pair handed over as objects answers now; a later process is told to build from folders."""
    path = house.copy(house.indexed, tmp_path / "studio")
    studio = endcredits.open(path)
    pair = load_text_models(house.base, house.full)

    credits = studio.build_index(pair, studio.corpus()).attribute("tide moon shoal")

    assert sum(credits.shares().values()) == PPB
    assert studio.check() == []
    with pytest.raises(NotFoundError, match="from models in memory"):
        endcredits.open(path).index()


@pytest.fixture
def view(tmp_path: Path, house: House) -> CreditView:
    """An attribution whose names mean something to HTML."""
    studio = endcredits.open(house.copy(house.indexed, tmp_path / "studio"))
    return studio.index().attribute(h.prose(h.TIDE, 60, seed=1))


def test_shown_in_a_terminal_and_in_a_notebook(view: CreditView) -> None:
    """Plain text names everybody as they are, HTML escapes them; both show the unattributed rest."""
    text, page = repr(view), view._repr_html_()

    assert "Tide <b>Tables</b> & Co." in text and h.CLEO in text and UNATTRIBUTED in text
    assert "Tide &lt;b&gt;Tables&lt;/b&gt; &amp; Co." in page and html.escape(h.CLEO) in page
    assert set(re.findall(r"</?(\w+)", page)) == {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert page.count("<tr>") == 2 + sum(line.share_ppb > 0 for line in view.lines())
    document = view.as_dict()
    assert document["lines"][0]["title"] == "Tide <b>Tables</b> & Co." and document["lines"][0]["people"] == [h.CLEO]


def test_shares_are_by_work_or_by_creator(view: CreditView) -> None:
    """Anything else is refused, and the splits of the day asked about count."""
    with pytest.raises(InputError, match="shares by 'label' are not known"):
        view.shares(by="label")

    assert view.shares(by="creator", on="2020-01-01") == view.shares(by="creator")


def test_names_that_say_nobody(tmp_path: Path, house: House) -> None:
    """A work or a person called like the rest does not swallow it, and equal titles stay apart."""
    studio = endcredits.init(tmp_path / "studio")
    named = [(UNATTRIBUTED, UNKNOWN, h.SALT), ("Twice", UNATTRIBUTED, h.LAMP), ("Twice", h.CLEO, h.TIDE)]
    studio.add_works(
        [
            Submission(
                title,
                (("", "text/plain", h.prose(work_id, 700).encode()),),
                (Contributor(name),),
                "allow",
                "asked",
                "letter",
                name,
                "",
                work_id,
            )
            for title, name, work_id in named
        ]
    )
    index = studio.build_index(endcredits.text_models(house.base, house.full), studio.corpus())

    credits = index.attribute(h.prose(h.SALT, 60, seed=1))

    works, people = credits.shares(), credits.shares(by="creator")
    assert sum(works.values()) == sum(people.values()) == PPB
    assert works[UNATTRIBUTED] == people[UNATTRIBUTED] == credits.attribution.unattributed_ppb
    assert next(iter(works)) == f"{UNATTRIBUTED} ({h.SALT})"
    assert next(iter(people)).startswith(f"{UNKNOWN} (party:")
    earning = {line.work_id for line in credits.attribution.lines if line.share_ppb}
    ids = {h.SALT: UNATTRIBUTED, h.LAMP: "Twice", h.TIDE: "Twice"}
    assert set(works) == {f"{ids[work_id]} ({work_id})" for work_id in earning} | {UNATTRIBUTED}


def test_a_studio_is_made_once(tmp_path: Path) -> None:
    """Not over another, not over somebody's files, and a wrong database leaves nothing behind."""
    endcredits.init(tmp_path / "studio")
    with pytest.raises(ConflictError, match="studio already"):
        endcredits.init(tmp_path / "studio")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").touch()
    with pytest.raises(ConflictError, match="not empty"):
        endcredits.init(tmp_path / "full")
    with pytest.raises(InputError, match="one printable line"):
        endcredits.init(tmp_path / "other", name="two\nlines")
    with pytest.raises(InputError, match="not a database"):
        endcredits.init(tmp_path / "other", database="mysql://x/y")

    assert not (tmp_path / "other").exists()
    quoted = endcredits.init(tmp_path / "other", name='The "Back\\Room" é')
    assert endcredits.open(tmp_path / "other").studio.name == quoted.studio.name == 'The "Back\\Room" é'
    assert ((tmp_path / "other" / "keys" / "log.key").stat().st_mode & 0o777) == 0o600


def test_a_program_pays_without_the_command_line(tmp_path: Path, house: House) -> None:
    """Usage, revenue, refunds and rates in; estimate, proposal, approval, comparison, statements; plan, file, bank."""
    studio = endcredits.open(house.copy(house.indexed, tmp_path / "studio"))
    credits = studio.index().attribute(h.prose(h.TIDE, 60, seed=1))
    output_id = credits.attribution.output_id
    event = make_event("sale", output_id, "2025-01-05T00:00:00Z", 100_000_000, "EUR", "web", declared=[h.TIDE])
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[policy]\nname = "cleared"\nfour_eyes = true\n[[pool]]\nname = "all"\nbase = "net"\nshare = "50%"\n'
        '[[pool.part]]\nname = "works"\nby = "declared"\n'
    )

    assert studio.report([event]).new == 1
    assert studio.report([make_revenue("ads", "2025-01-06", 20_000_000, "EUR", service="web")]).new == 1
    assert studio.report([make_refund("back", "sale", "2025-01-07T00:00:00Z", 40_000_000, "EUR")]).new == 1
    assert studio.report([make_rate("USD", "EUR", "0.9", "2025-01-01", "a bank")]).new == 1
    waiting = make_event("waits", "output:never", "2025-01-05T00:00:00Z", 1, "EUR")
    assert studio.report([waiting]).held == 1
    assert [row.record_id for row in studio.held_reports("events")] == ["waits"]
    table = tmp_path / "sales.csv"
    table.write_text(f"event_id,output_id,used_at,revenue,currency\nsale-2,{output_id},2025-01-08T00:00:00Z,1,USD\n")
    assert studio.report_file("events", table).new == 1

    # (100 - 40 + 20) x 50% = 40 EUR, all declared for Cleo; the dollar declares nothing.
    (estimate,) = (one for one in studio.estimate("2025-01", policy=policy) if one.currency == "EUR")
    assert (estimate.payee, estimate.summary.earned_micros) == (h.CLEO, 40_000_000)
    proposal = studio.propose("2025-01", policy=policy, by="ada")
    studio.withdraw("2025-01", by="ada", reason="look again")
    assert studio.propose("2025-01", policy=str(policy), by="ada").close_digest == proposal.close_digest
    with pytest.raises(ConflictError, match="four eyes"):
        studio.approve("2025-01", by="ada")
    closed = studio.approve("2025-01", by="bob", expected_digest=proposal.close_digest)
    assert studio.statements("2025-01") == closed.statements
    assert closed.statements[0].summary.closing_micros == 40_000_000
    other = replace(proposal.close.policy, pools=(replace(proposal.close.policy.pools[0], share_ppb=PPB),))
    changes = {(one.name, one.currency): (one.micros, one.other_micros) for one in studio.compare_policies("2025-01", other)}
    assert changes[h.CLEO, "EUR"] == (40_000_000, 80_000_000)
    assert studio.compare_policies("2025-01", "pro-rata")

    cleo = closed.statements[0].party_id
    assert studio.balances("Liabilities:Payable") == {(f"Liabilities:Payable:{cleo}", "EUR"): -40_000_000}
    payees = tmp_path / "payees.csv"
    payees.write_text(
        f"party_id,country,rail,currency,holder,iban\n{cleo},DE,pain001,EUR,Cleo Dunn,DE89370400440532013000\n"
    )
    assert len(studio.import_payees(payees).new) == 1
    who = tmp_path / "payer.toml"
    who.write_text(f'[payer]\nname = "Small Studio"\ncountry = "DE"\niban = "{german_iban(1)}"\n')
    plan, _ = studio.plan_payouts(who, by="ada", four_eyes=True)
    (batch,) = plan.batches
    assert studio.approve_payout(batch.batch_id, by="bob").batch == batch
    assert not studio.send_payout(batch.batch_id, tmp_path / "out.xml", by="bob").was_sent
    assert studio.send_payout(batch.batch_id, str(tmp_path / "out.xml"), by="bob").was_sent
    says = tmp_path / "camt.xml"
    says.write_bytes(statement(entry("40.00", detail(batch.payments[0].payment_id))))
    assert [one.outcome for one in studio.reconcile_payouts(says)] == ["confirmed"]
    assert [booked.state for booked in studio.payouts()] == [studio.payouts(batch.batch_id)[0].state]
    assert studio.balances("Liabilities:Payable").get((f"Liabilities:Payable:{cleo}", "EUR"), 0) == 0
    assert studio.check() == []


def test_a_batch_is_sent_to_a_server_or_a_file(tmp_path: Path, house: House) -> None:
    """What is no path is asked over HTTP; a batch for a bank's file is refused there, and nothing is sent."""

    class Nobody:
        def send(self, request: Request) -> Answer:
            raise AssertionError("nothing may be asked")

        def known(self, batch_id: str) -> dict[str, str]:
            raise AssertionError("nothing may be asked")

    studio = endcredits.open(house.copy(house.finished, tmp_path / "studio"))
    cleo = party_id_of(h.CLEO)
    payees = tmp_path / "payees.csv"
    payees.write_text(
        f"party_id,country,rail,currency,holder,iban\n{cleo},DE,pain001,EUR,Cleo Dunn,DE89370400440532013000\n"
    )
    studio.import_payees(payees)
    plan, _ = studio.plan_payouts(make_payer("Small Studio", "DE", german_iban(1)), by="ada")
    studio.approve_payout(plan.batches[0].batch_id, by="ada")
    with pytest.raises(InputError, match="makes a file"):
        studio.send_payout(plan.batches[0].batch_id, Nobody(), by="ada")
    assert studio.payouts()[0].state == "approved"


def test_a_policy_is_an_object_a_name_or_a_file(tmp_path: Path) -> None:
    """A file in the way of a shipped name is the file; neither is an error that names what there is."""
    assert find_policy("pro-rata") == shipped_policy("pro-rata") == find_policy(shipped_policy("pro-rata"))
    file = tmp_path / "mine.toml"
    file.write_text('[policy]\nname = "mine"\npool = "30%"\n')
    assert find_policy(file) == find_policy(str(file)) == find_policy(file.read_text())
    with pytest.raises(InputError, match="no-such-policy"):
        find_policy("no-such-policy")
