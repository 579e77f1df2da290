"""Tensor's methods are PyTorch's: the same names and arguments, the same results, the same gradients."""

import numpy as np
import pytest

import minidl

from . import methods_arrays

A = np.random.default_rng(1).permutation(24).reshape(2, 3, 4) / 4 - 2.6  # no ties, nothing at a kink
M = A[0] > 0

# Each calls one method on x, of shape (2, 3, 4); what else it needs it makes with `lib`, minidl or torch.
FLOATING = {
    "add": lambda x, lib: x.add(2).add(x),
    "sub": lambda x, lib: x.sub(2).sub(x * x),
    "mul": lambda x, lib: x.mul(x),
    "div": lambda x, lib: x.div(3).div(x),
    "pow": lambda x, lib: x.pow(2) + x**3,
    "rpow": lambda x, lib: 2**x,
    "neg": lambda x, lib: x.neg() + -x,
    "matmul": lambda x, lib: x.matmul(x.mT),
    "@": lambda x, lib: x[0].t() @ x[1],
    "mm": lambda x, lib: x[0].mm(x[1].T),
    "bmm": lambda x, lib: x.bmm(x.transpose(1, 2)),
    "exp": lambda x, lib: x.exp(),
    "log": lambda x, lib: x.abs().log(),
    "expm1": lambda x, lib: x.expm1(),
    "log1p": lambda x, lib: x.abs().log1p(),
    "other logarithms": lambda x, lib: x.abs().log2() - x.abs().log10(),
    "sqrt": lambda x, lib: x.square().sqrt(),
    "rsqrt": lambda x, lib: x.square().rsqrt() + x.reciprocal(),
    "angles": lambda x, lib: x.sin() * x.cos() + x.tan() - x.atan() * x.arctan(),
    "steps": lambda x, lib: x * (x.floor() + 2 * x.ceil() - 5 * x.round() + 7 * x.trunc() - 11 * x.sign()),
    "round": lambda x, lib: x.round(decimals=1) + x.round() + (10 * x).round(decimals=-1) + x,
    "%": lambda x, lib: x % 0.7 + x.remainder(x[0] - 3),
    "abs": lambda x, lib: x.abs() + abs(x),
    "square": lambda x, lib: x.square(),
    "erf": lambda x, lib: x.erf(),
    "tanh": lambda x, lib: x.tanh(),
    "sigmoid": lambda x, lib: x.sigmoid(),
    "relu": lambda x, lib: x.relu(),
    "clamp": lambda x, lib: x.clamp(-1, 1) + x.clamp(min=0) + x.clamp(max=1) + x.clip(-2, 0),
    "clamp_min": lambda x, lib: x.clamp_min(-1) + x.clamp_max(0.2),
    "maximum": lambda x, lib: x.maximum(-x),
    "minimum": lambda x, lib: x.minimum(-x),
    "max with a tensor": lambda x, lib: x.max(-x) - x.min(-x),
    "masked_fill": lambda x, lib: x.masked_fill(x > 0, 7),
    "where": lambda x, lib: x.where(x > 0, 2 * x),
    "sum": lambda x, lib: x.sum(),
    "sum dim": lambda x, lib: x.sum(1) + x.sum(dim=-2) + x.sum(1, True).squeeze(1),
    "sum dims": lambda x, lib: x.sum((0, 2)) + x.sum(dim=[0, 2]),
    "mean": lambda x, lib: x.mean() * x.mean(dim=(1, 2), keepdim=True),
    "mean of a list": lambda x, lib: x.mean([1, 2]),
    "var": lambda x, lib: x.var(),
    "var dim": lambda x, lib: x.var(1, correction=0) + x.var(dim=1) + x.var(dim=1, keepdim=True)[:, 0],
    "amax": lambda x, lib: x.amax(1) + x.amax((0, 1)) + x.amax(),
    "amin": lambda x, lib: x.amin(-1, keepdim=True),
    "max": lambda x, lib: x.max(),
    "min": lambda x, lib: x.min(),
    "max dim": lambda x, lib: x.max(1).values + x.max(1, keepdim=True)[0].squeeze(1),
    "min dim": lambda x, lib: x.min(-1).values,
    "logsumexp": lambda x, lib: x.logsumexp(1) + x.logsumexp((1, 2), keepdim=True)[..., 0],
    "softmax": lambda x, lib: x.softmax(-1) + x.softmax(dim=1),
    "log_softmax": lambda x, lib: x.log_softmax(1),
    "reshape": lambda x, lib: x.reshape(4, 6) + x.reshape((4, -1)),
    "view": lambda x, lib: x.view(-1, 2),
    "view_as": lambda x, lib: x.view_as(lib.tensor(np.zeros((6, 4)))),
    "flatten": lambda x, lib: x.flatten(),
    "flatten dims": lambda x, lib: x.flatten(1) + x.flatten(start_dim=-2, end_dim=-1).flatten(1),
    "permute": lambda x, lib: x.permute(2, 0, 1) + x.permute((2, 0, 1)),
    "transpose": lambda x, lib: x.transpose(0, -1),
    "t": lambda x, lib: x[0].t() + x[0].T,
    "mT": lambda x, lib: x.mT,
    "squeeze": lambda x, lib: x[:, :1].squeeze() + x[:, :1].squeeze(1) + x[:, :1].squeeze((1, 0)),
    "squeeze nothing": lambda x, lib: x.squeeze(0),
    "unsqueeze": lambda x, lib: x.unsqueeze(0) + x.unsqueeze(-1).squeeze(-1) + x.unsqueeze(3)[..., 0],
    "expand": lambda x, lib: x[:, :1].expand(2, 5, 4) + x[:, :1].expand(-1, 5, -1) + x[0, 0].expand(2, 5, -1),
    "expand_as": lambda x, lib: x[:, :, :1].expand_as(x),
    "split": lambda x, lib: x.split(3, -1)[1] + x.split([1, 2, 1], dim=2)[0],
    "chunk": lambda x, lib: x.chunk(2, dim=2)[1] + x.chunk(3, -1)[0],
    "chunk more than there are": lambda x, lib: x.chunk(5, 1)[2],
    "getitem": lambda x, lib: x[0] + x[:, 1:2, ::2].sum() + x[..., -1].sum() + x[None, 0, :, 1].sum(),
    "getitem by arrays": lambda x, lib: x[:, [0, 2, 0]] + x[:, lib.tensor([1, 1, 2])] + x[x > 0].sum(),
    "contiguous": lambda x, lib: x.mT.contiguous(),
    "clone": lambda x, lib: x.clone(),
    "to": lambda x, lib: x.to(lib.float64).to(x).to("cpu").type_as(x).double(),
    "float": lambda x, lib: x.float().double(),
    "iteration": lambda x, lib: sum(row.sum() * i for i, row in enumerate(x)),
}

