"""What an auditor has beside a published period, each from somebody who is not the operator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from endcredits.royalties import Policy


@dataclass(frozen=True, slots=True)
class Given:
    """What an auditor has beside the pack.

    Attributes:
        vkey: the log's public key; several lines after a change of keys.
        older: checkpoints of the log, as text, that somebody kept.
        usage: the service's own report of its usage.
        policy: as it was agreed.
        before: packs of earlier periods.
        receipts: receipts that others hold, as the bytes of their files.
    """

    vkey: str
    older: tuple[str, ...] = ()
    usage: Path | None = None
    policy: Policy | None = None
    before: tuple[Path, ...] = ()
    receipts: tuple[bytes, ...] = ()
