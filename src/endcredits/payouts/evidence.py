"""What a payee needs to check a statement without trusting whoever issued it, in one archive.

It holds the statement in its exact and its flat form, the period's close with the sums of every pool and the policy as
data, the policy as it was written, the digest of every file, and a README that says in plain words what to check and
how. The archive of a statement is always the same bytes: names in order, one fixed date, and nothing of the machine
that packed it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping

from endcredits.canonical import canonical_bytes, digest, sha256_bytes
from endcredits.errors import EndcreditsError, IntegrityError
from endcredits.money import format_micros
from endcredits.payouts.csv_form import csv_problems, read_csv, statement_csv
from endcredits.payouts.documents import parse_statement, problems, statement_json
from endcredits.payouts.records import Statement
from endcredits.payouts.view import shown
from endcredits.royalties.records import PeriodClose

STATEMENT, FLAT, CLOSE, POLICY = "statement.json", "statement.tsv", "close.json", "policy.toml"
DIGESTS, README = "digests.txt", "README.txt"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first day that a zip archive can name
_SIZE_MAX = 1 << 30


def evidence_files(
    statement: Statement, close: PeriodClose, policy_toml: str, more: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """The files of a statement's evidence by name, in order.

    Args:
        statement: final.
        close: of its period.
        policy_toml: the policy as it was written.
        more: other files by name, such as the period's receipt and its proof from the log.

    Raises:
        IntegrityError: the statement does not follow from that close.
    """
    if digest(close) != statement.close_digest:
        raise IntegrityError(
            f"the statement '{statement.statement_id}' follows from another close",
            remedy="Name the period of the statement.",
        )
    files = {
        **{name: data for name, data in (more or {}).items()},
        STATEMENT: statement_json(statement).encode(),
        FLAT: statement_csv(statement).encode(),
        CLOSE: canonical_bytes(close),
        POLICY: policy_toml.encode(),
        README: _readme(statement, sorted(more or {})).encode(),
    }
    files[DIGESTS] = "".join(f"{sha256_bytes(files[name])}  {name}\n" for name in sorted(files)).encode()
    return {name: files[name] for name in sorted(files)}


def evidence_zip(
    statement: Statement, close: PeriodClose, policy_toml: str, more: Mapping[str, bytes] | None = None
) -> bytes:
    """The same as a zip archive.

    Raises:
        IntegrityError: the statement does not follow from that close.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in evidence_files(statement, close, policy_toml, more).items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return out.getvalue()


def evidence_problems(data: bytes) -> Iterator[str]:
    """What does not hold in an archive of evidence, in words: everything that its README asks a reader to check."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _SIZE_MAX:
                yield "it unpacks to more than a gigabyte"
                return
            files = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        yield f"it is not an archive ({error})"
        return
    missing = {STATEMENT, FLAT, CLOSE, POLICY, README, DIGESTS} - set(files)
    if missing:
        yield f"it lacks {', '.join(sorted(missing))}"
        return
    wanted = "".join(f"{sha256_bytes(files[name])}  {name}\n" for name in sorted(set(files) - {DIGESTS}))
    if files[DIGESTS].decode(errors="replace") != wanted:
        yield "its files do not fit their digests"
    try:
        statement = parse_statement(files[STATEMENT])
        flat = read_csv(files[FLAT].decode())
    except (EndcreditsError, UnicodeDecodeError) as error:
        yield getattr(error, "message", str(error))
        return
    yield from problems(statement)
    yield from csv_problems(flat)
    if files[FLAT] != statement_csv(statement).encode():
        yield "the flat form is not that of the statement"
    if sha256_bytes(files[CLOSE]) != statement.close_digest:
        yield "the close is not the one that the statement names"
    else:
        yield from _against_close(statement, files[CLOSE])


def _against_close(statement: Statement, document: bytes) -> Iterator[str]:
    """The pools that a statement draws on are the close's, number by number."""
    import json

    close = json.loads(document)
    if (close["policy_digest"], digest(close["policy"])) != (statement.policy_digest,) * 2:
        yield "the policy in the close is not the one that the statement names"
    for pool in statement.pools:
        sums = close["pools"][pool.pool]
        names = ("kind", "service", "territory", "offer", "events", "uses", "revenue_micros", "source_micros", "pool_micros")
        if any(sums[name] != getattr(pool, name) for name in (*names, "earned_currency", "rate", "breakage_micros")):
            yield f"the pool {pool.pool} is not the close's"
        for part in pool.parts:
            of_close = sums["parts"][part.part]
            if any(
                of_close[name] != getattr(part, name) for name in ("name", "amount_micros", "denominator", "commons_micros")
            ):
                yield f"the part {part.part} of the pool {pool.pool} is not the close's"


def _readme(one: Statement, more: list[str]) -> str:
    others = "".join(f"  {name:<16} handed in beside it\n" for name in more)
    return f"""EVIDENCE FOR A STATEMENT

Statement  {one.statement_id}, version {one.version}
Payee      {shown(one.payee)} ({shown(one.party_id)})
Period     {shown(one.period_id)}, {one.starts_on} to {one.ends_on} (UTC)
Closing    {format_micros(one.summary.closing_micros, one.currency)}
Payable    {format_micros(one.summary.payable_micros, one.currency)}

WHAT IS HERE
  {STATEMENT:<16} the statement, exactly: amounts in micros (millionths of the currency), portions in parts per billion (ppb)
  {FLAT:<16} the same as a table for spreadsheets, tab-separated
  {CLOSE:<16} the close of the period: every pool with its sums, the policy as data, digests of everything that was counted
  {POLICY:<16} the policy as it was written
{others}  {DIGESTS:<16} SHA-256 of every file here

WHAT TO CHECK, AND HOW
1. Nothing was changed on the way. In this folder run: sha256sum -c {DIGESTS} (macOS: shasum -a 256 -c {DIGESTS}).
2. The sums. In {STATEMENT}, under "summary": opening - paid + earned + adjustments + guaranteed - recouped - reserved
   + released - held must be closing, and payable + withheld + fees + carried_over must be closing as well. The amounts of
   all "lines" and "levies" sum to "control_micros"; those that are payable and of this period's own usage sum to "earned".
3. Each line. Take the line's "claim_micros" times its "split_ppb", divided by 1,000,000,000: the amount is that number,
   rounded down or up to a whole micro so that all payees of the work together get the claim, not a micro more or less.
   The work's share is its "weight" over the "denominator" of its part, where no limit ("taken") applied, and the work's
   amount is that share of the part. The field "reason" says all of this in one sentence. Lines of a pool of kind "adjusted"
   are differences between two such amounts: what a closed period gives now that more of it is known, less what was booked.
4. The pools. Each pool and part that the statement names must stand in {CLOSE} under the same number with the same sums.
   There a pool is its parts, its breakage and its rest; a part is what was allocated and what went to the commons.
5. The close is the published one. The SHA-256 of {CLOSE} must be {one.close_digest}.
   The issuer's log commits to that digest; a receipt of the period proves it. Anybody who holds the frozen inputs can
   compute the close again and must get the same bytes.
6. The policy. Compare {POLICY} with "policy" in {CLOSE}; its digest must be {one.policy_digest}.

What this cannot show: whether all usage was reported, and how well shares were measured. For the first compare the usage
counted ({one.outputs_counted:,} uses of outputs) with what you know; for the second see "method" and "error_ppb" of
the lines.

IF SOMETHING IS WRONG
{shown(one.dispute)}
Contact: {shown(one.contact)}
Until:   {one.audit_until}
More:    {shown(one.verify)}
"""
