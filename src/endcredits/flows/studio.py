"""A studio: one folder that holds everything an operator records, and nothing of which is magic.

studio.toml     its name, its log's origin, its database
studio.db       parties, works, permissions, attributions, usage, journal, statements (or a PostgreSQL URL)
content/        the works' files, by digest
index/          influence indexes, and which one is current
runs/           training runs of the response tier; may be deleted, at the price of training again
audits/         reports and calibrations of audits, and their training runs
log/            the append-only log of receipts, static files: entries, tiles, signed checkpoint, public keys
log.index.sqlite  where in the log what stands; made from it, and private
keys/           the log's private key; never leaves the operator
facts/          what the log says of recorded facts: works, splits, permissions, hand-ins, steps, payments
receipts/       one file per receipt, to be handed out
statements/     one folder per period
"""

from __future__ import annotations

import contextlib
import re
import secrets
import sqlite3
import tomllib
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from endcredits import durable
from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.ids import plain_id, slug
from endcredits.receipts import Log, SigningKey, load_key, make_keypair
from endcredits.receipts.keys import load_keys
from endcredits.store import Store, filled_tables, metadata, open_store

CONFIG = "studio.toml"
KEY = Path("keys") / "log.key"
LEFT_BY_INIT = (
    r"studio\.db(-wal|-shm|-journal)?",
    r"studio\.toml\.[0-9a-f]{8}",
    r"keys(/log\.key(\.[0-9a-f]{8})?)?",
    r"log(/(\.lock|(log\.vkey|checkpoint)(\.[0-9a-f]{8})?))?",
)
"""What a killed `init_studio` leaves, from the studio's folder, without the suffix of half-written files."""


@dataclass(frozen=True, slots=True)
class Studio:
    """An open studio.

    Attributes:
        path: its folder.
        name: for people.
        origin: the log's name, which its checkpoints carry.
        store: its database.
        operator: the party that contracts with rights holders name as licensee; empty for none.
    """

    path: Path
    name: str
    origin: str
    store: Store
    operator: str = ""

    @property
    def content(self) -> Path:
        """Where the works' files are."""
        return self.path / "content"

    @property
    def receipts(self) -> Path:
        """Where the receipts are."""
        return self.path / "receipts"

    @property
    def vkey_file(self) -> Path:
        """The log's public key, which a verifier needs."""
        return self.path / "log" / "log.vkey"

    def log(self) -> Log:
        """The log of receipts, open for writing.

        Raises:
            IntegrityError: it is gone. A new one is never begun in its place: it would contradict the receipts.
        """
        if not (self.path / "log" / "checkpoint").exists():
            raise IntegrityError(
                "the log of receipts, or its checkpoint, is missing",
                remedy="Restore the folder from your last copy.",
                file=self.path / "log",
            )
        vkeys = self.log_to_read().vkeys
        return Log.open(self.path / "log", load_keys((self.path / KEY).parent, self.origin, vkeys))

    def log_to_read(self) -> Log:
        """The same without the private key, as auditors have it."""
        return Log.open(self.path / "log")

    def close(self) -> None:
        """Gives the database back."""
        self.store.close()


