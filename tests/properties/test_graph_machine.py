"""Any program at all: build, differentiate, accumulate, retain, detach, zero, change in place; against a model of it.

The model knows nothing of backward passes. It keeps for every result the values it was computed from, and finds
derivatives by dual numbers, forwards, one component at a time. Memory is NumPy's own, so that views and detached
aliases are shared where the engine shares them.
"""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import minidl
from minidl import errors

SIZE = 3


class Expression:
    """A value of the model: what it was made of, and how a change of its parts changes it."""

    def __init__(self, value, parts=(), push=None, needs=()):
        self.value = np.asarray(value)  # shares memory as NumPy's views do
        self.push = push  # tangents of the parts → tangent, at the values that the parts had when this was made
        self.needs = needs  # arrays that a backward pass may have kept
        recording = minidl.is_grad_enabled()
        self.parts = [p for p in parts if p.is_tracked] if recording else []
        self.all_parts = parts
        self.is_leaf_with_gradient = False
        self.grad: Any = None
        self.retains = self.freed = self.doubtful = False

    @property
    def is_tracked(self):
        return self.is_leaf_with_gradient or bool(self.parts)

    def ancestors(self):
        """This and everything it was computed from, parts first."""
        order, seen = [], set()

        def visit(e):
            if id(e) not in seen:
                seen.add(id(e))
                for part in e.parts:
                    visit(part)
                order.append(e)

        visit(self)
        return order

    def tangent(self, source, direction):
        """The change of this value when `source` changes by `direction`."""
        tangents = {}
        for e in self.ancestors():
            if e is source:
                tangents[id(e)] = direction
            elif e.parts:
                zeros = [tangents.get(id(p), np.zeros(np.shape(p.value))) for p in e.all_parts]
                tangents[id(e)] = e.push(*zeros)
            else:
                tangents[id(e)] = np.zeros(np.shape(e.value))
        return tangents[id(self)]

    def gradient(self, source, u):
        """d⟨u, this⟩/d(source), one component after the other."""
        basis = np.eye(source.value.size).reshape(-1, *np.shape(source.value))
        return np.array([np.sum(u * self.tangent(source, e)) for e in basis]).reshape(np.shape(source.value))


UNARY = {
    # name → (engine, model's value, model's push given the input and the output, what may be kept)
    "tanh": (lambda t: t.tanh(), np.tanh, lambda x, y: lambda d: d * (1 - y * y), lambda x, y: [x, y]),
    "sigmoid": (
        lambda t: t.sigmoid(),
        lambda x: 1 / (1 + np.exp(-x)),
        lambda x, y: lambda d: d * y * (1 - y),
        lambda x, y: [x, y],
    ),
    "square": (lambda t: t * t, lambda x: x * x, lambda x, y: lambda d: 2 * x * d, lambda x, y: [x]),
    "neg": (lambda t: -t, lambda x: -x, lambda x, y: lambda d: -d, lambda x, y: []),
    "halve": (lambda t: t / 2, lambda x: x / 2, lambda x, y: lambda d: d / 2, lambda x, y: []),
    "sum": (lambda t: t.sum(), np.sum, lambda x, y: np.sum, lambda x, y: []),
    "reverse": (
        lambda t: t.reshape(-1)[::-1],
        lambda x: x.reshape(-1)[::-1],
        lambda x, y: lambda d: d.reshape(-1)[::-1],
        lambda x, y: [],
    ),
    "first": (
        lambda t: t.reshape(-1)[0],
        lambda x: x.reshape(-1)[:1].reshape(()),
        lambda x, y: lambda d: d.reshape(-1)[0],
        lambda x, y: [],
    ),
}
BINARY = {
    "add": (lambda a, b: a + b, lambda x, w: x + w, lambda x, w: lambda dx, dw: dx + dw, lambda x, w: []),
    "sub": (lambda a, b: a - b, lambda x, w: x - w, lambda x, w: lambda dx, dw: dx - dw, lambda x, w: []),
    "mul": (lambda a, b: a * b, lambda x, w: x * w, lambda x, w: lambda dx, dw: dx * w + x * dw, lambda x, w: [x, w]),
    "max": (
        lambda a, b: a.maximum(b),
        np.maximum,
        lambda x, w: lambda dx, dw: np.where(x > w, dx, np.where(x < w, dw, (dx + dw) / 2)),
        lambda x, w: [x, w],
    ),
}
WAYS = ["add_", "mul_", "fill_", "view", "alias"]
numbers = st.integers(-6, 6).map(lambda n: n / 4)


