"""Works, people and shares from the files of others: CWR of music societies and publishers, and a table in DDEX's words.

    reading = read_cwr("CW250001PUB_000.V21")
    reading.registrations       # works with writers, publishers and who is paid where
    reading.notices             # what is wrong with which record, and what follows from it

No file of these says that anything is allowed, and nothing here makes a permission of one.
"""

from endcredits.works.imports.cwr import read_cwr
from endcredits.works.imports.cwr_work import RIGHTS
from endcredits.works.imports.ddex_csv import read_ddex_csv
from endcredits.works.imports.records import (
    HELD,
    NOTED,
    REFUSED,
    FileCredit,
    FileHolding,
    FileParty,
    Notice,
    Reading,
    Registration,
)

__all__ = [
    "HELD",
    "NOTED",
    "REFUSED",
    "RIGHTS",
    "FileCredit",
    "FileHolding",
    "FileParty",
    "Notice",
    "Reading",
    "Registration",
    "read_cwr",
    "read_ddex_csv",
]
