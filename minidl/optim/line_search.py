"""How far to go along a direction: far enough down, and to where it is flat enough (the strong Wolfe conditions)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple


class Point(NamedTuple):
    """A place on the line: the step `t`, the loss there, its gradient, and the slope along the line."""

    t: float
    loss: float
    gradient: Any
    slope: float


def strong_wolfe(
    at: Callable[[float], Point],
    start: Point,
    t: float,
    *,
    reach: float,
    armijo: float = 1e-4,
    flat: float = 0.9,
    tolerance: float = 1e-9,
    max_steps: int = 25,
) -> tuple[Point, int]:
    """A point on the line that lies low and flat enough.

    Math: with the loss f and its slope f' at t = 0 (where f' < 0), a point where

        f(t) ≤ f(0) + c₁ t f'(0)                 lower by what the slope promised, a small part of it
        |f'(t)| ≤ −c₂ f'(0)                      and flatter

    First t grows until the point is good or some good one lies behind; then the bracket is narrowed, each time to the
    minimum of the cubic through its two ends.

    Args:
        at: evaluates the loss at a step. start: the point at 0. t: the first step to try.
        reach: the largest |d|; when the bracket moves no number by `tolerance`, the search ends.
        armijo: c₁. flat: c₂. max_steps: how many points to try after the first.
    Returns:
        The best point, and how often the loss was evaluated.
    Source: J. Nocedal, S. J. Wright, Numerical optimization, 2nd edition 2006, algorithms 3.5 and 3.6; the choices that
        they leave open are PyTorch's (M. Schmidt's minFunc).
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + armijo * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -flat * start.slope

    before, here = start, at(t)
    steps = 0
    while steps < max_steps:
        if too_high(here) or (steps > 1 and here.loss >= before.loss):
            break
        if is_flat(here):
            return here, steps + 1
        if here.slope >= 0:
            break
        t = cubic_minimum(before, here, here.t + 0.01 * (here.t - before.t), here.t * 10)
        before, here = here, at(t)
        steps += 1
    else:
        before = start  # it still goes down: the better of the two ends

    bracket = [before, here]
    low, hesitant = _lower(bracket), False
    while steps < max_steps and not abs(bracket[1].t - bracket[0].t) * reach < tolerance:
        left, right = sorted(point.t for point in bracket)
        t = cubic_minimum(bracket[0], bracket[1], left, right)
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (hesitant or t >= right or t <= left):  # at an end, or near to it twice: move inwards
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            near = False
        hesitant = near
        here = at(t)
        steps += 1
        if too_high(here) or here.loss >= bracket[low].loss:
            bracket[1 - low] = here
            low = _lower(bracket)
            continue
        if is_flat(here):
            return here, steps + 1
        if here.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = here
    return bracket[low], steps + 1


def _lower(bracket: list[Point]) -> int:
    return 0 if bracket[0].loss <= bracket[1].loss else 1


def cubic_minimum(a: Point, b: Point, least: float, most: float) -> float:
    """Where the cubic with the losses and slopes of two points has its minimum, kept between two bounds.

    Source: Nocedal, Wright, equation 3.59.
    """
    if a.t > b.t:
        a, b = b, a
    middle = (least + most) / 2
    if a.t == b.t:
        return middle
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return middle
    d2 = math.sqrt(square)
    below = b.slope - a.slope + 2 * d2
    if below == 0:
        return middle
    return min(max(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / below), least), most)
