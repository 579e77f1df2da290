"""`minidl train`: train one of the recipes, and leave a run folder."""

from __future__ import annotations

import argparse
import math
import sys
import time
from typing import Any

SUMMARY = "train a recipe; see `minidl list`"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe, and what may differ from its defaults."""
    parser.add_argument("recipe", help="what to train, such as digits-cnn")
    parser.add_argument("--epochs", type=_whole, metavar="N", help="how often to go through the data")
    parser.add_argument("--batch-size", type=_whole, metavar="N", help="samples for each step")
    parser.add_argument("--lr", type=_positive, metavar="X", help="the largest learning rate; it warms up and decays")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="the same seed gives the same weights (0)")
    parser.add_argument("--device", default="cpu", metavar="D", help="cpu, cuda or cuda:1 (cpu)")
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"), help="of the weights (float32)")
    parser.add_argument("--data", metavar="PATH", help="digits: a CSV file or a folder with MNIST; text: a UTF-8 file")
    parser.add_argument(
        "--out", metavar="PATH", help="the run folder (runs/RECIPE); an older one is kept, see -2, -3, …"
    )


def run(options: argparse.Namespace) -> None:
    """Load, train, evaluate, write; say what came out."""
    from minidl import manual_seed
    from minidl.data import DataLoader
    from minidl.models.recipes import bits_per_character, write_samples
    from minidl.optim import AdamW
    from minidl.train import Run, Trainer, accuracy, calm_threads, warm_cosine

    recipe = _recipe(options)
    calm_threads()
    manual_seed(options.seed)
    problem = recipe.load(options.data)
    model = recipe.model(**problem.sizes).to(options.device, dtype=options.dtype)
    folder = Run(options.out or f"runs/{recipe.name}")
    folder.config(_configuration(options, recipe, problem))
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{recipe.name}: {problem.source}; {len(problem.train)} to train on, {len(problem.held_out)} held out")
    print(f"{type(model).__name__} with {parameters:,} parameters, seed {options.seed}, into {folder.folder}")

    trainer = Trainer(
        model,
        AdamW(model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay),
        recipe.loss,
        metrics={"accuracy": accuracy},
        clip_norm=recipe.clip_norm,
        schedule=warm_cosine(),
        device=options.device,
        dtype=options.dtype,
    )
    started = time.perf_counter()
    history = trainer.fit(
        DataLoader(problem.train, recipe.batch_size, shuffle=True, transform=recipe.augment),
        DataLoader(problem.held_out, 4 * recipe.batch_size),
        recipe.epochs,
    )
    seconds = time.perf_counter() - started
    folder.finish(model, history, title=recipe.name)

    last = history[-1]
    if problem.vocabulary is not None:
        result = f"{bits_per_character(last['val_loss']):.3f} bits per character"
        samples = write_samples(model, problem)
        folder.text("samples.txt", "\n\n".join(samples) + "\n")
        for sample in samples:
            print(f"\n--- held-out text, and from the arrow on the model's {'-' * 27}\n{_printable(sample)}")
        print("-" * 80)
    else:
        result = f"accuracy {100 * last['val_accuracy']:.2f} %"
    print(f"\n{result} on {len(problem.held_out)} held-out samples, after {seconds:.1f} s of training")
    print(f"run folder: {folder.folder}")


def _recipe(options: argparse.Namespace) -> Any:
    """The recipe with what the user wants otherwise."""
    import difflib

    from minidl.errors import ArgumentError
    from minidl.models.recipes import RECIPES

    if options.recipe not in RECIPES:
        near = difflib.get_close_matches(options.recipe, RECIPES, n=1)
        raise ArgumentError(
            f"train: recipe: got {options.recipe!r}, expected one of {', '.join(RECIPES)}",
            fix=f"did you mean {near[0]}?" if near else "",
        )
    wanted = {name: getattr(options, name) for name in ("epochs", "batch_size", "lr")}
    return RECIPES[options.recipe]._replace(**{name: value for name, value in wanted.items() if value is not None})


def _configuration(options: argparse.Namespace, recipe: Any, problem: Any) -> dict[str, Any]:
    """All that is needed to do it again."""
    return {
        "recipe": recipe.name,
        **{name: getattr(recipe, name) for name in ("epochs", "batch_size", "lr", "weight_decay", "clip_norm")},
        **{name: getattr(options, name) for name in ("seed", "device", "dtype", "data")},
        "model": {"class": recipe.model.__name__, "arguments": problem.sizes},
        "train": len(problem.train),
        "held_out": len(problem.held_out),
        **({} if problem.vocabulary is None else {"characters": problem.vocabulary.characters}),
    }


def _printable(text: str) -> str:
    """With question marks for what the terminal's encoding does not have."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from 1 on")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from 0 on")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number above 0")
    return value
