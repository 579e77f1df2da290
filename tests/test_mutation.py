"""The tests are tested: a wrong gradient, in any operation, is noticed by the finite differences of test_operations.py.

Mutants of two kinds. By rule: every operation's gradients are negated, scaled, turned, mixed up, or dropped on their
way out. By hand: one term or factor is struck from the text of a backward, as an author would forget it.
"""

from __future__ import annotations

import ast
import inspect
import sys

import numpy as np
import pytest

from minidl.op import REGISTRY, Fused

from .samples import all_samples
from .witnesses import call, check_slopes, cotangents, pullback, slopes

SAMPLES = {}
for each in all_samples():
    if each.inputs() and any(isinstance(a, np.ndarray) and a.dtype.kind == "f" and a.size for a in each.inputs()):
        SAMPLES.setdefault(each.operation, []).append(each)


def reversed_along(axis):
    return lambda g, others: np.flip(g, axis) if g.ndim > axis else g


def largest_times(factor):
    def mutate(g, others):
        g = g.copy()
        if g.size:
            g.flat[np.abs(g).argmax()] *= factor
        return g

    return mutate


# A mutant gets the gradient of one input, and those of the other inputs.
MUTANTS = {
    "negated": lambda g, others: -g,
    "one percent too large": lambda g, others: 1.01 * g,
    "halved": lambda g, others: g / 2,
    "dropped": lambda g, others: 0 * g,
    "reversed along axis 0": reversed_along(0),
    "reversed along axis 1": reversed_along(1),
    "reversed along axis 2": reversed_along(2),
    "transposed": lambda g, others: g.T if g.ndim > 1 and g.T.shape == g.shape else g,
    "rolled": lambda g, others: np.roll(g, 1),
    "without its mean": lambda g, others: g - g.mean() if g.size else g,
    "without its mean along the last axis": lambda g, others: g - g.mean(-1, keepdims=True) if g.ndim and g.size else g,
    "its mean only": lambda g, others: np.full_like(g, g.mean()) if g.size else g,
    "that of another input": lambda g, others: next((o for o in others if o.shape == g.shape), g),
    "with another input's added": lambda g, others: g + next((o for o in others if o.shape == g.shape), 0 * g),
    "its sign only": lambda g, others: np.sign(g),
    "one element dropped": largest_times(0),
    "one element negated": largest_times(-1),
    "one element one percent too large": largest_times(1.01),
}


class Mutated:
    """An operation whose gradient for one input has been tampered with."""

    def __init__(self, operation, position, mutate):
        self.operation, self.position, self.mutate = operation, position, mutate

    def __enter__(self):
        original = self.operation.pull

        def pull(node, dys, wanted, create_graph):
            gradients = list(original(node, dys, wanted, create_graph))
            others = [g for i, g in enumerate(gradients) if g is not None and i != self.position]
            g = self.operation.conform(gradients[self.position], *node_input(node, self.position), node, self.position)
            gradients[self.position] = np.asarray(self.mutate(np.asarray(g), others))
            return tuple(gradients)

        self.operation.pull = pull

    def __exit__(self, *exception):
        del self.operation.pull


def node_input(node, position):
    """Shape and dtype of an input of a node."""
    parent, index = node.edges[position]
    return (parent.data.shape, parent.data.dtype) if hasattr(parent, "data") else parent.outputs[index][:2]


def notices(gradients, found):
    """Whether the check fails."""
    try:
        check_slopes(gradients, found)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_tampered_gradient_is_noticed(name):
    """In every sample where the mutant changes anything; and each mutant changes something in some sample."""
    operation, changed, blind = REGISTRY[name], set(), []
    for sample in SAMPLES[name][:4]:
        inputs, params = sample.inputs(), sample.params
        us = cotangents(call(name, inputs, params))
        found = slopes(name, inputs, params, us)
        true = pullback(name, inputs, params, us)
        assert not notices(true, found)
        for position, g in true.items():
            scale = 1e-3 * max(1.0, np.abs(g).max(initial=0))
            for mutant, mutate in MUTANTS.items():
                with Mutated(operation, position, mutate):
                    wrong = pullback(name, inputs, params, us)
                if np.abs(wrong[position] - g).max(initial=0) > scale:
                    changed.add(mutant)
                    if not notices(wrong, found):
                        blind.append(f"{sample}: input {position} {mutant}")
    assert not blind, "\n".join(blind)
    assert {"negated", "one percent too large", "dropped", "one element negated"} <= changed


