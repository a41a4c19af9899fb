"""An index's folder belongs to one build, and answers for the models and the code that it was built with.

`build.json` is written before anything else and says what is being built: the same build continues, another is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from endcredits.canonical import canonical_bytes, sha256_bytes
from endcredits.durable import PARTIAL, write_atomic
from endcredits.errors import ConflictError, InputError
from endcredits.influence.gradient.fingerprint import code_digest
from endcredits.influence.gradient.manifest import BUILD_FILE, MANIFEST_FILE, IndexManifest, read_manifest
from endcredits.influence.gradient.midpoint import model_digest
from endcredits.influence.task import Task


def claim_folder(place: Path, facts: Mapping[str, Any]) -> str:
    """Claims a folder for one build and returns the build's key, the digest of what is being built.

    Raises:
        ConflictError: the folder holds the build of something else; names what differs.
    """
    data = canonical_bytes(facts) + b"\n"
    path = place / BUILD_FILE
    if path.exists() and path.read_bytes() != data:
        raise ConflictError(
            f"the folder holds an index of something else ({_difference(path, facts)} differ)",
            remedy="Choose another folder, or delete this one if you no longer need it.",
            file=place,
        )
    if not path.exists():
        write_atomic(path, data)
    for partial in place.glob(f"*{PARTIAL}"):
        partial.unlink()
    return sha256_bytes(data)


def check_whole(place: Path) -> None:
    """Refuses to take an index whose works have changed since for the one that was built.

    Raises:
        ConflictError: works were added or taken down.
    """
    manifest = read_manifest(place)[0]
    if manifest.parent:
        taken = f" ('{manifest.taken_down[0]}', {len(manifest.taken_down)} in all)" if manifest.taken_down else ""
        raise ConflictError(
            f"works were {'taken down from' if taken else 'added to'} this index since it was built{taken}",
            remedy="Open it as it is, or build in another folder.",
            file=place,
        )


def _difference(path: Path, facts: Mapping[str, Any]) -> str:
    try:
        held = json.loads(path.read_bytes())
        names = [name for name in facts if held.get(name) != facts[name]]
    except (ValueError, AttributeError):
        return f"{path.name} is damaged; its contents"
    return ", ".join(names) or "their spelling"


def check_fits(folder: Path, manifest: IndexManifest, *, base: nn.Module, full: nn.Module, task: Task) -> None:
    """Refuses models, a task or a version of the code that an index was not built with.

    Raises:
        InputError: the models or the task are others.
        ConflictError: the code is another.
    """
    for name, model in (("base", base), ("full", full)):
        if model_digest(model) != manifest.facts[f"{name}_sha256"]:
            raise InputError(
                f"this index belongs to another {name} model",
                remedy="Open it with the models it was built from, or build an index for this model.",
                file=folder / MANIFEST_FILE,
                field=f"{name}_sha256",
            )
    if task.name != manifest.facts["task"]:
        raise InputError(
            f"this index was built for the task '{manifest.facts['task']}', not '{task.name}'",
            remedy="Use the same task.",
            file=folder / MANIFEST_FILE,
            field="task",
        )
    if code_digest() != manifest.facts["code_sha256"]:
        raise ConflictError(
            "this index was built by other code than would now answer, and receipts name the code",
            remedy="Build the index again, or use the version of endcredits that built it.",
            file=folder / MANIFEST_FILE,
            field="code_sha256",
        )
