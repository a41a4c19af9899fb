"""Royalties: from usage, revenue and a policy to exact money, and into the ledger.

An operator reports *usage events* (`read_usage`, `add_usage`). At the end of a period `close_period` divides the
policy's part of the revenue over the works by their signed credits, and each work's amount over its splits. It is a
pure function of integers: anybody who holds the inputs gets the same bytes (`replay_close`). `period_entry` books the
result and `save_close` keeps it; a closed period is never opened again, and periods close in order
(`must_follow`). `check_royalties` looks everything over.
"""

from endcredits.royalties.book import (
    Added,
    BookedClose,
    add_usage,
    closed_days,
    closes,
    find_close,
    must_follow,
    save_close,
    usage,
)
from endcredits.royalties.checks import check_royalties, replay_close
from endcredits.royalties.close import close_period
from endcredits.royalties.documents import close_document, parse_close
from endcredits.royalties.policy import FIFTY_FIFTY, parse_policy, policy_digest, read_policy
from endcredits.royalties.posting import (
    COMMONS_ACCOUNT,
    OPERATOR_ACCOUNT,
    PAYABLE_PREFIX,
    RECEIVABLE_ACCOUNT,
    payable_account,
    period_entry,
    suspense_account,
)
from endcredits.royalties.records import (
    PartyAllocation,
    PeriodClose,
    Policy,
    Pool,
    UsageEvent,
    WorkAllocation,
)
from endcredits.royalties.usage import make_event, read_usage

__all__ = [
    "COMMONS_ACCOUNT",
    "FIFTY_FIFTY",
    "OPERATOR_ACCOUNT",
    "PAYABLE_PREFIX",
    "RECEIVABLE_ACCOUNT",
    "Added",
    "BookedClose",
    "PartyAllocation",
    "PeriodClose",
    "Policy",
    "Pool",
    "UsageEvent",
    "WorkAllocation",
    "add_usage",
    "check_royalties",
    "close_document",
    "close_period",
    "closed_days",
    "closes",
    "find_close",
    "make_event",
    "must_follow",
    "parse_close",
    "parse_policy",
    "payable_account",
    "period_entry",
    "policy_digest",
    "read_policy",
    "read_usage",
    "replay_close",
    "save_close",
    "suspense_account",
    "usage",
]