# These give integers or booleans: no gradient.
DISCRETE = {
    "comparison": lambda x, lib: (x > 0) & (x <= 1) | (x == x[0]) ^ (x != 0),
    "methods of comparison": lambda x, lib: x.gt(0).logical_and(x.le(1)).logical_or(x.eq(2)).logical_not(),
    "more of them": lambda x, lib: x.lt(0).logical_xor(x.ge(1)) | x.ne(1),
    "logical_not": lambda x, lib: x.int().logical_not(),
    "invert": lambda x, lib: ~(x > 0),
    "bits": lambda x, lib: x.long() & 5 | ~x.long(),
    "any": lambda x, lib: (x > 2).any(),
    "any dim": lambda x, lib: (x > 2).any(1),
    "all": lambda x, lib: (x > -2).all(dim=1, keepdim=True),
    "argmax": lambda x, lib: x.argmax(),
    "argmax dim": lambda x, lib: x.argmax(1) + x.argmin(dim=1),
    "argmin": lambda x, lib: x.argmin(-1, keepdim=True),
    "indices": lambda x, lib: x.max(1).indices + x.min(1)[1],
    "//": lambda x, lib: x // 0.7 + 2 // x + x.floor_divide(-x[0]),
    "% and // of integers": lambda x, lib: x.int() % 3 + 7 % (x.int() + 9) + x.long() // 2 + 7 // (x.long() - 9),
    "integers with floats": lambda x, lib: x.int() % 2.5 + x.int() // 1.5,
    "steps of integers": lambda x, lib: x.int().floor() + x.int().ceil() + x.int().round() + x.int().trunc(),
    "signs": lambda x, lib: x.int().sign(),
    "sign of booleans": lambda x, lib: (x > 0).sign(),
    "real functions of integers": lambda x, lib: x.int().abs().log1p().trunc() + x.int().sign().sin().floor(),
    "isinf": lambda x, lib: (x / x.relu()).isinf(),
    "isnan": lambda x, lib: x.log().isnan(),
    "isfinite": lambda x, lib: (x / x.relu()).isfinite(),
    "int": lambda x, lib: x.int(),
    "long": lambda x, lib: x.long(),
    "bool": lambda x, lib: x.bool(),
    "half": lambda x, lib: x.half(),
    "sum of booleans": lambda x, lib: (x > 0).sum(1),
    "sum of bytes": lambda x, lib: x.abs().to(lib.uint8).sum(),
    "numel": lambda x, lib: lib.tensor([x.numel(), x.dim(), x.ndim, x.size(1), len(x), *x.shape, *x.size()]),
}


