"""Which runs to make, and how their differences become responses.

A design is data: runs named by their weights, and terms that say for each catalogue which run is subtracted from which and
at which run's weights the output's gradient is taken. A credit is the sum over terms of

    weight * gradient(point) . (theta(plus) - theta(minus)) * factor.

`two_levels` asks 2K + 2 runs and is the default: each catalogue on where the others are few, and off where they are many,
at the points of the two-point Gauss rule for the level of the others. `central` asks 2K + 1 and looks only at the middle;
`one_sided` K + 1, best at the lower level, for most of what a coalition adds is added while it is small. `grouped` runs
several catalogues at once and leaves the division inside a group to another measure, for catalogues too many to run one by
one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from endcredits.errors import InputError

HALF = 0.5
GAUSS_LEVELS = (0.5 - 12**-0.5, 0.5 + 12**-0.5)
"""Points of the two-point Gauss-Legendre rule on [0, 1]: exact for cubic polynomials."""


@dataclass(frozen=True, slots=True)
class Run:
    """One training run.

    Attributes:
        name: unique in its design.
        level: weight of every catalogue that is not named.
        weights: (catalogue, weight) of the others, sorted.
    """

    name: str
    level: float
    weights: tuple[tuple[str, float], ...] = ()

    def weight_of(self, catalogue: str) -> float:
        """The weight of one catalogue in this run."""
        return dict(self.weights).get(catalogue, self.level)


@dataclass(frozen=True, slots=True)
class Contrast:
    """The response of one catalogue as a difference of two runs.

    Attributes:
        catalogue: whose.
        plus: name of the run with more of it.
        minus: name of the run with less of it.
        factor: 1 over the difference of its weights, so that the response is per unit of weight.
    """

    catalogue: str
    plus: str
    minus: str
    factor: float


@dataclass(frozen=True, slots=True)
class Term:
    """Responses and the points at which gradients meet them.

    Attributes:
        points: (name of a run, weight); the weights of all terms' points sum to 1.
        contrasts: one per catalogue.
    """

    points: tuple[tuple[str, float], ...]
    contrasts: tuple[Contrast, ...]


@dataclass(frozen=True, slots=True)
class Design:
    """Runs and terms.

    Attributes:
        name: enters the method's name and the digest.
        runs: each is made once.
        terms: as above.
    """

    name: str
    runs: tuple[Run, ...]
    terms: tuple[Term, ...]


def central(catalogues: Sequence[str], level: float = HALF) -> Design:
    """Each catalogue on against off, all others at `level`: 2K + 1 runs."""
    middle, on, off = _middle(level), _each(catalogues, level, 1.0), _each(catalogues, level, 0.0)
    contrasts = tuple(Contrast(k, on[k].name, off[k].name, 1.0) for k in catalogues)
    return Design(
        "central" if level == HALF else f"central-{level:.3g}",
        (middle, *on.values(), *off.values()),
        (Term(((middle.name, 1.0),), contrasts),),
    )


def one_sided(catalogues: Sequence[str], side: str, level: float = HALF) -> Design:
    """Each catalogue `side` ("on" or "off") against all at `level`: K + 1 runs.

    Raises:
        InputError: another side.
    """
    if side not in ("on", "off"):
        raise InputError(f"a one-sided design is 'on' or 'off', not '{side}'", field="side")
    middle, turned = _middle(level), _each(catalogues, level, 1.0 if side == "on" else 0.0)
    factor = 1 / (1 - level) if side == "on" else 1 / level
    contrasts = tuple(
        Contrast(k, turned[k].name, middle.name, factor)
        if side == "on"
        else Contrast(k, middle.name, turned[k].name, factor)
        for k in catalogues
    )
    return Design(f"one-sided-{side}-{level:.3g}", (middle, *turned.values()), (Term(((middle.name, 1.0),), contrasts),))


def two_levels(catalogues: Sequence[str]) -> Design:
    """On from the lower Gauss level and off from the upper one, half each: 2K + 2 runs."""
    low, high = GAUSS_LEVELS
    below, above = one_sided(catalogues, "on", low), one_sided(catalogues, "off", high)
    terms = tuple(Term(((design.runs[0].name, HALF),), design.terms[0].contrasts) for design in (below, above))
    return Design("two-levels", (*below.runs, *above.runs), terms)


def three_points(design: Design) -> Design:
    """Takes a design's gradients by Simpson's rule along base, middle and full instead of at the middle alone."""
    nothing, everything = Run("nothing", 0.0), Run("everything", 1.0)
    terms = tuple(
        Term(
            (*((name, weight * 4 / 6) for name, weight in term.points), *_ends(term, nothing, everything)),
            term.contrasts,
        )
        for term in design.terms
    )
    return Design(f"{design.name}-simpson", (*design.runs, nothing, everything), terms)


def _ends(term: Term, nothing: Run, everything: Run) -> tuple[tuple[str, float], ...]:
    whole = sum(weight for _, weight in term.points)
    return ((nothing.name, whole / 6), (everything.name, whole / 6))


def grouped(groups: Mapping[str, Sequence[str]]) -> tuple[Design, dict[str, str]]:
    """A central design over groups of catalogues, and which group each catalogue is in.

    Raises:
        InputError: a catalogue stands in two groups.
    """
    group_of: dict[str, str] = {}
    for group, members in groups.items():
        for member in members:
            if group_of.setdefault(member, group) != group:
                raise InputError(f"catalogue '{member}' stands in two groups", remedy="Name it once.", field="groups")
    return central(sorted(groups)), group_of


def _middle(level: float) -> Run:
    if not 0 < level < 1:
        raise InputError(f"the others' level is {level}", remedy="Choose it between 0 and 1.", field="level")
    return Run(f"all at {level:.6g}", level)


def _each(catalogues: Sequence[str], level: float, weight: float) -> dict[str, Run]:
    if len(set(catalogues)) != len(catalogues) or not catalogues:
        raise InputError("a design needs catalogues, each named once", field="catalogues")
    return {k: Run(f"{k} at {weight:.6g}, others at {level:.6g}", level, ((k, weight),)) for k in catalogues}
