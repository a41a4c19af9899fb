"""What is said about a creator's works and person, as it leaves the house: their own words whole, others' words bare.

A statement that nobody registered made (a file's metadata, a site, a letter), and one that the creator made, leaves with
everything it says. One that another party made concerns the creator, so that it stands there with subject, verb, value and
times; its words, conditions and price are that party's and stay here. Whoever made it appears as the credit reads on the
screen, or as "another party".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from endcredits.flows.fact_files import Fact, facts_in
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, person_key
from endcredits.receipts import Log, Receipt, receipt_bytes
from endcredits.receipts.leaf import VERSION
from endcredits.works import Permission, plain_of
from endcredits.works.decide import closings

SOMEBODY = "another party"
"""Who made a statement that is not told by whom."""
WITHHELD = ("reason", "source", "conditions", "provenance", "party_id", "licensee")
"""Fields of another party's statement that stay here."""
COLUMNS = (
    "permission_id", "subject_kind", "subject", "verb", "value", "effective_from", "effective_to", "closed_by", "closed_at",
    "declared_by", "authority", "reason", "source",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose archive it is, and how the others are called.

    Attributes:
        party_id: the creator.
        name: the creator's name.
        shown: how co-authors read on the screen, by party id.
        names: their names, by party id; only compared, never written.
    """

    party_id: PartyId
    name: str
    shown: Mapping[str, str]
    names: Mapping[str, str]

    def called(self, permission: Permission) -> str:
        """Whoever made a statement, in words that may leave."""
        if self.own(permission):
            return permission.declared_by
        other = permission.party_id or self._named(permission.declared_by)
        return self.shown.get(other, SOMEBODY)

    def own(self, permission: Permission) -> bool:
        """Whether a statement may leave whole: the creator's own, or nobody's whom the registry knows."""
        if permission.party_id:
            return permission.party_id == self.party_id
        if person_key(permission.declared_by) == person_key(self.name):
            return True
        # A contract is between two; one that is told without a party is a stranger's all the same.
        return not permission.licensee and not self._named(permission.declared_by)

    def _named(self, words: str) -> str:
        """The co-author whom words name, perhaps among others; rather one too many than one whose words leave."""
        key = person_key(words)
        called = ((one, person_key(name)) for one, name in self.names.items())
        return next((one for one, name in called if name and name in key), "")


def told(permission: Permission, closed: Mapping[str, Permission], whose: Whose) -> dict[str, Any]:
    """A statement as it leaves, with what closed it."""
    plain = plain_of(permission)
    if "work_id" in plain:
        plain["subject"] = plain.pop("work_id")
    plain["subject_kind"] = permission.subject_kind
    closing = closed.get(permission.permission_id)
    plain["closed_by"] = closing.permission_id if closing else ""
    plain["closed_at"] = closing.effective_from if closing else ""
    plain["declared_by"] = whose.called(permission)
    if not whose.own(permission):
        plain["withheld"] = sorted(name for name in WITHHELD if plain.pop(name, ""))
        if permission.licensee:
            plain["is_contract"] = True
    return plain


def each_told(permissions: Sequence[Permission], whose: Whose) -> Iterable[dict[str, Any]]:
    """Statements about one thing, each with what closed it."""
    closed = closings(permissions)
    return (told(one, closed, whose) for one in permissions)


def fact_receipt(fact: Fact, log: Log) -> bytes:
    """A fact of the log as a receipt, which the lone verifier checks like any other: this was recorded, and when.

    Raises:
        ValueError: the fact was erased, and nothing is left to prove.
    """
    if fact.body is None:
        raise ValueError("an erased fact proves nothing")
    return receipt_bytes(
        Receipt(VERSION, fact.fact_id, fact.type, fact.body, fact.salt, fact.leaf, log.proof(fact.position))
    )


def facts_among(studio: Studio, kind: str, wanted: set[str]) -> Iterable[Fact]:
    """The facts of a type that are among some ids, by their place in the log, read one after another."""
    return (fact for fact in facts_in(studio.path, kind) if fact.body is not None and fact.fact_id in wanted)
