"""How an operation is written: `@primitive` with one named rule per input, or `@fused` with one backward for all.

```python
@primitive                                     # a forward on raw arrays
def tanh(x):
    return xp(x).tanh(x)

@tanh.vjp("x")                                 # the rule for x: it asks for what it needs by name
def tanh_dx(dy, y):
    return dy * (1 - y * y)

@fused                                         # a body written in operations: output, and residuals for backward
def softplus(x):
    e = exp(x)
    return log(1 + e), (e,)

@softplus.backward                             # derived by hand; gets the cotangent, then the residuals
def softplus_backward(dy, e):
    return (dy * e / (1 + e),)
```

Both take arrays to arrays and tensors to tensors. Arrays are positional, everything else is keyword-only. Rules and
fused bodies use only operators and operations, so that the same text runs on arrays (fast) and on tensors
(recorded, hence differentiable again).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .errors import ArgumentError, GraphError, describe
from .graph import Node
from .operation import REGISTRY, Operation, rebuild, sum_to
from .tensor import Tensor

__all__ = ["REGISTRY", "Fused", "Primitive", "fused", "primitive", "sum_to"]


class Rule(NamedTuple):
    """A named rule and what its signature asks for."""

    function: Callable[..., Any]
    wants: tuple[str, ...]
    keywords: tuple[str, ...]


Source = Callable[[Sequence[Any], Sequence[Any]], Any]  # (inputs, outputs) → the value that a rule asked for


class Plan(NamedTuple):
    """For one choice of inputs that need a gradient: what to keep in forward, which rules to run in backward."""

    keeps: tuple[tuple[str, Source], ...]
    rules: tuple[tuple[int, Rule], ...]


NOTHING: dict[str, Any] = {}  # what is saved where no rule asks for anything; never written to


class Primitive(Operation):
    """An operation with one rule per input; see the module's text. Made by `@primitive`."""

    def __init__(self, body: Callable[..., Any], **flags: Any) -> None:
        super().__init__(body, **flags)
        self.rules: dict[str, Rule] = {}
        self._plans: dict[tuple[bool, ...], Plan] = {}

    def vjp(self, *inputs: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator: the rule for the inputs named; a vector-Jacobian product.

        The rule's first parameter is the cotangent `dy`. By naming further parameters it asks for `y` (the output),
        any input, `<input>_shape`, or `position` (of the input, for variadic operations); keyword-only parameters
        get the operation's own. What no rule asks for is not kept.
        """

        if not inputs or not all(isinstance(name, str) for name in inputs):
            raise ArgumentError(
                f"{self.name}.vjp: got {', '.join(map(describe, inputs)) or 'nothing'}, expected names of inputs",
                fix=f'write @{self.name}.vjp("{self.variadic or self.inputs[0]}")',
            )

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            parameters = list(inspect.signature(function).parameters.values())
            wants = tuple(p.name for p in parameters[1:] if p.kind is p.POSITIONAL_OR_KEYWORD)
            keywords = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
            named = self.inputs if self.variadic is None else (self.variadic,)
            sources = {*named, *[f"{name}_shape" for name in named], "y", "position"}
            unknown = [w for w in wants if w not in sources]
            unknown += [k for k in keywords if k not in self.keywords]
            unknown += [n for n in inputs if n not in (*self.inputs, self.variadic)]
            if unknown:
                raise ArgumentError(
                    f"{function.__name__}: {', '.join(unknown)} is no input or keyword of {self.name!r}",
                    fix=f"it has inputs {', '.join(self.inputs) or self.variadic}; keywords "
                    f"{', '.join(self.keywords) or 'none'}",
                )
            if not parameters or parameters[0].kind is not parameters[0].POSITIONAL_OR_KEYWORD:
                raise ArgumentError(f"{function.__name__}: got no parameters, expected the cotangent, dy, first")
            for name in inputs:
                self.rules[name] = Rule(function, wants, keywords)
            self._plans.clear()
            return function

        return register

    def _rule(self, position: int) -> Rule:
        name = self.variadic or self.inputs[position]
        if name not in self.rules:
            raise GraphError(
                f"{self.name}: no gradient with respect to {name!r} is defined",
                fix=f'write one with @{self.name}.vjp("{name}"), or detach() that input',
            )
        return self.rules[name]

    def _plan(self, needs: tuple[bool, ...]) -> Plan:
        plan = self._plans.get(needs)
        if plan is None:
            rules = tuple((i, self._rule(i)) for i, need in enumerate(needs) if need)
            asked = dict.fromkeys(name for _, rule in rules for name in rule.wants if name != "position")
            plan = self._plans[needs] = Plan(tuple((name, self._source(name)) for name in asked), rules)
        return plan

    def _save(self, node: Node, arrays: list[Any], ys: Sequence[Any], residuals: Any) -> None:
        node.plan = plan = self._plans.get(node.needs) or self._plan(node.needs)
        node.saved = {name: source(arrays, ys) for name, source in plan.keeps} if plan.keeps else NOTHING
        node.residuals = residuals

    def _source(self, name: str) -> Source:
        """Where the value lies that a rule asks for by `name`."""
        if name == "y":
            return lambda inputs, outputs: outputs[0]
        if name == self.variadic:
            return lambda inputs, outputs: tuple(inputs)
        if name == f"{self.variadic}_shape":
            return lambda inputs, outputs: tuple(x.shape for x in inputs)
        index = self.inputs.index(name.removesuffix("_shape"))
        if name.endswith("_shape"):
            return lambda inputs, outputs: getattr(inputs[index], "shape", ())
        return lambda inputs, outputs: inputs[index]

    def pull(self, node: Node, dys: list[Any], wanted: Sequence[bool], create_graph: bool) -> Sequence[Any]:
        """The cotangent of the output → the cotangents of the inputs, rule by rule."""
        dy = dys[0]
        if node.residuals is not None and not create_graph:
            return node.kernel.backward(dy, *node.residuals, **node.params)
        saved = self.saved_tensors(node) if create_graph else node.saved
        assert saved is not None
        gradients: list[Any] = [None] * len(wanted)
        for position, rule in node.plan.rules:
            if wanted[position]:
                gradients[position] = _apply(rule, position, dy, saved, node.params)
        return gradients

    def apply_rule(self, position: int, dy: Any, saved: dict[str, Any], params: dict[str, Any]) -> Any:
        """The rule for one input, given what it asks for."""
        return _apply(self._rule(position), position, dy, saved, params)

    def saved_tensors(self, node: Node) -> dict[str, Any]:
        """The saved values as members of the graph: they are its values already."""
        assert node.saved is not None
        tensors = dict(node.saved)
        for name, value in tensors.items():
            if name == "y":
                tensors[name] = Tensor(value, (node, 0))
            elif name == self.variadic:
                tensors[name] = tuple(map(rebuild, value, node.edges))
            elif name in self.inputs:
                tensors[name] = rebuild(value, node.edges[self.inputs.index(name)])
        return tensors


def _apply(rule: Rule, position: int, dy: Any, saved: dict[str, Any], params: dict[str, Any]) -> Any:
    """A rule with what its signature asks for."""
    function, wants, keywords = rule
    if not keywords:
        if not wants:
            return function(dy)
        if len(wants) == 1 and wants[0] in saved:
            return function(dy, saved[wants[0]])
    values = [position if name == "position" else saved[name] for name in wants]
    return function(dy, *values, **{name: params[name] for name in keywords})


class Fused(Operation):
    """An operation with one hand-derived backward for all inputs; see the module's text. Made by `@fused`."""

    has_body_of_operations = True
    returns_residuals = True

    def __init__(self, body: Callable[..., Any], **flags: Any) -> None:
        super().__init__(body, **flags)
        self.rule: Callable[..., Any] | None = None
        self.told_needs = False

    def backward(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: `function(*cotangents, *residuals, **params)` returns one gradient per input, or None.

        With a keyword-only parameter `needs` it is told which inputs want one (a tuple of booleans).
        """
        self.rule = function
        self.told_needs = "needs" in inspect.signature(function).parameters
        return function

    def _pair(self, result: Any) -> tuple[Any, Any]:
        if type(result) is not tuple or len(result) != 2 or type(result[1]) is not tuple:
            raise ArgumentError(
                f"{self.name}: the body returned {describe(result)}, expected a pair: the output, and a tuple of what "
                "backward needs",
                fix="write return y, (x, y)",
            )
        return result

    def _textbook(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """The body on tensors: every operation in it shows in the graph."""
        if self.checker is not None:
            self.checker(*[a.data if isinstance(a, Tensor) else a for a in args], **params)
        return self.body(*args, **params)[0]

    def _save(self, node: Node, arrays: list[Any], ys: Sequence[Any], residuals: Any) -> None:
        node.inputs, node.residuals = arrays, residuals

    def pull(self, node: Node, dys: list[Any], wanted: Sequence[bool], create_graph: bool) -> Sequence[Any]:
        """The cotangents of the outputs → those of the inputs, by the kernel that ran or the hand-derived rule."""
        if self.rule is None:
            raise GraphError(f"{self.name}: no backward is defined", fix=f"write one with @{self.name}.backward")
        residuals, rule, told = node.residuals, self.rule, self.told_needs
        if create_graph:  # replay, so that the residuals are members of the graph and differentiate again
            _, residuals = self.body(*self.tensors(node), **node.params)
        elif node.kernel is not None:
            rule, told = node.kernel.backward, node.kernel.told_needs
        assert residuals is not None
        extra = {"needs": tuple(wanted)} if told else {}
        gradients = rule(*dys, *residuals, **node.params, **extra)
        if not isinstance(gradients, tuple) or len(gradients) != len(wanted):
            count = len(gradients) if isinstance(gradients, tuple) else "no tuple of"
            raise GraphError(
                f"backward of {self.name!r} returned {count} gradients, expected a tuple of {len(wanted)}: one for "
                f"each of {', '.join(self.inputs)}"
            )
        return gradients


def primitive(body: Any = None, *, broadcasts: bool = False, promotes: bool | None = None, real: bool = False) -> Any:
    """Make an operation of a forward on raw arrays; give it its rules with `@name.vjp("input")`.

    Args:
        body: `f(x, w, …, *, keyword=…)`: raw arrays in, one raw array out.
        broadcasts: elementwise with NumPy's broadcasting: gradients are summed back to each input's shape.
        promotes: operands are brought to one dtype first (the default where `broadcasts` or `real`).
        real: integers become float32 first, and results outside the domain are quiet NaNs (log, division, …).
    Returns:
        The operation; or, called with flags only, the decorator.
    """
    flags = {"broadcasts": broadcasts, "promotes": promotes, "real": real}
    return Primitive(body, **flags) if body is not None else lambda body: Primitive(body, **flags)


def fused(body: Any = None, *, broadcasts: bool = False, promotes: bool | None = None, real: bool = False) -> Any:
    """Make an operation of a body written in operations; give it its backward with `@name.backward`.

    Args:
        body: `f(x, w, …, *, keyword=…)` → (output or tuple of outputs, tuple of residuals).
        broadcasts, promotes, real: as for `primitive`.
    Returns:
        The operation; or, called with flags only, the decorator.
    """
    flags = {"broadcasts": broadcasts, "promotes": promotes, "real": real}
    return Fused(body, **flags) if body is not None else lambda body: Fused(body, **flags)
