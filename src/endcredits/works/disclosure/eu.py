"""The public summary of training content: EU AI Act article 53(1)(d), by the template of 24 July 2025.

The template has three sections: general information, list of data sources, data processing aspects. What the registry knows
is counted: works, files, sizes, grounds and licences per data set, and per standard how many reservations were read and what
came of them. What the rule pack asks for and nobody supplied stands in the text as missing. A provider is to use the
template itself; this document holds what goes into its boxes, in its order.
"""

from __future__ import annotations

from collections.abc import Iterator

from endcredits.works.disclosure.counting import TEXT_BANDS
from endcredits.works.disclosure.datasets import DataSet
from endcredits.works.disclosure.document import COUNTED, DECLARED, Document, Line, Section, Table, Writer, said
from endcredits.works.disclosure.facts import Facts
from endcredits.works.disclosure.lacking import of_rules
from endcredits.works.disclosure.records import Collected, StandardCount
from endcredits.works.disclosure.training import TrainingRecord
from endcredits.works.rules import NOTICE, Checked, Pack, check_record

JURISDICTION = "EU"
TITLE = "Public summary of training content"
ABOUT = (
    "For Regulation (EU) 2024/1689 (AI Act), article 53(1)(d), in the order of the template of 24 July 2025 (Communication "
    "C(2025) 8311). Behind each value stands whether it was counted in the registry or declared by the provider."
)
_KINDS = (
    ("2.1 Publicly available data sets", "public"),
    ("2.2.1 Private data sets under licences of rights holders", "licensed"),
    ("2.2.2 Private data sets obtained from other third parties", "other_private"),
    ("2.3 Data crawled and scraped from online sources", "crawled"),
    ("2.4 User data", "user_data"),
    ("2.5 Synthetic data", "synthetic"),
    ("2.6 Other sources", "other"),
)
SET_COLUMNS = ("data set", "works", "files", "bytes", "media types", "grounds of the permissions", "licences", "registered")
STANDARD_COLUMNS = (
    *("standard", "version", "read in", "carriers read", "statements", "of them no", "works spoken of"),
    *("works kept out", "works used under a contract all the same"),
)


def eu_summary(collected: Collected, facts: Facts, record: TrainingRecord, *, pack: Pack | None = None) -> Document:
    """The summary, checked against the rules of the European Union on the day that it is made for."""
    checked = check_record(record.values, jurisdiction=JURISDICTION, on=collected.standing.on, kind="training", pack=pack)
    missing = of_rules(checked)
    writer = Writer(record.values, record.origins, missing)
    sections = (
        *_general(writer, facts, record),
        *_sources(writer, facts, record),
        *_processing(writer, facts, collected, record),
    )
    return Document(
        "eu",
        TITLE,
        ABOUT,
        collected.standing,
        sections,
        missing,
        notes_of(checked),
        f"{NOTICE} The rules were reviewed on {checked.reviewed_on}.",
        record.values,
    )


def notes_of(checked: Checked) -> tuple[str, ...]:
    """Rules that were applied, that do not reach the record, or that hold on other days."""
    found = [f"Applied: {', '.join(checked.applied) or 'no rule'}."]
    found += [f"Not reached: {rule} ({why})." for rule, why in checked.not_reached]
    for one in checked.apart:
        if one.state == "not-yet":
            found.append(f"{one.rule_id} holds from {one.day} on; {len(one.lacks)} things would be lacking.")
        else:
            found.append(f"{one.rule_id} ended on {one.day}.")
    return tuple(found)


def _general(writer: Writer, facts: Facts, record: TrainingRecord) -> Iterator[Section]:
    yield Section(
        "1. General information",
        lines=(
            said("Version of the summary", "summary_version", facts.text("summary_version"), DECLARED),
            writer.line("Last update", "updated_on"),
        ),
    )
    yield Section(
        "1.1 Provider identification",
        lines=(
            writer.line("Provider", "provider"),
            said("Contact", "provider_contact", facts.text("provider_contact"), DECLARED),
            said("Authorised representative", "representative", facts.text("representative"), DECLARED),
            said("Small or medium-sized enterprise", "small_company", facts.get("small_company"), DECLARED),
        ),
        depth=3,
    )
    yield Section(
        "1.2 Model identification",
        lines=(
            writer.line("Model", "model"),
            writer.line("Version", "model_version"),
            writer.line("Model dependencies", "model_dependencies"),
            writer.line("Placed on the market of the Union", "market_date"),
        ),
        depth=3,
    )
    counted = record.counted
    yield Section(
        "1.3 Modalities, overall size and other characteristics",
        _scope(record),
        lines=(
            writer.line("Modalities", "modalities"),
            writer.line("Size bands", "size_bands"),
            writer.line("Types of content", "content_types"),
            writer.line("Latest data", "latest_data_on"),
            said("New data goes in after that day", "collection_continues", facts.get("collection_continues"), DECLARED),
            said("Languages", "languages", facts.get("languages"), DECLARED),
            said("Registered works", "", counted.works, COUNTED),
            said("Files", "", counted.files, COUNTED),
            said("Bytes", "", counted.size_bytes, COUNTED),
        ),
        depth=3,
    )


def _scope(record: TrainingRecord) -> str:
    if record.whole:
        return "The registered works are all that the model was trained on, in the provider's word. " + _BOUND
    return (
        "Counts are of the registered works alone. That these are all that the model was trained on is not declared, so "
        "what the template asks of the whole has to be declared."
    )


