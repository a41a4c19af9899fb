"""Walks through the house: one file per walk, and the only place that opens transactions and wires rooms together."""
