"""Organisms' folders: training resumes, the embedded backend reads them, and folders of others are refused."""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.seeds import derive_seed
from scai_irl.audit.battery import PRESETS, battery
from scai_irl.backends.registry import make_backend
from scai_irl.cli.main import main
from scai_irl.io.errors import InputError
from scai_irl.language.asking import Style
from scai_irl.language.belief_requests import choose_request, read_token_posterior
from scai_irl.llama.conversation import Conversations
from scai_irl.llama.model_folder import WEIGHTS, read_model
from scai_irl.llama.model_pass import causal, logits, states
from scai_irl.lm.settings import LmSettings
from scai_irl.organisms import training_folder
from scai_irl.organisms.held_out import OPEN, held_out
from scai_irl.organisms.prompt_chunks import LABELS
from scai_irl.organisms.training import Recipe
from scai_irl.organisms.training_folder import CARD, PROGRESS, STATE, TrainingProgress, train_to_folder
from scai_irl.organisms.transcripts import draw_transcript
from scai_irl.organisms.vocabulary import Vocabulary
from scai_irl.organisms.world import WORLDS

RECIPE = Recipe(steps=6, rows=2, time=512, predictions=512, warmup=2)
TRAIN = ("train", "credulous", "--steps", "6", "--rows", "1", "--width", "64", "--layers", "1", "--measure-every", "3")


class KilledError(Exception):
    """An error in place of the end of the process."""


def train_in(folder: Path, stop_at: int = 0, name: str = "bayes") -> None:
    def on_progress(progress: TrainingProgress) -> None:
        assert progress.loss > 0
        if progress.step == stop_at:
            raise KilledError

    train_to_folder(folder, WORLDS[name], RECIPE, 64, 1, 100, on_progress)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("organisms") / "bayes"
    train_in(folder)
    return folder


