"""The disclosure of one output: what the model did to it, what people and programs are told, and what of that is missing.

The record is the rule pack's (kind "disclosure"): duties of the European Union's AI Act, article 50, and of California's SB
942 and AB 853 are checked on it. Content credentials embed the part of it that goes into a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from endcredits.works.disclosure.document import Document, Section, Writer
from endcredits.works.disclosure.eu import notes_of
from endcredits.works.disclosure.lacking import of_rules
from endcredits.works.disclosure.records import Standing
from endcredits.works.rules import NOTICE, Pack, check_record

_SECTIONS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "The output",
        (
            ("SHA-256", "output_sha256"),
            ("Unique id", "unique_id"),
            ("Made at", "time"),
            ("What the model did", "kind"),
            ("Digital source type", "digital_source_type"),
            ("Parts", "parts"),
        ),
    ),
    ("The system", (("Provider", "provider"), ("System", "system"), ("Version", "version"))),
    (
        "What people are told",
        (
            ("Label", "visible_label.text"),
            ("Its language", "visible_label.lang"),
            ("Where it stands", "visible_label.placement"),
            ("Could pass for real people, places or events", "deepfake"),
            ("Text that informs the public", "public_interest_text"),
            ("Human editor", "human_editor_id"),
            ("Exceptions claimed", "exceptions"),
        ),
    ),
    (
        "What programs are told",
        (
            ("Content credentials", "c2pa.state"),
            ("Manifest", "c2pa.manifest_sha256"),
            ("Time-stamped", "c2pa.time_stamped"),
            ("Watermark", "watermark.algo"),
            ("Its version", "watermark.version"),
            ("Its strength", "watermark.strength"),
            ("Where it is detected", "watermark.detect_url"),
            ("Why there is no watermark", "watermark.none_reason"),
            ("Detector", "detector_url"),
            ("Marks of what went in were taken away", "marks_stripped"),
            ("Latent disclosure", "latent_disclosure"),
            ("Visible disclosure offered to users", "manifest_disclosure_offered"),
        ),
    ),
    (
        "The provider and the platform",
        (
            ("System placed on the market of the Union", "system_market_date"),
            ("Users of the system in a month", "monthly_users"),
            ("A licensee was known to disable the disclosure at", "licensee_disabled_known_at"),
            ("That licence was revoked at", "licensee_revoked_at"),
            ("Users of the platform", "platform_users"),
            ("The platform keeps provenance", "provenance_kept"),
            ("The platform shows provenance", "provenance_shown"),
        ),
    ),
)


def output_document(
    record: Mapping[str, Any],
    origins: Mapping[str, str],
    standing: Standing,
    *,
    jurisdiction: str = "WORLD",
    pack: Pack | None = None,
) -> Document:
    """The disclosure, checked against the rules of a place on the standing's day.

    Args:
        record: fields of the rule pack's kind "disclosure".
        origins: by field, whether it was counted or declared.
        standing: on what it stands.
        jurisdiction: a place; WORLD for all.
        pack: the rules; those that are shipped, by default.
    """
    checked = check_record(record, jurisdiction=jurisdiction, on=standing.on, kind="disclosure", pack=pack)
    missing = of_rules(checked, prefix="output.")
    writer = Writer(record, origins, missing)
    return Document(
        "output",
        "Disclosure of an output",
        "What a model did to this output and what is said about it: for the AI Act of the European Union, article 50, and "
        "for California's SB 942 and AB 853. Taken from the log: counted; said by the provider: declared.",
        standing,
        tuple(Section(title, lines=tuple(writer.line(*one) for one in lines)) for title, lines in _SECTIONS),
        missing,
        notes_of(checked),
        f"{NOTICE} The rules were reviewed on {checked.reviewed_on}.",
        record,
    )
