"""Products with matrices of curvature that are too large to write down: Gauss–Newton and Fisher.

For a model z = f(θ) and a loss L(z) the chain rule, applied twice, splits the Hessian in two:

    ∇²(L ∘ f) = Jᵀ H J + Σₖ ∂L/∂zₖ · ∇²fₖ          J = ∂f/∂θ,  H = ∂²L/∂z²

The first part is the Gauss–Newton matrix. It leaves out how the model itself bends; in return it is positive
semi-definite wherever the loss is convex in z, so that a step against it goes down. Its product with v reads from
right to left: up with v (Jv), across the loss (H), and down again (Jᵀ); no matrix is ever formed.

Source: N. Schraudolph, Fast curvature matrix-vector products for second-order gradient descent (2002), section 3;
J. Martens, New insights and perspectives on the natural gradient method (2020), sections 8 and 11.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl.errors import ShapeError
from minidl.tensor import Tensor

from .derivatives import hvp, linearize, vjp

__all__ = ["fisher_product", "gauss_newton_product"]


def gauss_newton_product(model: Callable[..., Any], loss: Callable[[Any], Any], args: Any, v: Any) -> Any:
    """(Jᵀ H J) v, for J = ∂model/∂args and H = ∂²loss/∂output².

    With the softmax and cross-entropy, or any other loss that is −log p for a distribution of an exponential family in
    its natural parameters, this is the product with the Fisher matrix, too (Martens, section 9.2).

    Args:
        model: tensors → a tensor, the output.
        loss: of the output → a scalar.
        args: the model's argument, or a tuple of them: what to differentiate by.
        v: the direction, of the arguments' shapes.
    Returns:
        The product, of the arguments' shapes.
    """
    z, along = linearize(model, args, name="gauss_newton_product")
    _, bent = hvp(loss, z, along(v))  # H J v
    return vjp(model, args, bent)[1]


def fisher_product(log_likelihoods: Callable[..., Any], args: Any, v: Any) -> Any:
    """F v, with the empirical Fisher matrix F = (1/N) Σₙ gₙ gₙᵀ of the samples' own gradients gₙ.

    "Empirical", because the labels are those of the data. For the Fisher matrix itself, draw the labels from the model,
    or use `gauss_newton_product`.

    Args:
        log_likelihoods: tensors → (N,): log p of each sample (its sign does not matter).
        args: its argument, or a tuple of them: what to differentiate by.
        v: the direction, of the arguments' shapes.
    Returns:
        The product, of the arguments' shapes.
    Raises:
        ShapeError: the function returns something else than one number for each sample.
    Derivation: with J = ∂log p/∂θ, whose rows are the gₙ, Σₙ gₙ (gₙᵀ v) = Jᵀ (J v).
    """
    logp, along = linearize(log_likelihoods, args, name="fisher_product")
    if not isinstance(logp, Tensor) or logp.ndim != 1 or not len(logp):
        shape = logp.shape if isinstance(logp, Tensor) else None
        raise ShapeError(
            f"fisher_product: log_likelihoods returned shape {shape}, expected (N,): one number for each sample",
            fix='use reduction="none"',
        )
    return vjp(log_likelihoods, args, along(v) / len(logp))[1]
