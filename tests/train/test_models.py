"""The models behind the command line, and their recipes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minidl
from minidl.errors import DataError, ShapeError
from minidl.models import CNN, MLP, CharacterTransformer, RowsLSTM
from minidl.models.recipes import CONTEXT, RECIPES, bits_per_character, load_images, load_text
from minidl.random import Generator


@pytest.fixture(autouse=True)
def seed():
    minidl.manual_seed(0)


@pytest.mark.parametrize("model", [MLP, CNN, RowsLSTM])
@pytest.mark.parametrize("side", [8, 28])
def test_images_to_logits(model, side, rng):
    net = model(side)
    x = minidl.tensor(rng.normal(size=(3, 1, side, side)).astype("float32"))
    y = net(x)
    assert y.shape == (3, 10)
    y.sum().backward()
    assert all(p.grad is not None and np.abs(p.grad.data).max() > 0 for p in net.parameters())


def test_an_lstm_of_several_layers_answers_from_the_last(rng):
    net = RowsLSTM(8, hidden=5, layers=2)
    x = minidl.tensor(rng.normal(size=(3, 1, 8, 8)).astype("float32"))
    net(x).sum().backward()
    assert np.abs(net.lstm.weight_ih_l1.grad.data).max() > 0


def small_transformer(vocabulary=7, context=6):
    return CharacterTransformer(vocabulary, context, size=16, layers=2, heads=2)


def test_transformer_sees_only_what_came_before(rng):
    net = small_transformer().eval()
    x = rng.integers(0, 7, (2, 6))
    before = net(minidl.tensor(x)).data
    x[:, 4] = (x[:, 4] + 1) % 7
    after = net(minidl.tensor(x)).data
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert (before[:, 4:] != after[:, 4:]).any(axis=(0, 2)).all()


def test_every_weight_of_the_transformer_gets_a_gradient(rng):
    net = small_transformer()
    loss = RECIPES["text-transformer"].loss(net(minidl.tensor(rng.integers(0, 7, (3, 6)))), minidl.zeros(3, 6).long())
    loss.backward()
    for name, p in net.named_parameters():
        assert p.grad is not None and np.abs(p.grad.data).max() > 0, name
    assert "blocks.1.attention.in_proj_weight" in net.state_dict()


def test_generation(rng):
    net = small_transformer()
    start = minidl.tensor([1, 2, 3])
    greedy = net.generate(start, 9, temperature=0)
    np.testing.assert_array_equal(greedy, net.generate([1, 2, 3], 9, temperature=0))
    assert net.training
    with minidl.no_grad():
        first = net.eval()(minidl.tensor([[1, 2, 3]])).data[0, -1].argmax()
    assert greedy[0] == first
    drawn = [net.generate(start, 30, generator=Generator(s)) for s in (1, 1, 2)]
    assert drawn[0].shape == (30,)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert net.generate(start, 0).shape == (0,)


def test_dropout_in_training_only(rng):
    net = CharacterTransformer(7, 6, size=16, layers=1, heads=2, dropout=0.5)
    x = minidl.tensor(rng.integers(0, 7, (2, 6)))
    assert not np.array_equal(net(x).data, net(x).data)
    net.eval()
    np.testing.assert_array_equal(net(x).data, net(x).data)


# Recipes --------------------------------------------------------------------------------------------------------------


def test_the_loss_is_cross_entropy_over_all_places(rng):
    outputs, targets = minidl.tensor(rng.normal(size=(2, 3, 4))), minidl.tensor(rng.integers(0, 4, (2, 3)))
    p = np.exp(outputs.data) / np.exp(outputs.data).sum(-1, keepdims=True)
    expected = -np.log(np.take_along_axis(p, targets.data[..., None], -1)).mean()
    assert RECIPES["text-transformer"].loss(outputs, targets).item() == pytest.approx(expected)
    assert bits_per_character(math.log(2)) == 1


def test_problems(tmp_path):
    problem = load_images(None)
    assert (len(problem.train), len(problem.held_out), problem.sizes) == (1438, 359, {"side": 8})
    problem = load_text(None)
    assert problem.sizes == {"vocabulary": len(problem.vocabulary), "context": CONTEXT}
    last_of_train, first_held_out = problem.train.codes, problem.held_out.codes
    assert len(first_held_out) == pytest.approx(0.1 * (len(last_of_train) + len(first_held_out)), abs=1)
    (tmp_path / "short.txt").write_text("too short")
    with pytest.raises(DataError, match=r"short\.txt: a text of 9 characters, expected at least 1280"):
        load_text(tmp_path / "short.txt")
    (tmp_path / "tiny.csv").write_text("0,1,2,3,4\n" * 10)
    with pytest.raises(DataError, match="images of 2 × 2 pixels, expected squares of at least 4 × 4"):
        load_images(tmp_path / "tiny.csv")


def test_a_wrong_image_size_is_named():
    with pytest.raises(ShapeError, match="fc1"):
        CNN(8)(minidl.zeros(1, 1, 12, 12))
