"""What is done to layers: weights in other coordinates, hooks, containers."""

import warnings

from . import call, chance, pick, size
from .embedding import as_tensor


def _layer(rng, nn, name=None):
    """A layer with a weight, and an input for it."""
    name = name or pick(rng, "Linear", "Conv2d", "LayerNorm")
    i, o = size(rng, 1, 4), size(rng, 1, 4)
    if name == "Linear":
        return nn.Linear(i, o, bias=chance(rng)), rng.normal(size=(2, i))
    if name == "Conv2d":
        return nn.Conv2d(i, o, (2, 1)), rng.normal(size=(2, i, 3, 3))
    return nn.LayerNorm(i), rng.normal(size=(2, i))


def _trained_then_not(layer, x):
    first = layer.train()(x)
    return first, layer(x), layer.eval()(x)


def weight_norm(rng, nn):
    layer, x = _layer(rng, nn, pick(rng, "Linear", "Conv2d"))
    return nn.utils.parametrizations.weight_norm(layer, **pick(rng, {}, {"dim": 1}, {"dim": None})), [x], call


def weight_norm_of_a_bias(rng, nn):
    layer, x = _layer(rng, nn, "Conv2d")
    layer = nn.utils.parametrizations.weight_norm(layer, "bias", dim=pick(rng, 0, None))
    return nn.utils.parametrizations.weight_norm(layer) if chance(rng) else layer, [x], call


def spectral_norm(rng, nn):
    layer, x = _layer(rng, nn)
    options = pick(rng, {}, {"n_power_iterations": 3}, {"eps": 1e-3}) | ({"dim": 1} if layer.weight.ndim > 1 else {})
    return nn.utils.parametrizations.spectral_norm(layer, **options), [x], _trained_then_not


def removed_parametrizations(rng, nn):
    layer, x = _layer(rng, nn, pick(rng, "Linear", "Conv2d"))
    norm = pick(rng, nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm)

    def run(layer, x):
        norm(layer)
        layer.eval()
        y = layer(x)
        nn.utils.parametrize.remove_parametrizations(layer, "weight")
        assert not nn.utils.parametrize.is_parametrized(layer)
        return (layer(x) - y).detach()  # nothing changes; the values of u and v are random

    return layer, [x], run


