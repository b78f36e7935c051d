"""Impossible options: one line that names the option, exit code 2, and no file is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from scai_irl.cli.main import main
from scai_irl.experiment.definition import find_experiments
from scai_irl.experiment.script import run_experiment
from tests.scai_irl.program import error_of, run

ONE_GROUP = "run one-group-norm"
MIXED = "run mixed-group-norm --mixtures"

# Command, the name at the beginning of the line, and a part of the line.
WRONG_VALUES = [
    (f"{ONE_GROUP} --stakes -5 10", "stakes", "a stake of -5 cannot be divided"),
    (f"{ONE_GROUP} --stakes 0 10", "stakes", "a stake of 0 cannot be divided"),
    (f"{ONE_GROUP} --stakes 20 10", "stakes", "below the smallest"),
    (f"{ONE_GROUP} --stakes 1 10000000", "stakes", "too large"),
    (f"{ONE_GROUP} --runs 0", "runs", "0 does not fit"),
    (f"{ONE_GROUP} --runs -3", "runs", "-3 does not fit"),
    (f"{ONE_GROUP} --runs 99999999999999999999", "runs", "does not fit"),
    (f"{ONE_GROUP} --first-run -1", "first_run", "-1 does not fit"),
    (f"{ONE_GROUP} --epochs 0", "epochs", "0 does not fit"),
    (f"{ONE_GROUP} --seed -1", "seed", "-1 does not fit"),
    (f"{ONE_GROUP} --rationality nan", "rationality", "nan does not fit"),
    (f"{ONE_GROUP} --rationality inf", "rationality", "inf does not fit"),
    (f"{ONE_GROUP} --rationality -inf", "rationality", "-inf does not fit"),
    (f"{ONE_GROUP} --rationality -1", "rationality", "-1.0 does not fit"),
    (f"{ONE_GROUP} --lapse nan", "lapse", "nan does not fit"),
    (f"{ONE_GROUP} --lapse inf", "lapse", "inf does not fit"),
    (f"{ONE_GROUP} --lapse 1.5", "lapse", "1.5 does not fit"),
    (f"{ONE_GROUP} --lapse -0.1", "lapse", "-0.1 does not fit"),
    (f"{ONE_GROUP} --users spiteful", "users", "unknown norm 'spiteful'; there are selfish, fair, altruistic, offer="),
    (f"{ONE_GROUP} --users ces", "users", "norm 'ces' lacks own_weight, substitution; write ces:own_weight="),
    (f"{ONE_GROUP} --users", "users", "none given"),
    (f"{ONE_GROUP} --users offer=1.3", "users", "'offer=1.3' is no share of the stake; give a number from 0 to 1"),
    (f"{ONE_GROUP} --users offer=.3 offer=0.30", "users", "give each norm once"),
    (f"{ONE_GROUP} --users fehr_schmidt:alpha=1", "users", "lacks beta; write fehr_schmidt:alpha=2,beta=0.5"),
    (f"{ONE_GROUP} --users fehr_schmidt:alpha=1,gamma=1", "users", "has no parameter 'gamma'"),
    (f"{ONE_GROUP} --users fehr_schmidt:alpha=much,beta=0", "users", "alpha of norm"),
    (f"{ONE_GROUP} --users fair fair", "users", "give each norm once"),
    (f"{ONE_GROUP} --agents gambler", "agents", "unknown agent 'gambler'; there are thompson"),
    (f"{ONE_GROUP} --agents", "agents", "none given"),
    (f"{ONE_GROUP} --agents map map", "agents", "give each agent once"),
    (f"{ONE_GROUP} --group 2v8", "group", "unknown group '2v8'; give 1v9"),
    (f"{ONE_GROUP} --group 5v5,9v1", "group", "'5v5,9v1' has a comma; separate values by spaces, as in 5v5 9v1"),
    (f"{ONE_GROUP} --group ../5v5", "group", "unknown group"),
    (f"{ONE_GROUP} --group 0uu-0au-0ua-0aa", "group", "has no interactions"),
    (f"{ONE_GROUP} --group 1v9 1v9", "group", "give each group once"),
    (f"{ONE_GROUP} --currencies euros", "currencies", "unknown currency 'euros'; there are dollars"),
    (f"{ONE_GROUP} --currencies", "currencies", "none given"),
    (f"{ONE_GROUP} --family kinship", "family", "unknown family 'kinship'; there are named-norms"),
    (f"{ONE_GROUP} --backend gpt-4", "backend", "unknown backend 'gpt-4'; there are phrasebook"),
    (f"{ONE_GROUP} --dry-run --price -1 2", "price", "(-1.0, 2.0) are no prices; give two numbers of 0 or more"),
    ("run changing-norms --changes fair", "changes", "write it in quotes, as in 'selfish>altruistic'"),
    ("run changing-norms --epochs 4", "change_at", "epoch 5 is after the last epoch, 4; give 4 or less"),
    ("run changing-norms --change-at 9 --epochs 6", "change_at", "epoch 9 is after the last epoch, 6; give 6 or less"),
    (f"{MIXED} selfish=0.2,altruistic=0.7", "mixtures", "weights must sum to 1, got 0.9"),
    (f"{MIXED} selfish=1.2,altruistic=-0.2", "mixtures", "weights must be 0 or more"),
    (f"{MIXED} selfish=nan,altruistic=1", "mixtures", "weights must be 0 or more"),
    (f"{MIXED} selfish=inf,altruistic=0", "mixtures", "weights must sum to 1"),
    (f"{MIXED} selfish=half,fair=0.5", "mixtures", "no weight in 'selfish=half'"),
    (f"{MIXED} selfish", "mixtures", "no weight in 'selfish'"),
    (f"{MIXED} spiteful=1", "mixtures", "unknown norm 'spiteful'"),
    (f"{MIXED} selfish=0.5,selfish=1", "mixtures", "names selfish twice"),
    (f"{MIXED}", "mixtures", "none given"),
    (f"{MIXED} selfish=0.5,fair=0.5 selfish=.50,fair=.5", "mixtures", "give each mixture once"),
]
WRONG_WORDS = [
    (f"{ONE_GROUP} --runs abc", "--runs", "'abc' is no whole number; see scai-irl run one-group-norm --help"),
    (f"{ONE_GROUP} --runs 1.5", "--runs", "'1.5'"),
    (f"{ONE_GROUP} --runs", "", "'--runs'"),
    (f"{ONE_GROUP} --seed 1e3", "--seed", "'1e3'"),
    (f"{ONE_GROUP} --lapse much", "--lapse", "'much' is no number"),
    (f"{ONE_GROUP} --stakes 10", "", "'--stakes'"),
    (f"{ONE_GROUP} --stakes ten twenty", "--stakes", "'ten', 'twenty' do not fit; see scai-irl"),
    (f"{ONE_GROUP} --rnus 3", "", "--rnus, 3; perhaps you meant: --runs"),
    (f"{ONE_GROUP} --run 3", "", "you meant: --dry-run, --no-dry-run or --first-run INT or --runs INT"),
    (f"{ONE_GROUP} stray", "", "stray"),
    (
        "run no-such-experiment",
        "scai-irl run",
        "unknown command 'no-such-experiment'; there are aligned-to-people, assistant-variants, assistants-only",
    ),
    ("run one-group-nrm", "scai-irl run", "unknown command 'one-group-nrm'; perhaps you meant one-group-norm"),
    ("run --runs 3", "scai-irl run", "unknown option before the command '--runs'; there are aligned-to-people"),
    ("run", "scai-irl run", "mixed-group-norm, model-organisms, one-group-norm, out-of-distribution"),
    (
        "",
        "scai-irl",
        "a command is missing; give one of run, reproduce, sweep, slurm, import, audit, report, calibrate",
    ),
    ("frobnicate", "scai-irl", "unknown command 'frobnicate'; there are run, reproduce"),
    ("sho", "scai-irl", "unknown command 'sho'; perhaps you meant show"),
    ("show", "", "scai-irl show"),
    ("import", "scai-irl import", "scai2023"),
    ("import human", "scai-irl import human", "a command is missing; give one of heffner, moblab, csv"),
    ("import scai2023 recording", "", "--out"),
    ("audit", "scai-irl audit", "recorded"),
    ("run recorded-gpt4", "", "--data"),
]


@pytest.mark.parametrize(("typed", "named", "message"), [*WRONG_VALUES, *WRONG_WORDS])
def test_what_cannot_be_is_refused_in_one_line_before_anything_is_made(
    typed: str,
    named: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(typed.split())
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    (line,) = err.splitlines()
    assert line.startswith(f"error: {named}:" if named else "error: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("columns", ["20", "400"])
def test_the_line_does_not_depend_on_the_terminals_width(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit):
        main(f"{ONE_GROUP} --runs abc".split())
    expected = "error: --runs: 'abc' is no whole number; see scai-irl run one-group-norm --help\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("typed", [f"{ONE_GROUP} --stakes -5 10", f"{ONE_GROUP} --runs abc"])
def test_the_program_itself_says_it_on_standard_error_with_exit_code_2(typed: str, tmp_path: Path) -> None:
    """On a narrow terminal without Unicode, too."""
    done = run(*typed.split(), cwd=tmp_path, COLUMNS="20", PYTHONIOENCODING="ascii")
    error_of(done)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_an_experiments_own_script_refuses_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_experiment(find_experiments()["one-group-norm"], ["--runs", "0"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "error: runs: 0 does not fit; input should be greater than or equal to 1\n"
