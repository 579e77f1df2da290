"""Attention: rows with nothing to attend to, the triangle, masks and their gradients, and the kernel's memory."""

import tracemalloc

import numpy as np
import pytest

from minidl.errors import ArgumentError, DTypeError, ShapeError
from minidl.ops import attention

from .witnesses import call, cotangents, pullback

MODES = ["fast", "plain", "textbook"]


def draw(rng, *batch, queries, keys, features=6, values=5, dtype=np.float64):
    shapes = [(queries, features), (keys, features), (keys, values)]
    return [rng.normal(size=(*batch, *shape)).astype(dtype) for shape in shapes]


def both(inputs, params, us, mode):
    """The output, then the gradients by input."""
    return call("attention", inputs, params, mode)[0], pullback("attention", inputs, params, us, mode)


# What it means --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_query_with_no_key_gives_zero_and_gets_no_gradient(rng, mode, kind):
    allowed = rng.random((7, 9)) < 0.6
    allowed[:, :2] = True  # a single key would have the weight 1 whatever its score, and the gradient 0
    allowed[[0, 3]] = False
    mask = allowed if kind == "bool" else np.where(allowed, rng.normal(size=(7, 9)), -np.inf)
    inputs = [*draw(rng, 2, queries=7, keys=9), mask, None]
    o, gradients = both(inputs, {"scale": 0.5}, cotangents((np.zeros((2, 7, 5)),)), mode)
    assert np.isfinite(o).all() and all(np.isfinite(g).all() for g in gradients.values())
    assert not o[:, [0, 3]].any() and o[:, [1, 2, 4, 5, 6]].all()
    assert not gradients[0][:, [0, 3]].any()
    if kind == "float":
        assert not gradients[3][~allowed].any() and gradients[3][allowed].all()


@pytest.mark.parametrize("mode", MODES)
def test_everything_masked(rng, mode):
    inputs = [*draw(rng, 2, queries=3, keys=4), np.zeros((3, 4), bool), None]
    o, gradients = both(inputs, {"scale": 0.5}, cotangents((np.zeros((2, 3, 5)),)), mode)
    assert not o.any() and not any(g.any() for g in gradients.values())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("queries, keys", [(5, 5), (40, 70), (70, 40), (1, 3)])
