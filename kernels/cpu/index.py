"""Adding rows back to where they were picked from, on the CPU.

Versions. `np.add.at` finds its way through the index anew for each element: 5 to 8 ns apiece. Here a whole row is
added at once, 0.2 ns an element. The threads share the columns, not the rows, so that no two of them add to one
element, and each element gets its contributions in the order of the index, whatever the number of threads.
The limit is memory: a pass over dy, and one over the table, which must be filled with zeros.

`python -m benchmarks kernels embedding_adjoint getitem_adjoint` shows the times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import dense, prange, strips_jit, strips_of

COLUMNS = 64  # the least that a strip gets: a few cache lines in a row


def embedding_adjoint(dy: Any, i: Any, *, size: int) -> Any:
    """Twin of `minidl.ops.embedding_adjoint`."""
    return getitem_adjoint(dy, index=i, shape=(size, dy.shape[-1]))


def embedding_adjoint_accepts(dy: Any, i: Any, *, size: int) -> bool:
    """Indices that point into the table: the loop below does not look."""
    return getitem_adjoint_accepts(dy, index=i, shape=(size, dy.shape[-1]))


def getitem_adjoint(dy: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Twin of `minidl.ops.getitem_adjoint`."""
    x = np.zeros(shape, dy.dtype)
    if dy.size:
        places = index.reshape(-1).astype(np.int64)
        places[places < 0] += shape[0]
        columns = dy.size // index.size
        strips = min(strips_of(columns, dy.size), max(1, columns // COLUMNS))
        _add_rows(strips, dense(dy).reshape(index.size, columns), places, x.reshape(shape[0], columns))
    return x


def getitem_adjoint_accepts(dy: Any, *, index: Any, shape: tuple[int, ...]) -> bool:
    """An array of integers on the first axis, all of them inside."""
    if not isinstance(index, np.ndarray) or index.dtype.kind not in "iu" or index.ndim == 0:
        return False
    return index.size == 0 or (-shape[0] <= index.min() and index.max() < shape[0])


@strips_jit
def _add_rows(strips, dy, places, x):
    columns = x.shape[1]
    for strip in prange(strips):
        first, last = strip * columns // strips, (strip + 1) * columns // strips
        for k in range(len(places)):
            target, source = x[places[k], first:last], dy[k, first:last]
            for j in range(len(source)):
                target[j] += source[j]
