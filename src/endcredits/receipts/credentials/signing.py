"""Signing a file: the manifest is made, put in or beside a copy, read back, and only then does the copy get its name.

The original is never touched. The signed copy is written under a name ending in `.partial`, flushed to the disk, and read
back as any viewer would; the caller does what else belongs to it, such as registering its codes, and then publishes it. So a
signed file that is there is whole, valid and registered, whatever was killed and when.

A file that carries a manifest gets a new one with the old as its parent, taken along whole. Files that the output was made
from come along as ingredients with their manifests, so an opt-out in one of them is still there to be read.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from endcredits.canonical import sha256_bytes
from endcredits.durable import PARTIAL, machine_error, sync_folder
from endcredits.errors import ConflictError, InputError, IntegrityError
from endcredits.receipts.credentials.formats import SIDECAR_SUFFIX, Format, format_of
from endcredits.receipts.credentials.library import context, library, told
from endcredits.receipts.credentials.manifest import PARENT, input_id
from endcredits.receipts.credentials.reading import INVALID, NONE, TRUSTED, VALID, Reading, read, sidecar_of
from endcredits.receipts.credentials.signatory import Signatory

_REMEDIES = (
    ("type is unsupported", "Ask for a manifest beside the file with --sidecar."),
    ("StringTooLong", "Name fewer works."),
    ("ertificate", "Check the chain and its dates."),
)


@dataclass(slots=True)
class Signed:
    """A signed copy that has no name yet.

    Attributes:
        target: the name that it is to get: of the file, or of its sidecar.
        partial: where it is until then.
        manifest_sha256: of the manifest store.
        manifest_bytes: its length.
        reading: what a viewer who trusts the chain's root reads.
        published: whether it has its name.
    """

    target: Path
    partial: Path
    manifest_sha256: str
    manifest_bytes: int
    reading: Reading = field(repr=False)
    published: bool = False

    def publish(self) -> Path:
        """Gives the copy its name.

        Raises:
            ConflictError: something of that name has come to be meanwhile.
            MachineError: it could not; where only the last flush failed, the file may have its name already.
        """
        try:
            if os.path.lexists(self.target):
                raise _taken(self.target)
            os.replace(self.partial, self.target)
            self.published = True
            sync_folder(self.target.parent)
        except OSError as error:
            raise machine_error(error, self.target) from error
        return self.target


def default_target(path: Path, form: Format) -> Path:
    """`picture.signed.png` beside the file, or its sidecar `poem.txt.c2pa`."""
    return path.with_name(f"{path.stem}.signed{path.suffix}") if form.embeds else sidecar_of(path)


@contextlib.contextmanager
def signed(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    form: Format,
    definition: Mapping[str, Any],
    signatory: Signatory,
    *,
    parent: Reading | None = None,
    inputs: Sequence[Path] = (),
) -> Iterator[Signed]:
    """Signs a copy of a file, and removes what is left of it when it was not published.

    Args:
        path: the file, which stays as it is.
        target: the copy's name; the sidecar's for a format that does not embed.
        form: the file's kind.
        definition: see `manifest.definition`; made with `has_parent` and `inputs` as given here.
        signatory: who signs.
        parent: what the file carries already, as `reading.read` gave it; None or state "none" for nothing.
        inputs: files that the output was made from.

    Raises:
        ConflictError: the target is there already.
        InputError: the file cannot be signed.
        IntegrityError: what was signed does not read back as it should.
        MachineError: the disk is full, or may not be written.
    """
    source, goal = Path(path), Path(target)
    if os.path.lexists(goal):
        raise _taken(goal)
    partial = goal.with_name(f"{goal.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        with context(signatory.root_pem) as made:
            manifest = _write(source, partial, form, definition, signatory, parent, inputs, made)
            found = _read_back(source, partial, form, signatory, made)
        yield Signed(goal, partial, sha256_bytes(manifest), len(manifest), found)
    except OSError as error:
        raise machine_error(error, goal) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def _taken(target: Path) -> ConflictError:
    return ConflictError(
        "there is a file of this name already", remedy="Choose another with --out, or move it away.", file=target
    )


def _write(
    source: Path,
    partial: Path,
    form: Format,
    definition: Mapping[str, Any],
    signatory: Signatory,
    parent: Reading | None,
    inputs: Sequence[Path],
    made: Any,
) -> bytes:
    """Writes the signed copy, or the sidecar, and returns the manifest store."""
    c2pa = library("c2pa")
    told_definition = {**definition, "ingredients": list(definition.get("ingredients", ()))}
    with contextlib.ExitStack() as stack:
        stack.enter_context(told("signed", source, _REMEDIES))
        # No time stamp authority: an empty address is an error inside the library, and only None means none.
        info = c2pa.C2paSignerInfo(signatory.algorithm.encode(), signatory.chain_pem.encode(), signatory.key_pem, None)
        signer = stack.enter_context(c2pa.Signer.from_info(info))
        builder = stack.enter_context(c2pa.Builder(told_definition, context=made))
        if parent is not None and parent.state != NONE:
            _add_ingredient(builder, source, form, "parentOf", PARENT, parent)
        for number, one in enumerate(inputs):
            _add_ingredient(builder, one, format_of(one, sidecar=True), "inputTo", input_id(number), read(one))
        original = stack.enter_context(source.open("rb"))
        if form.embeds:
            with partial.open("x+b") as copy:
                manifest: bytes = builder.sign(signer, form.told, original, copy)
                copy.flush()
                os.fsync(copy.fileno())
            return manifest
        builder.set_no_embed()
        with tempfile.TemporaryFile(dir=partial.parent) as unchanged:
            manifest = builder.sign(signer, form.told, original, unchanged)
        with partial.open("xb") as beside:
            beside.write(manifest)
            beside.flush()
            os.fsync(beside.fileno())
        return manifest


def _add_ingredient(builder: Any, path: Path, form: Format, relationship: str, label: str, found: Reading) -> None:
    """Takes a file along as an ingredient, with the manifest that it carries or that lies beside it.

    Of a file with a sidecar the library would take the file alone: there the manifest is handed over by itself, with what
    validating it said.
    """
    stated: dict[str, Any] = {"title": path.name, "relationship": relationship, "label": label}
    if found.carrier not in ("", "in the file"):
        resource = f"{label}{SIDECAR_SUFFIX}"
        with Path(found.carrier).open("rb") as manifest:
            builder.add_resource(resource, manifest)
        stated |= {
            "manifest_data": {"format": "application/c2pa", "identifier": resource},
            "active_manifest": found.label,
            "validation_results": found.store.get("validation_results", {}),
        }
    with path.open("rb") as file:
        builder.add_ingredient(stated, form.told, file)


def _read_back(source: Path, partial: Path, form: Format, signatory: Signatory, made: Any) -> Reading:
    """Reads what was written; anything but the state that it must have is an error, and nothing gets its name."""
    beside = None if form.embeds else partial
    found = read(partial if form.embeds else source, sidecar=beside, form=form, within=made)
    wanted = (TRUSTED,) if signatory.root_pem else (TRUSTED, VALID)
    if found.state not in wanted or found.attribution is None:
        raise IntegrityError(
            f"what was signed reads back as {found.state} ({'; '.join(found.problems) or 'without our assertion'})",
            remedy="Nothing was kept. Check the certificate, and that the file is whole.",
            file=source,
        )
    return found


def refuse_invalid(found: Reading, path: Path) -> None:
    """A file whose manifest does not hold is not signed over: the new signature would cover what was tampered with.

    Raises:
        InputError: the manifest is invalid.
    """
    if found.state == INVALID:
        raise InputError(
            f"the file carries a manifest that does not hold ({'; '.join(found.problems)})",
            remedy="Go back to the file as it was signed, or take the manifest out knowingly.",
            file=path,
        )
