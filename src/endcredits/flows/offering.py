"""Statements in force as texts for one's own site: of a work, or of all works of a party.

An offer speaks to everybody, so contracts are not in it. For a party's own person and works: a text about an address says
what holds for the work at that address; a text about everything together (a header, an ODRL offer) the strictest of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from endcredits.flows.clock import now
from endcredits.flows.parties import party_called
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.works import Permission, asked_about, asked_of_person, known_works, parties, permissions_about
from endcredits.works.asked import Asked, Name
from endcredits.works.of_party import SaidOfWork, said_of_works, work_ids_of
from endcredits.works.offers import Named, Offer, Rule, Terms, check_address, offer_of, spell_of, strictest, terms_of
from endcredits.works.url_patterns import normal, overlap


@dataclass(frozen=True, slots=True)
class Stated:
    """What an offer is written from.

    Attributes:
        subject: id of a work or party.
        rules: terms by the addresses of the works' files.
        terms: the strictest of all together.
        since: from when this is in force, "" where nothing was said.
        until: when a statement begins or ends, "" for none known.
        names: display credits, or the party's name.
    """

    subject: str
    rules: tuple[Rule, ...]
    terms: Terms
    since: str
    until: str
    names: tuple[str, ...]


def offer(studio: Studio, subject: str, form: str, *, at: str = "", url: str = "", policy: str = "") -> Offer:
    """Writes what is in force about a work or a party as a text of one form.

    Args:
        studio: whose registry.
        subject: a work's id, or a party's id or name.
        form: one of `works.offers.FORMS`.
        at: UTC time, now by default.
        url: address, or pattern of addresses of one site, that the text is about; by default the addresses that are
            known of the works' files.
        policy: absolute address of a TDMRep policy, for conditions on mining.

    Raises:
        NotFoundError: no such work or party.
        InputError: an unknown form, an address that is none, or no address for a form that speaks of addresses.
    """
    if policy:
        check_address(policy, "--policy")
    url = normal(url) if url else ""
    with studio.store.reading() as conn:
        stated = stated_about(conn, subject, at or now(), site_at(conn, url) if url else NO_SITE)
    rules = (Rule(url, stated.terms),) if url else stated.rules
    named = Named(", ".join(stated.names), by_person=bool(url))
    return offer_of(form, stated.subject, rules, stated.terms, named, policy=policy, spell=(stated.since, stated.until))


@dataclass(frozen=True, slots=True)
class Site:
    """What is said about addresses of a site for which a text is made.

    Attributes:
        permissions: statements about addresses of the site that the text is about, too.
        names: an address of each of their patterns. They count as parts: a no to any of them is a no, a yes is none.
    """

    permissions: tuple[Permission, ...] = ()
    names: tuple[Name, ...] = ()

    def around(self, asked: Asked) -> Asked:
        """The same question with the site's addresses as parts."""
        return Asked(asked.subject, asked.whole, (*asked.parts, *self.names))


NO_SITE = Site()


def site_at(conn: Connection, url: str) -> Site:
    """The statements about addresses that a pattern fits, too."""
    about_site = permissions_about(conn, Asked("", (("url", url),)))
    found = tuple(one for one in about_site if one.subject_kind == "url" and overlap(one.subject, url))
    # A star fits nothing, too, so a pattern without its stars is an address that it fits.
    return Site(found, tuple(dict.fromkeys(("url", one.subject.replace("*", "")) for one in found)))


def stated_about(conn: Connection, subject: str, at: str, site: Site = NO_SITE) -> Stated:
    """What is stated about a work or a party at a UTC time, for everybody."""
    if known_works(conn, [WorkId(subject)]):
        return _of_work(conn, WorkId(subject), at, site)
    return of_party(conn, party_called(conn, subject), at, site)


def _of_work(conn: Connection, work_id: WorkId, at: str, site: Site) -> Stated:
    (said,) = said_of_works(conn, [work_id])
    asked = site.around(asked_about(said.work, said.marks))
    about = _once(said.permissions, _of_people(conn, asked), site.permissions)
    terms = terms_of(about, asked, at)
    names = tuple(dict.fromkeys(credit.display_credit for credit in said.work.credits))
    return Stated(work_id, tuple(_rules(said, terms)), terms, *spell_of(about, asked, at), names)


def of_party(conn: Connection, party_id: PartyId, at: str, site: Site = NO_SITE) -> Stated:
    """What is stated about a party's person and all works that credit it."""
    own_statements = permissions_about(conn, asked_of_person(party_id))
    person = site.around(asked_of_person(party_id))
    about_person = _once(own_statements, site.permissions)
    own = terms_of(about_person, person, at)
    since, until = spell_of(about_person, person, at)
    rules: list[Rule] = []
    # One terms record per work is kept, not its statements.
    terms: Terms | None = None
    people: dict[str, tuple[Permission, ...]] = {party_id: own_statements}
    credited = (work_id for work_id, is_credited in work_ids_of(conn, party_id).items() if is_credited)
    for said in said_of_works(conn, credited):
        asked = site.around(asked_about(said.work, said.marks))
        about = _once(said.permissions, _of_people(conn, asked, people), site.permissions)
        here = terms_of(about, asked, at)
        terms = strictest([here] if terms is None else [terms, here])
        begun, ending = spell_of(about, asked, at)
        since, until = max(since, begun), min(filter(None, (until, ending)), default="")
        rules += _rules(said, here)
    return Stated(party_id, tuple(rules), _with_person(terms, own), since, until, (parties(conn)[party_id].name,))


def _with_person(terms: Terms | None, person: Terms) -> Terms:
    """A no about the person counts for everything; the person's likeness is the person's alone."""
    if terms is None:
        return person
    return {verb: person[verb] if verb == "likeness" or person[verb].value == "deny" else terms[verb] for verb in terms}


def _of_people(
    conn: Connection, asked: Asked, known: dict[str, tuple[Permission, ...]] | None = None
) -> Sequence[Permission]:
    """What is said about the people who made a work: their no counts."""
    cache = {} if known is None else known
    for kind, name in asked.parts:
        if kind == "person" and name not in cache:
            cache[name] = permissions_about(conn, asked_of_person(PartyId(name)))
    return [one for kind, name in asked.parts if kind == "person" for one in cache[name]]


def _once(*several: Sequence[Permission]) -> tuple[Permission, ...]:
    return tuple({one.permission_id: one for some in several for one in some}.values())


def _rules(said: SaidOfWork, terms: Terms) -> list[Rule]:
    urls = sorted({name for names in said.marks.values() for kind, name in names if kind == "url"})
    return [Rule(url, terms) for url in urls]
