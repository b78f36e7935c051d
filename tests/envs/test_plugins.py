"""Registries find the entries of other distributions, import them on use, and name a broken distribution."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.plugins import PluginError, PluginWarning, Registry

GROUP = "scai_irl.colours"
SOURCE = 'GREEN, NUMBER = "#0f0", 1\n'


def install(folder: Path, name: str, entries: str, source: str = SOURCE) -> None:
    """Write a distribution with one module into a folder."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{entries}\n", encoding="utf-8")


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[str]:
    install(tmp_path, "meadow", "green = meadow:GREEN\nwrong = meadow:NUMBER\nred = meadow:GREEN\nlost = meadow:NO")
    install(tmp_path, "ruin", "grey = ruin:GREY\ntwice = ruin:GREY", "raise RuntimeError('all\\nis lost')\n")
    install(tmp_path, "bog", "twice = bog:GREEN")
    monkeypatch.syspath_prepend(str(tmp_path))
    return Registry("colour", GROUP, str, {"red": "#f00", "blue": "#00f"})


def test_names_are_known_before_anything_is_imported(colours: Registry[str]) -> None:
    assert list(colours) == ["red", "blue", "green", "grey", "lost", "twice", "wrong"]
    assert len(colours) == 7
    assert "grey" in colours
    assert "pink" not in colours
    assert colours["blue"] == "#00f"
    assert colours["green"] == colours.look_up("green") == "#0f0"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("grey", r"colour 'grey' of the distribution ruin cannot be imported \(RuntimeError: all is lost\); repair"),
        ("lost", r"colour 'lost' of the distribution meadow cannot be imported \(AttributeError: .*NO.*\); repair"),
        ("wrong", "colour 'wrong' of the distribution meadow is no str; correct its entry point"),
        ("red", "colour 'red' is defined by scai-irl and by meadow; uninstall one"),
        ("twice", "colour 'twice' is defined by (bog and by ruin|ruin and by bog); uninstall one"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_refused_in_one_line(colours: Registry[str], name: str, problem: str) -> None:
    with pytest.raises(PluginError, match=f"^{problem}") as refused:
        colours[name]
    assert "\n" not in str(refused.value)
    assert colours.describe(lambda value: value)[name] == f"not usable: {refused.value}"


def test_broken_plugins_stop_nothing_else(colours: Registry[str]) -> None:
    with pytest.warns(PluginWarning) as warned:
        assert dict(colours.items()) == {"blue": "#00f", "green": "#0f0"}
    assert len(warned) == 5
    with pytest.warns(PluginWarning):
        assert list(colours.values()) == ["#00f", "#0f0"]


def test_an_unknown_name_is_refused_with_those_there_are(colours: Registry[str]) -> None:
    with pytest.raises(KeyError):
        colours["pink"]
    with pytest.raises(ValueError, match="unknown colour 'pink'; there are red, blue, green"):
        colours.look_up("pink")
