"""The operations: arrays to arrays, tensors to tensors; each with its formula, its backward and its derivation."""

import sys

from minidl import methods

from .activation import *  # noqa: F403
from .analytic import *  # noqa: F403
from .arrange import *  # noqa: F403
from .attention import *  # noqa: F403
from .conv import *  # noqa: F403
from .ctc import *  # noqa: F403
from .dense import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .factors import *  # noqa: F403
from .index import *  # noqa: F403
from .linalg import *  # noqa: F403
from .loss import *  # noqa: F403
from .normalize import *  # noqa: F403
from .order import *  # noqa: F403
from .pool import *  # noqa: F403
from .products import *  # noqa: F403
from .recurrent import *  # noqa: F403
from .reduce import *  # noqa: F403
from .rotary import *  # noqa: F403
from .rounding import *  # noqa: F403
from .scan import *  # noqa: F403
from .scatter import *  # noqa: F403
from .shape import *  # noqa: F403

methods.bind(sys.modules[__name__])  # closes the circle: tensors have methods, which are operations on tensors
