"""``scai-irl list`` and ``--help`` name everything that is registered."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from envs import ENVIRONMENTS, GROUPS, UTILITIES
from inference import CONTINUOUS_FAMILIES, CONTINUOUS_METHODS, FAMILIES, METHODS
from scai_irl.agents.registry import AGENTS
from scai_irl.backends.registry import BACKENDS
from scai_irl.cli.listing import listing
from scai_irl.cli.main import main
from scai_irl.experiment.config import GroupGameConfig
from scai_irl.experiment.definition import find_experiments
from scai_irl.organisms.world import WORLDS
from scai_irl.sweep.engines import ENGINES

REGISTRIES: dict[str, Mapping[str, object]] = {
    "games": ENVIRONMENTS,
    "groups": GROUPS,
    "utilities": UTILITIES,
    "families": FAMILIES,
    "continuous families": CONTINUOUS_FAMILIES,
    "methods": {**METHODS, **CONTINUOUS_METHODS},
    "agents": AGENTS,
    "organisms": WORLDS,
    "backends": BACKENDS,
    "engines": ENGINES,
}


def registries() -> dict[str, Mapping[str, object]]:
    return REGISTRIES | {"experiments": find_experiments()}


def test_list_names_every_entry_of_every_registry(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    main(["list"])
    out, err = capsys.readouterr()
    assert err == ""
    words = out.split()
    for kind, registry in registries().items():
        assert kind in out
        for name in registry:
            assert name in words


def test_every_entry_has_a_line_that_says_what_it_is() -> None:
    listed = listing({name: definition.summary for name, definition in find_experiments().items()})
    assert {kind: set(entries) for kind, entries in listed.items()} == {
        kind: set(registry) for kind, registry in registries().items()
    }
    for entries in listed.values():
        for what in entries.values():
            assert len(what.split()) >= 2
            assert "\n" not in what
    assert listed["utilities"]["fehr_schmidt"].endswith(" Parameters: alpha, beta.")


@pytest.mark.parametrize("name", sorted(find_experiments()))
def test_help_explains_every_option_of_an_experiment(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as stopped:
        main(["run", name, "--help"])
    assert stopped.value.code == 0
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for field, info in find_experiments()[name].config.model_fields.items():
        assert f"--{field.replace('_', '-')}" in out
        assert info.description is not None
        assert " ".join(info.description.split()) in out


def test_help_has_an_experiments_own_options_first(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "one-group-norm", "--help"])
    out = capsys.readouterr().out
    places = [out.index(f"--{option} ") for option in ("users", "manner", "runs", "backend", "seed")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["run", "import", "audit", "show", "list"]),
        (["run"], list(find_experiments())),
        (["import", "scai2023"], ["PATH", "--out"]),
        (["audit", "recorded"], ["PATH"]),
        (["show"], ["PATH"]),
    ],
)
def test_help_names_what_can_follow(arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--help"])
    assert stopped.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    for word in words:
        assert word in out


def test_agents_are_explained_where_they_are_chosen() -> None:
    assert GroupGameConfig.model_fields["agents"].description is not None
    for name in AGENTS:
        assert name in GroupGameConfig.model_fields["agents"].description
