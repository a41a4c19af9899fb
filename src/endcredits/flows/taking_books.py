"""What the registry holds, as far as the gate must know while works come in; kept up to date batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping

from endcredits.flows.seen import Seen
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.works import Permission, Work, permissions, works
from endcredits.works.submissions import content_digest

HeardKey = tuple[str, ...]


class Books:
    """What the registry holds, as far as taking in must know, kept up to date batch by batch."""

    def __init__(self, studio: Studio) -> None:
        with studio.store.reading() as conn:
            registered, stated = works(conn), permissions(conn)
        self.files = {work.work_id: tuple(file.sha256 for file in work.manifestations) for work in registered}
        self.by_content: MutableMapping[str, Work] = {
            content_digest([file.sha256 for file in work.manifestations]): work for work in registered
        }
        self.stated = {(one.subject, one.verb, one.value, one.reason, one.declared_by) for one in stated}
        self.said = {one.permission_id for one in stated}
        self.heard = {heard_key(one): one.permission_id for one in stated if one.subject_kind == "sha256"}

    def still_has(self, seen: Seen) -> bool:
        """Whether what was seen before still stands in the registry."""
        if seen.work_id and self.files.get(WorkId(seen.work_id)) != seen.files:
            return False
        return self.said.issuperset(seen.heard)

    def says_already(self, one: Permission) -> bool:
        """Whether somebody said the same about a work before."""
        return (one.subject, one.verb, one.value, one.reason, one.declared_by) in self.stated

    def add(self, added: Iterable[Work], heard: Iterable[Permission]) -> None:
        """Takes note of what was recorded."""
        for work in added:
            shas = tuple(file.sha256 for file in work.manifestations)
            self.files[work.work_id] = shas
            self.by_content[content_digest(list(shas))] = work
        for one in heard:
            self.said.add(one.permission_id)
            self.stated.add((one.subject, one.verb, one.value, one.reason, one.declared_by))
            if one.subject_kind == "sha256":
                self.heard.setdefault(heard_key(one), one.permission_id)


def heard_key(one: Permission) -> HeardKey:
    """What makes two statements that a file's carriers made the same, whenever they were read.

    A no is another no where it was found elsewhere, since whoever made it may take back only their own.
    """
    where = one.provenance
    carrier = (where.standard, where.carrier, where.raw_sha256) if where else ()
    return (one.subject, one.verb, one.value, one.reason, *carrier, *((one.declared_by,) if one.value == "deny" else ()))
