"""Derivatives as functions of functions, functions over batches, and checkpointing."""

from minidl.recompute import checkpoint, checkpoint_sequential

from .curvature import fisher_product, gauss_newton_product
from .derivatives import grad, hessian, hvp, jacobian, jvp, linearize, value_and_grad, vjp
from .vectorize import functional_call, per_sample_grads, vmap

__all__ = [
    "checkpoint",
    "checkpoint_sequential",
    "fisher_product",
    "functional_call",
    "gauss_newton_product",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linearize",
    "per_sample_grads",
    "value_and_grad",
    "vjp",
    "vmap",
]
