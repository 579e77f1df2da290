"""PyTorch's functions at the top level (`minidl.exp`, `minidl.cat`, …): thin names over the methods and operations.

Every one of them takes tensors, arrays, numbers or lists, and gives tensors.
"""

from .arrange import *  # noqa: F403
from .compare import *  # noqa: F403
from .dense import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .order import *  # noqa: F403
from .picking import *  # noqa: F403
from .reduce import *  # noqa: F403
from .shape import *  # noqa: F403

# Every function of the pages above. (Some pages bear the name of a function, which has taken their place here.)
__all__ = sorted(name for name, value in globals().items() if callable(value) and name[0] != "_")  # noqa: PLE0605
