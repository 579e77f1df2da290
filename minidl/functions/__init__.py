"""PyTorch's functions at the top level (`minidl.exp`, `minidl.cat`, …): thin names over the methods and operations.

Every one of them takes tensors, arrays, numbers or lists, and gives tensors.
"""

from . import (
    arrange,
    compare,
    dense,
    elementwise,
    order,
    picking,
    reduce,
    shape,
)

PAGES = (
    arrange,
    compare,
    dense,
    elementwise,
    order,
    picking,
    reduce,
    shape,
)  # now: a page may hold a function of its own name, which takes its place below

from .arrange import *  # noqa: E402, F403
from .compare import *  # noqa: E402, F403
from .dense import *  # noqa: E402, F403
from .elementwise import *  # noqa: E402, F403
from .order import *  # noqa: E402, F403
from .picking import *  # noqa: E402, F403
from .reduce import *  # noqa: E402, F403
from .shape import *  # noqa: E402, F403

__all__ = sorted(name for page in PAGES for name in page.__all__)  # noqa: PLE0605
