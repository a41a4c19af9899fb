"""Terms as Hypothesis draws them, and an offer read back by the readers of the world's own signals."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from endcredits.works import Conditions, Permission
from endcredits.works.asked import Asked
from endcredits.works.offers import Text
from endcredits.works.signals import (
    Found,
    Signal,
    combined,
    read_headers,
    read_page,
    read_robots,
    read_rsl,
    read_tdmrep_json,
)

WORK = "work:heights"
ASKED = Asked(WORK, (("work", WORK),), (("person", "party:emily"),))
POLICY = "https://a.example/policy.json"
AT = "2026-06-01T00:00:00Z"

conditions = st.builds(
    Conditions,
    price_micros=st.none() | st.integers(1, 9_999_999),
    currency=st.just("EUR"),
    unit=st.sampled_from(["", "output", "month", "kilogram"]),
    territories=st.sampled_from([(), ("DE",), ("FR", "DE"), ("WORLD",)]),
    purposes=st.sampled_from([(), ("research",), ("commercial",)]),
    media=st.sampled_from([(), ("film",)]),
    user_classes=st.sampled_from([(), ("non-commercial",), ("aliens",)]),
    uses_max=st.none() | st.integers(1, 9),
    credit_text=st.sampled_from(["", "by Emily <b>"]),
    words=st.sampled_from([(), ("ask first",)]),
)


@st.composite
def permissions(draw: st.DrawFn) -> Permission:
    """A statement about the work or the person who made it."""
    value = draw(st.sampled_from(["allow", "deny", "conditional", "unknown"]))
    asks = draw(conditions) if value == "conditional" else None
    if value == "allow" and draw(st.booleans()):
        asks = Conditions(credit_text="by Emily")
    subject, kind = draw(st.sampled_from([(WORK, "work"), (WORK, "work"), ("party:emily", "person")]))
    day = draw(st.integers(1, 9))
    return Permission(
        subject,
        draw(st.sampled_from(["tdm", "train", "finetune", "retrieve", "index", "style", "likeness"])),
        value,
        "why",
        "where",
        "who",
        f"2026-01-0{day}T00:00:00Z",
        draw(st.none() | st.just("2026-03-01T00:00:00Z")),
        permission_id=f"perm:{draw(st.integers(0, 10**6))}",
        subject_kind=kind,
        conditions=asks,
        licensee=draw(st.sampled_from(["", "", "", "party:house"])),
        authority="rightsholder",
    )


stated = st.lists(permissions(), max_size=9, unique_by=lambda one: one.permission_id)


def read(form: str, text: Text, path: str = "/photos/cat.jpg") -> tuple[Signal, ...]:
    """What our own readers find in a text."""
    found, data = Found("https://a.example/x", path=path), text.text.encode()
    if not data:
        return ()
    if form == "tdmrep":
        return read_tdmrep_json(data, found)
    if form == "rsl":
        return read_rsl(data, found)
    if form == "robots":
        return read_robots(data, found)
    if text.media_type == "text/html":
        return read_page(b"<!doctype html><html><head>" + data + b"</head><body>x</body></html>", found)
    return read_headers([_header(line) for line in text.text.splitlines()], found)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name, value


def answers(signals: Iterable[Signal]) -> dict[str, str]:
    """By verb, what all signals together mean."""
    return {verb: answer.value for verb, answer in combined(signals).items()}
