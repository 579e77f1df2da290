"""docs/examples/resnet_cifar10.py on real weights: PyTorch's names load, an independent forward's logits come out."""

from __future__ import annotations

import runpy
from types import SimpleNamespace

import numpy as np
import pytest

from .test_code_blocks import ROOT

DATA = ROOT.parent / "shared" / "data"
WEIGHTS, IMAGES = DATA / "resnet_cifar10", DATA / "cifar10_lossless_4k" / "cifar10_train_first4k.npz"

pytestmark = pytest.mark.skipif(
    not (WEIGHTS.exists() and IMAGES.exists()), reason="needs ../shared/data: resnet_cifar10, cifar10_lossless_4k"
)
each_network = pytest.mark.parametrize("layers", [20, 56])


@pytest.fixture(scope="module")
def resnet():
    return SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "examples" / "resnet_cifar10.py")))


@pytest.fixture(scope="module")
def arrays():
    return np.load(IMAGES)


@each_network
def test_golden_logits(resnet, arrays, layers):
    model = resnet.load(WEIGHTS / f"resnet{layers}.safetensors")
    expected = np.load(WEIGHTS / "golden_first16.npz")[f"resnet{layers}_logits"]
    np.testing.assert_allclose(resnet.classify(model, arrays["images"][:16]), expected, rtol=0, atol=1e-4)


@pytest.mark.training
@each_network
def test_accuracy(resnet, arrays, layers):
    model = resnet.load(WEIGHTS / f"resnet{layers}.safetensors")
    logits = resnet.classify(model, arrays["images"][:2000])
    assert (logits.argmax(1) == arrays["labels"][:2000]).mean() >= 0.998


def test_the_page_is_one_page():
    assert len((ROOT / "docs/examples/resnet_cifar10.py").read_text(encoding="utf-8").splitlines()) < 120
