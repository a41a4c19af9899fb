"""From what carriers say (`signals`) to statements that the registry keeps: about the very bytes that were read.

Metadata speaks of the file that it stands in, and a site's file (robots.txt) of what was found at its addresses, so every
signal about a work becomes a statement about the work's bytes. It keeps who said it, where, and the digest of the carrier.
Silence is not kept; a carrier that nobody could read is, because it may hold a no.

A web server or a file's metadata is a claim by nobody known: its authority is "host" for what a site says and "unknown" for
what stands in the file. Both count: a no is honoured whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable

from endcredits.works.records import Conditions, Permission, Provenance
from endcredits.works.signals import Signal
from endcredits.works.stated import with_id

OF_THE_SITE = ("robots.txt", "ai.txt", "tdmrep.json", "HTTP header", "RSL")
"""Carriers that a host writes, and not whoever made the file."""


def statements_of(signals: Iterable[Signal], sha256: str, observed_at: str) -> tuple[Permission, ...]:
    """The statements that signals about a file's bytes make, each once, in force from when they were read.

    Args:
        signals: of the readers.
        sha256: of the bytes that they are about, 64 hex digits.
        observed_at: UTC time of now; a clock that is ahead of it is not believed, so that no refusal begins in the future.

    Returns:
        Statements with their ids, in the order of the signals.
    """
    found = (
        _statement(one, sha256, min(one.read_at or observed_at, observed_at)) for one in signals if _says_something(one)
    )
    return tuple({one.permission_id: one for one in found}.values())


def _says_something(signal: Signal) -> bool:
    return signal.value != "unknown" or bool(signal.problem)


def _statement(one: Signal, sha256: str, at: str) -> Permission:
    words = one.raw or one.note or one.value
    reason = f"{one.standard} in {one.carrier}: {words}"
    if one.problem:
        reason += f" ({one.problem})"
    return with_id(
        Permission(
            sha256,
            one.verb,
            one.value,
            reason,
            source=f"{one.source}, {one.place}",
            declared_by=f"{one.carrier} of {one.source}",
            effective_from=at,
            subject_kind="sha256",
            conditions=Conditions(words=one.conditions) if one.value == "conditional" and one.conditions else None,
            provenance=Provenance(one.standard, one.version, one.carrier, one.source, one.raw_sha256),
            authority="host" if one.carrier in OF_THE_SITE else "unknown",
            observed_at=at,
        )
    )
