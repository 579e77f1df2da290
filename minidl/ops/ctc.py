"""Connectionist temporal classification: the loss of a sequence of labels whose places in time nobody has told.

T: steps.  N: batch.  C: classes, one of them the blank.  L: labels of a sequence.  S = 2L + 1: states.

At every step the network speaks one class. What it spoke is read by the rule *merge repeats, then drop blanks*: with –
for the blank, a a – a b reads a a b. Many paths read the same; the probability of the labels is the sum over all that
do, and the loss is −log of it. There are exponentially many, but they share their beginnings and their ends.

Put a blank before, between and after the labels: l' = – l₁ – l₂ – … –, of S states. A path walks through these from
left to right. At each step it stays, goes on to the next, or leaves out the blank between two labels that differ (two
that are equal would be merged). In logarithms, with zₜ(s) = logp[t, l'ₛ] and ⊕ for log-add-exp,

    αₜ(s) = zₜ(s) + (αₜ₋₁(s) ⊕ αₜ₋₁(s − 1) ⊕ αₜ₋₁(s − 2), the last where it may skip)     all beginnings that end in s
    βₜ(s) = (zₜ₊₁ + βₜ₊₁)(s) ⊕ (zₜ₊₁ + βₜ₊₁)(s + 1) ⊕ (zₜ₊₁ + βₜ₊₁)(s + 2), likewise       all ends that follow after s

Before the first step the walk stands at the first blank: α₋₁ = (0, −∞, −∞, …). It ends at the last label or at the
blank behind it: β of the last step is 0 there, and −∞ elsewhere. Hence log p = α(S − 1) ⊕ α(S − 2), at the last step.

The derivative. Every path passes exactly one state at step t, so p = Σₛ e^(αₜ(s) + βₜ(s)) at every t. Each of these
terms has the factor e^(zₜ(s)), once; so ∂p/∂zₜ(s) is the term itself, and

    ∂ log p / ∂zₜ(s) = e^(αₜ(s) + βₜ(s) − log p) = γₜ(s)        the share of the paths that are in s at step t
    dlogp[t, k] = −dloss · Σ γₜ(s) over the states with l'ₛ = k

The forward pass makes α, the backward pass β; neither is differentiated through. Behind a log-softmax, the gradient of
the logits is softmax − Σ γ: what was said, minus what should have been said, as for every cross-entropy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.array import xp
from minidl.errors import ArgumentError, DTypeError, LabelError, ShapeError, describe
from minidl.op import fused
from minidl.tensor import raw

from .elementwise import exp, where
from .index import check_range, put_along_axis, take_along_axis
from .reduce import logsumexp
from .shape import expand, pad, stack, unsqueeze

__all__ = [
    "ctc_loss",
]

NEVER = -np.inf  # the logarithm of what cannot be


@fused
def ctc_loss(logp: Any, targets: Any, input_lengths: Any, target_lengths: Any, *, blank: int = 0) -> Any:
    """How many nats the labels come as a surprise, whatever the times at which they are spoken.

    Math: loss = −log Σ Πₜ p[t, πₜ], over all paths π that read as the targets; top of this file
    Shapes: logp (T, N, C), targets (N, L), input_lengths (N,), target_lengths (N,) → loss (N,)
    Args:
        logp: logarithms of probabilities, as log_softmax gives them.
        targets: integers, 0 … C − 1 without the blank; beyond its length a row may hold anything.
        input_lengths, target_lengths: how many steps and how many labels count, integers.
        blank: the class that stands for no label.
    The loss of labels that do not fit into the steps is ∞. No path leads there, so none has a share: gradient 0.
    Raises:
        ShapeError, DTypeError: an argument does not fit the others. LabelError: a length or a label out of range, or a
        label that is the blank. ArgumentError: no such blank.
    Derivation: top of this file.
    Source: A. Graves, S. Fernández, F. Gomez, J. Schmidhuber, Connectionist temporal classification, ICML 2006,
        section 4.1 and equations 5 to 16; here β leaves out step t's own factor, which the paper counts in both.
    """
    states, skip, start, end = _walk(raw(targets), raw(target_lengths), blank)  # all (N, S)
    z = take_along_axis(logp, _at_every_step(states, logp), axis=2)  # (T, N, S)

    alpha, alphas = start, []
    for t in range(logp.shape[0]):
        before = pad(alpha, widths=((0, 0), (2, 0)), value=NEVER)  # (N, 2 + S)
        ways = stack([before[:, 2:], before[:, 1:-1], before[:, :-2] + skip])  # (3, N, S)
        alpha = where(_on(input_lengths, t), z[t] + logsumexp(ways, axis=0), alpha)
        alphas.append(alpha)

    log_p = logsumexp(alpha + end, axis=1)  # (N,)
    return -log_p, (logp, z, states, skip, end, input_lengths, log_p, *alphas)


@ctc_loss.check
def ctc_loss_check(logp: Any, targets: Any, input_lengths: Any, target_lengths: Any, *, blank: int) -> None:
    if logp.ndim != 3 or logp.shape[2] == 0 or len(logp) == 0:
        raise ShapeError(
            f"ctc_loss: log_probs: got shape {logp.shape}, expected (T, N, C) with at least one step",
            fix="give it the axes steps, batch, classes, in this order",
        )
    steps, batch, classes = logp.shape
    if logp.dtype.kind not in "fc":
        raise DTypeError(f"ctc_loss: log_probs: got {describe(logp)}, expected floats")
    if not 0 <= blank < classes:
        raise ArgumentError(f"ctc_loss: blank: got {blank!r}, expected a class, 0 to {classes - 1}")
    arrays = {"targets": targets, "input_lengths": input_lengths, "target_lengths": target_lengths}
    for name, array in arrays.items():
        if array.dtype.kind not in "iu":
            raise DTypeError(f"ctc_loss: {name}: got {describe(array)}, expected integers", fix="convert with .long()")
        if array.ndim != 1 + (name == "targets") or len(array) != batch:
            shape = f"({batch}, L)" if name == "targets" else f"({batch},)"
            raise ShapeError(
                f"ctc_loss: {name}: got shape {array.shape}, expected {shape}: log_probs has shape {logp.shape}",
                fix="log_probs has the axes steps, batch, classes, in this order",
            )
    check_range("ctc_loss: input_lengths", input_lengths, steps + 1, f"log_probs has {steps} steps")
    longest = targets.shape[1]
    check_range("ctc_loss: target_lengths", target_lengths, longest + 1, f"targets has {longest} columns")
    if isinstance(targets, np.ndarray):
        inside = np.arange(longest) < target_lengths[:, None]  # (N, L)
        labels = np.where(inside, targets, 0)
        check_range(f"ctc_loss: targets, for {classes} classes", labels, classes, "labels count from 0")
        if (blanks := inside & (targets == blank)).any():
            first = tuple(int(a) for a in np.argwhere(blanks)[0])
            raise LabelError(
                f"ctc_loss: targets: got the blank, {blank}, at position {first}, expected labels",
                fix="drop the blanks, or choose another class for the blank",
            )


@ctc_loss.backward
def ctc_loss_backward(
    dloss: Any, logp: Any, z: Any, states: Any, skip: Any, end: Any, input_lengths: Any, log_p: Any, *alphas: Any,
    blank: int,
) -> Any:  # fmt: skip
    """dlogp[t, k] = −dloss · Σ γₜ(s) over the states of k;  γₜ = e^(αₜ + βₜ − log p)"""
    steps = len(alphas)
    total = unsqueeze(where(log_p > NEVER, log_p, 0.0), axis=1)  # (N, 1)
    from_here = pad(skip, widths=((0, 0), (0, 2)), value=NEVER)[:, 2:]  # (N, S): the same, said of s and not of s + 2
    beta, shares = end, [None] * steps
    for t in reversed(range(steps)):
        if t + 1 < steps:
            after = pad(z[t + 1] + beta, widths=((0, 0), (0, 2)), value=NEVER)  # (N, S + 2)
            ways = stack([after[:, :-2], after[:, 1:-1], after[:, 2:] + from_here])  # (3, N, S)
            beta = where(_on(input_lengths, t + 1), logsumexp(ways, axis=0), end)
        shares[t] = where(_on(input_lengths, t), exp(alphas[t] + beta - total), 0.0)
    dz = stack(shares) * -dloss[None, :, None]  # (T, N, S)
    return put_along_axis(dz, _at_every_step(states, z), axis=2, size=logp.shape[2]), None, None, None


def _walk(targets: Any, target_lengths: Any, blank: int) -> tuple[Any, Any, Any, Any]:
    """What depends on the labels alone: the states l', and where a walk may skip to, start and end. All (N, S).

    The three are 0 where it may and −∞ where not, to be added to logarithms; of float16, which gives way to any other.
    """
    module = xp(targets)
    inside = module.arange(targets.shape[1]) < target_lengths[:, None]  # (N, L)
    labels = module.where(inside, targets, blank)
    states = module.full((len(targets), 2 * targets.shape[1] + 1), blank)
    states[:, 1::2] = labels
    place, end = module.arange(states.shape[1]), 2 * target_lengths.astype(np.int64)[:, None]
    skips = module.zeros(states.shape, bool)
    skips[:, 3::2] = labels[:, 1:] != labels[:, :-1]
    starts = module.broadcast_to(place == 0, states.shape)
    ends = (place <= end) & (place >= end - 1)
    return states, *(module.where(may, 0.0, NEVER).astype("float16") for may in (skips, starts, ends))


def _at_every_step(states: Any, like: Any) -> Any:
    """The states as an index into (T, N, …)."""
    return expand(states[None], shape=(like.shape[0], *states.shape))


def _on(lengths: Any, t: int) -> Any:
    """Which sequences are still running at step t: (N, 1)."""
    return lengths[:, None] > t
