"""Averages of weights along the training: exponential (EMA) and plain (SWA), and what belongs to them.

The last steps of a training walk around a minimum; the mean of where they were lies nearer to its middle.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minidl.config import no_grad
from minidl.creation import zeros
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.nn import Module
from minidl.nn.batch_norm import _BatchNorm
from minidl.tensor import Buffer, Tensor

from .lr_scheduler.base import LRScheduler, check_optimizer, check_whole, per_group
from .optimizer import Optimizer
from .options import is_number

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential moving average: `AveragedModel(model, avg_fn=get_ema_avg_fn(0.99))`.

    Math: a ← d a + (1 − d) p

    Args:
        decay: d; the average looks back over about 1/(1 − d) updates.
    Returns:
        A function of (average, new value, number of values so far).
    Raises:
        ArgumentError: d outside [0, 1].
    Source: B. T. Polyak, A. B. Juditsky, Acceleration of stochastic approximation by averaging, 1992, for the idea.
    """
    _check_decay("get_ema_avg_fn", decay)
    return no_grad(lambda average, value, _: decay * average + (1 - decay) * value)


def get_swa_avg_fn() -> Average:
    """The plain mean of all values: what `AveragedModel` does unless told otherwise.

    Math: a ← a + (p − a)/(n + 1)

    Returns:
        A function of (average, new value, number of values so far).
    Source: P. Izmailov et al., Averaging weights leads to wider optima and better generalization, UAI 2018,
        algorithm 1.
    """
    return no_grad(lambda average, value, n: average + (value - average) / (_number(n) + 1))


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """As `get_ema_avg_fn`, for lists of tensors, which it changes in place.

    Raises:
        ArgumentError: `decay` outside [0, 1].
    """
    _check_decay("get_ema_multi_avg_fn", decay)
    return _for_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> MultiAverage:
    """As `get_swa_avg_fn`, for lists of tensors, which it changes in place."""
    return _for_lists(get_swa_avg_fn())


def _for_lists(average: Average) -> MultiAverage:
    @no_grad
    def update(averages: Sequence[Tensor], values: Sequence[Tensor], n: Any) -> None:
        for a, value in zip(averages, values, strict=True):
            a.copy_(average(a, value, n))

    return update


class AveragedModel(Module):
    """A twin of a model, whose weights are an average of the model's.

    The first `update_parameters` copies the weights, each later one brings them into the average. Calling it calls the
    twin. Batch norm's statistics belong to the weights that they were measured with: see `update_bn`.

    Args:
        model: is copied, not changed.
        device: where the twin is kept; None: where the model is.
        avg_fn: (average, new value, number so far) → new average. multi_avg_fn: the same for lists of tensors, in
            place. Neither: the plain mean.
        use_buffers: whether buffers are averaged too; else they are copied at each update.
    Attributes:
        module: the twin. n_averaged: how many updates there were; a buffer.
    Raises:
        DTypeError: no model. ArgumentError: both functions. ShapeError: (from `update_parameters`) another model.
    """

    def __init__(
        self,
        model: Module,
        device: str | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        if not isinstance(model, Module):
            raise DTypeError(f"AveragedModel: model: got {describe(model)}, expected a Module")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("AveragedModel: got avg_fn and multi_avg_fn, expected one of them")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.n_averaged = Buffer(zeros((), dtype="int64", device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad
    def update_parameters(self, model: Module) -> None:
        """Bring the model's present weights into the average."""
        averages, values = _tensors(self.module, self.use_buffers), _tensors(model, self.use_buffers)
        if [a.shape for a in averages] != [v.shape for v in values]:
            raise ShapeError(
                f"AveragedModel: got a {type(model).__name__} with other parameters than the twin's",
                fix="pass the model that it was made from",
            )
        n = self.n_averaged.item()
        values = [value.detach().to(a.device) for a, value in zip(averages, values, strict=True)]
        if n == 0:
            for a, value in zip(averages, values, strict=True):
                a.copy_(value)
        else:
            update = self.multi_avg_fn or _for_lists(self.avg_fn or get_swa_avg_fn())
            update([a.detach() for a in averages], values, n)
        if not self.use_buffers:
            for a, value in zip(self.module.buffers(), model.buffers(), strict=True):
                a.copy_(value.detach().to(a.device))
        self.n_averaged.add_(1)


@no_grad
def update_bn(loader: Iterable[Any], model: Module, device: str | None = None) -> None:
    """Measure batch norm's running statistics anew, as plain means over a data set: averaged weights need their own.

    Args:
        loader: batches; of a tuple or list the first part goes into the model.
        model: changed in place. device: where batches are moved before they enter it; None: they stay.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta, was_training = [norm.momentum for norm in norms], model.training
    model.train()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a mean in which all batches count the same
        for batch in loader:
            inputs = batch[0] if isinstance(batch, list | tuple) else batch
            model(inputs if device is None else inputs.to(device))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """From the present rate to a constant one, at which the weights are averaged.

    Math: with s from 0 to 1 over `anneal_epochs`, k = s ("linear") or (1 − cos π s)/2 ("cos"):  η ← (1 − k) η₀ + k η₁,
    where η₀ is found back from the rate before, so that another schedule may go on below.

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        swa_lr: η₁, or a list with one for each group. anneal_epochs: the steps between; 0: at once.
        anneal_strategy: "cos" or "linear".
    Raises:
        ArgumentError: another strategy; `anneal_epochs` no whole number.
    Source: P. Izmailov et al., Averaging weights leads to wider optima and better generalization, UAI 2018,
        section 3.2.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        check_optimizer("SWALR", optimizer)
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"SWALR: anneal_strategy: got {anneal_strategy!r}, expected 'cos' or 'linear'")
        if anneal_epochs != 0:
            check_whole("SWALR", "anneal_epochs", anneal_epochs)
        for group, rate in zip(optimizer.param_groups, per_group("SWALR", "swa_lr", swa_lr, optimizer), strict=True):
            group["swa_lr"] = rate
        self.anneal_epochs, self._anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        step, length = self._step_count - 1, max(1, self.anneal_epochs)
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = (self._part(max(0.0, min(1.0, s / length))) for s in (step - 1, step))
        rates = []
        for group in self.optimizer.param_groups:
            rate, end = group["lr"], group["swa_lr"]
            start = end if before == 1 else (rate - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates

    def _part(self, s: float) -> float:
        return s if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * s)) / 2


def _tensors(model: Module, buffers: bool) -> list[Tensor]:
    return [*model.parameters(), *(model.buffers() if buffers else ())]


def _number(n: Any) -> int:
    return n.item() if isinstance(n, Tensor) else n


def _check_decay(name: str, decay: Any) -> None:
    if not is_number(decay) or not 0 <= decay <= 1:
        raise ArgumentError(f"{name}: decay: got {decay!r}, expected 0 ≤ decay ≤ 1")
