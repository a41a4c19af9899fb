"""ai.txt (Spawning, 2023): like robots.txt, about use in training rather than fetching, read when media is downloaded.

`Disallow: *.jpg` refuses every JPEG file of the site, `Disallow: /` everything. It was written by a generator that listed
file types; it is read here because sites still carry it. The longest pattern wins, and of equals the no.
"""

from __future__ import annotations

from endcredits.works.signals.decoding import decoded
from endcredits.works.signals.patterns import matches
from endcredits.works.signals.records import MINING, Found, Signal, carrier_of
from endcredits.works.signals.robots import READ_BYTES_MAX, Rule, groups_for, rules_of

STANDARD, VERSION = "ai.txt", "Spawning 2023"


def read_ai_txt(data: bytes, found: Found) -> tuple[Signal, ...]:
    """What an ai.txt says about the work at `found.path`."""
    carrier = carrier_of(found, "ai.txt", data)
    signals: tuple[Signal, ...] = ()
    if len(data) > READ_BYTES_MAX:
        problem = f"only its first {READ_BYTES_MAX} bytes were read"
        signals = carrier.unreadable(STANDARD, problem, place=f"from byte {READ_BYTES_MAX}")
    text, unusual = decoded(data[:READ_BYTES_MAX])
    if text.lstrip().startswith("<"):
        return (*signals, *carrier.unreadable(STANDARD, "it is not a text of rules", place="line 1", raw=text[:200]))
    rules = rules_of(data)
    for group in [*groups_for(rules, found.agent), [rule for rule in rules if not rule.agents]]:
        covering = [rule for rule in group if rule.kind in ("allow", "disallow") and _covers(rule, found.path)]
        if covering:
            best = max(covering, key=lambda rule: (len(rule.path), rule.kind == "disallow"))
            verdict = "deny" if best.kind == "disallow" or best.problem else "allow"
            return (
                *signals,
                *carrier.say(
                    STANDARD, VERSION, verdict, MINING, place=f"line {best.line}", raw=f"{best.kind}: {best.path}",
                    problem=best.problem, note=unusual,
                ),
            )  # fmt: skip
    return signals


def _covers(rule: Rule, path: str) -> bool:
    """Its patterns may begin with a bare file type ("*.jpg"), which ends the path."""
    pattern = rule.path
    if pattern.startswith("*.") and "/" not in pattern and not pattern.endswith(("$", "*")):
        return matches(f"{pattern}$", path.partition("?")[0].casefold()) or matches(f"{pattern}$", path.partition("?")[0])
    return matches(pattern if pattern.startswith(("/", "*")) else f"/{pattern}", path) if pattern else False
