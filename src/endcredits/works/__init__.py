"""The registry: what works exist, who made them, who owns which part, and what is allowed.

    from endcredits.works import decide, permissions, read_table, register, works

    submissions = read_table("works.csv", {"creator": "author"})     # reads all of it, or raises with file, row, field
    register(conn, "content/", submissions, at="2026-11-20T12:00:00Z")
    decide(permissions(conn), asked_about(work), "train", at="2026-11-21T00:00:00Z").value     # only "allow" is a yes

Readers (`read_table`, `read_folder`, `read_distributions`) make `Submission`s; `register` makes works of them and keeps
their bytes under their digests; statements about permission and splits are dated and only ever added. Silence is
`unknown`, and unknown is never a yes.
"""

from endcredits.works.asked import Asked, Marks, Name, asked_about, asked_of_person, asked_of_work
from endcredits.works.conditions import NO_USE, Use
from endcredits.works.content import check as check_content
from endcredits.works.content import get as get_content
from endcredits.works.content import put as put_content
from endcredits.works.decide import decide, revoked_on
from endcredits.works.distributions import DistributionWork, SkippedDistribution, read_distributions
from endcredits.works.licences import judge_licence, licence_of_classifiers
from endcredits.works.marks import add_marks, asked_in, marks, marks_of
from endcredits.works.names import party_id_of
from endcredits.works.read_folder import read_folder
from endcredits.works.read_table import read_table
from endcredits.works.records import (
    AUTHORITIES,
    SUBJECTS,
    TRAIN_RIGHT,
    VALUES,
    VERBS,
    WORLD,
    Conditions,
    Contributor,
    Credit,
    Decision,
    FileMark,
    Manifestation,
    Party,
    Permission,
    Provenance,
    Split,
    Submission,
    Work,
)
from endcredits.works.registry import (
    Registered,
    called,
    catalogue_digest,
    check_works,
    holds_split,
    known_works,
    parties,
    register,
    registration_times,
    set_splits,
    works,
)
from endcredits.works.said import Said
from endcredits.works.splits import percent_ppb, splits_at
from endcredits.works.stated import permission_of, plain_of
from endcredits.works.statements import permissions, permissions_about, state_permission, state_permissions, statement

__all__ = [
    "AUTHORITIES",
    "NO_USE",
    "SUBJECTS",
    "TRAIN_RIGHT",
    "VALUES",
    "VERBS",
    "WORLD",
    "Asked",
    "Conditions",
    "Contributor",
    "Credit",
    "Decision",
    "DistributionWork",
    "FileMark",
    "Manifestation",
    "Marks",
    "Name",
    "Party",
    "Permission",
    "Provenance",
    "Said",
    "Registered",
    "SkippedDistribution",
    "Split",
    "Submission",
    "Use",
    "Work",
    "add_marks",
    "asked_about",
    "asked_in",
    "asked_of_person",
    "asked_of_work",
    "called",
    "catalogue_digest",
    "check_content",
    "check_works",
    "decide",
    "get_content",
    "holds_split",
    "judge_licence",
    "known_works",
    "licence_of_classifiers",
    "marks",
    "marks_of",
    "parties",
    "party_id_of",
    "percent_ppb",
    "permission_of",
    "permissions",
    "permissions_about",
    "plain_of",
    "put_content",
    "read_distributions",
    "read_folder",
    "read_table",
    "register",
    "registration_times",
    "revoked_on",
    "set_splits",
    "splits_at",
    "state_permission",
    "state_permissions",
    "statement",
    "works",
]
