"""Walking through time: what every recurrent layer does, whatever its cell.

T: steps.  N: batch.  D: inputs.  H: columns of h.  K: rows of the weights, a block of H for each gate.

A cell makes the next state of x[t] and of the state before. Its state is h, and for the LSTM (h, c); h is also its
output. It reads both by a linear map each,

    a[t] = x[t] w_ihᵀ + b_ih,     u[t] = h₋ w_hhᵀ + b_hh,     state = cell(a[t], u[t], state₋)

and only the second has to wait for the step before: a is one product over all steps, outside of the walk.

Backpropagation through time draws the steps side by side, as one deep network whose layers share their weights, and
goes through it from the last step to the first with dstate, the cotangents of the state. They start as those of the
final state. At each step h has two successors, the next step and the output, so its cotangents are added; then the
cell's own rule gives the state before, and what reached the two maps:

    dh ← dh + dy[t];     dstate₋, da[t], du[t] = cell's backward(dstate)

A weight that serves every step gets the sum of what it did at each. The sums over T and N are matrix products over all
steps at once, again outside of the walk:

    dx = da w_ih,   dw_ih = Σₜ da[t]ᵀ x[t],   dw_hh = Σₜ du[t]ᵀ h₋[t],   db_ih = Σₜ Σₙ da,   db_hh = Σₜ Σₙ du

Sequences of different length. Where t ≥ lengths[n], sequence n is over: its state goes on unchanged, so dstate comes
back unchanged; da and du are 0; and y is 0 whatever the inputs, so dy is dropped.

Source: P. Werbos, Backpropagation through time: what it does and how to do it, Proc. IEEE 78 (1990), 1550–1560.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .elementwise import where
from .reduce import sum
from .shape import concatenate, mT, reshape, stack, unsqueeze


def walk(step: Callable[..., Any], a: Any, state: tuple[Any, ...], lengths: Any, reverse: bool) -> Any:
    """All steps of one layer in one direction.

    Args:
        step: (a[t], *state) → the next state, h first, and a tuple of what its backward will need.
        a: x w_ihᵀ + b_ih, (T, N, K).
        state: before the first step, each (N, …).
        lengths: how many steps each sequence has, (N,), or None for all.
        reverse: from the last step to the first.
    Returns: h after every step, in the order of a (T, N, H); the last state; and, for each array of the state before
        a step and for each that `step` has kept, a tuple of T.
    """
    past, ys = [], []
    for t in _order(a.shape[0], reverse):
        new, kept = step(a[t], *state)
        past.append((*state, *kept))
        if lengths is None:
            state, y = new, new[0]
        else:
            on = _on(lengths, t)
            state, y = tuple(where(on, n, s) for n, s in zip(new, state, strict=True)), where(on, new[0], 0.0)
        ys.append(y)
    back = -1 if reverse else 1  # into the order of a
    return stack(ys[::back]), state, tuple(zip(*past[::back], strict=True))


def walk_back(
    step: Callable[..., Any], dy: Any, dstate: tuple[Any, ...], past: Sequence[Any], lengths: Any, reverse: bool
) -> Any:
    """The same way back.

    Args:
        step: (*dstate, *what is kept of step t) → dstate before the step, and a tuple of what is wanted of every step
            (da, du, …), each (N, …).
        dy: the cotangents of y, (T, N, H). dstate: those of the last state.
        past: as `walk` gave it.
    Returns: dstate before the first step, and what `step` gave of every step, each (T·N, …).
    """
    steps = dy.shape[0]
    wanted = [()] * steps
    for t in _order(steps, not reverse):
        dh, *rest = dstate
        before, each = step(dh + dy[t], *rest, *[kept[t] for kept in past])
        if lengths is not None:
            on = _on(lengths, t)
            before = tuple(where(on, new, old) for new, old in zip(before, dstate, strict=True))
            each = tuple(where(on, d, 0.0) for d in each)
        dstate, wanted[t] = before, each
    return dstate, tuple(concatenate(*each) for each in zip(*wanted, strict=True))


def products(da: Any, du: Any, x: Any, h: Sequence[Any], w_ih: Any, b_ih: Any, b_hh: Any) -> tuple[Any, ...]:
    """dx, dw_ih, dw_hh, db_ih, db_hh, by the products at the top; da and du (T·N, K), h before each of the T steps."""
    steps, batch, features = x.shape
    return (
        reshape(da @ w_ih, shape=(steps, batch, features)),  # (T, N, D)
        mT(da) @ reshape(x, shape=(steps * batch, features)),  # (K, D)
        mT(du) @ concatenate(*h),  # (K, H)
        None if b_ih is None else sum(da, axis=0),  # (K,)
        None if b_hh is None else sum(du, axis=0),  # (K,)
    )


def _order(steps: int, reverse: bool) -> Any:
    return reversed(range(steps)) if reverse else range(steps)


def _on(lengths: Any, t: int) -> Any:
    """Which sequences are still running at step t: (N, 1)."""
    return unsqueeze(lengths, axis=1) > t
