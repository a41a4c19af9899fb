"""`endcredits policy`: read, check and compare the rules by which money is divided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.royalties import Policy

PolicyArgument = Annotated[str, typer.Argument(metavar="POLICY", help="A TOML file, or the name of a shipped policy.")]


def chosen_policy(named: str) -> Policy | None:
    """The policy of a file or of a shipped name; None for ""."""
    from endcredits.royalties import read_policy, shipped_policies, shipped_policy

    if not named:
        return None
    return shipped_policy(named) if named in shipped_policies() and not Path(named).exists() else read_policy(named)


def show_all(as_json: JsonOption = False) -> None:
    """List the policies that come with endcredits.

    Example: endcredits policy list
    """
    from endcredits.royalties import shipped_policies
    from endcredits.royalties.policy import shipped_text

    found = {name: shipped_text(name).lstrip("# ").split("\n", 1)[0] for name in shipped_policies()}
    if as_json:
        print_json([{"name": name, "about": about} for name, about in found.items()])
        return
    for name, about in found.items():
        say(f"{name:<26}{about}")


def show(policy: PolicyArgument, as_json: JsonOption = False) -> None:
    """Print a policy as TOML, with its comments where it is a shipped one: the beginning of your own.

    Example: endcredits policy show pro-rata > my-policy.toml
    """
    from endcredits.canonical import to_plain
    from endcredits.royalties import policy_toml, shipped_policies
    from endcredits.royalties.policy import shipped_text

    found = chosen_policy(policy)
    assert found is not None
    if as_json:
        print_json(to_plain(found))
    elif policy in shipped_policies() and not Path(policy).exists():
        say(shipped_text(policy).rstrip())
    else:
        say(policy_toml(found).rstrip())


def check(policy: PolicyArgument, as_json: JsonOption = False) -> None:
    """Check a policy; an error names the key and what to write instead.

    Example: endcredits policy check my-policy.toml
    """
    from endcredits.royalties import policy_digest

    found = chosen_policy(policy)
    assert found is not None
    if as_json:
        print_json({"name": found.name, "sha256": policy_digest(found), "pools": [pool.name for pool in found.pools]})
    else:
        pools = ", ".join(pool.name for pool in found.pools)
        say(f"The policy '{found.name}' can be used: pools {pools}; SHA-256 {policy_digest(found)}.")


def replay(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A closed or proposed period.")],
    policy: Annotated[str, typer.Option(help="The other policy: a TOML file, or a shipped name.")],
    limit: Annotated[int, typer.Option(min=1, help="Payees shown, those with the largest change first.")] = 20,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show who would have earned what under another policy. Nothing is posted.

    Example: endcredits policy replay 2026-10 --policy user-centric
    """
    from endcredits.canonical import to_plain
    from endcredits.flows.comparing import compare_policies
    from endcredits.money import format_micros

    other = chosen_policy(policy)
    assert other is not None
    with opened(studio) as place:
        found = compare_policies(place, period, other)
    if as_json:
        print_json({"period": period, "policy": other.name, "payees": to_plain(found)})
        return
    say(f"{'applied':>22}  {'under ' + other.name:>22}  payee")
    for one in found[:limit]:
        left, right = (format_micros(micros, one.currency) for micros in (one.micros, one.other_micros))
        say(f"{left:>22}  {right:>22}  {one.name}")
    if len(found) > limit:
        say(f"and {len(found) - limit} more; --limit or --json shows them.")
