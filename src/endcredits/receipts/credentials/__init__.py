"""Content credentials: an output carries its end credits with it, wherever it goes.

A C2PA manifest is put into a file (or beside it, for text): a model made this, these works moved it most, the whole list is
committed in that receipt. It is signed with the operator's certificate and read back. When a platform strips it, the
register of content codes still finds the output, by the exact bytes or by likeness, and says which of the two it was.

    signatory = load_signatory("chain.pem", "key.pem", at)
    found = read("picture.png", anchors=load_anchors("root.pem"))
    matches = lookup(register, codes_of_file("stripped.jpg", format_of("stripped.jpg")))

`records` and `disclosure` are what is said, `mining` what may be done with the output, `manifest` the definition, `formats`
where it goes, `signatory` and `trial` keys, `signing` and `reading` the two directions, `agreement` what a file has to do
with a receipt, `codes` and `registry` the way back.
Everything here needs the extra `media`; importing it does not.
"""

from endcredits.receipts.credentials.agreement import disagreements
from endcredits.receipts.credentials.codes import codes_of_file, codes_of_text, work_code
from endcredits.receipts.credentials.disclosure import Disclosure, disclosure_of, read_disclosure
from endcredits.receipts.credentials.formats import Format, format_of
from endcredits.receipts.credentials.library import library
from endcredits.receipts.credentials.manifest import WORKS_MAX, definition
from endcredits.receipts.credentials.reading import Reading, read
from endcredits.receipts.credentials.records import Codes, Proof, UsedWork
from endcredits.receipts.credentials.registry import ATTRIBUTED, ORIGINAL, SIGNED, Entry, Match, add, forget, lookup
from endcredits.receipts.credentials.signatory import Signatory, load_anchors, load_signatory
from endcredits.receipts.credentials.signing import Signed, default_target, refuse_invalid, signed
from endcredits.receipts.credentials.trial import TrialKey, make_trial_key

__all__ = [
    "ATTRIBUTED",
    "Codes",
    "Disclosure",
    "Entry",
    "Format",
    "Match",
    "ORIGINAL",
    "Proof",
    "Reading",
    "SIGNED",
    "Signatory",
    "Signed",
    "TrialKey",
    "UsedWork",
    "WORKS_MAX",
    "add",
    "codes_of_file",
    "codes_of_text",
    "default_target",
    "definition",
    "disagreements",
    "disclosure_of",
    "forget",
    "format_of",
    "library",
    "load_anchors",
    "load_signatory",
    "lookup",
    "make_trial_key",
    "read",
    "read_disclosure",
    "refuse_invalid",
    "signed",
    "work_code",
]
