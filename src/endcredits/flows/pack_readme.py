"""The README of a published period: in plain words, what lies where and how to check it."""

from __future__ import annotations

from endcredits.flows.pack_files import PackOf
from endcredits.royalties import PeriodClose


def readme(about: PackOf, close: PeriodClose) -> str:
    """The text, always the same for the same pack."""
    return f"""A CLOSED PERIOD, TO BE COMPUTED AGAIN

Period   {about.period_id}, {close.starts_on} to {close.ends_on} (UTC)
Policy   {close.policy.name}
Log      {about.origin}, {about.log_size} entries, root {about.log_root}
Close    SHA-256 {about.close_digest}

This folder names payees and amounts: it is for an auditor who keeps that confidence, and not for the public.

HOW TO CHECK IT
  endcredits audit period . --vkey KEY
KEY is the log's public key. Take it from the operator's site, a contract, or wherever else you have it from, and not from
this folder. No other part of the operator's systems is needed. Exit code 0: everything follows; 3: something does not, and
the findings say what and where.

What makes the check stronger:
  --older FILE    a checkpoint of the log that you or somebody else kept: shows whether history was rewritten or a second
                  log is shown to others
  --usage FILE    the service's own report of its usage, got from the service: shows uses that were never handed in
  --policy FILE   the policy as it was agreed
  --before DIR    the pack of the period before: balances that were carried over, receipts that were issued twice
  --receipt FILE  a receipt that a creator holds

WHAT IS COMPUTED AGAIN
1. The log: every entry, every hash, the signature.
2. Facts (facts.jsonl): registered works, splits, permissions, hand-ins of usage, contracts, disputes, the steps of the
   close, payments. Each is what an entry of the log commits to, and none that the log has up to the approval is left out.
3. What was reported (reports/): every hand-in against its entry; then the inputs of the close (close/frozen/) from it.
4. The close (close/) from its inputs, to the byte, and every pool and line with it.
5. Every statement (statements/), to the byte, from the close, the names in the log, and what stood in the books
   (stood.json).
6. Receipts (receipts.jsonl), the chain of every payee's statements, and the sum trees (close/sums/) against the sums that
   the period's receipt publishes.
7. Permissions: that every work had a yes in the log before the model was trained on it.

WHAT IT CANNOT SHOW
  That all usage was reported (--usage compares with another source), that the measurement behind the credits is right
  ('endcredits audit sample' measures some again with the models), which works are copies of each other (that needs their
  texts; the clusters are taken as frozen), and when something happened: times in the log are the operator's clock, and the
  order of entries is what counts.

FILES
  manifest.json            SHA-256 of every file here
  log.vkey, log/           the log as static files (C2SP tlog-tiles), and its key
  facts.jsonl              one fact a line with its salt, its entry and the entry's position
  close/                   close.json, its tables as Parquet, its inputs in frozen/, the leaves of its sum trees in sums/
  stood.json               balances, payments, contracts and earlier statements before the close
  reports/                 what was reported, with numbers and digests
  attributions.jsonl       which works every output drew on
  indexes/                 which works and permissions each index was built from
  receipts.jsonl           receipts with all their lines; others.jsonl says what other receipts are for
  statements/              the statements
"""
