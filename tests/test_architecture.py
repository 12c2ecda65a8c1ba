"""Imports point downwards only; files and functions stay short."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gspn_tf"
LEVELS = (
    ("types", "config", "files", "startup", "export_texts"),
    ("portable_ops", "op_library", "ops"),
    ("boxes", "presets", "config_loading", "run_folder", "masks", "requests"),
    ("warmup",),
    ("pyramid", "matching", "losses", "grouping"),
    ("layers",),
    ("models", "data"),
    ("metrics", "visualize", "inference", "serving", "saved_model", "callbacks"),
    ("training", "evaluation", "results", "benchmarks", "release_names"),
    ("evaluation_report", "figures"),
    ("import_checkpoint", "experiments"),
    ("commands",),
    ("cli",),
)
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
# Within a level a module may import those before it; models and data never do.
APART = {("models", "data"), ("data", "models")}
SOURCES = [
    path
    for folder in ("gspn_tf", "configs", "tools", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
] + [ROOT / "setup.py"]


def imported(tree: ast.AST) -> set[str]:
    """Modules of the package, one level deep, that a file imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            names.add("relative")
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            full = [f"{module}.{alias.name}" for alias in node.names]
            names.update(full if module == "gspn_tf" else [module])
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    parts = [name.split(".") for name in names]
    found = {part[1] for part in parts if part[0] == "gspn_tf" and len(part) > 1}
    return found | ({"relative"} & names)


def test_every_module_has_a_level():
    there = {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py"}
    there |= {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    assert there - {"__init__"} == set(LEVEL)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_imports_point_downwards(path):
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if here == "__init__":
        return
    for there in imported(ast.parse(path.read_text())) - {here}:
        assert there in LEVEL, f"{here} imports {there}"
        assert (here, there) not in APART
        assert LEVEL[there] <= LEVEL[here], f"{here} imports {there}, which is above it"


def test_no_two_modules_import_each_other():
    edges = {
        (path.relative_to(PACKAGE).with_suffix("").parts[0], there)
        for path in PACKAGE.rglob("*.py")
        for there in imported(ast.parse(path.read_text()))
    }
    assert not [edge for edge in edges if edge[0] != edge[1] and edge[::-1] in edges]


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("configs/*.py")), ids=lambda p: p.name
)
def test_configs_import_nothing_but_configs(path):
    assert imported(ast.parse(path.read_text())) <= {"config", "presets"}


@pytest.mark.parametrize("path", sorted(ROOT.glob("tools/*.py")), ids=lambda p: p.name)
def test_tools_hold_no_logic(path):
    assert len(path.read_text().splitlines()) <= 8
    assert imported(ast.parse(path.read_text())) == {"cli"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if ast.get_docstring(node) else None
            documentation = first.end_lineno - first.lineno + 1 if first else 0
            length = node.end_lineno - node.lineno + 1 - documentation
            assert length <= 50, f"{node.name} has {length} lines"


def test_no_python_in_graphs():
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        for name in ("py_function", "numpy_function", "py_func"):
            assert name not in text, f"{path} uses {name}"
