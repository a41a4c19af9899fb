"""Verbatim passages: which stretches of a given text stand, letter for letter, in another one. Evidence, never influence.

A passage that a work and a text have in common shows people where to look; it decides no money, since a model may have
learnt a sentence from any of the works that hold it. Layout, punctuation and capitals do not count (`folding`), and nothing
that is long enough is missed (`passages`).
"""

from endcredits.influence.verbatim.folding import Place, folded, places
from endcredits.influence.verbatim.passages import LETTERS_MIN, Given, Passage, common_passages

__all__ = ["LETTERS_MIN", "Given", "Passage", "Place", "common_passages", "folded", "places"]
