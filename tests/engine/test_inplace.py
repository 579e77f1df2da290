"""Changes in place: what they do, where they are refused, and what `x += y` means."""

import numpy as np
import pytest

import minidl
from minidl import errors

DATA = [[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]

# Each changes x, of shape (2, 3), in place.
CHANGES = {
    "add_": lambda x, lib: x.add_(2).add_(x, alpha=3),
    "sub_": lambda x, lib: x.sub_(lib.tensor([1.0, 2.0, 3.0])).sub_(1, alpha=2),
    "mul_": lambda x, lib: x.mul_(x),
    "div_": lambda x, lib: x.div_(2),
    "copy_": lambda x, lib: x.copy_(lib.tensor([1.0, 2.0, 3.0])),
    "fill_": lambda x, lib: x.fill_(7),
    "fill_ by a tensor": lambda x, lib: x.fill_(lib.tensor(7.0)),
    "zero_": lambda x, lib: x.zero_(),
    "clamp_": lambda x, lib: x.clamp_(-1, 2),
    "clamp_ one side": lambda x, lib: x.clamp_(min=0).clamp_(max=3),
    "a row": lambda x, lib: x[0].mul_(10),
    "an element": lambda x, lib: x[0, 1].fill_(10),
    "a column, transposed": lambda x, lib: x.T[1].zero_(),
    "a view": lambda x, lib: x.view(-1)[1:3].add_(1),
    "masked_fill_": lambda x, lib: x.masked_fill_(x < 0, 9.0),
    "masked_scatter_": lambda x, lib: x.masked_scatter_(x < 0, lib.tensor([8.0, 9.0])),
    "scatter_": lambda x, lib: x.scatter_(1, lib.tensor([[0], [2]]), 1.0).scatter_(0, lib.tensor([[1]]), x * 2),
    "scatter_add_": lambda x, lib: x.scatter_add_(1, lib.tensor([[0, 0], [2, 1]]), lib.tensor(DATA)),
    "index_add_": lambda x, lib: x.index_add_(0, lib.tensor([1]), lib.tensor(DATA)[:1], alpha=2),
    "index_copy_": lambda x, lib: x.index_copy_(1, lib.tensor([2]), lib.tensor([[7.0], [8.0]])),
    "index_fill_": lambda x, lib: x.index_fill_(1, lib.tensor([2, 0]), 7),
    "triangles": lambda x, lib: x[:, :2].tril_().triu_(-1),
    "overlapping": lambda x, lib: x[:, 1:].copy_(x[:, :-1].clone()),
}
ASSIGNMENTS = {
    "number": lambda x, lib: x.__setitem__(0, 7),
    "slice": lambda x, lib: x.__setitem__((slice(None), slice(1, None)), 0),
    "tensor": lambda x, lib: x.__setitem__(1, lib.tensor([7.0, 8.0, 9.0])),
    "mask": lambda x, lib: x.__setitem__(x < 0, 0),
    "arrays": lambda x, lib: x.__setitem__(([0, 1], [2, 0]), lib.tensor([7.0, 8.0])),
    "tensor index": lambda x, lib: x.__setitem__((slice(None), lib.tensor([2, 0])), 7),
    "ellipsis": lambda x, lib: x.__setitem__((..., 1), 7),
}


@pytest.mark.oracle
@pytest.mark.parametrize("change", [*CHANGES.values(), *ASSIGNMENTS.values()], ids=[*CHANGES, *ASSIGNMENTS])
def test_changes_are_pytorchs(change):
    import torch

    ours, theirs = minidl.tensor(DATA), torch.tensor(DATA)
    memory = ours.data
    change(ours, minidl)
    change(theirs, torch)
    assert ours.data is memory
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("change", list(CHANGES.values())[:10], ids=list(CHANGES)[:10])
def test_methods_return_their_tensor_and_keep_its_dtype(change):
    for dtype in ("float32", "float64", "float16"):
        x = minidl.tensor(DATA, dtype=dtype)
        assert change(x, minidl) is x and x.dtype == np.dtype(dtype)


def test_draws(rng):
    minidl.manual_seed(5)
    x = minidl.tensor(np.zeros(20000))
    x.uniform_(-1, 3)
    assert x.data.min() >= -1 and x.data.max() < 3 and abs(x.data.mean() - 1) < 0.05
    x.normal_(2, 0.5)
    assert abs(x.data.mean() - 2) < 0.02 and abs(x.data.std() - 0.5) < 0.02
    again = minidl.tensor(np.zeros(5)).normal_(generator=minidl.Generator(3))
    assert np.array_equal(again.data, minidl.tensor(np.zeros(5)).normal_(generator=minidl.Generator(3)).data)


CHANGE_METHODS = {**CHANGES, **ASSIGNMENTS}


@pytest.mark.parametrize("change", CHANGE_METHODS.values(), ids=CHANGE_METHODS)
def test_refused_on_what_has_a_gradient(change):
    leaf = minidl.tensor(DATA, requires_grad=True)
    for x, what in ((leaf, "leaf|recorded operation"), (leaf * 1, "recorded operation")):
        before = x.data.copy()
        with pytest.raises(errors.GraphError, match=what) as caught:
            change(x, minidl)
        assert "no_grad" in str(caught.value)
        assert np.array_equal(x.data, before)
        with minidl.no_grad():
            change(x, minidl)
        assert not np.array_equal(x.data, before)


@pytest.mark.parametrize("name", ["add_", "sub_", "mul_", "div_", "copy_", "fill_", "tensor[index] = value"])
def test_refused_where_the_operands_gradient_would_be_lost(name):
    x, w = minidl.tensor([1.0, 2.0]), minidl.tensor(3.0, requires_grad=True)
    calls = {"tensor[index] = value": lambda: x.__setitem__(0, w)}
    with pytest.raises(errors.GraphError, match=r"operand.*requires a gradient.*lose") as caught:
        calls.get(name, lambda: getattr(x, name)(w))()
    assert str(caught.value).startswith(name) and "detach" in str(caught.value)
    assert x.tolist() == [1, 2]
    x.add_(w.detach())
    with minidl.no_grad():
        x.add_(w)
    assert x.tolist() == [7, 8]


@pytest.mark.parametrize("symbol", ["+=", "-=", "*=", "/="])
def test_augmented_assignment(symbol):
    def assign(x, y):
        space = {"x": x, "y": y}
        exec(f"x {symbol} y", space)
        return space["x"]

    plain = minidl.tensor([2.0, 4.0])
    assert assign(plain, 2) is plain  # no graph: in place
    w = minidl.tensor([1.0, 2.0], requires_grad=True)
    assert assign(plain, w) is not plain and plain.requires_grad is False  # a graph begins: a new tensor
    result = w * 3
    memory = result.data.copy()
    changed = assign(result, w)
    assert changed is not result and np.array_equal(result.data, memory)  # inside a graph: x = x + y
    changed.sum().backward()
    assert w.grad is not None
    with pytest.raises(errors.GraphError, match="leaf"):
        assign(w, 1)  # the name w would stop meaning the leaf: refused
    with minidl.no_grad():
        assert assign(w, 1) is w


def test_augmented_assignment_to_an_index():
    x = minidl.tensor([1.0, 2.0, 3.0])
    x[0] += 10
    x[1:] *= 2
    x[[0, 2]] -= 1
    assert x.tolist() == [10, 4, 5]
    with pytest.raises(errors.GraphError):
        w = minidl.tensor(1.0, requires_grad=True)
        x[0] += w


@pytest.mark.parametrize(
    ("change", "kind", "fragments"),
    [
        (lambda x: x.add_([1.0, 2.0]), errors.ShapeError, ("add_", "float32 (2, 3)", "broadcast")),
        (lambda x: x.mul_(np.ones((4, 2, 3))), errors.ShapeError, ("mul_", "(4, 2, 3)", "(2, 3)")),
        (lambda x: x.long().add_(1.5), errors.DTypeError, ("add_", "int64", "1.5", ".float()")),
        (lambda x: x.long().div_(2), errors.DTypeError, ("div_", "int64")),
        (lambda x: x.bool().sub_(x.bool()), errors.DTypeError, ("sub_", "bool")),
        (lambda x: x.copy_(np.ones(2)), errors.ShapeError, ("copy_", "(2,)", "(2, 3)")),
        (lambda x: x.fill_([1, 2]), errors.DTypeError, ("fill_", "one number", "[1, 2]")),
        (lambda x: x.fill_("a"), errors.DTypeError, ("fill_", "'a'")),
        (lambda x: x.__setitem__(5, 0), errors.LabelError, ("index int 5", "float32 (2, 3)", "out of bounds")),
        (lambda x: x.__setitem__(0, [1, 2]), errors.ShapeError, ("value", "[1, 2]", "(2, 3)")),
        (lambda x: x.__setitem__(1.5, 0), errors.DTypeError, ("float 1.5", "integers")),
        (lambda x: x.expand(4, 2, 3).add_(1), errors.GraphError, ("read-only", "clone")),
        (lambda x: minidl.tensor(np.uint8(3)).add_(300), errors.DTypeError, ("add_", "300", "uint8")),
    ],
)
def test_mistakes(change, kind, fragments):
    with pytest.raises(kind) as caught:
        change(minidl.tensor(DATA))
    for fragment in fragments:
        assert fragment in str(caught.value)
