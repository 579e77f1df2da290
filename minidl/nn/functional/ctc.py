"""The loss of sequences of labels whose places in time are unknown."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.array import xp
from minidl.errors import ShapeError
from minidl.tensor import as_tensor

from .reduction import check_reduction, finish

__all__ = [
    "ctc_loss",
]


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """−log of the probability that the steps, repeats merged and blanks dropped, read as the targets.

    Shapes: log_probs (T, N, C), targets (N, L), or all of them one after the other, (Σ target_lengths,);
        input_lengths and target_lengths (N,) → (N,) with reduction="none". Without the axis N: log_probs (T, C),
        targets (L,), lengths () or (1,) → ().
    Args:
        log_probs: logarithms of probabilities, from log_softmax.
        blank: the class that stands for no label.
        reduction: `"mean"` is the mean over N of loss / target_length (at least 1).
        zero_infinity: a target that does not fit into its steps has the loss 0, not ∞. Its gradient is 0 either way.
    Raises:
        ShapeError, DTypeError, LabelError, ArgumentError: see `minidl.ops.ctc_loss`.
    """
    check_reduction("ctc_loss", reduction)
    x = as_tensor(log_probs)
    t, spoken, labels = (as_tensor(a, device=x.device).data for a in (targets, input_lengths, target_lengths))
    spoken, labels = spoken.reshape(-1), labels.reshape(-1)
    batched = x.ndim == 3
    if x.ndim == 2:
        x, t = x[:, None], t if t.ndim == 2 else t[None]
    if t.ndim == 1:
        t = _padded(t, labels)
    loss = ops.ctc_loss(x, t, spoken, labels, blank=blank)  # (N,)
    if zero_infinity:
        loss = ops.where(loss.data == float("inf"), 0.0, loss)
    if reduction == "mean":
        loss = loss / xp(labels).maximum(labels, 1)
    elif reduction == "none" and not batched:
        loss = loss[0]
    return finish("ctc_loss", loss, reduction)


def _padded(targets: Any, lengths: Any) -> Any:
    """Labels of all sequences, one after the other, as rows of one length: (Σ L,) → (N, L)."""
    if lengths.dtype.kind not in "iu" or int(lengths.sum()) != len(targets) or (lengths < 0).any():
        raise ShapeError(
            f"ctc_loss: targets: got {len(targets)} labels in a row, expected as many as target_lengths adds up to: "
            f"{lengths.sum()}",
            fix="give (N, L), padded, or the labels of all sequences one after the other",
        )
    module, longest = xp(targets), max(lengths.tolist(), default=0)
    rows = module.zeros((len(lengths), longest), targets.dtype)
    rows[module.arange(longest) < lengths[:, None]] = targets
    return rows
