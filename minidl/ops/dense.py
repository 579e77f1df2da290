"""Products of matrices: matmul, affine (the dense layer), einsum.

One derivation serves all three. y[i, k] = Σⱼ x[i, j] w[j, k] is linear in x and in w, and ∂y[i, k]/∂x[i, j] = w[j, k].
By the chain rule the cotangents are the same sum of products, over the letters that the other two share:

    dx[i, j] = Σₖ dy[i, k] w[j, k]      dX = dY Wᵀ
    dw[j, k] = Σᵢ x[i, j] dy[i, k]      dW = Xᵀ dY

Nothing has to be remembered but the shapes: only one arrangement of dy and the other factor fits.

I J K: rows, inner length, columns.  O: outputs.  "…": batch axes.
"""

from __future__ import annotations

from math import prod
from string import ascii_letters
from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError
from minidl.op import fused, primitive, sum_to

from .index import getitem
from .reduce import sum
from .shape import expand, mT, reshape, squeeze, transpose

__all__ = [
    "affine",
    "einsum",
    "einsum_of",
    "matmul",
]

# Matrix times matrix --------------------------------------------------------------------------------------------------


@primitive(promotes=True)
def matmul(x: Any, w: Any) -> Any:
    """The matrix product, with NumPy's rules: batch axes broadcast, a vector counts as one row or one column.

    Math: y[…, i, k] = Σⱼ x[…, i, j] w[…, j, k];  dX = dY Wᵀ,  dW = Xᵀ dY
    Shapes: x (…, I, J), w (…, J, K) → y (…, I, K); the axis that a vector x (J,) or w (J,) lacks, y lacks too.
    Raises:
        ShapeError: the inner lengths differ, the batch axes do not broadcast, or an operand has no axes.
    Derivation: top of this file. A matrix that was broadcast to several places gets the sum over these places.
    """
    if w.ndim == 2 and x.ndim > 2:  # one large product instead of one for each batch place
        return (_rows(x) @ w).reshape(*x.shape[:-1], w.shape[1])
    return xp(x, w).matmul(x, w)


@matmul.check
def matmul_check(x: Any, w: Any) -> None:
    if not getattr(x, "ndim", 0) or not getattr(w, "ndim", 0):
        raise ShapeError("matmul: a number is no matrix", fix="use * to scale")
    if x.shape[-1] != w.shape[-2:][0]:
        raise ShapeError(
            f"matmul: x has shape {x.shape} and w {w.shape}: the inner lengths, {x.shape[-1]} and {w.shape[-2:][0]}, "
            "must be equal",
            fix="transpose one of them (.mT)" if x.shape[-1] in w.shape[-2:] else "",
        )


@matmul.vjp("x")
def matmul_dx(dy: Any, w: Any, x_shape: Any) -> Any:
    w_shape = tuple(w.shape)
    dy, w = _as_matrix(dy, x_shape, w_shape), _shaped(w, _column(w_shape))
    if len(w_shape) <= 2:  # one large product instead of one for each batch place
        return _shaped(_rows(dy) @ mT(w), x_shape)  # (…, I, J)
    return _fit(dy @ mT(w), _row(x_shape), x_shape)  # (…, I, J)


@matmul.vjp("w")
def matmul_dw(dy: Any, x: Any, w_shape: Any) -> Any:
    x_shape = tuple(x.shape)
    dy, x = _as_matrix(dy, x_shape, w_shape), _shaped(x, _row(x_shape))
    if len(w_shape) <= 2:  # the sum over the batch places is part of one product
        dy, x = _rows(dy), _rows(x)  # (… · I, K), (… · I, J)
    return _fit(mT(x) @ dy, _column(w_shape), w_shape)  # (…, J, K)


