"""Alembic's entry: runs the rooms' migrations on the connection that `endcredits.store` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
