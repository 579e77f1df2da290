"""The definition of every operation: its formula and its gradient, in plain float64 NumPy.

These files are read, not raced. Each function stands alone: it shares no code with any other, and a
backward recomputes what it needs from the inputs. Every backward is proved against the complex step
of its forward (Squire & Trapp 1998): f′(x) = Im f(x + ih) / h, which subtracts nothing and so is
exact to rounding for h = 10⁻³⁰. For its sake the forwards accept complex arrays; where a formula
has branches, the real part chooses.

`name(*inputs, **params)` gives y, or a tuple of outputs. `name_backward(dy, …, *inputs, **params)`
takes one cotangent per output first, and gives one gradient per input: None for an input that is
None or holds integers or booleans.
"""
