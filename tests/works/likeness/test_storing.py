"""A replica goes when its day has come, when its grant was taken back, and when the grant has ended."""

from __future__ import annotations

from typing import Any

import pytest

from endcredits.works.likeness.storing import to_delete

from .made import AFTER, AT, grant, revocation


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"storage__delete_by": AT[:10]}, ""),
        ({"storage__delete_by": "2026-11-19"}, "deleted by 2026-11-19"),
        ({"term_to": "2026-11-19"}, "ended on 2026-11-19"),
        ({"revoked_at": AT}, f"taken back on {AT}"),
        ({"revoked_at": AFTER}, ""),
    ],
)
def test_why_a_replica_has_to_go(changes: dict[str, Any], words: str) -> None:
    found = to_delete(grant(**changes), (), AT)
    assert (words in found) if words else found == ""


def test_a_revocation_is_heard_from_its_moment_on_and_for_its_own_grant() -> None:
    own, other = grant(), grant(signature_ref="contracts/42.pdf")
    assert "taken back" in to_delete(own, [revocation(own, AT)], AT)
    assert to_delete(own, [revocation(own, AFTER)], AT) == "" == to_delete(other, [revocation(own, AT)], AT)
