"""Layers and models, with PyTorch's names, layouts, defaults, initial values and state_dict keys."""

from minidl.tensor import Buffer, Parameter

from . import (
    activation,
    attention,
    containers,
    conv,
    dropout,
    embedding,
    functional,
    init,
    linear,
    loss,
    normalize,
    pool,
    recurrent,
    utils,
)
from .activation import *  # noqa: F403
from .attention import *  # noqa: F403
from .containers import *  # noqa: F403
from .conv import *  # noqa: F403
from .dropout import *  # noqa: F403
from .embedding import *  # noqa: F403
from .linear import *  # noqa: F403
from .loss import *  # noqa: F403
from .module import Module
from .normalize import *  # noqa: F403
from .pool import *  # noqa: F403
from .recurrent import *  # noqa: F403

__all__ = ["Buffer", "Module", "Parameter", "functional", "init", "utils"]
__all__ += activation.__all__
__all__ += attention.__all__
__all__ += containers.__all__
__all__ += conv.__all__
__all__ += dropout.__all__
__all__ += embedding.__all__
__all__ += linear.__all__
__all__ += loss.__all__
__all__ += normalize.__all__
__all__ += pool.__all__
__all__ += recurrent.__all__
