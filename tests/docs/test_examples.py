"""The programs of docs/examples, run as a reader runs them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from .test_code_blocks import EXAMPLES, ROOT, blocks


def run(name: str) -> None:
    runpy.run_path(str(ROOT / "docs" / "examples" / name), run_name="__main__")


def test_custom_operation(capsys):
    run("custom_operation.py")
    found = [float(n) for n in re.findall(r"found K = (\S+), V = (\S+)", capsys.readouterr().out)[0]]
    assert abs(found[0] - 0.6) < 0.05 and abs(found[1] - 1.2) < 0.05


def test_mlp_digits(capsys):
    run("mlp_digits.py")
    assert float(capsys.readouterr().out.split("%")[0]) >= 96


def test_the_readme_shows_the_program_that_trains():
    program = (ROOT / "docs/examples/mlp_digits.py").read_text(encoding="utf-8").partition('"""\n\n')[2]
    shown = [block.text for block in blocks(ROOT / "README.md") if "DataLoader" in block.text]
    assert shown == [program.rstrip("\n")]
    assert len(program.splitlines()) <= 20


def test_every_example_is_tested():
    tests = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_*.py"))
    assert all(f'"{example.name}"' in tests for example in EXAMPLES)
