"""A dataset card: Markdown with a head in YAML, as model hubs read them.

The head holds what a hub files the data set under; the text below follows the usual headings of such cards. A head that says
more than is known would be wrong in every search, so what nobody declared and nothing counts is left out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from endcredits.works.disclosure import escaping
from endcredits.works.disclosure.document import COUNTED, DECLARED, Document, Line, Section, Table, said
from endcredits.works.disclosure.eu import SET_COLUMNS, STANDARD_COLUMNS, set_row, standard_row
from endcredits.works.disclosure.facts import Facts
from endcredits.works.disclosure.forms import body_lines
from endcredits.works.disclosure.lacking import of_format
from endcredits.works.disclosure.licence_ids import hub_licences
from endcredits.works.disclosure.records import Collected
from endcredits.works.disclosure.training import TrainingRecord

FORMAT = "dataset card"
SIZES = (
    *((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M")),
    *((10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"), (10**12, "100B<n<1T")),
)
"""Size categories of hubs: the first whose bound is above the number of examples; beyond all of them "n>1T"."""
WANTED: Mapping[str, tuple[str, str, bool]] = {
    "pretty_name": ("a name for people", "declare it in the facts: dataset.name", True),
    "license": ("the licence", "register works with their licences; it is counted", True),
    "license_link": (
        "where the terms are that are no licence known to hubs",
        "declare it in the facts: dataset.license",
        False,
    ),
    "language": ("languages", "declare it in the facts: languages", False),
    "task_categories": ("tasks", "declare it in the facts: dataset.tasks", False),
    "tags": ("keywords", "declare it in the facts: dataset.keywords", False),
}


def size_category(number: int) -> str:
    """The size category of a number of examples.

    >>> size_category(999), size_category(1000), size_category(10**13)
    ('n<1K', '1K<n<10K', 'n>1T')
    """
    return next((name for bound, name in SIZES if number < bound), "n>1T")


def head_of(facts: Facts, record: TrainingRecord) -> dict[str, str | list[str]]:
    """The head, without what is not known."""
    licences = list(hub_licences(record.counted))
    found: dict[str, str | list[str]] = {
        "pretty_name": facts.text("dataset.name"),
        "license": licences,
        "license_name": "see-the-card" if "other" in licences else "",
        "license_link": facts.text("dataset.license") if "other" in licences else "",
        "language": list(facts.get("languages", ())),
        "size_categories": [size_category(record.counted.works)],
        "task_categories": list(facts.get("dataset.tasks", ())),
        "tags": list(facts.get("dataset.keywords", ())),
    }
    return {key: value for key, value in found.items() if value}


def yaml_head(head: Mapping[str, str | Sequence[str]]) -> str:
    """The head as YAML between its two lines; every value is a quoted text."""
    lines = ["---"]
    for key, value in head.items():
        if isinstance(value, str):
            lines.append(f"{key}: {escaping.yaml(value)}")
        else:
            lines.append(f"{key}:")
            lines += [f"- {escaping.yaml(one)}" for one in value]
    return "\n".join([*lines, "---"]) + "\n"


def card_document(collected: Collected, facts: Facts, record: TrainingRecord) -> Document:
    """The card's text as a document."""
    head = head_of(facts, record)
    wanted = {key: one for key, one in WANTED.items() if key != "license_link" or "other" in head.get("license", [])}
    return Document(
        "card",
        f"Dataset card for {facts.text('dataset.name') or 'corpus ' + collected.standing.corpus_digest[:16]}",
        "Works that were admitted for training, each by a recorded permission. Behind each value: counted or declared.",
        collected.standing,
        tuple(_sections(collected, facts, record)),
        of_format(FORMAT, wanted, head),
        (),
        "",
        head,
    )


def card_bytes(collected: Collected, facts: Facts, record: TrainingRecord) -> bytes:
    """The card: head and text."""
    document = card_document(collected, facts, record)
    text = "\n".join([f"# {escaping.markdown(document.title)}", "", *body_lines(document)])
    return f"{yaml_head(head_of(facts, record))}\n{text}\n".encode()


def _told(facts: Facts, label: str, path: str) -> Line:
    return said(label, path, facts.get(path), DECLARED)


def _sections(collected: Collected, facts: Facts, record: TrainingRecord) -> Iterator[Section]:
    one = record.counted
    yield Section(
        "Dataset description",
        lines=(
            _told(facts, "What it is", "dataset.description"),
            _told(facts, "Provided by", "provider"),
            _told(facts, "Languages", "languages"),
            _told(facts, "Terms of the whole", "dataset.license"),
            _told(facts, "How to cite", "dataset.citation"),
        ),
    )
    yield Section("Uses", lines=(_told(facts, "Meant for", "dataset.uses"), _told(facts, "Limits", "dataset.limits")))
    yield Section(
        "Dataset structure",
        "An example is a whole work.",
        lines=(
            said("Works", "", one.works, COUNTED),
            said("Files", "", one.files, COUNTED),
            said("Bytes", "", one.size_bytes, COUNTED),
            said("Modalities", "", list(one.modalities), COUNTED),
            said("People and bodies credited", "", len(one.names), COUNTED),
            said("Registered", "", f"{one.first_on} to {one.last_on}" if one.first_on else "", COUNTED),
        ),
        tables=(
            Table(
                ("media type", "files", "bytes"), tuple((name, f"{n:,}", f"{size:,}") for name, n, size in one.media_types)
            ),
        ),
    )
    yield Section(
        "Source data",
        lines=tuple(line for part in record.datasets for line in _cleaning(part.name, part.declared.get("cleaning", ...))),
        tables=(Table(SET_COLUMNS, tuple(set_row(part) for part in record.datasets)),) if record.datasets else (),
    )
    yield Section(
        "Permissions and reservations",
        "Every work is here by a statement that is recorded in a log; works with a no are not here.",
        lines=(
            said("Works kept out", "", len(collected.refused), COUNTED),
            said("Works whose permission was taken back since", "", one.taken_back, COUNTED),
        ),
        tables=(
            Table(("ground", "works"), tuple((name, f"{number:,}") for name, number in one.grounds)),
            Table(("licence", "works"), tuple((name, f"{number:,}") for name, number in one.licences)),
            Table(STANDARD_COLUMNS, tuple(standard_row(row) for row in collected.standards)),
        ),
    )
    yield Section("Annotations", lines=(_told(facts, "Annotation", "dataset.annotation"),))
    yield Section("Personal and sensitive information", lines=tuple(_personal(facts, record)))
    yield Section(
        "Bias, risks and limitations",
        lines=(
            _told(facts, "Known biases", "dataset.biases"),
            _told(facts, "Social impact", "dataset.social_impact"),
            _told(facts, "Maintenance", "dataset.maintenance"),
        ),
    )


def _cleaning(name: str, cleaning: object) -> Iterator[Line]:
    if cleaning is ...:
        return
    yield Line(f"Cleaning of {name}", "", ("none",) if cleaning is None else tuple(_words(cleaning)), DECLARED)


def _words(cleaning: object) -> Iterator[str]:
    assert isinstance(cleaning, Mapping)
    for key in ("what", "why"):
        if key in cleaning:
            yield f"{key}: {cleaning[key]}"


def _personal(facts: Facts, record: TrainingRecord) -> Iterator[Line]:
    yield _told(facts, "In words", "dataset.personal")
    for part in record.datasets:
        if "has_personal_info" in part.declared:
            yield said(part.name, "", part.declared["has_personal_info"], DECLARED)