def _row(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a left operand as a matrix: a vector is one row."""
    return (1, *shape) if len(shape) == 1 else tuple(shape)


def _column(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a right operand as a matrix: a vector is one column."""
    return (*shape, 1) if len(shape) == 1 else tuple(shape)


def _as_matrix(dy: Any, x_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> Any:
    """dy with the axes back that the product of vectors lacks."""
    shape = list(dy.shape)
    if len(x_shape) == 1:
        shape.insert(len(shape) - (len(w_shape) > 1), 1)
    if len(w_shape) == 1:
        shape.append(1)
    return _shaped(dy, tuple(shape))  # (…, I, K)


def _fit(g: Any, matrix: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """A gradient summed over the batch places its operand was broadcast to, then in the operand's own shape."""
    if tuple(g.shape) != matrix:
        g = sum_to(g, matrix)
    return _shaped(g, shape)


def _shaped(x: Any, shape: tuple[int, ...]) -> Any:
    """x in another shape; x itself, and no further node, if that is its own."""
    return x if tuple(x.shape) == shape else reshape(x, shape=shape)


def _rows(x: Any) -> Any:
    """All axes but the last as one; x itself if it is a matrix."""
    return x if len(x.shape) == 2 else reshape(x, shape=(prod(x.shape[:-1]), x.shape[-1]))


# The dense layer ------------------------------------------------------------------------------------------------------


@fused(promotes=True)
def affine(x: Any, w: Any, b: Any = None) -> Any:
    """The dense layer: a linear map and a shift.

    Math: y = x Wᵀ + b, that is y[…, o] = Σᵢ x[…, i] w[o, i] + b[o]
    Shapes: x (…, I), w (O, I), b (O,) → y (…, O)
    Args:
        b: the shift, or None.
    Raises:
        ShapeError: x has another last axis than w, or b another length than w has rows.
    Derivation: top of this file, with the letters that w is stored by: with M samples as rows,
        dX = dY W,  dW = dYᵀ X,  and db[o] = Σₘ dy[m, o], because b[o] was added to every row.
    """
    rows = _rows(x)  # (M, I)
    y = rows @ mT(w)  # (M, O)
    if b is not None:
        y = y + b  # (M, O)
    return _unrows(y, x.shape[:-1]), (rows, w, b)


@affine.check
def affine_check(x: Any, w: Any, b: Any) -> None:
    if w.ndim != 2:
        raise ShapeError(f"affine: weight: got shape {w.shape}, expected (out_features, in_features)")
    if x.ndim == 0 or x.shape[-1] != w.shape[1]:
        last = f"Linear(in_features={x.shape[-1]})" if x.ndim else "give x an axis of features"
        raise ShapeError(
            f"affine: x has shape {x.shape}, weight {w.shape}: the last axis of both must be equal", fix=last
        )
    if b is not None and b.shape != w.shape[:1]:
        raise ShapeError(
            f"affine: bias: got shape {b.shape}, expected {w.shape[:1]}: one number for each row of weight"
        )


@affine.backward
def affine_backward(dy: Any, rows: Any, w: Any, b: Any, *, needs: tuple[bool, ...]) -> Any:
    """dX = dY W;  dW = dYᵀ X;  db = Σ dy over the rows. A first layer's dX, which nobody asks for, is left out."""
    dy_rows = _rows(dy)  # (M, O)
    dx = _unrows(dy_rows @ w, dy.shape[:-1]) if needs[0] else None  # (…, I)
    dw = mT(dy_rows) @ rows if needs[1] else None  # (O, I)
    db = sum(dy_rows, axis=0) if needs[2] else None  # (O,)
    return dx, dw, db


def _unrows(y: Any, lead: tuple[int, ...]) -> Any:
    """Rows as they were laid out before `_rows`."""
    return y if len(lead) == 1 else reshape(y, shape=(*lead, y.shape[-1]))


# Any sum of products --------------------------------------------------------------------------------------------------


@primitive(promotes=True)
def einsum(*xs: Any, spec: str) -> Any:
    """The product of all operands, summed over the letters that the output lacks; for other spellings: `einsum_of`.

    Math: "ij,jk->ik" is y[i, k] = Σⱼ x₁[i, j] x₂[j, k]
    Args:
        spec: explicit (with "->"), without "...", no letter twice in one operand.
    Raises:
        ArgumentError: spec is malformed. ShapeError: it does not fit the operands.
    Derivation: y is linear in each operand, so dxₖ is again a sum of products: of dy and the other operands, over the
        letters that xₖ lacks. The rule exchanges two parts of the spec: for "ij,jk->ik", dx₁ is "ik,jk->ij" of dy and
        x₂. A letter that only xₖ has was summed out of it alone: all elements along it take the same gradient.
    """
    return xp(*xs).einsum(spec, *xs, optimize=len(xs) > 1)


@einsum.check
def einsum_check(*xs: Any, spec: str) -> None:
    operands, output = _parse(spec, len(xs))
    if output is None or "." in spec or any(len(set(letters)) < len(letters) for letters in operands):
        raise ArgumentError(
            f"einsum: spec: got {spec!r}, expected an explicit output, no '...', and no letter twice in one operand",
            fix="call einsum_of, which takes all of these",
        )
    _check_sizes(spec, operands, xs)


@einsum.vjp("xs")
def einsum_dx(dy: Any, xs: Any, xs_shape: Any, position: int, *, spec: str) -> Any:
    operands, output = _parse(spec, len(xs))
    mine, shape = operands[position], xs_shape[position]
    others = [i for i in range(len(xs)) if i != position]
    names: list[Any] = [output, *(operands[i] for i in others)]
    kept = "".join(letter for letter in mine if letter in "".join(names))
    g = einsum(dy, *(xs[i] for i in others), spec=f"{','.join(names)}->{kept}")
    if kept == mine:
        return g
    g = reshape(g, shape=tuple(n if letter in kept else 1 for letter, n in zip(mine, shape, strict=True)))
    return expand(g, shape=shape)


def einsum_of(spec: str, *xs: Any) -> Any:
    """Einstein's sum in every spelling of NumPy and PyTorch: brought into the form of `einsum`, then handed to it.

    Math: "ij,jk->ik" is y[i, k] = Σⱼ x₁[i, j] x₂[j, k]. A letter twice in one operand means its diagonal: "ii->i".
        "..." stands for any further axes, which broadcast. Without "->", the output has the axes of "...", then the
        letters that occur once, in the order of the alphabet.
    Args:
        spec: letters for the axes of each operand, separated by commas; spaces do not count.
        xs: arrays or tensors, one for each operand.
    Raises:
        ArgumentError: spec is malformed. ShapeError: it does not fit the operands.
    """
    operands, output = _parse(spec, len(xs))
    operands, output, xs = _without_ellipsis(spec, operands, output, xs)
    _check_sizes(spec, operands, xs)
    diagonals = [_diagonal(letters, x) for letters, x in zip(operands, xs, strict=True)]
    left = ",".join(letters for letters, _ in diagonals)
    return einsum(*(x for _, x in diagonals), spec=f"{left}->{output}")


def _parse(spec: str, count: int) -> tuple[list[str], str | None]:
    """The letters of each operand, and of the output (None without "->"); "..." becomes one dot."""
    text = spec.replace(" ", "").replace("...", ".")
    left, arrow, output = text.partition("->")
    operands = left.split(",")
    problem = ""
    if any(not set(part) <= {*ascii_letters, "."} or part.count(".") > 1 for part in (*operands, output)):
        problem = "expected letters, at most one '...' for each operand, ',' and '->'"
    elif text.count(".") != spec.count("..."):
        problem = "an ellipsis has three dots"
    elif len(operands) != count:
        problem = f"{len(operands)} operands are named, and {count} given"
    elif len(set(output)) < len(output):
        problem = "the output names an axis twice"
    elif not set(output) <= {*left, "."}:
        problem = "the output has a letter that no operand has"
    if problem:
        raise ArgumentError(f"einsum: spec: got {spec!r}: {problem}")
    return operands, output if arrow else None


def _check_sizes(spec: str, operands: list[str], xs: Any) -> None:
    """As many letters as axes, and one size for each letter."""
    sizes: dict[str, tuple[int, int]] = {}
    for i, (letters, x) in enumerate(zip(operands, xs, strict=True)):
        if len(letters) != len(x.shape):
            raise ShapeError(
                f"einsum: spec {spec!r} has {len(letters)} letters for operand {i}, which has shape {tuple(x.shape)}"
            )
        for letter, n in zip(letters, x.shape, strict=True):
            size, first = sizes.setdefault(letter, (n, i))
            if n != size:
                name = f"{letter!r}" if letter in spec else "an axis of '...'"
                raise ShapeError(f"einsum: {name} in {spec!r} is {size} in operand {first}, and {n} in operand {i}")


def _without_ellipsis(spec: str, operands: list[str], output: str | None, xs: Any) -> tuple[list[str], str, list[Any]]:
    """Letters for the axes of "...", counted from the right; where such an axis broadcasts, it goes."""
    counts = [len(x.shape) - len(letters) + 1 if "." in letters else 0 for letters, x in zip(operands, xs, strict=True)]
    if any(count < 0 for count in counts):
        i = next(i for i, count in enumerate(counts) if count < 0)
        raise ShapeError(f"einsum: spec {spec!r} has too many letters for operand {i}, of shape {tuple(xs[i].shape)}")
    free = "".join(letter for letter in ascii_letters if letter not in spec)
    batch = free[: max(counts, default=0)]
    if output is None:
        left = "".join(operands)
        output = "." + "".join(sorted(c for c in set(left) - {"."} if left.count(c) == 1))
    named = [letters.replace(".", batch[len(batch) - n :]) for letters, n in zip(operands, counts, strict=True)]
    stretched = {
        c for letters, x in zip(named, xs, strict=True) for c, n in zip(letters, x.shape, strict=False) if n != 1
    }
    broadcast = [
        [i for i, c in enumerate(letters) if c in batch and c in stretched and x.shape[i] == 1]
        for letters, x in zip(named, xs, strict=True)
    ]
    named = ["".join(c for i, c in enumerate(n) if i not in axes) for n, axes in zip(named, broadcast, strict=True)]
    xs = [squeeze(x, axis=tuple(axes)) if axes else x for x, axes in zip(xs, broadcast, strict=True)]
    return named, output.replace(".", batch), xs


def _diagonal(letters: str, x: Any) -> tuple[str, Any]:
    """Letters without repetition, and x along the diagonals that the repetitions mean."""
    for letter in sorted({c for c in letters if letters.count(c) > 1}):
        mine = [i for i, c in enumerate(letters) if c == letter]
        rest = [i for i, c in enumerate(letters) if c != letter]
        x = transpose(x, axes=(*mine, *rest))
        x = getitem(x, index=(list(range(x.shape[0])),) * len(mine))
        letters = letter + "".join(letters[i] for i in rest)
    return letters, x
