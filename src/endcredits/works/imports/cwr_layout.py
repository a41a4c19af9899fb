"""Where the fields of a CWR line stand (Common Works Registration 2.1 and 2.2, CISAC): fixed columns, counted from 1.

Records of version 2.2 that we read have the same columns; what it adds stands behind them. A line may be shorter than its
layout, since trailing blanks are often cut; it may not be shorter than its last required field.
"""

from __future__ import annotations

from collections.abc import Mapping

Columns = Mapping[str, tuple[int, int]]
"""Field -> first column, number of columns."""


def _publisher() -> Columns:
    return {
        "sequence": (20, 2),
        "ip": (22, 9),
        "name": (31, 45),
        "unknown": (76, 1),
        "type": (77, 2),
        "ipi": (88, 11),
        "PR": (116, 5),
        "MR": (124, 5),
        "SR": (132, 5),
    }


def _writer() -> Columns:
    return {
        "ip": (20, 9),
        "last_name": (29, 45),
        "first_name": (74, 30),
        "unknown": (104, 1),
        "type": (105, 2),
        "ipi": (116, 11),
        "PR": (130, 5),
        "MR": (138, 5),
        "SR": (146, 5),
    }


def _work() -> Columns:
    return {"title": (20, 60), "language": (80, 2), "number": (82, 14), "iswc": (96, 11)}


LAYOUTS: Mapping[str, Columns] = {
    "HDR": {"sender_type": (4, 2), "sender": (6, 9), "sender_name": (15, 45), "edition": (60, 5), "characters": (87, 15)},
    "GRH": {"kind": (4, 3), "group": (7, 5), "version": (12, 5)},
    "GRT": {"group": (4, 5), "transactions": (9, 8), "records": (17, 8)},
    "TRL": {"groups": (4, 5), "transactions": (9, 8), "records": (17, 8)},
    "NWR": _work(),
    "REV": _work(),
    "SPU": _publisher(),
    "OPU": _publisher(),
    "SPT": {"ip": (20, 9), "PR": (35, 5), "MR": (40, 5), "SR": (45, 5), "with": (50, 1), "place": (51, 4)},
    "SWR": _writer(),
    "OWR": _writer(),
    "SWT": {"ip": (20, 9), "PR": (29, 5), "MR": (34, 5), "SR": (39, 5), "with": (44, 1), "place": (45, 4)},
    "PWR": {"publisher": (20, 9), "publisher_name": (29, 45), "writer": (102, 9)},
    "ALT": {"title": (20, 60), "kind": (80, 2)},
    "PER": {"last_name": (20, 45), "first_name": (65, 30), "ipi": (95, 11)},
    "REC": {"isrc": (250, 12)},
}
"""The records that are read, by type."""

OTHERS = frozenset(
    [
        "NPN",
        "NPR",
        "NPA",
        "NPW",
        "NET",
        "NCT",
        "NVT",
        "NOW",
        "NAT",
        "EWT",
        "VER",
        "COM",
        "IND",
        "INS",
        "ORN",
        "ARI",
        "XRF",
        "MSG",
        "OPT",
        "OWT",
        "TER",
        "IPA",
        "ISW",
        "EXC",
        "ACK",
        "AGR",
    ]
)
"""Types that CWR has and that say nothing about who is paid what of a work; they are counted and told."""

LENGTH_MIN: Mapping[str, int] = {
    "HDR": 64,
    "GRH": 16,
    "GRT": 24,
    "TRL": 24,
    "NWR": 95,
    "REV": 95,
    "SPU": 78,
    "OPU": 30,
    "SPT": 54,
    "SWR": 106,
    "OWR": 28,
    "SWT": 48,
    "PWR": 28,
    "ALT": 20,
    "PER": 20,
    "REC": 19,
}
"""How long a line is at least, by type."""


def fields_of(line: str) -> dict[str, str]:
    """The fields of a line, without the blanks around them.

    >>> fields_of("GRT000010000000200000012")["records"]
    '00000012'
    """
    layout = LAYOUTS[line[:3]]
    return {name: line[first - 1 : first - 1 + length].strip() for name, (first, length) in layout.items()}


def numbers_of(line: str) -> tuple[int, int] | None:
    """(transaction, record) as a line numbers itself; None where these are no numbers."""
    first, second = line[3:11].strip(), line[11:19].strip()
    return (int(first), int(second)) if _is_number(first) and _is_number(second) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def count_of(text: str) -> int:
    """A count; -1 where it is none."""
    return int(text) if _is_number(text) else -1
