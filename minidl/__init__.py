"""minidl: a deep-learning engine whose every gradient can be read beside its formula.

`import minidl` loads NumPy and nothing else that is large; Numba, CuPy and Matplotlib are loaded where they are first
needed. Sub-packages are loaded on first use too: `minidl.nn`, `minidl.optim`, …
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import creation, functions, ops
from .array import bool_, float16, float32, float64, int8, int16, int32, int64, uint8
from .config import detect_anomaly, enable_grad, is_grad_enabled, mode, no_grad
from .creation import *  # noqa: F403
from .errors import MinidlError
from .functions import *  # noqa: F403
from .op import fused, primitive
from .random import Generator, get_rng_state, manual_seed, set_rng_state
from .tensor import Buffer, Parameter, Tensor, as_tensor, from_dlpack, from_numpy, tensor

if TYPE_CHECKING:
    from .serialize import load, save
    from .threads import get_num_threads, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "Buffer",
    "Generator",
    "MinidlError",
    "Parameter",
    "Tensor",
    "as_tensor",
    "bool_",
    "detect_anomaly",
    "enable_grad",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "fused",
    "get_num_threads",
    "get_rng_state",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "load",
    "manual_seed",
    "mode",
    "no_grad",
    "ops",
    "primitive",
    "save",
    "set_num_threads",
    "set_rng_state",
    "tensor",
    "uint8",
]
__all__ += creation.__all__
__all__ += functions.__all__

_LAZY = {"data", "functional", "linalg", "models", "nn", "optim", "train"}


_FROM = {  # functions of modules that are loaded on first use
    "get_num_threads": "threads",
    "load": "serialize",
    "save": "serialize",
    "set_num_threads": "threads",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return import_module(f"{__name__}.{name}")
    if name in _FROM:
        return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_LAZY})
