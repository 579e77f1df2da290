"""docs/examples/reverse_and_sort.py: what is held out is held out, and after training every answer is right."""

from __future__ import annotations

import runpy
from types import SimpleNamespace

import numpy as np
import pytest

from .test_code_blocks import ROOT

PAGE = ROOT / "docs" / "examples" / "reverse_and_sort.py"


@pytest.fixture(scope="module")
def page():
    return SimpleNamespace(**runpy.run_path(str(PAGE)))


@pytest.mark.parametrize("held_out", [False, True])
def test_examples(page, held_out):
    questions, answers = page.examples(np.random.default_rng(0), 300, held_out)
    assert questions.shape == (300, 7) and answers.shape == (300, 8)
    lengths = set()
    for question, answer in zip(questions.tolist(), answers.tolist(), strict=True):
        task, *digits = [token for token in question if token != page.PAD]
        assert (sum(digits) % 5 == 0) == held_out
        right = digits[::-1] if task == page.REVERSE else sorted(digits)
        assert answer == [page.BEGIN, *right, page.END] + [page.PAD] * (6 - len(digits))
        lengths.add((task, len(digits)))
    assert lengths == {(task, n) for task in (page.REVERSE, page.SORT) for n in range(3, 7)}


def test_padding_does_not_count(page):
    """A question's answer does not depend on how much padding its batch gives it."""
    model = page.Writer().eval()
    questions, answers = page.examples(np.random.default_rng(1), 40, held_out=False)
    i = int((questions != page.PAD).sum(1).argmin())
    short = questions[i : i + 1, : (questions[i] != page.PAD).sum()]
    assert short.shape[1] < 7
    alone = model(page.minidl.tensor(short), page.minidl.tensor(answers[i : i + 1])).detach().numpy()
    together = model(page.minidl.tensor(questions), page.minidl.tensor(answers)).detach().numpy()[i : i + 1]
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_a_few_steps_help(page):
    seen = []
    page.train(steps=100, batch=16, show=seen.append)
    assert float(seen[0].rpartition(" ")[2]) < 2.0 < np.log(15)  # the logarithm: knowing nothing


@pytest.mark.training
def test_every_held_out_answer_is_right(page):
    assert page.judge(page.train()) == 1.0
