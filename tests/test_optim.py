"""Optimizers: the plain update, the kernel and the definition agree; PyTorch agrees step for step; errors are clear."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minidl
from minidl.errors import AnomalyError, ArgumentError, DTypeError, GraphError, ShapeError, StateDictError
from minidl.kernels.reference import optimize as definition
from minidl.optim import SGD, Adam, AdamW, Optimizer, clip_grad_norm_, clip_grad_value_
from minidl.tensor import Parameter

CONFIGURATIONS = [
    *[
        (SGD, {"lr": 0.1, "momentum": mu, "dampening": tau, "weight_decay": wd, "nesterov": nesterov, "maximize": up})
        for mu, tau, nesterov in ((0.0, 0.0, False), (0.9, 0.0, False), (0.9, 0.3, False), (0.8, 0.0, True))
        for wd, up in ((0.0, False), (0.01, True))
    ],
    *[
        (kind, {"lr": 0.02, "betas": betas, "eps": eps, "weight_decay": wd, "maximize": up})
        for kind in (Adam, AdamW)
        for betas, eps in (((0.9, 0.999), 1e-8), ((0.0, 0.5), 1e-3))
        for wd, up in ((0.0, False), (0.1, True))
    ],
]
each_configuration = pytest.mark.parametrize(("kind", "options"), CONFIGURATIONS)


def parameters(rng, dtype="float64", shapes=((5, 3), (7,), ())):
    return [Parameter(np.asarray(rng.normal(size=shape)).astype(dtype)) for shape in shapes]


def set_gradients(params, rng):
    for p in params:
        p.grad = minidl.tensor(np.asarray(rng.normal(size=p.shape)).astype(p.dtype))


def by_definition(kind, options, p, gradients):
    """The values of one parameter after each step, from kernels/reference."""
    options = dict(options)
    values = []
    if kind is SGD:
        state = [np.zeros_like(p)]
        for i, g in enumerate(gradients):
            p, *state = definition.sgd_step(p, g, *state, first=i == 0, **options)
            values.append(p)
        return values
    state = [np.zeros_like(p), np.zeros_like(p)]
    for i, g in enumerate(gradients):
        p, *state = definition.adam_step(p, g, *state, step=i + 1, decoupled=kind is AdamW, **options)
        values.append(p)
    return values


@each_configuration
@pytest.mark.parametrize("mode", ["plain", "fast"])
def test_is_its_definition(kind, options, mode, rng):
    (p,) = parameters(rng, shapes=((4, 6),))
    gradients = rng.normal(size=(6, 4, 6))
    expected = by_definition(kind, options, p.data.copy(), gradients)
    optimizer = kind([p], **options)
    with minidl.mode(mode):
        for g, value in zip(gradients, expected, strict=True):
            p.grad = minidl.tensor(g)
            optimizer.step()
            np.testing.assert_allclose(p.data, value, rtol=1e-12, atol=1e-14)


@each_configuration
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 1000, (1 << 17) + 77])
def test_kernel_and_plain_update_are_the_same_bits(kind, options, dtype, size, rng):
    start, gradients = rng.normal(size=size).astype(dtype), rng.normal(size=(3, size)).astype(dtype)
    results = []
    for mode in ("plain", "fast"):
        p = Parameter(start.copy())
        optimizer = kind([p], **options)
        with minidl.mode(mode):
            for g in gradients:
                p.grad = minidl.tensor(g)
                optimizer.step()
        results.append([p.data, *[v for v in optimizer.state[p].values() if isinstance(v, np.ndarray)]])
    for plain, fast in zip(*results, strict=True):
        assert plain.dtype == fast.dtype == dtype
        np.testing.assert_array_equal(plain, fast)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
@pytest.mark.parametrize("layout", ["transposed", "strided", "gradient transposed", "float16", "empty"])
def test_any_layout_and_dtype(kind, layout, rng):
    def make(array):
        p = Parameter(array.copy())
        if layout == "transposed":
            p.data = p.data.T
        elif layout == "strided":
            p.data = np.repeat(p.data, 2, axis=0)[::2]
        return p

    array = rng.normal(size=(0, 3) if layout == "empty" else (4, 4))
    array = array.astype("float16" if layout == "float16" else "float32")
    options = {"momentum": 0.9} if kind is SGD else {}
    results = []
    for mode in ("plain", "fast"):
        p = make(array)
        before, memory = p.data.copy(), p.data
        optimizer = kind([p], lr=0.1, **options)
        with minidl.mode(mode):
            for scale in (1, 2):
                gradient = scale * np.linspace(-1, 1, p.data.size, dtype=p.dtype).reshape(p.shape)
                p.grad = minidl.Tensor(np.asfortranarray(gradient) if layout == "gradient transposed" else gradient)
                optimizer.step()
        assert p.data is memory
        assert layout == "empty" or not np.array_equal(p.data, before)
        results.append(p.data)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_gradient_of_a_learning_rate_as_numpy_scalar_keeps_float32(kind, rng):
    (p,) = parameters(rng, "float32", ((3,),))
    twin = Parameter(p.data.copy())
    for q, lr, mode in ((p, np.float64(0.1), "plain"), (twin, 0.1, "fast")):
        optimizer = kind([q], lr=lr)
        q.grad = minidl.tensor(np.ones(3, np.float32))
        with minidl.mode(mode):
            optimizer.step()
    np.testing.assert_array_equal(p.data, twin.data)


# Against PyTorch ------------------------------------------------------------------------------------------------------


def random_options(kind, rng):
    options = {
        "lr": float(10 ** rng.uniform(-3, -0.5)),
        "weight_decay": float(rng.choice([0.0, 0.01, 0.3])),
        "maximize": bool(rng.integers(2)),
    }
    if kind is SGD:
        options["momentum"] = float(rng.choice([0.0, 0.5, 0.95]))
        options["nesterov"] = bool(options["momentum"] and rng.integers(2))
        options["dampening"] = 0.0 if options["nesterov"] else float(rng.choice([0.0, 0.4]))
    else:
        options["betas"] = (float(rng.choice([0.0, 0.7, 0.9])), float(rng.choice([0.5, 0.99, 0.999])))
        options["eps"] = float(10 ** rng.uniform(-9, -2))
    return options


@pytest.mark.oracle
@pytest.mark.parametrize("number", range(14))
@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_steps_as_pytorch(kind, number, rng):
    import torch

    options = random_options(kind, rng)
    special = {"lr": options["lr"] * 3, "weight_decay": 0.05}
    ours = parameters(rng)
    theirs = [torch.tensor(p.data.copy(), requires_grad=True) for p in ours]
    optimizers = [
        cls([{"params": params[:2]}, {"params": params[2:], **special}], **options)
        for cls, params in ((kind, ours), (getattr(torch.optim, kind.__name__), theirs))
    ]
    for step in range(10):
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            g = np.asarray(rng.normal(size=a.shape)) * 10 ** rng.uniform(-3, 1)
            left_out = step % 4 == 1 and i == 1  # a parameter without a gradient keeps its value and its state
            a.grad, b.grad = (None, None) if left_out else (minidl.tensor(g), torch.tensor(g))
        for optimizer in optimizers:
            optimizer.step()
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.oracle
@pytest.mark.parametrize(("kind", "options"), [(SGD, {"momentum": 0.9}), (SGD, {}), (Adam, {}), (AdamW, {"lr": 0.01})])
def test_goes_on_from_a_state_dict_of_pytorch(kind, options, rng):
    import torch

    ours = parameters(rng)
    theirs = [torch.tensor(p.data.copy(), requires_grad=True) for p in ours]
    judge = getattr(torch.optim, kind.__name__)(theirs, **options)
    mine = kind(ours, lr=123.0)
    for step in range(4):
        for a, b in zip(ours, theirs, strict=True):
            g = np.asarray(rng.normal(size=a.shape))
            a.grad, b.grad = minidl.tensor(g), torch.tensor(g)
        judge.step()
        if step == 1:
            for a, b in zip(ours, theirs, strict=True):
                a.data[...] = b.detach().numpy()
            mine.load_state_dict(judge.state_dict())
        elif step > 1:
            mine.step()
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12)


@pytest.mark.oracle
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.5, float("inf")])
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_as_pytorch(norm_type, max_norm, rng):
    import torch

    ours = parameters(rng)
    set_gradients(ours, rng)
    theirs = [torch.tensor(p.data, requires_grad=True) for p in ours]
    for a, b in zip(ours, theirs, strict=True):
        b.grad = torch.tensor(a.grad.data.copy())
    norm = clip_grad_norm_(ours, max_norm, norm_type)
    judge = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    np.testing.assert_allclose(float(norm), float(judge), rtol=1e-12)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.data, b.grad.numpy(), rtol=1e-12)


# The loop -------------------------------------------------------------------------------------------------------------


def test_zero_grad(rng):
    params = parameters(rng)
    set_gradients(params, rng)
    memory = params[0].grad.data
    params[1].grad = None
    optimizer = SGD(params)
    optimizer.zero_grad(set_to_none=False)
    assert params[0].grad.data is memory
    assert not memory.any()
    assert params[1].grad is None
    optimizer.zero_grad()
    assert all(p.grad is None for p in params)


def test_closure_runs_with_recording_on_and_its_loss_comes_back(rng):
    (p,) = parameters(rng, shapes=((3,),))
    optimizer = SGD([p], lr=0.1)
    before = p.data.copy()

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with minidl.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == pytest.approx((before**2).sum())
    np.testing.assert_allclose(p.data, 0.8 * before)
    assert optimizer.step() is None


def test_the_base_class_is_open_to_other_formulas(rng):
    class SignDescent(Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, p, g, state, group):
            state["count"] = state.get("count", 0) + 1
            p -= group["lr"] * np.sign(g)

    (p,) = parameters(rng, shapes=((3,),))
    before = p.data.copy()
    set_gradients([p], rng)
    optimizer = SignDescent([p], lr=0.5)
    optimizer.step()
    np.testing.assert_array_equal(p.data, before - 0.5 * np.sign(p.grad.data))
    assert optimizer.state_dict()["state"] == {0: {"count": 1}}


def test_a_graph_that_saved_the_old_values_notices_the_step(rng):
    (p,) = parameters(rng, shapes=((3,),))
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    SGD([p], lr=0.1).step()
    with pytest.raises(GraphError, match="changed in place"):
        loss.backward()


def test_clipping_leaves_small_gradients_and_scales_the_rest_by_one_factor(rng):
    params = parameters(rng, "float32")
    set_gradients(params, rng)
    params[1].grad = None
    before = [params[i].grad.data.copy() for i in (0, 2)]
    whole = np.concatenate([g.reshape(-1) for g in before])
    norm = clip_grad_norm_(iter(params), 1e9)
    assert float(norm) == pytest.approx(np.linalg.norm(whole), rel=1e-6)
    assert all((params[i].grad.data == g).all() for i, g in zip((0, 2), before, strict=True))
    clip_grad_norm_(params, 0.25)
    after = np.concatenate([params[i].grad.data.reshape(-1) for i in (0, 2)])
    assert after.dtype == np.float32
    np.testing.assert_allclose(after, 0.25 * whole / np.linalg.norm(whole), rtol=1e-5)
    assert float(clip_grad_norm_([params[1]], 1.0)) == 0.0


def test_clipping_one_tensor_and_by_value(rng):
    (p,) = parameters(rng, shapes=((50,),))
    set_gradients([p], rng)
    before = p.grad.data.copy()
    clip_grad_value_(p, 0.5)
    np.testing.assert_array_equal(p.grad.data, np.clip(before, -0.5, 0.5))
    clip_grad_norm_(p, 0.1)
    assert np.linalg.norm(p.grad.data) == pytest.approx(0.1, rel=1e-4)


# Groups and checkpoints -----------------------------------------------------------------------------------------------


def test_groups_have_options_of_their_own(rng):
    a, b, c = parameters(rng)
    optimizer = SGD([{"params": [a]}, {"params": b, "lr": 0.0}], lr=1.0)
    optimizer.add_param_group({"params": (x for x in [c]), "lr": 2.0})
    before = [p.data.copy() for p in (a, b, c)]
    for p in (a, b, c):
        p.grad = minidl.tensor(np.ones(p.shape))
    optimizer.step()
    for p, old, lr in zip((a, b, c), before, (1.0, 0.0, 2.0), strict=True):
        np.testing.assert_allclose(p.data, old - lr)
    optimizer.param_groups[0]["lr"] = 0.5
    optimizer.step()
    np.testing.assert_allclose(a.data, before[0] - 1.5)
    text = repr(optimizer)
    assert "SGD(" in text
    assert "15 numbers in 1 tensors: lr=0.5" in text


@each_configuration
def test_a_checkpoint_goes_on_bit_for_bit(kind, options, rng, tmp_path):
    first = parameters(rng, "float32")
    gradients = [[np.asarray(rng.normal(size=p.shape)).astype("float32") for p in first] for _ in range(6)]

    def run(optimizer, params, steps):
        for step in steps:
            for p, g in zip(params, gradients[step], strict=True):
                p.grad = minidl.tensor(g)
            optimizer.step()

    straight = kind([{"params": first[:1]}, {"params": first[1:], "lr": 0.3}], **options)
    run(straight, first, range(3))
    second = [Parameter(p.data.copy()) for p in first]
    resumed = kind([{"params": second[:1]}, {"params": second[1:]}])
    saved = straight.state_dict()
    resumed.load_state_dict(saved)
    run(straight, first, range(3, 6))
    run(resumed, second, range(3, 6))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.data, b.data)
    assert resumed.param_groups[1]["lr"] == 0.3
    assert resumed.state_dict()["param_groups"] == straight.state_dict()["param_groups"]


def test_state_dict_has_pytorchs_structure(rng):
    params = parameters(rng)
    optimizer = Adam([{"params": params[:2]}, {"params": params[2:], "lr": 1.0}])
    set_gradients(params[1:], rng)
    optimizer.step()
    saved = optimizer.state_dict()
    assert [group["params"] for group in saved["param_groups"]] == [[0, 1], [2]]
    assert saved["param_groups"][1]["lr"] == 1.0
    assert saved["state"].keys() == {1, 2}
    assert list(saved["state"][1]) == ["step", "exp_avg", "exp_avg_sq"]
    assert saved["state"][1]["exp_avg"].data is optimizer.state[params[1]]["exp_avg"]


def test_loading_copies(rng):
    (p,) = parameters(rng, shapes=((3,),))
    set_gradients([p], rng)
    a, b = Adam([p]), Adam([p])
    a.step()
    b.load_state_dict(a.state_dict())
    assert not np.shares_memory(a.state[p]["exp_avg"], b.state[p]["exp_avg"])


def altered(change):
    """A good state_dict of Adam over shapes (5, 3) and (7,), spoilt."""
    rng = np.random.default_rng(0)
    params = parameters(rng, shapes=((5, 3), (7,)))
    set_gradients(params, rng)
    optimizer = Adam(params)
    optimizer.step()
    state_dict = optimizer.state_dict()
    change(state_dict)
    return state_dict


BAD_STATE_DICTS = {
    "a model's": (lambda d: d.clear(), "expected a dictionary with 'state' and 'param_groups'"),
    "groups": (lambda d: d["param_groups"].append(d["param_groups"][0]), "got 2 parameter groups, expected 1"),
    "a group of another kind": (lambda d: d.update(param_groups=[[0, 1]]), "expected dictionaries with the key"),
    "count": (lambda d: d["param_groups"][0].update(params=[0]), "group 0 has 1 parameters, expected 2"),
    "shape": (lambda d: d["state"][1].update(exp_avg=minidl.tensor([1.0])), "exp_avg of parameter 1 has shape (1,)"),
    "option missing": (lambda d: d["param_groups"][0].pop("betas"), "group 0 lacks betas; Adam has the options lr"),
    "option unknown": (lambda d: d["param_groups"][0].update(amsgrad=True), "has amsgrad=True"),
    "strange state": (lambda d: d["state"].update({9: {}}), "state for parameter 9, which no group lists"),
    "twice": (lambda d: d["param_groups"][0].update(params=[0, 0]), "a parameter number twice"),
}


@pytest.mark.parametrize("name", BAD_STATE_DICTS)
def test_state_dicts_that_do_not_fit(name, rng):
    change, message = BAD_STATE_DICTS[name]
    optimizer = Adam(parameters(rng, shapes=((5, 3), (7,))))
    before = repr(optimizer)
    state_dict = altered(change)
    state_dict.get("state", {}).pop(1, None) if name == "twice" else None
    with pytest.raises(StateDictError, match=re.escape(message)):
        optimizer.load_state_dict(state_dict)
    assert repr(optimizer) == before
    assert not optimizer.state


def test_switches_of_pytorch_that_are_off_do_no_harm(rng):
    optimizer = Adam(parameters(rng, shapes=((5, 3), (7,))))
    optimizer.load_state_dict(altered(lambda d: d["param_groups"][0].update(amsgrad=False, foreach=None)))
    assert "amsgrad" not in optimizer.param_groups[0]


# Errors ---------------------------------------------------------------------------------------------------------------


def leaf():
    return Parameter(np.zeros(3, np.float32))


ERRORS = {
    "empty": (lambda: SGD([]), ArgumentError, "got an empty list"),
    "a single tensor": (lambda: SGD(leaf()), DTypeError, "got a single Tensor"),
    "a number": (lambda: SGD(3), DTypeError, "params: got int 3"),
    "a dictionary": (lambda: SGD({"w": leaf()}), DTypeError, "expected tensors"),
    "an array": (lambda: SGD([np.zeros(3)]), DTypeError, "params[0]: got float64 (3,), expected a Tensor"),
    "named parameters": (lambda: SGD([("w", leaf())]), DTypeError, "named_parameters() gives pairs"),
    "a result": (lambda: SGD([leaf(), leaf() * 2]), GraphError, "params[1], of shape (3,), is the result of 'mul'"),
    "twice": (lambda: SGD([leaf()] * 2), ArgumentError, "params[1], of shape (3,), was given before"),
    "mixed": (lambda: SGD([{"params": leaf()}, leaf()]), DTypeError, "expected a dictionary with the key 'params'"),
    "unknown option": (lambda: SGD([{"params": leaf(), "rate": 1}]), ArgumentError, "SGD has no option 'rate'"),
    "negative lr": (lambda: SGD([leaf()], lr=-1), ArgumentError, "lr: got -1, expected a finite number ≥ 0"),
    "NaN lr": (lambda: Adam([leaf()], lr=float("nan")), ArgumentError, "lr: got nan"),
    "lr of a group": (lambda: SGD([{"params": leaf(), "lr": -2.0}]), ArgumentError, "lr: got -2.0"),
    "lr as text": (lambda: AdamW([leaf()], lr="0.1"), ArgumentError, "lr: got '0.1'"),
    "momentum": (lambda: SGD([leaf()], momentum=-0.1), ArgumentError, "momentum: got -0.1"),
    "weight decay": (lambda: AdamW([leaf()], weight_decay=-0.1), ArgumentError, "weight_decay: got -0.1"),
    "nesterov": (lambda: SGD([leaf()], nesterov=True), ArgumentError, "expected momentum > 0 and dampening = 0"),
    "betas": (lambda: Adam([leaf()], betas=(0.9, 1.0)), ArgumentError, "betas: got (0.9, 1.0), expected two numbers"),
    "one beta": (lambda: Adam([leaf()], betas=0.9), ArgumentError, "betas: got 0.9"),
    "max_norm": (lambda: clip_grad_norm_([], -1.0), ArgumentError, "max_norm: got -1.0"),
    "norm_type": (lambda: clip_grad_norm_([], 1.0, 0), ArgumentError, "norm_type: got 0"),
    "clip_value": (lambda: clip_grad_value_([], float("nan")), ArgumentError, "clip_value: got nan"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=re.escape(message)):
        call()


def test_a_group_that_is_refused_leaves_the_optimizer_as_it_was():
    p = leaf()
    optimizer = SGD([p])
    with pytest.raises(ArgumentError):
        optimizer.add_param_group({"params": [leaf(), p]})
    assert len(optimizer.param_groups) == 1


def test_a_gradient_of_another_shape():
    p = leaf()
    p.grad = minidl.tensor([1.0])
    with pytest.raises(ShapeError, match=r"shape \(3,\) has a gradient of shape \(1,\)"):
        SGD([p]).step()


def test_a_norm_that_is_not_finite(rng):
    params = parameters(rng)
    set_gradients(params, rng)
    params[1].grad.data[2] = np.inf
    with pytest.raises(AnomalyError, match=r"is inf; the first that is not finite is number 1, of shape \(7,\)"):
        clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