_BOUND = f"A text has at most as many tokens as bytes, which is how '{TEXT_BANDS[0]}' can be told from files."


def _sources(writer: Writer, facts: Facts, record: TrainingRecord) -> Iterator[Section]:
    yield Section(
        "2. List of data sources",
        lines=(
            writer.line("Sources", "sources"),
            said("The list is complete", "datasets_complete", facts.get("datasets_complete"), DECLARED),
        ),
    )
    for title, kind in _KINDS:
        own = [part for part in record.datasets if part.kind == kind]
        lines: list[Line] = [writer.line("Data crawled" if kind == "crawled" else "Data sets", f"sources.{kind}")]
        if kind == "crawled":
            lines += _crawl(writer, facts)
        lines += [line for part in own for line in _described(part)]
        yield Section(title, lines=tuple(lines), tables=_sets(own), depth=3)
    unsaid = [part for part in record.datasets if not part.kind]
    if unsaid:
        words = "Which kind of source these are is not declared; the template has no place for that."
        yield Section("Sources of a kind that nobody declared", words, tables=_sets(unsaid), depth=3)


def _crawl(writer: Writer, facts: Facts) -> Iterator[Line]:
    yield writer.line("Crawlers", "crawl.crawlers")
    yield said("Content and sources", "crawl.content", facts.text("crawl.content"), DECLARED)
    yield said("Purposes of the crawlers", "crawl.purposes", facts.text("crawl.purposes"), DECLARED)
    yield said("Behaviour of the crawlers", "crawl.behaviour", facts.text("crawl.behaviour"), DECLARED)
    yield writer.line("First day of the crawl", "crawl.from")
    yield writer.line("Last day of the crawl", "crawl.to")
    yield writer.line("Top domains", "crawl.top_domains")


def _described(part: DataSet) -> Iterator[Line]:
    for label, key in (("description", "description"), ("address", "url"), ("made by", "generated_by")):
        if part.declared.get(key):
            yield said(f"{part.name}: {label}", f"datasets[{part.number}].{key}", part.declared[key], DECLARED)


def _sets(parts: list[DataSet]) -> tuple[Table, ...]:
    return (Table(SET_COLUMNS, tuple(set_row(part) for part in parts)),) if parts else ()


def set_row(part: DataSet) -> tuple[str, ...]:
    """A data set as a row of counts; what lies outside of the registry was not counted."""
    one = part.counted
    if part.outside:
        return (part.name, *("not counted: outside of the registry",) * (len(SET_COLUMNS) - 1))
    return (
        part.name,
        f"{one.works:,}",
        f"{one.files:,}",
        f"{one.size_bytes:,}",
        "; ".join(f"{name} {files:,}" for name, files, _ in one.media_types) or "none",
        "; ".join(f"{name} {number:,}" for name, number in one.grounds) or "none",
        "; ".join(f"{name} {number:,}" for name, number in one.licences) or "none named",
        f"{one.first_on} to {one.last_on}" if one.first_on else "none",
    )


def _processing(writer: Writer, facts: Facts, collected: Collected, record: TrainingRecord) -> Iterator[Section]:
    yield Section("3. Data processing aspects")
    refused = [one.value for one in collected.refused]
    yield Section(
        "3.1 Respect of reservations against text and data mining",
        "Per standard, from what is recorded of each statement; counts of works are of the registry as the corpus was made.",
        lines=(
            said("Signatory of the code of practice", "code_of_practice", facts.get("code_of_practice"), DECLARED),
            writer.line("Measures", "processing.tdm_measures"),
            said("Works kept out", "", len(refused), COUNTED),
            said("of them by a no", "", refused.count("deny"), COUNTED),
            said("of them by conditions that nobody met", "", refused.count("conditional"), COUNTED),
            said("of them because nobody said yes", "", refused.count("unknown"), COUNTED),
            said("Works whose permission was taken back since", "", record.counted.taken_back, COUNTED),
            writer.line("Exception for research organisations claimed", "research_org"),
            writer.line("Lawful access", "lawful_access"),
            writer.line("Copies fetched", "fetched_at"),
            writer.line("Reservations looked for at", "reservation_checked_at"),
            writer.line("Looked for again at", "reservation_rechecked_at"),
            writer.line("Training started", "training_started_at"),
            writer.line("Carriers checked", "carriers_checked"),
            writer.line("Result for the works used", "result"),
            writer.line("Contracts over reserved works", "licence_ref"),
            writer.line("Digest of what was read", "raw_sha256"),
        ),
        tables=(Table(STANDARD_COLUMNS, tuple(standard_row(one) for one in collected.standards)),)
        if collected.standards
        else (),
        depth=3,
    )
    yield Section(
        "3.2 Removal of illegal content",
        lines=(writer.line("Measures", "processing.illegal_content_removal"),),
        depth=3,
    )
    yield Section(
        "3.3 Other information",
        lines=(said("Other", "other_information", facts.text("other_information"), DECLARED),),
        depth=3,
    )


def standard_row(one: StandardCount) -> tuple[str, ...]:
    """A standard as a row of counts."""
    return (
        one.standard or "told by people and tables, no standard",
        ", ".join(one.versions),
        ", ".join(one.carriers),
        *(f"{number:,}" for number in (one.read, one.statements, one.noes, one.works, one.kept_out, one.used_despite)),
    )
