"""The audit tier: train again on coalitions of catalogues, and see what each was worth.

Nothing is approximated here but the average over coalitions, so it is the judge of the other tiers: it makes the truth that
they are held against (`table`), the slope and the levels that correct them (`calibrate`), and the answer to a dispute. Walk:
`coalitions` draws what to run, `run` runs it and scores the outputs, `shapley` turns log-likelihoods into credits.
`refine` asks one output again with a better inverse of the curvature, without training.
"""
