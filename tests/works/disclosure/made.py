"""A small corpus and whole facts, for tests of documents."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from endcredits.works.disclosure import (
    Collected,
    CorpusWork,
    Facts,
    RefusedWork,
    StandardCount,
    Standing,
    TrainingRecord,
    WorkFile,
    parse_facts,
    training_record,
)
from endcredits.works.records import Permission

ON = "2026-11-20"
STANDING = Standing(
    "c" * 64, ON, "studio.example/log", 12, "d" * 64, "e" * 64, (("base", "a" * 64),), 11, "b" * 64, "2026-03-01T10:00:00Z"
)
MIT = "licence MIT (permissive) permits use; its notice and attribution travel with the credit"
FREE = "licence public domain (public domain or its like) permits use; its notice and attribution travel with the credit"


def permission(number: int, **fields: Any) -> Permission:
    """A yes."""
    plain: dict[str, Any] = {
        "subject": f"work:{number}",
        "verb": "train",
        "value": "allow",
        "reason": MIT,
        "source": f"works.csv row {number}",
        "declared_by": "the table works.csv",
        "effective_from": "2026-01-01T00:00:00Z",
        "permission_id": f"perm:{number}",
    }
    return Permission(**{**plain, **fields})


def work(number: int, **fields: Any) -> CorpusWork:
    """A work of one text under the MIT licence."""
    plain: dict[str, Any] = {
        "work_id": f"work:{number}",
        "title": f"Work {number}",
        "names": (f"Author {number}",),
        "files": (WorkFile(f"{number:064x}", "text/plain", 100 * number, f"{number}.txt"),),
        "registered_at": f"2026-01-{number:02d}T00:00:00Z",
        "permission_id": f"perm:{number}",
        "permission": permission(number),
        "ground": "open licence",
        "licences": ("MIT",),
        "permission_position": number,
    }
    return CorpusWork(**{**plain, **fields})


def collected(*works: CorpusWork, **fields: Any) -> Collected:
    """Three works, one refused one, and one standard that was read."""
    plain: dict[str, Any] = {
        "standing": STANDING,
        "works": works or (work(1), work(2), work(3)),
        "refused": (RefusedWork("work:9", "deny", "perm:9", "TDMRep"),),
        "standards": (
            StandardCount("TDMRep", ("1.0",), ("HTTP header",), 2, 4, 3, 2, 1, 0),
            StandardCount("", (), (), 0, 3, 0, 3, 0, 0),
        ),
        "raw_sha256": "f" * 64,
    }
    return Collected(**{**plain, **fields})


WHOLE: Mapping[str, Any] = {
    "provider": "Studio",
    "model": "Quill",
    "model_version": "2",
    "model_dependencies": ["base 1"],
    "market_date": "2026-05-01",
    "released_on": "2026-05-01",
    "content_types": ["fiction text"],
    "research_org": False,
    "lawful_access": True,
    "fetched_at": "2026-01-02T00:00:00Z",
    "training_started_at": "2026-02-02T00:00:00Z",
    "reservation_checked_at": "2026-01-01T00:00:00Z",
    "reservation_rechecked_at": "2026-02-01T00:00:00Z",
    "carriers_checked": ["robots.txt", "TDMRep"],
    "datasets_complete": True,
    "languages": ["en"],
    "processing": {"illegal_content_removal": "lists of hashes"},
    "crawl": {"crawlers": ["studiobot"], "from": "2025-01-01", "to": "2025-02-01", "top_domains": ["a.example"]},
    "datasets": [
        {
            "name": "The shelf",
            "works": ["work:*"],
            "kind": "crawled",
            "purpose_fit": "prose of the kind that the system writes",
            "has_personal_info": False,
            "has_aggregate_consumer_info": False,
            "cleaning": {"what": "page numbers removed", "why": "they are no prose"},
            "collection_period": {"ongoing": True},
            "synthetic_data": {"used": True, "purpose": "rare words"},
        }
    ],
    "dataset": {
        "name": "The corpus",
        "description": "What was learnt from.",
        "url": "https://studio.example/corpus",
        "license": "https://studio.example/terms",
        "published_on": "2026-11-20",
        "version": "1.0.0",
        "citation": "@misc{corpus}",
        "keywords": ["prose"],
        "tasks": ["text-generation"],
    },
}
"""Facts with which no document lacks anything."""


def facts(changes: Mapping[str, Any] | None = None, *, without: str = "") -> Facts:
    """Whole facts, with values changed at the top, and one path taken away."""
    plain = {**copy.deepcopy(dict(WHOLE)), **(changes or {})}
    if without:
        at: Any = plain
        *steps, last = without.replace("]", "").replace("[", ".").split(".")
        for step in steps:
            at = at[int(step)] if isinstance(at, list) else at[step]
        at.pop(int(last) if isinstance(at, list) else last)
    return parse_facts(plain)


def record(of: Collected | None = None, with_facts: Facts | None = None) -> TrainingRecord:
    """The record of the small corpus and the whole facts."""
    return training_record(of or collected(), with_facts or facts())


def standing(**fields: Any) -> Standing:
    """The standing, changed."""
    return replace(STANDING, **fields)