BY_HAND = [
    # (operation, where the text stands, what is struck, what stands there instead)
    (
        "layer_norm",
        "layer_norm_backward",
        " - n * mean(g * n, axis=axes, keepdims=True)",
        "",
    ),  # no path by the variance
    ("layer_norm", "layer_norm_backward", " - mean(g, axis=axes, keepdims=True)", ""),  # none by the mean
    ("layer_norm", "layer_norm_backward", "* r  #", "#"),
    ("layer_norm", "layer_norm_backward", "dy if w is None else dy * w", "dy"),
    ("layer_norm", "layer_norm_backward", "sum(dy * n, axis=samples)", "sum(g * n, axis=samples)"),
    ("rms_norm", "rms_norm_backward", " - n * mean(g * n, axis=tuple(range(-dims, 0)), keepdims=True)", ""),
    ("rms_norm", "rms_norm_backward", "dy if w is None else dy * w", "dy"),
    ("batch_norm", "batch_norm_backward", " - n * mean(g * n, axis=axes, keepdims=True)", ""),
    ("batch_norm", "batch_norm_backward", " - mean(g, axis=axes, keepdims=True)", ""),
    ("batch_norm", "batch_norm_backward", "2 * dv", "dv"),
    ("batch_norm", "batch_norm_backward", "dm + ", ""),
    ("softmax", "softmax_dx", " - sum(dy * y, axis=axis, keepdims=True)", ""),
    ("softmax", "softmax_dx", "sum(dy * y,", "sum(dy,"),
    ("log_softmax", "log_softmax_dx", "exp(y)", "y"),
    ("cross_entropy", "cross_entropy_backward", " - at_target", ""),
    ("cross_entropy", "cross_entropy_backward", "exp(logp)", "logp"),
    ("cross_entropy", "_spread", 'dy / prod(shape) if reduction == "mean" else dy', "dy"),
    ("bce_with_logits", "bce_with_logits_backward", "sigmoid(x) - target if once", "sigmoid(x) if once"),
    ("bce_with_logits", "bce_with_logits_backward", "- pos_weight * target", "- target"),
    ("bce_with_logits", "bce_with_logits_backward", " - no) if needs[1]", ") if needs[1]"),
    ("bce", "bce_dx", " / maximum(x * (1 - x), 1e-12)", ""),
    ("huber", "huber_dx", "clip(x, low=-delta, high=delta)", "x"),
    ("ctc_loss", "ctc_loss_backward", " + beta - total", " - total"),  # the beginnings without the ends
    ("ctc_loss", "ctc_loss_backward", "z[t + 1] + beta", "beta"),
    ("ctc_loss", "ctc_loss_backward", " + from_here", ""),  # a repeat without a blank between
    ("ctc_loss", "ctc_loss_backward", "_on(input_lengths, t + 1)", "_on(input_lengths, t)"),
    ("ctc_loss", "ctc_loss_backward", "exp(alphas[t] + beta - total), 0.0", "exp(alphas[t] + beta - total), 1.0"),
    ("mse", "mse_backward", "2 * error", "error"),
    ("mse", "mse_backward", "-dx if", "dx if"),
    ("matmul", "matmul_dx", "_fit(dy @ mT(w)", "_fit(dy @ w"),
    ("affine", "affine_backward", "mT(dy_rows) @ rows", "mT(dy_rows) @ -rows"),
    ("conv", "conv_dx", "padding=padding", "padding=(0, 0)"),
    ("conv", "conv_dw", "padding=padding, dilation=dilation", "padding=padding[::-1], dilation=dilation"),
    (
        "conv",
        "conv_dx",
        "stride=stride, padding=padding, dilation=dilation",
        "stride=dilation, padding=padding, dilation=stride",
    ),
    ("conv_input", "conv_input_dw", "ddx, dy, size", "-ddx, dy, size"),
    ("conv_weight", "conv_weight_dx", "dy, ddw, size", "dy, ddw[:, :, ::-1], size"),
    ("max_pool", "max_pool_backward", "unsqueeze(dy, axis=-1), i,", "unsqueeze(dy, axis=-1), 0 * i,"),
    ("avg_pool", "avg_pool_backward", "dy / m", "dy"),
    ("lstm", "lstm_backward", "(dh_n, dc_n)", "(dh_n, dh_n)"),
    ("lstm", "lstm_backward", "dc = dc + dm * o", "dc = dm * o"),  # the memory's own path
    ("lstm", "lstm_backward", "dc * f),", "dc),"),
    ("lstm", "lstm_backward", "dc * c * f", "dc * tanh_c * f"),
    ("lstm", "lstm_backward", "(1 - g * g)", "g * (1 - g)"),
    ("lstm", "lstm_backward", "concatenate(di, df, dg, do, axis=1)", "concatenate(di, df, do, dg, axis=1)"),
    ("lstm", "lstm_backward", "concatenate(*o) * ", ""),
    ("gru", "gru_backward", "dh * z + ", ""),  # what is kept of the old state
    ("gru", "gru_backward", "(h - n)", "h"),
    ("gru", "gru_backward", "u_n * r *", "r *"),
    ("gru", "gru_backward", "da_n * r, axis=1", "da_n, axis=1"),
    ("gru", "gru_backward", "products(da, du", "products(du, du"),
    ("rnn", "rnn_backward", "(1 - h_new * h_new)", "(1 - h * h)"),
    ("rnn", "rnn_backward", "where(h_new > 0, dh, 0.0)", "dh"),
    ("rnn", "rnn_backward", "du @ w_hh", "dh @ w_hh"),
    ("attention", "attention_backward", " - sum(dprob * prob, axis=-1, keepdims=True)", ""),
    ("attention", "attention_backward", "_dropped(do @ mT(v), keep, p)", "do @ mT(v)"),
    ("attention", "attention_backward", "dk = scale * (mT(da) @ q)", "dk = mT(da) @ q"),
    ("attention", "attention_backward", "mT(_dropped(prob, keep, p)) @ do", "mT(prob) @ do"),
    ("elu", "elu_dx", "alpha * input_scale *", "alpha *"),
    ("elu", "elu_dx", "scale * where(", "where("),
    ("mish", "mish_backward", "t + ", ""),
    ("mish", "mish_backward", "(1 - t * t) * ", ""),
    ("prelu", "prelu_dx", "w * dy", "0.0 * dy"),
    ("prelu", "prelu_dw", "where(x > 0, 0.0 * dy, x * dy)", "x * dy"),
    ("remainder", "remainder_dw", " / w", ""),
    ("rsqrt", "rsqrt_dx", " * y * y * y", " * y * y"),
    ("silu", "silu_backward", "1 + x * (1 - s)", "1 + x * s"),
    ("softplus", "softplus_dx", "sigmoid(beta * x)", "sigmoid(x)"),
    ("softplus", "softplus_dx", "beta * x > threshold", "x > threshold"),
    ("gelu", "gelu_dx", " + x * pdf", ""),
    ("gelu", "gelu_dx", "1 + 3 * 0.044715", "1 + 0.044715"),
    ("var", "var_dx", "2 / _degrees", "1 / _degrees"),
    ("var", "var_dx", " - mean(x, axis=axis, keepdims=True)", ""),
    ("logsumexp", "logsumexp_dx", 'exp(x - where(y > -float("inf"), y, 0.0))', "exp(x)"),
    ("std", "std_dx", "dy / where(y == 0, 1.0, y)", "dy"),
    ("std", "std_dx", " - mean(x, axis=axis, keepdims=True)", ""),
    ("prod", "prod_dx", "* _before(lines[..., ::-1])[..., ::-1] ", ""),  # those after
    ("prod", "prod_dx", "transpose(reshape(others, shape=moved), axes=back)", "reshape(others, shape=x_shape)"),
    ("norm", "norm_dx", "** (p - 1)", "** p"),
    ("norm", "norm_dx", "* (x / safe)", "* x"),
    ("cumsum", "cumsum_dx", "cumsum(dy[back], axis=axis)[back]", "cumsum(dy, axis=axis)"),
    ("cumprod", "cumprod_dx", "g[rest] * y[but_last]", "g[rest] * y[rest]"),
    ("linear_scan", "linear_scan_da", "0.0 * g[first]", "g[first]"),
    ("linear_scan", "_from_the_end", "next_[back]", "a[back]"),
    ("solve", "solve_da", "-(solve(", "(solve("),
    ("solve", "solve_db", "mT(a)", "a"),
    ("inv", "inv_da", "mT(y) @ dy @ mT(y)", "y @ dy @ y"),
    ("cholesky", "cholesky_da", "(tril(p) + tril(p, -1)) / 2", "tril(p)"),  # half of the diagonal
    ("cholesky", "cholesky_da", "(s + mT(s)) / 2", "s"),
    ("det", "det_da", "cofactor(a)", "mT(cofactor(a))"),
    ("cofactor", "cofactor_da", " - w @ mT(dy) @ y", ""),
    ("cofactor", "cofactor_da", "w @ mT(dy)", "w @ dy"),
    ("eigh", "eigh_da", "diag_embed(dy[..., 0, :]) + ", ""),
    ("eigh", "eigh_da", "values[..., None, :] - values[..., :, None]", "values[..., :, None] - values[..., None, :]"),
    ("qr", "qr_da", " - mT(dq) @ q", ""),
    ("qr", "qr_da", "tril(m) + mT(tril(m, -1))", "m"),
    ("svd", "svd_da", "(left - mT(left)) * s", "(left - mT(left))"),
    ("svd", "svd_da", "(u @ core + across)", "(u @ core)"),
    ("svd", "svd_da", " + diag_embed(ds)", ""),
    ("pinv", "pinv_da", "- mT(y) @ dy @ mT(y)", ""),
    ("pinv", "pinv_da", "x - a @ (y @ x) + ", ""),
    ("pinv", "pinv_da", " - (z @ y) @ a", ""),
    ("logabsdet", "logabsdet_da", "mT(inv(a))", "inv(a)"),
    ("max", "_to_ties", "(x == _spread(y, shape, axis), 1.0, 0.0)", "(x == x, 1.0, 0.0)"),
    ("pow", "pow_dx", "dy * w *", "dy *"),
    ("pow", "pow_dw", "dy * y *", "dy *"),
    ("div", "div_dw", "-dy * y / w", "-dy * y"),
    ("concatenate", "concatenate_dx", "xs_shape[:position]", "xs_shape[:0]"),
    ("transpose", "transpose_dx", "np.argsort([a % len(axes) for a in axes])", "[a % len(axes) for a in axes]"),
]


