"""The gradient engine: which works moved an output, from the geometry of the loss at the midpoint of two models.

Let `base` be the model before the licensed works and `full` the model after. The credit of work k for output y is its
Aumann-Shapley part of log p_full(y) - log p_base(y): the integral, along the path on which all works' weights rise
together from 0 to 1, of how fast y's log-probability rises with k's weight. We take the one-point midpoint rule: both
gradients are taken at theta = (base + full) / 2,

    credit_k(y) = scale * grad log p(y) . (F + damping)^-1 . sum over k's examples of grad log p(example) / N

where F is the Fisher information per example in the EK-FAC approximation (`ekfac`) and N the number of examples. Works
are *summed* vectors (`shards`), never averaged or normalised, so cutting a work into more pieces earns nothing. `scale`
is one number for the whole index, chosen so that credits add up to the measured log-ratio on calibration outputs. Works
that the run never read are found out by their own examples (`slopes`); the per-output gap that remains is divided by size
and stated with every answer (`endcredits.influence.residual`).

What it gives up: curvature between layers, the optimizer's own path, and everything that a one-point rule misses when
the path bends. Measured against retraining, see docs/science.md. The response tier (`endcredits.influence.response`) answers
through the same interface with vectors that were measured by retraining instead of approximated.
"""
