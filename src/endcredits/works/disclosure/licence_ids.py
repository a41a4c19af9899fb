"""The names under which other people's catalogues know the licences that statements name."""

from __future__ import annotations

from functools import cache

from license_expression import get_spdx_licensing

from endcredits.works.disclosure.counting import Tally

HUB = frozenset(
    (
        *(
            "apache-2.0",
            "mit",
            "cc0-1.0",
            "cc-by-2.0",
            "cc-by-2.5",
            "cc-by-3.0",
            "cc-by-4.0",
            "cc-by-sa-3.0",
            "cc-by-sa-4.0",
        ),
        *(
            "bsd",
            "bsd-2-clause",
            "bsd-3-clause",
            "isc",
            "zlib",
            "unlicense",
            "wtfpl",
            "ncsa",
            "postgresql",
            "pddl",
            "odc-by",
        ),
        *("afl-3.0", "ecl-2.0", "bsl-1.0", "ms-pl", "osl-3.0", "mpl-2.0", "epl-2.0", "eupl-1.2", "ofl-1.1", "artistic-2.0"),
        *("gpl-2.0", "gpl-3.0", "agpl-3.0", "lgpl-2.1", "lgpl-3.0", "odbl"),
    )
)
"""Licences that model hubs know by an id of their own; everything else is "other" there."""
_FREE = frozenset(("open licence", "public domain"))


@cache
def _spdx_ids() -> dict[str, str]:
    known = get_spdx_licensing().known_symbols
    return {key.casefold(): key for key, symbol in known.items() if not symbol.is_exception}


def spdx_url(name: str) -> str:
    """The page of a licence on spdx.org, "" where SPDX does not know the name.

    >>> spdx_url("cc-by-4.0"), spdx_url("public domain")
    ('https://spdx.org/licenses/CC-BY-4.0.html', '')
    """
    found = _spdx_ids().get(name.casefold(), "")
    return f"https://spdx.org/licenses/{found}.html" if found and not found.startswith("LicenseRef-") else ""


def only_licensed(counted: Tally) -> bool:
    """Whether every work is there under a licence or in the public domain, by its name."""
    return bool(counted.licences) and {name for name, _ in counted.grounds} <= _FREE


def hub_licences(counted: Tally) -> tuple[str, ...]:
    """The ids for the head of a dataset card; "other" where a hub does not know it; () when there is no work."""
    if not counted.works:
        return ()
    if not only_licensed(counted):
        return ("other",)
    ids = {name.casefold() if name.casefold() in HUB else "other" for name, _ in counted.licences}
    return tuple(sorted(ids))


def licence_urls(counted: Tally) -> tuple[str, ...]:
    """Pages of all licences; () unless every work has one and SPDX knows them all."""
    urls = [spdx_url(name) for name, _ in counted.licences]
    return tuple(urls) if only_licensed(counted) and all(urls) else ()
