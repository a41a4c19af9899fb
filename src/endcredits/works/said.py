"""All statements in memory, found by what they are about: for asking about many works at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from endcredits.works.asked import Asked, Name
from endcredits.works.records import Permission
from endcredits.works.url_patterns import site_of


class Said:
    """Statements by their subjects; patterns of addresses by their sites."""

    def __init__(self, permissions: Iterable[Permission]) -> None:
        self._by_name: dict[Name, list[Permission]] = defaultdict(list)
        for one in permissions:
            subject = site_of(one.subject) if one.subject_kind == "url" else one.subject
            self._by_name[one.subject_kind, subject].append(one)

    def about(self, asked: Asked) -> list[Permission]:
        """The statements that may speak of something, each once."""
        names = ((kind, site_of(name) if kind == "url" else name) for kind, name in (*asked.whole, *asked.parts))
        return [one for name in dict.fromkeys(names) for one in self._by_name.get(name, ())]
