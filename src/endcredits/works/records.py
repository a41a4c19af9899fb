"""What the registry holds: parties, works, who made them, who owns which part, and what is permitted.

A *work* is the unit that earns. A *credit* says who made it and how that reads on a screen; a *split* says who is paid and
may differ from the credits. A *permission* is a dated statement by somebody; the registry keeps all of them and
`decide` reads them as of a moment. Silence is `unknown`, and unknown is never a yes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from endcredits.ids import PartyId, WorkId

VERBS = ("tdm", "train", "finetune", "retrieve", "index", "style", "likeness")
"""What can be done with a work (a person, for `likeness`)."""

VALUES = ("allow", "deny", "conditional", "unknown")
"""What a permission says; only `allow` is a yes."""

SUBJECTS = ("work", "sha256", "iscc", "url", "person")
MARKS = ("url", "iscc", "letters")
"""What a statement can be about: a work, a file's bytes, a content code, the addresses that a pattern fits, a person."""

AUTHORITIES = ("rightsholder", "agent", "host", "unknown")
"""By what right somebody makes a statement."""

WORLD = "WORLD"
"""The territory that holds everywhere."""

TRAIN_RIGHT = "train"
"""The right whose splits share the money earned by training on a work."""


@dataclass(frozen=True, slots=True)
class Party:
    """A person or body with a name.

    Attributes:
        party_id: our id, made from the name ("party:emily-bronte-1a2b3c4d").
        name: as the party writes it; never an e-mail address.
        kind: "person" or "body" (a company, band, project or fund), "unknown" where the source does not say.
        identifiers: (scheme, value) pairs of standard identifiers, validated, sorted.
    """

    party_id: PartyId
    name: str
    kind: str = "unknown"
    identifiers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Manifestation:
    """One file in which a work exists.

    Attributes:
        sha256: of the exact bytes, which the studio keeps under this name.
        media_type: such as "text/plain".
        size_bytes: length.
        label: where it came from, for people ("novel.txt", "works.csv row 3").
    """

    sha256: str
    media_type: str
    size_bytes: int
    label: str


@dataclass(frozen=True, slots=True)
class Credit:
    """Who did what on a work.

    Attributes:
        party_id: who.
        role: "author", "maintainer", "translator", ...
        display_credit: the words to be shown ("Emily Bronte").
        position: order on the screen, from 1.
    """

    party_id: PartyId
    role: str
    display_credit: str
    position: int


@dataclass(frozen=True, slots=True)
class Split:
    """An agreed portion of one right in one work.

    For each (right, territory, valid_from) the portions sum to exactly 1,000,000,000 ppb.

    Attributes:
        party_id: who is paid.
        split_ppb: portion in parts per billion, > 0.
        right: which right ("train", "performance", ...).
        territory: "WORLD" or an ISO 3166-1 alpha-2 code, which goes before WORLD.
        valid_from: first day (YYYY-MM-DD); a later set of splits replaces an earlier one from its day on.
    """

    party_id: PartyId
    split_ppb: int
    right: str = TRAIN_RIGHT
    territory: str = WORLD
    valid_from: str = "0001-01-01"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a yes asks for. Everything that is named must be met; what is left empty asks for nothing.

    Attributes:
        price_micros: what one unit costs, in micros of `currency`; None for no price.
        currency: ISO 4217 code of the price.
        unit: what the price is for, in words ("output", "month").
        territories: ISO 3166-1 codes where it holds.
        purposes: what for ("research", "commercial", ...).
        media: in which media.
        user_classes: by whom ("non-commercial", "education", ...).
        uses_max: how often at most.
        credit_text: the words by which to credit; a duty and never in the way of a yes.
        words: conditions that only a person can judge, as they were written.
    """

    price_micros: int | None = None
    currency: str = ""
    unit: str = ""
    territories: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    user_classes: tuple[str, ...] = ()
    uses_max: int | None = None
    credit_text: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a statement was read by a machine, so that it can be shown again.

    Attributes:
        standard: who defined its words ("TDMRep", "AIPREF", "CAWG", ...).
        version: of the standard.
        carrier: what carried it ("robots.txt", "XMP", ...).
        url: the file or address.
        raw_sha256: of the carrier's bytes, in hex.
        signer: who signed it; empty for nobody.
        signature_ok: whether the signature fits; None where there is none or nobody looked.
        trust: what is known of the signer ("trusted", "claimed"); empty for nothing.
    """

    standard: str = ""
    version: str = ""
    carrier: str = ""
    url: str = ""
    raw_sha256: str = ""
    signer: str = ""
    signature_ok: bool | None = None
    trust: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """A dated statement about what may be done with something. It is never changed; a later one may close it.

    Attributes:
        subject: what it is about: the id of a work, or what `subject_kind` says.
        verb: one of `VERBS`.
        value: one of `VALUES`.
        reason: why the value is what it is, in words ("licence MIT permits use").
        source: where it was read ("package metadata: License-Expression", "works.csv row 3, field permission").
        declared_by: who says so, in words.
        effective_from: UTC time from which it holds.
        effective_to: UTC time at which it ends (exclusive), None for no end.
        permission_id: digest-based id; empty before it is recorded.
        subject_kind: one of `SUBJECTS`.
        conditions: what a conditional yes asks for; None for nothing that a machine knows.
        provenance: where a machine read it; None for what somebody told.
        party_id: who says so, where that is a registered party.
        authority: one of `AUTHORITIES`: by what right they say so.
        licensee: the party to whom alone it is said: a contract; empty for everybody.
        observed_at: UTC time at which it was read or told; empty where nobody noted it.
        supersedes: id of a statement that this one replaces from `effective_from` on.
        revokes: id of a statement that this one takes back from `effective_from` on; it says nothing else.
    """

    subject: str
    verb: str
    value: str
    reason: str
    source: str
    declared_by: str
    effective_from: str
    effective_to: str | None = None
    permission_id: str = ""
    subject_kind: str = "work"
    conditions: Conditions | None = None
    provenance: Provenance | None = None
    party_id: str = ""
    authority: str = "unknown"
    licensee: str = ""
    observed_at: str = ""
    supersedes: str = ""
    revokes: str = ""