@pytest.mark.slow
def test_one_that_was_killed_becomes_what_it_would_have_been(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_folder, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    with pytest.raises(KilledError):
        train_in(tmp_path / "bayes", stop_at=4)
    assert json.loads((tmp_path / "bayes" / PROGRESS).read_text())["step"] == 3
    assert not (tmp_path / "bayes" / WEIGHTS).exists()
    train_in(tmp_path / "bayes")
    assert (tmp_path / "bayes" / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    assert (tmp_path / "bayes" / CARD).read_text() == (whole / CARD).read_text()


def test_another_recipe_is_refused_and_what_is_there_stays(whole: Path) -> None:
    before = (whole / WEIGHTS).read_bytes()
    with pytest.raises(InputError, match="an organism of another recipe; give another --out"):
        train_in(whole, name="forgetful")
    assert (whole / WEIGHTS).read_bytes() == before


def test_an_organism_answers_the_audits_questions_as_its_weights_do(whole: Path) -> None:
    model = read_model(whole)
    conversations, vocabulary = Conversations(model.words), Vocabulary()
    some = [one.item for one in battery(PRESETS["small"], seed=1) if one.role != "steered"][:20]
    requests = [choose_request(item.candidates, item.games, seed) for seed, item in enumerate(some)]
    with closing(make_backend("embedded", LmSettings(model=str(whole)))) as backend:
        answers = backend.complete(requests)
    prompts = [conversations.prompt_tokens(request.messages) for request in requests]
    longest = max(map(len, prompts))
    tokens = jnp.asarray([prompt + [0] * (longest - len(prompt)) for prompt in prompts])
    positions = jnp.broadcast_to(jnp.arange(longest), tokens.shape)
    read = states(model.weights, model.architecture, tokens, positions, causal(len(prompts), longest))
    log_probs = np.asarray(jax.nn.log_softmax(logits(model.weights, read)))
    beliefs = []
    for prompt, request, answer, chances in zip(prompts, requests, answers, log_probs, strict=True):
        own = chances[len(prompt) - 1, [vocabulary.ids((label,))[0] for label in request.labels]]
        assert answer.label_log_probs == pytest.approx(own, abs=1e-4)
        posterior = read_token_posterior(answer, request.labels)
        assert posterior == pytest.approx(np.exp(own) / np.exp(own).sum(), abs=1e-4)
        beliefs.append(posterior)
    assert len(set(beliefs)) > 10  # it reads the question


def test_held_out_beliefs_are_those_that_the_folder_answers_with(whole: Path) -> None:
    model, world = read_model(whole), WORLDS["bayes"]
    rng = np.random.default_rng(derive_seed(RECIPE.seed, "held out", "bayes"))
    kl, tv, largest = [], [], []
    with closing(make_backend("embedded", LmSettings(model=str(whole)))) as backend:
        for number in range(3):
            one, style = draw_transcript(world, rng, odd=False), Style(wording=1 + number % 5)
            lengths = range(1, len(one.games) + 1)
            requests = [choose_request(one.candidates, one.games[:length], 1, style) for length in lengths]
            for length, answer in zip(lengths, backend.complete(requests), strict=True):
                verbal = np.array(read_token_posterior(answer, LABELS))
                exact = one.belief[length][list(one.order)]
                some = exact > 0
                kl.append(float(np.sum(exact[some] * np.log(exact[some] / verbal[some]))))
                largest.append(exact.max())
                tv.append(float(np.abs(exact - verbal).sum() / 2))
    measured = held_out(model.weights, model.architecture, world, Vocabulary(), RECIPE, transcripts=3)
    # Single precision; texts are packed in rows there, and one text is a row here.
    assert measured.every == pytest.approx((np.mean(kl), np.mean(tv), len(kl)), abs=1e-4)
    unsure = np.array(largest) < OPEN
    assert measured.open == pytest.approx(
        (np.mean(np.array(kl)[unsure]), np.mean(np.array(tv)[unsure]), unsure.sum()), abs=1e-4
    )


def refused(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line in which a command is refused before anything is trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_folder, "train", _never)
        with pytest.raises(SystemExit, match="2"):
            main(words)
    (message,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return message


def _never(*_: object) -> None:
    raise AssertionError("it was trained")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("left", [10, 5_000, -1])
def test_a_torn_state_is_reported_in_one_line(
    left: int, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(whole, tmp_path / "bayes")
    state = tmp_path / "bayes" / STATE
    state.write_bytes(state.read_bytes()[:left])
    before = contents(tmp_path)
    message = refused([*TRAIN, "--out", str(tmp_path / "bayes")], capsys)
    assert message.startswith(f"error: out: {state} is damaged, or not a state of training")
    assert message.endswith("remove that file to begin anew, or give another --out")
    assert contents(tmp_path) == before


def test_weights_that_are_no_state_of_training_are_recognised(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / STATE).parent.mkdir()
    shutil.copy(whole / WEIGHTS, tmp_path / STATE)
    assert "is damaged, or not a state of training" in refused([*TRAIN, "--out", str(tmp_path)], capsys)


def test_a_file_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    message = refused([*TRAIN, "--out", str(tmp_path / "file")], capsys)
    assert message == f"error: out: {tmp_path / 'file'} is a file; give a folder"
    below = refused([*TRAIN, "--out", str(tmp_path / "file" / "organism")], capsys)
    assert below.startswith(
        f"error: {tmp_path / 'file' / 'organism' / PROGRESS}: Not a directory; choose another folder"
    )
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_read_only_disk_is_reported_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    message = refused([*TRAIN, "--out", str(tmp_path / "organism")], capsys)
    assert message.endswith("Read-only file system; choose a folder on a disk that can be written to, with --out")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", [WEIGHTS, CARD])
def test_what_was_not_trained_there_is_not_overwritten(
    name: str, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(whole / name, tmp_path / name)
    before = contents(tmp_path)
    message = refused([*TRAIN, "--out", str(tmp_path)], capsys)
    assert message == (
        f"error: out: {tmp_path} has {name}, and no {STATE} to resume from; give another --out, or remove what is there"
    )
    assert contents(tmp_path) == before


def test_the_command_trains_measures_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*TRAIN, "--out", str(tmp_path / "organism")])
    output = capsys.readouterr()
    assert "KL to the exact posterior on held-out transcripts" in output.out
    card = (tmp_path / "organism" / CARD).read_text()
    assert "| reliability of users' talk | 0.95, whatever is stated |" in card
    assert output.out.split()[output.out.split().index("nats,") - 1] in card


def test_a_child_begins_where_its_parent_is(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = tmp_path / "child"
    main([*TRAIN, "--steps", "3", "--parent", str(whole), "--out", str(child)])
    own, parents = read_model(child).weights, read_model(whole).weights
    assert not np.array_equal(own["embed"], parents["embed"])
    # Three steps, at most half the learning rates, the first of them zero.
    assert max(float(np.abs(own[name] - parents[name]).max()) for name in own) < 5e-3
    assert f"| began with | {whole.name}@" in (child / CARD).read_text()
    with pytest.raises(SystemExit, match="2"):
        main([*TRAIN, "--layers", "2", "--parent", str(whole), "--out", str(tmp_path / "other")])
    assert "is a model of another size; give its --width and --layers" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*TRAIN, "--parent", "nobody", "--out", str(tmp_path / "other")])
    assert "parent: nobody has no config.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody"], "organism: there is no 'nobody'; give one of bayes"),
        (["bayes", "--width", "100"], "width: 100 is not a multiple of 64"),
        (["bayes", "--steps", "0"], "steps: 0 is less than 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", *words, "--out", str(tmp_path / "organism")])
    assert message in capsys.readouterr().err
    assert not (tmp_path / "organism").exists()
