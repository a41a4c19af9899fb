"""The part of a frozen period that says what outputs drew on: their signed credits and shares, by output and work."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring

from endcredits.attribution import Attribution, Line
from endcredits.errors import InputError
from endcredits.ids import OutputId
from endcredits.royalties.copies import without_copies
from endcredits.royalties.freeze_catalogue import Catalogue
from endcredits.royalties.freeze_writing import Tables
from endcredits.royalties.shares import signed_shares

NEVER_MEASURED = -1
"""The reliability of an attribution that nobody measured."""


def attribution_digest(attribution: Attribution) -> str:
    """The digest of an attribution's document: that of `canonical.digest(document_of(attribution))`, many times as fast.

    Its keys are ASCII and known beforehand, its numbers integers within 2**53, and Python escapes a text without making it
    ASCII just as RFC 8785 does; so the canonical text can be written down at once. The test compares the two, with all
    that `document_of` leaves out.
    """
    names = [name for name in _FIELDS if attribution.calibration_method or name not in _OF_CALIBRATION]
    lines = ",".join([_line(line) for line in attribution.lines])
    fields = {name: f"[{lines}]" if name == "lines" else _spelt(getattr(attribution, name)) for name in names}
    text = "{" + ",".join([f'"{name}":{value}' for name, value in fields.items()]) + "}"
    return hashlib.sha256(text.encode()).hexdigest()


_FIELDS = sorted(Attribution.__slots__)
_OF_CALIBRATION = ("calibration_digest", "calibration_method", "reliability_ppb")


def _spelt(value: str | int | None) -> str:
    return encode_basestring(value) if isinstance(value, str) else "null" if value is None else str(value)


def _line(line: Line) -> str:
    raw = ""
    if line.raw_credit_nanonats is not None:
        raw = f'"raw_credit_nanonats":{line.raw_credit_nanonats},"raw_error_nanonats":{_spelt(line.raw_error_nanonats)},'
    return (
        f'{{"credit_nanonats":{line.credit_nanonats},"error_nanonats":{line.error_nanonats},"rank":{line.rank},{raw}'
        f'"share_ppb":{line.share_ppb},"work_id":{encode_basestring(line.work_id)}}}'
    )


def write_outputs(
    tables: Tables,
    start: int,
    ids: Sequence[OutputId],
    attributions: Mapping[OutputId, Attribution],
    catalogue: Catalogue,
) -> None:
    """Writes some outputs and what they credit.

    Args:
        tables: the open tables.
        start: row number of the first of them.
        ids: the outputs, in order.
        attributions: of them.
        catalogue: where the works stand.

    Raises:
        InputError: an output without attribution, or a credited work that is not registered.
    """
    found = []
    credits: list[tuple[int, int, int, int, int]] = []
    for number, output_id in enumerate(ids, start):
        attribution = attributions.get(output_id)
        if attribution is None:
            raise InputError(
                f"the output '{output_id}' was used and was never attributed",
                remedy="Attribute it (endcredits attribute), then freeze again.",
                field="output_id",
            )
        found.append(attribution)
        paid = without_copies(attribution, catalogue.cluster_of, catalogue.registered_at)
        shares = signed_shares(paid)
        lines = [
            (
                number,
                catalogue.row(line.work_id, f"the output '{output_id}' credits"),
                shares[line.work_id],
                line.credit_nanonats,
                line.error_nanonats,
            )
            for line in paid.lines
            if line.credit_nanonats
        ]
        credits += sorted(lines)
    tables.add(
        "outputs",
        [str(one) for one in ids],
        [attribution_digest(one) for one in found],
        [one.log_ratio_nanonats for one in found],
        [NEVER_MEASURED if one.reliability_ppb is None else one.reliability_ppb for one in found],
    )
    if credits:
        tables.add("credits", *(list(column) for column in zip(*credits, strict=True)))