def test_causal_is_the_triangle(rng, mode, queries, keys):
    q, k, v = draw(rng, 2, queries=queries, keys=keys)
    us = cotangents((np.zeros((2, queries, 5)),))
    o, gradients = both([q, k, v, None, None], {"scale": 0.5, "causal": True}, us, mode)
    triangle = np.arange(keys) <= np.arange(queries)[:, None]
    expected, others = both([q, k, v, triangle, None], {"scale": 0.5}, us, "plain")
    np.testing.assert_allclose(o, expected, atol=1e-14)
    for i in (0, 1, 2):
        np.testing.assert_allclose(gradients[i], others[i], atol=1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_later_keys_do_not_count(rng, mode):
    q, k, v = draw(rng, 1, queries=6, keys=6)
    params = {"scale": 0.5, "causal": True}
    (o,) = call("attention", [q, k, v, None, None], params, mode)
    k[:, 4:], v[:, 4:] = 100.0, -100.0
    (changed,) = call("attention", [q, k, v, None, None], params, mode)
    assert np.array_equal(o[:, :4], changed[:, :4]) and not np.allclose(o[:, 4:], changed[:, 4:])


@pytest.mark.parametrize("mode", MODES)
def test_equal_scores_take_the_mean_and_large_ones_one_value(rng, mode):
    q, k, v = draw(rng, 3, queries=4, keys=8)
    (o,) = call("attention", [0 * q, k, v, None, None], {"scale": 1.0}, mode)
    np.testing.assert_allclose(o, np.repeat(v.mean(axis=1, keepdims=True), 4, axis=1), atol=1e-14)
    (o,) = call("attention", [q, k, v, None, None], {"scale": 1e5}, mode)  # overflows, unless the largest is subtracted
    best = np.argmax(q @ k.swapaxes(1, 2), axis=-1)  # (3, 4)
    np.testing.assert_allclose(o, np.take_along_axis(v, best[..., None], axis=1), atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_dropout_of_the_weights(rng, mode):
    q, k, v = draw(rng, 2, queries=5, keys=7)
    us = cotangents((np.zeros((2, 5, 5)),))
    o, gradients = both([q, k, v, None, None], {"scale": 0.5}, us, mode)
    everything, doubled = both([q, k, v, None, np.ones((5, 7), bool)], {"scale": 0.5, "p": 0.5}, us, mode)
    nothing, zeros = both([q, k, v, None, np.zeros((1, 7), bool)], {"scale": 0.5, "p": 1.0}, us, mode)
    np.testing.assert_allclose(everything, 2 * o, atol=1e-14)
    for i in (0, 1, 2):
        np.testing.assert_allclose(doubled[i], 2 * gradients[i], atol=1e-13)
        assert not zeros[i].any()
    assert not nothing.any()


@pytest.mark.parametrize("mode", MODES)
def test_nan_stays_visible(rng, mode):
    q, k, v = draw(rng, 1, queries=3, keys=40)
    q[0, 1, 0] = np.nan
    (o,) = call("attention", [q, k, v, None, None], {"scale": 0.5}, mode)
    assert np.isnan(o[0, 1]).all() and np.isfinite(o[0, [0, 2]]).all()


# The kernel -----------------------------------------------------------------------------------------------------------

MASKS = {
    "none": lambda rng, *shape: None,
    "one for all heads": lambda rng, n, h, t, s: rng.normal(size=(t, s)),
    "by head": lambda rng, n, h, t, s: rng.normal(size=(h, t, s)),
    "by sample and query": lambda rng, n, h, t, s: rng.normal(size=(n, 1, t, 1)),
    "of keys": lambda rng, n, h, t, s: rng.random((n, 1, 1, s)) < 0.7,
    "all": lambda rng, n, h, t, s: rng.random((n, h, t, s)) < 0.7,
    "a vector": lambda rng, n, h, t, s: rng.normal(size=s),
    "a number": lambda rng, n, h, t, s: np.array(rng.normal()),
}


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-13), (np.float32, 2e-5)])
@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (31, 33, 3, 35), (65, 130, 33, 8)], ids=str)
def test_kernel_equals_body(rng, sizes, kind, dtype, tolerance):
    """Sizes around those of strips, panels and blocks; masks of every shape, whose gradients are summed back."""
    queries, keys, features, values = sizes
    inputs = draw(rng, 2, 3, queries=queries, keys=keys, features=features, values=values, dtype=dtype)
    mask = MASKS[kind](rng, 2, 3, queries, keys)
    mask = mask.astype(dtype) if mask is not None and mask.dtype != bool else mask
    us = cotangents((np.zeros((2, 3, queries, values), dtype),))
    for causal, keep in ((False, None), (True, rng.random((3, queries, keys)) < 0.8)):
        params = {"scale": 0.3, "causal": causal, "p": 0.2}
        o, gradients = both([*inputs, mask, keep], params, us, "fast")
        expected, others = both([*inputs, mask, keep], params, us, "plain")
        np.testing.assert_allclose(o, expected, atol=tolerance)
        for i, g in others.items():
            assert gradients[i].shape == g.shape and gradients[i].dtype == dtype
            np.testing.assert_allclose(gradients[i], g, rtol=0, atol=tolerance * max(1, np.abs(g).max()))


def test_the_number_of_threads_does_not_show(rng):
    inputs = [*draw(rng, 2, 3, queries=160, keys=170, features=32, values=32, dtype=np.float32), None, None]
    inputs[3] = rng.normal(size=(3, 160, 170)).astype(np.float32)
    us = cotangents((np.zeros((2, 3, 160, 32), np.float32),))
    numba = pytest.importorskip("numba")
    results, before = [], numba.get_num_threads()
    try:
        for threads in (1, min(2, before)):
            numba.set_num_threads(threads)
            o, gradients = both(inputs, {"scale": 0.2}, us, "fast")
            results.append([o, *gradients.values()])
    finally:
        numba.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


