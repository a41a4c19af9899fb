"""What we write, our own readers read back: never more than was stated, and exactly what the offer says that it says."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.works import VERBS, Conditions, Permission
from endcredits.works.offers import (
    FORMS,
    PERMISSIVE,
    SAYS,
    Named,
    Offer,
    Rule,
    check_address,
    odrl_problem,
    offer_of,
    spell_of,
    strictest,
    terms_of,
)
from endcredits.works.signals import Found, problems_of, read_robots, read_tdmrep_json
from endcredits.works.signals.site import SiteFile, read_site

from . import reading_back as back

URL = "https://a.example/photos/cat.jpg"
NAMED = Named("Emily")
READ = tuple(form for form in FORMS if form != "odrl")
"""Forms that we have readers for."""


def made(form: str, said: list[Permission], *, policy: str = "", url: str = URL) -> Offer:
    terms = terms_of(said, back.ASKED, back.AT)
    return offer_of(form, back.WORK, [Rule(url, terms)], terms, NAMED, policy=policy)


def statement(verb: str, value: str, **more: object) -> Permission:
    name = f"perm:{verb}{value}{sorted(more)}"
    return Permission(back.WORK, verb, value, "r", "s", "d", "2026-01-01T00:00:00Z", permission_id=name, **more)  # type: ignore[arg-type]


@given(back.stated, st.sampled_from(READ), st.sampled_from(["", back.POLICY]))
def test_an_offer_is_read_back_as_it_says_and_never_as_more_than_is_stated(
    said: list[Permission], form: str, policy: str
) -> None:
    terms = terms_of(said, back.ASKED, back.AT)

    for text in made(form, said, policy=policy).texts:
        signals = back.read(form, text)
        heard = back.answers(signals)

        assert problems_of(signals) == []
        assert heard == {told.verb: told.said for told in text.told}
        for told in text.told:
            assert told.stated == terms[told.verb].value
            assert PERMISSIVE[told.said] <= max(PERMISSIVE[told.stated], PERMISSIVE["unknown"])
            if told.verb in SAYS[form] and text.media_type != "text/html":
                assert PERMISSIVE[told.said] <= PERMISSIVE[told.stated]
            assert bool(told.why) == (told.said != told.stated)


@given(back.stated, st.sampled_from(FORMS))
def test_style_and_likeness_are_listed_and_never_said(said: list[Permission], form: str) -> None:
    for text in made(form, [*said, statement("style", "allow"), statement("likeness", "deny")]).texts:
        told = {one.verb: one for one in text.told}

        assert set(told) == set(VERBS)
        for verb in ("style", "likeness"):
            assert told[verb].said == "unknown"
            assert told[verb].stated == "unknown" or "no word" in told[verb].why


@given(back.stated, st.sampled_from(READ), st.sampled_from(VERBS))
def test_one_more_no_never_widens_an_offer(said: list[Permission], form: str, verb: str) -> None:
    before, after = made(form, said, policy=back.POLICY), made(form, [*said, statement(verb, "deny")], policy=back.POLICY)

    for one, other in zip(before.texts, after.texts, strict=True):
        earlier, later = back.answers(back.read(form, one)), back.answers(back.read(form, other))
        for name in VERBS:
            assert later[name] in (earlier[name], "deny", "unknown")


paths = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12).map(
    lambda text: "/" + text.replace("#", "")
)


@given(paths, paths, st.sampled_from(["tdmrep", "rsl", "robots"]))
def test_a_yes_at_one_address_is_none_at_another(path: str, other: str, form: str) -> None:
    """Every character of an address stands for itself: stars, dollars, quotes, brackets, percent signs."""
    from endcredits.works.signals.patterns import normal

    yes = [statement(verb, "allow") for verb in ("tdm", "train", "retrieve", "index")]
    (text,) = made(form, yes, url=f"https://a.example{path}").texts

    assert back.answers(back.read(form, text, path))["train"] == "allow"
    for place in (other, path + "x", path[:-1] or "/"):
        if normal(place) != normal(path):
            assert back.answers(back.read(form, text, place))["train"] == "unknown"


@given(
    st.dictionaries(
        st.sampled_from(["/", "/a", "/a/b", "/a?b=1", "/A", "/a*", "/a%20b"]), back.stated, min_size=1, max_size=4
    ),
    st.sampled_from(["tdmrep", "rsl", "robots"]),
    st.sampled_from(["", back.POLICY]),
)
def test_each_address_of_a_site_gets_its_own_answer_and_never_a_wider_one(
    said: dict[str, list[Permission]], form: str, policy: str
) -> None:
    terms = {path: terms_of(one, back.ASKED, back.AT) for path, one in said.items()}
    rules = [Rule(f"https://a.example{path}", one) for path, one in terms.items()]

    (text,) = offer_of(form, "party:x", rules, strictest(terms.values()), NAMED, policy=policy).texts

    signals_of = {path: back.read(form, text, path) for path in terms}
    for path, signals in signals_of.items():
        alone = offer_of(form, "party:x", [Rule(f"https://a.example{path}", terms[path])], {}, NAMED, policy=policy).texts[0]
        assert back.answers(signals) == back.answers(back.read(form, alone, path))
        for verb in SAYS[form]:
            assert PERMISSIVE[back.answers(signals)[verb]] <= PERMISSIVE[terms[path][verb].value]
    for told in text.told:
        assert PERMISSIVE[told.said] == min(PERMISSIVE[back.answers(one)[told.verb]] for one in signals_of.values())


def test_a_pattern_that_a_person_gives_covers_what_lies_below_it() -> None:
    terms = terms_of([statement("train", "deny")], back.ASKED, back.AT)
    named = Named("Emily", by_person=True)
    for url, inside, outside in (
        ("https://a.example/photos/*", "/photos/a/b.jpg", "/other"),
        ("https://a.example/", "/anything", None),
        ("https://a.example/*.jpg", "/x/y.jpg", "/x/y.jpg.html"),
        ("https://a.example/one.html", "/one.html", "/one.html2"),
    ):
        (text,) = offer_of("robots", back.WORK, [Rule(url, terms)], terms, named).texts
        assert back.answers(back.read("robots", text, inside))["train"] == "deny", url
        if outside:
            assert back.answers(back.read("robots", text, outside))["train"] == "unknown", url


def test_texts_of_a_site_are_read_as_a_site_reads_them() -> None:
    said = [statement("train", "deny"), statement("index", "allow")]
    files = []
    for form, kind in (("robots", "robots.txt"), ("tdmrep", "tdmrep.json"), ("rsl", "RSL")):
        (text,) = made(form, said).texts
        files.append(SiteFile(kind, text.place, text.text.encode()))

    reading = read_site(files, "/photos/cat.jpg", "endcredits")

    heard = back.answers(reading.signals)
    assert (heard["train"], heard["index"]) == ("deny", "allow")
    assert reading.fetch is not None and reading.fetch.allowed


def test_the_words_of_each_form() -> None:
    said = [statement("train", "deny"), statement("index", "allow"), statement("retrieve", "deny")]

    def texts(form: str, **more: str) -> list[str]:
        return [text.text for text in made(form, said, **more).texts]

    assert texts("aipref") == ["Content-Usage: train-ai=n, search=y\n"]
    assert texts("robots") == [
        "User-agent: *\n"
        "Content-Usage: /photos/cat.jpg$ train-ai=n, search=y\n"
        "Content-Signal: /photos/cat.jpg$ search=yes, ai-input=no, ai-train=no\n"
    ]
    assert json.loads(texts("tdmrep")[0]) == [{"location": "/photos/cat.jpg$", "tdm-reservation": 1}]
    assert texts("headers") == [
        "Content-Usage: train-ai=n, search=y\ntdm-reservation: 1\n",
        '<meta name="tdm-reservation" content="1">\n',
    ]
    priced = [
        statement(verb, "conditional", conditions=Conditions(price_micros=1_500_000, currency="EUR", unit="output"))
        for verb in ("tdm", "train")
    ]
    (text,) = made("rsl", priced).texts
    root = ElementTree.fromstring(text.text)
    space = "{https://rslstandard.org/rsl}"
    payment = root.find(f"{space}content/{space}license/{space}payment")
    assert payment is not None and payment.get("type") == "use"
    assert [(one.text, one.get("currency")) for one in payment] == [("1.5", "EUR")]
    (offer,) = made("odrl", priced, policy=back.POLICY).texts
    assert json.loads(offer.text)["permission"][0]["duty"] == [{"action": "compensate"}]
    assert json.loads(offer.text)["uid"] == back.POLICY
    (reserved,) = made("tdmrep", priced, policy=back.POLICY).texts
    assert json.loads(reserved.text)[0]["tdm-policy"] == back.POLICY


def test_silence_is_written_as_silence() -> None:
    for form in FORMS:
        for text in made(form, []).texts:
            assert text.text == "", form


@given(back.stated)
def test_an_odrl_offer_has_the_shape_of_the_profile_and_offers_nothing_that_is_denied(said: list[Permission]) -> None:
    (text,) = made("odrl", said).texts
    values = {terms_of(said, back.ASKED, back.AT)[verb].value for verb in ("tdm", "train", "finetune")}

    if not text.text:
        assert values & {"deny", "unknown"}
        return
    offer = json.loads(text.text)
    assert odrl_problem(offer) == ""
    assert values <= {"allow", "conditional"}
    assert ("duty" in offer["permission"][0] or "constraint" in offer["permission"][0]) == ("conditional" in values)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"@type": "Set"}, "not an Offer"),
        ({"@context": "http://www.w3.org/ns/odrl.jsonld"}, "@context"),
        ({"profile": "http://example.org"}, "not an Offer of the profile"),
        ({"uid": "no iri"}, "uid"),
        ({"assigner": {}}, "vcard:fn"),
        ({"permission": []}, "permits nothing"),
        ({"prohibition": []}, "no place for prohibition"),
        ({"permission": [{"target": "urn:x:y", "action": "use"}]}, "tdm:mine"),
        ({"permission": [{"target": "urn:x:y", "action": "tdm:mine", "duty": [{"action": "dance"}]}]}, "a duty"),
        ({"permission": [{"target": "urn:x:y", "action": "tdm:mine", "constraint": [{"a": 1}]}]}, "a constraint"),
        ({"permission": [{"target": "urn:x:y", "action": "tdm:mine", "remedy": []}]}, "more than"),
    ],
)
def test_an_offer_of_another_shape_is_told_from_ours(change: dict[str, object], problem: str) -> None:
    said = [statement(verb, "allow") for verb in ("tdm", "train")]
    offer = json.loads(made("odrl", said).texts[0].text)

    assert odrl_problem(offer) == ""
    assert problem in odrl_problem({**offer, **change})


HOSTILE = "</copyright><permits type=\"usage\">all</permits> & ]]> \x00\x0b\x1b[2J \u202e \ud7ff \ufffe <!ENTITY x 'y'>"


def test_hostile_names_are_text_in_every_form() -> None:
    said = [statement("train", "deny"), statement("tdm", "deny"), statement("index", "allow")]
    terms = terms_of(said, back.ASKED, back.AT)
    named = Named(HOSTILE)

    (text,) = offer_of("rsl", back.WORK, [Rule(URL, terms)], terms, named).texts
    root = ElementTree.fromstring(text.text)
    assert [one.tag.rpartition("}")[2] for one in root.iter()] == [
        "rsl",
        "content",
        "license",
        "permits",
        "prohibits",
        "copyright",
    ]
    assert back.answers(back.read("rsl", text))["train"] == "deny"

    yes = terms_of([statement(verb, "allow") for verb in ("tdm", "train")], back.ASKED, back.AT)
    (offer,) = offer_of("odrl", back.WORK, [Rule(URL, yes)], yes, named).texts
    assert json.loads(offer.text)["assigner"] == {"vcard:fn": HOSTILE}


@pytest.mark.parametrize(
    "address", ["", "policy.json", "ftp://a.example/x", "https://a.example/x\r\nSet-Cookie: a=b", "https://a.example/\"><script>",
                "https://a.example/a b", "https://a.example/\u00e9", "https://a.example/*"],
)  # fmt: skip
def test_an_address_that_would_break_out_of_its_place_is_refused(address: str) -> None:
    with pytest.raises(InputError):
        check_address(address, "--policy")
    assert check_address("https://a.example/policy.json?x=1&y=%20", "--policy")


def test_what_cannot_be_written_is_said() -> None:
    long = f"https://a.example/{'<' * 900}"
    offer = made("tdmrep", [statement("train", "deny")], url=long)

    assert [url for url, _ in offer.left_out] == [long]
    assert offer.texts == ()
    with pytest.raises(InputError, match="at which address"):
        offer_of("robots", back.WORK, [], strictest([]), NAMED)
    with pytest.raises(InputError, match="not a form"):
        offer_of("morse", back.WORK, [], strictest([]), NAMED)


@given(st.lists(back.stated, max_size=3))
def test_terms_together_are_the_strictest_of_all(several: list[list[Permission]]) -> None:
    all_terms = [terms_of(said, back.ASKED, back.AT) for said in several]
    joined = strictest(all_terms)

    for verb in VERBS:
        values = [terms[verb].value for terms in all_terms] or ["unknown"]
        assert PERMISSIVE[joined[verb].value] == min(PERMISSIVE[value] for value in values)


@given(back.stated)
def test_inside_a_spell_the_terms_do_not_change(said: list[Permission]) -> None:
    since, until = spell_of(said, back.ASKED, back.AT)
    now = {verb: term.value for verb, term in terms_of(said, back.ASKED, back.AT).items()}

    assert (not since or since <= back.AT) and (not until or until > back.AT)
    if since:
        assert {verb: term.value for verb, term in terms_of(said, back.ASKED, since).items()} == now


def test_two_works_at_one_address_are_one_rule_with_the_stricter_word() -> None:
    yes, no = (terms_of([statement("train", value)], back.ASKED, back.AT) for value in ("allow", "deny"))

    (text,) = offer_of("robots", "party:x", [Rule(URL, yes), Rule(URL, no)], strictest([yes, no]), NAMED).texts
    assert text.text.count("/photos/cat.jpg$") == 2
    assert back.answers(read_robots(text.text.encode(), Found("r", path="/photos/cat.jpg")))["train"] == "deny"


def test_addresses_of_two_sites_are_two_files() -> None:
    no = terms_of([statement("train", "deny")], back.ASKED, back.AT)
    rules = [Rule("https://B.example/x", no), Rule("https://a.example/y", no)]

    texts = offer_of("tdmrep", "party:x", rules, no, NAMED).texts

    assert [text.place for text in texts] == [f"https://{one}.example/.well-known/tdmrep.json" for one in "ab"]
    assert back.answers(read_tdmrep_json(texts[1].text.encode(), Found("t", path="/x")))["train"] == "deny"
