"""Reservations counted by the standard in whose words they were read: what was read, what it says, what came of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from endcredits.canonical import digest
from endcredits.works.disclosure.records import StandardCount
from endcredits.works.records import Permission


def standard_of(permission: Permission | None) -> str:
    """The standard of a statement that a machine read; "" for what somebody told."""
    if permission is None or permission.provenance is None:
        return ""
    return permission.provenance.standard or permission.provenance.carrier


def count_standards(
    statements: Iterable[Permission],
    concerned: Mapping[str, Collection[str]],
    kept_out: Mapping[str, str],
    used_despite: Mapping[str, str],
) -> tuple[StandardCount, ...]:
    """Counts statements by standard, by name; what people told comes last.

    Args:
        statements: all that were recorded when the corpus was made.
        concerned: ids of the works that a statement speaks of, by the statement's id.
        kept_out: the standard of the statement that decided against a work, by the work's id.
        used_despite: the same for works that were used under a contract, though a statement denies it to others.
    """
    groups: dict[str, list[Permission]] = {}
    for one in statements:
        groups.setdefault(standard_of(one), []).append(one)
    names = sorted(groups, key=lambda name: (not name, name))
    return tuple(_count(name, groups[name], concerned, kept_out, used_despite) for name in names)


def _count(
    name: str,
    group: list[Permission],
    concerned: Mapping[str, Collection[str]],
    kept_out: Mapping[str, str],
    used_despite: Mapping[str, str],
) -> StandardCount:
    read = [one.provenance for one in group if one.provenance is not None]
    return StandardCount(
        name,
        tuple(sorted({one.version for one in read if one.version})),
        tuple(sorted({one.carrier for one in read if one.carrier})),
        len({one.raw_sha256 for one in read if one.raw_sha256}),
        len(group),
        sum(one.value == "deny" for one in group),
        len({work for one in group for work in concerned.get(one.permission_id, ())}),
        sum(standard == name for standard in kept_out.values()),
        sum(standard == name for standard in used_despite.values()),
    )


def raw_digest(statements: Iterable[Permission]) -> str:
    """One digest over the digests of all carriers that were read; "" when none was."""
    shas = sorted({one.provenance.raw_sha256 for one in statements if one.provenance and one.provenance.raw_sha256})
    return digest(shas) if shas else ""
