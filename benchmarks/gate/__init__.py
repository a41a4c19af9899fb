"""`python -m benchmarks.gate`: what the gate finds of refused works, and what it costs; see `likeness` and `rerun`."""
