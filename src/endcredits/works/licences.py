"""What a licence says about training on a work, as this house reads it.

A licence is read as an SPDX expression ("MIT OR GPL-2.0-only", SPDX 2.3 annex D) after common other spellings ("MIT
License", "BSD") were turned into SPDX ids. Each id is looked up in one table, `READINGS`; OR takes the best of its
alternatives, AND the most restrictive of its parts, and WITH an exception is judged like the licence alone.

- allow: permissive licences and the public domain, by an id that SPDX knows or a name in the table; an invented id such
  as "MIT-no-AI" is unknown, however permissive its beginning sounds. Their notice and attribution are what this house is
  for: they travel with the credit.
- conditional: copyleft and source-available licences. Whether a trained model is bound by their conditions is disputed,
  so a person decides, and says so in a permission of their own.
- deny: licences that exclude commercial use, changes, or everybody.
- unknown: nothing said, or nothing that we recognise. Unknown is never a yes.

This is the house's reading for its own bookkeeping; it is not legal advice, and a statement by the rights holder goes
before it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from license_expression import (
    AND,
    OR,
    ExpressionError,
    ExpressionParseError,
    Licensing,
    get_spdx_licensing,
)

Judgement = tuple[str, str]
"""One of `records.VALUES`, and why."""

BSD = "LicenseRef-BSD"
"""BSD without saying which; all of them permit use."""
PUBLIC_DOMAIN = "LicenseRef-public-domain"


def _plain(text: str) -> str:
    """A spelling without case, brackets, commas, quotes, the word "version", and with one kind of space."""
    bare = re.sub(r"[()\"',:]", " ", text.casefold().replace("licence", "license"))
    return " ".join(re.sub(r"\bversion (?=\d)|\bv\.? ?(?=\d+\.\d)", "", bare).split()).rstrip(".") or text


# (value, family, SPDX ids as patterns); the first row that fits an id decides, so exceptions to a rule stand before it.
# Where a pattern with a star allows, SPDX must know the id as well; see `_is_named`.
READINGS: tuple[tuple[str, str, str], ...] = (
    ("deny", "excludes commercial use", "CC-BY-NC* PolyForm-Noncommercial-* LicenseRef-*noncommercial*"),
    ("deny", "excludes adapted works", "CC-BY-ND*"),
    ("deny", "keeps all rights", "LicenseRef-*proprietary* LicenseRef-*nvidia* LicenseRef-*all-rights-reserved*"),
    ("conditional", "copyleft", "GPL-* LGPL-* AGPL-* GFDL-* MPL-* EUPL-* EPL-* CDDL-* OSL-* CPL-* IPL-* APSL-* CPAL-*"),
    ("conditional", "copyleft", "CC-BY-SA-* ODbL-* CECILL-1.* CECILL-2.* CECILL-C QPL-* RPL-* Sleepycat SSPL-* MS-RL"),
    ("conditional", "copyleft", "BSD-Protection Artistic-* ClArtistic Ruby MS-PL Vim OFL-* GPL LGPL AGPL"),
    (
        "conditional",
        "restricts some uses",
        "BUSL-* Elastic-* PolyForm-* JSON BSD-3-Clause-No-* *OpenRAIL*",
    ),
    ("allow", "public domain or its like", "CC0-* CC-PDDC CC-PDM-* PDDL-* Unlicense 0BSD MIT-0 WTFPL blessing"),
    ("allow", "public domain or its like", f"{PUBLIC_DOMAIN} LicenseRef-scancode-public-domain*"),
    (
        "allow",
        "permissive",
        f"MIT MIT-* BSD-* {BSD} Apache-* ISC Zlib BSL-1.0 HPND HPND-* X11 X11-*",
    ),
    (
        "allow",
        "permissive",
        "PSF-* Python-2.* CNRI-* NCSA PostgreSQL curl NTP TCL Libpng libtiff ICU FTL IJG",
    ),
    (
        "allow",
        "permissive",
        "Unicode-* OpenSSL bzip2-* AFL-* ECL-* W3C W3C-* ZPL-* UPL-* BlueOak-* CECILL-B",
    ),
    ("allow", "permissive", "PHP-* Xnet Intel TU-Berlin-* FSFAP FSFUL* Beerware Spencer-* SSH-* AAL EFL-* Fair Naumen"),
    ("allow", "attribution", "CC-BY-1.0* CC-BY-2.* CC-BY-3.0* CC-BY-4.0 ODC-By-* OGL-UK-* DL-DE-BY-* etalab-*"),
)

# Other spellings, separated by ";". Case, brackets, commas and the word "version" do not matter; see `_plain`.
_SPELLINGS_OF: dict[str, str] = {
    "MIT": (
        "mit; mit license; the mit license; mit license mit; the mit license mit; expat; expat license; x11 mit; mit x11"
    ),
    "MIT-0": "mit no attribution license mit-0; mit no attribution",
    "MIT-CMU": "historical permission notice and disclaimer mit cmu; mit cmu license; mit-cmu license",
    "HPND": "historical permission notice and disclaimer hpnd; historical permission notice and disclaimer",
    BSD: "bsd; bsd license; the bsd license; bsd-like; bsd style; bsd licence; new bsd or simplified bsd",
    "BSD-2-Clause": (
        "bsd 2-clause license; bsd 2 clause; 2-clause bsd license; 2-clause bsd; simplified bsd; bsd 2-clause "
        "simplified license; simplified bsd license; freebsd"
    ),
    "BSD-3-Clause": (
        "bsd 3-clause license; bsd 3 clause; 3-clause bsd license; 3-clause bsd; new bsd; new bsd license; modified "
        "bsd; modified bsd license; bsd 3-clause new or revised license; bsd 3-clause; revised bsd license"
    ),
    "0BSD": "zero-clause bsd 0bsd; zero-clause bsd; bsd zero clause license",
    "Apache-2.0": (
        "apache; apache license; apache 2; apache 2.0; apache2; apache2.0; apache license 2; apache license 2.0; "
        "apache 2.0 license; apache-2.0 license; apache software license; apache software license 2.0; asl 2.0; "
        "apache license version 2.0; apache license version 2; the apache license version 2.0; apache version 2.0; "
        "the apache software license version 2.0; apache-2"
    ),
    "ISC": "isc license; isc license iscl; iscl; isc license isc",
    "Zlib": "zlib libpng license; zlib license; zlib/libpng license",
    "BSL-1.0": "boost; boost software license; boost software license 1.0 bsl-1.0; boost software license 1.0",
    "PSF-2.0": (
        "psf; psfl; psf license; python software foundation license; python software foundation; python license; "
        "python software foundation license version 2; python software foundation license 2.0"
    ),
    "Python-2.0": "python license cnri python license",
    "CNRI-Python": "cnri python license",
    "Unlicense": "unlicense; the unlicense; the unlicense unlicense; unlicense license",
    "CC0-1.0": (
        "cc0; cc0 1.0; cc0 1.0 universal; creative commons zero; cc0 1.0 universal cc0 1.0 public domain "
        "dedication; standard ebooks edition cc0-1.0"
    ),
    PUBLIC_DOMAIN: (
        "public domain; publicdomain; public-domain; public domain dedication; in the public domain; pd; public "
        "domain in the usa; public domain in the usa source text"
    ),
    "CC-BY-4.0": (
        "cc by 4.0; cc-by; cc by; creative commons attribution 4.0; creative commons attribution; creative commons "
        "attribution 4.0 international"
    ),
    "CC-BY-3.0": "cc by 3.0; creative commons attribution 3.0",
    "CC-BY-SA-4.0": (
        "cc by-sa 4.0; cc by-sa; cc-by-sa; creative commons attribution-sharealike; creative commons "
        "attribution-sharealike 4.0"
    ),
    "CC-BY-NC-4.0": "cc by-nc; cc by-nc 4.0; cc-by-nc; creative commons attribution-noncommercial; non-commercial",
    "CC-BY-ND-4.0": "cc by-nd; cc by-nd 4.0; cc-by-nd; creative commons attribution-noderivatives",
    "CC-BY-NC-SA-4.0": "cc by-nc-sa; cc by-nc-sa 4.0; cc-by-nc-sa",
    "CC-BY-NC-ND-4.0": "cc by-nc-nd; cc by-nc-nd 4.0; cc-by-nc-nd",
    "GPL-1.0-or-later": "gpl; gnu gpl; gnu general public license; gnu general public license gpl; gpl license",
    "GPL-2.0-only": "gplv2; gpl v2; gpl 2; gpl 2.0; gnu general public license v2 gplv2; gnu gpl v2; gpl-2",
    "GPL-2.0-or-later": "gplv2+; gnu general public license v2 or later gplv2+; gpl v2 or later; gpl-2+",
    "GPL-3.0-only": ("gplv3; gpl v3; gpl 3; gpl 3.0; gnu general public license v3 gplv3; gnu gpl v3; gpl-3; gnu gplv3"),
    "GPL-3.0-or-later": (
        "gplv3+; gnu general public license v3 or later gplv3+; gpl v3 or later; gpl-3+; gnu general public license "
        "v3 or later"
    ),
    "LGPL-2.0-or-later": (
        "lgpl; gnu lgpl; gnu library or lesser general public license lgpl; gnu lesser general public license"
    ),
    "LGPL-2.1-only": "gnu lesser general public license v2 lgplv2; lgplv2; lgpl 2.1; lgplv2.1",
    "LGPL-2.1-or-later": "gnu lesser general public license v2 or later lgplv2+; lgplv2+; lgplv2.1+; lgpl 2.1+",
    "LGPL-3.0-only": "gnu lesser general public license v3 lgplv3; lgplv3; lgpl v3; lgpl 3",
    "LGPL-3.0-or-later": "gnu lesser general public license v3 or later lgplv3+; lgplv3+; lgpl with exceptions",
    "AGPL-3.0-only": "agpl; agplv3; gnu affero general public license v3; gnu agplv3; agpl v3; agpl 3.0",
    "AGPL-3.0-or-later": "agplv3+; gnu affero general public license v3 or later agplv3+",
    "MPL-1.1": "mozilla public license 1.1 mpl 1.1; mpl 1.1",
    "MPL-2.0": "mozilla public license 2.0 mpl 2.0; mozilla public license 2.0; mpl 2.0; mpl; mpl2; mpl v2; mplv2",
    "EUPL-1.2": "eupl; european union public licence 1.2 eupl 1.2; european union public license 1.2 eupl 1.2",
    "EPL-2.0": "eclipse public license 2.0 epl-2.0; eclipse public license 1.0 epl-1.0; eclipse public license",
    "Artistic-2.0": "artistic license; artistic license 2.0",
    "NCSA": "university of illinois/ncsa open source license; university of illinois ncsa open source license",
    "AFL-3.0": "academic free license afl",
    "ZPL-2.1": "zope public license; zpl; zpl 2.1; zope public license 2.1",
    "W3C": "w3c license",
    "UPL-1.0": "universal permissive license upl",
    "PostgreSQL": "postgresql license",
    "WTFPL": "wtfpl license; do what the f*ck you want to public license",
    "LicenseRef-proprietary": (
        "other/proprietary license; other proprietary license; proprietary; commercial; proprietary license; all "
        "rights reserved; closed source; commercial license"
    ),
}
SPELLINGS: dict[str, str] = {
    _plain(spelling): spdx for spdx, spellings in _SPELLINGS_OF.items() for spelling in spellings.split(";")
}
"""Plain spelling to SPDX id."""

# Words that close the door wherever they stand in a text that is not an SPDX expression.
DENYING_WORDS = ("all rights reserved", "proprietary", "nvidia", "non-commercial", "noncommercial", "no ai training")

# Classifiers that say "some licence" without naming one.
VAGUE_CLASSIFIERS = ("License :: OSI Approved", "License :: DFSG approved", "License :: Freely Distributable")

NAME_LENGTH_MAX = 300
"""A longer text is the licence itself, not its name; it is not judged."""

_RESTRICTION = {"allow": 0, "conditional": 1, "unknown": 2, "deny": 3}
_SILENCE = ("", "unknown", "none", "n/a", "na", "null", "other", "tbd", "-")


def judge_licence(expression: str) -> Judgement:
    """Says whether a licence permits training, as this house reads it (not legal advice).

    >>> [judge_licence(text)[0] for text in ("MIT License", "GPL-2.0-only OR MIT", "GPL-2.0-only AND MIT")]
    ['allow', 'allow', 'conditional']

    Args:
        expression: an SPDX expression, a common other spelling, or several of them separated by ";" or ",", all of
            which then hold.

    Returns:
        One of `records.VALUES`, and the reason in words that name the licence.
    """
    text = " ".join(expression.split())
    if text.casefold() in _SILENCE:
        return "unknown", "no licence is named"
    if len(text) > NAME_LENGTH_MAX:
        return "unknown", "the licence is given as a long text, not by its name"
    known = SPELLINGS.get(_plain(text))
    if known:
        return _judge_id(known)
    # "Apache License, Version 2.0" is one name, whatever stands around it.
    text = re.sub(r",\s*(?=v(?:ersion)?\.?\s*\d)", " ", text, flags=re.IGNORECASE)
    parts = [part for part in re.split(r"\s*[;,]\s*", text) if part]
    if not parts:
        return "unknown", "no licence is named"
    return _most_restrictive([_judge_expression(part) for part in parts])


def licence_of_classifiers(classifiers: Iterable[str]) -> str:
    """The licence that trove classifiers name, as an SPDX expression where we know one; "" when they name none.

    Several licences are joined by AND, the careful reading: classifiers cannot say whether one may choose.

    >>> licence_of_classifiers(["License :: OSI Approved", "License :: OSI Approved :: MIT License"])
    'MIT'
    """
    names: dict[str, None] = {}
    for classifier in classifiers:
        text = classifier.strip()
        if text.startswith("License :: ") and text not in VAGUE_CLASSIFIERS:
            tail = text.split(" :: ")[-1]
            names[SPELLINGS.get(_plain(tail), tail)] = None
    return " AND ".join(names)


@functools.cache
def _licensing() -> Any:
    return Licensing()


@functools.cache
def _known_ids() -> frozenset[str]:
    """The ids of licences that SPDX knows; an exception alone is no licence."""
    known = get_spdx_licensing().known_symbols
    return frozenset(key.casefold() for key, symbol in known.items() if not symbol.is_exception)


@functools.cache
def _exceptions() -> frozenset[str]:
    """The exceptions of SPDX; each of them only widens what its licence permits."""
    known = get_spdx_licensing().known_symbols
    return frozenset(key.casefold() for key, symbol in known.items() if symbol.is_exception)


def _judge_expression(text: str) -> Judgement:
    """Reads one SPDX expression whose operands may be spelled otherwise."""
    if _plain(text) in SPELLINGS:
        return _judge_id(SPELLINGS[_plain(text)])
    pieces = re.split(r"(\s+(?:and|or|with)\s+|[()])", text, flags=re.IGNORECASE)
    spelled = "".join(SPELLINGS.get(_plain(piece), piece) if piece.strip() else piece for piece in pieces)
    try:
        tree = _licensing().parse(spelled)
    except (ExpressionError, ExpressionParseError, AssertionError, IndexError):
        # The library fails on an operator without its first operand, "(AND MIT)", and on empty brackets.
        tree = None
    judgement = ("unknown", f"the licence '{text}' is not one that we recognise") if tree is None else _judge_tree(tree)
    word = next((word for word in DENYING_WORDS if word in text.casefold()), None)
    if judgement[0] == "unknown" and word:
        return "deny", f"the licence '{text}' says '{word}'"
    return judgement


def _judge_tree(tree: Any) -> Judgement:
    """Walks a parsed expression: OR the best, AND the most restrictive, WITH the licence."""
    if isinstance(tree, OR):
        return min((_judge_tree(arm) for arm in tree.args), key=lambda one: _RESTRICTION[one[0]])
    if isinstance(tree, AND):
        return _most_restrictive([_judge_tree(arm) for arm in tree.args])
    exception = getattr(tree, "exception_symbol", None)
    if exception is not None and exception.key.casefold() not in _exceptions():
        return "unknown", f"the licence '{tree.render()}' names an exception that SPDX does not know"
    return _judge_id(getattr(tree, "license_symbol", tree).key)


def _most_restrictive(judgements: list[Judgement]) -> Judgement:
    """All parts hold: the strictest decides, and when all permit, the reason names all of them."""
    strictest = max(judgements, key=lambda one: _RESTRICTION[one[0]])
    if strictest[0] != "allow":
        return strictest
    return "allow", "; ".join(dict.fromkeys(reason for _, reason in judgements))


def _judge_id(key: str) -> Judgement:
    """Looks one licence up in the table."""
    name = re.sub(r"^LicenseRef-", "", key).replace("public-domain", "public domain")
    for value, family, patterns in READINGS:
        fitting = [pattern for pattern in patterns.split() if fnmatchcase(key.casefold(), pattern.casefold())]
        if fitting and value == "allow" and not _is_named(key, fitting):
            break
        if fitting:
            return value, _reason(value, name, family)
    return "unknown", f"the licence '{name}' is not one that we recognise"


def _is_named(key: str, patterns: list[str]) -> bool:
    """Whether an id is one of the table's own names, or fits a pattern and is known to SPDX ("+" means: or later)."""
    return any("*" not in pattern for pattern in patterns) or key.casefold().removesuffix("+") in _known_ids()


def _reason(value: str, name: str, family: str) -> str:
    if value == "allow":
        return f"licence {name} ({family}) permits use; its notice and attribution travel with the credit"
    if value == "conditional":
        return f"licence {name} ({family}) sets conditions: it needs a person's decision"
    return f"licence {name} {family}"
