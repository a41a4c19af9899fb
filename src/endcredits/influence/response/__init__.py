"""The response tier: do not approximate the training, measure it once; then every output is a dot product.

Let theta(w) be the weights that a training run ends with when catalogue j's loss is weighted w_j. The Shapley value that a
payout is judged by averages over coalitions of catalogues, so it lives in the space of w, and the middle of that space is
w = 1/2 for everybody. The *response* of catalogue k is how the trained weights move there when only k changes:

    response_k = theta(1/2, w_k = 1) - theta(1/2, w_k = 0)
    credit_k(y) = grad log p(y; theta(1/2)) . response_k

A real run carries optimizer, curvature and the interaction with the other catalogues, which the curvature tier has to
guess. It costs two fine-tunes a catalogue once (`design` has cheaper ones), one backward pass an output, and K dot products.
Outputs that were never seen when the runs were made are served the same way.

What it gives up: the average over coalitions is taken at its middle (all others at half weight) instead of over all of
them, and an output's log-probability is taken to be linear between the weights that were reached. A catalogue that no run
reads has response zero: nothing is paid to works that were never trained on.
"""
