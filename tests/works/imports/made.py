"""CWR files made for tests: real columns, invented works; every change of one is a function of its lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from endcredits.ids import validate_ipi

SENDER = "999000111"
WORLD, GERMANY, AMERICA, AUSTRIA = "2136", "0276", "0840", "0040"


def ipi(number: int) -> str:
    """A name number with its check digits."""
    for check in range(100):
        try:
            return validate_ipi(f"{number:09d}{check:02d}")
        except Exception:
            continue
    raise AssertionError(number)


def iswc(number: int) -> str:
    """A work code with its check digit."""
    digits = f"{number:09d}"
    total = 1 + sum(int(digit) * weight for weight, digit in enumerate(digits, 1))
    return f"T{digits}{(10 - total % 10) % 10}"


ADA, BEN, TARA, PRESS, SUB = ipi(1001), ipi(1002), ipi(1003), ipi(2001), ipi(2002)


def shares(*hundredths: int) -> str:
    """PR, MR and SR behind a blank society each."""
    return "".join(f"   {one:05d}" for one in hundredths)


def header(version: str = "2.1", *, characters: str = "") -> str:
    line = f"HDRPB{SENDER:<9}{'TIDE MUSIC':<45}01.10{'20260105'}{'120000'}{'20260105'}{characters:<15}"
    return line + ("2.2001" if version == "2.2" else "")


def work(title: str, number: str, code: str = "", kind: str = "NWR") -> str:
    line = f"{kind}{{n}}{title:<60}EN{number:<14}{code:<11}{'00000000'}{'':<12}POP{'000300'}Y      ORI"
    return f"{line}{'':<46}N"


def publisher(seq: int, ip: str, name: str, role: str, number: str, pr: int, mr: int, sr: int, kind: str = "SPU") -> str:
    unknown = "Y" if kind == "OPU" and not name else " "
    head = f"{kind}{{n}}{seq:02d}{ip:<9}{name:<45}{unknown}{role:<2}{'':<9}{number:<11}{'':<14}"
    return f"{head}{shares(pr, mr, sr)} N "


def publisher_place(ip: str, pr: int, mr: int, sr: int, place: str, how: str = "I") -> str:
    return f"SPT{{n}}{ip:<9}{'':<6}{pr:05d}{mr:05d}{sr:05d}{how}{place}N001"


def writer(
    ip: str, last: str, first: str, role: str, number: str, pr: int, mr: int = 0, sr: int = 0, kind: str = "SWR"
) -> str:
    unknown = "Y" if kind == "OWR" and not last else " "
    return f"{kind}{{n}}{ip:<9}{last:<45}{first:<30}{unknown}{role:<2}{'':<9}{number:<11}{shares(pr, mr, sr)} N  "


def writer_place(ip: str, pr: int, mr: int, sr: int, place: str, how: str = "I") -> str:
    return f"SWT{{n}}{ip:<9}{pr:05d}{mr:05d}{sr:05d}{how}{place}N001"


def link(ip: str, name: str, writer_ip: str) -> str:
    return f"PWR{{n}}{ip:<9}{name:<45}{'':<14}{'':<14}{writer_ip:<9}"


def title(text: str) -> str:
    return f"ALT{{n}}{text:<60}AT  "


def performer(last: str, first: str) -> str:
    return f"PER{{n}}{last:<45}{first:<30}{'':<24}"


def recording(isrc: str) -> str:
    return f"REC{{n}}20260101{'':<60}000300{'':<5}{'':<151}{isrc:<12}     "


def origin() -> str:
    return f"ORN{{n}}LIB{'':<60}"


SALT_ROAD = (
    work("THE SALT ROAD", "TM0001", iswc(345246801)),
    publisher(1, "P1", "TIDE PRESS", "E", PRESS, 2000, 5000, 5000),
    publisher(1, "S1", "NORTH SUB", "SE", SUB, 0, 0, 0),
    publisher_place("S1", 2000, 5000, 5000, GERMANY),
    publisher_place("S1", 2000, 5000, 5000, AUSTRIA),
    writer("W1", "QUILL", "ADA", "CA", ADA, 6000, 3000, 3000),
    writer_place("W1", 6000, 3000, 3000, WORLD),
    link("P1", "TIDE PRESS", "W1"),
    writer("W2", "LIN", "TARA", "TR", TARA, 2000, 2000, 2000),
    writer_place("W2", 2000, 2000, 2000, WORLD),
    title("DIE SALZSTRASSE"),
    performer("HORN", "UNA"),
    recording("GBEMI0300013"),
    origin(),
)
"""A work with a sub-publisher in two countries; nobody collects the publisher's part elsewhere."""

LAMP_SONG = (
    work("LAMP SONG", "TM0002"),
    writer("W3", "MARL", "BEN", "C", BEN, 5000, 5000, 5000, kind="OWR"),
    writer("", "", "", "A", "", 5000, 5000, 5000, kind="OWR"),
)
"""A work of which one writer is not known."""


TWO_CHAINS = (
    work("TWO CHAINS", "TM0003"),
    publisher(1, "P1", "TIDE PRESS", "E", PRESS, 2500, 2500, 2500),
    publisher_place("P1", 2500, 2500, 2500, WORLD),
    publisher(2, "P1", "TIDE PRESS", "E", PRESS, 2500, 2500, 2500),
    publisher_place("P1", 2500, 2500, 2500, WORLD),
    writer("W1", "QUILL", "ADA", "CA", ADA, 2500, 2500, 2500),
    writer_place("W1", 2500, 2500, 2500, WORLD),
    writer("W1", "QUILL", "ADA", "CA", ADA, 2500, 2500, 2500, kind="OWR"),
)
"""A work with one publisher for both of its halves, and a writer of whom one half is the sender's and one is not."""


def file_of(*works: Sequence[str], version: str = "2.1", kind: str = "NWR", characters: str = "") -> list[str]:
    """The lines of a file with one group of works."""
    lines = [header(version, characters=characters), f"GRH{kind}00001{'02.20' if version == '2.2' else '02.10'}0000000000  "]
    for number, records in enumerate(works):
        lines += [record.replace("{n}", f"{number:08d}{place:08d}") for place, record in enumerate(records)]
    lines.append(f"GRT00001{len(works):08d}{len(lines):08d}   0000000000")
    return [*lines, f"TRL00001{len(works):08d}{len(lines) + 1:08d}"]


def written(path: Path, lines: Iterable[str], encoding: str = "utf-8", end: str = "\r\n") -> Path:
    path.write_bytes(end.join(lines).encode(encoding) + end.encode())
    return path
