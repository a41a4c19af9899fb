"""The databases of the tests: one per test, of both kinds."""

import sqlalchemy as sa

from endcredits.store import Store


def test_a_test_gets_a_database_of_its_own(store: Store) -> None:
    """Making a table would fail the second time if two tests shared a database."""
    store.write(lambda conn: conn.execute(sa.text("CREATE TABLE only_here (id INTEGER)")))

    with store.reading() as conn:
        assert conn.scalars(sa.text("SELECT count(*) FROM only_here")).one() == 0


def test_another_test_gets_another_database(store: Store) -> None:
    """The same table can be made again."""
    store.write(lambda conn: conn.execute(sa.text("CREATE TABLE only_here (id INTEGER)")))

    assert sa.inspect(store.engine).has_table("only_here")
