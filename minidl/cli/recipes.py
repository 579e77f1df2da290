"""`minidl list`: what can be trained."""

from __future__ import annotations

import argparse

SUMMARY = "list the recipes that `minidl train` knows"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(options: argparse.Namespace) -> None:
    """Print a line for each recipe."""
    from minidl.models.recipes import RECIPES

    for recipe in RECIPES.values():
        print(f"{recipe.name:18}{recipe.summary}")
        print(f"{'':18}epochs {recipe.epochs}, batch size {recipe.batch_size}, learning rate {recipe.lr:g}")
