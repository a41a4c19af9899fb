"""Names of things: typed ids of our own, and the standard identifiers of works and parties with their check digits.

Our ids are short texts that a person can read aloud; `WorkId` and its like are `str` to the machine and different types
to the type checker. Standard identifiers follow the shape of one shelf of equal boxes: `validate_x(text)` returns the
compact form or raises `InputError`. A check digit catches a slip of the hand; it does not prove that the number was
issued.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import NewType

from endcredits.errors import InputError

WorkId = NewType("WorkId", str)
"""A creation that a model may have learnt from."""
PartyId = NewType("PartyId", str)
"""A person or body with a name."""
OutputId = NewType("OutputId", str)
"""Something that a model made."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+~-]{0,199}")


def plain_id(text: str, *, what: str = "id") -> str:
    """Returns an id as it is: 1 to 200 letters, digits and . _ : @ / + ~ -, beginning with a letter or digit.

    Raises:
        InputError: another character, empty or too long.
    """
    if not _ID.fullmatch(text):
        raise InputError(
            f"'{text[:60]}' cannot be an id",
            remedy="Use 1 to 200 letters, digits and . _ : @ / + ~ - and begin with a letter or digit.",
            field=what,
        )
    return text


def person_key(name: str) -> str:
    """A name as far as it tells people apart; "" where it names nobody: no letter and no digit stands in it.

    Capitals, spaces, soft hyphens and what cannot be seen do not count: "Pia  Planner" and "pia planner" are one person.
    Letters of two alphabets that look alike do.

    >>> person_key("Pia  Planner")
    'piaplanner'
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(letter for letter in folded if unicodedata.category(letter)[0] not in "CZ" and letter not in _UNSEEN)
    return unicodedata.normalize("NFKC", seen) if any(letter.isalnum() for letter in seen) else ""


_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f") | {chr(n) for n in range(0xFE00, 0xFE10)}
"""Marks and letters of no width that are in no category of such: a joiner, fillers, selectors of variants."""


def same_person(one: str, other: str) -> bool:
    """Whether two names may be one person's, so that four eyes are not sure; a name that names nobody may be anybody's."""
    first, second = person_key(one), person_key(other)
    return first == second or not first or not second


def slug(text: str, *, limit: int = 40) -> str:
    """A readable, ASCII part of an id made from a name.

    >>> slug("Emily Brontë & Co.")
    'emily-bront-co'
    """
    words = re.findall(r"[a-z0-9]+", text.lower())
    return "-".join(words)[:limit].strip("-") or "unnamed"


def _compact(text: str) -> str:
    # Other scripts have digits too, and letters whose capital is an ASCII one; no standard identifier holds them.
    return _upper(re.sub(r"[\s.\-/]", "", text))


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else text


def _refuse(kind: str, text: str, why: str) -> InputError:
    return InputError(f"'{text}' is not an {kind}: {why}", remedy="Check the number against its source.", field=kind)


def _mod_11_2(digits: str) -> str:
    """Check character of ISO/IEC 7064 MOD 11-2 (ISNI, ORCID)."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return "X" if check == 10 else str(check)


_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _mod_37_36(text: str) -> str:
    """Check character of ISO/IEC 7064 MOD 37,36 (EIDR, ISAN)."""
    check = 36
    for character in text:
        check = (check + _BASE_36.index(character)) % 36 or 36
        check = check * 2 % 37
    return _BASE_36[(1 - check) % 36]


def validate_isni(text: str) -> str:
    """ISNI of a public identity (ISO 27729): 16 characters, MOD 11-2.

    >>> validate_isni("0000 0001 2281 955X")
    '000000012281955X'
    """
    number = _compact(text)
    if not re.fullmatch(r"[0-9]{15}[0-9X]", number):
        raise _refuse("isni", text, "it has 15 digits and a check character")
    if _mod_11_2(number[:15]) != number[15]:
        raise _refuse("isni", text, "its check character does not match")
    return number


