"""How far an index's credits are to be believed: one number from an audit, and what it says where there is nothing to say.

**Reliability** is the part of what retraining shows that calibrated credits foretell of outputs they were not fitted on.
With y the contrasts that the runs show (credits less their output's mean) and x the calibrated ones, fitted without the
output's fold of the outputs,

    reliability = max(0, 1 - sum (y - x)^2 / sum y^2),    over outputs and catalogues

so 1 is credits that retraining repeats, and 0 credits that tell no more than an equal division. It is a skill score (Murphy
1988) under cross-validation (Stone 1974), and plays the part of credibility in insurance (Buehlmann 1967): a payment that is
reliability times usage and the rest by a fixed key has the least expected squared error. Its error is a jackknife over
outputs.

What the runs show is taken *without* the index's credits as their centre (`shapley.stratified`), for an audit of two runs a
catalogue otherwise leans on what it is to judge. That makes it a lower bound: the runs' own noise, and their silence about
sizes that were not run, count against the index. It holds for outputs like the audited ones and for these catalogues.
On the literature truth leave-one-out losses have a reliability of .77 (88 generated outputs) and .94 (70 human ones) against
the whole table; an audit of 45 drawn pairs reads .80 and .95, one of two runs a catalogue .50 and .83, and pure noise reads
0 to .04 by any of them: a floor below which money goes to the commons should lie above that.

**The null.** An output that owes the works nothing should get no contrasts. What `unrelated_levels` finds on outputs of that
kind is how large a catalogue's credit gets by accident.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.records import Credits
from endcredits.influence.replay.calibrate import cross_validated
from endcredits.influence.replay.calibration import contrast

FEWEST_OUTPUTS = 5
"""With fewer there is no fold to leave out that would leave enough to fit on."""


def reliability(estimated: np.ndarray, shown: np.ndarray, *, seed: int = 0) -> tuple[float, float] | None:
    """Reliability in [0, 1] and its standard error; None where fewer than five outputs were audited.

    Args:
        estimated: credits of the index ``[Q, K]`` in nats.
        shown: credits that the runs show without the index's help ``[Q, K]``.
        seed: of the folds.

    Raises:
        InputError: fewer than two catalogues, shapes that differ, or a value that is not finite.
    """
    if len(estimated) < FEWEST_OUTPUTS:
        return None
    names = [str(number) for number in range(estimated.shape[1])]
    expected = cross_validated(names, estimated, shown, shown.sum(1), seed=seed)
    missed = np.square(contrast(shown) - contrast(expected)).sum(1)
    there = np.square(contrast(shown)).sum(1)
    found = _skill(missed.sum(), there.sum())
    count = len(missed)
    without = [_skill(missed.sum() - missed[q], there.sum() - there[q]) for q in range(count)]
    error = float(np.sqrt((count - 1) / count * np.square(np.array(without) - np.mean(without)).sum()))
    return max(0.0, found), error


def _skill(missed: float, there: float) -> float:
    return 1.0 - missed / there if there > 0 else 0.0


def unrelated_levels(credits: Sequence[Credits], groups: Sequence[Sequence[WorkId]]) -> np.ndarray:
    """Root mean square over unrelated outputs of each catalogue's credit less the output's mean, ``[K]`` in nats.

    Args:
        credits: of outputs that owe the works nothing, as the index gives them.
        groups: works of each catalogue.

    Raises:
        InputError: no outputs.
    """
    if not credits:
        raise InputError("there is no unrelated output", remedy="Give at least one.", field="outputs")
    rows = [_grouped(dict(zip(one.work_ids, one.credit_nats, strict=True)), groups) for one in credits]
    return np.asarray(np.sqrt(np.square(contrast(np.array(rows))).mean(0)))


def _grouped(credits: Mapping[WorkId, float], groups: Sequence[Sequence[WorkId]]) -> list[float]:
    return [sum(credits[work_id] for work_id in works) for works in groups]
