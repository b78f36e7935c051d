"""The public face and the command line start without modules that only some uses need."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

import pytest

import scai_irl
from scai_irl.cli.main import COMMANDS, Command, CommandGroup, main

HEAVY = ("jax", "numpyro", "numpy", "scipy", "pandas", "matplotlib", "pydantic", "tyro", "rich", "openai", "arviz")
RARE = ("openai", "scipy.stats", "arviz", "ray", "torch", "transformers", "llguidance")

# All but the first end with SystemExit. One process runs them all: an import by any of them stays visible.
LIGHT = """
import scai_irl
from scai_irl.cli.main import main
for words in (["--version"], ["--help"], ["run", "--help"], ["audit", "--help"], ["frobnicate"], ["run", "none"], []):
    try:
        main(words)
    except SystemExit:
        pass
"""


def imported(program: str, names: tuple[str, ...]) -> list[str]:
    """Run a program in a process of its own and return the modules, among the given names, that it imported."""
    whole = f"import json, sys\n{program}\nprint(json.dumps([name for name in {names!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(done.stdout.splitlines()[-1])
    return modules


def test_nothing_heavy_is_imported_before_a_command_is_chosen() -> None:
    assert imported(LIGHT, HEAVY) == []


def test_a_command_imports_nothing_that_few_commands_need() -> None:
    assert imported("import scai_irl.cli.show_folder, scai_irl.experiment.script", RARE) == []


def commands(group: CommandGroup) -> list[Command]:
    members = group.members().values()
    inner = [command for member in members if isinstance(member, CommandGroup) for command in commands(member)]
    return [member for member in members if isinstance(member, Command)] + inner


@pytest.mark.parametrize("command", commands(COMMANDS), ids=lambda command: command.module)
def test_every_command_has_options_and_is_executed(command: Command) -> None:
    options, execute = command.load()
    assert isinstance(options, type)
    assert callable(execute)
    assert command.summary.endswith(".")


@pytest.mark.parametrize("name", scai_irl.__all__)
def test_every_public_name_is_there_and_explained(name: str) -> None:
    assert getattr(scai_irl, name).__doc__
    assert name in dir(scai_irl)


@pytest.mark.parametrize("name", ["audit", "experiment"])
def test_packages_with_the_name_of_a_function_can_be_called(name: str) -> None:
    assert callable(getattr(scai_irl, name))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'frobnicate'"):
        _ = scai_irl.frobnicate


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    assert capsys.readouterr().out == f"scai-irl {version('scai-irl')}\n"
    assert scai_irl.__version__ == version("scai-irl")
    module = subprocess.run([sys.executable, "-m", "scai_irl", "--version"], capture_output=True, text=True, check=True)
    assert module.stdout == f"scai-irl {version('scai-irl')}\n"
