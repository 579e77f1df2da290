"""Losses as layers: of classes, of yes or no, of sequences of labels. What they compute is said in `nn.functional`."""

from __future__ import annotations

from typing import Any

from minidl.errors import ArgumentError
from minidl.tensor import Buffer

from . import functional as F
from .functional.reduction import check_reduction
from .module import Module

__all__ = ["BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CrossEntropyLoss", "KLDivLoss", "NLLLoss"]


class Loss(Module):
    """What all have: a reduction.

    Args:
        reduction: "mean", "sum", or "none" for one loss for each place.
        size_average, reduce: what PyTorch had before it; refused.
    Raises:
        ArgumentError: there is no such reduction, or one of the two is given.
    """

    def __init__(self, size_average: None = None, reduce: None = None, reduction: str = "mean") -> None:
        check_reduction(type(self).__name__, reduction, size_average, reduce)
        self.reduction = reduction


class WeightedLoss(Loss):
    """What some have: a constant weight, which belongs to the state_dict."""

    def __init__(
        self, weight: Any = None, size_average: None = None, reduce: None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.weight = None if weight is None else Buffer(weight)


class CrossEntropyLoss(WeightedLoss):
    """−log softmax(input)[target]: how unlikely the right classes are.

    Shapes: input (N, C), (N, C, d₁, …) or (C,) of logits, not probabilities; target of class numbers, without C, or of
        probabilities, of the input's shape.
    Args:
        weight: (C,), how much each class counts.
        ignore_index: the class number of places without a loss.
        reduction: "mean", "sum", or "none" for one loss per target.
        label_smoothing: how much of the target is spread evenly over all classes, 0 to 1.
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: None = None,
        ignore_index: int = -100,
        reduce: None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(WeightedLoss):
    """−input[target], for an input of log-probabilities.

    Shapes, Args: as for `CrossEntropyLoss`, but the target is of class numbers only.
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: None = None,
        ignore_index: int = -100,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class KLDivLoss(Loss):
    """target · (log target − input), for an input of log-probabilities.

    Args:
        reduction: "mean", "sum", "none", or "batchmean", the sum over the size of axis 0.
        log_target: the target is of log-probabilities too.
    """

    def __init__(
        self,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, "sum" if reduction == "batchmean" else reduction)
        self.reduction, self.log_target = reduction, log_target

    def forward(self, input: Any, target: Any) -> Any:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class BCELoss(WeightedLoss):
    """The binary cross-entropy of probabilities, each logarithm cut off at −100.

    Args:
        weight: a constant that broadcasts to the target.
    """

    def forward(self, input: Any, target: Any) -> Any:
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """The binary cross-entropy of sigmoid(input), with all digits however large the input.

    Args:
        weight, pos_weight: constants that broadcast to the target; `pos_weight` is how often a yes counts.
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
        pos_weight: Any = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.pos_weight = None if pos_weight is None else Buffer(pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        return F.binary_cross_entropy_with_logits(
            input, target, weight=self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class CTCLoss(Loss):
    """−log of the probability that the steps, repeats merged and blanks dropped, read as the targets.

    Shapes: log_probs (T, N, C) from log_softmax, targets (N, L) or one after the other, lengths (N,); or without N.
    Args:
        blank: the class that stands for no label.
        zero_infinity: a target that does not fit into its steps has the loss 0, not ∞.
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        if blank < 0:
            raise ArgumentError(f"CTCLoss: blank: got {blank}, expected a class, from 0 on")
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
