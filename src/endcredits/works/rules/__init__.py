"""Law, agreements and guidance as dated, sourced data, and a checker that says what a record lacks. Not legal advice.

    from endcredits.works.rules import lacks

    lacks(grant, jurisdiction="US-CA", on="2026-11-20", kind="likeness")     # () is the only clean answer

A record is plain JSON about a grant of somebody's likeness, the data that trained a model, or an output that is shown. The
rules lie in `pack/`; `read_pack` reads an operator's own beside them. `checking` tells how what cannot be told is decided:
never in the record's favour. docs/rules.md lists the rules and says how one is added.
"""

from endcredits.works.rules.checking import NOTICE, check_record, lacks, rules_for
from endcredits.works.rules.reader import parse_packs, read_pack, rule_of, shipped_pack, shipped_texts
from endcredits.works.rules.records import (
    EVIDENCE,
    KINDS,
    SEVERITIES,
    STATUSES,
    Apart,
    Check,
    Checked,
    Condition,
    Field,
    Lack,
    Pack,
    Rule,
)

__all__ = [
    "EVIDENCE",
    "KINDS",
    "NOTICE",
    "SEVERITIES",
    "STATUSES",
    "Apart",
    "Check",
    "Checked",
    "Condition",
    "Field",
    "Lack",
    "Pack",
    "Rule",
    "check_record",
    "lacks",
    "parse_packs",
    "read_pack",
    "rule_of",
    "rules_for",
    "shipped_pack",
    "shipped_texts",
]
