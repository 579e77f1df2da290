"""L-BFGS: Newton's step, with a curvature that is read off the last gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minidl.array import is_array, xp
from minidl.config import enable_grad
from minidl.errors import ArgumentError, StateDictError, describe
from minidl.mutation import clock
from minidl.tensor import Tensor

from .line_search import Point, strong_wolfe
from .optimizer import Optimizer, gradient_of
from .options import Group, check_options


class LBFGS(Optimizer):
    """Steps by the gradient times an approximate inverse of the Hessian, kept as pairs of past steps and changes.

    Math: with all parameters as one vector p, its gradient g, and of the last k steps s = Δp and y = Δg:

        q ← −g;  for the pairs, newest first:  αᵢ = sᵢ·q / yᵢ·sᵢ,  q ← q − αᵢ yᵢ
        d ← q · (y·s / y·y of the newest)
        for the pairs, oldest first:  d ← d + (αᵢ − yᵢ·d / yᵢ·sᵢ) sᵢ
        p ← p + t d,  t = η, or as the line search finds

    y ≈ H s, so each pair says what the Hessian H does in one direction; the two loops apply the inverse that agrees
    with all of them, without ever building a matrix. The first step is −g, shortened until its parts add up to η.

    For losses without chance in them: every gradient of a step must be of the same data.

    Args:
        params: see `Optimizer`; one group only.
        lr: η.
        max_iter: how many steps one call of `step` takes at most.
        max_eval: how many evaluations of the loss; None: 5/4 of `max_iter`.
        tolerance_grad: stop where no number of g is larger.
        tolerance_change: stop where no number of p, or the loss, changes by more.
        history_size: k.
        line_search_fn: None, or "strong_wolfe".
    Raises:
        ArgumentError: a second group; an option below 0; another line search.
    Source: J. Nocedal, S. J. Wright, Numerical optimization, 2nd edition 2006, algorithms 7.4 and 7.5; D. C. Liu,
        J. Nocedal, On the limited memory BFGS method for large scale optimization, 1989.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change"))
        size, search = group["history_size"], group["line_search_fn"]
        if not isinstance(size, int) or size < 1:
            raise ArgumentError(f"optimizer: history_size: got {size!r}, expected a whole number from 1 on")
        if search not in (None, "strong_wolfe"):
            raise ArgumentError(f"optimizer: line_search_fn: got {search!r}, expected None or 'strong_wolfe'")
        if group.get("clip_norm") is not None:
            raise ArgumentError("LBFGS: clip_norm: its steps need the gradients as they are")

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """The one group that there may be."""
        if self.param_groups:
            raise ArgumentError(
                "LBFGS: got a second group of parameters, expected one: all numbers make one step together",
                fix="pass model.parameters()",
            )
        super().add_param_group(group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to `max_iter` steps.

        Args:
            closure: forgets the gradients, computes the loss and its gradients anew, and returns the loss.
        Returns:
            The loss as it was at the start.
        Raises:
            ArgumentError: no closure.
        """
        if not callable(closure):
            raise ArgumentError(
                f"LBFGS: closure: got {describe(closure)}, expected a function",
                fix="def closure(): optimizer.zero_grad(); loss = …; loss.backward(); return loss",
            )
        with np.errstate(all="ignore"):
            return self._step(closure)

    def _step(self, closure: Callable[[], Any]) -> Any:
        (group,) = self.param_groups
        lr, max_iter, max_eval = float(group["lr"]), group["max_iter"], group["max_eval"]
        state = self.state.setdefault(group["params"][0], {"func_evals": 0, "n_iter": 0})

        first, g = self._evaluate(closure)
        loss, evaluations, iterations = float(first), 1, 0
        state["func_evals"] += 1
        done = _largest(g) <= group["tolerance_grad"]
        while not done and iterations < max_iter:
            iterations += 1
            state["n_iter"] += 1
            d = state["d"] = self._direction(state, g, group["history_size"])
            state["prev_flat_grad"], state["prev_loss"] = g, loss
            state["t"] = t = lr * min(1.0, 1 / float(abs(g).sum())) if state["n_iter"] == 1 else lr
            slope = float(g @ d)
            if slope > -group["tolerance_change"]:
                break

            origin, before, used = [p.data.copy() for p in group["params"]], loss, 0
            if group["line_search_fn"] is not None:

                def at(t: float, origin: list[Any] = origin, d: Any = d) -> Point:
                    self._place(origin, t, d)
                    value, g = self._evaluate(closure)
                    return Point(t, float(value), g, float(g @ d))

                found, used = strong_wolfe(
                    at, Point(0.0, loss, g, slope), t, reach=_largest(d), max_steps=max_eval - evaluations
                )
                t, loss, g, _ = found
                state["t"] = t
                self._place(origin, t, d)
            else:
                self._place(origin, t, d)
                if iterations < max_iter:  # with batches, the loss after the last step would be of no use
                    value, g = self._evaluate(closure)
                    loss, used = float(value), 1
            evaluations += used
            state["func_evals"] += used
            done = (
                evaluations >= max_eval
                or _largest(g) <= group["tolerance_grad"]
                or _largest(d * t) <= group["tolerance_change"]
                or abs(loss - before) < group["tolerance_change"]
            )
        return first

    def _direction(self, state: dict[str, Any], g: Any, history_size: int) -> Any:
        """−H⁻¹ g, as far as the last steps tell."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -g
        changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
        ys = float(y @ s)
        if ys > 1e-10:  # else the loss is not convex along this step, and the pair would make H⁻¹ indefinite
            for memory, new in ((changes, y), (steps, s), (ro, 1 / ys)):
                memory.append(new)
                del memory[:-history_size]
            state["H_diag"] = ys / float(y @ y)
        pairs = list(zip(changes, steps, ro, strict=True))
        q, alphas = -g, []
        for y, s, r in reversed(pairs):
            alphas.append(float(s @ q) * r)
            q = q - alphas[-1] * y
        d = q * state["H_diag"]
        for (y, s, r), alpha in zip(pairs, reversed(alphas), strict=True):
            d = d + (alpha - float(y @ d) * r) * s
        return d

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, Any]:
        """The loss, and all gradients as one vector."""
        with enable_grad():
            loss = closure()
        module = xp(*(p.data for p in self._parameters()))
        parts = [module.zeros_like(p.data) if p.grad is None else gradient_of(p) for p in self._parameters()]
        return loss, module.concatenate([part.reshape(-1) for part in parts])

    def _place(self, origin: list[Any], t: float, d: Any) -> None:
        """p ← origin + t d, in place."""
        start = 0
        for p, x in zip(self._parameters(), origin, strict=True):
            p.data[...] = x + t * d[start : start + x.size].reshape(x.shape)
            clock.touch(p.data)
            start += x.size

    def _adopt(self, number: Any, p: Tensor, values: Mapping[str, Any]) -> dict[str, Any]:
        size = sum(q.numel() for q in self._parameters())

        def own(name: str, value: Any) -> Any:
            if isinstance(value, list):
                return [own(name, each) for each in value]
            if not hasattr(value, "shape"):
                return value
            if not tuple(value.shape):
                return value.item()
            if tuple(value.shape) != (size,):
                raise StateDictError(
                    f"load_state_dict: {name} has shape {tuple(value.shape)}, expected ({size},)",
                    fix="load it into an optimizer over the same model",
                )
            array = value.data if isinstance(value, Tensor) else value if is_array(value) else np.asarray(value)
            return xp(p.data).array(array, dtype=p.dtype)

        return {name: own(name, value) for name, value in values.items() if name != "al"}  # PyTorch's scratch paper


def _largest(vector: Any) -> float:
    return float(abs(vector).max()) if vector.size else 0.0
