"""`endcredits witness`, as people and programs type it, with witnesses in processes of their own."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from endcredits.flows.studio import open_studio
from endcredits.receipts import Log, check_log
from endcredits.receipts.policy import load_policy
from endcredits.receipts.quorum import weigh
from endcredits.receipts.witness_state import watched
from tests.interfaces.terminal import start, type_in, type_well
from tests.receipts.helpers import leaf


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A witness that serves in a process of its own, and its address; stopped as a service manager does."""
    process = start("witness", "serve", folder, "--listen", "127.0.0.1:0", "--json", *options)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())["url"]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def grow(studio: Path, first: int, count: int) -> None:
    """Entries in the studio's log."""
    place = open_studio(studio)
    try:
        place.log().append([leaf(number) for number in range(first, first + count)])
    finally:
        place.close()


def note(studio: Path) -> str:
    return (studio / "log" / "checkpoint").read_text(encoding="utf-8")


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    type_well("init", tmp_path / "studio")
    grow(tmp_path / "studio", 0, 3)
    return tmp_path / "studio"


def made(folder: Path, studio: Path, *options: str) -> str:
    """A new witness that watches the studio's log; its public key."""
    name = f"{folder.name}.example/w"
    said = type_well("witness", "init", folder, "--name", name, "--log", studio / "log" / "log.vkey", "--json", *options)
    return str(said.json["vkeys"][0])


def policy(folder: Path, studio: Path, quorum: str, **witnesses: tuple[str, str]) -> Path:
    """A policy file."""
    keys = (studio / "log" / "log.vkey").read_text().split()
    lines = [f"log {vkey}" for vkey in keys]
    lines += [f"witness {name} {vkey} {url}" for name, (vkey, url) in witnesses.items()]
    lines += [f"group enough {quorum} {' '.join(witnesses)}", "quorum enough"]
    (folder / "w.policy").write_text("\n".join(lines) + "\n")
    return folder / "w.policy"


def test_two_witnesses_cosign_and_one_that_is_gone_is_told(tmp_path: Path, studio: Path) -> None:
    """Made, served, asked, stopped: what people read and what programs read."""
    first, second = made(tmp_path / "first", studio), made(tmp_path / "second", studio, "--mldsa")
    with served(tmp_path / "first") as (one, url_1), served(tmp_path / "second") as (two, url_2):
        rules = policy(tmp_path, studio, "all", first=(first, url_1), second=(second, url_2))
        said = type_well("witness", "submit", "--policy", rules, "-s", studio)
        assert said.out.splitlines()[:2] == ["COSIGNED    first", "COSIGNED    second"]
        assert "cosigned by 2 of 2 witnesses." in said.out and "The quorum is reached." in said.out
        assert weigh(load_policy(rules), note(studio)).reached

        two.send_signal(signal.SIGTERM)
        assert two.wait(timeout=30) == 0
        grow(studio, 3, 4)
        said = type_in("witness", "submit", "--policy", rules, "-s", studio, "--tries", 1)
        assert said.code == 3
        assert "UNREACHABLE second: it cannot be reached" in said.out
        assert "'enough' asks for 2 of 2 and has 1, without second" in said.out
        done = type_in("witness", "submit", "--policy", rules, "-s", studio, "--tries", 1, "--json")
        assert (done.code, done.json["size"], done.json["reached"]) == (3, 7, False)
        assert [asked["outcome"] for asked in done.json["asked"]] == ["kept", "unreachable"]
        one.send_signal(signal.SIGINT)
        assert one.wait(timeout=30) == 0
    assert check_log(Log.open(studio / "log")) == []
    rows = type_well("witness", "show", tmp_path / "first", "--json").json
    assert [(log["size"], log["forks"], log["vkeys"]) for log in rows["logs"]] == [
        (7, 0, (studio / "log" / "log.vkey").read_text().split())
    ]
    assert "7  studio.example/" in type_well("witness", "show", tmp_path / "first").out