class Programs(RuleBasedStateMachine):
    """Each value is a pair: the engine's tensor, and the model's expression. The newest are chosen most often."""

    def __init__(self):
        super().__init__()
        self.everything = []

    def choose(self, data, condition=lambda e: True):
        found = [pair for pair in self.everything if condition(pair[1])] or self.everything
        recent = found[-4:]
        return data.draw(st.sampled_from(recent + recent + found))

    def keep(self, tensor, expression):
        assert tensor.shape == np.shape(expression.value)
        assert tensor.requires_grad == expression.is_tracked
        self.everything.append((tensor, expression))

    # Building --------------------------------------------------------------------------------------------------------

    @initialize(first=st.lists(numbers, min_size=SIZE, max_size=SIZE), second=numbers)
    def leaves(self, first, second):
        self.leaf(first, True)
        self.leaf(second, True)

    @rule(
        value=st.lists(numbers, min_size=SIZE, max_size=SIZE) | numbers,
        requires_grad=st.sampled_from([True, True, False]),
    )
    def leaf(self, value, requires_grad):
        expression = Expression(np.array(value, float))
        expression.is_leaf_with_gradient = requires_grad
        self.keep(minidl.tensor(value, dtype="float64", requires_grad=requires_grad), expression)

    @rule(
        data=st.data(),
        names=st.lists(st.sampled_from(sorted(UNARY)), min_size=1, max_size=3),
        then=st.sampled_from(["go on", "differentiate", "change"]),
    )
    def unary(self, data, names, then):
        tensor, expression = self.choose(data)
        for name in names:
            engine, value, push, needs = UNARY[name]
            x = expression.value
            y = np.asarray(value(x))
            tensor, expression = engine(tensor), Expression(y, [expression], push(x.copy(), np.copy(y)), needs(x, y))
            self.keep(tensor, expression)
        self.go_on(data, then)

    def go_on(self, data, then):
        """What matters needs to follow closely, or it would hardly ever happen."""
        if then == "change":
            self.change(data, 0.5, data.draw(st.sampled_from(WAYS)))
        if then != "go on":
            self.differentiate(data, data.draw(st.sampled_from(["retain", "create"])))

    @rule(
        data=st.data(),
        names=st.lists(st.sampled_from(sorted(BINARY)), min_size=1, max_size=2),
        then=st.sampled_from(["go on", "differentiate", "change"]),
    )
    def binary(self, data, names, then):
        for name in names:
            engine, value, push, needs = BINARY[name]
            (left, a), (right, b) = self.choose(data), self.choose(data)
            x, w = a.value, b.value
            result = np.asarray(value(x, w))
            self.keep(engine(left, right), Expression(result, [a, b], push(x.copy(), w.copy()), needs(x, w)))
        self.go_on(data, then)

    @rule(data=st.data())
    def outside_the_graph(self, data):
        tensor, expression = self.choose(data)
        self.keep(tensor.detach(), Expression(expression.value))
        with minidl.no_grad():
            self.keep(tensor * 2, Expression(expression.value * 2))

    # Differentiating -------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def retain(self, data):
        tensor, expression = self.choose(data, lambda e: e.is_tracked)
        if expression.is_tracked:
            tensor.retain_grad()
            expression.retains = bool(expression.parts)

    @rule(data=st.data(), hows=st.lists(st.sampled_from(["once", "retain", "create"]), min_size=1, max_size=3))
    def backward(self, data, hows):
        for how in hows:
            self.differentiate(data, how)

    def differentiate(self, data, how):
        wanted = {
            "fresh": lambda e: bool(e.parts) and not any(p.freed for p in e.ancestors()),
            "result": lambda e: bool(e.parts),
            "any": lambda e: True,
        }
        tensor, expression = self.choose(data, wanted[data.draw(st.sampled_from(["fresh", "fresh", "result", "any"]))])
        shape = np.shape(expression.value)
        u = np.array(data.draw(st.lists(numbers, min_size=SIZE, max_size=SIZE)))[: expression.value.size].reshape(shape)
        inner = [e for e in expression.ancestors() if e.parts]
        try:
            tensor.backward(u, retain_graph=how != "once", create_graph=how == "create")
        except errors.GraphError as error:
            self.check_excuse(str(error), expression, inner)
            return
        assert expression.is_tracked
        assert not any(e.freed for e in inner)
        for each in expression.ancestors():
            if each.is_leaf_with_gradient or each.retains:
                found = expression.gradient(each, u)
                each.grad = found if each.grad is None else each.grad + found
        for e in inner:
            e.freed = how == "once"

    def check_excuse(self, text, expression, inner):
        """An error must have its reason; what it left behind in the middle of the graph is not promised."""
        if not expression.is_tracked:
            assert "not computed from anything that requires a gradient" in text
            return
        assert any(e.doubtful or (e.freed and "freed" in text) for e in inner), text
        for e in inner:
            e.doubtful = True
            if e.retains:
                e.grad = None
        for tensor, e in self.everything:
            if any(e is each for each in inner) and e.retains:
                tensor.grad = None

    # Changing --------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), number=numbers, how=st.sampled_from(WAYS))
    def change(self, data, number, how):
        tensor, expression = self.choose(data)
        memory = expression.value
        with minidl.no_grad():
            if how == "view":
                tensor.reshape(-1)[:1].fill_(number)
                memory.reshape(-1)[:1] = number
            else:
                (tensor.detach().add_ if how == "alias" else getattr(tensor, how))(number)
                memory[...] = {"fill_": number, "mul_": memory * number}.get(how, memory + number)
        for e in {id(e): e for _, root in self.everything for e in root.ancestors()}.values():
            if any(np.shares_memory(kept, memory) for kept in e.needs):
                e.doubtful = True

    @rule(data=st.data())
    def change_where_a_graph_is_recorded(self, data):
        tensor, expression = self.choose(data, lambda e: e.is_tracked)
        if expression.is_tracked:
            before = tensor.data.copy()
            with pytest.raises(errors.GraphError):
                tensor.add_(1)
            np.testing.assert_array_equal(tensor.data, before)

    @rule(data=st.data(), how=st.sampled_from(["none", "zero_"]))
    def zero_gradient(self, data, how):
        tensor, expression = self.choose(data)
        if tensor.grad is not None:
            tensor.grad = None if how == "none" else tensor.grad.detach().zero_()
            expression.grad = None if how == "none" else np.zeros(np.shape(expression.value))

    @precondition(lambda self: len(self.everything) > 4)
    @rule(data=st.data())
    def forget(self, data):
        """A tensor goes out of scope; what hangs on it stays."""
        tensor, _ = self.choose(data)
        self.everything = [each for each in self.everything if each[0] is not tensor]

    # Always ----------------------------------------------------------------------------------------------------------

    @invariant()
    def values_and_gradients_agree(self):
        for tensor, expression in self.everything:
            np.testing.assert_allclose(tensor.data, expression.value, rtol=1e-12, atol=1e-12)
            if expression.grad is None:
                assert tensor.grad is None
            else:
                np.testing.assert_allclose(tensor.grad.data, expression.grad, rtol=1e-9, atol=1e-9)
                assert tensor.grad.shape == tensor.shape


Programs.TestCase.settings = settings(stateful_step_count=30)
TestPrograms = Programs.TestCase
