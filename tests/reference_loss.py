"""The losses in `test_reference.py`: cases for the definitions, and the same losses in PyTorch."""

import numpy as np


def cases(R, draw):
    """(operation, inputs, parameters), drawn with R and the generator behind it."""
    for how in ["mean", "sum", "none"]:
        for lead in [(), (4,), (2, 3)]:
            yield "cross_entropy", [R(*lead, 3), draw.integers(3, size=lead)], {"reduction": how}
            yield "mse", [R(*lead), R(*lead)], {"reduction": how}
    yield "cross_entropy", [R(0, 3), np.zeros(0, int)], {"reduction": "sum"}
    yield "mse", [R(0, 3), R(0, 3)], {"reduction": "none"}
    yield "cross_entropy", [np.array([[900.0, -900.0, 0.0], [-np.inf, 1.0, 2.0]]), np.array([1, 2])], {}

    for delta in [1.0, 0.3, 4.0]:
        for size in [(), (12,), (0, 2)]:
            yield "huber", [2 * R(*size)], {"delta": delta}
    for left, right in [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((3, 1), (2,)), ((0, 3), (0, 3))]:
        p = 0.02 + 0.96 * draw.random(left)
        yield "bce", [p, draw.random(right)], {}
        for weight in [None, draw.random(right)]:
            yield "bce_with_logits", [5 * R(*left), draw.random(right), weight], {}
    yield "bce_with_logits", [np.array([800.0, -800.0, 40.0]), np.array([0.0, 1.0, 1.0]), None], {}

    for steps, classes, blank, spoken, rows, lengths in [
        (4, 3, 0, [4, 4], [[1, 2], [2, 1]], [2, 2]),
        (5, 3, 0, [5, 3, 4], [[1, 1, 2], [2, 1, 9], [2, 0, 0]], [3, 2, 1]),
        (3, 4, 3, [3, 2, 0], [[0, 1], [2, 3], [3, 3]], [2, 0, 0]),
        (1, 2, 1, [1], [[0]], [1]),
        (3, 2, 0, [], np.zeros((0, 1), int), []),
    ]:
        inputs = [R(steps, len(rows), classes), np.array(rows), np.array(spoken, int), np.array(lengths, int)]
        yield "ctc_loss", inputs, {"blank": blank}


def twins(torch):
    """The losses as PyTorch has them, under our parameters."""
    F = torch.nn.functional

    def cross_entropy(x, target, reduction="mean"):
        y = F.cross_entropy(x.reshape(-1, 3), target.reshape(-1), reduction=reduction)
        return y.reshape(target.shape) if reduction == "none" else y

    def ctc_loss(logp, targets, spoken, lengths, *, blank):
        """PyTorch's gradient is right behind a log_softmax only; what that takes off at each step is put back."""
        if logp.shape[1] == 0:
            return logp.sum((0, 2))
        total = logp.logsumexp(2) * (torch.arange(len(logp))[:, None] < spoken)  # (T, N)
        loss = F.ctc_loss(logp.log_softmax(2), targets, spoken, lengths, blank, "none")
        return loss - total.sum(0)

    return {
        "bce": lambda x, target: F.binary_cross_entropy(*torch.broadcast_tensors(x, target), reduction="none"),
        "bce_with_logits": lambda x, t, p: -(1 if p is None else p) * t * F.logsigmoid(x) - (1 - t) * F.logsigmoid(-x),
        "cross_entropy": cross_entropy,
        "ctc_loss": ctc_loss,
        "huber": lambda x, delta: F.huber_loss(x, torch.zeros_like(x), "none", delta),
        "mse": F.mse_loss,
    }
