"""The PLUS vocabulary for data mining, which IPTC Photo Metadata 2023.1 carries in XMP as `plus:DataMining`.

A value is an address: `http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING`. Tools also write the last part alone,
which is read as meant. Three values only point to other terms; until a person has read those, they permit nothing.
"""

from __future__ import annotations

import re

from endcredits.works.signals.records import TRAINING, USES

STANDARD, VERSION = "PLUS", "LDF vocabulary, IPTC 2023.1"
NAMESPACE = "http://ns.useplus.org/ldf/xmp/1.0/"

_ADDRESS = re.compile(r"(?:https?://ns\.useplus\.org/ldf/vocab/)?(DMI-[A-Z-]+)")

_SEE = "conditional"
MEANINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "DMI-UNSPECIFIED": {"unknown": USES},
    "DMI-ALLOWED": {"allow": USES},
    "DMI-PROHIBITED": {"deny": USES},
    "DMI-PROHIBITED-AIMLTRAINING": {"deny": TRAINING},
    "DMI-PROHIBITED-GENAIMLTRAINING": {"deny": TRAINING},
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING": {"deny": ("tdm", "train", "finetune", "retrieve"), "allow": ("index",)},
    "DMI-PROHIBITED-SEECONSTRAINT": {_SEE: USES},
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": {_SEE: USES},
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": {_SEE: USES},
}
"""What each value says: verbs by value."""


def meaning(value: str) -> tuple[dict[str, tuple[str, ...]], str]:
    """(verbs by value, what is wrong with the spelling).

    >>> meaning("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING")
    ({'deny': ('train', 'finetune')}, '')
    """
    found = _ADDRESS.fullmatch(value.strip())
    known = MEANINGS.get(found[1]) if found else None
    if known is not None:
        return known, ""
    return {"deny": USES}, f"'{value.strip()}' is not a value of plus:DataMining; honoured as a no"