def validate_orcid(text: str) -> str:
    """ORCID iD of a researcher: an ISNI of a reserved block, written with hyphens.

    >>> validate_orcid("https://orcid.org/0000-0002-1825-0097")
    '0000-0002-1825-0097'
    """
    number = _compact(re.sub(r"^https?://orcid\.org/", "", text.strip()))
    if not re.fullmatch(r"[0-9]{15}[0-9X]", number) or _mod_11_2(number[:15]) != number[15]:
        raise _refuse("orcid", text, "its check character does not match")
    return "-".join(number[i : i + 4] for i in range(0, 16, 4))


def validate_isbn(text: str) -> str:
    """ISBN of a book (ISO 2108), 13 digits, or the older 10.

    >>> validate_isbn("978-0-306-40615-7"), validate_isbn("0-306-40615-2")
    ('9780306406157', '0306406152')
    """
    number = _compact(text)
    if re.fullmatch(r"97[89][0-9]{10}", number):
        valid = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(number)) % 10 == 0
    elif re.fullmatch(r"[0-9]{9}[0-9X]", number):
        valid = sum((10 if d == "X" else int(d)) * (10 - i) for i, d in enumerate(number)) % 11 == 0
    else:
        raise _refuse("isbn", text, "it has 10 or 13 digits, 13 beginning with 978 or 979")
    if not valid:
        raise _refuse("isbn", text, "its check digit does not match")
    return number


def validate_isrc(text: str) -> str:
    """ISRC of a recording (ISO 3901): country, registrant, year, number; it has no check digit.

    >>> validate_isrc("GB-EMI-03-00013")
    'GBEMI0300013'
    """
    number = _compact(text)
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", number):
        raise _refuse("isrc", text, "it has two letters, three letters or digits, and seven digits")
    return number


def validate_iswc(text: str) -> str:
    """ISWC of a composition (ISO 15707): T, nine digits, a weighted check digit.

    The standard's weights are not all prime to 10, so that some slips pass: one digit for another that is five away in
    an even place, and for any other of the same parity in the fifth.

    >>> validate_iswc("T-034.524.680-1")
    'T0345246801'
    """
    number = _compact(text)
    if not re.fullmatch(r"T[0-9]{10}", number):
        raise _refuse("iswc", text, "it has the letter T and ten digits")
    total = 1 + sum(int(digit) * weight for weight, digit in enumerate(number[1:10], 1))
    if (10 - total % 10) % 10 != int(number[10]):
        raise _refuse("iswc", text, "its check digit does not match")
    return number


def validate_eidr(text: str) -> str:
    """EIDR of a film, episode, edit or clip: DOI prefix 10.5240, 20 hex digits, MOD 37,36.

    >>> validate_eidr("10.5240/7791-8534-2C23-9030-8610-5")
    '10.5240/7791-8534-2C23-9030-8610-5'
    """
    match = re.fullmatch(r"10\.5240/([0-9A-F]{4}(?:-[0-9A-F]{4}){4})-([0-9A-Z])", _upper(text.strip()))
    if match is None:
        raise _refuse("eidr", text, "it reads 10.5240/XXXX-XXXX-XXXX-XXXX-XXXX-C")
    if _mod_37_36(match[1].replace("-", "")) != match[2]:
        raise _refuse("eidr", text, "its check character does not match")
    return _upper(text.strip())


def validate_ipi(text: str) -> str:
    """IPI name number of an interested party (CISAC): eleven digits, the last two a mod 101 check.

    >>> validate_ipi("00014107338")
    '00014107338'
    """
    number = _compact(text)
    if not re.fullmatch(r"[0-9]{9,11}", number):
        raise _refuse("ipi", text, "it has 9 to 11 digits")
    number = number.zfill(11)
    check = sum(int(digit) * weight for digit, weight in zip(number[:9], range(10, 1, -1), strict=True)) % 101
    check = (101 - check) % 101 if check else 0
    if check % 100 != int(number[9:]):
        raise _refuse("ipi", text, "its check digits do not match")
    return number


VALIDATORS: Mapping[str, Callable[[str], str]] = {
    "isni": validate_isni,
    "orcid": validate_orcid,
    "isbn": validate_isbn,
    "isrc": validate_isrc,
    "iswc": validate_iswc,
    "eidr": validate_eidr,
    "ipi": validate_ipi,
}
"""The standard identifiers by scheme name."""
