"""What somebody did, as a code from a closed list, and how the credit reads, as free words.

DDEX keeps both for every contributor: an allowed value for machines and a display text for people. So do we. The code is
what rules and imports compare; a role that is not in the list is kept as it was written and compares with nothing. Names
follow DDEX's where it has one (ComposerLyricist, OriginalPublisher), those of film credits our own, since no open list of
them exists. CWR's two letters are read into the same codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ROLES: Mapping[str, str] = {
    "Author": "Written by",
    "Composer": "Music by",
    "Lyricist": "Lyrics by",
    "ComposerLyricist": "Music and lyrics by",
    "Arranger": "Arranged by",
    "SubArranger": "Arranged by",
    "Adapter": "Adapted by",
    "Translator": "Translated by",
    "SubLyricist": "Lyrics by",
    "Librettist": "Libretto by",
    "IncomeParticipant": "With",
    "OriginalPublisher": "Published by",
    "SubstitutedPublisher": "Published by",
    "SubPublisher": "Published by",
    "AdministratingPublisher": "Administered by",
    "AcquiringPublisher": "Published by",
    "MainArtist": "Performed by",
    "FeaturedArtist": "Featuring",
    "Performer": "Performed by",
    "Conductor": "Conducted by",
    "Orchestra": "Performed by",
    "Producer": "Produced by",
    "Mixer": "Mixed by",
    "MasteringEngineer": "Mastered by",
    "RecordingEngineer": "Recorded by",
    "Director": "Directed by",
    "ScreenplayAuthor": "Screenplay by",
    "StoryAuthor": "Story by",
    "Cinematographer": "Director of photography",
    "FilmEditor": "Edited by",
    "ProductionDesigner": "Production design by",
    "CostumeDesigner": "Costumes by",
    "SoundDesigner": "Sound design by",
    "Actor": "With",
    "VoiceActor": "Voices by",
    "Photographer": "Photographs by",
    "Illustrator": "Illustrated by",
    "Animator": "Animated by",
    "Editor": "Edited by",
    "Maintainer": "Maintained by",
    "Fund": "With",
}
"""Role code -> the words before names of that role."""

WRITER_ROLES: Mapping[str, str] = {
    "A": "Lyricist",
    "C": "Composer",
    "CA": "ComposerLyricist",
    "AR": "Arranger",
    "SR": "SubArranger",
    "AD": "Adapter",
    "TR": "Translator",
    "SA": "SubLyricist",
    "PA": "IncomeParticipant",
}
"""CWR's writer designation -> role code."""

PUBLISHER_ROLES: Mapping[str, str] = {
    "E": "OriginalPublisher",
    "ES": "SubstitutedPublisher",
    "SE": "SubPublisher",
    "AM": "AdministratingPublisher",
    "AQ": "AcquiringPublisher",
    "PA": "IncomeParticipant",
}
"""CWR's publisher type -> role code."""


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


_CODES = {_key(code): code for code in ROLES}
_CODES |= {"writer": "Author", "publisher": "OriginalPublisher", "lyrics": "Lyricist", "music": "Composer"}
_CODES |= {"dop": "Cinematographer", "screenwriter": "ScreenplayAuthor", "artist": "MainArtist"}


def role_code(text: str) -> str:
    """The code of a role however it is spelt; a role that no code stands for is returned as it is, in one line.

    >>> role_code("sub-publisher"), role_code("COMPOSER"), role_code("Foley walker")
    ('SubPublisher', 'Composer', 'Foley walker')
    """
    plain = " ".join(text.split())
    return _CODES.get(_key(plain), plain)


def is_known(role: str) -> bool:
    """Whether a role is one of the closed list."""
    return role in ROLES


def credit_line(role: str, display_credit: str) -> str:
    """A credit as it stands on a screen.

    >>> credit_line("Translator", "Tara Lin"), credit_line("Foley walker", "Jo Step")
    ('Translated by Tara Lin', 'Foley walker: Jo Step')
    """
    code = role_code(role)
    return f"{ROLES[code]} {display_credit}" if code in ROLES else f"{code}: {display_credit}"
