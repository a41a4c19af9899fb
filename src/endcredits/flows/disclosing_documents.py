"""Making a disclosure: gather, join with the facts, write the document, say what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from endcredits import durable
from endcredits.errors import InputError
from endcredits.flows.disclosing import collect
from endcredits.flows.disclosing_evidence import write_evidence
from endcredits.flows.studio import Studio
from endcredits.works.disclosure import (
    Document,
    Facts,
    Missing,
    Standing,
    california_documentation,
    card_bytes,
    card_document,
    croissant_bytes,
    croissant_document,
    eu_summary,
    evidence_document,
    rendered,
    training_record,
)
from endcredits.works.rules import Pack

DOCUMENTS = {"eu": ".md", "california": ".md", "card": ".md", "croissant": ".json"}
"""Documents over a corpus that are one file, and the form that is printed where no file is named."""


@dataclass(frozen=True, slots=True)
class Made:
    """A disclosure.

    Attributes:
        kind: the word of its command.
        data: the document's bytes; empty for a folder.
        standing: on what it stands.
        missing: what it should say and cannot.
        files: how many files were written.
    """

    kind: str
    data: bytes
    standing: Standing
    missing: tuple[Missing, ...]
    files: int = 0

    @property
    def complete(self) -> bool:
        """Whether nothing that somebody requires is missing."""
        return not any(one.fails for one in self.missing)


def disclose(
    studio: Studio,
    kind: str,
    facts: Facts,
    *,
    on: str = "",
    index: str = "",
    corpus: str = "",
    out: Path | None = None,
    pack: Pack | None = None,
) -> Made:
    """Makes one of `DOCUMENTS` of a corpus, and writes it where a file is named.

    Args:
        studio: whose.
        kind: which.
        facts: what the operator declares.
        on: day of the document; today by default.
        index: see `collect`.
        corpus: see `collect`.
        out: the file; its ending says the form (.md, .html, .json) of the summaries.
        pack: the rules; those that are shipped, by default.

    Raises:
        InputError: a fact contradicts what was counted, or the file's ending is no form of the document.
        NotFoundError: no such index or corpus.
        IntegrityError: something of the studio is damaged.
        MachineError: the file could not be written; it is as it was.
    """
    suffix = DOCUMENTS[kind] if out is None else out.suffix.lower()
    _check_suffix(kind, suffix)
    collected = collect(studio, on=on, index=index, corpus=corpus)
    record = training_record(collected, facts)
    document: Document | None = None
    if kind in ("eu", "california"):
        document = (eu_summary if kind == "eu" else california_documentation)(collected, facts, record, pack=pack)
        data, missing = rendered(document, suffix), document.missing
    elif kind == "card":
        document = card_document(collected, facts, record)
        data, missing = card_bytes(collected, facts, record), document.missing
    else:
        data, missing = croissant_bytes(collected, facts, record), croissant_document(collected, facts, record)[1]
    if out is not None:
        durable.write_atomic(out, data)
    return Made(kind, data, collected.standing, missing, int(out is not None))


def _check_suffix(kind: str, suffix: str) -> None:
    forms = {"card": (".md",), "croissant": (".json", ".jsonld")}.get(kind, (".md", ".html", ".json"))
    if suffix not in forms:
        raise InputError(
            f"'{suffix}' is no form of this document", remedy=f"Name the file {', '.join(forms)}.", field="--out"
        )


def disclose_evidence(studio: Studio, facts: Facts, out: Path, *, on: str = "", index: str = "", corpus: str = "") -> Made:
    """Writes the folder of evidence of a corpus; see `disclose` and `disclosing_evidence`.

    Raises:
        ConflictError: there is something of that name already.
    """
    collected = collect(studio, on=on, index=index, corpus=corpus, positions=True)
    document = evidence_document(collected, facts, training_record(collected, facts))
    files = write_evidence(studio, out, collected, document)
    return Made("evidence", b"", collected.standing, document.missing, files)
