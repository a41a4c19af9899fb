"""endcredits: an output rolls its credits, and the people who made it possible are paid.

    import endcredits

    studio = endcredits.open("my-studio")
    index = studio.build_index(endcredits.text_models("base/", "full/"), studio.corpus())
    credits = index.attribute("It was the best of times")
    credits.shares(by="creator")

Importing this package is cheap; what a name needs is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from endcredits.flows.api import IndexHandle, StudioHandle, find_policy, init, open, text_models

__version__ = "0.1.0"
__all__ = ["IndexHandle", "StudioHandle", "__version__", "find_policy", "init", "open", "text_models"]


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name in __all__:
        from endcredits.flows import api

        return getattr(api, name)
    raise AttributeError(f"module 'endcredits' has no attribute {name!r}")
