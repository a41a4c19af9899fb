"""The browser's verifier gives the same verdict as verify.py for the same bytes, and the page shows it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.receipts import verify, web
from tests.receipts import make_vectors, making
from tests.receipts.making import LOG, file_of

FOLDER = resources.files(web)
DRIVER = Path(__file__).parent / "run_verify.js"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
FLAGS += ["--disable-component-update", "--disable-sync", "--virtual-time-budget=20000"]
MUTANTS = 400


def source(name: str) -> str:
    """A file of the page, as it is kept."""
    return (FOLDER / name).read_text(encoding="utf-8")


def chromium(page: str) -> str:
    """The page as it stands after its scripts ran, in a browser without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("NOT TESTED IN A BROWSER: there is no chromium here")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder) / "page.html"
        place.write_text(page, encoding="utf-8")
        command = [program, *FLAGS, f"--user-data-dir={folder}/profile", "--dump-dom", place.as_uri()]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0 and "</html>" in ran.stdout, ran.stderr
    return ran.stdout


def twin(asked: dict[str, Any]) -> dict[str, Any]:
    """What verify.js says: under node where it is installed, else in chromium."""
    if shutil.which("node"):
        command = ["node", str(DRIVER), str(FOLDER / web.VERIFIER)]
        ran = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=280)
        assert ran.returncode == 0, ran.stderr
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer
    around = DRIVER.read_text().replace("require(process.argv[2])", "EndcreditsVerify")
    around = around.replace('JSON.parse(require("fs").readFileSync(0, "utf8"))', json.dumps(asked).replace("</", "<\\/"))
    around = around.replace(
        'Uint8Array.from(Buffer.from(hex, "hex"))', "Uint8Array.from(hex.match(/../g) ?? [], (b) => parseInt(b, 16))"
    )
    around = around.replace('Buffer.from(hex, "hex").toString("utf8")', "new TextDecoder().decode(bytes(hex))")
    around = around.replace("process.stdout.write(", "document.body.textContent = (").replace("process.exitCode = 1", "0")
    page = chromium(f"<!doctype html><body><script>{source(web.VERIFIER)}</script><script>{around}</script>")
    found = re.search(r"<body>(\{.*\})</body>", page, re.DOTALL)
    assert found, page[-500:]
    answer = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u00a0").replace("&amp;", "&"))
    return answer


def bytes_of(vector: dict[str, Any]) -> bytes:
    """A vector's file."""
    return vector["text"].encode() if "text" in vector else bytes.fromhex(vector["hex"])


def stored(name: str) -> list[dict[str, Any]]:
    """The vectors of a file, as they lie on the disk."""
    rows: list[dict[str, Any]] = json.loads((make_vectors.VECTORS / f"{name}.json").read_text())
    return rows


def test_both_give_the_same_verdict_on_every_vector() -> None:
    """Word for word, on good files, bad files, bad keys, bad policies, and on files given together."""
    names = ("good", "bad-json", "bad-receipts", "bad-trust")
    rows = [row for name in names for row in stored(name)]
    asked = [{"hex": bytes_of(row).hex(), "policy": row["policy"], "vkeys": row["vkeys"]} for row in rows]
    policies = stored("bad-policies")
    asked += [{"hex": "", "policy": row["policy"], "vkeys": row["vkeys"]} for row in policies]
    groups = stored("together")
    kinds = ("receipts", "older", "statements")
    together = [
        {"vkeys": row["vkeys"], **{kind: [[file, text.encode().hex()] for file, text in row[kind]] for kind in kinds}}
        for row in groups
    ]

    answer = twin({"files": asked, "groups": together})

    expected = [row["verdict"] for row in rows] + [{"policy": row["problem"]} for row in policies]
    for row, right, found in zip([*rows, *policies], expected, answer["files"], strict=True):
        assert found == right, row["name"]
    for row, found in zip(groups, answer["groups"], strict=True):
        assert found == row["together"], row["name"]
    assert len(rows) > 250 and sum(row["verdict"]["verified"] for row in rows) > 30


GOOD = [file_of(make_vectors.run(line=making.own_line(1))), file_of(make_vectors.run(lines=making.all_lines(erased=[0]))),
        file_of(make_vectors.period(sum=making.own_sum("payee", "ada"))), file_of(making.chain(1, 2)[1]),
        file_of(make_vectors.erased())]  # fmt: skip
PIECES = [b"", b" ", b"\n", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"0", b"-0", b"1e5", b"9007199254740992",
          b"null", b"true", b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\\ud800", b"\\u0041", b"\x00",
          b"__proto__", b"constructor", b"=", b"A", b"\xe2\x80\x94 "]  # fmt: skip


def test_both_give_the_same_verdict_on_mutations() -> None:
    """Bytes flipped, cut, put in and taken from elsewhere: one answer from both, whatever it is, and never a crash."""
    made: list[bytes] = []

    @settings(max_examples=MUTANTS, database=None)
    @given(
        st.sampled_from(GOOD), st.lists(st.tuples(st.floats(0, 1), st.sampled_from(PIECES), st.integers(0, 40)), max_size=3)
    )
    def mutate(data: bytes, changes: list[tuple[float, bytes, int]]) -> None:
        for where, piece, cut in changes:
            at = int(where * len(data))
            data = data[:at] + piece + data[at + cut :]
        made.append(data)

    mutate()
    for data in GOOD:  # and every eleventh byte of each, flipped
        made += [data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :] for at in range(0, len(data), 11)]
    trust = verify.read_policy(vkeys=LOG.vkey)
    right = [json.loads(json.dumps(verify.check(data, trust)[0]._asdict())) for data in made]

    answer = twin({"files": [{"hex": data.hex(), "vkeys": LOG.vkey} for data in made]})

    for data, expected, found in zip(made, right, answer["files"], strict=True):
        assert found == expected, data
    assert any(one["verified"] for one in right) and len({one["problem"] for one in right}) > 10