def init_studio(path: str | Path, *, name: str = "", database: str = "", operator: str = "") -> Studio:
    """Makes a studio in a new or empty folder, or goes on where one that was killed before its last step stopped.

    Args:
        path: the folder.
        name: for people; the folder's name by default.
        database: URL; `studio.db` in the folder by default.
        operator: the party that contracts with rights holders name as licensee; may be written into studio.toml later.

    Raises:
        ConflictError: the folder is a studio already, or holds something else.
        InputError: the database URL is not usable; nothing is left behind.
    """
    place = Path(path)
    if (place / CONFIG).exists():
        raise ConflictError("this folder is a studio already", remedy="Use it as it is.", file=place)
    if place.exists() and not (place.is_dir() and _is_unfinished(place)):
        raise ConflictError("this folder is not empty", remedy="Choose a new or empty folder.", file=place)
    title = name or place.resolve().name
    if not title.isprintable() or len(title) > 120:
        raise InputError("the name is not one printable line", remedy="Use at most 120 characters.", field="name")
    if operator:
        plain_id(operator, what="operator")
    url = database or "sqlite:///studio.db"
    # The database first: a wrong URL must leave no half-made studio.
    made = not place.exists()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise durable.machine_error(error, place) from error
    try:
        _must_be_new(_absolute(url, place))
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                place.rmdir()
        raise
    key = _key_of(place, title)
    Log.open(place / "log", key)
    config = f"[studio]\nname = {_toml(title)}\norigin = {_toml(key.name)}\ndatabase = {_toml(url)}\n"
    config += f"operator = {_toml(operator)}\n" if operator else ""
    durable.write_atomic(place / CONFIG, config.encode(), private=True)
    return open_studio(place)


def _is_unfinished(place: Path) -> bool:
    """Whether a folder holds nothing but what a killed `init_studio` leaves: no configuration, and nothing logged."""
    for path in place.rglob("*"):
        inside = path.relative_to(place).as_posix().removesuffix(durable.PARTIAL)
        if not any(re.fullmatch(pattern, inside) for pattern in LEFT_BY_INIT):
            return False
    file = place / "studio.db"
    return not file.exists() or _holds_only_our_tables(file)


def _holds_only_our_tables(file: Path) -> bool:
    with contextlib.closing(sqlite3.connect(file)) as conn:
        try:
            names = {name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.Error:
            return False
    return names <= {*metadata.tables, "alembic_version"}


def _key_of(place: Path, title: str) -> SigningKey:
    """The log's key: the one that a killed `init_studio` made, under the name that its log has already, or a new one."""
    vkey = place / "log" / "log.vkey"
    origin = f"{slug(title)}.example/endcredits/{secrets.token_hex(4)}"
    if vkey.exists():
        origin = vkey.read_text(encoding="utf-8", errors="replace").partition("+")[0]
    return load_key(place / KEY, origin) if (place / KEY).exists() else make_keypair(place / KEY, origin)


def _must_be_new(url: str | sa.URL) -> None:
    """Opens a database, making its tables, and refuses one that holds anything."""
    store = open_store(url)
    try:
        with store.reading() as conn:
            held = filled_tables(conn)
    finally:
        store.close()
    if held:
        raise ConflictError(
            f"the database holds another studio already ({held[0]} is not empty)",
            remedy="Name a new database.",
            file=store.url,
            field="database",
        )


def open_studio(path: str | Path) -> Studio:
    """Opens a studio.

    Raises:
        NotFoundError: the folder is not a studio.
        InputError: its configuration cannot be read.
        ConflictError: its database was written by a newer version.
        MachineError: its database cannot be reached.
    """
    place = Path(path)
    file = place / CONFIG
    if not file.exists():
        raise NotFoundError(
            "this folder is not a studio", remedy=f"Make one: endcredits init {place}", file=place, field="studio"
        )
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))["studio"]
        name, origin, database = (settings[key] for key in ("name", "origin", "database"))
        operator = plain_id(settings["operator"], what="operator") if "operator" in settings else ""
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise InputError(
            f"the studio's configuration cannot be read ({error})",
            remedy="It needs a table [studio] with name, origin and database.",
            file=file,
        ) from error
    return Studio(place, name, origin, open_store(_absolute(database, place)), operator)


def _absolute(url: str, place: Path) -> str | sa.URL:
    """A SQLite file is named relative to the studio, so that a studio can be moved.

    The studio's own path never passes through the text of a URL, where a "?" in it would end the file's name.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        return url  # opening it says what is wrong
    file = parsed.database or ""
    if parsed.get_backend_name() != "sqlite" or file in ("", ":memory:") or file.startswith("/"):
        return url
    return sa.URL.create(parsed.drivername, database=str(place.resolve() / file), query=parsed.query)


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
