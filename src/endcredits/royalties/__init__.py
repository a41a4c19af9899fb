"""Royalties: from usage, revenue and a policy to exact money, and into the ledger.

What operators report (`usage`, `revenue`, `refunds`, `rates`) is recorded once and numbered (`recording`). A period is
frozen into a folder of tables (`freeze`), divided by a policy (`rules`; `policy` reads it from TOML) in `close`, which is
the definition, and in `columns`, which does the same for millions of rows; the lines lie in tables (`lines`), their sums in
a document (`documents`). Contracts are applied to what payees earned (`settling`), and entries made of both (`posting`). A
booked close is never opened again (`book`): it is computed again by whoever doubts it (`checks`), and corrected by reversal
(`corrections`).
"""

from endcredits.royalties.accounts import (
    BREAKAGE_ACCOUNT,
    COMMONS_ACCOUNT,
    CONVERSION_ACCOUNT,
    DISPUTED_PREFIX,
    FX_ROUNDING_ACCOUNT,
    HELD_PREFIX,
    OPERATOR_ACCOUNT,
    PAYABLE_PREFIX,
    RECEIVABLE_ACCOUNT,
    SUSPENSE_PREFIX,
    TAX_ACCOUNT,
    disputed_account,
    held_account,
    payable_account,
    suspense_account,
)
from endcredits.royalties.anomalies import (
    Anomaly,
    anomalies,
)
from endcredits.royalties.book import (
    BookedClose,
    closed_days,
    closes,
    find_close,
    must_follow,
    save_close,
)
from endcredits.royalties.checks import (
    check_close_folder,
    check_royalties,
    replay_close,
)
from endcredits.royalties.contract_files import (
    read_contracts,
)
from endcredits.royalties.contract_records import (
    Contract,
    Movement,
    Settlement,
)
from endcredits.royalties.contracts import (
    advance_entries,
    all_contracts,
    check_contracts,
    contracts_on,
    record_contracts,
)
from endcredits.royalties.counting import (
    counts_anything,
)
from endcredits.royalties.disputes import (
    Dispute,
    check_disputes,
    disputed_works,
    disputes,
    end_dispute,
    open_dispute,
    release_disputed,
)
from endcredits.royalties.documents import (
    close_document,
    parse_close,
    record_of,
)
from endcredits.royalties.freeze import (
    freeze,
    frozen_digest,
    read_frozen,
)
from endcredits.royalties.frozen import (
    Frozen,
)
from endcredits.royalties.levies import (
    levies_of,
    own_totals,
)
from endcredits.royalties.line_sums import (
    Earning,
    earnings,
    line_sums,
    lines_of,
)
from endcredits.royalties.policy import (
    FIFTY_FIFTY,
    parse_policy,
    policy_digest,
    read_policy,
    shipped_policies,
    shipped_policy,
    shipped_text,
)
from endcredits.royalties.policy_text import (
    policy_toml,
)
from endcredits.royalties.posting import (
    close_entry,
    settle_entry,
)
from endcredits.royalties.rates import (
    make_rate,
)
from endcredits.royalties.recording import (
    Added,
    cut_off,
)
from endcredits.royalties.records import (
    ADJUSTED,
    Adjusted,
    LevyDue,
    Line,
    PartSum,
    PeriodClose,
    Pool,
    Rate,
    Refund,
    Revenue,
    Total,
    UsageEvent,
    WorkLine,
)
from endcredits.royalties.refunds import (
    make_refund,
)
from endcredits.royalties.releasing import (
    release,
)
from endcredits.royalties.revenue import (
    make_revenue,
)
from endcredits.royalties.rules import (
    Gate,
    Levy,
    Part,
    Policy,
    PoolRule,
)
from endcredits.royalties.settling import (
    Hold,
    settle,
)
from endcredits.royalties.standing import (
    standing_balances,
    standing_of,
)
from endcredits.royalties.steps import (
    Step,
    add_step,
    all_steps,
    check_steps,
    open_proposals,
    standing,
    steps_of,
)
from endcredits.royalties.units import (
    Units,
    current_units,
    state_units,
)
from endcredits.royalties.usage import (
    make_event,
    read_usage,
)

__all__ = [
    "ADJUSTED",
    "Adjusted",
    "LevyDue",
    "own_totals",
    "Added",
    "Anomaly",
    "BREAKAGE_ACCOUNT",
    "BookedClose",
    "COMMONS_ACCOUNT",
    "CONVERSION_ACCOUNT",
    "Contract",
    "DISPUTED_PREFIX",
    "Dispute",
    "Earning",
    "FIFTY_FIFTY",
    "FX_ROUNDING_ACCOUNT",
    "Frozen",
    "Gate",
    "HELD_PREFIX",
    "Hold",
    "Levy",
    "Line",
    "Movement",
    "OPERATOR_ACCOUNT",
    "PAYABLE_PREFIX",
    "Part",
    "PartSum",
    "PeriodClose",
    "Policy",
    "Pool",
    "PoolRule",
    "RECEIVABLE_ACCOUNT",
    "Rate",
    "Refund",
    "Revenue",
    "SUSPENSE_PREFIX",
    "Settlement",
    "Step",
    "TAX_ACCOUNT",
    "Total",
    "Units",
    "UsageEvent",
    "WorkLine",
    "add_step",
    "all_steps",
    "advance_entries",
    "all_contracts",
    "anomalies",
    "check_close_folder",
    "check_contracts",
    "check_disputes",
    "check_royalties",
    "check_steps",
    "close_document",
    "close_entry",
    "closed_days",
    "closes",
    "contracts_on",
    "counts_anything",
    "current_units",
    "cut_off",
    "disputed_account",
    "disputed_works",
    "disputes",
    "earnings",
    "end_dispute",
    "find_close",
    "freeze",
    "frozen_digest",
    "held_account",
    "levies_of",
    "line_sums",
    "lines_of",
    "make_event",
    "make_rate",
    "make_refund",
    "make_revenue",
    "must_follow",
    "open_dispute",
    "open_proposals",
    "parse_close",
    "parse_policy",
    "payable_account",
    "policy_digest",
    "policy_toml",
    "read_contracts",
    "read_frozen",
    "read_policy",
    "read_usage",
    "record_contracts",
    "record_of",
    "release",
    "release_disputed",
    "replay_close",
    "save_close",
    "settle",
    "settle_entry",
    "shipped_policies",
    "shipped_policy",
    "shipped_text",
    "standing",
    "standing_balances",
    "standing_of",
    "state_units",
    "steps_of",
    "suspense_account",
]
