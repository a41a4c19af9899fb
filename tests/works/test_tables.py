"""The migration makes exactly the tables that the room declares, on both databases."""

import sqlalchemy as sa

from endcredits.store import Store
from endcredits.works import tables


def test_the_database_has_the_declared_columns_keys_and_references(store: Store) -> None:
    with store.reading() as conn:
        inspector = sa.inspect(conn)

        for table in tables.ALL:
            found = {one["name"]: one for one in inspector.get_columns(table.name)}
            assert list(found) == [column.name for column in table.columns]
            for column in table.columns:
                assert found[column.name]["nullable"] == column.nullable
                assert getattr(found[column.name]["type"], "length", None) == getattr(column.type, "length", None)
            key = inspector.get_pk_constraint(table.name)["constrained_columns"]
            assert key == [column.name for column in table.primary_key.columns]
            references = {
                (one["constrained_columns"][0], one["referred_table"]) for one in inspector.get_foreign_keys(table.name)
            }
            assert references == {(one.parent.name, one.column.table.name) for one in table.foreign_keys}
