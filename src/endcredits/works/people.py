"""Names of people in the headers of package metadata, never their addresses.

The core metadata of Python packages names people in four headers: Author and Maintainer hold free text, Author-email
and Maintainer-email hold addresses with or without names (RFC 5322, encoded words of RFC 2047). Only names are read.
Free text is untidy ("A, B and many others", "Example, Inc."), so this is a careful guess, and a guess that finds nobody
returns nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import getaddresses

from endcredits.errors import InputError
from endcredits.works.names import ADDRESS, clean_name, party_key
from endcredits.works.records import Contributor

_LEGAL_FORM = r"(?:inc|llc|l\.l\.c|ltd|limited|gmbh|corp|co|s\.a|ag|plc|b\.v|jr|sr|ph\.?d)\b\.?"
"""Words that follow a comma within one name; they also close a name that holds "and"."""
_BODY = re.compile(
    r"^the\b|\b(?:team|developers?|contributors|authors|project|authority|group|society|association|organi[sz]ation|"
    r"university|institute|laborator(?:y|ies)|foundation|community|maintainers|company|committee|consortium|services|"
    r"software|admins|inc|llc|ltd|limited|gmbh|corp|corporation|ag|plc)\b",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:and )?(?:(?:many|all|its|our|the|individual|various|several|\d+) )*"
    r"(?:others?|contributors?|authors?|people|maintainers?|et al\.?|friends|see .*|unknown|none|n/?a|tbd|-*)",
    re.IGNORECASE,
)
_SPOKEN_ADDRESS = re.compile(r"\S+\s*[\[(<]?\bat\b[\])>]?\s*\S+\s*[\[(<]?\bdot\b[\])>]?\s*\w+", re.IGNORECASE)


def people_of(headers: Sequence[tuple[str, str, str]]) -> tuple[Contributor, ...]:
    """Everybody whom headers name, once each, in their order; the first role counts.

    >>> [(one.name, one.kind) for one in people_of([("author", "address", "A. Smith <a@example.org>, b@example.org")])]
    [('A. Smith', 'unknown')]

    Args:
        headers: (role, "text" or "address", the header's value).
    """
    found: dict[str, Contributor] = {}
    for role, form, value in headers:
        for name in names_of_addresses(value) if form == "address" else names_of_text(value):
            found.setdefault(party_key(name), Contributor(name, role, kind="body" if is_body(name) else "unknown"))
    return tuple(found.values())


def is_body(name: str) -> bool:
    """Whether a name reads like that of a company, team or project."""
    return bool(_BODY.search(name))


def names_of_addresses(value: str) -> list[str]:
    """The names in a list of addresses; an address alone gives no name."""
    pairs = [(name, address) for name, address in getaddresses([value]) if name or address]
    if not pairs or any("@" not in address for _, address in pairs):
        # Not a list of addresses after all ("A. Smith, B. Jones"); the free text rules drop what looks like an address.
        return names_of_text(value)
    return [one for name, _ in pairs if name for one in names_of_text(name)]


def names_of_text(value: str) -> list[str]:
    """The names in free text, such as "A. Smith, B. Jones and others"."""
    text = re.sub(r"\([^)]*\)|https?://\S+|\[[^\]]*\]", " ", _SPOKEN_ADDRESS.sub(" ", _decoded(value)))
    text = re.sub(r"<[^<>]*>", ", ", text)
    text = ADDRESS.sub(" ", text).replace('"', " ")
    text = re.sub(r"\bwith (?:the )?(?:help|contributions?)\b.*", " ", text, flags=re.IGNORECASE)
    # The comma in "Example, Inc." belongs to the name.
    text = re.sub(rf",\s*({_LEGAL_FORM})", "\0 \\1", text, flags=re.IGNORECASE)
    names = []
    for piece in re.split(r"[,;\n|]", text):
        whole = " ".join(piece.replace("\0", ",").split())
        # "Smith and Sons Ltd" is one body.
        closed = re.search(rf"\b{_LEGAL_FORM}$", whole, re.IGNORECASE)
        parts = [whole] if closed else re.split(r"\s+(?:and|&)\s+", f" {whole} ")
        names += [name for name in map(_name, parts) if name]
    return names


def _decoded(value: str) -> str:
    """Encoded words of RFC 2047 as text; what cannot be decoded stays as it is."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return value


def _name(text: str) -> str:
    """A name as it is kept, or "" when it names nobody in particular."""
    name = re.sub(r"\s+et al\.?$|^and\s+", "", " ".join(text.split()).strip(" <>-"), flags=re.IGNORECASE)
    name = re.sub(r"(?<=\w{4})\.$", "", name)
    if not re.search(r"\w", name) or "@" in name or _NOBODY.fullmatch(name):
        return ""
    try:
        return clean_name(name)
    except InputError:
        # Too long or unprintable: not a name that could be shown.
        return ""
