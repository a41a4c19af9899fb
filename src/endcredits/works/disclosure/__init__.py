"""What the world is told of a corpus: documents made from the registry, the log and what the operator declares.

    collected = ...                                   # flows.disclosing: works, statements, log
    facts = read_facts("facts.toml")                  # what only the operator knows
    record = training_record(collected, facts)        # what the rule pack checks
    document = eu_summary(collected, facts, record)   # article 53(1)(d) of the AI Act; what is missing stands in it
    rendered(document, ".md")

Numbers are counted and never typed. A value that nobody counted or declared is missing, and the document says which rule or
format asks for it and how it is supplied; nothing is made up. The same state of the registry and the same facts make the
same bytes. `fact_form` is the facts' form; `eu`, `california`, `card`, `croissant`, `evidence`, `output` make them.
"""

from endcredits.works.disclosure.california import california_documentation
from endcredits.works.disclosure.card import card_bytes, card_document
from endcredits.works.disclosure.counting import Tally, tally
from endcredits.works.disclosure.croissant import croissant_bytes, croissant_document
from endcredits.works.disclosure.document import Document, Line, Section, Table
from endcredits.works.disclosure.escaping import json_text
from endcredits.works.disclosure.eu import eu_summary
from endcredits.works.disclosure.evidence import evidence_document, missing_of, statement_file, work_line
from endcredits.works.disclosure.fact_form import fact_form
from endcredits.works.disclosure.facts import Facts, parse_facts, read_facts
from endcredits.works.disclosure.forms import FORMS, plain, rendered
from endcredits.works.disclosure.grounds import ground_of, licences_of
from endcredits.works.disclosure.lacking import fails
from endcredits.works.disclosure.output import output_document
from endcredits.works.disclosure.records import (
    Collected,
    CorpusWork,
    Missing,
    RefusedWork,
    StandardCount,
    Standing,
    WorkFile,
)
from endcredits.works.disclosure.reservations import count_standards, raw_digest, standard_of
from endcredits.works.disclosure.training import TrainingRecord, training_record

__all__ = [
    "FORMS",
    "Collected",
    "CorpusWork",
    "Document",
    "Facts",
    "Line",
    "Missing",
    "RefusedWork",
    "Section",
    "StandardCount",
    "Standing",
    "Table",
    "Tally",
    "TrainingRecord",
    "WorkFile",
    "california_documentation",
    "card_bytes",
    "card_document",
    "count_standards",
    "croissant_bytes",
    "croissant_document",
    "eu_summary",
    "evidence_document",
    "fact_form",
    "fails",
    "ground_of",
    "json_text",
    "licences_of",
    "missing_of",
    "output_document",
    "parse_facts",
    "plain",
    "raw_digest",
    "read_facts",
    "rendered",
    "standard_of",
    "statement_file",
    "tally",
    "training_record",
    "work_line",
]
