"""Bad arguments are met by errors that name them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from minidl.errors import ArgumentError, DTypeError, GraphError
from minidl.optim import SGD, Adam, AdamW, clip_grad_norm_, clip_grad_value_

from . import leaf

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
