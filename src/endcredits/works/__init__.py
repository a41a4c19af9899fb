"""The registry: what works exist, who made them, who owns which part, and what is allowed.

    from endcredits.works import decide, permissions, read_table, register, works

    submissions = read_table("works.csv", {"creator": "author"})     # reads all of it, or raises with file, row, field
    register(conn, "content/", submissions, at="2026-11-20T12:00:00Z")
    decide(permissions(conn), work_id, "train", at="2026-11-21T00:00:00Z").value     # only "allow" is a yes

Readers (`read_table`, `read_folder`, `read_distributions`) make `Submission`s; `register` makes works of them and keeps
their bytes under their digests; statements about permission and splits are dated and only ever added. Silence is
`unknown`, and unknown is never a yes.
"""

from endcredits.works.content import check as check_content
from endcredits.works.content import get as get_content
from endcredits.works.content import put as put_content
from endcredits.works.decide import decide
from endcredits.works.distributions import DistributionWork, SkippedDistribution, read_distributions
from endcredits.works.licences import judge_licence, licence_of_classifiers
from endcredits.works.names import party_id_of
from endcredits.works.read_folder import read_folder
from endcredits.works.read_table import read_table
from endcredits.works.records import (
    TRAIN_RIGHT,
    VALUES,
    VERBS,
    WORLD,
    Contributor,
    Credit,
    Decision,
    Manifestation,
    Party,
    Permission,
    Split,
    Submission,
    Work,
)
from endcredits.works.registry import (
    Registered,
    catalogue_digest,
    check_works,
    known_works,
    parties,
    permissions,
    register,
    registration_times,
    set_splits,
    state_permission,
    works,
)
from endcredits.works.splits import percent_ppb, splits_at

__all__ = [
    "TRAIN_RIGHT",
    "VALUES",
    "VERBS",
    "WORLD",
    "Contributor",
    "Credit",
    "Decision",
    "DistributionWork",
    "Manifestation",
    "Party",
    "Permission",
    "Registered",
    "SkippedDistribution",
    "Split",
    "Submission",
    "Work",
    "catalogue_digest",
    "check_content",
    "check_works",
    "decide",
    "get_content",
    "judge_licence",
    "known_works",
    "licence_of_classifiers",
    "parties",
    "party_id_of",
    "percent_ppb",
    "permissions",
    "put_content",
    "read_distributions",
    "read_folder",
    "read_table",
    "register",
    "registration_times",
    "set_splits",
    "splits_at",
    "state_permission",
    "works",
]
