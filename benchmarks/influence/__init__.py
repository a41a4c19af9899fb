"""What credit costs: building an index beside a plain training pass, attributing an output beside generating it."""
