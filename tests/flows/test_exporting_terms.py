"""Whose words leave whole: one's own and the world's; of another party nothing but what is said about the work."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from endcredits.flows.exporting_terms import SOMEBODY, WITHHELD, Whose, each_told, told
from endcredits.works import Conditions, Permission, Provenance

OWN = Whose("party:ada", "Ada Quill", {"party:zed": "Zed C."}, {"party:zed": "Zuleika Canary"})  # type: ignore[arg-type]
SECRET = "the canary sings"

statements = st.builds(
    Permission,
    subject=st.just("work:duet"),
    verb=st.sampled_from(["train", "style"]),
    value=st.sampled_from(["allow", "deny", "conditional"]),
    reason=st.just(SECRET),
    source=st.just(SECRET),
    declared_by=st.sampled_from(
        [
            "Ada Quill",
            "ada  quill",
            "Zuleika Canary",
            "ZULEIKA CANARY, by letter",
            "Ada Quill and Zuleika Canary",
            "robots.txt",
        ]
    ),
    effective_from=st.just("2026-01-01T00:00:00Z"),
    permission_id=st.uuids().map(lambda one: f"perm:{one.hex}"),
    conditions=st.sampled_from([None, Conditions(price_micros=77, currency="EUR", words=(SECRET,))]),
    provenance=st.sampled_from([None, Provenance(url=SECRET)]),
    party_id=st.sampled_from(["", "party:ada", "party:zed", "party:else"]),
    licensee=st.sampled_from(["", f"party:{SECRET}"]),
)


@given(statements)
def test_only_own_words_and_those_of_nobody_known_leave(one: Permission) -> None:
    own = one.party_id == "party:ada" or (one.party_id == "" and one.declared_by.split()[0].casefold() == "ada"
                                          and "Canary" not in one.declared_by)  # fmt: skip
    world = one.party_id == "" and one.declared_by == "robots.txt" and not one.licensee

    plain = told(one, {}, OWN)

    assert OWN.own(one) == (own or world)
    assert (SECRET in json.dumps(plain)) == (own or world)
    assert (plain["subject"], plain["verb"], plain["value"]) == (one.subject, one.verb, one.value)
    if own or world:
        assert "withheld" not in plain and plain["declared_by"] == one.declared_by
    else:
        assert not set(plain) & set(WITHHELD) and {"reason", "source"} <= set(plain["withheld"]) <= set(WITHHELD)
        named = one.party_id == "party:zed" or (one.party_id == "" and "canary" in one.declared_by.casefold())
        assert plain["declared_by"] == ("Zed C." if named else SOMEBODY)
        assert plain.get("is_contract", False) == bool(one.licensee)


@given(st.lists(statements, min_size=2, max_size=2, unique_by=lambda one: one.permission_id))
def test_what_closes_is_told_whoever_it_is_by(pair: list[Permission]) -> None:
    first = replace(pair[0], verb="train", party_id="party:zed", revokes="")
    closing = replace(
        first, permission_id=pair[1].permission_id, revokes=first.permission_id, effective_from="2026-02-01T00:00:00Z"
    )

    plain = {one["permission_id"]: one for one in each_told([first, closing], OWN)}

    assert plain[first.permission_id]["closed_by"] == closing.permission_id
    assert plain[first.permission_id]["closed_at"] == "2026-02-01T00:00:00Z"
    assert plain[closing.permission_id]["closed_by"] == ""
