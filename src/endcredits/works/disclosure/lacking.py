"""What a document lacks: what the rule pack says of the record, and what a format requires, with how to supply it.

The pack and the documents cannot disagree: a document's list of what is missing is the pack's own answer about the record
that the document shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from endcredits.works.disclosure.fact_fields import fact_fields
from endcredits.works.disclosure.records import Missing
from endcredits.works.rules import Checked, Lack

_COUNTED = {
    "sources": 'declare the kind of every data set: "kind" in [[datasets]]; then datasets_complete = true',
    "sources.crawled": 'declare the data sets, with "kind", and datasets_complete = true when they are all',
    "datasets": "register works and build an index, or declare the data sets: [[datasets]]",
    "result": "declare reservation_checked_at; what was found is then counted",
    **dict.fromkeys(
        ("c2pa", "c2pa.state", "c2pa.manifest_sha256", "c2pa.time_stamped"), "sign the output's file: endcredits media sign"
    ),
}
_OF_KIND = 'declare the data sets, with "kind", and datasets_complete = true when they are all of them'
_FROM_WHOLE = ("modalities", "size_bands", "latest_data_on", "processing.tdm_measures")


def of_rules(checked: Checked, *, prefix: str = "") -> tuple[Missing, ...]:
    """The rule pack's lacks, each with how to supply it.

    Args:
        checked: the pack's answer.
        prefix: of the fields in the file of facts ("output." for records of outputs).
    """
    return tuple(
        Missing(one.field, one.rule_id, one.severity, one.why, how_to(one.field, prefix=prefix), _source(one))
        for one in checked.lacks
    )


def _source(lack: Lack) -> str:
    return f"{lack.source} <{lack.source_url}>" if lack.source_url else lack.source


def how_to(field: str, *, prefix: str = "") -> str:
    """How a field of a record is supplied, in words."""
    general = re.sub(r"\[[0-9]+\]", "[]", field)
    if general in _COUNTED:
        return _COUNTED[general]
    if general.startswith("sources."):
        return _OF_KIND
    known = fact_fields()
    if prefix and not any(one == prefix + general or one.startswith(f"{prefix}{general}.") for one in known):
        prefix = ""
    path = prefix + general
    below = [one for one in known if one.startswith(f"{path}.")]
    if path not in known and not below:
        return "it is taken from the registry or the log, which do not have it"
    declare = f"declare it in the facts: {prefix}{field}" if path in known else f"declare it in the facts: {below[0]} ..."
    if general in _FROM_WHOLE:
        return f"{declare}; or datasets_complete = true, when the registered works are all, and it is counted"
    return declare


def of_format(name: str, wanted: Mapping[str, tuple[str, str, bool]], given: Mapping[str, Any]) -> tuple[Missing, ...]:
    """What a format asks for and a document does not have.

    Args:
        name: the format and its version.
        wanted: by property: (what it says, how to supply it, whether it is required).
        given: the document's properties.
    """
    return tuple(
        Missing(key, name, "required" if required else "wanted", f"{what} ({key})", how)
        for key, (what, how, required) in wanted.items()
        if given.get(key) in (None, "", [], ())
    )


def fails(missing: Iterable[Missing]) -> bool:
    """Whether anything that somebody requires is missing."""
    return any(one.fails for one in missing)
