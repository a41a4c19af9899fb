"""Who pays: the operator's own account, name and place for taxes, from one small TOML file.

    [payer]
    name = "Small Studio Ltd"
    country = "US"
    iban = "DE89 3704 0044 0532 0130 00"      # for pain.001
    bic = "COBADEFFXXX"                       # optional
    routing = "011000015"                     # for NACHA: the bank that the file is handed to
    account = "1234567890"
    company_id = "1234567890"                 # for NACHA: ten characters that the bank gave
    us_source = "100"                         # per cent of the royalties whose source is the United States

Without `us_source` it is 100 for a payer in the United States and 0 for any other.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field

from endcredits.errors import InputError
from endcredits.money import PPB
from endcredits.payouts.bank import (
    check_country,
    check_holder,
    mask,
    validate_account,
    validate_bic,
    validate_iban,
    validate_routing,
)
from endcredits.payouts.parse import percent_ppb, read_text

FIELDS = ("name", "country", "iban", "bic", "routing", "account", "company_id", "us_source")


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays.

    Attributes:
        name: as the bank knows it.
        country: ISO 3166-1 alpha-2 code of its tax residence.
        us_source_ppb: the part of the royalties whose source is the United States.
        iban: its account for pain.001.
        bic: of that account's bank, may be empty.
        routing: nine digits of the bank that takes NACHA files.
        account: its account there.
        company_id: ten characters, as that bank gave them.
    """

    name: str
    country: str
    us_source_ppb: int
    iban: str = field(default="", repr=False)
    bic: str = ""
    routing: str = field(default="", repr=False)
    account: str = field(default="", repr=False)
    company_id: str = ""

    @property
    def masked(self) -> str:
        """Its account for people."""
        return f"IBAN {mask(self.iban, keep_head=2)}" if self.iban else f"account {mask(self.account)}"


def read_payer(path: str | os.PathLike[str]) -> Payer:
    """Reads who pays from a TOML file.

    Raises:
        InputError: naming the file and the key.
    """
    try:
        table = tomllib.loads(read_text(path)).get("payer")
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"this is not TOML ({error})", remedy="Correct it.", file=path) from error
    if not isinstance(table, dict):
        raise InputError("there is no table [payer]", remedy="Begin with a line [payer].", file=path, field="payer")
    for key, value in table.items():
        if key not in FIELDS or not isinstance(value, str):
            raise InputError(
                f"'{key}' is not a text that a payer has", remedy=f"Use: {', '.join(FIELDS)}.", file=path, field=key
            )
    try:
        return make_payer(**table)
    except InputError as error:
        raise InputError(error.message, remedy=error.remedy, file=path, field=error.field) from error


def make_payer(
    name: str = "",
    country: str = "",
    iban: str = "",
    bic: str = "",
    routing: str = "",
    account: str = "",
    company_id: str = "",
    us_source: str = "",
) -> Payer:
    """A payer, after checking every value.

    Args:
        us_source: a percentage, "" for 100 in the United States and 0 elsewhere.

    Raises:
        InputError: naming the field.
    """
    check_holder(name, field="name")
    check_country(country)
    if company_id and not re.fullmatch(r"[A-Z0-9 ]{10}", company_id):
        raise InputError(
            "a company id has ten capitals or digits", remedy="Write it as the bank gave it.", field="company_id"
        )
    share = percent_ppb(us_source, field="us_source") if us_source else PPB if country == "US" else 0
    return Payer(
        name,
        country,
        share,
        validate_iban(iban) if iban else "",
        validate_bic(bic) if bic else "",
        validate_routing(routing) if routing else "",
        validate_account(account) if account else "",
        company_id,
    )
