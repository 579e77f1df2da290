"""Reductions, totals and ranks at their kinks: equal values, zeros, NaN, nothing at all."""

from math import inf, nan

import numpy as np
import pytest

import minidl
from minidl import linalg, ops
from minidl.errors import ArgumentError
from minidl.functional import grad, hessian

same, close = np.testing.assert_array_equal, np.testing.assert_allclose


def slope(function, data):
    """The gradient of a sum of what the function gives."""
    x = minidl.tensor(np.array(data, float), requires_grad=True)
    function(x).sum().backward()
    return x.grad.numpy()


def test_std_of_equal_values_has_gradient_0():
    same(slope(lambda x: x.std(1), [[2.0, 2.0, 2.0], [0.0, 0.0, 0.0]]), np.zeros((2, 3)))
    close(slope(lambda x: x.std(0), [1.0, 3.0]), [-(0.5**0.5), 0.5**0.5])


@pytest.mark.parametrize("correction", [1, 2])
def test_std_of_too_few_values_is_nan(correction):
    assert np.isnan(minidl.tensor([1.0]).std(correction=correction).item())
    assert np.isnan(slope(lambda x: x.std(correction=correction), [1.0])).all()


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, inf, -inf])
def test_a_norm_of_0_has_gradient_0(p):
    same(slope(lambda x: linalg.vector_norm(x, p), [0.0, 0.0]), [0, 0])


@pytest.mark.parametrize(("p", "expected"), [(1, [1, 0, -1]), (1.5, [0.5**0.5, 0, -(0.5**0.5)]), (2, [0.5, 0, -0.5])])
def test_a_0_among_others_has_slope_0(p, expected):
    scale = {1: 1, 1.5: 2 ** (1 / 6), 2: 2**0.5}[p]
    close(slope(lambda x: linalg.vector_norm(x, p), [1.0, 0.0, -1.0]), scale * np.array(expected), atol=1e-15)


def test_the_largest_share_the_gradient_of_the_maximum_norm():
    same(slope(lambda x: x.norm(inf), [2.0, -2.0, 1.0]), [0.5, -0.5, 0])
    same(slope(lambda x: x.norm(-inf), [2.0, -1.0, 1.0]), [0, -0.5, 0.5])


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_every_derivative_of_a_product_is_right_at_zeros(zeros):
    values = np.array([2.0, 3.0, 5.0])
    values[:zeros] = 0
    a, b, c = values
    close(grad(ops.prod)(values).numpy(), [b * c, a * c, a * b])
    second = [[0, c, b], [c, 0, a], [b, a, 0]]
    close(hessian(ops.prod, values).numpy(), second)
    close(hessian(lambda x: ops.cumprod(x, axis=0)[2], values).numpy(), second)
    third = grad(lambda x: hessian(ops.prod, x)[0, 1])(values)
    close(third.numpy(), [0, 0, 1])


def test_the_first_factor_of_a_scan_has_no_influence():
    a, b = (minidl.tensor(x, requires_grad=True) for x in ([9.0, 2.0], [1.0, 3.0]))
    ops.linear_scan(a, b, axis=0)[1].backward()
    assert a.grad.tolist() == [0, 1] and b.grad.tolist() == [2, 1]


def test_equal_values_keep_their_order():
    x = minidl.tensor([1.0, 0.0, 1.0, 0.0])
    assert x.argsort().tolist() == [1, 3, 0, 2]
    assert x.argsort(descending=True).tolist() == [0, 2, 1, 3]
    assert x.topk(3).indices.tolist() == [0, 2, 1]
    assert x.kthvalue(3).indices.item() == 0
    assert minidl.tensor([True, False, True]).sort().indices.tolist() == [1, 0, 2]


def test_nan_is_the_largest():
    x = minidl.tensor([nan, 2.0, 1.0])
    assert x.argsort().tolist() == [2, 1, 0] and x.argsort(descending=True).tolist() == [0, 1, 2]
    assert np.isnan(x.median().item()) and x.median(0).indices.item() == 0
    same(x.flip(0).cummax(0).values.numpy(), [1, 2, nan])
    same(x.cummin(0).values.numpy(), [nan, nan, nan])
    assert np.isnan(x.quantile(0.1).item())
    assert x.nansum().item() == 3 and x.nanmean().item() == 1.5


def test_the_last_of_equal_values_is_the_running_extreme():
    x = minidl.tensor([1.0, 3.0, 3.0, 2.0])
    assert x.cummax(0).indices.tolist() == [0, 1, 2, 2]
    assert (-x).cummin(0).indices.tolist() == [0, 1, 2, 2]
    same(slope(lambda x: x.cummax(0).values, [1.0, 3.0, 3.0, 2.0]), [1, 1, 2, 0])


def test_values_equal_to_the_median_share_its_gradient():
    same(slope(lambda x: x.median(), [1.0, 2.0, 2.0, 3.0]), [0, 0.5, 0.5, 0])
    same(slope(lambda x: x.median(0).values, [1.0, 2.0, 2.0, 3.0]), [0, 1, 0, 0])
    same(slope(lambda x: x.median(), [4.0, 1.0]), [0, 1])
    assert minidl.tensor([4, 1]).median().dtype == np.int64


def test_totals_of_nothing():
    nothing = minidl.tensor(np.zeros((0, 2)))
    assert nothing.prod().item() == 1 and nothing.prod(0).tolist() == [1, 1] and nothing.norm().item() == 0
    assert nothing.cumsum(0).shape == nothing.cumprod(0).shape == nothing.sort(0).values.shape == (0, 2)
    assert nothing.topk(0, 0).values.shape == (0, 2) and nothing.quantile(0.5, 1).shape == (0,)
    same(slope(lambda x: x.prod(0), np.zeros((0, 2))), np.zeros((0, 2)))


def test_quantile_takes_shares_in_the_dtype_of_the_values():
    x = minidl.tensor([1.0, 2.0, 4.0])
    assert x.quantile(0.75).item() == 3 and x.quantile(0.75).dtype == np.float32
    assert x.quantile(minidl.tensor([0.0, 1.0]), keepdim=True).shape == (2, 1)
    with pytest.raises(ArgumentError, match="q: got"):
        x.quantile(minidl.tensor([[0.5]]))
