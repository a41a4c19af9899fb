"""Where money is sent: a bank detail that is checked when it comes in and never shown whole.

An IBAN (ISO 13616) carries a mod 97-10 check (ISO/IEC 7064) and a length per country; a routing number of the United
States carries a weighted check digit (ABA). Both catch a slip of the hand, and neither proves that the account is open or
whose it is. `BankDetail` prints itself masked, so that a log, a traceback or a document shows the last four characters at
most; only a rail reads the fields themselves.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass, field

from endcredits.errors import InputError

_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA "
    "CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA "
    "GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP "
    "KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS "
    "MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS "
    "RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW "
    "TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
)
COUNTRIES = frozenset(_COUNTRIES.split())
"""ISO 3166-1 alpha-2 codes."""

NAME_LENGTH_MAX = 140
"""Longest holder's name, in characters: what ISO 20022 holds (Max140Text)."""

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class BankDetail:
    """Where a payee's money goes; empty fields are unknown.

    Attributes:
        holder: the account holder's name, one visible line.
        iban: in compact capitals, checked.
        bic: 8 or 11 characters; may be empty where an IBAN is given.
        routing: nine digits, checked (United States).
        account: account number beside `routing`, 4 to 17 letters, digits or hyphens.
        account_type: "checking" or "savings", beside `routing`.
        stripe_account: a connected account, "acct_...".
    """

    holder: str
    iban: str = field(default="", repr=False)
    bic: str = ""
    routing: str = field(default="", repr=False)
    account: str = field(default="", repr=False)
    account_type: str = ""
    stripe_account: str = field(default="", repr=False)

    @property
    def masked(self) -> str:
        """The detail for people: which kind it is, and its last four characters."""
        if self.iban:
            return f"IBAN {mask(self.iban, keep_head=2)}"
        if self.routing:
            return f"account {mask(self.account)} at {mask(self.routing)}"
        if self.stripe_account:
            return f"Stripe {mask(self.stripe_account)}"
        return "none"

    def __str__(self) -> str:
        return self.masked


def mask(secret: str, *, keep_head: int = 0) -> str:
    """A secret's last four characters, and its first ones if asked; of a short one, nothing.

    >>> mask("DE89370400440532013000", keep_head=2), mask("1234")
    ('DE…3000', '…')
    """
    return f"{secret[:keep_head]}…{secret[-4:]}" if len(secret) >= keep_head + 8 else "…"


def check_country(text: str, *, field: str = "country") -> str:
    """Returns an ISO 3166-1 alpha-2 code as it is.

    Raises:
        InputError: there is no such country.
    """
    if text not in COUNTRIES:
        raise InputError(
            f"'{text[:20]}' is not a country of ISO 3166-1",
            remedy="Write two capitals such as DE or US (the United Kingdom is GB).",
            field=field,
        )
    return text


def check_holder(text: str, *, field: str = "holder") -> str:
    """Returns a name as it is: one line of 1 to 140 visible characters, at least one of them a letter.

    Raises:
        InputError: empty, too long, or with characters that cannot be seen (controls, direction marks).
    """
    if not 1 <= len(text.strip()) <= NAME_LENGTH_MAX or text != text.strip():
        raise InputError(
            f"a holder's name has 1 to {NAME_LENGTH_MAX} characters, without spaces around them",
            remedy="Write the name as the bank knows it.",
            field=field,
        )
    if any(unicodedata.category(mark) in _HIDDEN for mark in text) or not any(mark.isalpha() for mark in text):
        raise InputError(
            f"the holder's name {text[:60]!a} holds characters that cannot be seen, or no letter",
            remedy="Write the name as the bank knows it, on one line.",
            field=field,
        )
    return text


_AS_DIGITS = {ord(mark): str(int(mark, 36)) for mark in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def mod_97(iban: str) -> int:
    """The remainder that ISO/IEC 7064 MOD 97-10 asks for: 1 for an IBAN without a slip.

    >>> mod_97("DE89370400440532013000")
    1
    """
    return int((iban[4:] + iban[:4]).translate(_AS_DIGITS)) % 97


_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


@functools.lru_cache(maxsize=512)
def iban_length(country: str) -> int:
    """How long a country's IBANs are, 0 for a country without IBAN."""
    import schwifty

    try:
        spec = schwifty.IBAN(f"{country}00", allow_invalid=True).spec
    except ValueError:
        return 0
    return int(spec["iban_length"] if isinstance(spec, dict) else spec.iban_length)


def iban_problem(iban: str) -> str:
    """What is wrong with an IBAN by ISO 13616 alone, in words; "" when nothing is."""
    if not _IBAN.fullmatch(iban):
        return "it has two letters, two digits and 11 to 30 letters and digits"
    if len(iban) != iban_length(iban[:2]):
        length = iban_length(iban[:2])
        return f"one of {iban[:2]} has {length} characters and it has {len(iban)}" if length else "its country has none"
    return "" if mod_97(iban) == 1 else "its check digits do not match (mod 97)"


def validate_iban(text: str) -> str:
    """An IBAN in compact form, with the structure of its country checked as well.

    >>> validate_iban("DE89 3704 0044 0532 0130 00")
    'DE89370400440532013000'

    Raises:
        InputError: any check fails; the message shows no more than the masked number.
    """
    import schwifty

    compact = re.sub(r"[\s-]", "", text)
    compact = compact.upper() if compact.isascii() else compact
    problem = iban_problem(compact)
    if not problem:
        try:
            schwifty.IBAN(compact)
        except ValueError as error:
            problem = str(error)[:1].lower() + str(error)[1:]
            problem = problem if compact not in problem else "its country's structure is another"
    if problem:
        raise InputError(
            f"{mask(compact, keep_head=2)} is not an IBAN: {problem}",
            remedy="Ask the payee for the number again.",
            field="iban",
        )
    return compact


def validate_bic(text: str) -> str:
    """A BIC (ISO 9362) in capitals.

    Raises:
        InputError: it has no BIC's form, or its country does not exist.
    """
    import schwifty

    compact = re.sub(r"\s", "", text)
    try:
        return str(schwifty.BIC(compact.upper() if compact.isascii() else compact))
    except ValueError as error:
        raise InputError(
            f"'{text[:20]}' is not a BIC", remedy="It has 8 or 11 letters and digits, such as DEUTDEFF.", field="bic"
        ) from error


def validate_routing(text: str) -> str:
    """A routing number of the American Bankers Association: nine digits, the last one a check (weights 3, 7, 1).

    >>> validate_routing("011000015")
    '011000015'

    Raises:
        InputError: another form, or the check does not match.
    """
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{9}", digits) or digits == "000000000":
        problem = "it has nine digits"
    elif sum(int(digit) * weight for digit, weight in zip(digits, (3, 7, 1) * 3, strict=True)) % 10:
        problem = "its check digit does not match"
    else:
        return digits
    raise InputError(
        f"{mask(digits)} is not a routing number: {problem}", remedy="Ask the payee for the number again.", field="routing"
    )


def validate_account(text: str) -> str:
    """An account number of the United States: 4 to 17 letters, digits or hyphens (NACHA's field is 17 long).

    Raises:
        InputError: another form.
    """
    if not re.fullmatch(r"[0-9A-Za-z-]{4,17}", text):
        raise InputError(
            f"{mask(text)} is not an account number",
            remedy="It has 4 to 17 letters, digits or hyphens.",
            field="account",
        )
    return text
