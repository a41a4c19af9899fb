"""The small house, for tests of stories."""

from tests.story.house import house

__all__ = ["house"]
