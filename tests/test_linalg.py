"""Linear algebra where matrices are singular, not symmetric, empty; and what the words of its functions mean."""

from math import inf

import numpy as np
import pytest

import minidl
from minidl import linalg, ops
from minidl.errors import ArgumentError
from minidl.functional import grad, hessian

close = np.testing.assert_allclose
SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.5, -1.0, 2.0]])


def test_the_gradient_of_a_determinant_is_the_cofactors_also_of_a_singular_matrix():
    expected = [[14, -1, -4], [-7, 0.5, 2], [0, 0, 0]]
    close(grad(linalg.det)(SINGULAR).numpy(), expected, atol=1e-13)
    close(grad(linalg.det)(np.zeros((3, 3))).numpy(), np.zeros((3, 3)), atol=0)
    close(grad(linalg.det)(np.zeros((1, 1))).numpy(), [[1]])


def test_the_second_derivative_of_a_singular_determinant_is_an_error_and_not_a_number():
    with pytest.raises(ArgumentError, match="inv: A: the matrix is singular"):
        hessian(linalg.det, SINGULAR)


def test_a_singular_matrix_has_a_logarithm_and_no_slope():
    x = minidl.tensor(SINGULAR, requires_grad=True)
    sign, y = linalg.slogdet(x)
    assert sign.item() in (0, 1, -1) and y.item() < -30
    assert linalg.slogdet(np.zeros((2, 2))).logabsdet.item() == -inf
    with pytest.raises(ArgumentError, match="singular"):
        linalg.slogdet(minidl.tensor(np.zeros((2, 2)), requires_grad=True)).logabsdet.backward()


def test_cholesky_reads_the_symmetric_part_and_has_a_symmetric_gradient(rng):
    a = np.array([[4.0, 1.5], [0.5, 3.0]])
    close(linalg.cholesky(a).numpy(), np.linalg.cholesky((a + a.T) / 2))
    weight = minidl.tensor(rng.normal(size=(2, 2)))
    g = grad(lambda a: (linalg.cholesky(a) * weight).sum())(a).numpy()
    close(g, g.T)


def test_only_the_named_triangle_is_read_and_gets_a_gradient():
    a = np.array([[2.0, 9.0], [1.0, 4.0]])
    b = minidl.tensor([[2.0], [6.0]], dtype=minidl.float64)
    close(linalg.solve_triangular(a, b, upper=False).numpy(), [[1.0], [1.25]])
    g = grad(lambda a: linalg.solve_triangular(a, b, upper=False).sum())(a).numpy()
    assert g[0, 1] == 0 and (g[1] != 0).all()
    g = grad(lambda a: linalg.solve_triangular(a, b, upper=True, unitriangular=True).sum())(a).numpy()
    assert g[0, 1] != 0 and (np.diag(g) == 0).all() and g[1, 0] == 0


def test_a_vector_for_each_matrix_is_no_matrix():
    a = np.stack([np.eye(2), 2 * np.eye(2)])
    b = np.array([[1.0, 2.0], [3.0, 4.0]])
    close(linalg.solve(a, b).numpy(), [[1, 2], [1.5, 2]])  # (B, N), as A without its last axis
    close(linalg.solve(a, b[None]).numpy(), [b, b / 2])


def test_eigenvectors_point_where_their_largest_component_is_positive():
    values, vectors = linalg.eigh(np.array([[2.0, -1.0], [-1.0, 3.0]]))
    close((vectors * values @ vectors.mT).numpy(), [[2, -1], [-1, 3]])
    v = vectors.numpy()
    assert (v[abs(v).argmax(0), [0, 1]] > 0).all()


def test_what_turns_among_equal_eigenvalues_has_no_gradient():
    x = minidl.tensor(np.eye(2), requires_grad=True)
    values, vectors = linalg.eigh(x)
    (vectors[0, 0] + values @ minidl.tensor([1.0, 3.0], dtype=minidl.float64)).backward()
    close(x.grad.numpy(), [[1, 0], [0, 3]])


def test_columns_that_depend_on_each_other_have_factors_but_no_gradient():
    x = minidl.tensor(np.ones((2, 2)), requires_grad=True)
    q, r = linalg.qr(x)
    close((q @ r).detach().numpy(), np.ones((2, 2)))
    r = linalg.qr(minidl.tensor(np.zeros((2, 2)), requires_grad=True)).R
    with pytest.raises(ArgumentError, match="solve: A: the matrix is singular"):
        r.sum().backward()


def test_powers():
    a = np.array([[2.0, 1.0], [0.0, 3.0]])
    close(linalg.matrix_power(a, 0).numpy(), np.eye(2))
    close(linalg.matrix_power(a, 7).numpy(), np.linalg.matrix_power(a, 7))
    close((linalg.matrix_power(a, -2) @ minidl.tensor(a @ a)).numpy(), np.eye(2), atol=1e-15)
    x = minidl.tensor(a, requires_grad=True)
    linalg.matrix_power(x, 0).sum().backward()
    assert x.grad.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("function", [linalg.inv, linalg.cholesky, linalg.det, lambda a: linalg.slogdet(a)[1]])
def test_no_matrices_and_empty_ones(function):
    for shape in ((0, 2, 2), (3, 0, 0)):
        a = minidl.tensor(np.zeros(shape), requires_grad=True)
        function(a).sum().backward()
        assert a.grad.shape == shape
    assert linalg.det(np.zeros((0, 0))).item() == 1


def test_integers_are_taken_as_numbers():
    assert linalg.inv([[2, 0], [0, 4]]).dtype == np.float32
    assert linalg.det(np.eye(2, dtype=int)).item() == 1


def test_cosines_of_short_vectors():
    x = minidl.tensor([[0.0, 0.0], [3e-9, 4e-9]], dtype=minidl.float64, requires_grad=True)
    y = ops.cosine_similarity(x, minidl.tensor([[1.0, 0.0]], dtype=minidl.float64))
    close(y.detach().numpy(), [0, 0.3])
    y.sum().backward()
    close(x.grad.numpy()[0], [1e8, 0])


def test_distances_from_itself_have_no_gradient():
    x = minidl.tensor([[1.0, 2.0], [1.0, 2.0]], requires_grad=True)
    minidl.cdist(x, x.detach()).sum().backward()
    assert x.grad.tolist() == [[0, 0], [0, 0]]


def test_the_module_is_loaded_when_it_is_asked_for():
    assert minidl.linalg is linalg and sorted(linalg.__all__) == linalg.__all__
    assert all(callable(getattr(linalg, name)) for name in linalg.__all__)