def test_the_kernel_keeps_no_scores(rng):
    """Forward and backward together need less memory than the scores of one single head of the four."""
    if pytest.importorskip("numba").config.DISABLE_JIT:
        pytest.skip("interpreted kernels leave arrays of this size to the body")
    inputs = [*draw(rng, 4, queries=1024, keys=1024, features=16, values=16, dtype=np.float32), None, None]
    us = cotangents((np.zeros((4, 1024, 16), np.float32),))
    params = {"scale": 0.25, "causal": True}
    both(inputs, params, us, "fast")  # compiled now
    peaks = {}
    for mode in ("fast", "plain"):
        tracemalloc.start()
        both(inputs, params, us, mode)
        peaks[mode] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    scores = 1024 * 1024 * 4
    assert peaks["fast"] < scores < 4 * scores < peaks["plain"]


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"q": np.zeros(4)}, ShapeError, r"q: got shape \(4,\), expected \(…, T, D\)"),
        ({"k": np.zeros((3, 6, 4))}, ShapeError, r"k: got shape \(3, 6, 4\)[^$]*batch axes … of q, \(2,\)"),
        ({"k": np.zeros((2, 6, 5))}, ShapeError, "q and k must agree in the last axis"),
        ({"v": np.zeros((2, 5, 3))}, ShapeError, "k and v in the last but one"),
        ({"mask": np.ones((2, 6, 5), bool)}, ShapeError, r"mask: got shape \(2, 6, 5\)[^$]*\(2, 5, 6\)"),
        ({"mask": np.ones((1, 2, 5, 6), bool)}, ShapeError, "mask: got shape"),
        ({"mask": np.ones((5, 6), int)}, DTypeError, "mask: got int64"),
        ({"keep": np.ones((5, 6))}, DTypeError, "keep: got float64"),
        ({"keep": np.ones((5, 7), bool)}, ShapeError, "keep: got shape"),
        ({"p": 1.5}, ArgumentError, "p: got 1.5"),
    ],
)
def test_errors_name_the_argument(changes, error, words):
    arguments = {"q": np.zeros((2, 5, 4)), "k": np.zeros((2, 6, 4)), "v": np.zeros((2, 6, 3)), "scale": 1.0}
    with pytest.raises(error, match=words):
        attention(**{**arguments, **changes})


# PyTorch --------------------------------------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(40))
def test_against_pytorch(seed):
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    rng = np.random.default_rng(seed)
    batch = tuple(int(n) for n in rng.integers(1, 4, rng.integers(1, 3)))
    queries, keys, features, values = (int(n) for n in rng.integers(1, 45, 4))
    q, k, v = draw(rng, *batch, queries=queries, keys=keys, features=features, values=values)
    kind = ["none", "causal", "bool", "float"][seed % 4]
    shape = [n if rng.random() < 0.6 else 1 for n in (*batch, queries, keys)][int(rng.integers(0, len(batch) + 1)) :]
    mask = {"bool": rng.random(shape) < 0.8, "float": rng.normal(size=shape)}.get(kind)
    if kind == "bool":
        mask[..., 0] = True  # a row without any key is NaN in some versions of PyTorch
    scale = float(rng.uniform(0.1, 1))
    leaves = [torch.tensor(a, requires_grad=True) for a in (q, k, v)]
    bias = torch.tensor(mask, requires_grad=kind == "float") if mask is not None else None
    o = scaled_dot_product_attention(*leaves, bias, is_causal=kind == "causal", scale=scale)
    us = cotangents((o.detach().numpy(),))
    o.backward(torch.tensor(us[0]))
    if kind == "float":
        leaves.append(bias)
    for mode in MODES:
        mine, gradients = both([q, k, v, mask, None], {"scale": scale, "causal": kind == "causal"}, us, mode)
        np.testing.assert_allclose(mine, o.detach().numpy(), atol=1e-12)
        for i, leaf in enumerate(leaves):
            np.testing.assert_allclose(gradients[i], leaf.grad.numpy(), atol=1e-12)
