"""Pictures: classifiers and denoisers as tasks of the engine."""
