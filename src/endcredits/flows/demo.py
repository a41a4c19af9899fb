"""The whole walk on real works: the open-source packages of this very environment, and the people who made them.

Works are the installed distributions, background is Python's standard library. They go through the gate
(`admitting`): what their files say is read first, a licence with conditions waits for a person, and a manifest is
signed. A tiny language model learns the background (base) and then the admitted works (full), says some dozens of
things, each of which is attributed, earns a little money, and is paid for; what is owed then goes out through a bank
that is made up (`demo_payout`). Some files of every package are held out: passages from them test whether credit goes
to the package that they belong to, which the model has never seen them in.

Everything but signatures and salts is decided by the environment and the seed, so a second run finds all of it done. The
demo plays in January 2026; its payments are of the day on which it runs.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from endcredits import durable, influence
from endcredits.attribution import Attribution, attribution_of
from endcredits.canonical import canonical_bytes, digest, sha256_bytes
from endcredits.errors import ConflictError, InputError
from endcredits.flows import admitting, attributing, catalogue, checking, indexing, pairs, periods, reporting
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.demo_payout import DemoPayout, pay_out
from endcredits.flows.indexing import OpenIndex
from endcredits.flows.sources import from_submissions
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.ids import WorkId
from endcredits.progress import Progress, silent
from endcredits.receipts import Verdict, verify_receipt
from endcredits.royalties import make_event
from endcredits.store import Finding
from endcredits.works import Decision, DistributionWork, SkippedDistribution, Work, read_distributions

MARK = ".endcredits-demo"
PERIOD = "2026-01"
REGISTERED_AT = "2026-01-01T00:00:00Z"
WORK_BYTES = 12_000
BACKGROUND_BYTES = 1_200_000
BACKGROUND_FILE_BYTES = 20_000
OUTPUTS_UNPROMPTED = 24
OUTPUTS_PROMPTED = 24
OUTPUT_TOKENS = 128
PROMPT_BYTES = 48
PASSAGE_BYTES = 1024
SEED = 2026

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HeldOutTest:
    """Does credit find the package that an unseen passage comes from?

    Attributes:
        passages: one per admitted work that has held-out files.
        first: how many were credited most to their own work.
        among_three: how many had their own work among the first three.
        works: works to choose from; chance finds one in so many.
    """

    passages: int
    first: int
    among_three: int
    works: int


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo did.

    Attributes:
        studio: the studio, open.
        admitted: works that were trained on.
        refused: works that were not, with the decision.
        waiting: how many of those wait for a person, such as for conditions to be accepted; the others are denied.
        manifest_sha256: of the signed manifest of the corpus.
        skipped: distributions without source of their own.
        index: the influence index.
        outputs: what the model made.
        attributions: one per output, in the same order.
        held_out: the test on unseen passages.
        period: the closed period.
        payout: what was paid of it, to accounts that are made up.
        verdicts: one per receipt.
        findings: of the check of everything.
        seconds: per stage.
    """

    studio: Studio
    admitted: tuple[Work, ...]
    refused: tuple[tuple[Work, Decision], ...]
    waiting: int
    manifest_sha256: str
    skipped: tuple[SkippedDistribution, ...]
    index: OpenIndex
    outputs: tuple[GivenOutput, ...]
    attributions: tuple[Attribution, ...]
    held_out: HeldOutTest
    period: periods.ClosedPeriod
    payout: DemoPayout
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    seconds: dict[str, float]


def run_demo(path: str | Path, cache: str | Path, *, progress: Progress = silent) -> DemoResult:
    """Runs the demo, or finds it done.

    Args:
        path: the demo's studio; a demo of another environment in the same place is replaced.
        cache: where trained models are kept.
        progress: told about every stage.

    Raises:
        ConflictError: the folder is somebody's own.
        InputError: the environment has no work with a licence that permits training.
    """
    _must_be_free(Path(path))
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        begin = time.perf_counter()
        progress(name, 0, 1)
        result = work()
        progress(name, 1, 1)
        seconds[name] = round(time.perf_counter() - begin, 3)
        return result

    found, skipped = timed("works", lambda: read_distributions(max_bytes_per_work=WORK_BYTES))
    background = timed("background", standard_library)
    studio = _studio(Path(path), _key(found, background))
    packages = from_submissions("installed packages", [work.submission for work in found])
    gate = timed("gate", lambda: admitting.admit(studio, [packages], at=REGISTERED_AT, progress=progress))
    corpus = catalogue.corpus(studio)
    if not corpus.admitted:
        raise InputError("no installed package has a licence that permits training", field="works")
    texts = [text for _, text in corpus.texts()]
    base, full = timed("model", lambda: influence.train_tiny(Path(cache), background, texts, progress=progress))
    source = pairs.folders(base, full)
    index = timed("index", lambda: indexing.build(studio, source, corpus, progress=progress))
    held_out = _held_out(found, corpus.admitted)
    outputs = timed("outputs", lambda: _outputs(index, held_out, progress))
    attributions = timed("attribution", lambda: attributing.attribute(studio, index, outputs, progress=progress))
    test = timed("held-out test", lambda: _test_held_out(index, held_out, progress))
    period = timed("period", lambda: _earn_and_close(studio, attributions))
    payout = timed("payout", lambda: pay_out(studio, period.statements))
    verdicts = timed("verification", lambda: verify_all(studio))
    findings = timed("check", lambda: checking.check_studio(studio, progress))
    return DemoResult(
        studio,
        corpus.admitted,
        corpus.refused,
        len(gate.having(admitting.WAITING)),
        gate.admission.digest,
        tuple(skipped),
        index,
        tuple(outputs),
        tuple(attributions),
        test,
        period,
        payout,
        tuple(verdicts),
        tuple(findings),
        seconds,
    )


