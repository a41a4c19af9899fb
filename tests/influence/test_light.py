"""What other rooms import of this one costs no second."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "safetensors", "numpy", "pyarrow")


@pytest.mark.parametrize(
    "module",
    [
        "endcredits",
        "endcredits.influence",
        "endcredits.influence.records",
        "endcredits.influence.gradient.manifest",
        "endcredits.attribution",
    ],
)
def test_importing_does_not_load_torch(module: str) -> None:
    """Nor anything else that is heavy."""
    script = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    """Also those that are loaded on first use; another name is not."""
    from endcredits import influence

    assert all(getattr(influence, name) is not None for name in influence.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = influence.nothing


def test_threads_are_set() -> None:
    """At least one."""
    import torch

    from endcredits.influence import use_threads

    use_threads(0)

    assert torch.get_num_threads() == 1
