"""Which way a convolution goes: measured, each way against the others, at the sizes of benchmarks/inputs.py.

| way | where | ahead of the next by (float32, one thread) |
| --- | --- | --- |
| winograd | 3 × 3, stride 1, float32, 16 channels or more, 8 × 8 results or more | patches: 1.2 to 2.2 |
| depthwise | each channel alone, 8 of them or more | rows: 1 to 4 |
| patches | more than 8 results in a group | rows: 1 to 3 |
| rows | the rest | patches: 2 to 5 |
"""

from __future__ import annotations

import os
from typing import Any

Sizes = tuple[int, ...]

# Its transforms cost rounding errors near 1e-5 of the largest result, where a direct sum has 1e-6.
WINOGRAD = os.environ.get("MINIDL_WINOGRAD", "1") != "0"


def way(dtype: Any, w: Sizes, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> str:
    """The way for weights (G, R, C, KH, KW): R results of C channels in each group.

    For the adjoint for x, R and C have changed places. `size` is that of the results, and for dw that of dy.
    """
    groups, results, channels, *kernel = w
    tiles = WINOGRAD and dtype == "float32" and groups == 1 and kernel == [3, 3] and max(stride + dilation) == 1
    if tiles and max(padding) <= 2 and min(results, channels) >= 16 and min(size) >= 8:
        return "winograd"
    if results == channels == 1 and groups >= 8:
        return "depthwise"
    return "patches" if results > 8 else "rows"
