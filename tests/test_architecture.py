"""The house keeps its plan: who imports whom, what a rule may use, how long a file may be.

Read off the source with `ast`; nothing is imported. Where the plan has an exception, it stands here with its reason,
and an exception that nobody needs any more fails too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Each room of minidl may import from the floors below its own, and from itself. A new room needs a floor.
FLOORS = (
    {"config", "mutation", "random"},
    {"errors"},
    {"array"},
    {"dispatch", "graph", "methods"},
    {"inplace"},
    {"tensor"},
    {"operation", "recompute"},
    {"op"},
    {"ops"},
    {"creation", "functional", "functions", "gradcheck", "linalg", "serialize", "threads"},
    {"data", "nn", "optim"},
    {"models", "show", "train"},
    {"compat"},
    {"cli"},
    {"__main__"},
)
FRONT_DOOR = "minidl"  # the package itself: its __init__ loads everything up to here
OPEN_FROM = next(i for i, floor in enumerate(FLOORS) if "data" in floor)

UPWARDS = {  # (who, whom): why all the same
    ("config", "errors"): "mode() imports the error that it raises when it raises it",
    ("nn", "optim"): "clip_grad_norm_ is found in nn.utils, as in PyTorch, and lives with the optimizers",
    ("optim", "nn"): "swa_utils has a Module, AveragedModel, under PyTorch's name; nothing else of optim loads it",
    ("ops", "methods"): "ops closes the circle: it gives itself to the methods of tensors",
}
TO_KERNELS = {
    "dispatch.py": "the only door",
    "threads.py": "says how many threads they may use; runs none",
    "cli/doctor.py": "reads the tables, to say which kernels there are; runs none",
}
ARRAYS_IN_RULES = {  # (file, function): why it may use NumPy all the same
    ("attention.py", "_triangle"): "a mask of booleans, through which no gradient passes",
    ("ctc.py", "_walk"): "what depends on labels alone: integers, and constants of 0 and −∞",
    ("pool.py", "_counts"): "how many places a window covers: sizes, not values",
    ("pool.py", "_first_largest"): "the index of each window's winner, through which no gradient passes",
    ("pool.py", "_inside"): "a mask of booleans, through which no gradient passes",
    ("shape.py", "transpose_dx"): "argsort of the axes, which are plain integers",
}


def sources(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> list[Path]:
    found = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in suffixes]
    return sorted(p for p in found if "__pycache__" not in p.parts)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


class Import(NamedTuple):
    """One import: an absolute dotted name, its line, and whether it happens when the file is loaded."""

    name: str
    line: int
    at_load: bool


def imports(path: Path) -> list[Import]:
    """Everything a file imports, the lazy imports in functions too; not what only type checkers read."""
    package = [*path.relative_to(ROOT).parts[:-1]]
    found = []

    def visit(node: ast.AST, at_load: bool) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            at_load = False
        for name in names(node):
            found.append(Import(name, node.lineno, at_load))
        for child in ast.iter_child_nodes(node):
            visit(child, at_load)

    def names(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from (f"{start}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            first = next((c for c in ast.walk(node.args[0]) if isinstance(c, ast.Constant)), None)
            if first is not None:
                yield str(first.value)

    visit(parsed(path), True)
    return found


def room_of(name: str) -> str | None:
    """The room of minidl in which a dotted name lives; the front door for names that are none."""
    parts = name.split(".")
    if parts[0] != "minidl":
        return None
    if len(parts) > 1 and (parts[1] == "kernels" or any(parts[1] in floor for floor in FLOORS)):
        return parts[1]
    return FRONT_DOOR


def floor_of(room: str) -> int:
    return next((i for i, floor in enumerate(FLOORS) if room in floor), -1)


def arrows() -> Iterator[tuple[Path, str, str, int]]:
    """(file, its room, the room it imports from, line) for all imports between rooms."""
    for path in sources("minidl"):
        inside = path.relative_to(ROOT / "minidl")
        room = inside.parts[0].removesuffix(".py")
        if room != "__init__":
            for each in imports(path):
                target = room_of(each.name)
                if target not in (None, room):
                    yield inside, room, target, each.line


def test_every_room_has_a_floor():
    rooms = {p.name.removesuffix(".py") for p in (ROOT / "minidl").iterdir() if p.suffix == ".py" or p.is_dir()}
    rooms -= {"__init__", "__pycache__"}
    assert {room for room in rooms if floor_of(room) < 0} == set(), "say in FLOORS what it stands on"


def test_imports_go_downwards():
    wrong, used = [], set()
    for path, room, target, line in arrows():
        if target == "kernels":
            continue
        if target == FRONT_DOOR:
            allowed = floor_of(room) >= OPEN_FROM
        else:
            allowed = floor_of(target) < floor_of(room)
        if (room, target) in UPWARDS:
            used.add((room, target))
        elif not allowed:
            wrong.append(f"minidl/{path.as_posix()}:{line}: {room} must not import {target}")
    assert not wrong, "\n".join(wrong)
    needed = {pair for pair in used if floor_of(pair[1]) >= floor_of(pair[0])} | {("ops", "methods")}
    assert set(UPWARDS) == needed, "an exception is not needed any more"


def test_dispatch_is_the_only_door_to_the_kernels():
    doors = {path.as_posix() for path, _, target, _ in arrows() if target == "kernels"}
    assert doors == set(TO_KERNELS)


def test_kernels_know_arrays_only():
    """NumPy, and in their own folder Numba or CuPy; nothing of minidl, and nothing of each other's folders."""
    libraries = {
        "reference": {"numpy"},
        "cpu": {"numpy", "numba", "llvmlite", "threadpoolctl"},
        "cuda": {"numpy", "cupy", "cupyx"},
    }
    wrong = []
    for path in sources("kernels"):
        folder, *rest = path.relative_to(ROOT / "kernels").parts
        allowed = libraries[folder] if rest else {"numpy"}
        for each in imports(path):
            first, second = [*each.name.split("."), "", ""][:2]
            own = first == "kernels" and second == folder
            if not (own or first in allowed or first in sys.stdlib_module_names):
                wrong.append(f"{path.relative_to(ROOT)}:{each.line}: {each.name}")
            if first in ("cupy", "cupyx") and each.at_load:
                wrong.append(f"{path.relative_to(ROOT)}:{each.line}: {each.name} when loaded, expected in a function")
    assert not wrong, "\n".join(wrong)


