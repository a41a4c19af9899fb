"""What disclosures are made from: the works of a corpus as the registry and the log know them, on a day.

Everything here was counted or looked up. What the operator alone knows is declared (`facts`); a document says of each value
which of the two it is, and where there is neither, that it is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.works.records import Permission

GROUNDS = (
    "own",
    "contract",
    "public domain",
    "open licence",
    "machine-readable statement",
    "rights holder",
    "other statement",
)
"""On what a work's yes rests, from `grounds.ground_of`; the last is somebody's word of which nothing more is recorded."""


@dataclass(frozen=True, slots=True)
class Standing:
    """On what a document stands.

    Attributes:
        corpus_digest: of the manifest of the admitted works, 64 hex digits.
        on: the day that it is made for, YYYY-MM-DD.
        log_origin: name of the log.
        log_size: number of the log's first entries that hold every work and statement counted.
        log_root: root of the log at that size, 64 hex digits.
        index_digest: of the index that was built from the corpus; "" for works that are registered and not yet learnt from.
        models: (what, digest) of the models that the index measures.
        trained_size: size of the log when the index was entered in it, with all that was permitted before it; -1 for
            no index.
        trained_root: root of the log at that size; "" for no index.
        trained_at: UTC time of the log's entry about the models; "" for none.
        admission: state of the signed manifest of the admission: "whole", "missing", "broken".
        admitted_at: UTC time of that manifest, at which every carrier had been read; "" for none.
        max_bytes_per_work: how much of each work counts, 0 for all of it.
        operator: the party whose contracts counted; "" for none.
    """

    corpus_digest: str
    on: str
    log_origin: str
    log_size: int
    log_root: str
    index_digest: str = ""
    models: tuple[tuple[str, str], ...] = ()
    trained_size: int = -1
    trained_root: str = ""
    trained_at: str = ""
    admission: str = "missing"
    admitted_at: str = ""
    max_bytes_per_work: int = 0
    operator: str = ""


@dataclass(frozen=True, slots=True)
class WorkFile:
    """A file of a work.

    Attributes:
        sha256: of its bytes.
        media_type: such as "text/plain".
        size_bytes: length.
        label: where it came from, for people.
        urls: addresses where it was found, sorted.
    """

    sha256: str
    media_type: str
    size_bytes: int
    label: str = ""
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CorpusWork:
    """A work that was admitted.

    Attributes:
        work_id: its id.
        title: as published.
        names: who is credited, as their names read on a screen, in order.
        files: its files, in order.
        registered_at: UTC time.
        permission_id: of the statement that admitted it.
        permission: the statement; None where it is no longer there, such as after an erasure.
        ground: one of `GROUNDS`.
        licences: names of the licences that the statement names, sorted.
        permission_position: place of the statement in the log, from 0; -1 where it is not there.
        work_position: place of the work's registration in the log; -1 where it is not there.
        taken_back: its permission was taken back, or denied, after the corpus was made.
    """

    work_id: str
    title: str
    names: tuple[str, ...]
    files: tuple[WorkFile, ...]
    registered_at: str
    permission_id: str
    permission: Permission | None
    ground: str
    licences: tuple[str, ...] = ()
    permission_position: int = -1
    work_position: int = -1
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class RefusedWork:
    """A work that was kept out.

    Attributes:
        work_id: its id.
        value: "deny", "conditional" or "unknown".
        permission_id: of the statement that decided; "" when nothing was said.
        standard: of that statement; "" for none.
    """

    work_id: str
    value: str
    permission_id: str
    standard: str


@dataclass(frozen=True, slots=True)
class StandardCount:
    """What was read in the words of one standard, and what came of it.

    Attributes:
        standard: such as "TDMRep"; "" for what people told.
        versions: as the readers knew it, sorted.
        carriers: where it was read, sorted.
        read: how many different carriers (by their bytes), 0 for what people told.
        statements: how many were recorded from them.
        noes: statements that deny.
        works: works that they speak of.
        kept_out: works that were not used because one of them decided.
        used_despite: works that were used though one of them denies, under a contract with the rights holder.
    """

    standard: str
    versions: tuple[str, ...]
    carriers: tuple[str, ...]
    read: int
    statements: int
    noes: int
    works: int
    kept_out: int
    used_despite: int


@dataclass(frozen=True, slots=True)
class Collected:
    """All that the registry and the log say about a corpus.

    Attributes:
        standing: on what it stands.
        works: admitted works, by id.
        refused: works kept out, by id.
        standards: by standard; what people told comes last.
        raw_sha256: one digest over the digests of everything that was read; "" when nothing was.
        contracts: ids of the statements that are contracts with the operator and admitted a reserved work, sorted.
    """

    standing: Standing
    works: tuple[CorpusWork, ...]
    refused: tuple[RefusedWork, ...] = ()
    standards: tuple[StandardCount, ...] = ()
    raw_sha256: str = ""
    contracts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that a document should say and cannot.

    Attributes:
        field: where it is said, as the rule pack or the format names it.
        law: id of the rule, or name of the format, that asks for it.
        severity: of the rule ("block", "disclose", "warn"), "required" by a format, or "wanted": nobody demands it.
        why: what is asked for, in words.
        how: how to supply it.
        source: where the rule was read.
    """

    field: str
    law: str
    severity: str
    why: str
    how: str
    source: str = ""

    @property
    def fails(self) -> bool:
        """Whether a document without it is incomplete."""
        return self.severity != "wanted"
