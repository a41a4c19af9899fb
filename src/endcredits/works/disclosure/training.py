"""The record of training data that the rule pack checks, from what was counted and what was declared.

Every value has an origin: counted in the registry and the log, or declared by the operator. Where both are there, the
declaration stands and the documents show the count beside it. A count stands for the whole training only when the operator
says that the data sets named are all of it and none lies outside of the registry; a count of a part is not passed off as
the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from endcredits.errors import InputError
from endcredits.works.disclosure.counting import BANDS, Tally, size_bands, tally, top_domains
from endcredits.works.disclosure.datasets import DataSet, divide
from endcredits.works.disclosure.fact_fields import DATASET_KINDS
from endcredits.works.disclosure.facts import Facts, look
from endcredits.works.disclosure.records import Collected, StandardCount

COUNTED, DECLARED = "counted", "declared"
NAMES_SHOWN = 20
"""Names of owners that are told; how many more there are is said."""
_AS_DECLARED = (
    *("released_on", "market_date", "provider", "model", "model_version", "model_dependencies", "content_types"),
    *("research_org", "lawful_access", "fetched_at", "training_started_at", "reservation_checked_at"),
    *("reservation_rechecked_at", "carriers_checked"),
)
_OF_DATASET = (
    *("purpose_fit", "has_personal_info", "has_aggregate_consumer_info", "cleaning", "synthetic_data"),
    *("sources_or_owners", "point_types", "has_ip", "purchased_or_licensed", "first_use_dates"),
)
MEASURES = (
    "Only works with a recorded yes to training and fine-tuning are used. A recorded no keeps a work out, whoever wrote it, "
    "unless the rights holder has a contract with the provider."
)


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What is known of the training data, as the rule pack wants it.

    Attributes:
        values: by field, for `works.rules.lacks`; a field of which nothing is known is left away.
        origins: by path ("datasets[0].n_points"), `COUNTED` or `DECLARED`.
        datasets: the data sets in the order of `values["datasets"]`.
        counted: all registered works of the corpus together.
        whole: whether the registered works are all that the model was trained on, in the operator's word.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, str]
    datasets: tuple[DataSet, ...]
    counted: Tally
    whole: bool


@dataclass(slots=True)
class _Maker:
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def put(self, path: str, value: Any, origin: str) -> None:
        *groups, name = path.split(".")
        into = self.values
        for group in groups:
            into = into.setdefault(group, {})
        into[name] = value
        self.origins[path] = origin


def training_record(collected: Collected, facts: Facts) -> TrainingRecord:
    """Joins counts and declarations.

    Raises:
        InputError: a declaration contradicts what was counted.
    """
    parts = divide(collected, facts)
    everything = tally(collected.works)
    whole = facts.get("datasets_complete") is True and not any(part.outside for part in parts)
    make = _Maker()
    for path in _AS_DECLARED:
        if facts.has(path):
            make.put(path, facts.get(path), DECLARED)
    _of_all(make, collected, facts, everything, parts, whole)
    _sources(make, facts, parts)
    _crawl(make, facts, parts)
    _reservations(make, collected, facts, whole)
    make.values["datasets"] = [_dataset_row(make, collected, one) for one in parts]
    if not parts:
        del make.values["datasets"]
    return TrainingRecord(make.values, make.origins, parts, everything, whole)


def _of_all(
    make: _Maker, collected: Collected, facts: Facts, everything: Tally, parts: tuple[DataSet, ...], whole: bool
) -> None:
    _choose(make, facts, "modalities", list(everything.modalities) if whole else None)
    for modality in everything.modalities:
        if facts.has("modalities") and modality not in facts.get("modalities"):
            raise InputError(
                f"the corpus holds {modality}, and the declared modalities leave it out",
                remedy=f'Add "{modality}", or leave the fact away.',
                file=facts.file or None,
                field="modalities",
            )
    told = size_bands(everything)
    bands = [f"{modality}: {told[modality]}" for modality in everything.modalities if modality in told]
    _choose(make, facts, "size_bands", bands if whole and len(bands) == len(everything.modalities) and bands else None)
    _choose(make, facts, "latest_data_on", everything.last_on if whole and everything.last_on else None)
    if facts.text("latest_data_on") and facts.text("latest_data_on") < everything.last_on:
        raise InputError(
            f"the latest work was registered on {everything.last_on}, after the declared day of the latest data",
            remedy="Correct the day, or leave the fact away.",
            file=facts.file or None,
            field="latest_data_on",
        )
    _choose(make, facts, "updated_on", collected.standing.on)


def _choose(make: _Maker, facts: Facts, path: str, counted: Any) -> None:
    if facts.has(path):
        make.put(path, facts.get(path), DECLARED)
    elif counted is not None:
        make.put(path, counted, COUNTED)


def _sources(make: _Maker, facts: Facts, parts: tuple[DataSet, ...]) -> None:
    """Names by kind of source; a kind is said to be absent only where the operator says that the list is complete."""
    unsaid = any(not part.kind for part in parts)
    complete = facts.get("datasets_complete") is True and not unsaid
    for kind in DATASET_KINDS:
        own = [part for part in parts if part.kind == kind]
        if kind == "crawled":
            if own or complete:
                make.put("sources.crawled", bool(own), DECLARED)
        elif own or complete:
            counted = bool(own) and all(part.kind_counted for part in own)
            make.put(f"sources.{kind}", [part.name for part in own], COUNTED if counted else DECLARED)


def _crawl(make: _Maker, facts: Facts, parts: tuple[DataSet, ...]) -> None:
    if facts.has("crawl") and facts.get("crawl") is None:
        make.put("crawl", None, DECLARED)
        return
    for name in ("crawlers", "from", "to", "top_domains"):
        if facts.has(f"crawl.{name}"):
            make.put(f"crawl.{name}", facts.get(f"crawl.{name}"), DECLARED)
    own = [part for part in parts if part.kind == "crawled"]
    if own and not any(part.outside for part in own) and not facts.has("crawl.top_domains"):
        works = [work for part in own for work in part.works]
        domains = top_domains(works, small_company=facts.get("small_company") is True)
        if domains:
            make.put("crawl.top_domains", list(domains), COUNTED)


def _reservations(make: _Maker, collected: Collected, facts: Facts, whole: bool) -> None:
    if facts.has("processing.illegal_content_removal"):
        make.put("processing.illegal_content_removal", facts.get("processing.illegal_content_removal"), DECLARED)
    _choose(make, facts, "processing.tdm_measures", measures(collected.standards) if whole else None)
    if collected.raw_sha256:
        make.put("raw_sha256", collected.raw_sha256, COUNTED)
    elif facts.has("raw_sha256"):
        make.put("raw_sha256", facts.get("raw_sha256"), DECLARED)
    if collected.standing.admitted_at and not facts.has("reservation_checked_at"):
        make.put("reservation_checked_at", collected.standing.admitted_at, COUNTED)
    if "reservation_checked_at" in make.values:
        # Of works that were used: a work with a reservation is there under a contract alone.
        make.put("result", "reserved" if collected.contracts else "none-found", COUNTED)
        make.put("licence_ref", ", ".join(collected.contracts) or None, COUNTED)


def measures(standards: Iterable[StandardCount]) -> str:
    """What this house does about reservations, with what it came to per standard."""
    said = []
    for one in standards:
        if one.standard:
            said.append(
                f"{one.standard}: carriers read {one.read:,}, statements {one.statements:,}, of them no {one.noes:,}, "
                f"works kept out {one.kept_out:,}"
            )
    return f"{MEASURES} " + ("; ".join(said) + "." if said else "No machine-readable statement is recorded for this corpus.")


def _dataset_row(make: _Maker, collected: Collected, part: DataSet) -> dict[str, Any]:
    row: dict[str, Any] = {}
    start = f"datasets[{part.number}]"

    def put(name: str, value: Any, origin: str) -> None:
        row[name] = value
        make.origins[f"{start}.{name}"] = origin

    for name in _OF_DATASET:
        if name in part.declared:
            put(name, part.declared[name], DECLARED)
    if "collection_period" in part.declared:
        put("collection_period", dict(part.declared["collection_period"]), DECLARED)
    if part.outside:
        if "n_points" in part.declared:
            put("n_points", part.declared["n_points"], DECLARED)
        return row
    for name, value in _counted(collected, part).items():
        if name not in row or name == "n_points":
            put(name, value, COUNTED)
    if part.works:
        period = row.setdefault("collection_period", {})
        for name, value in (("from", part.counted.first_on), ("to", part.counted.last_on)):
            if name not in period:
                period[name] = value
                make.origins[f"{start}.collection_period.{name}"] = COUNTED
    return row


def _counted(collected: Collected, part: DataSet) -> dict[str, Any]:
    """What of a data set's twelve items follows from the registry."""
    one = part.counted
    found: dict[str, Any] = {"n_points": f"{one.works:,} works in {one.files:,} files, {one.size_bytes:,} bytes"}
    if one.names:
        more = len(one.names) - NAMES_SHOWN
        found["sources_or_owners"] = "; ".join(one.names[:NAMES_SHOWN]) + (f"; and {more:,} more" if more > 0 else "")
    if one.media_types:
        types = "; ".join(f"{name} ({files:,} files)" for name, files, _ in one.media_types)
        found["point_types"] = f"whole works, without labels: {types}"
    grounds = {name for name, _ in one.grounds}
    if grounds and grounds <= {"contract", "open licence", "public domain"}:
        free = ["public-domain"] if "public domain" in grounds else []
        found["has_ip"] = (["copyright"] if grounds - {"public domain"} else []) + free
        if grounds - {"public domain"}:
            found["purchased_or_licensed"] = True
    if collected.standing.trained_at:
        found["first_use_dates"] = [collected.standing.trained_at[:10]]
    return found


def value_at(record: TrainingRecord, path: str) -> Any:
    """The value at a path of the record; `...` when nothing is known."""
    return look(record.values, path)


def bands_known() -> tuple[str, ...]:
    """Every band of the template, with its modality."""
    return tuple(f"{modality}: {band}" for modality, bands in BANDS.items() for band in bands)
