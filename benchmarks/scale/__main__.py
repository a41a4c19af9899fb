"""`python -m benchmarks.scale [--coordinates P] [--creators K] [--queries M] [--folder DIR] [--json]`.

Answers a large index's queries with the code that answers a small one's, over rows as long as those of a model of a billion
parameters at quarter rank (62.5 million coordinates), for as many creators as fit this machine's memory. What a query costs
is bytes over bandwidth: the figure to carry to a larger machine is seconds per byte beside that machine's own bandwidth,
which is measured in the same run. Rows lie on the disk, are mapped, and are asked warm. `docs/scale.md` has the arithmetic.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.frame import machine
from endcredits.ids import WorkId
from endcredits.influence import use_threads
from endcredits.influence.gradient.shards import Shard, credit_dots, map_shard, save_shard

PLANNED = {"creators": 10_000, "coordinates": 62_500_000}


def write_rows(folder: Path, creators: int, coordinates: int, rows: torch.dtype) -> list[Path]:
    """One shard per creator: rows this long are files of their own."""
    generator = torch.Generator().manual_seed(0)
    nothing = torch.zeros(1, 0)
    paths = []
    for number in range(creators):
        row = torch.randn(1, coordinates, generator=generator).to(rows)
        paths.append(folder / f"{str(rows).removeprefix('torch.')}-{number:05d}.safetensors")
        save_shard(paths[-1], Shard((WorkId(f"c-{number:05d}"),), (1,), row, nothing, nothing, nothing), "scale")
    return paths


def ask(paths: list[Path], coordinates: int, queries: int) -> dict[str, float]:
    """Opens all shards and asks them, query after query; seconds, bytes and bandwidth."""
    begin = time.perf_counter()
    shards = [map_shard(path, "scale") for path in paths]
    opened = time.perf_counter() - begin
    size = sum(shard.sums.nbytes for shard in shards)
    asked, read = [], []
    flat = [shard.sums.view(-1).view(torch.float32) for shard in shards]
    for number in range(queries + 1):
        query = torch.randn(coordinates, generator=torch.Generator().manual_seed(number))
        begin = time.perf_counter()
        torch.cat([credit_dots(shard, query, [0, coordinates]) for shard in shards])
        asked.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        for values in flat:
            values.sum()
        read.append(time.perf_counter() - begin)
    seconds, reading = statistics.median(asked[1:]), statistics.median(read[1:])
    per_byte = seconds / size
    planned = PLANNED["creators"] * PLANNED["coordinates"] * size / (len(paths) * coordinates)
    return {
        "open_seconds": opened,
        "bytes": size,
        "query_seconds": seconds,
        "read_gigabytes_per_second": size / reading / 1e9,
        "query_over_bandwidth": seconds / reading,
        "planned_bytes": planned,
        "planned_query_seconds_one_thread": planned * per_byte,
    }


def main() -> None:
    """Runs the simulation."""
    parser = argparse.ArgumentParser(description="The query side of a large index, scaled to this machine.")
    parser.add_argument("--coordinates", type=int, default=PLANNED["coordinates"], help="of a row")
    parser.add_argument("--creators", type=int, default=8, help="rows on this machine")
    parser.add_argument("--queries", type=int, default=5, help="queries, after one that warms up")
    parser.add_argument("--folder", type=Path, help="where to put the rows (default: the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    use_threads(1)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        for rows in (torch.float32, torch.bfloat16):
            paths = write_rows(Path(folder), asked.creators, asked.coordinates, rows)
            found[str(rows).removeprefix("torch.")] = ask(paths, asked.coordinates, asked.queries)
            for path in paths:
                path.unlink()
    facts = {"creators": asked.creators, "coordinates": asked.coordinates, "planned": PLANNED, "threads": 1}
    if asked.json:
        json.dump({"benchmark": "scale", "machine": machine(), **facts, "rows": found}, sys.stdout, indent=2)
        print()
        return
    print(f"scale  ({machine()})\n  {facts}")
    for name, values in found.items():
        print(f"  {name}")
        for key, value in values.items():
            print(f"    {key:<36}{value:>14.4g}")


if __name__ == "__main__":
    main()