def standard_library() -> list[bytes]:
    """The base model's diet: files of Python's standard library, drawn by the digest of their names."""
    root = Path(sysconfig.get_paths()["stdlib"])
    outside = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "__pycache__"}
    files = [
        path
        for path in root.rglob("*.py")
        if not outside & set(path.relative_to(root).parts) and path.stat().st_size > 1_000
    ]
    texts: list[bytes] = []
    size = 0
    for path in sorted(files, key=lambda path: sha256_bytes(path.relative_to(root).as_posix().encode())):
        text = path.read_bytes()[:BACKGROUND_FILE_BYTES]
        texts.append(text)
        size += len(text)
        if size >= BACKGROUND_BYTES:
            break
    return texts


def _key(found: Sequence[DistributionWork], background: Sequence[bytes]) -> str:
    """What this demo is a demo of: another environment, version or number of threads is another demo."""
    works = [[work.submission.work_id, [sha256_bytes(data) for _, _, data in work.submission.content]] for work in found]
    sizes = [OUTPUTS_UNPROMPTED, OUTPUTS_PROMPTED, OUTPUT_TOKENS, PROMPT_BYTES, PASSAGE_BYTES]
    facts = influence.build_environment()
    return digest([works, [sha256_bytes(text) for text in background], sys.version, SEED, sizes, facts])


def _must_be_free(path: Path) -> None:
    """Refuses what somebody else put there, before anybody waits for works to be read."""
    if not (path / MARK).exists() and path.exists() and any(path.iterdir()):
        raise ConflictError(
            "this folder is not a demo's studio, so it is left alone", remedy="Choose another with --studio.", file=path
        )


def _studio(path: Path, key: str) -> Studio:
    mark = path / MARK
    if mark.exists():
        if (path / "studio.toml").exists() and mark.read_text() == key:
            return open_studio(path)
        shutil.rmtree(path)  # ours: the mark says so
    studio = init_studio(path, name="endcredits demo")
    durable.write_atomic(mark, key.encode())
    return studio


def _held_out(found: Sequence[DistributionWork], admitted: Sequence[Work]) -> dict[WorkId, bytes]:
    """One passage of unseen text per admitted work, from the middle of a held-out file."""
    ids = {work.work_id for work in admitted}
    passages: dict[WorkId, bytes] = {}
    for work in found:
        work_id = WorkId(work.submission.work_id)
        if work_id not in ids or not work.held_out:
            continue
        text = max((data for _, data in work.held_out), key=len)
        start = max(0, len(text) - PASSAGE_BYTES) // 2
        passages[work_id] = text[start : start + PASSAGE_BYTES]
    return passages


def _outputs(index: OpenIndex, passages: dict[WorkId, bytes], progress: Progress) -> list[GivenOutput]:
    """What the model says, half of it after the beginning of a passage that it has never seen."""
    chosen = sorted(passages.values(), key=sha256_bytes)[:OUTPUTS_PROMPTED]
    prompts = [b""] * OUTPUTS_UNPROMPTED + [passage[:PROMPT_BYTES] for passage in chosen]
    drawn = influence.sample_outputs(
        index.pair,  # type: ignore[arg-type]
        prompts,
        tokens=OUTPUT_TOKENS - PROMPT_BYTES,
        seed=SEED,
        progress=progress,
    )
    return [GivenOutput(output.text, output.prompt, f"output {n}") for n, output in enumerate(drawn, 1)]


def _test_held_out(index: OpenIndex, passages: dict[WorkId, bytes], progress: Progress) -> HeldOutTest:
    """Attributes unseen passages without recording them: they are a test, not outputs."""
    stored = index.folder / "held-out.json"
    first = among_three = 0
    if stored.exists():
        document = json.loads(stored.read_bytes())
        return HeldOutTest(**document)
    for number, (work_id, passage) in enumerate(sorted(passages.items()), 1):
        (credits,) = index.index.attribute([index.pair.output(passage)])
        ranked = attribution_of(credits, output=passage, method=index.index.method, index_digest=index.index.digest).lines
        first += ranked[0].work_id == work_id
        among_three += work_id in [line.work_id for line in ranked[:3]]
        progress("held-out test", number, len(passages))
    result = HeldOutTest(len(passages), first, among_three, len(index.index.work_ids))
    durable.write_atomic(stored, canonical_bytes(result))
    return result


def _earn_and_close(studio: Studio, attributions: Sequence[Attribution]) -> periods.ClosedPeriod:
    """Every output earns between 0.50 and 50.00 USD, drawn by its digest, and January closes fifty-fifty."""
    events = []
    for number, attribution in enumerate(attributions):
        cents = 50 + int(hashlib.sha256(attribution.output_id.encode()).hexdigest(), 16) % 4951
        used_at = f"2026-01-{1 + number % 31:02d}T12:00:00Z"
        events.append(make_event(f"demo-{number + 1:03d}", attribution.output_id, used_at, cents * 10_000, "USD", "demo"))
    reporting.report(studio, events)
    return periods.close(studio, PERIOD)


def verify_all(studio: Studio) -> list[Verdict]:
    """Has the offline verifier look at every receipt file."""
    vkey = studio.vkey_file.read_text().strip()
    return [verify_receipt(path.read_bytes(), vkey) for path in sorted(studio.receipts.glob("*.json"))]
