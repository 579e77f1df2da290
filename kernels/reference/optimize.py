"""One step of an optimiser: from parameter p, gradient g and state to the new ones.

Not operations, and without gradients: pure functions that define what the updates in place must do.
"""

import math

import numpy as np


def sgd_step(
    p: np.ndarray,
    g: np.ndarray,
    buf: np.ndarray,
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    first: bool,
    maximize: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Stochastic gradient descent with momentum μ and dampening τ; gives (p, buf).

    g ← ±g + weight_decay · p                    (− to maximise)
    buf ← μ · buf + (1 − τ) g, at the first step buf ← g
    g ← g + μ · buf with Nesterov's momentum, else g ← buf
    p ← p − lr · g

    With μ = 0 the buffer takes no part and stays as it is.

    Source: Sutskever et al. 2013, section 2, in the form of PyTorch's SGD: the learning rate
    multiplies the buffer instead of the gradient in it.
    """
    g = -g if maximize else g
    g = g + weight_decay * p
    if momentum != 0:
        buf = g if first else momentum * buf + (1 - dampening) * g
        g = g + momentum * buf if nesterov else buf
    return p - lr * g, buf


def adam_step(
    p: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    *,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Adam, or AdamW if decoupled; gives (p, m, v). step counts from 1.

    g ← ±g                                       (− to maximise)
    p ← (1 − lr · weight_decay) p if decoupled, else g ← g + weight_decay · p
    m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²
    p ← p − lr · m̂ / (√v̂ + eps),   m̂ = m / (1 − β₁ˢᵗᵉᵖ),   v̂ = v / (1 − β₂ˢᵗᵉᵖ)

    Source: Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2 (decoupled), with
    the decay multiplied by lr as in PyTorch.
    """
    beta1, beta2 = betas
    g = -g if maximize else g
    if decoupled:
        p = p * (1 - lr * weight_decay)
    else:
        g = g + weight_decay * p
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    m_hat = m / (1 - beta1**step)
    root = np.sqrt(v) / math.sqrt(1 - beta2**step)
    return p - lr * m_hat / (root + eps), m, v
