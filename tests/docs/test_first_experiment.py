"""“Your first experiment” is a script as it stands in the page: short, repeatable, and right."""

from __future__ import annotations

import runpy
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from envs import derive_key, one_group, simulate
from scai_irl import load
from scai_irl.io.errors import InputError
from tests.docs.following import follow
from tests.docs.pages import ROOT, blocks, run_command
from tests.scai_irl.program import assert_equal_results

PAGE = ROOT / "docs" / "first-experiment.md"
(SCRIPT,) = [block for block in blocks(PAGE, "python") if block.title == "how_many_games.py"]
COMMAND = f"python {SCRIPT.title} --runs 3 --games 6 --lapse 0.5 --seed 5"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path(SCRIPT.title).write_text(SCRIPT.text, encoding="utf-8")
    return tmp_path


def test_it_has_fewer_than_sixty_lines() -> None:
    assert len(SCRIPT.text.splitlines()) < 60


@pytest.mark.slow
def test_it_makes_a_results_folder_with_the_right_numbers_and_the_same_again(folder: Path) -> None:
    printed = run_command(f"{COMMAND} --out one")
    results = load(folder / "one")
    assert results.manifest.status == "finished"
    assert results.manifest.experiment == "how-many-games"
    assert [figure.name for figure in results.figures] == ["beliefs.png"]
    norms = ("selfish", "fair", "altruistic")
    assert results.findings["case"].tolist() == list(norms)
    assert all(sentence in printed for sentence in results.findings["sentence"])
    for place, norm in enumerate(norms):
        beliefs = beliefs_by_hand(norms, place, runs=3, games=6, lapse=0.5, seed=5)
        np.testing.assert_allclose(results.beliefs[norm], beliefs.mean(axis=0), atol=1e-5)
        assert results.findings["value"][place] == pytest.approx((beliefs < 0.95).sum(axis=1).mean())
    run_command(f"{COMMAND} --out other")
    assert_equal_results(folder / "one", folder / "other")


def beliefs_by_hand(norms: tuple[str, ...], truth: int, runs: int, games: int, lapse: float, seed: int) -> np.ndarray:
    """Belief in the truth after each game, (run, game): the sum of logarithms from each norm's table."""
    tables = [one_group(norm).policy(lapse=lapse).table(jnp.asarray([20])) for norm in norms]
    users = one_group(norms[truth]).policy(lapse=lapse)
    plays = simulate(derive_key(seed, "how-many-games", norms[truth]), users, np.full((runs, games), 20))
    offer, accepted = np.asarray(plays.offer), np.asarray(plays.accepted)
    log_prob = [
        np.asarray(table.offer)[0, offer]
        + np.where(accepted, np.asarray(table.accept)[0, offer], np.asarray(table.reject)[0, offer])
        for table in tables
    ]
    total = np.cumsum(np.stack(log_prob), axis=2)
    chance = np.exp(total - total.max(axis=0))
    return np.asarray(chance[truth] / chance.sum(axis=0))


def test_options_that_do_not_fit_are_refused_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [SCRIPT.title, "--runs", "1", "--out", "refused"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(SCRIPT.title, run_name="__main__")
    assert stopped.value.code == 2
    assert "runs: 1 does not fit" in capsys.readouterr().err
    assert not (folder / "refused").exists()
    with pytest.raises(InputError):
        load(folder / "refused")


@pytest.mark.slow
def test_the_page_is_followed_from_an_empty_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my-experiment"
    folder.mkdir()
    printed = follow(PAGE, folder)
    assert_equal_results(folder / "unsure", folder / "again")
    assert " passed" in printed
    assert " failed" not in printed
