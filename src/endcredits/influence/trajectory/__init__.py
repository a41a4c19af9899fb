"""The response of a whole training run to the weight of every example, by differentiating the run itself.

Let theta(w) be the weights that a run ends with when example i's loss counts w_i. Curvature methods guess d theta / d w_i
from the loss's shape at one point; a run that is repeatable (same start, order and step sizes) can simply be
differentiated, step by step, optimizer included. Two directions give the same numbers:

- `responses` walks forward with the run and carries d theta / d w_k for every work: an index, after which every output
  costs one gradient and one dot product per work (forward mode);
- `trace_back` walks backward along a recorded run from some outputs' gradients: no index, one walk for a batch of outputs
  (reverse mode; the idea of replaying is arXiv 2504.16430's, the recursion is that of arXiv 1502.03492).

Take the one whose side is smaller: a walk costs about three forward-and-backward passes per vector carried.

Where the run is differentiated matters more than how. Retrained subsets hold half of the works, more or less; a run at
full weight is at the corner of that cube, and it has fitted its data so well that its gradients there say little.
`at_half_weight` gives the run in the middle, where every example counts one half and the steps are those of a half-sized
run. Measured on 1,000 retrained digit classifiers, that raises agreement from .52 to .76 (decision 0010).

What is given up: the derivative is that of one seed's run, and it is linear. It wants a smooth optimizer: plain SGD with
momentum and weight decay here, no dropout, no batch statistics. Memory is two vectors of all weights per carried vector.
"""
