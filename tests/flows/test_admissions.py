"""The manifest of a corpus: signed, found by its corpus's digest, and broken by any changed byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import NotFoundError
from endcredits.flows import admissions, catalogue, log_keys
from endcredits.flows.admissions import Admission, corpus_part, current, manifest_path, read_admission, write_manifest
from endcredits.flows.checking import check_studio
from endcredits.flows.checking_corpora import check_corpora, chosen_corpus, corpora, notes
from endcredits.flows.studio import KEY, Studio, init_studio
from tests.flows.gated import HILL, SEA, deny, pass_gate, put, work_of


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A corpus of two texts."""
    made = init_studio(tmp_path / "studio")
    pass_gate(made, put(tmp_path / "src", sea__txt=SEA, hill__txt=HILL))
    yield made
    made.close()


def only(studio: Studio) -> tuple[str, Admission]:
    (name,) = admissions.all_corpora(studio)
    return name, read_admission(studio, name)


def test_its_name_is_the_digest_of_its_works(studio: Studio) -> None:
    name, found = only(studio)

    assert found.state == "whole" and digest(corpus_part(found.document)) == name == catalogue.corpus(studio).digest()
    assert found.facts == {"state": "whole", "manifest_sha256": digest(found.document)}
    assert read_admission(studio, name, found.digest) == found == current(studio)
    assert read_admission(studio, "0" * 64).state == "missing" == read_admission(studio, name, "0" * 64).state


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_changed_byte_breaks_it(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In the manifest, in its digest or in its signature: it is broken, and says why."""
    studio = _shared(tmp_path_factory)
    name, _ = only(studio)
    path = manifest_path(studio, name)
    kept = path.read_bytes()
    place = data.draw(st.integers(0, len(kept) - 1))
    changed = bytearray(kept)
    changed[place] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(changed), kept[:place], kept[:place] + b" " + kept[place:]):
        try:
            path.write_bytes(damaged)
            found = read_admission(studio, name)
            assert (found.state, found.digest, found.document) == ("broken", "", {}) and found.problem
        finally:
            path.write_bytes(kept)
    assert read_admission(studio, name).state == "whole"


_STUDIOS: list[Studio] = []


def _shared(factory: pytest.TempPathFactory) -> Studio:
    if not _STUDIOS:
        folder = factory.mktemp("manifest")
        _STUDIOS.append(init_studio(folder / "studio"))
        pass_gate(_STUDIOS[0], put(folder / "src", sea__txt=SEA))
    return _STUDIOS[0]


def rewritten(studio: Studio, name: str, **changes: Any) -> None:
    """The manifest with other content in its own form, signed by nobody."""
    read = json.loads(manifest_path(studio, name).read_bytes())
    read["manifest"].update(changes)
    manifest_path(studio, name).write_bytes(canonical_bytes(read) + b"\n")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": "endcredits-corpus/9"}, "it is of another version"),
        ({"works": []}, "its works are not those that its name stands for"),
        ({"waiting": [{"name": "x"}]}, "its signature is of another manifest"),
        ({"log": {"size": 0, "root": ""}}, "its signature is of another manifest"),
    ],
)
def test_what_is_written_anew_without_the_key_is_broken(studio: Studio, changes: dict[str, Any], problem: str) -> None:
    name, _ = only(studio)
    rewritten(studio, name, **changes)

    assert read_admission(studio, name).problem == problem
    assert [one.problem for one in check_corpora(studio)] == [problem]


def test_a_signature_of_another_log_is_none(studio: Studio, tmp_path: Path) -> None:
    """The manifest of a studio does not pass for another's, though the works are the same."""
    other = init_studio(tmp_path / "other")
    pass_gate(other, tmp_path / "src")
    name, found = only(studio)
    stranger = {**found.document, "made_at": "2020-01-01T00:00:00Z"}
    manifest_path(studio, name).unlink()
    write_manifest(other, stranger)
    manifest_path(studio, name).write_bytes(manifest_path(other, name).read_bytes())

    assert "its signature does not fit" in read_admission(studio, name).problem
    other.close()


def test_what_it_said_before_is_kept(studio: Studio, tmp_path: Path) -> None:
    """The same works with other refusals are the same corpus with another manifest; receipts name each by its digest."""
    name, before = only(studio)
    assert write_manifest(studio, {**before.document, "made_at": "2099-01-01T00:00:00Z"}) == before, "the time is no news"

    put(tmp_path / "src", empty__txt="")
    after = pass_gate(studio, tmp_path / "src").admission

    assert admissions.all_corpora(studio) == [name] and after.digest != before.digest
    assert admissions.versions(studio, name) == [before.digest]
    assert read_admission(studio, name, before.digest) == before and read_admission(studio, name) == after
    kept = manifest_path(studio, name).with_suffix("") / f"{before.digest}.json"
    kept.write_bytes(manifest_path(studio, name).read_bytes())
    assert read_admission(studio, name, before.digest).problem == "it says something else than its name"
    assert list(check_corpora(studio)) != []


def test_a_changed_key_keeps_old_manifests(studio: Studio, tmp_path: Path) -> None:
    """The log's file of public keys knows the old one still."""
    log_keys.rotate(studio)
    log_keys.retire(studio)
    _, found = only(studio)

    assert found.state == "whole"
    put(tmp_path / "src", empty__txt="")
    assert pass_gate(studio, tmp_path / "src").admission.state == "whole"
    assert check_studio(studio) == []


def test_without_the_key_nothing_is_signed(studio: Studio, tmp_path: Path) -> None:
    (studio.path / KEY).unlink()
    put(tmp_path / "src", empty__txt="")
    with pytest.raises(NotFoundError):
        pass_gate(studio, tmp_path / "src")
    assert only(studio)[1].state == "whole"


def test_which_corpus_is_the_current_one(studio: Studio, tmp_path: Path) -> None:
    """Lost or damaged, nothing is made of any corpus until one goes through the gate again."""
    file = studio.path / "corpora" / admissions.CURRENT
    kept, name = file.read_bytes(), only(studio)[0]
    for damaged in (None, b"", b"{}", kept.replace(name.encode(), b"0" * 64), kept.replace(b'"corpus', b' "corpus')):
        file.unlink() if damaged is None else file.write_bytes(damaged)
        found = catalogue.corpus(studio)
        assert found.admission == "broken" and "which names the corpus, is lost or damaged" in found.gate_problem
        assert [one.where for one in check_corpora(studio)] == ["corpus file corpora/current.json"]
        assert chosen_corpus(studio, "")[1].state == "broken"
    pass_gate(studio, tmp_path / "src")
    assert file.read_bytes() == kept and list(check_corpora(studio)) == []

    manifest_path(studio, name).unlink()
    found = catalogue.corpus(studio)
    assert found.admission == "missing" and "there is no manifest of this corpus" in found.gate_problem
    assert "that it names is missing" in next(check_corpora(studio)).problem
    assert [(one.state, one.current) for one in corpora(studio)] == [("missing", True)] and len(notes(studio)) == 1


def test_a_manifest_that_the_books_contradict(studio: Studio) -> None:
    """Signed by the key, and of works, statements and a log that never were so."""
    _, found = only(studio)
    document = {**found.document, "log": {"size": 10**6, "root": "0" * 64}}
    row = document["works"][0]
    rows = [{**row, "files": ["0" * 64]}, {**document["works"][1], "permission_id": "perm:none"}]
    document = {**document, "works": rows}
    write_manifest(studio, {**document, "corpus_digest": digest(corpus_part(document))})

    problems = [one.problem for one in check_corpora(studio)]

    assert problems == [
        "the log was never as it says",
        f"the work {row['work_id']} that it admits is not registered so",
        f"the yes by which it admits the work {rows[1]['work_id']} is not recorded",
    ]
    with pytest.raises(ValueError, match="not of its works"):
        write_manifest(studio, {**document, "corpus_digest": "0" * 64})


def test_a_corpus_is_named_by_the_beginning_of_its_digest(studio: Studio, tmp_path: Path) -> None:
    name, found = only(studio)
    assert chosen_corpus(studio, name[:6]) == chosen_corpus(studio, "") == (name, found)
    deny(studio, work_of(pass_gate(studio, tmp_path / "src"), "sea.txt"))
    with pytest.raises(NotFoundError, match="there is no corpus 'xyz'"):
        chosen_corpus(studio, "xyz")
    (state,) = corpora(studio)
    assert state.gate_problem and (state.admitted, state.refused, state.waiting) == (2, 0, 0) and state.indexes == {}
