"""The small house, for tests of the flows."""

from tests.story.house import house

__all__ = ["house"]