def older_weight_norm(rng, nn):
    layer, x = _layer(rng, nn, pick(rng, "Linear", "Conv2d"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = nn.utils.weight_norm(layer, **pick(rng, {}, {"dim": 1}, {"dim": None}))
    return layer, [x], call


def older_spectral_norm(rng, nn):
    layer, x = _layer(rng, nn, pick(rng, "Linear", "Conv2d"))
    options = pick(rng, {}, {"n_power_iterations": 3}, {"eps": 1e-3}, {"dim": 1})
    return nn.utils.spectral_norm(layer, **options), [x], _trained_then_not


def removed_older_norms(rng, nn):
    layer, x = _layer(rng, nn, pick(rng, "Linear", "Conv2d"))
    weight = chance(rng)

    def run(layer, x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (nn.utils.weight_norm if weight else nn.utils.spectral_norm)(layer)
        layer.eval()
        y = layer(x)
        (nn.utils.remove_weight_norm if weight else nn.utils.remove_spectral_norm)(layer)
        assert list(layer.state_dict())[-1] == "weight"
        return (layer(x) - y).detach()

    return layer, [x], run


def own_parametrization(rng, nn):
    """One that a user writes, alone or after another."""

    class Symmetric(nn.Module):
        def forward(self, x):
            return (x + x.T) / 2

    class Positive(nn.Module):
        def forward(self, x):
            return x.exp()

        def right_inverse(self, x):
            return x.detach().abs().log()

    n = size(rng, 2, 3)
    layer = nn.Linear(n, n)
    kinds = pick(rng, [Symmetric], [Positive], [Symmetric, Positive])
    for kind in kinds:
        options = {"unsafe": True} if nn.__name__ == "torch.nn" else {}
        nn.utils.parametrize.register_parametrization(layer, "weight", kind(), **options)
    return layer, [rng.normal(size=(2, n))], call


def fused(rng, nn):
    """A layer and the batch norm after it as one layer."""
    i, o, kind = size(rng, 1, 3), size(rng, 1, 3), pick(rng, "Linear", "Conv1d", "Conv2d", "ConvTranspose2d")
    bias, options = chance(rng), {"affine": chance(rng, 0.7), "eps": pick(rng, 1e-5, 0.1)}
    if kind == "Linear":
        options["affine"] = True  # PyTorch has no other way here
        pair, shape = nn.Sequential(nn.Linear(i, o, bias=bias), nn.BatchNorm1d(o, **options)), (2, i)
    else:
        axes = int(kind[-2])
        norm = getattr(nn, f"BatchNorm{axes}d")(o, **options)
        pair, shape = nn.Sequential(getattr(nn, kind)(i, o, 2, bias=bias), norm), (2, i, *[4] * axes)

    def run(pair, x):
        pair.eval()
        if kind == "Linear":
            one = nn.utils.fusion.fuse_linear_bn_eval(*pair)
        else:
            one = nn.utils.fusion.fuse_conv_bn_eval(*pair, transpose=kind == "ConvTranspose2d")
        assert type(one) is type(pair[0])
        return one(x), pair(x), one.weight.detach(), one.bias.detach()

    return pair, [rng.normal(size=shape)], run


def forward_hooks(rng, nn):
    layer, x = _layer(rng, nn, "Linear")
    kinds = [pick(rng, "before", "before, keywords", "after", "after, keywords") for _ in range(size(rng, 1, 4))]
    ahead = [chance(rng) for _ in kinds]
    factors = rng.normal(size=len(kinds))
    dropped = chance(rng, 0.3)

    def add(layer, kind, factor, prepend):
        if kind == "before":
            hook = lambda m, args: args[0] * factor + 1  # noqa: E731
            return layer.register_forward_pre_hook(hook, prepend=prepend)
        if kind == "before, keywords":
            hook = lambda m, args, kw: ((), {"input": kw.get("input", *args) * factor + 1})  # noqa: E731
            return layer.register_forward_pre_hook(hook, prepend=prepend, with_kwargs=True)
        if kind == "after":
            hook = lambda m, args, y: y * factor + 1  # noqa: E731
            return layer.register_forward_hook(hook, prepend=prepend)
        hook = lambda m, args, kw, y: y * factor + len(args) + 2 * len(kw)  # noqa: E731
        return layer.register_forward_hook(hook, prepend=prepend, with_kwargs=True)

    def run(layer, x):
        if "before" in kinds and "before, keywords" in kinds:  # the one looks for what the other has taken away
            return layer(x)
        handles = [add(layer, *each) for each in zip(kinds, factors.tolist(), ahead, strict=True)]
        if dropped:
            handles[0].remove()
        return layer(x)

    return layer, [x], run


def backward_hooks(rng, nn):
    """What hooks make of the gradients shows in those of the inputs and the parameters."""
    with_gradient, several = chance(rng, 0.8), chance(rng)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 3)

        def forward(self, x, n, w):
            y = self.fc(x) * w
            return (y, n, y * x) if several else y

    changes = pick(rng, {"register_full_backward_hook"}, {"register_full_backward_pre_hook"}, None)
    factor = rng.normal()

    def change(kind):
        def hook(module, *gradients):
            if changes is not None and kind not in changes:
                return None
            if kind == "register_full_backward_hook" and not with_gradient:
                return None
            return tuple(None if g is None else g * factor for g in gradients[0])

        return hook

    def run(layer, x, w):
        for kind in ("register_full_backward_hook", "register_full_backward_pre_hook"):
            getattr(layer, kind)(change(kind), prepend=kind.endswith("e_hook") and several)
        if with_gradient:
            y = layer(x, 5, w)
        else:
            y = layer(x.detach(), 5, w.detach())
        return [y[0], y[2]] if several else y

    return Net(), [rng.normal(size=(2, 3)), rng.normal(size=(2, 3))], run


def containers(rng, nn):
    n = size(rng, 2, 3)
    factors = [rng.normal(size=n) for _ in range(size(rng, 1, 3))]
    names = pick(rng, ["a", "b"], ["b", "a", "c"])
    repeats = size(rng, 1, 2)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.named = nn.ModuleDict({name: nn.Linear(n, n) for name in names})
            self.named.update({"last": nn.Tanh(), "a": nn.Linear(n, n, bias=False)})
            self.row = nn.Sequential(nn.Linear(n, n)) * repeats + nn.Sequential(nn.ReLU())
            self.row.insert(0, nn.Tanh())
            self.list = nn.ModuleList([nn.Tanh()]) + [nn.Linear(n, n), nn.ReLU()]
            self.list.pop(0)
            self.factors = nn.ParameterList([as_tensor(nn, f) for f in factors])
            self.factors.append(nn.Parameter(as_tensor(nn, factors[0])))
            self.scales = nn.ParameterDict({"x": as_tensor(nn, factors[0])}) | {"y": as_tensor(nn, factors[-1])}
            self.register_parameter("left_out", None)
            self.add_module("nothing", None)

        def __repr__(self):
            return f"{self.named}\n{self.row}\n{self.list}"

        def forward(self, x):
            for layer in (*self.named.values(), self.row, *self.list):
                x = layer(x) + x
            for f in self.factors:
                x = x * f
            return x * self.scales["x"] + self.scales["y"] * len(self.scales) + len(self.factors)

    return Net(), [rng.normal(size=(2, n))], call


CONFIGURATIONS = {
    weight_norm: 30,
    weight_norm_of_a_bias: 20,
    spectral_norm: 40,
    removed_parametrizations: 10,
    older_weight_norm: 25,
    older_spectral_norm: 25,
    removed_older_norms: 10,
    own_parametrization: 20,
    fused: 30,
    forward_hooks: 40,
    backward_hooks: 40,
    containers: 30,
}
