"""Documentation of training data for California: Civil Code section 3111 (AB 2013), twelve items a data set.

The law asks for a high-level summary on the developer's site, for systems released since 2022. Counts are of the registered
works of each data set; for what lies outside of the registry the operator declares every item.
"""

from __future__ import annotations

from collections.abc import Iterator

from endcredits.works.disclosure.datasets import DataSet
from endcredits.works.disclosure.document import COUNTED, DECLARED, Document, Line, Section, Table, Writer, said
from endcredits.works.disclosure.eu import SET_COLUMNS, notes_of, set_row
from endcredits.works.disclosure.facts import Facts
from endcredits.works.disclosure.lacking import of_rules
from endcredits.works.disclosure.records import Collected
from endcredits.works.disclosure.training import TrainingRecord
from endcredits.works.rules import NOTICE, Pack, check_record

JURISDICTION = "US-CA"
TITLE = "Documentation of training data"
ABOUT = (
    "For California Civil Code section 3111 (AB 2013 of 2024): the data used to train a generative AI system, by data set "
    "and by the twelve items of subdivision (a). Behind each value stands whether it was counted or declared."
)
ITEMS = (
    ("1. Sources or owners", "sources_or_owners"),
    ("2. How it furthers the purpose of the system", "purpose_fit"),
    ("3. Number of data points", "n_points"),
    ("4. Types of data points", "point_types"),
    ("5. Copyright, trademark, patent or public domain", "has_ip"),
    ("6. Purchased or licensed", "purchased_or_licensed"),
    ("7. Personal information (Civil Code 1798.140(v))", "has_personal_info"),
    ("8. Aggregate consumer information (Civil Code 1798.140(b))", "has_aggregate_consumer_info"),
    ("9. Cleaning, processing or other modification", "cleaning"),
    ("9. What was done", "cleaning.what"),
    ("9. Its purpose", "cleaning.why"),
    ("10. Collected from", "collection_period.from"),
    ("10. Collected to", "collection_period.to"),
    ("10. Collection goes on", "collection_period.ongoing"),
    ("11. First used", "first_use_dates"),
    ("12. Synthetic data generation used", "synthetic_data.used"),
    ("12. Its purpose", "synthetic_data.purpose"),
)


def california_documentation(
    collected: Collected, facts: Facts, record: TrainingRecord, *, pack: Pack | None = None
) -> Document:
    """The documentation, checked against the rules of California on the day that it is made for."""
    checked = check_record(record.values, jurisdiction=JURISDICTION, on=collected.standing.on, kind="training", pack=pack)
    missing = of_rules(checked)
    writer = Writer(record.values, record.origins, missing)
    return Document(
        "california",
        TITLE,
        ABOUT,
        collected.standing,
        tuple(_sections(writer, facts, record)),
        missing,
        notes_of(checked),
        f"{NOTICE} The rules were reviewed on {checked.reviewed_on}.",
        record.values,
    )


def _sections(writer: Writer, facts: Facts, record: TrainingRecord) -> Iterator[Section]:
    yield Section(
        "The system",
        lines=(
            writer.line("Developer", "provider"),
            writer.line("System", "model"),
            writer.line("Version", "model_version"),
            writer.line("First released", "released_on"),
            writer.line("Data sets", "datasets") if not record.datasets else _number(record),
            said("The data sets below are all", "datasets_complete", facts.get("datasets_complete"), DECLARED),
        ),
    )
    for part in record.datasets:
        yield _dataset(writer, part)


def _number(record: TrainingRecord) -> Line:
    return said("Data sets", "datasets", len(record.datasets), COUNTED)


def _dataset(writer: Writer, part: DataSet) -> Section:
    start = f"datasets[{part.number}]"
    lines = [
        writer.line(label, f"{start}.{key}")
        for label, key in ITEMS
        if not (key.startswith("cleaning.") and part.declared.get("cleaning", {}) is None)
    ]
    about = part.declared.get("description")
    return Section(
        f"Data set: {part.name}",
        lines=(*((said("What it holds", "", about, DECLARED),) if about else ()), *lines),
        tables=(Table(SET_COLUMNS, (set_row(part),)),),
    )
