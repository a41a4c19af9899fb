"""Every work is in exactly one data set, and none disappears between the names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from endcredits.works.disclosure import Facts, parse_facts
from endcredits.works.disclosure.datasets import REST, divide
from tests.works.disclosure import made

patterns = st.lists(st.sampled_from(["work:1", "work:?", "work:*", "other:*", "WORK:1", "*[12]"]), max_size=3)


@given(st.lists(patterns, max_size=4))
def test_works_are_divided_without_rest_or_double(lists: list[list[str]]) -> None:
    facts = parse_facts({"datasets": [{"name": f"set {n}", "works": one} for n, one in enumerate(lists)]} if lists else {})
    parts = divide(made.collected(), facts)
    ids = [work.work_id for part in parts for work in part.works]
    assert sorted(ids) == ["work:1", "work:2", "work:3"]
    assert [part.number for part in parts] == list(range(len(parts)))


def test_the_first_that_fits_has_it_and_what_is_left_over_is_named() -> None:
    facts = parse_facts({"datasets": [{"name": "one", "works": ["work:1"]}, {"works": ["work:[12]"]}, {"name": "far"}]})
    one, two, far, rest = divide(made.collected(), facts)
    assert [work.work_id for work in two.works] == ["work:2"] and two.name == "data set 2" and not two.outside
    assert far.outside and far.counted.works == 0
    assert rest.name == REST and not rest.outside and [work.work_id for work in rest.works] == ["work:3"]
    assert one.counted.size_bytes == 100 and rest.number == 3


def test_contracts_alone_make_a_licensed_data_set() -> None:
    contract = made.collected(made.work(1, ground="contract"), made.work(2, ground="contract"))
    (part,) = divide(contract, Facts({}))
    assert part.kind == "licensed" and part.kind_counted
    (mixed,) = divide(made.collected(made.work(1, ground="contract"), made.work(2)), Facts({}))
    assert mixed.kind == "" and not mixed.kind_counted
    assert divide(made.collected(works=()), Facts({})) == ()
