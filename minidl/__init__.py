"""minidl: a deep-learning engine whose every gradient can be read beside its formula."""

__version__ = "0.1.0"

from . import ops
from .config import detect_anomaly, enable_grad, is_grad_enabled, mode, no_grad
from .op import fused, primitive
from .random import manual_seed
from .tensor import Buffer, Parameter, Tensor, as_tensor, from_dlpack, from_numpy, tensor
