"""The laws of the house: floors and folders import downwards, studies stand alone, and every name means one thing."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import entry_points
from pathlib import Path

import pytest

FLOORS = ("envs", "inference", "scai_irl", "experiments")  # from the ground up
LONGEST = 350
LONGEST_TEST = 500
# Distributions that the lowest floor may import; `inference` and the floors above need no such list.
GROUND = {"__future__", "collections", "dataclasses", "functools", "hashlib", "importlib", "operator", "os", "re"}
GROUND |= {"jax", "jaxtyping", "numpy", "sys", "typing", "warnings"}
# Files that play the same role wherever they stand; any other name is used once.
ROLES = {"__init__.py", "__main__.py", "command.py", "experiment.py", "figures.py", "model.py", "posterior.py"}
ROLES |= {"registry.py", "setup.py"}
LANGUAGE_MODELS = ("vllm", "openai", "transformers", "ray")


def root() -> Path:
    spec = importlib.util.find_spec("envs")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


ROOT = root()
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for floor in FLOORS
    for file in sorted((ROOT / floor).rglob("*.py"))
}


@functools.cache
def imports(module: str) -> set[str]:
    """Everything that a module imports, also inside functions; modules of this project by their full name."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative name"
            assert node.module is not None
            # What is imported from a package may be one of its modules, or a name in it.
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= {name if name in MODULES else node.module for name in names}
    return imported


def floor_of(name: str) -> int | None:
    top = name.partition(".")[0]
    return FLOORS.index(top) if top in FLOORS else None


def test_every_floor_is_there() -> None:
    assert {module.partition(".")[0] for module in MODULES} == set(FLOORS)
    assert len(MODULES) > 50


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_its_own_floor_and_those_below(module: str) -> None:
    own = floor_of(module)
    assert own is not None
    above = {name for name in imports(module) if (floor_of(name) or 0) > own}
    assert above == set()


def test_the_ground_floor_needs_little_more_than_jax() -> None:
    for module in MODULES:
        if floor_of(module) == 0:
            outside = {name.partition(".")[0] for name in imports(module) if floor_of(name) is None}
            assert outside <= GROUND, module


def test_nothing_below_knows_that_language_models_exist() -> None:
    for module in MODULES:
        if (floor_of(module) or 0) < FLOORS.index("scai_irl"):
            assert not {name.partition(".")[0] for name in imports(module)} & set(LANGUAGE_MODELS), module


def test_no_modules_import_each_other_in_a_circle() -> None:
    ahead = {module: sorted(imports(module) & set(MODULES)) for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join([*path[path.index(module) :], module])
        if module not in done:
            for other in ahead[module]:
                visit(other, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())
    assert done == set(MODULES)


def room(module: str) -> str:
    """The folder of a module on its floor; a file directly on the floor counts as a folder of its own."""
    parts = module.split(".")
    return ".".join(parts[:2])


def test_no_folders_import_each_other_in_a_circle() -> None:
    # A package's face re-exports what its folders define. It is above all of them, and no folder imports it.
    ahead: dict[str, set[str]] = defaultdict(set)
    for module in MODULES:
        if module not in FLOORS:
            ahead[room(module)] |= {room(name) for name in imports(module) & set(MODULES)} - {room(module), *FLOORS}
    try:
        tuple(TopologicalSorter(ahead).static_order())
    except CycleError as circle:
        raise AssertionError(" → ".join(circle.args[1])) from circle


def studies() -> set[str]:
    return {room(module) for module in MODULES if module.startswith("experiments.")} - {"experiments.paper"}


def test_nothing_below_names_a_study() -> None:
    # Examples in docstrings may name one. Two names have other meanings as well: a family, and a setting of a model.
    names = {entry.name for entry in entry_points(group="scai_irl.experiments")} - {"response-types", "temperature"}
    for module, file in MODULES.items():
        if module.partition(".")[0] in {"inference", "scai_irl"}:
            text = file.read_text(encoding="utf-8")
            strings = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
            assert not names & strings, module
            assert not [study for study in studies() if study in text], module


@pytest.mark.parametrize("study", sorted(studies()))
def test_a_study_imports_nothing_of_another(study: str) -> None:
    for module in MODULES:
        if room(module) == study:
            others = {room(name) for name in imports(module) if name.startswith("experiments.")} - {study}
            assert not others & studies(), module


def test_a_class_name_means_one_thing() -> None:
    where = defaultdict(list)
    for module, file in MODULES.items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(module)
    assert {name: modules for name, modules in where.items() if len(modules) > 1} == {}


def test_a_file_name_means_one_thing() -> None:
    where = defaultdict(list)
    for module, file in MODULES.items():
        if file.name not in ROLES:
            where[file.name].append(module)
    assert {name: modules for name, modules in where.items() if len(modules) > 1} == {}


@pytest.mark.parametrize("module", MODULES)
def test_no_file_is_too_long_to_read(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_no_test_is_too_long_to_read() -> None:
    here = Path(__file__).parent
    for file in here.rglob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_TEST, file.name
