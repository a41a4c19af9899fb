"""That the manifests of corpora are whole and say what the books say, and which models have none that is.

A model without a whole manifest is no damage: it may be older than the gate. It is told, by every receipt since and by every
check (`notes`). A manifest that is broken, that receipts name and nobody has, or that the books contradict, is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from endcredits.canonical import digest
from endcredits.errors import EndcreditsError, InputError, NotFoundError
from endcredits.flows.admissions import (
    CURRENT,
    FOLDER,
    Admission,
    all_corpora,
    current,
    current_digest,
    read_admission,
    versions,
)
from endcredits.flows.catalogue import VERB, corpus
from endcredits.flows.flags import Flag, flagged
from endcredits.flows.index_files import index_folders, read_corpus
from endcredits.flows.studio import Studio
from endcredits.receipts import Receipt
from endcredits.store import Finding
from endcredits.works import Permission, Work, permissions, works

YES = ("allow", "conditional")


@dataclass(frozen=True, slots=True)
class CorpusState:
    """How a corpus stands.

    Attributes:
        corpus_digest: of its works.
        state: of its manifest: "whole", "missing" or "broken".
        problem: why it is not whole.
        manifest_sha256: of what it says; empty unless it is whole.
        made_at: UTC time; empty unless it is whole.
        admitted: number of works.
        refused: number of candidates.
        waiting: number of candidates.
        current: whether a model may be trained on it now.
        gate_problem: of the current one: why no index may be built of it before it goes through the gate again.
        indexes: names of the indexes that were built of it, with what became of the yes to their works since.
    """

    corpus_digest: str
    state: str
    problem: str
    manifest_sha256: str
    made_at: str
    admitted: int
    refused: int
    waiting: int
    current: bool
    gate_problem: str
    indexes: Mapping[str, tuple[Flag, ...]]


def corpora(studio: Studio) -> list[CorpusState]:
    """Every corpus of the studio: those with a manifest, and those that an index was built of without one."""
    built: dict[str, list[str]] = {}
    for name, corpus_digest in _built(studio):
        built.setdefault(corpus_digest, []).append(name)
    flags = flagged(studio)
    now_current = current_digest(studio)
    names = sorted({*all_corpora(studio), *built, *([now_current] if now_current not in ("", "?") else [])})
    found = []
    for name in names:
        admission = read_admission(studio, name)
        said = admission.document
        found.append(
            CorpusState(
                name,
                admission.state,
                admission.problem,
                admission.digest,
                str(said.get("made_at", "")),
                len(said.get("works", ())),
                len(said.get("refused", ())),
                len(said.get("waiting", ())),
                name == now_current,
                corpus(studio).gate_problem if name == now_current else "",
                {index: flags.get(index, ()) for index in built.get(name, ())},
            )
        )
    return found


def chosen_corpus(studio: Studio, begins: str) -> tuple[str, Admission]:
    """The one corpus whose digest begins so, or the current one, with its manifest.

    Raises:
        NotFoundError: there is none.
        InputError: there are several.
    """
    names = all_corpora(studio)
    found = [name for name in names if name.startswith(begins)] if begins else [current_digest(studio)]
    if not found or found == [""]:
        raise NotFoundError(
            f"there is no corpus '{begins}'" if begins else "no corpus went through the gate yet",
            remedy="Let works through it: endcredits corpus admit SOURCE",
            field="CORPUS",
        )
    if len(found) > 1:
        raise InputError(f"{len(found)} corpora begin with '{begins}'", remedy="Give more of the digest.", field="CORPUS")
    here = current(studio) if found == ["?"] else read_admission(studio, found[0])
    assert here is not None
    return found[0], here


def _built(studio: Studio) -> Iterator[tuple[str, str]]:
    for folder in index_folders(studio):
        try:
            yield folder.name, digest(read_corpus(folder)["manifest"])
        except EndcreditsError:
            continue  # a check names it


def check_corpora(studio: Studio) -> Iterator[Finding]:
    """That every manifest is whole, and that its works and the statements that admitted them are registered."""
    where = f"corpus file {FOLDER}/{CURRENT}"
    if current_digest(studio) == "?":
        yield Finding(where, "it is lost or damaged; let the corpus go through the gate again")
    elif (named := current(studio)) is not None and named.state == "missing":
        yield Finding(where, f"the manifest of the corpus {current_digest(studio)} that it names is missing")
    with studio.store.reading() as conn:
        registered = {str(work.work_id): work for work in works(conn)}
        stated = {one.permission_id: one for one in permissions(conn)}
    for name in all_corpora(studio):
        for said in ("", *versions(studio, name)):
            admission = read_admission(studio, name, said)
            where = f"manifest of the corpus {name}" + (f" of before, {said}" if said else "")
            if admission.state != "whole":
                yield Finding(where, admission.problem)
            else:
                yield from (Finding(where, problem) for problem in _problems(studio, admission.document, registered, stated))


def _problems(
    studio: Studio, document: Mapping[str, Any], registered: Mapping[str, Work], stated: Mapping[str, Permission]
) -> Iterator[str]:
    """What a whole manifest says that the books or the log do not."""
    log, state = studio.log_to_read(), document["log"]
    if not 0 <= state["size"] <= log.checkpoint().size or log.root_at(state["size"]).hex() != state["root"]:
        yield "the log was never as it says"
    for row in document["works"]:
        work, said = registered.get(row["work_id"]), stated.get(row["permission_id"])
        if work is None or [file.sha256 for file in work.manifestations] != row["files"]:
            yield f"the work {row['work_id']} that it admits is not registered so"
        elif said is None or said.verb != VERB or said.value not in YES:
            yield f"the yes by which it admits the work {row['work_id']} is not recorded"


def check_named(studio: Studio, receipts: Iterable[Receipt], asked: dict[tuple[str, str], bool]) -> Iterator[Finding]:
    """That manifests which receipts name are here and whole; each is told once.

    Args:
        studio: whose.
        receipts: some receipts of outputs.
        asked: what was asked before, which is added to.
    """
    for receipt in receipts:
        said = receipt.body.get("admission")
        if not isinstance(said, dict) or said.get("state") != "whole":
            continue
        key = (str(receipt.body.get("corpus_digest")), str(said.get("manifest_sha256")))
        if key not in asked:
            asked[key] = read_admission(studio, *key).state == "whole"
            if not asked[key]:
                yield Finding(
                    f"receipt {receipt.receipt_id}", f"the manifest {key[1]} of the corpus that it names is not here"
                )


def notes(studio: Studio) -> list[str]:
    """What is to be told of corpora, and is no damage; what became of single works since, `flags.notes` tells."""
    told = []
    for one in corpora(studio):
        for index in one.indexes if one.state != "whole" else ():
            told.append(f"The manifest of the corpus that index {index} was built of is {one.state}: {one.problem}.")
        if one.gate_problem:
            told.append(f"No index is built of the corpus {one.corpus_digest[:16]} as it is: {one.gate_problem}.")
    return told
