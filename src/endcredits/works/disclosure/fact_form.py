"""The form of facts: a commented TOML file with every field, its unit and the documents that use it.

Every field stands behind a "#". Whoever takes the sign away and writes another value has declared the fact; headings of
tables stand without one, since an empty table says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from endcredits.works.disclosure.fact_fields import FactField, fact_fields
from endcredits.works.disclosure.facts import NONE
from endcredits.works.rules.fields import TYPES

_HEAD = f"""# Facts that only the operator knows; 'endcredits disclose' takes all others from the registry and the log.
#
# Take the "#" away in front of a field and write what is true of you; the values here are examples. A field that stays away
# is called missing by the documents that need it. The word "{NONE}" says that there is none, where a line offers it.
# Numbers of works, files and bytes are counted and cannot be declared.
"""
_TABLES = {
    "processing": "# What was done to the data.",
    "crawl": '# A crawl; write crawl = "none" above instead of this table when nothing was crawled.',
    "datasets": (
        "# A data set; copy the block for each. A registered work belongs to the first whose patterns fit its id.\n"
        '# Instead of its two lines, cleaning = "none" says that it was not cleaned.'
    ),
    "dataset": "# The corpus as one data set, for the card and for Croissant.",
    "output": "# Outputs of the model, as they are shown.",
}


def fact_form() -> str:
    """The form, as TOML."""
    fields = fact_fields()
    lines = [_HEAD]
    lines += [line for path, one in fields.items() if "." not in path for line in _field(path, one)]
    for table, words in _TABLES.items():
        start = "datasets[]." if table == "datasets" else f"{table}."
        lines += ["", words, f"[[{table}]]" if table == "datasets" else f"[{table}]"]
        lines += [line for path, one in fields.items() if path.startswith(start) for line in _field(path[len(start) :], one)]
    return "\n".join(lines) + "\n"


def _field(key: str, one: FactField) -> Iterator[str]:
    unit = TYPES[one.field.kind_of_value][1] + (f', or "{NONE}"' if one.field.may_be_null else "")
    values = f": {', '.join(one.field.values)}" if one.field.values else ""
    yield f"# {one.field.about} ({unit}{values}; for: {', '.join(one.documents)})"
    yield f"#{key} = {one.example}"
