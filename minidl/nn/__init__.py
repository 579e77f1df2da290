"""Layers and models, with PyTorch's names, layouts, defaults, initial values and state_dict keys."""

from minidl.tensor import Buffer, Parameter

from . import (
    activation,
    attention,
    batch_norm,
    containers,
    conv,
    distance,
    dropout,
    embedding,
    folding,
    functional,
    init,
    linear,
    loss,
    loss_margin,
    loss_number,
    normalize,
    padding,
    pool,
    positional,
    recurrent,
    recurrent_cell,
    transformer,
    upsample,
    utils,
)
from .activation import *  # noqa: F403
from .attention import *  # noqa: F403
from .batch_norm import *  # noqa: F403
from .containers import *  # noqa: F403
from .conv import *  # noqa: F403
from .distance import *  # noqa: F403
from .dropout import *  # noqa: F403
from .embedding import *  # noqa: F403
from .folding import *  # noqa: F403
from .linear import *  # noqa: F403
from .loss import *  # noqa: F403
from .loss_margin import *  # noqa: F403
from .loss_number import *  # noqa: F403
from .module import Module
from .normalize import *  # noqa: F403
from .padding import *  # noqa: F403
from .pool import *  # noqa: F403
from .positional import *  # noqa: F403
from .recurrent import *  # noqa: F403
from .recurrent_cell import *  # noqa: F403
from .transformer import *  # noqa: F403
from .upsample import *  # noqa: F403

__all__ = ["Buffer", "Module", "Parameter", "functional", "init", "utils"]
__all__ += activation.__all__
__all__ += attention.__all__
__all__ += batch_norm.__all__
__all__ += containers.__all__
__all__ += conv.__all__
__all__ += distance.__all__
__all__ += dropout.__all__
__all__ += embedding.__all__
__all__ += folding.__all__
__all__ += linear.__all__
__all__ += loss.__all__
__all__ += loss_margin.__all__
__all__ += loss_number.__all__
__all__ += normalize.__all__
__all__ += padding.__all__
__all__ += pool.__all__
__all__ += positional.__all__
__all__ += recurrent.__all__
__all__ += recurrent_cell.__all__
__all__ += transformer.__all__
__all__ += upsample.__all__
