"""Peak memory of one close in a process of its own, the interpreter and its libraries included. Linux only."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from endcredits.royalties.frozen import Frozen


def peak_mb(frozen: Frozen, processes: int = 1) -> float:
    """The most memory that a fresh process held while it closed the period, in MB of 10**6 bytes.

    Args:
        frozen: the period.
        processes: for the close; the peak is that of the largest one.
    """
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "benchmarks.settlement.memory", str(frozen.folder), place, str(processes)]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(found.stdout.split()[-1])


def main() -> None:
    """Closes the period and prints the peak: `ru_maxrss` would begin with what the parent held."""
    from benchmarks.settlement.closing import DAYS, HALF
    from endcredits.royalties.columns import close_period

    folder, into, processes = sys.argv[1:]
    close_period(Frozen(Path(folder), ()), *DAYS, HALF, Path(into), processes=int(processes))
    lines = Path("/proc/self/status").read_text().splitlines()
    print(next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")))


if __name__ == "__main__":
    main()
