"""What a file, a page or a site says about the use of a work, word by word, before anybody weighs it.

A *signal* is one carrier's word on one verb: "TDMRep in the HTTP header of this address says no to training". A reader
takes bytes and where they were found, and returns signals; it never decides. Deciding is `combine.combined`.

Two rules hold for every reader, because a mistake in a no must not become a yes:

1. A wrong spelling or an unknown value is a finding (`Signal.problem`) and is honoured as a no.
2. What cannot be read (a broken packet, a file cut short) might have held a no. It is a finding too, with the value
   "unknown", and it stands in the way of every yes until somebody has looked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

USES = ("tdm", "train", "finetune", "retrieve", "index")
"""The verbs that standards of the web speak about; none of them has a word for style or likeness."""

MINING = ("tdm", "train", "finetune")
"""What a reservation against text and data mining covers."""

TRAINING = ("train", "finetune")
"""No standard tells fine-tuning from training, so what is said about one is said about both."""

RAW_LENGTH_MAX = 200
"""Characters of the original words that a signal repeats; its digest covers all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where and when bytes were found, for the signals read from them.

    Attributes:
        source: the file's path or the address, for people ("photos/cat.jpg", "https://a.example/robots.txt").
        read_at: UTC time at which the bytes were read, or fetched if they come from a dump.
        path: the path on its site of the work asked about ("/photos/cat.jpg"), for carriers that speak of many works.
        agent: the name that our crawler goes by in robots.txt.
    """

    source: str
    read_at: str = ""
    path: str = "/"
    agent: str = "endcredits"


@dataclass(frozen=True, slots=True)
class Signal:
    """One carrier's word on one verb.

    Attributes:
        carrier: what carried it ("robots.txt", "HTTP header", "HTML", "XMP", "EPUB", "tdmrep.json", "RSL", "ai.txt",
            "C2PA", "text").
        standard: who defined its words ("AIPREF", "TDMRep", "PLUS", "CAWG", "Content-Signal", "CC signals", "RSL", ...).
        version: of the standard, as this reader knows it.
        verb: one of `endcredits.works.records.VERBS`.
        value: "allow", "deny", "conditional" or "unknown".
        conditions: in words, what must hold for a conditional yes.
        source: file or address; see `Found.source`.
        place: where in the source ("line 3", "APP1 segment at byte 20", "header tdm-reservation").
        raw: the original words, shortened to `RAW_LENGTH_MAX` characters.
        raw_sha256: of the whole carrier's bytes (the packet, the file, the header line), in hex.
        read_at: UTC time of reading.
        problem: what is wrong with it, in words; empty for a clean signal. With value "unknown": it could not be read.
        note: what a person should know about the reading, though nothing is wrong.
    """

    carrier: str
    standard: str
    version: str
    verb: str
    value: str
    conditions: tuple[str, ...]
    source: str
    place: str
    raw: str
    raw_sha256: str
    read_at: str = ""
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Carrier:
    """The parts that all signals of one carrier share; `say` makes the signals.

    Attributes:
        found: where the bytes were found.
        carrier: see `Signal.carrier`.
        raw_sha256: of the carrier's bytes.
    """

    found: Found
    carrier: str
    raw_sha256: str

    def say(
        self,
        standard: str,
        version: str,
        value: str,
        verbs: Iterable[str],
        *,
        place: str,
        raw: str,
        conditions: Iterable[str] = (),
        problem: str = "",
        note: str = "",
    ) -> tuple[Signal, ...]:
        """One signal for each verb, all with the same words."""
        kept, asked = shortened(raw), tuple(conditions)
        where, found = self.carrier, self.found
        return tuple(
            Signal(
                where,
                standard,
                version,
                verb,
                value,
                asked,
                found.source,
                place,
                kept,
                self.raw_sha256,
                found.read_at,
                problem,
                note,
            )
            for verb in verbs
        )

    def unreadable(self, standard: str, problem: str, *, place: str, raw: str = "") -> tuple[Signal, ...]:
        """Signals that stand in the way of every yes: there is something here that nobody could read."""
        return self.say(standard, "", "unknown", USES, place=place, raw=raw, problem=problem)


def carrier_of(found: Found, carrier: str, raw: bytes | str) -> Carrier:
    """A carrier with the digest of its bytes (of a text: its UTF-8 bytes)."""
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    return Carrier(found, carrier, hashlib.sha256(data).hexdigest())


def of_a_part(signals: Iterable[Signal], what: str) -> tuple[Signal, ...]:
    """What a part says, as it counts for the whole: a no is a no to the whole, a yes is a yes to the part alone."""
    return tuple(
        replace(one, value="unknown", note=f"{what} says yes for itself, not for the whole")
        if one.value == "allow"
        else replace(one, note=one.note or f"said by {what}")
        for one in signals
    )


def shortened(text: str) -> str:
    """The original words in at most `RAW_LENGTH_MAX` characters, on one line."""
    line = " ".join(text.split()) if len(text) <= 4 * RAW_LENGTH_MAX else " ".join(text[: 4 * RAW_LENGTH_MAX].split())
    return line if len(line) <= RAW_LENGTH_MAX else line[: RAW_LENGTH_MAX - 1] + "\N{HORIZONTAL ELLIPSIS}"


def problems_of(signals: Iterable[Signal]) -> list[tuple[str, str]]:
    """(where, problem) of every finding, each once."""
    found = {(f"{one.source}, {one.carrier}, {one.place}", one.problem) for one in signals if one.problem}
    return sorted(found)
