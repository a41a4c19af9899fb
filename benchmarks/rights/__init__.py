"""What it costs to hear what works say, and to decide by it."""
