"""The small house, for tests of the command line."""

from tests.story.house import house

__all__ = ["house"]
