"""Parameters and gradients for the tests of optimizers, and optimizers of both libraries side by side."""

from __future__ import annotations

import numpy as np

import minidl
from minidl import optim
from minidl.optim import SGD, Adam, AdamW
from minidl.tensor import Parameter

# What there are kernels for.
CONFIGURATIONS = [
    *[
        (SGD, {"lr": 0.1, "momentum": mu, "dampening": tau, "weight_decay": wd, "nesterov": nesterov, "maximize": up})
        for mu, tau, nesterov in ((0.0, 0.0, False), (0.9, 0.0, False), (0.9, 0.3, False), (0.8, 0.0, True))
        for wd, up in ((0.0, False), (0.01, True))
    ],
    *[
        (kind, {"lr": 0.02, "betas": betas, "eps": eps, "weight_decay": wd, "maximize": up})
        for kind in (Adam, AdamW)
        for betas, eps in (((0.9, 0.999), 1e-8), ((0.0, 0.5), 1e-3))
        for wd, up in ((0.0, False), (0.1, True))
    ],
]


def parameters(rng, dtype="float64", shapes=((5, 3), (7,), ())):
    return [Parameter(np.asarray(rng.normal(size=shape)).astype(dtype)) for shape in shapes]


def leaf():
    return Parameter(np.zeros(3, np.float32))


def set_gradients(params, rng):
    for p in params:
        p.grad = minidl.tensor(np.asarray(rng.normal(size=p.shape)).astype(p.dtype))


def pick(rng, *values):
    """One of the values; arrays are no good for tuples and None."""
    return values[rng.integers(len(values))]


def to_torch(value):
    """A state_dict of ours, with tensors of theirs."""
    import torch

    if isinstance(value, minidl.Tensor):
        return torch.tensor(value.data.copy())
    if isinstance(value, dict):
        return {name: to_torch(each) for name, each in value.items()}
    return [to_torch(each) for each in value] if isinstance(value, list) else value


class Pair:
    """One optimizer in both libraries, over the same parameters in groups of different options."""

    def __init__(self, name, options, special, arrays, split):
        import torch

        self.name, self.split = name, split
        self.ours = [Parameter(a.copy()) for a in arrays]
        self.theirs = [torch.tensor(a.copy(), requires_grad=True) for a in arrays]
        self.mine = self.make(getattr(optim, name), self.ours, options, special)
        self.judge = self.make(getattr(torch.optim, name), self.theirs, options, special)

    def make(self, kind, params, options, special):
        return kind([{"params": params[: self.split]}, {"params": params[self.split :], **special}], **options)

    def give(self, i, g):
        """A gradient, or None, for parameter number i."""
        import torch

        self.ours[i].grad = None if g is None else minidl.tensor(g.copy())
        self.theirs[i].grad = None if g is None else torch.tensor(g.copy())

    def step(self):
        self.mine.step()
        self.judge.step()

    def change(self, **options):
        """Other options from here on, in the second group."""
        self.mine.param_groups[1].update(options)
        self.judge.param_groups[1].update(options)

    def to_ours(self):
        """Go on with an optimizer that has its state and its options from PyTorch's."""
        self.mine = self.make(getattr(optim, self.name), self.ours, {}, {})
        self.mine.load_state_dict(self.judge.state_dict())

    def to_theirs(self):
        """Go on with a PyTorch optimizer that has its state and its options from ours."""
        import torch

        saved = to_torch(self.mine.state_dict())
        self.judge = self.make(getattr(torch.optim, self.name), self.theirs, {}, {})
        groups = zip(self.judge.state_dict()["param_groups"], saved["param_groups"], strict=True)
        saved["param_groups"] = [{**theirs, **ours} for theirs, ours in groups]
        self.judge.load_state_dict(saved)

    def compare(self, rtol=1e-10, atol=1e-12):
        for a, b in zip(self.ours, self.theirs, strict=True):
            np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=rtol, atol=atol)
            mine, theirs = self.mine.state.get(a, {}), self.judge.state.get(b, {})
            for name, value in theirs.items():
                if value is not None and mine:
                    np.testing.assert_allclose(mine[name], value, rtol=rtol, atol=atol, err_msg=name)
            assert set(mine) <= set(theirs)
