"""The query side of a large index, at full bytes per creator, scaled to this machine."""
