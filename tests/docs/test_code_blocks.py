"""The documentation, held to its word: code runs, output is what is shown, links and included source are there.

In every page the ```python blocks run in order, in one namespace. A block that prints is followed by a ```text block
that shows exactly what; `...` in it stands for anything, as in doctest. There is no way to leave a block out.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
READ_ALONE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
EXAMPLES = sorted((DOCS / "examples").glob("*.py"))
SHOWN = {"python", "text", "sh", "{literalinclude}", "{include}", "{toctree}"}

each_page = pytest.mark.parametrize("page", [*READ_ALONE, *PAGES], ids=lambda p: str(p.relative_to(ROOT)))


class Block(NamedTuple):
    kind: str  # python, text, {literalinclude}, …
    argument: str
    line: int  # of its first line in the page, counted from 1
    text: str
    adjoins: bool  # nothing but blank lines between it and the block before


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page."""
    found, opening, body, between = [], None, [], ["the page's beginning"]
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if opening is None:
            opening = re.match(r"(`{3,})\s*(\S*)\s*(.*)$", line)
            if opening:
                body, start, adjoins = [], number + 1, not "".join(between).strip()
            else:
                between.append(line)
        elif line.rstrip() == opening[1]:
            found.append(Block(opening[2], opening[3], start, "\n".join(body), adjoins))
            opening, between = None, []
        else:
            body.append(line)
    assert opening is None, f"{page.name}: a block is not closed"
    return found


@each_page
def test_code_runs_and_prints_what_is_shown(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for block, following in pairwise([*blocks(page), None]):
        if block.kind != "python":
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            # The blank lines before it put every line at its own number, so that a traceback points into the page.
            exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), namespace)
        where = f"{page.relative_to(ROOT)}:{block.line}"
        shown = following.text if following and following.kind == "text" and following.adjoins else ""
        check = doctest.OutputChecker()
        if not check.check_output(_plain(shown), _plain(printed.getvalue()), doctest.ELLIPSIS):
            pytest.fail(f"{where} printed\n{printed.getvalue()}\nand the page shows\n{shown}", pytrace=False)


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip("\n").splitlines()) + "\n"


@pytest.mark.parametrize("page", [*READ_ALONE, *PAGES], ids=lambda p: p.name)
def test_blocks_are_of_known_kinds(page):
    assert {block.kind for block in blocks(page)} <= SHOWN


@each_page
def test_links_lead_somewhere(page):
    text = re.sub(r"(?ms)^(`{3,}).*?^\1$|`[^`\n]*`", "", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_relative_to(ROOT), f"{target} leads out of the repository"
        assert file.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in _anchors(file), f"{target}: no such heading"


def _anchors(page: Path) -> set[str]:
    """Headings as GitHub and MyST name them."""
    prose = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", page.read_text(encoding="utf-8"))
    titles = re.findall(r"(?m)^#{1,6} (.+)$", prose)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_page
def test_included_source_is_where_the_page_looks_for_it(page):
    """What `make docs` would refuse, said in every test run: a renamed function, a marker that is gone."""
    for block in blocks(page):
        if block.kind not in ("{literalinclude}", "{include}"):
            continue
        source = (page.parent / block.argument).resolve()
        assert source.is_file(), f"line {block.line}: no {block.argument}"
        text = source.read_text(encoding="utf-8")
        options = dict(re.findall(r"(?m)^:([\w-]+):[ \t]*(.*)$", block.text))
        if "pyobject" in options:
            assert options["pyobject"] in _definitions(text), f"line {block.line}: no {options['pyobject']}"
        for key in ("start-at", "start-after"):
            if key in options:
                assert options[key] in text, f"line {block.line}: {options[key]!r} is not in {block.argument}"
                text = text[text.index(options[key]) :]
        for key in ("end-at", "end-before"):
            if key in options:
                assert options[key] in text, f"line {block.line}: {options[key]!r} does not follow in {block.argument}"


def _definitions(text: str) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, kinds):
            names |= {node.name, *(f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, kinds))}
    return names


@each_page
def test_commands_that_are_named_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z-]+):", makefile))
    text = page.read_text(encoding="utf-8")
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *(b.text for b in blocks(page) if b.kind == "sh")])
    assert set(re.findall(r"(?m)^make ([a-z][a-z-]*)", code)) <= targets


def test_every_page_is_in_the_table_of_contents():
    listed = {"index"}
    for block in blocks(DOCS / "index.md"):
        if block.kind == "{toctree}":
            listed |= {line for line in block.text.splitlines() if line and not line.startswith(":")}
    assert {p.relative_to(DOCS).with_suffix("").as_posix() for p in PAGES} == listed


def test_pictures_are_what_their_script_draws(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    import draw_graph

    assert (DOCS / "images" / "first-gradient.svg").read_text(encoding="utf-8") == draw_graph.first_gradient()
    sys.modules.pop("draw_graph")
