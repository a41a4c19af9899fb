"""What a rail is given, and what it gives back: a batch with its bank details in, bytes or requests out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from endcredits.payouts.bank import BankDetail
from endcredits.payouts.payers import Payer
from endcredits.payouts.payments import Batch
from endcredits.payouts.rails.latin import Rewritten, latin


@dataclass(frozen=True, slots=True)
class Order:
    """A batch that is to be sent.

    Attributes:
        batch: what.
        payer: from whom.
        banks: to where, by payment id.
        made_at: UTC time that the file names as its own; the same order makes the same bytes.
    """

    batch: Batch
    payer: Payer
    banks: Mapping[str, BankDetail]
    made_at: str


@dataclass(frozen=True, slots=True)
class RailFile:
    """A payment file.

    Attributes:
        data: its bytes, for the bank alone.
        rewritten: texts that stand in it otherwise than they were given.
    """

    data: bytes
    rewritten: tuple[Rewritten, ...] = ()


class FileRail(Protocol):
    """A pure function from an order to a file.

    It reads nothing but the order, gives the same bytes for the same order, and raises `InputError` rather than write what
    a bank would refuse or read as another amount, account or payee.
    """

    def __call__(self, order: Order) -> RailFile: ...


class Spelling:
    """Spells texts for a file and keeps what it changed."""

    def __init__(self) -> None:
        self.rewritten: list[Rewritten] = []

    def __call__(self, text: str, payment_id: str, field: str, length_max: int) -> str:
        """A text in Latin characters, cut to a length."""
        written = latin(text)
        if len(written) > length_max:
            written = written[:length_max].rstrip()
        if written != text:
            self.rewritten.append(Rewritten(payment_id, field, text, written))
        return written
