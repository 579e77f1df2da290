"""One stream of random numbers for everything that draws: initial weights, dropout, shuffling.

`manual_seed` sets it; `get_rng_state` and `set_rng_state` carry it across a checkpoint. Draws are made on the CPU
and moved, so that a seed means the same numbers on every device.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np


class Generator:
    """A seeded stream, as `torch.Generator`: pass one where a function takes `generator=`."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    @cached_property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator; made when first asked for, as NumPy takes its time to load its random numbers."""
        return np.random.Generator(np.random.PCG64(self.seed))

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`."""
        self.seed, self.numpy = seed, np.random.Generator(np.random.PCG64(seed))
        return self

    def get_state(self) -> dict[str, Any]:
        """The stream's position, made of plain integers and strings."""
        return dict(self.numpy.bit_generator.state)

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a position that `get_state` gave."""
        self.numpy.bit_generator.state = state


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the library's stream; the same seed, program and thread count give the same bits."""
    return default_generator.manual_seed(seed)


def get_rng_state() -> dict[str, Any]:
    """The position of the library's stream."""
    return default_generator.get_state()


def set_rng_state(state: dict[str, Any]) -> None:
    """Put the library's stream back to a position that `get_rng_state` gave."""
    default_generator.set_state(state)
