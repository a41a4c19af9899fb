"""The benchmark of the log measures what it says, at a size that takes seconds."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.proof.log import KEY, build, check, flush_alone, measure
from endcredits.receipts.log import Log


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as Linux tells it")
def test_every_figure_is_there(tmp_path: Path) -> None:
    """Adding, proofs, two sizes built and checked in processes of their own, and sizes of proofs."""
    found = measure(sizes=(300, 700), batches=1, runs=1, keep=tmp_path)

    figures = {one.name: one.value for one in found["figures"]}
    assert {"append_per_s", "append_per_cpu_s", "flush_alone_per_s", "proof_made_ms", "proof_hashing_limit_ms"} <= set(
        figures
    )
    assert {f"{step}_peak_mb_{size}" for step in ("build", "check") for size in (300, 700)} <= set(figures)
    assert Log.open(tmp_path / "700").checkpoint().size == 700
    for power, hashes in ((6, 20), (9, 30), (12, 40)):
        # A base64 line of 45 bytes a hash, and a frame that hardly depends on the size.
        assert 200 < figures[f"proof_bytes_1e{power}"] - 45 * hashes < 320


def test_the_log_that_is_measured_is_a_real_one(tmp_path: Path) -> None:
    """Building goes on where it stopped, and the check that is timed finds what is wrong."""
    build(tmp_path / "log", 20)
    build(tmp_path / "log", 30)
    check(tmp_path / "log")
    assert Log.open(tmp_path / "log", KEY).checkpoint().size == 30
    (tmp_path / "log" / "tile" / "0" / "000.p" / "30").write_bytes(bytes(30 * 32))
    with pytest.raises(AssertionError, match="tile/0"):
        check(tmp_path / "log")
    assert flush_alone(tmp_path / "alone", 1)[0] > 0


def test_the_command_answers(tmp_path: Path) -> None:
    """One step, as the benchmark calls itself."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.proof.log",
        "--step",
        "build",
        "--folder",
        str(tmp_path / "l"),
        "--sizes",
        "5",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert '"peak_mb"' in said and '"cpu_seconds"' in said
