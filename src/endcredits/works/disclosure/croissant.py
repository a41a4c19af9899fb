"""The corpus as Croissant: JSON-LD by which tools find, check and load data sets (MLCommons, versions 1.0 and 1.1).

Every file is a `FileObject` under its SHA-256, so whoever downloads one knows that it is the one. The works are an inline
`RecordSet`: id, title, credits, licence and the statement that admitted each. Properties of the RAI vocabulary are there
where something is known. Names and titles are values only, never keys or ids, so nothing that somebody typed becomes a term.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from endcredits.works.disclosure import escaping
from endcredits.works.disclosure.counting import Tally, files_of
from endcredits.works.disclosure.facts import Facts
from endcredits.works.disclosure.lacking import of_format
from endcredits.works.disclosure.licence_ids import licence_urls, spdx_url
from endcredits.works.disclosure.records import Collected, CorpusWork, Missing, WorkFile
from endcredits.works.disclosure.training import TrainingRecord

FORMAT = "Croissant 1.1"
CONFORMS = "http://mlcommons.org/croissant/1.1"
RAI_CONFORMS = "http://mlcommons.org/croissant/RAI/1.0"
OWN_TERMS = "urn:endcredits:"
"""Namespace of what no vocabulary has a term for: what is missing."""
REQUIRED: Mapping[str, tuple[str, str, bool]] = {
    "name": ("the name", "declare it in the facts: dataset.name", True),
    "description": ("a description", "declare it in the facts: dataset.description", True),
    "license": ("the licence", "declare it in the facts: dataset.license", True),
    "url": ("the address of its page", "declare it in the facts: dataset.url", True),
    "creator": ("who made it", "declare it in the facts: provider", True),
    "datePublished": ("the day of publication", "declare it in the facts: dataset.published_on", True),
    "distribution": ("the files", "register works and admit them", True),
    "version": ("the version", "declare it in the facts: dataset.version", False),
    "keywords": ("keywords", "declare it in the facts: dataset.keywords", False),
    "inLanguage": ("languages", "declare it in the facts: languages", False),
    "citeAs": ("a citation", "declare it in the facts: dataset.citation", False),
}
"""Properties that version 1.1 requires of a data set, and some that it recommends."""
_CR_TERMS = (
    *(
        "citeAs",
        "column",
        "containedIn",
        "equivalentProperty",
        "extract",
        "field",
        "fileObject",
        "fileProperty",
        "fileSet",
        "format",
        "includes",
    ),
    *("isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated"),
    *("replace", "samplingRate", "separator", "source", "subField", "transform"),
)
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{term: f"cr:{term}" for term in _CR_TERMS},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "endcredits": OWN_TERMS,
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
_RAI = (
    ("rai:dataUseCases", "dataset.uses"),
    ("rai:dataLimitations", "dataset.limits"),
    ("rai:dataBiases", "dataset.biases"),
    ("rai:personalSensitiveInformation", "dataset.personal"),
    ("rai:dataSocialImpact", "dataset.social_impact"),
    ("rai:dataReleaseMaintenancePlan", "dataset.maintenance"),
    ("rai:dataAnnotationProtocol", "dataset.annotation"),
)
_FIELDS = (
    ("work_id", "Id of the work.", "sc:Text"),
    ("title", "As published.", "sc:Text"),
    ("credits", "Who is credited, in order.", "sc:Text"),
    ("licences", "Licences that the permission names.", "sc:Text"),
    ("ground", "On what the permission rests.", "sc:Text"),
    ("permission_id", "The statement that admitted it.", "sc:Text"),
    ("registered_at", "When it was registered, UTC.", "sc:DateTime"),
    ("files", "SHA-256 of its files, in order.", "sc:Text"),
)


def croissant_document(
    collected: Collected, facts: Facts, record: TrainingRecord
) -> tuple[dict[str, Any], tuple[Missing, ...]]:
    """The JSON-LD document, and what it lacks."""
    rai = _rai(facts, record)
    document: dict[str, Any] = {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": [CONFORMS, RAI_CONFORMS] if rai else CONFORMS,
        **_described(collected, facts, record.counted),
        **rai,
        "distribution": _files(collected, facts),
        "recordSet": [_works(collected)] if collected.works else [],
    }
    document = {key: value for key, value in document.items() if value not in ("", [], None)}
    missing = of_format(FORMAT, REQUIRED, document)
    if missing:
        document["endcredits:missing"] = [f"{one.field} ({one.severity}): {one.how}" for one in missing]
    return document, missing


def croissant_bytes(collected: Collected, facts: Facts, record: TrainingRecord) -> bytes:
    """The document as bytes, which may also stand inside a page."""
    document, _ = croissant_document(collected, facts, record)
    return escaping.json_text(document).encode()


def _described(collected: Collected, facts: Facts, counted: Tally) -> dict[str, Any]:
    standing = collected.standing
    licences = [facts.text("dataset.license")] if facts.text("dataset.license") else list(licence_urls(counted))
    words = (
        f"{counted.works:,} works in {counted.files:,} files of {counted.size_bytes:,} bytes, each admitted for training by "
        "a recorded permission."
    )
    provider = {"@type": "sc:Organization", "name": facts.text("provider")} if facts.text("provider") else None
    state = {
        "corpus digest (SHA-256)": standing.corpus_digest,
        "index digest": standing.index_digest,
        "log": standing.log_origin,
        "log size": str(standing.log_size),
        "log root": standing.log_root,
        "day": standing.on,
    }
    return {
        "name": facts.text("dataset.name") or f"corpus-{standing.corpus_digest[:16]}",
        "description": " ".join(one for one in (facts.text("dataset.description"), words) if one),
        "license": licences[0] if len(licences) == 1 else licences,
        "url": facts.text("dataset.url"),
        "creator": provider,
        "publisher": provider,
        "datePublished": facts.text("dataset.published_on"),
        "dateModified": counted.last_on,
        "version": facts.text("dataset.version"),
        "keywords": list(facts.get("dataset.keywords", ())),
        "inLanguage": list(facts.get("languages", ())),
        "citeAs": facts.text("dataset.citation"),
        "isLiveDataset": False,
        "identifier": [
            {"@type": "sc:PropertyValue", "propertyID": name, "value": value} for name, value in state.items() if value
        ],
    }


def _rai(facts: Facts, record: TrainingRecord) -> dict[str, Any]:
    found: dict[str, Any] = {term: facts.text(path) for term, path in _RAI if facts.text(path)}
    cleaned = [one.declared["cleaning"] for one in record.datasets if one.declared.get("cleaning")]
    if cleaned:
        found["rai:dataPreprocessingProtocol"] = [
            "; ".join(str(one[key]) for key in ("what", "why") if key in one) for one in cleaned
        ]
    personal = [one.declared.get("has_personal_info") for one in record.datasets]
    if "rai:personalSensitiveInformation" not in found and personal and None not in personal:
        found["rai:personalSensitiveInformation"] = (
            "declared to hold personal information" if any(personal) else "declared to hold no personal information"
        )
    if record.counted.first_on:
        found["rai:dataCollection"] = "Works were registered with their creators and with a recorded permission each."
        found["rai:dataCollectionTimeframe"] = [record.counted.first_on, record.counted.last_on]
    return found


def _files(collected: Collected, facts: Facts) -> list[dict[str, Any]]:
    base = facts.text("dataset.content_base").rstrip("/") or "content"
    licences: dict[str, set[str]] = {}
    for work in collected.works:
        for file in work.files:
            licences.setdefault(file.sha256, set()).update(spdx_url(name) or name for name in work.licences)
    return [_file(file, base, sorted(licences[sha256])) for sha256, file in files_of(collected.works).items()]


def _file(file: WorkFile, base: str, licences: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "cr:FileObject",
        "@id": file.sha256,
        "name": file.sha256,
        "contentUrl": f"{base}/{file.sha256[:2]}/{file.sha256}",
        "contentSize": f"{file.size_bytes} B",
        "encodingFormat": file.media_type,
        "sha256": file.sha256,
    }
    if licences:
        found["license"] = licences[0] if len(licences) == 1 else licences
    return found


def _works(collected: Collected) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "works",
        "name": "works",
        "description": "The works, each with the statement that admitted it.",
        "key": {"@id": "works/work_id"},
        "field": [
            {"@type": "cr:Field", "@id": f"works/{name}", "name": name, "description": about, "dataType": kind}
            for name, about, kind in _FIELDS
        ],
        "data": [_row(work) for work in collected.works],
    }


def _row(work: CorpusWork) -> dict[str, str]:
    values = (
        *(work.work_id, work.title, "; ".join(work.names), "; ".join(work.licences), work.ground),
        *(work.permission_id, work.registered_at, " ".join(file.sha256 for file in work.files)),
    )
    return {f"works/{name}": value for (name, _, _), value in zip(_FIELDS, values, strict=True)}
