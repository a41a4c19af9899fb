"""What all signals mean together: the order of words, and that a no never widens anything, wherever it is written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from endcredits.works.records import VERBS
from endcredits.works.signals import Signal, combined, read_c2pa, read_headers, read_work, strength
from endcredits.works.signals.records import carrier_of
from endcredits.works.signals.site import SiteFile, followed, read_site

from .media import packet, picture
from .said import HERE, said

PATH = "/a/cat.jpg"
WIDTH = {"allow": 3, "conditional": 2, "unknown": 1, "deny": 0}
"""How wide a door each answer opens."""

PATHS = ("", "/", "/a/", "/a/cat.jpg", "/*.jpg$", "/b/")
AGENTS = ("*", "endcredits", "otherbot")

AIPREF_NO = ("train-ai=n", "search=n", "tdm=n", "ai-use=n", "train-ai", "train-ai=N", "ai-train=no", "x=n", "all=n")
AIPREF_ANY = (*AIPREF_NO, "train-ai=y", "search=y", "all=y", "ai-use=n;exceptions=cc-cr", "train-ai=y, search=y", "x=y", "")
SIGNAL_NO = ("ai-train=no", "search=no", "ai-input=no", "ai-train=n", "ai-train")
SIGNAL_ANY = (*SIGNAL_NO, "ai-train=yes", "search=yes, ai-input=yes", "ai-train=yes, ai-train=no")
PLUS_NO = ("DMI-PROHIBITED", "DMI-PROHIBITED-AIMLTRAINING", "DMI-NO")
PLUS_ANY = (
    *PLUS_NO,
    "DMI-ALLOWED",
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING",
    "DMI-UNSPECIFIED",
    "DMI-PROHIBITED-SEECONSTRAINT",
)
RSL_NO = tuple(f'<prohibits type="usage">{word}</prohibits>' for word in ("ai-train", "all", "search", "ai-input", "ai-x"))
RSL_ANY = (
    *RSL_NO,
    *(f'<permits type="usage">{word}</permits>' for word in ("all", "ai-train", "search ai-input")),
    '<payment type="free"/>',
    '<payment type="attribution"/>',
    "",
)
C2PA_KEYS = ("cawg.ai_generative_training", "cawg.data_mining", "cawg.ai_inference", "c2pa.ai_training", "cawg.x")
POLICY = ("tdm-policy", "https://p.example")


def _lines(values: tuple[str, ...], name: str) -> st.SearchStrategy[tuple[str, str]]:
    line = st.builds(lambda path, words: f"{name}: {path} {words}", st.sampled_from(PATHS), st.sampled_from(values))
    return st.tuples(st.sampled_from(AGENTS), line)


def _headers(no: bool) -> st.SearchStrategy[tuple[str, str]]:
    usage, signal = (AIPREF_NO, SIGNAL_NO) if no else (AIPREF_ANY, SIGNAL_ANY)
    reservations = ("1", "2") if no else ("0", "1", "2")
    given_ = [
        st.tuples(st.just("Content-Usage"), st.sampled_from(usage)),
        st.tuples(st.just("Content-Signal"), st.sampled_from(signal)),
        st.tuples(st.just("tdm-reservation"), st.sampled_from(reservations)),
        st.tuples(st.just("X-Robots-Tag"), st.sampled_from(("noai", "noindex", "noai, noindex"))),
    ]
    return st.one_of(*given_, *([] if no else [st.just(POLICY)]))


def _rules(no: bool) -> st.SearchStrategy[dict[str, Any]]:
    values = st.sampled_from((1, "x") if no else (0, 1, 0, "0"))
    made = st.builds(lambda place, value: {"location": place, "tdm-reservation": value}, st.sampled_from(PATHS[1:]), values)
    return made if no else st.one_of(made, made.map(lambda rule: {**rule, "tdm-policy": "https://p.example"}))


def _contents(no: bool) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.sampled_from(PATHS[1:]), st.sampled_from(RSL_NO if no else RSL_ANY))


def _uses(no: bool) -> st.SearchStrategy[tuple[int, str, str]]:
    values = ("notAllowed", "maybe") if no else ("allowed", "notAllowed", "constrained", "maybe")
    return st.tuples(st.integers(0, 1), st.sampled_from(C2PA_KEYS), st.sampled_from(values))


CARRIERS: dict[str, tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]] = {
    "usage": (_lines(AIPREF_NO, "Content-Usage"), _lines(AIPREF_ANY, "Content-Usage")),
    "signal": (_lines(SIGNAL_NO, "Content-Signal"), _lines(SIGNAL_ANY, "Content-Signal")),
    "fetch": (
        st.tuples(st.sampled_from(AGENTS), st.sampled_from(("Disallow: /", "Disallow: /b/"))),
        st.tuples(st.sampled_from(AGENTS), st.sampled_from(("Allow: /", "License: https://a.example/rsl.xml"))),
    ),
    "ai.txt": (
        st.tuples(st.sampled_from(AGENTS), st.sampled_from(("Disallow: /", "Disallow: *.jpg", "Disallow: /b"))),
        st.tuples(st.sampled_from(AGENTS), st.sampled_from(("Allow: /", "Allow: *.jpg", "Disallow: /a", "Disallow:"))),
    ),
    "tdmrep": (_rules(True), _rules(False)),
    "rsl": (_contents(True), _contents(False)),
    "licence": (_contents(True), _contents(False)),
    "header": (_headers(True), _headers(False)),
    "plus": (st.sampled_from(PLUS_NO), st.sampled_from(PLUS_ANY)),
    "tdm": (st.sampled_from(("1", "no")), st.sampled_from(("0", "1", "no"))),
    "c2pa": (_uses(True), _uses(False)),
}


def _world(pieces: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    world: dict[str, list[Any]] = {name: [] for name in CARRIERS}
    for name, piece in pieces:
        world[name].append(piece)
    return world


def _piece(name: str) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.just(name), CARRIERS[name][1])


# A few pieces at a time: among many, one no decides everything and hides what the others do.
WORLDS = st.lists(st.sampled_from(sorted(CARRIERS)).flatmap(_piece), max_size=4).map(_world)
NOES = st.sampled_from(sorted(CARRIERS)).flatmap(lambda name: st.tuples(st.just(name), CARRIERS[name][0], st.integers(0, 3)))


def read(world: dict[str, list[Any]]) -> tuple[Signal, ...]:
    """All readers over one picture, its answer, its site and its credentials."""

    def groups(*names: str) -> bytes:
        pieces = [piece for name in names for piece in world[name]]
        return "".join(f"User-agent: {agent}\n{line}\n\n" for agent, line in pieces).encode()

    contents = "".join(f'<content url="{url}"><license>{inside}</license></content>' for url, inside in world["rsl"])
    # Words that share one licence: adding one must not loosen what its neighbours say.
    shared = "".join(inside for _, inside in world["licence"])
    terms = f'<content url="/a/"><license>{shared}</license></content>' if world["licence"] else ""
    files = [SiteFile("robots.txt", "https://a.example/robots.txt", groups("usage", "signal", "fetch"))]
    if world["ai.txt"]:
        files.append(SiteFile("ai.txt", "https://a.example/ai.txt", groups("ai.txt")))
    if world["tdmrep"]:
        files.append(SiteFile("tdmrep.json", "https://a.example/t.json", json.dumps(world["tdmrep"]).encode()))
    if contents or terms:
        rsl = f'<rsl xmlns="https://rslstandard.org/rsl">{contents}{terms}</rsl>'.encode()
        files.append(SiteFile("RSL", "https://a.example/rsl.xml", rsl))
    plus = "".join(f"<plus:DataMining>{value}</plus:DataMining>" for value in world["plus"])
    tdm = "".join(f"<tdm:reservation>{value}</tdm:reservation>" for value in world["tdm"])
    signals = read_work(picture("JPEG", packet(plus + tdm)), HERE).signals
    signals += read_headers(world["header"], HERE) + read_site(files, PATH, "endcredits").signals
    if world["c2pa"]:
        manifests: dict[str, Any] = {"active": {"assertions": []}, "part": {"assertions": []}}
        for part, key, value in world["c2pa"]:
            entry = {"label": "cawg.training-mining", "data": {"entries": {key: {"use": value}}}}
            manifests["part" if part else "active"]["assertions"].append(entry)
        signals += read_c2pa(json.dumps({"active_manifest": "active", "manifests": manifests}).encode(), HERE)
    return followed(signals, [file.source for file in files if file.kind == "RSL"])


YES = ("header", ("Content-Usage", "train-ai=y"))
GENERAL_NO = ("usage", ("*", "Content-Usage:  train-ai=n"))
POINTER = ("fetch", ("*", "License: https://a.example/rsl.xml"))


@settings(max_examples=300, deadline=None)
@given(WORLDS, NOES)
@example(_world([YES, GENERAL_NO]), ("fetch", ("endcredits", "Disallow: /"), 0))
@example(_world([YES, GENERAL_NO]), ("usage", ("endcredits", "Content-Usage: /a/ search=n"), 1))
@example(_world([YES, ("rsl", ("/", RSL_NO[0]))]), ("rsl", ("/a/", RSL_NO[2]), 1))
@example(_world([YES, ("licence", ("", '<payment type="attribution"/>'))]), ("licence", ("", RSL_NO[2]), 1))
@example(_world([YES, POINTER]), ("rsl", ("/a/", RSL_NO[2]), 0))
@example(_world([("licence", ("/", '<permits type="usage">all</permits>'))]), ("rsl", ("/", RSL_NO[0]), 0))
def test_adding_a_no_never_widens_a_permission(world: dict[str, list[Any]], no: tuple[str, Any, int]) -> None:
    """Over all readers together: whatever is there already, and wherever the no is put."""
    name, piece, place = no
    changed = {**world, name: [*world[name][:place], piece, *world[name][place:]]}

    before, after = combined(read(world)), combined(read(changed))

    for verb in VERBS:
        assert WIDTH[after[verb].value] <= WIDTH[before[verb].value] or before[verb].signal is None, verb
        assert after[verb].value != "allow" or before[verb].value == "allow", verb
    if not any(world[one] for one in (("rsl", "licence") if name in ("rsl", "licence") else (name,))):
        # Nothing in its own carrier (one RSL document) is more specific than it: then it is a no to all that it is about.
        for verb, alone in combined(read(_world([(name, piece)]))).items():
            assert after[verb].value == "deny" or alone.value != "deny", verb


@settings(max_examples=150, deadline=None)
@given(WORLDS, st.randoms(use_true_random=False))
def test_the_order_of_signals_does_not_matter_and_nothing_speaks_of_style(world: dict[str, list[Any]], random: Any) -> None:
    signals = list(read(world))
    answers = combined(signals)
    random.shuffle(signals)

    assert combined(signals) == answers
    assert {one.verb for one in signals} <= set(VERBS) - {"style", "likeness"}
    for verb, answer in answers.items():
        heard = [strength(one) for one in signals if one.verb == verb]
        if answer.signal is None:
            assert max(heard, default=0) == 0
        else:
            assert strength(answer.signal) >= max(heard, default=0) and answer.signal.source in answer.reason
    assert WIDTH[answers["finetune"].value] <= WIDTH[answers["train"].value] or answers["train"].signal is None


def test_each_way_of_a_no_is_a_no() -> None:
    """The pieces that the property above calls a no are not simply lost."""
    empty: dict[str, list[Any]] = {name: [] for name in CARRIERS}
    for name, piece in (
        ("usage", ("*", "Content-Usage: train-ai=n")),
        ("signal", ("endcredits", "Content-Signal: /a/ ai-train=no")),
        ("ai.txt", ("*", "Disallow: *.jpg")),
        ("tdmrep", {"location": "/", "tdm-reservation": 1}),
        ("rsl", ("/a/", RSL_NO[0])),
        ("licence", ("", RSL_NO[0])),
        ("header", ("X-Robots-Tag", "noai")),
        ("plus", "DMI-PROHIBITED"),
        ("tdm", "1"),
        ("c2pa", (1, "cawg.ai_generative_training", "notAllowed")),
    ):
        assert said(read({**empty, name: [piece]}))["train"] == "deny", name


def test_the_order_of_words() -> None:
    carrier = carrier_of(HERE, "text", "x")
    words = {
        value: carrier.say("S", "1", value, ["train"], place="p", raw=value, conditions=["c"])[0]
        for value in ("allow", "conditional", "deny")
    }
    broken = carrier.unreadable("S", "it is broken", place="p")[1]
    silent = carrier.say("S", "1", "unknown", ["train"], place="p", raw="", note="it was said elsewhere")[0]

    assert said([words["allow"], silent])["train"] == "allow"
    assert said([words["allow"], words["conditional"]])["train"] == "conditional"
    assert said([words["allow"], words["conditional"], broken])["train"] == "unknown"
    assert said([broken, words["deny"], words["allow"]])["train"] == "deny"
    answer = combined([silent])["train"]
    assert answer.signal is None and "it was said elsewhere" in answer.reason
    reason = combined([words["allow"], words["conditional"]])["finetune"].reason
    assert "to train" in reason and "it asks for c" in reason and "1 other signal" in reason
    assert combined([replace(words["deny"], verb="tdm")])["finetune"].value == "deny"
    assert combined([replace(words["allow"], verb="tdm")])["train"].value == "unknown"
