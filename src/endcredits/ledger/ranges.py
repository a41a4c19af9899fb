"""Which postings are whose: an entry's row names the first and the last of its postings, and a posting names nobody.

So a posting is three integers that are only ever added at the end, and nothing has to be looked up to write one. Read the
other way round, a posting belongs to the last entry that begins at or before it. Ids count without a gap (`guards`), so
the two ways agree.
"""

from __future__ import annotations

ENTRY_OF_POSTING = (
    "e.number = (SELECT f.number FROM journal_entries f WHERE f.first_posting <= p.posting_id "
    "ORDER BY f.first_posting DESC, f.number DESC LIMIT 1) AND e.last_posting >= p.posting_id"
)
"""Condition that joins an entry e to a posting p that is known: one look into an index. An entry without postings begins
where the next one does, hence the highest number."""


def postings_of_entry(dialect: str, join: str = "JOIN") -> str:
    """The join that adds the postings p of entries e that are known, in their order; `join` may be "LEFT JOIN".

    PostgreSQL would compare every entry with every posting where a range is all it is told, so it is told each id; an end
    that somebody set too high ends with the postings that there are.
    """
    if dialect == "sqlite":
        # A cross join is one that SQLite does not turn round: entries first, then the range of each.
        join = "CROSS JOIN" if join == "JOIN" else join
        return f"{join} postings p ON p.posting_id BETWEEN e.first_posting AND e.last_posting"
    last = "LEAST(e.last_posting, (SELECT MAX(posting_id) FROM postings))"
    return (
        f"{join} LATERAL generate_series(GREATEST(e.first_posting, 1), {last}) AS i(posting_id) ON TRUE "
        f"{join} postings p ON p.posting_id = i.posting_id"
    )
