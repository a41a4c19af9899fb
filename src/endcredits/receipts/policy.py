"""A policy: whose log to believe, and which witnesses must have seen it. A few lines of text that a verifier keeps.

    # Credits of the studio, seen by any two of three witnesses.
    log studio.example/endcredits/log+33bcd8aa+AQPBB7...
    witness library  witness.library.example/w1+8c1f0ab2+BHk2...  https://witness.library.example/
    witness union    witness.union.example/w1+02aa91c4+BEt7...    https://witness.union.example/
    witness archive  witness.archive.example/w1+77d01e3f+BPq1...
    group seen 2 library union archive
    quorum seen

The form is C2SP tlog-policy. `log` and `witness` give public keys (vkey lines), and may end with an address, which only
those need who ask for cosignatures. `group NAME all|any|NUMBER MEMBERS...` counts as one witness when so many of its
members have signed; members are witnesses and groups that stand above it, each a member at most once, so no witness
counts twice. `quorum NAME` (or `quorum none`) says what is enough, exactly once. Fields are parted by spaces and tabs;
lines that begin with "#" are remarks.

The names mean something only within the file. Every error names its line.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from endcredits import durable
from endcredits.errors import EndcreditsError, InputError
from endcredits.receipts.cosigner import ED25519, MLDSA44, PLAIN_ED25519, Key, read_key

BYTES_MAX = 1 << 20
LINES_MAX = 2_000
_FORMS = {
    "log": "log <vkey> [address]",
    "witness": "witness <name> <vkey> [address]",
    "group": "group <name> <all|any|number> <members...>",
    "quorum": "quorum <name|none>",
}


@dataclass(frozen=True, slots=True)
class PolicyKey:
    """A log or a witness of a policy.

    Attributes:
        name: what the policy calls a witness; the origin of a log.
        key: its public key.
        url: where it is reached, "" when the policy does not say.
    """

    name: str
    key: Key
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these.

    Attributes:
        name: what the policy calls it.
        threshold: how many members must have seen the log, 1 to their number.
        members: names of witnesses and of groups that stand above it.
    """

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, read.

    Attributes:
        logs: any of these may have signed; two keys of one origin while a log changes its key.
        witnesses: in the order of the file.
        groups: in the order of the file, so that members come before what they are members of.
        quorum: name of a witness or group, or "none".
    """

    logs: tuple[PolicyKey, ...]
    witnesses: tuple[PolicyKey, ...]
    groups: tuple[Group, ...]
    quorum: str


def load_policy(path: str | os.PathLike[str]) -> Policy:
    """Reads a policy file.

    Raises:
        InputError: it cannot be read or is not a policy; the error names file and line.
    """
    place = Path(path)
    try:
        with place.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise InputError("there is no such policy", remedy="Write one; see docs/witnesses.md.", file=place) from error
    except IsADirectoryError as error:
        raise InputError("it is a folder", remedy="Name the policy's file.", file=place) from error
    except OSError as error:
        raise durable.machine_error(error, place) from error
    return parse_policy(data, file=place)


def parse_policy(data: bytes, *, file: object = None) -> Policy:
    """Reads a policy.

    Args:
        data: the file's bytes, UTF-8, at most 1 MiB and 2,000 lines.
        file: its name, for errors.

    Raises:
        InputError: it is not a policy; the error names the line.
    """
    if len(data) > BYTES_MAX or data.count(b"\n") >= LINES_MAX:
        raise InputError("the policy is too long", remedy=f"Use less than {LINES_MAX:,} lines and 1 MiB.", file=file)
    reader = _Reader()
    for number, raw in enumerate(data.removesuffix(b"\n").split(b"\n"), 1):
        try:
            reader.line(raw)
        except EndcreditsError as error:
            raise InputError(error.message, remedy=error.remedy, file=file, row=number) from error
    if reader.quorum is None:
        raise InputError(
            "the policy does not say which quorum is enough",
            remedy="End it with 'quorum <name of a witness or group>', or 'quorum none'.",
            file=file,
        )
    return Policy(tuple(reader.logs), tuple(reader.witnesses), tuple(reader.groups), reader.quorum)


class _Reader:
    """What the lines so far have said."""

    def __init__(self) -> None:
        self.logs: list[PolicyKey] = []
        self.witnesses: list[PolicyKey] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self._names: set[str] = {"none"}
        self._members: set[str] = set()

    def line(self, raw: bytes) -> None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError("the line is not UTF-8", remedy="Save the policy as UTF-8.") from error
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text):
            raise InputError("the line holds a control character", remedy="Use only spaces, tabs and line ends (no CR).")
        words = [word for word in re.split(r"[ \t]+", text) if word]
        if not words or words[0].startswith("#"):
            return
        kind, *rest = words
        if kind not in _FORMS:
            remedy = "A line begins with log, witness, group, quorum or #."
            raise InputError(f"'{kind[:60]}' is not a word that begins a line of a policy", remedy=remedy)
        fits = {
            "log": 1 <= len(rest) <= 2,
            "witness": 2 <= len(rest) <= 3,
            "group": len(rest) >= 3,
            "quorum": len(rest) == 1,
        }
        if not fits[kind]:
            raise InputError(f"the line has {len(rest)} fields after '{kind}'", remedy=f"It reads: {_FORMS[kind]}")
        {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum}[kind](rest)

    def _log(self, words: list[str]) -> None:
        key = self._key(words[0], (PLAIN_ED25519, MLDSA44), "log")
        self.logs.append(PolicyKey(key.name, key, words[1] if len(words) > 1 else ""))

    def _witness(self, words: list[str]) -> None:
        key = self._key(words[1], (ED25519, MLDSA44), "witness")
        self.witnesses.append(PolicyKey(self._new_name(words[0]), key, words[2] if len(words) > 2 else ""))

    def _key(self, vkey: str, kinds: tuple[int, ...], what: str) -> Key:
        key = read_key(vkey)
        if key.kind not in kinds:
            remedy = "Logs sign with type 1 (Ed25519), witnesses with type 4; both may use type 6 (ML-DSA-44)."
            raise InputError(f"a key of type {key.kind} cannot be that of a {what}", remedy=remedy)
        # A log's key is no witness either: whoever signs the log would be its own witness.
        if any(key.public == other.key.public for other in (*self.logs, *self.witnesses)):
            raise InputError("an earlier line gives the same key", remedy="Give each key once, to one log or witness.")
        return key

    def _new_name(self, name: str) -> str:
        if name in self._names:
            remedy = "'none' is a word of the policy." if name == "none" else "Use each name for one witness or group."
            raise InputError(f"the name '{name[:60]}' is taken", remedy=remedy)
        self._names.add(name)
        return name

    def _group(self, words: list[str]) -> None:
        name, count, *members = words
        for member in members:
            if member not in self._names or member == "none":
                remedy = "Define witnesses and groups above the line that uses them."
                raise InputError(f"no line above defines '{member[:60]}'", remedy=remedy)
            if member in self._members:
                raise InputError(f"'{member[:60]}' is a member already", remedy="Nobody may count twice.")
            self._members.add(member)
        threshold = {"any": 1, "all": len(members)}.get(count)
        if threshold is None:
            if not re.fullmatch(r"[1-9][0-9]{0,3}", count) or int(count) > len(members):
                remedy = f"Use all, any, or a number from 1 to {len(members)}, the number of its members."
                raise InputError(f"'{count[:60]}' is not how many members can be asked for", remedy=remedy)
            threshold = int(count)
        self.groups.append(Group(self._new_name(name), threshold, tuple(members)))

    def _quorum(self, words: list[str]) -> None:
        if self.quorum is not None:
            raise InputError("an earlier line gives a quorum already", remedy="Give exactly one.")
        if words[0] not in self._names:
            raise InputError(f"no line above defines '{words[0][:60]}'", remedy="Define it above, or write 'quorum none'.")
        self.quorum = words[0]
