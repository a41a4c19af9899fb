"""The log of rows that nothing else counts; rows that are there already are logged."""

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql, row_digest

revision = "royalties_0005"
down_revision = "royalties_0004"
branch_labels = None
depends_on = None

LOGGED = ("held_rows", "held_ends", "contracts", "disputes", "dispute_ends", "close_steps", "crew_units")


def upgrade() -> None:
    """Makes the table, logs every row that is there, and closes it against changes."""
    made = op.create_table(
        "royalty_log",
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("table_name", sa.String(40), nullable=False),
        sa.Column("row_digest", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_royalty_log"),
    )
    conn = op.get_bind()
    number = 0
    for table in LOGGED:
        for digest in conn.scalars(sa.text(f"SELECT digest FROM {table} ORDER BY digest")).all():
            number += 1
            row = {"number": number, "table_name": table, "row_digest": str(digest)}
            conn.execute(sa.insert(made).values(**row, digest=row_digest("royalty_log", row)))
    for statement in append_only_sql("royalty_log", conn.dialect.name):
        op.execute(statement)
