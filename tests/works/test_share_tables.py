"""The migration makes exactly the tables that are declared for shares, on both databases."""

import pytest
import sqlalchemy as sa

from endcredits.store import Store
from endcredits.works import share_tables


def test_the_database_has_the_declared_columns_keys_and_references(store: Store) -> None:
    with store.reading() as conn:
        inspector = sa.inspect(conn)

        for table in share_tables.ALL:
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


@pytest.mark.parametrize("table", share_tables.ALL, ids=lambda table: str(table.name))
def test_rows_can_be_added_and_never_changed(store: Store, table: sa.Table) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as conn:
        conn.exec_driver_sql("PRAGMA foreign_keys=OFF") if conn.dialect.name == "sqlite" else None
        names = [column for column in table.columns]
        values = {column.name: 1 if isinstance(column.type, sa.Integer) else "x" for column in names}
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            conn.execute(sa.insert(table), [values])
        conn.execute(sa.delete(table))