@dataclass(frozen=True, slots=True)
class FileMark:
    """Another name of a file's bytes, by which a statement may speak of them or a copy is known again.

    Attributes:
        sha256: of the bytes.
        kind: one of `MARKS`: "url" (an address where they were found), "iscc" (a content code, ISO 24138) or "letters" (the
            digest of its text's letters, after the version of making it; no statement speaks of a file by it).
        value: the address, code or digest.
    """

    sha256: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to "may this be done with that at that time?".

    Attributes:
        subject: what was asked about: a work's id, or a person's.
        verb: what was asked.
        at: UTC time asked about.
        value: one of `VALUES`; everything but "allow" is a no for now.
        reason: why, in words.
        permission_id: the statement that decided, None when nothing was said.
        duties: what a yes obliges to, in words ("credit: Ada Lovelace").
    """

    subject: str
    verb: str
    at: str
    value: str
    reason: str
    permission_id: str | None = None
    duties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """A registered creation.

    Attributes:
        work_id: our id, or the owner's own where given; never reused.
        title: as published.
        manifestations: its files, in order.
        credits: who made it, in display order.
        splits: who is paid; empty when nobody is known, and then its money waits in suspense.
    """

    work_id: WorkId
    title: str
    manifestations: tuple[Manifestation, ...]
    credits: tuple[Credit, ...]
    splits: tuple[Split, ...]


@dataclass(frozen=True, slots=True)
class Contributor:
    """Somebody named on a work that is being submitted.

    Attributes:
        name: as written.
        role: see `Credit.role`.
        split_ppb: agreed portion, or None on all contributors for equal portions.
        kind: see `Party.kind`.
        identifiers: (scheme, value) pairs.
    """

    name: str
    role: str = "author"
    split_ppb: int | None = None
    kind: str = "unknown"
    identifiers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """A work as a reader found it, before it is registered.

    Attributes:
        title: as published.
        content: (label, media type, bytes) per file.
        contributors: who made it; empty when the source names nobody.
        permission: one of `VALUES` for training, already judged from the source.
        permission_reason: why, in words.
        permission_source: where it was read.
        declared_by: who says so.
        origin: the place in the source, for errors ("works.csv row 3").
        work_id: the owner's own id, or "" for one made from the content.
    """

    title: str
    content: tuple[tuple[str, str, bytes], ...] = field(repr=False)
    contributors: tuple[Contributor, ...]
    permission: str
    permission_reason: str
    permission_source: str
    declared_by: str
    origin: str
    work_id: str = ""
