"""Scaled dot-product attention.

T: queries.  S: keys.  D: length of a query and a key.  E: length of a value.  "…": batch and heads.
"""

import numpy as np


def attention(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    *,
    scale: float,
    causal: bool = False,
    p: float = 0.0,
) -> np.ndarray:
    """O = (P ∘ keep / (1 − p)) V,  P = softmax(A) over the keys,  A = scale · Q Kᵀ + mask.

    q (…, T, D), k (…, S, D), v (…, S, E), o (…, T, E). The mask broadcasts to (…, T, S): boolean,
    true where a query may attend (A = −∞ elsewhere), or a number that is added. With causal, query
    t attends to the keys s ≤ t alone. keep (…, T, S) is the dropout mask of the probabilities.
    A query that may attend to nothing gets P = 0, so O = 0.

    Source: Vaswani et al. 2017, equation 1.
    """
    a = scale * np.einsum("...td,...sd->...ts", q, k)  # (…, T, S)
    if mask is not None:
        a = np.where(mask, a, -np.inf) if mask.dtype == bool else a + mask
    if causal:
        t, s = np.arange(q.shape[-2])[:, None], np.arange(k.shape[-2])  # (T, 1), (S,)
        a = np.where(s <= t, a, -np.inf)

    top = np.max(a.real, axis=-1, keepdims=True, initial=-np.inf)  # (…, T, 1)
    e = np.exp(a - np.where(top == -np.inf, 0.0, top))
    total = np.sum(e, axis=-1, keepdims=True)  # (…, T, 1)
    prob = e / np.where(total == 0, 1.0, total)

    if keep is not None:
        prob = prob * keep * (1 / (1 - p) if p < 1 else 0.0)
    return np.einsum("...ts,...se->...te", prob, v)  # (…, T, E)


def attention_backward(
    do: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    *,
    scale: float,
    causal: bool = False,
    p: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None, None]:
    """With R = keep / (1 − p), or 1 without dropout:

    dV = (P ∘ R)ᵀ dO,   dP = (dO Vᵀ) ∘ R,   dA = P ∘ (dP − Σₛ dP ∘ P)
    dQ = scale · dA K,   dK = scale · dAᵀ Q,   dmask = Σ dA over the places it was broadcast to

    The middle one is the softmax: ∂P[s]/∂A[r] = P[s] (δ[s, r] − P[r]). Where P = 0, because a key
    is masked or a whole row is, dA = 0.
    """
    a = scale * np.einsum("...td,...sd->...ts", q, k)  # (…, T, S)
    if mask is not None:
        a = np.where(mask, a, -np.inf) if mask.dtype == bool else a + mask
    if causal:
        t, s = np.arange(q.shape[-2])[:, None], np.arange(k.shape[-2])  # (T, 1), (S,)
        a = np.where(s <= t, a, -np.inf)
    top = np.max(a, axis=-1, keepdims=True, initial=-np.inf)  # (…, T, 1)
    e = np.exp(a - np.where(top == -np.inf, 0.0, top))
    total = np.sum(e, axis=-1, keepdims=True)  # (…, T, 1)
    prob = e / np.where(total == 0, 1.0, total)
    r = 1.0 if keep is None else keep * (1 / (1 - p) if p < 1 else 0.0)

    dv = np.einsum("...ts,...te->...se", prob * r, do)  # (…, S, E)
    dprob = np.einsum("...te,...se->...ts", do, v) * r  # (…, T, S)
    da = prob * (dprob - np.sum(dprob * prob, axis=-1, keepdims=True))  # (…, T, S)
    dq = scale * np.einsum("...ts,...sd->...td", da, k)  # (…, T, D)
    dk = scale * np.einsum("...ts,...td->...sd", da, q)  # (…, S, D)

    dmask = None
    if mask is not None and mask.dtype != bool:
        at_mask = np.broadcast_to(np.arange(mask.size).reshape(mask.shape), da.shape)  # (…, T, S)
        dmask = np.zeros(mask.size)
        np.add.at(dmask, at_mask, da)
        dmask = dmask.reshape(mask.shape)  # mask's shape
    return dq, dk, dv, dmask, None
