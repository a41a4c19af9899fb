"""What the receipt of an output says, and whether one says what the books say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.attribution import Attribution, document_of
from endcredits.canonical import canonical_bytes, digest, to_plain
from endcredits.flows.index_files import IndexFacts
from endcredits.receipts import Log, Receipt, load_lines
from endcredits.receipts.lines import COUNT, ROOT, lines_path


@dataclass(frozen=True, slots=True)
class Stands:
    """Where the log stood when outputs were attributed: what was permitted then was stated before it.

    Attributes:
        size: number of entries.
        root: of the log then, 64 hex digits.
        train_index: position of the entry about the models; -1 where there is none.
        admission: state and digest of the manifest of the corpus that the models learnt from, as it was found then; None for
            receipts of a time that did not look.
    """

    size: int
    root: str
    train_index: int = -1
    admission: Mapping[str, str] | None = None

    @classmethod
    def of(cls, log: Log) -> Stands:
        """Where a log stands now."""
        now_stands = log.checkpoint()
        return cls(now_stands.size, now_stands.root)


def output_body(attribution: Attribution, index: IndexFacts, stands: Stands) -> dict[str, Any]:
    """What an output's receipt says: everything of its attribution but the lines, which are committed to one by one.

    The models, the corpus with the state of its manifest, the code with its settings and seed, and how far the log reached
    stand beside it, so that an auditor with the models can measure the output again, and see what was permitted at the time.
    """
    document = document_of(attribution)
    facts = index.facts
    name, _, version = attribution.method.partition("/")
    model = {name: facts[name] for name in ("base_sha256", "full_sha256")}
    return {
        "output_id": attribution.output_id,
        "output": {
            "bytes": attribution.output_bytes,
            "sha256": attribution.output_sha256,
            "prompt_sha256": attribution.prompt_sha256,
        },
        "index_digest": attribution.index_digest,
        "model": {
            **model,
            "train_index": stands.train_index,
            **({} if stands.train_index >= 0 else {"manifest": "missing"}),
        },
        "corpus_digest": index.corpus_digest,
        **({} if stands.admission is None else {"admission": stands.admission}),
        "catalogue_digest": index.catalogue_digest,
        "method": {
            "id": name,
            "version": version,
            "code_sha256": facts["code_sha256"],
            "params_sha256": digest(facts["settings"]),
            "seed": facts["settings"]["seed"],
        },
        "calibration": {"digest": attribution.calibration_digest, "method": attribution.calibration_method},
        "reliability_ppb": attribution.reliability_ppb,
        "permissions": {"size": stands.size, "root": stands.root},
        "log_ratio_nanonats": attribution.log_ratio_nanonats,
        "credit_sum_nanonats": attribution.credit_sum_nanonats,
        "gap_nanonats": attribution.gap_nanonats,
        # Standard errors may hang together in any way: that of the sum is never larger than their sum.
        "error_bound_nanonats": sum(line.error_nanonats for line in attribution.lines),
        "unattributed_ppb": attribution.unattributed_ppb,
        "attribution_sha256": digest(document),
    }


def output_problem(receipt: Receipt, attribution: Attribution, index: IndexFacts, log: Log, folder: Path) -> str:
    """Why an output's receipt does not say what the books say of it; "" when it does.

    What it says of the log is held against the log: how far it reached, and what the entry about the models is.
    """
    size, root, train_index, admission = _stated(receipt.body)
    if not 0 <= size <= receipt.proof.leaf_index or log.root_at(size).hex() != root:
        return "the log was never as it says that it was when the output was attributed"
    if not -1 <= train_index < receipt.proof.leaf_index:
        return "its entry about the models stands after itself"
    expected = to_plain(output_body(attribution, index, Stands(size, root, train_index, admission)))
    stated = {name: value for name, value in receipt.body.items() if name not in (COUNT, ROOT)}
    if receipt.type != "run.receipt" or set(stated) != set(expected):
        return "the books say something else about it"
    for key in expected:
        if canonical_bytes(stated[key]) != canonical_bytes(expected[key]):
            return f"the books say something else about its {key.replace('_', ' ')}"
    lines = document_of(attribution)["lines"]
    kept = load_lines(lines_path(folder, receipt.receipt_id), receipt.receipt_id)
    same = [
        one.line is None or canonical_bytes(one.line) == canonical_bytes(line)
        for one, line in zip(kept, lines, strict=False)
    ]
    if len(kept) != len(lines) or not all(same):
        return "the books say something else about its lines"
    return ""


def _stated(body: Mapping[str, Any]) -> tuple[int, str, int, dict[str, str] | None]:
    """What a receipt says of the log and of the corpus's manifest; -2 where it says nothing that can be read."""
    stated, model = body.get("permissions"), body.get("model")
    size = stated.get("size") if isinstance(stated, dict) else None
    root = stated.get("root") if isinstance(stated, dict) else None
    train_index = model.get("train_index") if isinstance(model, dict) else None
    return (
        size if type(size) is int else -2,
        root if isinstance(root, str) else "",
        train_index if type(train_index) is int else -2,
        _admission(body.get("admission")) if "admission" in body else None,
    )


def _admission(stated: Any) -> dict[str, str]:
    """What a receipt says of the manifest, where it says it rightly; whether that manifest is here, another check asks."""
    found = stated if isinstance(stated, dict) else {}
    state, said = found.get("state"), found.get("manifest_sha256")
    whole = state == "whole" and isinstance(said, str) and re.fullmatch("[0-9a-f]{64}", said) is not None
    return {
        "state": str(state) if whole or state in ("missing", "broken") else "?",
        "manifest_sha256": str(said) if whole else "",
    }