LIMITS = ["FILE_BYTES_MAX", "PROOF_BYTES_MAX", "LEAF_BYTES_MAX", "VALUES_MAX", "DEPTH_MAX", "SIGNATURES_MAX"]


@pytest.mark.parametrize("name", LIMITS)
def test_both_have_the_same_limits(name: str) -> None:
    """What is too large for one is too large for the other."""
    found = re.search(rf"\b{name} = ([0-9 *]+)", source(web.VERIFIER))

    assert found and eval(found[1]) == getattr(verify, name)


def in_page(files: dict[str, str], key: str, more: str = "") -> str:
    """The page after somebody dropped these files on it and gave this key."""
    drop = (
        f'document.getElementById("key").value = {json.dumps(key)};\n'
        "const bag = new DataTransfer();\n"
        f"for (const [name, text] of Object.entries({json.dumps(files)})) bag.items.add(new File([text], name));\n"
        'document.dispatchEvent(new DragEvent("drop", { dataTransfer: bag, cancelable: true }));\n'
    ).replace("</", "<\\/")
    scripts = {web.VERIFIER: source(web.VERIFIER), web.AROUND: source(web.AROUND) + drop + more}
    return chromium(web.one_page(source(web.PAGE), scripts)).split("<script>")[0]


def summary(page: str) -> str:
    """What the live region says."""
    found = re.search(r'id="summary"[^>]*>([^<]*)<', page)
    assert found
    return found[1]


def test_a_creator_drops_files_on_the_page_and_reads_the_verdict() -> None:
    """The own line is verified, the changed receipt is not, the gap is told; hostile text stays text."""
    first, _, third = (file_of(one).decode() for one in making.chain(1, 2, 3))
    own = file_of(make_vectors.run(line=making.own_line(2))).decode()

    page = in_page(
        {"first.json": first, "third.json": third, "<b>changed</b>.json": own.replace("ek-fac", "bm25")}, LOG.vkey
    )

    assert summary(page) == "2 of 3 receipts are verified. There are 2 problems."
    assert "It is statement number 3 of 'ada' in EUR." in page and "Statements 2 to 2 of 'ada' in EUR are missing." in page
    assert "the body is not the one that the log's entry commits to." in page
    assert "&lt;b&gt;changed&lt;/b&gt;.json" in page and "<b>changed" not in page

    page = in_page({"own.json": own, "log.vkey": LOG.vkey}, "")

    assert summary(page) == "1 of 1 receipt is verified."
    assert "has 0.0000001 % of the output" in page and "not that the attribution is right" in page
    assert "\u202e" not in page and "evil&lt;b&gt;" in page


def test_the_page_reaches_no_network_and_asks_for_the_key() -> None:
    """Its own policy forbids every request; without a key nothing is called verified."""
    ask = (
        'fetch("https://example.org/").then(() => { document.title = "REACHED"; }, () => { document.title = "refused"; });\n'
        'document.body.append(Object.assign(new Image(), { src: "https://example.org/x.png" }));\n'
        'document.addEventListener("securitypolicyviolation", (told) => {\n'
        '  document.body.dataset.blocked = (document.body.dataset.blocked ?? "") + told.effectiveDirective + " ";\n'
        "});\n"
    )

    page = in_page({"own.json": file_of(make_vectors.run()).decode()}, "", ask)

    assert summary(page) == "Give the log\u2019s public key first."
    assert "<title>refused</title>" in page
    assert {"connect-src", "img-src"} <= set(re.findall(r"[a-z]+-src", page.split("data-blocked=")[1].split(">")[0]))


def test_the_page_is_one_file_that_allows_only_its_own_scripts() -> None:
    """What is written refers to nothing beside it, and names the digests of the scripts inside it."""
    (name, data), (script_name, script) = web.page_files()
    page = data.decode()

    assert (name, script_name, script.decode()) == ("verify.html", "verify.js", source("verify.js"))
    assert not re.search(r"<(script|img|link|iframe)[^>]+(src|href)=", page) and "http://" not in page
    inside = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    allowed = re.findall(r"'sha256-([^']+)'", page)
    assert (
        allowed == [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in inside] and len(inside) == 2
    )
    with pytest.raises(ValueError, match="do not fit together"):
        web.one_page(source("verify.html"), {"verify.js": "</script>"})
    with pytest.raises(ValueError, match="no policy"):
        web.one_page("<p>", {})


def test_the_page_is_for_everybody() -> None:
    """Every field has its name, what changes is announced, and colours are given for light and dark."""
    page = source("verify.html")

    fields = set(re.findall(r'<(?:input|textarea)[^>]* id="([^"]+)"', page))
    assert fields and fields == set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    assert 'lang="en"' in page and 'aria-live="polite"' in page and "prefers-color-scheme: dark" in page
    assert "color-scheme: light dark" in page and "<noscript>" in page and page.count("<h1>") == 1
    for ink, paper in re.findall(r"--(?:good|bad|open): (#\w+); --(?:good|bad|open)-paper: (#\w+)", page):
        assert contrast(ink, paper) >= 4.5, (ink, paper)


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast of two colours."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(first), light(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)
