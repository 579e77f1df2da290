"""The loop that every training is: forward, loss, backward, step; and once for each epoch a look at other data."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minidl.array import xp
from minidl.config import no_grad
from minidl.errors import AnomalyError, ArgumentError
from minidl.optim import Optimizer, clip_grad_norm_
from minidl.tensor import Tensor

from .history import HELD_OUT, History
from .progress import Progress

Metric = Callable[[Tensor, Tensor], float]


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """The part of the targets that have the largest output.

    Shapes: outputs (…, C), targets (…) of class numbers
    """
    best = xp(outputs.data).argmax(outputs.data, axis=-1)
    return float((best == targets.data).mean())


class Trainer:
    """Trains a model on batches (inputs, targets).

    Args:
        model: a Module; outputs = model(inputs).
        optimizer: over its parameters.
        loss: (outputs, targets) → a scalar tensor, the mean over the batch.
        metrics: name → function of (outputs, targets) that gives the mean over the batch, such as `accuracy`.
        clip_norm: limit the norm of all gradients together to this; None: as they are.
        schedule: progress from 0 to 1 → factor on the learning rate of every group, such as `warm_cosine()`.
        device: where batches are moved before they enter the model; None: they stay.
        dtype: what floating inputs are converted to; None: they stay.
        show: print a bar or lines.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Optimizer,
        loss: Callable[[Tensor, Tensor], Tensor],
        *,
        metrics: Mapping[str, Metric] | None = None,
        clip_norm: float | None = None,
        schedule: Callable[[float], float] | None = None,
        device: str | None = None,
        dtype: Any = None,
        show: bool = True,
    ) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.metrics = dict(metrics or {})
        self.clip_norm, self.schedule = clip_norm, schedule
        self.device, self.dtype, self.show = device, dtype, show

    def fit(self, train_loader: Any, validation_loader: Iterable[Any] | None = None, epochs: int = 1) -> History:
        """Train, and evaluate after each epoch.

        Args:
            train_loader: iterated once for each epoch; has a length.
            validation_loader: batches that are not trained on.
            epochs: how often to go through the training data.
        Returns:
            The records of the epochs. Losses and metrics of the training data are means over the epoch, of a model
            that was changing and behaved as in training; those of the validation data are of the model at its end.
        Raises:
            AnomalyError: the loss became NaN or infinite.
            ArgumentError: no batches, or fewer than one epoch.
        """
        steps = len(train_loader)
        if epochs < 1 or steps < 1:
            raise ArgumentError(
                f"fit: got {epochs} epochs of {steps} batches, expected at least one of each",
                fix="a smaller batch_size, or no drop_last" if epochs >= 1 else "",
            )
        history = History()
        rates = [group["lr"] for group in self.optimizer.param_groups]
        progress = Progress(epochs, steps, show=self.show)
        try:
            for epoch in range(1, epochs + 1):
                started = time.perf_counter()
                self.model.train()
                means = _Means()
                for step, batch in enumerate(train_loader):
                    self._set_rates(rates, (steps * (epoch - 1) + step) / (steps * epochs))
                    values, weight = self._train_on(batch, epoch, step + 1)
                    means.add(values, weight)
                    progress.step(values["loss"])
                record = {"epoch": epoch, **means.values()}
                if validation_loader is not None:
                    held_out = self.evaluate(validation_loader)
                    record.update({HELD_OUT + name: value for name, value in held_out.items()})
                record["lr"] = self.optimizer.param_groups[0]["lr"]
                record["seconds"] = time.perf_counter() - started
                history.append(record)
                progress.epoch(record)
        finally:
            progress.close()
            self._set_rates(rates, None)
        return history

    def evaluate(self, loader: Iterable[Any]) -> dict[str, float]:
        """Loss and metrics over all batches, each weighted by its number of samples; the model is not changed.

        Raises:
            ArgumentError: no batches.
        """
        means = _Means()
        was_training = self.model.training
        self.model.eval()
        try:
            with no_grad(), np.errstate(all="ignore"):
                for batch in loader:
                    inputs, targets = self._moved(batch)
                    outputs = self.model(inputs)
                    means.add(self._measure(outputs, targets, self.loss(outputs, targets)), len(targets))
        finally:
            self.model.train(was_training)
        return means.values()

    def _train_on(self, batch: Any, epoch: int, step: int) -> tuple[dict[str, float], int]:
        inputs, targets = self._moved(batch)
        with np.errstate(all="ignore"):  # NumPy's warnings of an overflow would come before the error below
            outputs = self.model(inputs)
            loss = self.loss(outputs, targets)
            values = self._measure(outputs, targets, loss)
        if not math.isfinite(values["loss"]):
            raise AnomalyError(
                f"fit: the loss became {values['loss']} in epoch {epoch}, step {step}",
                fix="lower the learning rate, or clip the gradients; run it inside `with minidl.detect_anomaly():` to "
                "see which operation made it",
            )
        self.optimizer.zero_grad()
        loss.backward()
        if self.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        return values, len(targets)

    def _measure(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> dict[str, float]:
        values = {name: metric(outputs, targets) for name, metric in self.metrics.items()}
        return {"loss": float(loss), **values}

    def _moved(self, batch: Any) -> tuple[Tensor, Tensor]:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise ArgumentError(f"Trainer: got a batch of type {type(batch).__name__}, expected (inputs, targets)")
        inputs, targets = batch
        dtype = self.dtype if inputs.dtype.kind == "f" else None
        return inputs.to(self.device, dtype=dtype), targets.to(self.device)

    def _set_rates(self, rates: list[float], progress: float | None) -> None:
        """The learning rates at this point of the training; None: as they were before it."""
        if self.schedule is not None:
            factor = 1.0 if progress is None else self.schedule(progress)
            for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
                group["lr"] = factor * rate


class _Means:
    """Means of named numbers over batches of different sizes."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, values: dict[str, float], weight: int) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * weight
        self.count += weight

    def values(self) -> dict[str, float]:
        if not self.count:
            raise ArgumentError("Trainer: got no batches, expected at least one")
        return {name: total / self.count for name, total in self.sums.items()}
