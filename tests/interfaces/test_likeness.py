"""`endcredits likeness`, as people and programs type it: from its own help and docs/likeness.md alone."""

from __future__ import annotations

import json
import random
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from endcredits.works.likeness import RULES
from tests.interfaces.terminal import Said, type_in, type_well
from tests.story import house as h
from tests.story.house import House
from tests.works.likeness.made import ADA, AT, BOB, document, stand_still
from tests.works.likeness.test_synthetic import RECORD

ROW = document()["uses"][0]
ASKED = (
    *("--project", ROW["project"], "--medium", ROW["medium"], "--description", ROW["description"]),
    *("--script", ROW["script_ref"], "--territory", "US-CA", "--modality", "voice", "--replaces-in-person-work"),
)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day on which the grant of these tests holds."""
    stand_still(monkeypatch, [AT])


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Path:
    """Two closed months."""
    return house.copy(house.finished, tmp_path / "studio")


def grant(studio: Path, name: str = "grant.json", **changes: Any) -> Said:
    """Hands a grant in."""
    file = studio.parent / name
    file.write_text(json.dumps(document(**changes)))
    return type_in("likeness", "grant", file, "-s", studio, "--json")


def test_the_walk_of_the_documentation(studio: Path) -> None:
    """Enrol, grant, ask, use until none is left, name the output, take back; every answer in words and for programs."""
    s = ("-s", studio)
    voice = studio.parent / "ada.wav"
    voice.write_bytes(b"RIFF the voice of Ada")
    words = ("likeness", "enrol", "Ada Example", "--reference", f"voice={voice}", "--kept-at", "vault 2", *s)
    assert type_well(*words, "--json").json["person"]["person_id"] == ADA and "vault 2" in type_well(*words).out
    given = grant(studio)
    assert given.code == 0 and given.json["new"] and given.json["findings"] == [] and "legal advice" in given.json["notice"]
    grant_id = given.json["grant_id"]

    asked = type_well("likeness", "use", "Ada Example", *ASKED, "--ask", *s)
    assert asked.out.startswith("YES: row 1 of") and "1 uses are left" in asked.out and "not legal advice" in asked.out
    counted = type_well("likeness", "use", ADA, *ASKED, "--id", "spot-1", *s, "--json").json
    assert counted["counted"] and counted["payment"] == "unnamed" and counted["use"]["grant_id"] == grant_id
    again = type_well("likeness", "use", ADA, *ASKED, "--id", "spot-1", *s, "--json").json
    assert again["use"] == counted["use"], "the same id is not counted twice"
    output = type_well("likeness", "appear", "spot-1", "output:later", *s)
    assert "held until the output is attributed" in output.out
    assert type_in("likeness", "appear", "spot-1", "output:other", *s).code == 4
    last = type_well("likeness", "use", ADA, *ASKED, "--id", "spot-2", *s).out
    assert last.startswith("YES, AND LOOK") and "[last-use]" in last
    none = type_in("likeness", "use", ADA, *ASKED, "--id", "spot-3", *s)
    assert (
        none.code == 3 and none.out.startswith("NO: 2 of 2 uses are counted already") and "Nothing was counted." in none.out
    )

    shown = type_well("likeness", "show", "Ada Example", *s).out
    assert "0 of 2 left" in shown and "spot-2" in shown and "to be deleted by 2028-01-01" in shown
    taken = type_well("likeness", "revoke", grant_id, "--reason", "Enough.", "--by", "Ada Example", *s)
    assert f"taken back since {AT}" in taken.out
    refused = type_in("likeness", "use", ADA, *ASKED, "--ask", *s, "--json")
    assert refused.code == 3 and "revoked" in [one["rule_id"] for one in refused.json["decision"]["blocks"]]
    listed = type_well("likeness", "list", *s).out
    assert "taken back" in listed and listed.endswith("1 people, 1 grants.\n")
    assert "at vault 2: the grant was taken back" in type_well("likeness", "list", "--to-delete", *s).out
    (due,) = type_well("likeness", "list", "--to-delete", *s, "--json").json
    assert due["grant_id"] == grant_id and due["location"] == "vault 2"
    (known,) = type_well("likeness", "list", *s, "--json").json
    assert known["revocations"][0]["reason"] == "Enough." and len(known["uses"]) == 2
    assert type_well("likeness", "show", ADA, *s, "--json").json["grants"][0]["left"] == {"0": 0}
    assert type_in("check", *s).code == 0


def test_a_bad_grant_is_kept_with_its_findings_and_permits_nothing(studio: Path) -> None:
    type_well("likeness", "enrol", "Ada Example", "-s", studio)
    bad = grant(studio, is_minor=True, uses__0__description="any and all media", term_to="2040-01-01")
    found = {one["rule_id"] for one in bad.json["findings"]}
    assert bad.code == 3 and {"minor-without-guardian", "likeness-grant/description", "likeness-grant/term"} <= found
    text = type_in("likeness", "grant", studio.parent / "grant.json", "-s", studio)
    assert text.code == 3 and "On record already" in text.out and "It is kept, and permits nothing" in text.out
    assert type_in("likeness", "use", ADA, *ASKED, "-s", studio).code == 3
    assert "lacks something" in type_well("likeness", "list", "-s", studio).out
    assert "LACKS" in type_well("likeness", "show", ADA, "-s", studio).out


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2, ("grant", "none.json")),
        (2, ("use", "Nobody", *ASKED)),
        (2, ("use", ADA, *ASKED, "--at", AT)),
        (2, ("use", ADA, *ASKED, "--modality", "aura")),
        (2, ("use", ADA, *ASKED, "--count", "0")),
        (3, ("use", ADA, *ASKED)),
        (2, ("show", "Nobody")),
        (2, ("appear", "use-0", "output:1")),
        (2, ("revoke", "grant:0", "--reason", "x", "--by", "y")),
        (2, ("enrol", "Ada", "--reference", "voice")),
        (2, ("enrol", "Ada", "--reference", "voice=none.wav", "--kept-at", "vault")),
        (2, ("enrol", "Ada", "--identifier", "isni")),
        (2, ("enrol", "Ada", "--identifier", "isni:123")),
        (2, ("enrol", "ada@example.org")),
        (2, ("enrol", "Ada", "--turns-18-on", "soon")),
        (2, ("enrol", "Ada", "--guardian", "ada")),
        (2, ("match", "none.png")),
        (2, ("synthetic", "none.json", "--territory", "US")),
        (2, ("policy",)),
        (2, ("policy", "--synthetic-fee", "25.00 USD")),
        (2, ("policy", "--fund", "party:f", "--synthetic-fee", "25")),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(studio: Path, code: int, words: tuple[str, ...]) -> None:
    before = h.dump_of(studio)
    said = type_in("likeness", *words, "-s", studio)
    assert said.code == code, said
    assert "Traceback" not in said.err and (said.code == 3 or said.err.count(".") >= 2)
    assert h.dump_of(studio) == before


def test_matching_warns_and_never_clears(studio: Path) -> None:
    voice = studio.parent / "ada.wav"
    voice.write_bytes(b"RIFF the voice of Ada")
    type_well("likeness", "enrol", "Ada Example", "--reference", f"voice={voice}", "--kept-at", "vault 2", "-s", studio)
    assert ADA in type_well("likeness", "match", voice, "-s", studio).out
    other = studio.parent / "other.wav"
    other.write_bytes(b"RIFF another voice")
    quiet = type_well("likeness", "match", other, "-s", studio)
    assert "0 warnings." in quiet.out and "It clears nothing" in quiet.out
    scores = studio.parent / "scores.json"
    row = {"person_id": BOB, "modality": "face", "score": "0.93", "threshold": 0.8}
    scores.write_text(json.dumps({"tested_by": "matcher 2.1", "scores": [row]}))
    found = type_well("likeness", "match", other, "--scores", scores, "-s", studio, "--json").json
    assert found["cleared"] is False and [one["rule_id"] for one in found["warnings"]] == ["resembles"]
    grant(studio)
    used = type_well("likeness", "use", ADA, *ASKED, "--scores", scores, "-s", studio, "--json").json
    assert used["decision"]["value"] == "warn"
    scores.write_text("{}")
    assert type_in("likeness", "use", ADA, *ASKED, "--scores", scores, "-s", studio).code == 2


def test_a_resaved_picture_of_a_reference_is_looked_at(studio: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pytest.importorskip("iscc_lib")
    draw = random.Random(7)
    face = pillow.new("L", (12, 9))
    face.putdata([draw.randrange(256) for _ in range(108)])
    face = face.resize((360, 270))
    first, resaved, other = (studio.parent / name for name in ("ada.png", "spot.jpg", "other.png"))
    face.save(first)
    face.resize((180, 135)).save(resaved, quality=70)
    pillow.linear_gradient("L").save(other)
    type_well("likeness", "enrol", "Ada Example", "--reference", f"face={first}", "--kept-at", "vault 2", "-s", studio)
    found = type_well("likeness", "match", resaved, "-s", studio, "--json").json["warnings"]
    assert len(found) == 1 and ADA in found[0]["why"]
    assert type_well("likeness", "match", other, "-s", studio, "--json").json["warnings"] == []


def test_a_policy_of_all_fees(studio: Path) -> None:
    type_well("likeness", "enrol", "Ada Example", "-s", studio)
    grant(studio)
    grant(studio, "share.json", pay__basis="share", pay__amount=None, pay__currency=None, signature_ref="contracts/2.pdf")
    options = ("--fund", "party:performers-fund", "--synthetic-fee", "25.00 USD", "--levy", "party:plans=20%")
    text = type_well("likeness", "policy", *options, "-s", studio).out
    file = studio.parent / "likeness.toml"
    file.write_text(text)
    assert "# not in this policy: 'likeness share'" in text
    checked = type_well("policy", "check", file).out
    assert "likeness day_rate 1,000.00 USD" in checked
    without = type_well("likeness", "policy", "-s", studio).out
    assert "2 grants agree on contributions" in without and "agree on contributions" not in text
    made = type_well("likeness", "policy", "--onto", "likeness-per-appearance", "-s", studio, "--json").json
    assert [one["name"] for one in made["policy"]["pools"]] == ["appearances", "likeness day_rate 1,000.00 USD"]


def test_a_synthetic_performer(studio: Path) -> None:
    record = studio.parent / "creature.json"
    record.write_text(json.dumps(RECORD))
    words = ("likeness", "synthetic", record, "--territory", "US-NY", "-s", studio)
    assert "YES" in type_well(*words, "--id", "creature-1").out
    record.write_text(json.dumps({**RECORD, "disclosure_text": None}))
    refused = type_in(*words, "--json")
    assert refused.code == 3 and refused.json["decision"]["rule_id"] == "us-ny-gbl-s8420-a/disclosure"
    assert type_in(*words, "--id", "creature-1").code == 3


def test_hostile_words_stay_words(studio: Path) -> None:
    """Control characters do not reach the terminal; formulas and markup are what they are."""
    type_well("likeness", "enrol", "Ada Example", "-s", studio)
    nasty = "=HYPERLINK(1) <script> \x1b[2J two lines in episode four"
    grant(studio, uses__0__description=nasty, storage__location="\x1b[31m")
    shown = type_well("likeness", "show", ADA, "-s", studio).out
    assert "\x1b" not in shown and "=HYPERLINK(1) <script>" in shown
    refused = type_in("likeness", "use", ADA, *ASKED, "--context", "\x1b[2J", "-s", studio)
    assert refused.code == 2 and "\x1b" not in refused.err


PAGE = Path(__file__).parents[2] / "docs" / "likeness.md"


def test_the_page_works_from_its_words_alone(studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of docs/likeness.md, on the grant that stands there; only closing the month needs usage of a month."""
    page = PAGE.read_text()
    documents = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(studio.parent)
    Path("ada.wav").write_bytes(b"RIFF the voice of Ada")
    Path("ada-winter.json").write_text(documents[0])
    Path("creature.json").write_text(json.dumps(RECORD))
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    said = {}
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        words = words[: words.index(">")] if ">" in words else words
        if words[:2] == ["rules", "check"]:
            # By itself the paper cannot say that it is logged and was not taken back.
            assert {"logged", "revoked"} == {one["condition_id"] for one in type_in(*words, "--json").json["lacks"]}
        elif words[:2] != ["period", "close"]:
            own = () if words[0] == "rules" else ("-s", studio)
            said[line] = type_well(*words, *own).out
    assert len(said) >= 10 and any("YES" in text for text in said.values())
    shown = type_well("likeness", "show", "Ada Quill", "-s", studio, "--json").json
    assert shown["grants"][0]["findings"] == [] and len(shown["uses"]) == len(shown["revocations"]) == 1


def test_the_page_names_every_rule() -> None:
    page = PAGE.read_text()
    assert [rule for rule in RULES if f"`{rule}`" not in page] == []
