"""The migration makes exactly the tables that are declared, on both databases, and they refuse changes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from endcredits.store import Store
from endcredits.works.likeness import tables


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
            indexes = {tuple(one["column_names"]) for one in inspector.get_indexes(table.name)}
            assert indexes == {(column.name,) for column in table.columns if column.index}


@pytest.mark.parametrize("verb", ["UPDATE likeness_people SET version = 2", "DELETE FROM likeness_people"])
def test_rows_cannot_be_changed(store: Store, verb: str) -> None:
    from .test_book import enrolled

    enrolled(store)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        store.write(lambda conn: conn.exec_driver_sql(verb))
