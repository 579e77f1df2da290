"""docs/examples/stories260k.py on real weights: LLaMA's names load, the golden logits and story come out."""

from __future__ import annotations

import json
import runpy
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import minidl

from .test_code_blocks import ROOT

PAGE = ROOT / "docs" / "examples" / "stories260k.py"
FOLDER = ROOT.parent / "shared" / "data" / "stories260k"

needs_weights = pytest.mark.skipif(not FOLDER.exists(), reason="needs ../shared/data: stories260k")


@pytest.fixture(scope="module")
def stories():
    page = SimpleNamespace(**runpy.run_path(str(PAGE)))
    page.model, page.vocabulary = page.load(FOLDER)
    return page


@pytest.fixture(scope="module")
def golden():
    return json.loads((FOLDER / "greedy200.json").read_text(encoding="utf-8"))


@needs_weights
@pytest.mark.parametrize("mode", ["fast", "plain"])
def test_golden_logits(stories, mode):
    golden = np.load(FOLDER / "golden_logits.npz")
    with minidl.no_grad(), minidl.mode(mode):
        logits = stories.model(minidl.tensor(golden["tokens"][None])).numpy()[0]
    np.testing.assert_allclose(logits, golden["logits"], rtol=0, atol=1e-4)


@needs_weights
def test_the_200_tokens(stories, golden):
    assert stories.model.continue_greedily([1], 200) == golden["tokens"]


@needs_weights
def test_text_and_tokens(stories, golden):
    text = golden["text"].replace("<0x0A>", "\n").removeprefix(" ")
    assert stories.vocabulary.decode(golden["tokens"]) == text
    lily = "Once upon a time, there was a little girl named Lily."
    tokens = stories.vocabulary.encode(lily)
    assert tokens == golden["tokens"][: len(tokens)] and stories.vocabulary.decode(tokens) == lily
    assert stories.vocabulary.decode(stories.vocabulary.encode("é – 木")) == "é – 木"  # bytes, where no piece is known


@needs_weights
def test_the_program_tells_the_story(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(PAGE), str(FOLDER)])
    runpy.run_path(str(PAGE), run_name="__main__")
    story = capsys.readouterr().out
    assert story.startswith("Once upon a time, there was a little girl named Lily. She loved to play outside")
    assert "\nLily's mom said" in story


def test_the_page_is_one_page():
    assert len(PAGE.read_text(encoding="utf-8").splitlines()) < 150
