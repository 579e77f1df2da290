"""Scaled dot-product attention: every query takes the mean of the values, weighted by how well their keys fit it.

T: queries.  S: keys and values.  D: length of a query and a key.  E: length of a value.  "…": batch and heads.

    A = scale · Q Kᵀ + mask             (…, T, S)   how well they fit
    P = softmax A over the keys         (…, T, S)   positive, and adding up to 1 for each query
    O = (P ∘ R) V                       (…, T, E)   R = keep / (1 − p) drops some of the weights; else R = 1

Backward, line by line upwards. O is linear in P ∘ R and in V, and A in Q and in K, so these are products of matrices:

    dV = (P ∘ R)ᵀ dO
    dP = (dO Vᵀ) ∘ R
    dA = P ∘ (dP − rowsum(dP ∘ P))      softmax: ∂Pₛ/∂Aᵣ = Pₛ (δₛᵣ − Pᵣ), hence dAᵣ = Pᵣ (dPᵣ − Σₛ dPₛ Pₛ)
    dQ = scale · dA K,   dK = scale · dAᵀ Q
    dmask = dA, summed over the places to which the mask was broadcast

A key that must not be attended to has A = −∞, hence P = 0 and dA = 0: nothing flows there. A query with no key at all
has a row of −∞, for which softmax gives zeros: its output is 0 and its gradient is 0, not NaN.

The row sums need no P: Σₛ dPₛ Pₛ = Σₛ Σₑ dOₑ Vₛₑ Rₛ Pₛ = Σₑ dOₑ Oₑ. The kernel uses this, and computes P again from
Q, K and one number for each query, log Σₛ exp Aₛ, so that it never keeps a (T, S) array (Dao et al. 2022).
"""

from __future__ import annotations

from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.op import fused, sum_to
from minidl.tensor import raw

from .elementwise import dropout, where
from .normalize import softmax
from .reduce import sum
from .shape import mT

__all__ = [
    "attention",
]

INFINITY = float("inf")


@fused
def attention(
    q: Any, k: Any, v: Any, mask: Any = None, keep: Any = None, *, scale: float, causal: bool = False, p: float = 0.0
) -> Any:
    """Scaled dot-product attention, with a mask and dropout of the weights.

    Math: O = (P ∘ keep / (1 − p)) V,  P = softmax(scale · Q Kᵀ + mask)
    Shapes: q (…, T, D), k (…, S, D), v (…, S, E), mask and keep broadcast to (…, T, S) → o (…, T, E)
    Args:
        mask: booleans, true where a query may attend to a key; or floats, added to the scaled scores, which may be
            −∞ and get a gradient; or None.
        keep: booleans, false where a weight is dropped; or None.
        scale: usually 1/√D, which keeps the scores of random vectors at variance 1 whatever D is.
        causal: query t attends to the keys s ≤ t only (the first query to the first key, also where T ≠ S).
        p: the probability with which `keep` was drawn false.
    Raises:
        ShapeError, DTypeError, ArgumentError: an argument does not fit the others.
    Derivation: top of this file.
    Source: A. Vaswani et al., Attention is all you need (2017), equation 1;
        T. Dao et al., FlashAttention (2022), appendix B (the backward pass from log-sum-exp).
    """
    a = scale * (q @ mT(k))  # (…, T, S)
    if mask is not None:
        a = where(mask, a, -INFINITY) if mask.dtype.kind == "b" else a + mask
    if causal:
        a = where(_triangle(q, k), a, -INFINITY)
    prob = softmax(a, axis=-1)  # (…, T, S)
    o = _dropped(prob, keep, p) @ v  # (…, T, E)
    return o, (q, k, v, mask, keep, prob)


@attention.check
def attention_check(q: Any, k: Any, v: Any, mask: Any, keep: Any, *, scale: float, causal: bool, p: float) -> None:
    for name, a, axes in (("q", q, "(…, T, D)"), ("k", k, "(…, S, D)"), ("v", v, "(…, S, E)")):
        if a.ndim < 2 or a.shape[:-2] != q.shape[:-2]:
            raise ShapeError(
                f"attention: {name}: got shape {a.shape}, expected {axes}, with the batch axes … of q, {q.shape[:-2]}",
                fix="expand() the batch axes" if a.ndim >= 2 else "give it an axis of places and one of features",
            )
    if k.shape[-1] != q.shape[-1] or v.shape[-2] != k.shape[-2]:
        raise ShapeError(
            f"attention: q has shape {q.shape}, k {k.shape}, v {v.shape}: q and k must agree in the last axis, "
            "k and v in the last but one"
        )
    scores = (*q.shape[:-1], k.shape[-2])
    for name, a, kinds in (("mask", mask, "bfc"), ("keep", keep, "b")):
        if a is None:
            continue
        if a.dtype.kind not in kinds:
            expected = "booleans" if name == "keep" else "booleans (true: may attend) or floats (added to the scores)"
            raise DTypeError(f"attention: {name}: got {describe(a)}, expected {expected}", fix="convert with .bool()")
        stretched = zip(a.shape[::-1], scores[::-1], strict=False)
        if a.ndim > len(scores) or any(size not in (1, whole) for size, whole in stretched):
            raise ShapeError(
                f"attention: {name}: got shape {a.shape}, which does not broadcast to {scores}, the scores' (…, T, S)",
                fix="a mask of keys for each sample is (N, 1, 1, S) for q of shape (N, heads, T, D)",
            )
    if not 0 <= p <= 1:
        raise ArgumentError(f"attention: p: got {p}, expected a probability, 0 to 1")


@attention.backward
def attention_backward(
    do: Any, q: Any, k: Any, v: Any, mask: Any, keep: Any, prob: Any,
    *, scale: float, causal: bool, p: float, needs: tuple[bool, ...],
) -> Any:  # fmt: skip
    """dV = (P ∘ R)ᵀ dO;  dP = (dO Vᵀ) ∘ R;  dA = P ∘ (dP − rowsum(dP ∘ P));  dQ = scale · dA K;  dK = scale · dAᵀ Q"""
    dv = mT(_dropped(prob, keep, p)) @ do  # (…, S, E)
    dprob = _dropped(do @ mT(v), keep, p)  # (…, T, S)
    da = prob * (dprob - sum(dprob * prob, axis=-1, keepdims=True))  # (…, T, S)
    dq = scale * (da @ k)  # (…, T, D)
    dk = scale * (mT(da) @ q)  # (…, S, D)
    return dq, dk, dv, sum_to(da, tuple(mask.shape)) if needs[3] else None, None


def _dropped(prob: Any, keep: Any, p: float) -> Any:
    """prob ∘ R."""
    return prob if keep is None else dropout(prob, keep, p=p)


def _triangle(q: Any, k: Any) -> Any:
    """Booleans (T, S), true where s ≤ t."""
    return xp(raw(q)).tri(q.shape[-2], k.shape[-2], dtype=bool)
