"""`key=value` words about use: AIPREF and CC signals in `Content-Usage`, Cloudflare's `Content-Signal`.

AIPREF (draft-ietf-aipref-vocab-07; not an RFC) is a Structured Fields dictionary: `train-ai=n, search=y`, case sensitive,
values y and n. CC signals 0.1 adds a parameter: `ai-use=n;exceptions=cc-cr` is a no, unless credit is given. Cloudflare
writes other keys with yes and no: `search=yes, ai-input=no, ai-train=no`. They are easily confused, and people do: a key
of the other standard, `N` for `n`, `train-ai` without a value. An ordinary parser drops or misreads those (a bare key
parses as true; of a key given twice the last wins), so each member is read for itself here, as raw text.

Readings of a member: its own standard's key and value say what they say; anything else about a key that we can guess is
a no to what it means; a no to something that we cannot guess is a no to everything; a yes to it is noted, no more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from endcredits.works.signals.records import MINING, TRAINING, USES, Carrier, Signal

AIPREF_VERSION = "draft-ietf-aipref-vocab-07"

CC_EXCEPTIONS = {
    "cc-cr": ("credit",),
    "cc-cr-dc": ("credit", "direct contribution to whoever declares it"),
    "cc-cr-ec": ("credit", "contribution to the ecosystem"),
    "cc-cr-op": ("credit", "the resulting system is open"),
}
"""What each signal of CC signals 0.1 asks for in return."""

MEMBERS_MAX = 200
"""More members than this in one value are not read one by one; the value is then unreadable."""


@dataclass(frozen=True, slots=True)
class Words:
    """The keys and values of one standard.

    Attributes:
        standard, version: for the signals.
        keys: what each key of the present version is about.
        earlier: keys of earlier drafts and of others who build on them; read, and noted.
        yes, no: the two values.
    """

    standard: str
    version: str
    keys: dict[str, tuple[str, ...]]
    earlier: dict[str, tuple[str, ...]]
    yes: str
    no: str


AIPREF = Words(
    "AIPREF",
    AIPREF_VERSION,
    {"train-ai": TRAINING, "search": ("index",)},
    {
        "all": USES,
        "bots": USES,
        "tdm": MINING,
        "ai": TRAINING,
        "genai": TRAINING,
        "train-genai": TRAINING,
        "ai-use": ("retrieve",),
        "ai-output": ("retrieve",),
        "ai-inference": ("retrieve",),
    },
    "y",
    "n",
)
CONTENT_SIGNAL = Words(
    "Content-Signal",
    "2025-09",
    {"search": ("index",), "ai-input": ("retrieve",), "ai-train": TRAINING},
    {},
    "yes",
    "no",
)


def _plain(key: str) -> str:
    """A key as it sounds: "Train_AI" and "train-ai" sound the same."""
    return re.sub(r"[^a-z0-9]", "", key.casefold())


_SOUNDS: dict[str, tuple[str, ...]] = {
    _plain(key): verbs for words in (AIPREF, CONTENT_SIGNAL) for key, verbs in (*words.earlier.items(), *words.keys.items())
} | {"trainingai": TRAINING, "aitraining": TRAINING, "train": TRAINING, "training": TRAINING, "index": ("index",)}
_YES = ("y", "yes", "true", "1", "?1", "allow", "allowed")


def read_words(value: str, words: Words, carrier: Carrier, place: str) -> tuple[Signal, ...]:
    """The signals of one header or line value, in its order.

    Args:
        value: what stands behind the colon, path already cut off.
        words: whose words they should be.
        carrier: makes the signals.
        place: for the signals.
    """
    members = [member.strip() for member in _split(value, ",")]
    if len(members) > MEMBERS_MAX:
        return carrier.unreadable(words.standard, f"it has {len(members)} members", place=place, raw=value)
    signals: list[Signal] = []
    seen: dict[str, str] = {}
    for member in filter(None, members):
        key, value_text, params = _parts(member)
        verdict, verbs, conditions, problem, note = _reading(key, value_text, params, words)
        if key in seen and seen[key] != member:
            verdict, conditions = ("deny", ()) if verdict != "unknown" else (verdict, conditions)
            problem = problem or f"'{key}' stands there twice ('{seen[key]}' and '{member}')"
        seen.setdefault(key, member)
        standard = "CC signals" if conditions or "exceptions" in params else words.standard
        version = "0.1" if standard == "CC signals" else words.version
        signals += carrier.say(
            standard, version, verdict, verbs, place=place, raw=member, conditions=conditions, problem=problem, note=note
        )
        for stray, about in _stray(member):
            problem = f"'{stray}' is set off by a space or a semicolon, not by a comma; honoured as a no"
            signals += carrier.say(words.standard, words.version, "deny", about, place=place, raw=stray, problem=problem)
    return tuple(signals)


def _stray(member: str) -> list[tuple[str, tuple[str, ...]]]:
    """Words on other uses inside a member: who writes "search=y train-ai=n" means both, and the second must not be lost."""
    first, *rest = re.split(r"[\s;]+", member)
    if _plain(first.partition("=")[0]) not in _SOUNDS:
        return []  # then the whole member is a no to everything already
    return [(one, _SOUNDS[_plain(one.partition("=")[0])]) for one in rest if _plain(one.partition("=")[0]) in _SOUNDS]


_Reading = tuple[str, tuple[str, ...], tuple[str, ...], str, str]


def _reading(key: str, value: str | None, params: dict[str, str], words: Words) -> _Reading:
    """(value, verbs, conditions, problem, note) of one member."""
    verbs = words.keys.get(key)
    note = ""
    if verbs is None and key in words.earlier:
        verbs, note = words.earlier[key], f"'{key}' is a key of an earlier draft"
    if verbs is None:
        return _misspelt(key, value, words)
    if value is None:
        return "deny", verbs, (), f"'{key}' stands there without a value; write {key}={words.yes} or {key}={words.no}", note
    if value not in (words.yes, words.no):
        return "deny", verbs, (), f"'{value}' is not a value of '{key}' ({words.yes} or {words.no})", note
    if value == words.yes:
        if "exceptions" in params:
            return "deny", verbs, (), f"'{key}={value}' cannot have exceptions", note
        return "allow", verbs, (), "", note
    if "exceptions" in params:
        asked = CC_EXCEPTIONS.get(params["exceptions"])
        if asked is None:
            return "deny", verbs, (), f"'{params['exceptions']}' is not an exception of CC signals 0.1", note
        return "conditional", verbs, asked, "", note
    return "deny", verbs, (), "", note


def _misspelt(key: str, value: str | None, words: Words) -> _Reading:
    sounds = _SOUNDS.get(_plain(key))
    if sounds is not None:
        return "deny", sounds, (), f"'{key}' is not a key of {words.standard}; honoured as a no", ""
    if value is not None and value.casefold() in _YES and re.fullmatch(r"[a-z*][a-z0-9_.*-]*", key):
        return "unknown", USES, (), "", f"'{key}' is a key that we do not know; its yes is kept and has no effect"
    return "deny", USES, (), f"'{key}' is not a key of {words.standard}; honoured as a no to everything", ""


def _parts(member: str) -> tuple[str, str | None, dict[str, str]]:
    """(key, value or None, parameters) of "key=value;name=parameter"."""
    head, *rest = _split(member, ";")
    key, sign, value = head.partition("=")
    params = {}
    for piece in rest:
        name, _, text = piece.partition("=")
        params[name.strip().casefold()] = text.strip().strip('"')
    return key.strip(), value.strip() if sign else None, params


def _split(text: str, at: str) -> list[str]:
    """Splits at a character outside double quotes."""
    if '"' not in text:
        return text.split(at)
    return re.split(rf'{at}(?=(?:[^"]*"[^"]*")*[^"]*$)', text) if len(text) <= 2_000 else text.split(at)
