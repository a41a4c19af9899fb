"""From files to a model and back: nothing is learnt from without a word that let it in, and every receipt can say whose.

Typed as a person would: scan, admit, look at what was caught, say a word, build, attribute; then the manifest breaks, and
then somebody says no.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from endcredits.receipts import verify_receipt
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h
from tests.story.house import House

BY = ("--by", "Dora Finch")


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    """The table of the small house, in which a garden is closed, and a folder in which somebody typeset the garden anew."""
    table, folder = tmp_path / "works.csv", tmp_path / "found"
    table.write_text(h.works_csv())
    folder.mkdir()
    garden = h.prose(h.CLOSED, 700).replace(". ", ".</p>\n<p>")
    (folder / "Walled Places.html").write_bytes(f"<html><body><p>{garden}</p></body></html>".encode("utf-16"))
    (folder / "Own Ground.txt").write_text(h.prose(h.CLOSED, 400, seed=9))
    (folder / "robots.txt").write_text("User-agent: *\nContent-Usage: /Kept train-ai=n\n")
    (folder / "Kept Back.txt").write_text(h.prose(h.FOUND, 300, seed=3))
    return table, folder


def test_through_the_gate(tmp_path: Path, house: House, sources: tuple[Path, Path]) -> None:
    """The whole walk."""
    table, folder = sources
    studio = tmp_path / "studio"
    models = ("--base", house.models[0], "--full", house.models[1])
    type_well("init", studio)
    h.use_one_thread()

    # What the files say is read before anything touches them.
    scanned = type_well("rights", "scan", folder, "--json").json
    assert {Path(work["name"]).name: work["answers"]["train"]["value"] for work in scanned["works"]} == {
        "Kept Back.txt": "deny",
        "Own Ground.txt": "unknown",
        "Walled Places.html": "unknown",
    }

    # A corpus that never went through the gate can be built of, but not where somebody asks for it.
    strict = type_in("index", "build", *models, "--strict", "-s", studio)
    assert strict.code == 4 and "it did not go through the gate" in strict.err and "corpus admit" in strict.err

    admit = ("corpus", "admit", table, folder, "--creator", "Dora Finch", "--permission", "allow", "-s", studio)
    first = type_well(*admit, "--json").json
    assert len(first["admitted"]) == 5 and [row["name"] for row in first["refused"]] == [
        "works.csv row 5",
        "found/Kept Back.txt",
    ]
    waiting = {row["name"]: row for row in first["waiting"]}
    caught = waiting["found/Walled Places.html"]
    assert set(waiting) == {"works.csv row 6", "found/Walled Places.html"}
    assert caught["looks_like"] == [{"to": h.CLOSED, "by": "letters", "distance_bits": 0}]
    told = type_well(*admit).out
    assert "5 admitted, 2 refused, 2 waiting." in told and f"it looks like '{h.CLOSED}', which is refused" in told

    # A person looks at the two side by side, and says a word about each that waits.
    side_by_side = type_well("corpus", "review", caught["work_id"], "-s", studio).out
    assert "the same text, letter by letter" in side_by_side
    assert "The Closed Garden" in side_by_side and "Walled Places" in side_by_side
    assert type_in("corpus", "review", h.CLOSED, "--admit", "--reason", "why not", *BY, "-s", studio).code == 4
    refuse = ("corpus", "review", caught["work_id"], "--refuse", "--reason", "it is the closed garden", *BY)
    assert "Recorded: perm:" in type_well(*refuse, "-s", studio).out
    own = next(row["work_id"] for row in first["admitted"] if row["name"] == "found/Own Ground.txt")
    type_well("corpus", "review", h.FOUND, "--refuse", "--reason", "nobody knows whose it is", *BY, "-s", studio)
    type_well("rights", "deny", own, "--reason", "another model's", *BY, "-s", studio)
    second = type_well(*admit, "--json").json
    assert [row["work_id"] for row in second["admitted"]] == [h.SALT, h.LAMP, h.TIDE, h.RHYME] and second["waiting"] == []

    # The index is of what the manifest admits, and the receipt names the manifest.
    built = type_well("index", "build", *models, "--strict", "-s", studio, "--json").json
    assert (built["works"], built["admission"], built["corpus_digest"]) == (4, "whole", second["corpus_digest"])
    said = [h.prose(name, 60, seed=1) for name in (h.SALT, h.LAMP, h.TIDE)]
    body, _ = attributed(studio, said[0])
    assert body["corpus_digest"] == second["corpus_digest"]
    assert body["admission"] == {"state": "whole", "manifest_sha256": second["manifest_sha256"]}
    assert type_well("check", "-s", studio).out == "Everything fits.\n"

    # Broken by one byte, it says so on the next receipt, everywhere; put back, it is whole again.
    manifest = studio / "corpora" / f"{second['corpus_digest']}.json"
    kept = manifest.read_bytes()
    for data, state in ((kept.replace(b'"allow"', b'"ALLOW"', 1), "broken"), (None, "missing")):
        manifest.unlink() if data is None else manifest.write_bytes(data)
        body, receipt_id = attributed(studio, said.pop())
        words = f"The manifest of the corpus that the model learnt from was {state} when this receipt was issued."
        assert body["admission"] == {"state": state, "manifest_sha256": ""}
        assert words in type_well("receipt", "show", receipt_id, "-s", studio).out
        file = Path(type_well("receipt", "show", receipt_id, "-s", studio, "--json").json["file"])
        assert words in type_well("verify", file, "-s", studio).out
        assert verify_receipt(file.read_bytes(), (studio / "log" / "log.vkey").read_text().strip()).verified
        checked = type_in("check", "-s", studio)
        assert checked.code == 3 and state in checked.out and "the manifest" in checked.out
        stopped = type_in("index", "build", *models, "-s", studio)
        assert stopped.code == 4 and f"the manifest of the corpus is {state}" in stopped.err
        assert type_in("corpus", "check", "-s", studio).code == 3 == type_in("corpus", "show", "-s", studio).code
    manifest.write_bytes(kept)
    assert type_well("check", "-s", studio).out == "Everything fits.\n", "what those receipts say was so when they said it"

    # A later no stops the next index and flags the model; the corpus goes through the gate again, without the work.
    type_well("rights", "deny", h.TIDE, "--reason", "withdrawn", "--by", h.CLEO, "-s", studio)
    stopped = type_in("index", "build", *models, "-s", studio)
    assert stopped.code == 4 and f"'{h.TIDE}' was admitted and may no longer be used (deny: withdrawn)" in stopped.err
    flagged = type_in("corpus", "check", "-s", studio, "--json")
    assert flagged.code == 3
    current = next(one for one in flagged.json["corpora"] if one["current"])
    assert current["state"] == "whole" and current["gate_problem"].startswith(f"'{h.TIDE}' was admitted")
    assert [row["work_id"] for index in current["indexes"] for row in index["withdrawn"]] == [h.TIDE]
    assert h.TIDE in type_well("check", "-s", studio).out, "the model is flagged"

    third = type_well(*admit, "--json").json
    assert third["known"] + third["files_read"] == 9, "every candidate was known, or was changed a moment ago"
    assert h.TIDE in {row["work_id"] for row in third["refused"]}
    rebuilt = type_well("index", "build", *models, "--strict", "-s", studio, "--json").json
    assert rebuilt["works"] == 3 and rebuilt["corpus_digest"] == third["corpus_digest"] != built["corpus_digest"]
    assert type_in("corpus", "check", "-s", studio).code == 0


def attributed(studio: Path, text: str) -> tuple[dict[str, object], str]:
    """Attributes a text; what its receipt says, and its id."""
    (credits,) = type_well("attribute", "--text", text, "-s", studio, "--json").json
    shown = type_well("receipt", "show", credits["output_id"], "-s", studio, "--json").json
    return shown["body"], credits["output_id"]


def test_a_part_of_every_work_is_a_corpus_with_a_manifest_of_its_own(tmp_path: Path, house: House) -> None:
    """What a model saw of each work is part of the corpus, and its manifest is signed like the other."""
    table, studio = tmp_path / "works.csv", tmp_path / "studio"
    table.write_text(h.works_csv())
    type_well("init", studio)
    whole = type_well("corpus", "admit", table, "-s", studio, "--json").json

    models = ("--base", house.models[0], "--full", house.models[1])
    h.use_one_thread()
    built = type_well("index", "build", *models, "--max-bytes-per-work", 350, "--strict", "-s", studio, "--json").json
    body, _ = attributed(studio, h.prose(h.SALT, 60, seed=1))

    assert built["corpus_digest"] == body["corpus_digest"] != whole["corpus_digest"]
    assert body["admission"]["state"] == "whole" and body["admission"]["manifest_sha256"] != whole["manifest_sha256"]  # type: ignore[index]
    assert type_well("check", "-s", studio).out == "Everything fits.\n"
