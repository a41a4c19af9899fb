"""What only the operator can say, field by field: which document uses it, in what unit, and an example.

Fields that the rule pack knows carry the pack's own names, types and words, so what a rule lacks is supplied under the very
name by which it is missed. The others serve the formats (the template of the European Union, dataset cards, Croissant) and
the labels of outputs. What can be counted from the registry is not here: nobody can declare a number of works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from endcredits.works.rules import Field, shipped_pack

DOCUMENTS = ("eu", "california", "card", "croissant", "evidence", "output")
"""The documents, by the word of the command that makes each."""

DATASET_KINDS = ("public", "licensed", "other_private", "crawled", "user_data", "synthetic", "other")
"""Where a data set is from, in the words of section 2 of the template of the European Union."""


@dataclass(frozen=True, slots=True)
class FactField:
    """A fact that the operator declares.

    Attributes:
        field: its path, type, words and values.
        documents: which of `DOCUMENTS` use it.
        example: its value in TOML, as it stands in the form.
    """

    field: Field
    documents: tuple[str, ...]
    example: str


# (path, documents, example); the type and the words are the rule pack's.
_OF_PACK: tuple[tuple[str, str, str], ...] = (
    ("provider", "eu california card croissant output", '"Example Studio GmbH"'),
    ("model", "eu california output", '"Quill"'),
    ("model_version", "eu california output", '"2.1"'),
    ("model_dependencies", "eu", '["quill-base 2.0"]'),
    ("market_date", "eu", '"2026-05-01"'),
    ("released_on", "california", '"2026-05-01"'),
    ("modalities", "eu", '["text"]'),
    ("size_bands", "eu", '["text: less than 1 billion tokens"]'),
    ("content_types", "eu", '["fiction text", "screenplays"]'),
    ("latest_data_on", "eu", '"2026-04-01"'),
    ("updated_on", "eu", '"2026-11-20"'),
    ("research_org", "eu", "false"),
    ("lawful_access", "eu", "true"),
    ("fetched_at", "eu", '"2026-01-02T00:00:00Z"'),
    ("training_started_at", "eu", '"2026-02-02T00:00:00Z"'),
    ("reservation_checked_at", "eu", '"2026-01-01T00:00:00Z"'),
    ("reservation_rechecked_at", "eu", '"2026-02-01T00:00:00Z"'),
    ("carriers_checked", "eu", '["robots.txt", "TDMRep", "XMP"]'),
    ("raw_sha256", "eu", '"' + "0" * 64 + '"'),
    ("processing.tdm_measures", "eu", '"robots.txt, TDMRep and XMP are read before each fetch and again before training"'),
    ("processing.illegal_content_removal", "eu", '"lists of hashes of known illegal files"'),
    ("crawl.crawlers", "eu", '["examplebot"]'),
    ("crawl.from", "eu", '"2025-01-01"'),
    ("crawl.to", "eu", '"2025-02-01"'),
    ("crawl.top_domains", "eu", '["a.example"]'),
    ("datasets[].purpose_fit", "california", '"dialogue of the kind that the model writes"'),
    ("datasets[].sources_or_owners", "california", '"the studio and four writers"'),
    ("datasets[].n_points", "california", '"10,000 to 20,000"'),
    ("datasets[].point_types", "california", '"scenes of screenplays"'),
    ("datasets[].has_ip", "california", '["copyright"]'),
    ("datasets[].purchased_or_licensed", "california", "true"),
    ("datasets[].has_personal_info", "california card croissant", "false"),
    ("datasets[].has_aggregate_consumer_info", "california", "false"),
    ("datasets[].cleaning.what", "california card croissant", '"page numbers were removed"'),
    ("datasets[].cleaning.why", "california card croissant", '"they are no dialogue"'),
    ("datasets[].collection_period.from", "california croissant", '"2025-01-01"'),
    ("datasets[].collection_period.to", "california croissant", '"2025-02-01"'),
    ("datasets[].collection_period.ongoing", "california croissant", "false"),
    ("datasets[].first_use_dates", "california", '["2025-06-01"]'),
    ("datasets[].synthetic_data.used", "california", "false"),
    ("datasets[].synthetic_data.purpose", "california", '"rare languages"'),
)

# (path, type, words, documents, example)
_OWN: tuple[tuple[str, str, str, str, str], ...] = (
    ("provider_contact", "text", "how the provider is reached", "eu", '"compliance@studio.example"'),
    ("representative", "text", "authorised representative in the European Union, with contact", "eu", '"none needed"'),
    ("summary_version", "text", "version of the summary", "eu", '"1.0"'),
    ("small_company", "yes-no", "whether the provider is a small or medium-sized enterprise", "eu", "true"),
    ("code_of_practice", "yes-no", "whether the provider signed the code of practice for general-purpose AI", "eu", "false"),
    ("languages", "texts", "languages of the training data (BCP 47)", "eu card croissant", '["en", "de"]'),
    ("collection_continues", "yes-no", "whether new data goes into the model after that day", "eu", "false"),
    ("other_information", "text", "what else is to be said about the processing", "eu", '"duplicates were removed"'),
    (
        "datasets_complete",
        "yes-no",
        "whether the data sets below are all that the model was trained on; without that no kind of source is called absent",
        "eu california",
        "true",
    ),
    ("crawl.content", "text", "what kind of content and of sources was crawled", "eu", '"news sites in English"'),
    ("crawl.purposes", "text", "what the crawlers collect for", "eu", '"training"'),
    ("crawl.behaviour", "text", "how the crawlers behave: robots.txt, captchas, paywalls", "eu", '"robots.txt is obeyed"'),
    ("datasets[].name", "text", "its name", "eu california card", '"The studio\'s archive"'),
    (
        "datasets[].works",
        "texts",
        "which registered works are in it, by id (* and ? may stand in it); left away for data outside of the registry",
        "eu california",
        '["work:*"]',
    ),
    ("datasets[].kind", "text", "where it is from", "eu", '"licensed"'),
    ("datasets[].description", "text", "what it holds", "eu california", '"screenplays of 1998 to 2024"'),
    ("datasets[].generated_by", "text", "models that made it, for synthetic data", "eu", '"Quill 1.0"'),
    ("datasets[].url", "text", "where it can be found, for public data sets", "eu", '"https://data.example/archive"'),
    ("dataset.name", "text", "name of the corpus as a data set", "card croissant", '"Example corpus"'),
    ("dataset.description", "text", "what the corpus is", "card croissant", '"Works admitted for training Quill."'),
    ("dataset.url", "text", "address of the page about it", "croissant", '"https://studio.example/corpus"'),
    ("dataset.license", "text", "address of the licence of the corpus as a whole", "card croissant", '"https://studio.example/terms"'),
    ("dataset.published_on", "day", "day of publication", "croissant", '"2026-11-20"'),
    ("dataset.version", "text", "version, as 1.0.0", "croissant", '"1.0.0"'),
    ("dataset.citation", "text", "how it is cited, BibTeX", "card croissant", '"@misc{corpus, title={Example corpus}}"'),
    ("dataset.keywords", "texts", "keywords", "card croissant", '["licensed"]'),
    ("dataset.tasks", "texts", "categories of tasks in the words of the hub", "card", '["text-generation"]'),
    ("dataset.content_base", "text", "address below which files lie by digest", "croissant", '"https://studio.example/content"'),
    ("dataset.uses", "text", "what it is meant for", "card croissant", '"fine-tuning of writing models"'),
    ("dataset.limits", "text", "where it falls short, and what it is not for", "card croissant", '"no spoken language"'),
    ("dataset.biases", "text", "known biases", "card croissant", '"most authors are European"'),
    ("dataset.personal", "text", "personal and sensitive information in it", "card croissant", '"names of authors"'),
    ("dataset.social_impact", "text", "social impact", "card croissant", '"authors are paid a share"'),
    ("dataset.maintenance", "text", "how it is kept up to date", "card croissant", '"works leave within a day of a no"'),
    ("dataset.annotation", "text", "how it was annotated", "card croissant", '"not annotated"'),
)  # fmt: skip

# Of the rule pack's records of outputs, under [output]; (path, example).
_OF_OUTPUT: tuple[tuple[str, str], ...] = (
    ("system", '"Quill"'),
    ("version", '"2.1"'),
    ("kind", '"generated"'),
    ("parts", "[]"),
    ("visible_label.text", '"Written by a machine"'),
    ("visible_label.lang", '"en"'),
    ("visible_label.placement", '"below the title"'),
    ("watermark.algo", '"none"'),
    ("watermark.version", '"none"'),
    ("watermark.strength", '"none"'),
    ("watermark.detect_url", '"none"'),
    ("watermark.none_reason", '"no watermark is embedded by this system"'),
    ("deepfake", "false"),
    ("public_interest_text", "false"),
    ("human_editor_id", '"none"'),
    ("exceptions", "[]"),
    ("detector_url", '"https://studio.example/detect"'),
    ("marks_stripped", "false"),
    ("system_market_date", '"2026-05-01"'),
    ("monthly_users", "1200"),
    ("manifest_disclosure_offered", "true"),
    ("latent_disclosure", "true"),
    ("licensee_disabled_known_at", '"none"'),
    ("licensee_revoked_at", '"none"'),
    ("platform_users", "0"),
    ("provenance_kept", "true"),
    ("provenance_shown", "true"),
)

_GROUPS = ("processing", "crawl", "dataset", "output")


@cache
def fact_fields() -> Mapping[str, FactField]:
    """Every field that may be declared, by path, in the order of the form."""
    training, shown = shipped_pack().fields["training"], shipped_pack().fields["disclosure"]
    found = [FactField(training[path], tuple(documents.split()), example) for path, documents, example in _OF_PACK]
    for path, kind, words, documents, example in _OWN:
        values: tuple[str, ...] = DATASET_KINDS if path == "datasets[].kind" else ()
        found.append(FactField(Field(path, kind, words, values), tuple(documents.split()), example))
    for path, example in _OF_OUTPUT:
        of_pack = shown[path]
        # A claim of an exception is spelled as content credentials spell it; see `output`.
        allowed = () if path == "exceptions" else of_pack.values
        field = Field(f"output.{path}", of_pack.kind_of_value, of_pack.about, allowed, of_pack.may_be_null)
        found.append(FactField(field, ("output",), example))
    return MappingProxyType({one.field.path: one for one in found})


@cache
def declared_types() -> Mapping[str, Field]:
    """The fields with the groups and lists that they lie in, as the rule pack's reader wants them."""
    training = shipped_pack().fields["training"]
    shown = shipped_pack().fields["disclosure"]
    found = {path: one.field for path, one in fact_fields().items()}
    for path in list(found):
        steps = path.split(".")[:-1]
        for count in range(1, len(steps) + 1):
            start = ".".join(steps[:count])
            if start in found or start.removesuffix("[]") in found:
                continue
            of_pack = training.get(start) or shown.get(start.removeprefix("output."))
            if start.endswith("[]"):
                found[start.removesuffix("[]")] = Field(start.removesuffix("[]"), "rows", "data sets")
            else:
                nothing = of_pack is not None and of_pack.may_be_null and start not in _GROUPS
                found[start] = Field(start, "group", start, (), nothing or start == "crawl")
    return MappingProxyType(found)
