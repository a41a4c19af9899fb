"""The tables of likeness: people, enrolments, grants, revocations, uses, and in which outputs uses appear.

A person has one row per version, the latest holds. Salts keep a birthday or a short reason from being guessed from a row's
digest, which the log shows (`salted`). A grant is its document; everything else of it is read from there, so that no column
can say something else. Uses of a row are counted by adding up, never kept as a number that is changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import sqlalchemy as sa

from endcredits.store import record_table

likeness_people = record_table(
    "likeness_people",
    sa.Column("person_id", sa.String(200), sa.ForeignKey("parties.party_id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("turns_18_on", sa.String(10)),
    sa.Column("guardian_id", sa.String(200), nullable=False),
    sa.Column("deceased_on", sa.String(10)),
    sa.Column("rights_holder_id", sa.String(200), nullable=False),
    sa.Column("work_id", sa.String(200), sa.ForeignKey("works.work_id"), nullable=False),
    sa.Column("recorded_at", sa.String(20), nullable=False),
    sa.Column("salt", sa.String(64), nullable=False),
)

likeness_enrolments = record_table(
    "likeness_enrolments",
    sa.Column("enrolment_id", sa.String(100), primary_key=True),
    sa.Column("person_id", sa.String(200), sa.ForeignKey("parties.party_id"), nullable=False, index=True),
    sa.Column("modality", sa.String(20), nullable=False),
    sa.Column("reference_sha256", sa.String(64), nullable=False, index=True),
    sa.Column("content_code", sa.String(100), nullable=False),
    sa.Column("kept_at", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.String(20), nullable=False),
    sa.Column("salt", sa.String(64), nullable=False),
)

likeness_grants = record_table(
    "likeness_grants",
    sa.Column("grant_id", sa.String(100), primary_key=True),
    sa.Column("person_id", sa.String(200), sa.ForeignKey("parties.party_id"), nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.String(20), nullable=False),
    sa.Column("salt", sa.String(64), nullable=False),
)

likeness_revocations = record_table(
    "likeness_revocations",
    sa.Column("revocation_id", sa.String(100), primary_key=True),
    sa.Column("grant_id", sa.String(100), sa.ForeignKey("likeness_grants.grant_id"), nullable=False, index=True),
    sa.Column("revoked_at", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("declared_by", sa.Text, nullable=False),
    sa.Column("of_person", sa.Boolean, nullable=False),
    sa.Column("salt", sa.String(64), nullable=False),
)

likeness_uses = record_table(
    "likeness_uses",
    sa.Column("use_id", sa.String(200), primary_key=True),
    sa.Column("person_id", sa.String(200), nullable=False, index=True),
    sa.Column("grant_id", sa.String(100), nullable=False, index=True),
    sa.Column("row_number", sa.Integer, nullable=False),
    sa.Column("use_count", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.String(20), nullable=False),
    sa.Column("kind", sa.String(200), nullable=False),
    sa.Column("offer", sa.String(200), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("salt", sa.String(64), nullable=False),
    sa.CheckConstraint("use_count > 0", name="positive"),
)

likeness_outputs = record_table(
    "likeness_outputs",
    sa.Column("use_id", sa.String(200), sa.ForeignKey("likeness_uses.use_id"), primary_key=True),
    sa.Column("output_id", sa.String(200), nullable=False),
    sa.Column("recorded_at", sa.String(20), nullable=False),
)

ALL = (likeness_people, likeness_enrolments, likeness_grants, likeness_revocations, likeness_uses, likeness_outputs)
"""In the order in which rows may be added."""


def salted(row: Mapping[str, object]) -> dict[str, object]:
    """A row with 32 random bytes more, without which nobody confirms a guess of its content by its digest."""
    return {**row, "salt": secrets.token_hex(32)}