def test_nothing_but_numpy_is_loaded_with_a_file():
    """Numba, CuPy, Matplotlib, safetensors, tqdm: imported in the functions that use them."""
    wrong = [
        f"{path.relative_to(ROOT)}:{each.line}: {each.name}"
        for path in sources("minidl")
        for each in imports(path)
        if each.at_load and each.name.split(".")[0] not in {"minidl", "numpy", *sys.stdlib_module_names}
    ]
    assert not wrong, "\n".join(wrong)


def test_import_minidl_loads_numpy_and_nothing_else_that_is_large():
    program = "import sys, minidl; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    large = {"cupy", "llvmlite", "matplotlib", "numba", "safetensors", "scipy", "torch", "tqdm"}
    assert not large & set(done.stdout.split())


# Rules and fused bodies -----------------------------------------------------------------------------------------------

PAGES = [p for p in sources("minidl/ops") if p.name != "__init__.py"]


def must_run_on_tensors(tree: ast.Module) -> list[ast.FunctionDef]:
    """Rules, fused bodies and fused backwards, and the plain functions of the page that they call."""
    functions = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}
    found = [f for f in functions.values() if any(map(_makes_a_rule, f.decorator_list))]
    for function in found:  # grows while it is walked
        for node in ast.walk(function):
            called = functions.get(node.func.id) if isinstance(node, ast.Call) and type(node.func) is ast.Name else None
            if called and not called.decorator_list and called not in found:
                found.append(called)
    return found


def _makes_a_rule(decorator: ast.expr) -> bool:
    decorator = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(decorator, ast.Attribute):
        return decorator.attr in ("vjp", "backward")
    return isinstance(decorator, ast.Name) and decorator.id == "fused"


