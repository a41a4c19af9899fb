"""A model that the log tells of is never forgotten, whatever files are gone."""

from __future__ import annotations

from pathlib import Path

from endcredits.canonical import canonical_bytes
from endcredits.flows.clock import now
from endcredits.flows.fact_files import add_facts, fact_line, make_fact
from endcredits.flows.studio import init_studio
from endcredits.flows.trained_on_models import read_models


def test_a_model_whose_facts_are_gone_erased_or_others_is_named(tmp_path: Path) -> None:
    studio = init_studio(tmp_path / "studio")
    assert read_models(studio).unread == ()
    body = {"index_digest": "1" * 64, "corpus_digest": "2" * 64}
    fact, other = (make_fact("model.train", key, body, now()) for key in "ab")
    log = studio.log()
    with log.writing():
        add_facts(studio.path, log, [fact])
    assert "its index is gone" in read_models(studio).unread[0]
    (file,) = (studio.path / "facts").glob("*.model.train.jsonl")
    erased = canonical_bytes({"erased_at": now(), "known_as": fact.known_as, "leaf": fact.leaf})
    for line in (erased, fact_line(other), None):
        file.unlink() if line is None else file.write_bytes(line + b"\n")
        (unread,) = read_models(studio).unread
        assert unread.startswith("entry ") and unread.endswith("of the log tells of a model whose facts are missing")
    (studio.path / "log" / "checkpoint").unlink()
    assert "which models the log tells of" in read_models(studio).unread[0]
    studio.close()