@pytest.mark.parametrize(("name", "where", "struck", "instead"), BY_HAND, ids=[f"{n}: {s!r}" for n, _, s, _ in BY_HAND])
def test_every_mistake_in_the_text_is_noticed(name, where, struck, instead):
    operation = REGISTRY[name]
    with Replaced(operation, mutated_page(sys.modules[operation.body.__module__], where, struck, instead)):
        assert any(sample_notices(name, sample) for sample in SAMPLES[name])


@pytest.mark.parametrize("name", sorted({name for name, *_ in BY_HAND}))
def test_a_page_made_anew_without_a_change_passes(name):
    operation = REGISTRY[name]
    where = next(where for each, where, *_ in BY_HAND if each == name)
    with Replaced(operation, mutated_page(sys.modules[operation.body.__module__], where, "return", "return")):
        assert not any(sample_notices(name, sample) for sample in SAMPLES[name])


def mutated_page(module, where, struck, instead):
    """The page's names, with its rules and helpers made anew after a change in the text of one of them."""
    lines = inspect.getsource(module).splitlines(keepends=True)
    tree = ast.parse("".join(lines))
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == where)
    first, last = function.body[ast.get_docstring(function) is not None].lineno - 1, function.end_lineno
    text = "".join(lines[first:last])
    assert struck in text, f"{struck!r} stands no more in {where}"
    tree = ast.parse("".join([*lines[:first], text.replace(struck, instead), *lines[last:]]))
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name not in module.__all__]
    for each in functions:
        each.decorator_list = []
    space = dict(vars(module))
    exec(compile(ast.Module(functions, []), module.__name__, "exec"), space)
    return space


class Replaced:
    """An operation whose rules are taken from another name space."""

    def __init__(self, operation, space):
        self.operation, self.space = operation, space

    def __enter__(self):
        if isinstance(self.operation, Fused):
            self.old = self.operation.rule
            self.operation.rule = self.space[self.old.__name__]
        else:
            self.old = dict(self.operation.rules)
            for name, rule in self.old.items():
                self.operation.rules[name] = rule._replace(function=self.space[rule.function.__name__])
            self.operation._plans.clear()

    def __exit__(self, *exception):
        if isinstance(self.operation, Fused):
            self.operation.rule = self.old
        else:
            self.operation.rules.update(self.old)
            self.operation._plans.clear()


def sample_notices(name, sample):
    inputs, params = sample.inputs(), sample.params
    us = cotangents(call(name, inputs, params))
    try:
        gradients = pullback(name, inputs, params, us)
    except Exception:  # shapes that do not fit any more: noticed without any witness
        return True
    return notices(gradients, slopes(name, inputs, params, us))
