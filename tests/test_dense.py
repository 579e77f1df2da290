"""Products of matrices beyond the samples: every spelling of einsum, and the errors."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minidl
from minidl import ops
from minidl.errors import ArgumentError, ShapeError
from minidl.functional import hvp, vjp

SPECS = [
    # explicit
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk->ki", (2, 3), (3, 4)),
    ("ij,jk->", (2, 3), (3, 4)),
    ("ij,jk->j", (2, 3), (3, 4)),
    ("ij,jk->ijk", (2, 3), (3, 4)),
    ("i,j->ij", (2,), (3,)),
    ("i,i->", (4,), (4,)),
    ("ij->ji", (2, 3)),
    ("ij->i", (2, 3)),
    ("ij->", (2, 3)),
    ("->", ()),
    (",->", (), ()),
    (",ij->ij", (), (2, 3)),
    (" i j , j k -> i k ", (2, 3), (3, 4)),
    ("ij,ij,ij->ij", (2, 3), (2, 3), (2, 3)),
    ("ij,jk,kl,lm->im", (2, 3), (3, 4), (4, 2), (2, 3)),
    ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("Ab,bC->AC", (2, 3), (3, 4)),
    ("ij,k->i", (2, 3), (4,)),
    # implicit output: letters that occur once, in the alphabet's order
    ("ij,jk", (2, 3), (3, 4)),
    ("ba", (2, 3)),
    ("kj,ji", (2, 3), (3, 4)),
    ("i,i", (3,), (3,)),
    ("ij,ij", (2, 3), (2, 3)),
    ("aB", (2, 3)),
    # a letter twice in one operand
    ("ii->i", (3, 3)),
    ("ii->", (3, 3)),
    ("ii", (3, 3)),
    ("iij->ij", (3, 3, 2)),
    ("iji->j", (3, 2, 3)),
    ("iii->i", (3, 3, 3)),
    ("ijij->ij", (2, 3, 2, 3)),
    ("ii,ij->j", (3, 3), (3, 2)),
    ("jii,ik->jk", (2, 3, 3), (3, 4)),
    # further axes, which broadcast
    ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 4)),
    ("...ij,...jk->...ik", (2, 3), (5, 3, 4)),
    ("...ij,...jk->...ik", (1, 2, 3), (5, 3, 4)),
    ("...ij,...jk", (6, 1, 2, 3), (5, 3, 4)),
    ("...,...->...", (2, 3), (3,)),
    ("...,...", (2, 1), (3,)),
    ("i...->...i", (2, 3, 4)),
    ("i...,i...->...", (3, 2), (3, 1)),
    ("...ii->...i", (2, 3, 3)),
    ("ij...,j->i...", (2, 3, 4), (3,)),
    ("...i->...", (3,)),
    ("a...b,c...b->ac...", (2, 3, 4), (5, 1, 4)),
    # nothing there
    ("ij,jk->ik", (0, 3), (3, 2)),
    ("ij,jk->ik", (2, 0), (0, 2)),
    ("ii->i", (0, 0)),
]


@pytest.mark.parametrize(("spec", "shapes"), [(s, shapes) for s, *shapes in SPECS])
def test_einsum_in_every_spelling(spec, shapes, rng):
    """The value is NumPy's. The sum is linear in each operand, so its gradient is known without differences:

    ⟨dxₖ, d⟩ = ⟨u, einsum(…, d, …)⟩ for every direction d.
    """
    xs = [np.asarray(rng.normal(size=shape)) for shape in shapes]
    expected = np.einsum(spec, *xs)
    np.testing.assert_allclose(ops.einsum_of(spec, *xs), expected, rtol=1e-12, atol=1e-12)

    u = np.asarray(rng.normal(size=expected.shape))
    y, gradients = vjp(lambda *xs: ops.einsum_of(spec, *xs), tuple(xs), u)
    np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-12)
    for k, (x, g) in enumerate(zip(xs, gradients, strict=True)):
        d = np.asarray(rng.normal(size=x.shape))
        along = np.sum(u * np.einsum(spec, *xs[:k], d, *xs[k + 1 :]))
        assert g.shape == x.shape
        np.testing.assert_allclose(np.sum(g.data * d), along, rtol=1e-11, atol=1e-11)


def test_einsum_without_the_ellipsis_in_the_output_sums_over_it(rng):
    x = rng.normal(size=(2, 3, 4))  # as PyTorch; NumPy refuses
    np.testing.assert_allclose(ops.einsum_of("...i->i", x), x.sum(axis=(0, 1)))


def test_einsum_along_a_diagonal_differentiates_twice(rng):
    x, v = rng.normal(size=(2, 3, 3))
    _, product = hvp(lambda x: ops.einsum_of("ii,ii->", x, x), x, v)  # Σ xᵢᵢ²
    np.testing.assert_allclose(product.data, 2 * np.diag(np.diag(v)), rtol=1e-14)


@pytest.mark.parametrize(
    ("spec", "shapes", "error", "says"),
    [
        ("ij,jk->ik", [(2, 3)], ArgumentError, "2 operands are named, and 1 given"),
        ("ij->ik", [(2, 3)], ArgumentError, "letter that no operand has"),
        ("ij->ii", [(2, 3)], ArgumentError, "names an axis twice"),
        ("i1->i", [(2, 3)], ArgumentError, "expected letters"),
        ("i->j->i", [(2,)], ArgumentError, "expected letters"),
        ("..i->i", [(2, 3)], ArgumentError, "expected letters, at most one"),
        (".i->i", [(2, 3)], ArgumentError, "three dots"),
        ("...i...->i", [(2, 3)], ArgumentError, "at most one"),
        ("ij->i", [(2, 3, 4)], ShapeError, "2 letters for operand 0, which has shape (2, 3, 4)"),
        ("...ijk->i", [(2, 3)], ShapeError, "too many letters for operand 0"),
        ("ij,jk->ik", [(2, 3), (4, 5)], ShapeError, "'j' in 'ij,jk->ik' is 3 in operand 0, and 4 in operand 1"),
        ("ij,jk->ik", [(2, 3), (1, 5)], ShapeError, "'j'"),
        ("ii->i", [(2, 3)], ShapeError, "'i'"),
        ("...i,...i->...", [(2, 3), (4, 3)], ShapeError, "an axis of '...'"),
    ],
)
def test_einsum_says_what_is_wrong_with_a_spec(spec, shapes, error, says):
    with pytest.raises(error, match=re.escape(says)):
        ops.einsum_of(spec, *[np.ones(shape) for shape in shapes])


@pytest.mark.parametrize("spec", ["ij,jk", "...i->i", "ii->i"])
def test_the_primitive_einsum_wants_the_normal_form(spec):
    xs = [np.ones((2, 2))] * (spec.count(",") + 1)
    with pytest.raises(ArgumentError, match="einsum_of"):
        ops.einsum(*xs, spec=spec)


def test_a_dense_layer_says_which_size_does_not_fit():
    x, w = np.ones((2, 5)), np.ones((3, 4))
    with pytest.raises(ShapeError, match=r"\(2, 5\), weight \(3, 4\)[^$]*fix: Linear\(in_features=5\)"):
        ops.affine(x, w)
    with pytest.raises(ShapeError, match=r"bias: got shape \(4,\), expected \(3,\)"):
        ops.affine(np.ones((2, 4)), w, np.ones(4))
    with pytest.raises(ShapeError, match="expected \\(out_features, in_features\\)"):
        ops.affine(x, np.ones(5))
    with pytest.raises(ShapeError, match="axis of features"):
        ops.affine(np.ones(()), w)


def test_a_product_says_which_lengths_differ():
    with pytest.raises(ShapeError, match=r"x has shape \(2, 3\) and w \(2, 3\)[^$]*fix: transpose"):
        ops.matmul(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ShapeError, match="inner lengths, 3 and 4"):
        ops.matmul(np.ones(3), np.ones(4))
    with pytest.raises(ShapeError, match="a number is no matrix"):
        ops.matmul(np.ones((2, 3)), 2.0)
    with pytest.raises(ShapeError, match="broadcast"):
        ops.matmul(np.ones((2, 3, 4)), np.ones((3, 4, 2)))


@pytest.mark.parametrize("mode", ["fast", "plain"])
def test_a_first_layer_computes_no_gradient_of_its_input(mode):
    """The backward is told what is needed; what is not, is not computed."""
    w = minidl.tensor(np.ones((2, 3)), requires_grad=True)
    with minidl.mode(mode):
        y = ops.affine(minidl.tensor(np.ones((4, 3))), w)
    node = y.edge[0]
    assert [g is None for g in node.pull([np.ones((4, 2))], [False, True, False], False)] == [True, False, True]


def test_a_dense_layer_of_a_broadcast_cotangent(rng):
    x, w, b = (
        minidl.tensor(rng.normal(size=s).astype(np.float32), requires_grad=True) for s in [(2, 4, 3), (5, 3), (5,)]
    )
    ops.affine(x, w, b).sum().backward()
    np.testing.assert_allclose(w.grad.data, np.tile(x.data.sum(axis=(0, 1)), (5, 1)), rtol=1e-5)
    np.testing.assert_array_equal(b.grad.data, np.full(5, 8, np.float32))
