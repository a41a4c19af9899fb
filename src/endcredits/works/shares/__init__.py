"""Splits and credits as people really agree on them: by place and day, on sheets that everybody accepts, through funds.

    agreed = agree([Holding(ada, 600_000_000, "train"), Holding(ben, 400_000_000, "train", region_of("WORLD -US"))])
    agreed.waiting      # (("train", "US", "0001-01-01", 400000000),): that part waits, Ada is paid there

`regions` and `countries` say where, `roles` says as what, `agreeing` makes sets of splits, `funds` divides what a fund gets,
`sheets` knows who said yes; `book`, `known_as` and `sheet_book` keep all of it.
"""

from endcredits.works.shares.agreeing import (
    FIRST_DAY,
    NOT_AGREED,
    Agreed,
    Holding,
    OverHeld,
    Overlap,
    agree,
    in_force,
    news,
)
from endcredits.works.shares.funds import FundShare, Members, members_on, paid_through_funds, through
from endcredits.works.shares.regions import EVERYWHERE, Region, region_of
from endcredits.works.shares.roles import ROLES, credit_line, role_code
from endcredits.works.shares.sheets import Acceptance, Sheet, SheetLine, SheetState

__all__ = [
    "EVERYWHERE",
    "FIRST_DAY",
    "NOT_AGREED",
    "ROLES",
    "Acceptance",
    "Agreed",
    "FundShare",
    "Holding",
    "Members",
    "OverHeld",
    "Overlap",
    "Region",
    "Sheet",
    "SheetLine",
    "SheetState",
    "agree",
    "credit_line",
    "in_force",
    "members_on",
    "news",
    "paid_through_funds",
    "region_of",
    "role_code",
    "through",
]
