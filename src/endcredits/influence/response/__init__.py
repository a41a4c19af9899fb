"""The response tier: do not approximate the training, measure it once; then every output is a dot product.

Let theta(w) be the weights that a training run ends with when catalogue j's loss is weighted w_j. The Shapley value that a
payout is judged by averages over coalitions of catalogues, so it lives in the space of w, along the diagonal on which all
other catalogues have one level t. The *response* of catalogue k is how the trained weights move there when only k changes:

    response_k(t) = theta(t, w_k = 1) - theta(t, w_k = 0)
    credit_k(y) = mean over t of  grad log p(y; theta(t)) . response_k(t)

Two levels, the Gauss points .21 and .79, stand for all t, and of each difference one half is enough: on from the lower
level, off from the upper. A real run carries optimizer, curvature and the interaction with the other catalogues, which the
curvature tier has to guess. It costs two fine-tunes a catalogue once (`design` has cheaper ones), one backward pass at each
level for an output, and as many dot products as catalogues. Outputs that nobody had seen when the runs were made are served
the same way.

What it gives up: the others stand at one level instead of in or out by chance, and an output's log-probability is taken to
be linear between the weights that were reached. A catalogue that no run reads has response zero: nothing is paid to works
that were never trained on.
"""
