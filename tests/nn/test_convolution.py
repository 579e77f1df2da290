"""What convolutions, borders and patches must do besides agreeing with PyTorch."""

import numpy as np
import pytest

import minidl
from minidl import nn, ops
from minidl.functional import grad
from minidl.nn import functional as F

KINDS = [f"Conv{transposed}{rank}d" for transposed in ("", "Transpose") for rank in (1, 2, 3)]


def normal(*shape, seed=0):
    return minidl.tensor(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("kind", KINDS)
def test_initial_values_fill_their_bounds(kind):
    layer = getattr(nn, kind)(12, 8, 3, groups=2)
    fan_in = layer.weight.shape[1] * 3 ** int(kind[-2])
    for parameter in (layer.weight, layer.bias):
        largest = float(parameter.abs().max()) * fan_in**0.5
        assert 0.5 < largest <= 1.0


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook", "reference"])
def test_a_sound_is_a_picture_of_one_line_and_a_volume_of_one_plane(mode):
    x, w = normal(2, 4, 11), normal(6, 2, 3, seed=1)
    one = {"stride": (2,), "padding": (1,), "dilation": (2,)}

    def loss(rank):
        flat = (slice(None), slice(None), *(None,) * (rank - 1))
        how = {name: (0 if name == "padding" else 1,) * (rank - 1) + size for name, size in one.items()}
        return lambda x, w: (ops.conv(x[flat], w[flat], groups=2, **how) ** 2).sum()

    with minidl.mode(mode):
        found = [grad(loss(rank), argnums=(0, 1))(x, w) for rank in (1, 2, 3)]
    for dx, dw in found[1:]:
        np.testing.assert_allclose(dx.numpy(), found[0][0].numpy(), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(dw.numpy(), found[0][1].numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_transposed_layer_is_the_adjoint(rank):
    """⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩, with one weight for both."""
    how = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    x, w = normal(2, 4, *(8, 9, 7)[:rank]), normal(6, 2, *(3,) * rank, seed=1)
    y = getattr(F, f"conv{rank}d")(x, w, **how)
    dy = normal(*y.shape, seed=2)
    layer = getattr(nn, f"ConvTranspose{rank}d")(6, 4, 3, bias=False, **how).double()
    layer.weight = nn.Parameter(w)
    dx = layer(dy, output_size=x.shape[2:])
    assert dx.shape == x.shape
    assert np.isclose(float((y * dy).sum()), float((x * dx).sum()), rtol=1e-12)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_borders_are_those_of_numpy(mode, rank):
    x = np.arange(2.0 * 4**rank).reshape(2, *(4,) * rank)
    sizes = [(2, 1), (0, 3), (1, 1)][:rank]
    theirs = np.pad(x, [(0, 0), *sizes], mode={"replicate": "edge", "circular": "wrap"}.get(mode, mode))
    ours = F.pad(minidl.tensor(x), [n for pair in reversed(sizes) for n in pair], mode)
    assert np.array_equal(ours.numpy(), theirs)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_borders_differentiate_twice(mode):
    x, u, v = normal(2, 4, 3), normal(2, 7, 5, seed=1), normal(2, 4, 3, seed=2)

    def f(x):
        return (F.pad(x[None], (1, 1, 2, 1), mode)[0] ** 3 * u).sum()

    found = grad(lambda x: (grad(f)(x) * v).sum())(x).numpy()
    h = 1e-5
    measured = (grad(f)(x + h * v).numpy() - grad(f)(x - h * v).numpy()) / (2 * h)
    np.testing.assert_allclose(found, measured, rtol=1e-6, atol=1e-6)


def test_a_ring_is_closed_after_the_cut():
    """One side cropped, the other padded: the border repeats what is left."""
    x = minidl.tensor([[0.0, 1.0, 2.0, 3.0, 4.0]])
    assert F.pad(x, (-1, 2), "circular").tolist() == [[1, 2, 3, 4, 1, 2]]
    assert F.pad(x, (2, -2), "circular").tolist() == [[1, 2, 0, 1, 2]]
    assert F.pad(x, (-1, 2), "reflect").tolist() == [[1, 2, 3, 4, 3, 2]]


def test_fold_counts_how_often_a_pixel_was_taken():
    ones = minidl.tensor(np.ones((1, 1, 3, 4)))
    counts = F.fold(F.unfold(ones, 2), (3, 4), 2)
    assert counts[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]


def test_unfold_is_the_matrix_of_a_convolution():
    x, w = normal(2, 3, 6, 5), normal(4, 3, 3, 2, seed=1)
    how = {"dilation": (1, 2), "padding": (1, 0), "stride": (2, 1)}
    y = F.conv2d(x, w, **how)
    columns = F.unfold(x, (3, 2), **how)  # (N, C·KH·KW, L)
    np.testing.assert_allclose(
        (w.reshape(4, -1) @ columns).numpy(), y.reshape(2, 4, -1).numpy(), rtol=1e-12, atol=1e-12
    )
