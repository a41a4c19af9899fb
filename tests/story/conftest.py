"""The small house, for tests of stories."""

from tests.story.house import house
from tests.story.lived_in import lived_in

__all__ = ["house", "lived_in"]