FLOATING |= methods_arrays.FLOATING
DISCRETE |= methods_arrays.DISCRETE


@pytest.mark.oracle
@pytest.mark.parametrize("name", FLOATING)
@pytest.mark.filterwarnings("ignore:.*upsupported ndims.*", "ignore:.*Converting a tensor.*")
def test_floating_methods(name, rng):
    import torch

    rtol = 1e-6 if name == "float" else 1e-11
    ours, theirs = minidl.tensor(A, requires_grad=True), torch.tensor(A, requires_grad=True)
    y, expected = FLOATING[name](ours, minidl), FLOATING[name](theirs, torch)
    assert y.dtype == expected.detach().numpy().dtype and y.shape == tuple(expected.shape)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=rtol, atol=1e-14)
    u = rng.normal(size=y.shape)
    y.backward(u)
    expected.backward(torch.tensor(u))
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=rtol, atol=1e-14)


@pytest.mark.oracle
@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_discrete_methods(name):
    import torch

    ours, theirs = DISCRETE[name](minidl.tensor(A), minidl), DISCRETE[name](torch.tensor(A), torch)
    assert ours.dtype == theirs.numpy().dtype and ours.shape == tuple(theirs.shape)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert not ours.requires_grad


def test_the_first_of_ties_gets_the_gradient_of_max_dim_and_all_that_of_amax():
    data = [[1.0, 3.0, 3.0]]
    x = minidl.tensor(data, requires_grad=True)
    x.max(1).values.sum().backward()
    assert x.grad.tolist() == [[0, 1, 0]]
    x = minidl.tensor(data, requires_grad=True)
    x.amax(1).sum().backward()
    assert x.grad.tolist() == [[0, 0.5, 0.5]]


def test_reductions_of_nothing():
    empty = minidl.tensor(np.zeros((0, 3)))
    assert empty.argmax(1).shape == (0,) and empty.max(1).values.shape == (0,) and empty.sum(0).tolist() == [0, 0, 0]
    for wrong in (empty.argmax, lambda: empty.argmin(0), lambda: empty.max(0), lambda: empty.amax(0)):
        with pytest.raises(minidl.errors.ShapeError, match=r"\(0, 3\)"):
            wrong()
    for correction in (1, 2, 5):
        assert np.isnan(minidl.tensor([1.0]).var(correction=correction).item())


def test_contiguous_and_clone():
    x = minidl.tensor(A)
    assert x.contiguous() is x and x.to("cpu") is x and x.double() is x
    assert x.mT.contiguous().data.flags.c_contiguous
    assert not np.shares_memory(x.clone().data, x.data)
    assert np.shares_memory(x.mT.data, x.data) and np.shares_memory(x[0, 0, 0].data, x.data)
    with minidl.no_grad():
        assert not minidl.tensor(A, requires_grad=True).clone().requires_grad
