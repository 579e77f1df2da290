"""PyTorch's functional names over `minidl.ops`, with PyTorch's words, axes and conventions.

Where an operation speaks mathematics, its name here speaks PyTorch: the class axis of `cross_entropy` is 1, `pad`
counts from the last axis, a boolean mask is true where attention may go. Arrays are taken as constants; the results
are tensors.
"""

from .activation import *  # noqa: F403
from .attention import *  # noqa: F403
from .conv import *  # noqa: F403
from .ctc import *  # noqa: F403
from .distance import *  # noqa: F403
from .dropout import *  # noqa: F403
from .embedding import *  # noqa: F403
from .folding import *  # noqa: F403
from .linear import *  # noqa: F403
from .loss import *  # noqa: F403
from .loss_binary import *  # noqa: F403
from .loss_margin import *  # noqa: F403
from .loss_number import *  # noqa: F403
from .normalize import *  # noqa: F403
from .padding import *  # noqa: F403
from .pool import *  # noqa: F403
from .positional import *  # noqa: F403
from .recurrent import *  # noqa: F403
from .resample import *  # noqa: F403

# Every function of the pages above. (Some pages bear the name of a function, which has taken their place here.)
__all__ = sorted(name for name, value in globals().items() if callable(value) and name[0] != "_")  # noqa: PLE0605