def faults(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    attributes = [node for node in ast.walk(function) if isinstance(node, ast.Attribute)]
    numbers = [a.value for a in attributes if a.attr in ("inf", "nan", "pi")]  # np.inf is a Python float
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in ("np", "numpy", "xp", "cupy") and node not in numbers:
            yield node.lineno, "uses arrays' own functions"
        elif isinstance(node, ast.AugAssign) and ast.unparse(node.target) not in _no_arrays(function):
            yield node.lineno, "changes a value in place"
        elif isinstance(node, ast.Assign | ast.Delete):
            changed = {ast.unparse(t.value) for t in node.targets if isinstance(t, ast.Subscript)}
            if changed - _no_arrays(function):
                yield node.lineno, "changes elements in place"
        elif isinstance(node, ast.Call) and any(k.arg == "out" for k in node.keywords):
            yield node.lineno, "writes into an array"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.endswith("_"):
            yield node.lineno, "calls a method that works in place"


def _no_arrays(function: ast.FunctionDef) -> set[str]:
    """Names that hold no array: keyword-only parameters, counters that start at an integer, lists."""
    names = {argument.arg for argument in function.args.kwonlyargs}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            unpacked = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            for t, v in zip(target.elts, value.elts, strict=True) if unpacked else [(target, value)]:
                v = v.left if isinstance(v, ast.BinOp) else v  # [None] * n
                if isinstance(v, ast.List | ast.ListComp) or (isinstance(v, ast.Constant) and type(v.value) is int):
                    names.add(ast.unparse(t))
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_rules_and_fused_bodies_use_operations_only(page):
    wrong = [
        f"minidl/ops/{page.name}:{line}: {function.name} {what}"
        for function in must_run_on_tensors(parsed(page))
        for line, what in faults(function)
        if (page.name, function.name) not in ARRAYS_IN_RULES
    ]
    assert not wrong, "\n".join(wrong)


def test_exceptions_for_rules_are_needed():
    needed = {
        (page.name, function.name)
        for page in PAGES
        for function in must_run_on_tensors(parsed(page))
        if any(faults(function))
    }
    assert set(ARRAYS_IN_RULES) <= needed


@pytest.mark.parametrize(
    "fault",
    [
        "return np.exp(dy)",
        "return xp(dy).exp(dy)",
        "dy += 1",
        "dy[0] = 1",
        "return exp(dy, out=dy)",
        "return dy.mul_(2)",
        "return helper(dy)",
    ],
)
def test_the_search_for_faults_finds_them(fault):
    text = f"@f.vjp('x')\ndef f_dx(dy):\n    {fault}\ndef helper(dy):\n    dy -= 1\n"
    assert [what for function in must_run_on_tensors(ast.parse(text)) for _, what in faults(function)]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_public_names_are_what_all_says(page):
    tree = parsed(page)
    listed = next((ast.literal_eval(n.value) for n in tree.body if _is_all(n)), None)
    if listed is None:
        assert not any(_is_operation(f) for f in tree.body), f"{page.name} defines operations, and has no __all__"
        return
    assert listed == sorted(listed)
    defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    assert set(listed) <= defined
    assert {f.name for f in tree.body if _is_operation(f)} <= set(listed)


def _is_all(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def _is_operation(node: ast.stmt) -> bool:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(ast.unparse(d).split("(")[0] in ("primitive", "fused") for d in decorators)


# Files ----------------------------------------------------------------------------------------------------------------


def test_no_file_is_long():
    code = (".py", ".cu", ".cuh", ".cpp", ".hpp", ".css", ".js", ".html")
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources("minidl", "kernels", "tests", "benchmarks", "docs", suffixes=code)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert not long


@pytest.mark.parametrize("folder", ["cpu", "cuda"])
def test_files_of_one_name_stand_side_by_side(folder):
    """What a folder's TABLE lists is a function of the file listed, and its definition has a file of that name."""
    table = next(n for n in parsed(ROOT / "kernels" / folder / "__init__.py").body if "TABLE" in ast.unparse(n)[:8])
    for name, file in ast.literal_eval(table.value).items():
        for place in (folder, "reference"):
            functions = {n.name for n in parsed(ROOT / "kernels" / place / f"{file}.py").body if hasattr(n, "name")}
            assert name in functions, f"kernels/{place}/{file}.py has no {name}"
