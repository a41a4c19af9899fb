"""Measured figures: `python -m benchmarks.NAME [--json]`, one folder each, from the repository's root.

A figure is a ratio against a reference, a peer or a physical limit, measured in the same process, as the median of
several runs; machines differ and drift, ratios less so.
"""
