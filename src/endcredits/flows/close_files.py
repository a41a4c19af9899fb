"""The files of a close, to the byte: named with their digests when a close is computed, and compared ever after.

Tables carry digests over their values, which hold whatever library packs them. A file also has bytes that are no values
(statistics, the library's name), and a reader may trust those. So the step that computes a close states the SHA-256 of every
file in its folder; approving looks at them once more, and `check` does for as long as the folder stands, also where a
proposal was withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from endcredits.canonical import sha256_file
from endcredits.errors import IntegrityError, NotFoundError
from endcredits.flows.studio import Studio
from endcredits.royalties import Step, standing
from endcredits.royalties.adjustments import ADJUSTED_FOLDER, CLOSE, name_of
from endcredits.royalties.freeze import FACTS
from endcredits.royalties.frozen import SCHEMAS
from endcredits.royalties.lines import LINES, WORK_LINES

FILES = (
    CLOSE,
    f"{LINES}.parquet",
    f"{WORK_LINES}.parquet",
    f"frozen/{FACTS}",
    *(f"frozen/{name}.parquet" for name in SCHEMAS),
)
"""What every close's folder holds, as paths within it; those of adjusted periods come to it."""

TWIN_CREDITS_MAX = 300_000
"""Credit rows up to which the simple twin computes the whole close again; above, it computes a sample of works."""


def close_folder(studio: Studio, proposed: Step) -> Path:
    """Where a proposed close lies; two periods and two proposals never share a folder."""
    return studio.path / "periods" / period_name(proposed.period_id) / f"close-{proposed.number}"


def proposed_step(steps: tuple[Step, ...]) -> Step:
    """The step that proposed a close which is computed or posted.

    Raises:
        NotFoundError: none is proposed.
    """
    found = standing(steps, "proposed")
    if found is None:
        raise NotFoundError("no close of the period is proposed", remedy="Propose it: endcredits period propose.")
    return found


def period_name(period_id: str) -> str:
    """A period's name in paths."""
    return name_of(period_id)


def digests_of_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a computed close, by its path within the folder.

    Raises:
        MachineError: one cannot be read.
    """
    adjusted = (path for path in (folder / ADJUSTED_FOLDER).rglob("*") if path.suffix in (".json", ".parquet"))
    names = [*FILES, *sorted(path.relative_to(folder).as_posix() for path in adjusted)]
    return {name: sha256_file(folder / name) for name in names}


def changed_files(folder: Path, computed: Step) -> Iterator[tuple[Path, str]]:
    """Files that are not what they were when the close was computed, with what is wrong.

    Args:
        folder: of the close.
        computed: the step that states the digests.
    """
    stated = computed.facts["files"]
    for name in dict.fromkeys([*FILES, *stated]):
        path = folder / name
        if not path.exists():
            yield path, "it is missing"
        elif stated.get(name) != sha256_file(path):
            yield path, "it is not what it was when the close was computed"


def must_be_unchanged(folder: Path, computed: Step) -> None:
    """Refuses a folder that is not what was computed.

    Raises:
        IntegrityError: naming the first file that differs.
    """
    for path, problem in changed_files(folder, computed):
        raise IntegrityError(problem, remedy="Restore it from your last copy.", file=path)


def computed_closes(steps: Iterable[Step]) -> Iterator[tuple[Step, Step]]:
    """Every close of a period that was ever computed: the step that proposed it and the one that computed it."""
    proposed: Step | None = None
    for step in steps:
        if step.step == "proposed":
            proposed = step
        elif step.step == "computed" and proposed is not None:
            yield proposed, step
