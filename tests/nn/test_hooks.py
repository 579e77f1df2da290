"""Hooks of modules: when they run, what they see, and what they leave as it was."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.creation import ones, randn
from minidl.errors import ShapeError, StateDictError
from minidl.functional import checkpoint
from minidl.functions import equal


def layer():
    made = nn.Linear(2, 2, bias=False)
    with minidl.no_grad():
        made.weight.copy_(np.array([[1.0, 2.0], [3.0, 4.0]]))
    return made


def test_the_order_of_everything():
    seen = []
    fc = layer()
    model = nn.Sequential(fc, nn.ReLU())
    fc.register_forward_pre_hook(lambda m, args: seen.append("before"))
    fc.register_forward_pre_hook(lambda m, args: seen.append("before that"), prepend=True)
    fc.register_forward_hook(lambda m, args, y: seen.append("after"))
    fc.register_forward_hook(lambda m, args, y: seen.append("first after"), prepend=True)
    fc.register_full_backward_hook(lambda m, before, after: seen.append("gradient in"))
    fc.register_full_backward_pre_hook(lambda m, after: seen.append("gradient out"))
    model.register_forward_hook(lambda m, args, y: seen.append("model"))
    y = model(ones(1, 2).requires_grad_())
    assert seen == ["before that", "before", "first after", "after", "model"]
    y.sum().backward()
    assert seen[5:] == ["gradient out", "gradient in"]


def test_what_they_are_given():
    fc, x, seen = layer(), ones(1, 2).requires_grad_(), {}
    fc.register_forward_pre_hook(lambda m, args, kwargs: seen.update(before=(m, args, kwargs)), with_kwargs=True)
    fc.register_forward_hook(lambda m, args, kwargs, y: seen.update(after=(m, args, kwargs, y)), with_kwargs=True)
    fc.register_full_backward_hook(lambda m, before, after: seen.update(gradients=(m, before, after)))
    y = fc(x)
    assert seen["before"] == (fc, (x,), {})
    m, (given,), kwargs, result = seen["after"]
    assert m is fc and kwargs == {} and equal(given, x) and equal(result, y)
    (y * minidl.tensor([[1.0, 10.0]])).sum().backward()
    m, before, after = seen["gradients"]
    assert (
        m is fc and [g.tolist() for g in before] == [[[31.0, 42.0]]] and [g.tolist() for g in after] == [[[1.0, 10.0]]]
    )
    fc(input=x)
    assert seen["before"] == (fc, (), {"input": x})


def test_a_handle_takes_its_own_hook_away():
    fc, seen = layer(), []
    hook = lambda m, args: seen.append(1)  # noqa: E731
    first, _ = fc.register_forward_pre_hook(hook), fc.register_forward_pre_hook(hook)
    first.remove()
    first.remove()
    fc(ones(1, 2))
    assert seen == [1]


def test_always_call():
    fc, seen = layer(), []
    fc.register_forward_hook(lambda m, args, y: seen.append("usual"))
    fc.register_forward_hook(lambda m, args, y: seen.append(y), always_call=True)
    with pytest.raises(ShapeError):
        fc(ones(1, 3))
    assert seen == [None]
    fc(ones(1, 2))
    assert seen[1] == "usual" and seen[2].shape == (1, 2)


def test_an_error_in_a_hook_that_is_always_called_does_not_hide_the_first():
    fc = layer()
    fc.register_forward_hook(lambda m, args, y: y.nothing, always_call=True)
    with pytest.warns(UserWarning, match="always_call raised"), pytest.raises(ShapeError):
        fc(ones(1, 3))


def test_errors_inside_name_the_layer():
    model = nn.Sequential(nn.ReLU(), layer())
    model[1].register_forward_hook(lambda m, args, y: y @ ones(5))
    with pytest.raises(ShapeError, match=re.escape("layer: 1 (Linear)")):
        model(ones(1, 2))


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook", "reference"])
def test_gradients_are_changed_in_every_mode(mode):
    fc, x = layer(), ones(1, 2).requires_grad_()
    fc.register_full_backward_pre_hook(lambda m, after: (after[0] * 2,))
    fc.register_full_backward_hook(lambda m, before, after: before[0] * 5)
    with minidl.mode(mode):
        fc(x).sum().backward()
    assert x.grad.tolist() == [[40.0, 60.0]] and fc.weight.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_gradients_of_gradients_pass_them():
    fc, x = layer(), ones(1, 2).requires_grad_()
    fc.register_full_backward_hook(lambda m, before, after: (before[0] * 3,))
    (fc(x) ** 2).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    first = x.grad
    x.grad = None
    first.sum().backward()  # of 3 · 2 Wᵀ W x; on its way back to x this gradient meets the hook too, hence 3 · 6
    w = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(x.grad.numpy()[0], 18 * (w.T @ w) @ np.ones(2), rtol=1e-6)


def test_no_input_and_several_outputs():
    class Two(nn.Module):
        def forward(self, n, x):
            return x * n, "text", x + n

    two, seen = Two(), []
    two.register_full_backward_hook(lambda m, before, after: seen.append((before, after)))
    x = ones(2).requires_grad_()
    a, text, _ = two(3, x)
    assert text == "text"
    a.sum().backward()
    (before, after) = seen[0]
    assert before[0] is None and before[1].tolist() == [3, 3]
    assert after[0].tolist() == [1, 1] and after[1] is None and after[2].tolist() == [0, 0]


def test_nothing_to_differentiate():
    fc, seen = layer(), []
    fc.register_full_backward_hook(lambda m, before, after: seen.append(1))
    with minidl.no_grad():
        assert not fc(ones(1, 2)).requires_grad
    fc.requires_grad_(False)
    assert not fc(ones(1, 2)).requires_grad and not seen


def test_checkpointing_meets_the_hooks_again():
    fc, x, seen = layer(), randn(1, 2).requires_grad_(), []
    fc.register_forward_hook(lambda m, args, y: y * 2)
    fc.register_full_backward_hook(lambda m, before, after: seen.append(before[0].tolist()))
    fc(x).sum().backward()
    expected, x.grad = x.grad, None
    checkpoint(fc, x).sum().backward()
    assert equal(x.grad, expected) and seen[0] == seen[1]


def test_a_hooked_input_may_change_later():
    """The identity that watches saves nothing, so nothing of it can be out of date."""
    fc = nn.ReLU()
    fc.register_full_backward_hook(lambda m, before, after: None)
    x = ones(2).requires_grad_()
    h = x * 1
    y = fc(h) + 0
    with minidl.no_grad():
        h.add_(1)
    y = nn.Sequential()(h)
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_copies_have_the_hooks_of_their_own():
    fc, seen = layer(), []
    fc.register_forward_hook(lambda m, args, y: seen.append(m))
    twin = copy.deepcopy(fc)
    twin.register_forward_hook(lambda m, args, y: seen.append("twin"))
    fc(ones(1, 2))
    assert seen == [fc]
    twin(ones(1, 2))
    assert seen[1:] == [twin, "twin"]


def test_hooks_of_the_state():
    fc, seen = layer(), []
    model = nn.Sequential(nn.ReLU(), fc)
    fc.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append((m, prefix, keep)))

    def rename(m, state, prefix, metadata):
        state[prefix + "gamma"] = state.pop(prefix + "weight")

    handle = fc.register_state_dict_post_hook(rename)
    state = model.state_dict()
    assert seen == [(fc, "1.", False)] and list(state) == ["1.gamma"]
    handle.remove()
    assert list(model.state_dict(prefix="a.", keep_vars=True)) == ["a.1.weight"] and seen[1] == (fc, "a.1.", True)

    def rename_back(m, state, prefix, metadata, strict, missing, unexpected, errors):
        assert strict and m is fc
        state[prefix + "weight"] = state.pop(prefix + "gamma")

    fc.register_load_state_dict_pre_hook(rename_back)
    fc.register_load_state_dict_post_hook(lambda m, keys: seen.append(keys))
    result = model.load_state_dict({"1.gamma": np.zeros((2, 2))})
    assert fc.weight.tolist() == [[0, 0], [0, 0]] and seen[2] is result and not result.missing_keys


def test_a_hook_may_refuse_a_state():
    fc = layer()
    fc.register_load_state_dict_pre_hook(lambda *args: args[-1].append("too old"))
    with pytest.raises(StateDictError, match="hooks of Linear say: too old"):
        fc.load_state_dict(fc.state_dict())
    assert fc.weight.tolist() == [[1, 2], [3, 4]]
    other = layer()
    other.register_load_state_dict_pre_hook(lambda *args: args[-3].append("lost"))
    with pytest.raises(StateDictError, match=r"missing \(1\):\n    'lost'"):
        other.load_state_dict(other.state_dict())
