"""PyTorch's functional names over `minidl.ops`, with PyTorch's words, axes and conventions.

Where an operation speaks mathematics, its name here speaks PyTorch: the class axis of `cross_entropy` is 1, `pad`
counts from the last axis, a boolean mask is true where attention may go. Arrays are taken as constants; the results
are tensors.
"""

from . import (
    activation,
    attention,
    conv,
    dropout,
    embedding,
    linear,
    loss,
    normalize,
    pad,
    pool,
)

PAGES = (
    activation,
    attention,
    conv,
    dropout,
    embedding,
    linear,
    loss,
    normalize,
    pad,
    pool,
)  # now: a page may hold a function of its own name, which takes its place below

from .activation import *  # noqa: E402, F403
from .attention import *  # noqa: E402, F403
from .conv import *  # noqa: E402, F403
from .dropout import *  # noqa: E402, F403
from .embedding import *  # noqa: E402, F403
from .linear import *  # noqa: E402, F403
from .loss import *  # noqa: E402, F403
from .normalize import *  # noqa: E402, F403
from .pad import *  # noqa: E402, F403
from .pool import *  # noqa: E402, F403

__all__ = sorted(name for page in PAGES for name in page.__all__)  # noqa: PLE0605
