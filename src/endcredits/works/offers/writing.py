"""Terms as texts of a form: one text per site for files of a site, one for all where the text goes with each answer."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence

from endcredits.works.offers import odrl, rsl
from endcredits.works.offers.places import site_root
from endcredits.works.offers.records import Rule, Terms, Text, Told
from endcredits.works.offers.saying import STRENGTH, mining, single, told_of, told_together, training
from endcredits.works.offers.terms import strictest
from endcredits.works.signals.records import MINING, TRAINING

Words = Mapping[str, tuple[str, str]]
JSON, PLAIN, HTML, XML = "application/json", "text/plain", "text/html", "application/rsl+xml"

Pattern = tuple[str, Rule]
"""The pattern of a rule's addresses on its site, and the rule."""


def tdmrep(patterns: Sequence[Pattern], policy: str) -> list[Text]:
    """`/.well-known/tdmrep.json` of every site; nothing is written for what nobody has spoken about."""

    def written(of_site: Sequence[Pattern]) -> str:
        rows = []
        for pattern, rule in of_site:
            value, _ = mining(rule.terms, policy)
            if value != "unknown":
                row: dict[str, object] = {"location": pattern, "tdm-reservation": 0 if value == "allow" else 1}
                rows.append(row | ({"tdm-policy": policy} if value == "conditional" else {}))
        return f"{json.dumps(rows, indent=2, ensure_ascii=False)}\n" if rows else ""

    return _by_site("tdmrep", patterns, "/.well-known/tdmrep.json", JSON, lambda one: tdmrep_words(one, policy), written)


def tdmrep_words(terms: Terms, policy: str) -> Words:
    """What TDMRep says."""
    return dict.fromkeys(MINING, mining(terms, policy))


def rsl_documents(patterns: Sequence[Pattern], holder: str) -> list[Text]:
    """An RSL document of every site, to be named in its robots.txt as `License: <address>`."""

    def written(of_site: Sequence[Pattern]) -> str:
        return rsl.document([(pattern, rule.terms) for pattern, rule in of_site], holder)

    return _by_site("rsl", patterns, "/rsl.xml", XML, lambda one: rsl.licences(one)[0], written)


def robots(patterns: Sequence[Pattern]) -> list[Text]:
    """Lines for a site's robots.txt: `Content-Usage` (AIPREF) and `Content-Signal` (Cloudflare), to every crawler.

    They belong to the group `User-agent: *`; where a file has such a group already, its lines are to be joined.
    """

    def written(of_site: Sequence[Pattern]) -> str:
        lines = []
        for pattern, rule in of_site:
            usage, signal = usage_value(robots_words(rule.terms)), _signal_value(robots_words(rule.terms))
            lines += [f"Content-Usage: {pattern} {usage}\n"] if usage else []
            lines += [f"Content-Signal: {pattern} {signal}\n"] if signal else []
        return "User-agent: *\n" + "".join(lines) if lines else ""

    return _by_site("robots", patterns, "/robots.txt", PLAIN, robots_words, written)


def robots_words(terms: Terms) -> Words:
    """What lines of robots.txt say."""
    return {
        **dict.fromkeys(TRAINING, training(terms)),
        "retrieve": single(terms, "retrieve"),
        "index": single(terms, "index"),
    }


def aipref(terms: Terms) -> list[Text]:
    """The value of `Content-Usage`, as it stands in a header or a line of robots.txt."""
    words = {**dict.fromkeys(TRAINING, training(terms)), "index": single(terms, "index")}
    value = usage_value(words)
    text = f"Content-Usage: {value}\n" if value else ""
    return [Text("HTTP response headers", PLAIN, text, told_of("aipref", terms, words))]


def usage_value(words: Words) -> str:
    """A `Content-Usage` value (draft-ietf-aipref-vocab-07): `train-ai=n, search=y`; "" where nothing is said."""
    return _members(words, (("train-ai", "train"), ("search", "index")), "y", "n")


def _signal_value(words: Words) -> str:
    return _members(words, (("search", "index"), ("ai-input", "retrieve"), ("ai-train", "train")), "yes", "no")


def _members(words: Words, keys: Sequence[tuple[str, str]], yes: str, no: str) -> str:
    told = [(key, words.get(verb, ("unknown", ""))[0]) for key, verb in keys]
    return ", ".join(f"{key}={yes if value == 'allow' else no}" for key, value in told if value in ("allow", "deny"))


def headers(terms: Terms, policy: str) -> list[Text]:
    """HTTP response headers, and the meta tags of a page that says the same.

    Where mining has a policy, `Content-Usage` leaves training away: its plain no would take the policy back.
    """
    reservation = mining(terms, policy)
    usage: dict[str, tuple[str, str]] = {"index": single(terms, "index")}
    if reservation[0] != "conditional":
        usage |= dict.fromkeys(TRAINING, training(terms))
    lines = [f"Content-Usage: {value}\n"] if (value := usage_value(usage)) else []
    metas = []
    if reservation[0] != "unknown":
        reserved = "0" if reservation[0] == "allow" else "1"
        lines.append(f"tdm-reservation: {reserved}\n")
        metas.append(f'<meta name="tdm-reservation" content="{reserved}">\n')
    if reservation[0] == "conditional":
        lines.append(f"tdm-policy: {policy}\n")
        metas.append(f'<meta name="tdm-policy" content="{html.escape(policy)}">\n')
    if all(terms[verb].value == "deny" for verb in MINING):
        metas.append('<meta name="robots" content="noai, noimageai">\n')
    words = dict.fromkeys(MINING, reservation)
    both = {verb: max(words.get(verb, one), one, key=lambda word: STRENGTH[word[0]]) for verb, one in usage.items()}
    return [
        Text("HTTP response headers", PLAIN, "".join(lines), told_of("headers", terms, words | both)),
        Text("the <head> of the page", HTML, "".join(metas), told_of("headers", terms, words)),
    ]


def odrl_offer(terms: Terms, uid: str, target: str, assigner: str) -> list[Text]:
    """The policy that `tdm-policy` names."""
    text = odrl.document(terms, uid, target, assigner)
    told = told_of("odrl", terms, dict.fromkeys(MINING, odrl.words(terms)))
    return [Text(uid, "application/ld+json", text, told)]


def _by_site(
    form: str,
    patterns: Sequence[Pattern],
    place: str,
    media_type: str,
    words: Callable[[Terms], Words],
    written: Callable[[Sequence[Pattern]], str],
) -> list[Text]:
    """One text per site, by site; addresses of one pattern are one rule, the strictest of theirs."""
    sites: dict[str, dict[str, list[Rule]]] = {}
    for pattern, rule in patterns:
        sites.setdefault(site_root(rule.url).casefold(), {}).setdefault(pattern, []).append(rule)
    texts = []
    for site, of_site in sorted(sites.items()):
        joined = [
            (pattern, rules[0] if len(rules) == 1 else Rule(rules[0].url, strictest(one.terms for one in rules)))
            for pattern, rules in sorted(of_site.items())
        ]
        told: list[tuple[Told, ...]] = [told_of(form, rule.terms, words(rule.terms)) for _, rule in joined]
        texts.append(Text(f"{site}{place}", media_type, written(joined), told_together(told)))
    return texts
