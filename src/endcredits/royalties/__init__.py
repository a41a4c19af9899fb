"""Royalties: from usage, revenue and a policy to exact money, and into the ledger.

An operator reports *usage events* (`read_usage`, `add_usage`). At the end of a period `close_period` divides the
policy's part of the revenue over the works by their signed credits, and each work's amount over its splits. It is a
pure function of integers: anybody who holds the inputs gets the same bytes (`replay_close`). `period_entry` books the
result and `save_close` keeps it; a closed period is never opened again, and periods close in order
(`must_follow`). `check_royalties` looks everything over.
"""
