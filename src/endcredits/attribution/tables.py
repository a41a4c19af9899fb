"""The room's one table: every attribution as a canonical document, with the columns that are searched."""

import sqlalchemy as sa

from endcredits.store import record_table

attribution_table = record_table(
    "attributions",
    sa.Column("output_id", sa.String(200), primary_key=True),
    sa.Column("output_sha256", sa.String(64), nullable=False, index=True),
    sa.Column("index_digest", sa.String(64), nullable=False),
    sa.Column("recorded_at", sa.String(20), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)