def test_a_killed_witness_remembers_and_a_fork_is_refused(tmp_path: Path, studio: Path) -> None:
    """kill -9 after it has signed; the next one on the same folder knows, and `show` tells of the fork."""
    key = made(tmp_path / "w", studio)
    shutil.copytree(studio, tmp_path / "fork")
    grow(studio, 3, 1)
    grow(tmp_path / "fork", 9, 1)
    with served(tmp_path / "w") as (process, url):
        assert (
            type_in("witness", "submit", "--policy", policy(tmp_path, studio, "all", w=(key, url)), "-s", studio).code == 0
        )
        process.kill()
    with served(tmp_path / "w") as (_, url):
        rules = policy(tmp_path, studio, "all", w=(key, url))
        forked = type_in("witness", "submit", "--policy", rules, "-s", tmp_path / "fork")
        assert forked.code == 3
        assert "REFUSED     w: it says that it has cosigned another root for this very size" in forked.out
        grow(tmp_path / "fork", 10, 5)
        longer = type_in("witness", "submit", "--policy", rules, "-s", tmp_path / "fork")
        assert longer.code == 3 and "does not continue the one that it has cosigned" in longer.out
        assert not weigh(load_policy(rules), note(tmp_path / "fork")).reached
    shown = type_in("witness", "show", tmp_path / "w")
    assert shown.code == 3 and "1 checkpoints contradict what was cosigned" in shown.out
    assert watched(tmp_path / "w")[0].latest.note.split("\n")[:3] == note(studio).split("\n")[:3]


def test_logs_are_added_while_it_serves(tmp_path: Path, studio: Path) -> None:
    """No restart is needed."""
    type_well("init", tmp_path / "other")
    key = made(tmp_path / "w", studio)
    with served(tmp_path / "w") as (_, url):
        rules = policy(tmp_path, tmp_path / "other", "all", w=(key, url))
        refused = type_in("witness", "submit", "--policy", rules, "-s", tmp_path / "other")
        assert refused.code == 3 and "it does not watch this log" in refused.out
        added = type_well("witness", "add", tmp_path / "w", tmp_path / "other" / "log" / "log.vkey")
        assert "The witness watches other.example/" in added.out
        assert type_in("witness", "submit", "--policy", rules, "-s", tmp_path / "other").code == 0
    assert type_in("witness", "add", tmp_path / "w", tmp_path / "other" / "log" / "log.vkey").code == 4


def test_wrong_words_are_told(tmp_path: Path, studio: Path) -> None:
    """Each with its exit code and what to do."""
    key = made(tmp_path / "w", studio)
    good = policy(tmp_path, studio, "all", w=(key, ""))
    broken = tmp_path / "broken.policy"
    broken.write_text("quorum nobody\n")
    other = tmp_path / "other.policy"
    other.write_text(f"witness w {key} http://127.0.0.1:1/\nquorum w\n")

    for words, code, told in [
        (("submit", "--policy", good, "-s", studio), 2, "no witness of the policy has an address"),
        (("submit", "--policy", broken, "-s", studio), 2, "broken.policy, row 1: no line above defines 'nobody'"),
        (("submit", "--policy", tmp_path / "none", "-s", studio), 2, "there is no such policy"),
        (("submit", "--policy", other, "-s", studio), 3, "which the policy does not list as a log"),
        (("submit", "--policy", other, "-s", tmp_path), 2, "not a studio"),
        (("serve", tmp_path / "w", "--listen", "8753"), 2, "not an address"),
        (("serve", tmp_path / "w", "--listen", "127.0.0.1:99999"), 2, "not an address"),
        (("serve", tmp_path / "none"), 2, "not a witness"),
        (("show", tmp_path / "none"), 2, "not a witness"),
        (("add", tmp_path / "w", tmp_path / "nothing"), 2, "public key cannot be read"),
        (("add", tmp_path / "w", key), 2, "a witness's key"),
        (("init", tmp_path / "w", "--name", "a"), 4, "a witness already"),
        (("init", tmp_path / "new", "--name", "a b"), 2, "cannot be the name"),
    ]:
        said = type_in("witness", *words)
        assert (said.code, told in said.err) == (code, True), (words, said)
        assert said.out == ""
