"""People, enrolments, grants, revocations and uses of likeness."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "works_0004"
down_revision = "works_0003"
branch_labels = None
depends_on = None

TABLES = (
    "likeness_people",
    "likeness_enrolments",
    "likeness_grants",
    "likeness_revocations",
    "likeness_uses",
    "likeness_outputs",
)


def upgrade() -> None:
    """Makes the tables and closes them against changes."""
    op.create_table(
        "likeness_people",
        sa.Column("person_id", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("turns_18_on", sa.String(10)),
        sa.Column("guardian_id", sa.String(200), nullable=False),
        sa.Column("deceased_on", sa.String(10)),
        sa.Column("rights_holder_id", sa.String(200), nullable=False),
        sa.Column("work_id", sa.String(200), nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("salt", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "version", name="pk_likeness_people"),
        sa.ForeignKeyConstraint(["person_id"], ["parties.party_id"], name="fk_likeness_people_person_id"),
        sa.ForeignKeyConstraint(["work_id"], ["works.work_id"], name="fk_likeness_people_work_id"),
    )
    op.create_table(
        "likeness_enrolments",
        sa.Column("enrolment_id", sa.String(100), nullable=False),
        sa.Column("person_id", sa.String(200), nullable=False),
        sa.Column("modality", sa.String(20), nullable=False),
        sa.Column("reference_sha256", sa.String(64), nullable=False),
        sa.Column("content_code", sa.String(100), nullable=False),
        sa.Column("kept_at", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("salt", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("enrolment_id", name="pk_likeness_enrolments"),
        sa.ForeignKeyConstraint(["person_id"], ["parties.party_id"], name="fk_likeness_enrolments_person_id"),
    )
    op.create_index("ix_likeness_enrolments_person_id", "likeness_enrolments", ["person_id"])
    op.create_index("ix_likeness_enrolments_reference_sha256", "likeness_enrolments", ["reference_sha256"])
    op.create_table(
        "likeness_grants",
        sa.Column("grant_id", sa.String(100), nullable=False),
        sa.Column("person_id", sa.String(200), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("salt", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", name="pk_likeness_grants"),
        sa.ForeignKeyConstraint(["person_id"], ["parties.party_id"], name="fk_likeness_grants_person_id"),
    )
    op.create_index("ix_likeness_grants_person_id", "likeness_grants", ["person_id"])
    op.create_table(
        "likeness_revocations",
        sa.Column("revocation_id", sa.String(100), nullable=False),
        sa.Column("grant_id", sa.String(100), nullable=False),
        sa.Column("revoked_at", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("of_person", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("revocation_id", name="pk_likeness_revocations"),
        sa.ForeignKeyConstraint(["grant_id"], ["likeness_grants.grant_id"], name="fk_likeness_revocations_grant_id"),
    )
    op.create_index("ix_likeness_revocations_grant_id", "likeness_revocations", ["grant_id"])
    op.create_table(
        "likeness_uses",
        sa.Column("use_id", sa.String(200), nullable=False),
        sa.Column("person_id", sa.String(200), nullable=False),
        sa.Column("grant_id", sa.String(100), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("use_count", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("offer", sa.String(200), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("salt", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("use_id", name="pk_likeness_uses"),
        sa.CheckConstraint("use_count > 0", name="positive"),
    )
    op.create_index("ix_likeness_uses_person_id", "likeness_uses", ["person_id"])
    op.create_index("ix_likeness_uses_grant_id", "likeness_uses", ["grant_id"])
    op.create_table(
        "likeness_outputs",
        sa.Column("use_id", sa.String(200), nullable=False),
        sa.Column("output_id", sa.String(200), nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("use_id", name="pk_likeness_outputs"),
        sa.ForeignKeyConstraint(["use_id"], ["likeness_uses.use_id"], name="fk_likeness_outputs_use_id"),
    )
    for table in TABLES:
        for statement in append_only_sql(table, op.get_bind().dialect.name):
            op.execute(statement)
