"""Language models as tasks: tokenizers, context windows, losses, sampling, and the demo's tiny model."""
