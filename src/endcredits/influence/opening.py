"""Opening and checking an index without knowing beforehand which tier built it: the manifest's method says so.

A response index may carry a curvature index in a folder of its own; who checks the one checks the other, and that they
were built together. Importing this module does not import torch, and checking never does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from endcredits.errors import ConflictError, EndcreditsError
from endcredits.influence.gradient.manifest import CURVATURE, MANIFEST_FILE, RESPONSE, read_manifest
from endcredits.influence.gradient.manifest import check_index as check_files

if TYPE_CHECKING:
    from torch import nn

    from endcredits.influence.gradient.index import InfluenceIndex
    from endcredits.influence.task import Task


def open_index(folder: str | Path, *, base: nn.Module, full: nn.Module, task: Task) -> InfluenceIndex:
    """Opens a finished index of any tier for the models it was built from.

    Args:
        folder: where it lives.
        base: the model before the works.
        full: the model after them.
        task: how outputs are measured.

    Raises:
        NotFoundError: there is no finished index in the folder.
        InputError: the models or the task are not those of the index.
        ConflictError: the index was built by another version of this code, or by a method that this version does not know.
        IntegrityError: a file is missing or damaged.
    """
    place = Path(folder)
    method = read_manifest(place)[0].method
    tier = method.partition("/")[0]
    if tier == CURVATURE:
        from endcredits.influence.gradient.index import CurvatureIndex

        return CurvatureIndex.open(place, base=base, full=full, task=task)
    if tier == RESPONSE:
        from endcredits.influence.response.index import ResponseIndex

        return ResponseIndex.open(place, base=base, full=full, task=task)
    raise ConflictError(
        f"this index measures by '{method}', which this version of endcredits does not know",
        remedy="Use the version of endcredits that built it, or build the index again.",
        file=place / MANIFEST_FILE,
        field="method",
    )


def check_index(folder: str | Path) -> list[str]:
    """Re-verifies every byte of an index's files without models, the curvature index beside responses included.

    Returns:
        What is wrong with each file, in words; empty when all is as it was built.
    """
    place = Path(folder)
    problems = check_files(place)
    try:
        facts = read_manifest(place)[0].facts
    except EndcreditsError:
        return problems  # which say so
    expected = facts.get("curvature_index", "")
    if not expected:
        return problems
    # The curvature tier stands beside the responses; see `response.index.CURVATURE_FOLDER`, which a test holds against this.
    beside = place / "curvature"
    problems += check_files(beside)
    try:
        found = read_manifest(beside)[1]
    except EndcreditsError:
        return problems
    if found != expected:
        problems.append(f"{beside}: this is another curvature index than the responses were built with")
    return problems
