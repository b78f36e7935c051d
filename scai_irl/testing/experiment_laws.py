"""Laws of experiments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from scai_irl.cli.main import main
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import Experiment, find_experiments
from scai_irl.results.results import Results, load


class ExperimentContract:
    """Laws of one experiment: it runs by its name, answers its questions, and is reproducible.

    Attributes:
        name: Name on the command line.
        options: Options, as words, with which it finishes quickly.
    """

    name: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def experiment(self) -> Experiment[Any]:
        """Look up the experiment."""
        return find_experiments()[self.name]

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Run the experiment once."""
        return cls.run(tmp_path_factory.mktemp(cls.name))

    @classmethod
    def run(cls, parent: Path) -> Path:
        """Run the experiment with its quick options."""
        main(["run", cls.name, *cls.options, "--out", str(parent / "results")])
        return parent / "results"

    def test_it_is_registered_under_its_own_name_with_a_summary(self, experiment: Experiment[Any]) -> None:
        assert experiment.name == self.name
        assert experiment.summary
        assert issubclass(experiment.config, ExperimentConfig)

    def test_every_option_has_a_default_and_a_description(self, experiment: Experiment[Any]) -> None:
        for field, info in experiment.config.model_fields.items():
            assert info.description, field
            assert not info.is_required() or self.options, field

    def test_it_finishes_and_answers_its_questions(self, folder: Path) -> None:
        results: Results = load(folder)
        assert results.manifest.status == "finished"
        assert results.manifest.experiment == self.name
        assert len(results.findings) > 0
        assert results.findings["question"].str.endswith("?").all()
        assert not results.findings["sentence"].str.contains("{", regex=False).any()

    def test_its_figures_have_descriptions(self, folder: Path) -> None:
        for figure in (folder / "figures").glob("*.svg"):
            assert "<dc:description>" in figure.read_text(encoding="utf-8"), figure.name

    def test_the_same_options_give_the_same_files(self, folder: Path, tmp_path: Path) -> None:
        again = self.run(tmp_path)
        assert _files(again) == _files(folder)

    def test_a_dry_run_makes_no_folder(
        self, experiment: Experiment[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if "dry_run" not in experiment.config.model_fields:
            pytest.skip("it asks no language model")
        main(["run", self.name, *self.options, "--dry-run", "--out", str(tmp_path / "none")])
        assert capsys.readouterr().out.startswith("calls: ")
        assert not (tmp_path / "none").exists()


def _files(folder: Path) -> dict[str, bytes]:
    """Read every file of results, and the fields of the manifest that do not depend on time."""
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    manifest = json.loads(files.pop("manifest.json"))
    timeless = {key: value for key, value in manifest.items() if key not in {"started", "finished", "git_commit"}}
    return files | {"manifest.json": json.dumps(timeless, sort_keys=True).encode()}
