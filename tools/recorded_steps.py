"""Run the commands whose results must not change, each step in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from compared_folders import compare_folders

ORGANISMS = ("bayes", "altruistic-prior", "credulous", "one-currency", "forgetful")
DONE = ".done.json"

_SCAI_IRL = str(Path(sys.executable).with_name("scai-irl"))
_FITS = str(Path(__file__).with_name("fitted_families.py"))
_SHIPPED = ("*.txt", "*.safetensors", "*.jinja", "shipped/*/*.json")
_EPOCHS_BEFORE_KILL = 2
_PATIENCE = 1_800.0
_SWEEP = """
experiment = "one-group-norm"
seeds = [0, 1]
settings = {runs = 2, epochs = 2, users = ["fair"], group = ["5v5"]}
grid = {lapse = [0.0, 0.1]}
"""
_RESUMED = (
    "run one-group-norm --backend embedded --model bayes --group 5v5 --runs 2 --epochs 4 "
    "--agents thompson scai-memory --out"
)


@dataclass(frozen=True)
class Sources:
    """Data that some steps need; such a step is left out where its path is None.

    Attributes:
        recorded: Recorded runs of SCAI (2023), a folder or an archive.
        people: Answers of people, the file that ``scai-irl import human heffner`` reads.
        data: Folder with both, as ``scai-irl reproduce --data`` expects it.
    """

    recorded: Path | None = None
    people: Path | None = None
    data: Path | None = None


Work = Callable[[Path], None]


def steps(sources: Sources) -> dict[str, Work]:
    """Return every step by name: a function that fills a folder. A name ``a/b`` is part b of step a."""
    by_organism = {name: f"--backend embedded --model {name}" for name in ORGANISMS}
    every: dict[str, Work] = {
        "shipped": _hash_shipped,
        "demo": _commands(
            "run one-group-norm --seed 7 --out phrasebook",
            f"run one-group-norm --seed 7 {by_organism['bayes']} --group 5v5 --runs 5 "
            "--agents thompson scai-memory prior-only oracle --out bayes",
            "report phrasebook bayes --out report.html",
        ),
        "audits/phrasebook": _commands("audit model --out card"),
        **{f"audits/{name}": _commands(f"audit model {model} --out card") for name, model in by_organism.items()},
        "resume": _resume,
        "sweep": _sweep,
        "calibrate": _commands("calibrate fehr-schmidt --method laplace --replications 100 --cores 1 --out table"),
        "fits": lambda folder: _run([sys.executable, _FITS, "."], folder, "fits"),
    }
    if sources.recorded:
        every["recorded"] = _commands(
            f"import scai2023 {shlex.quote(str(sources.recorded))} --out imported", "audit recorded imported"
        )
    if sources.people:
        every["people"] = _commands(
            f"import human heffner {shlex.quote(str(sources.people))} --out imported",
            "run human-norms --data imported --people 40 --method laplace --hierarchical fehr-schmidt --out norms",
        )
    if sources.data:
        every["paper"] = lambda folder: _paper(folder, sources)
    return every


def record(out: Path, sources: Sources, only: Sequence[str], jobs: int, fresh: bool) -> bool:
    """Run steps; a step that is finished is not run again.

    Args:
        out: Folder of the recording.
        sources: Data.
        only: Steps, all their parts, or single parts; all steps if empty.
        jobs: Steps at a time.
        fresh: Whether to remove the folders of these steps first.

    Returns:
        Whether all steps succeeded; one that fails does not stop the others.

    Raises:
        ValueError: If there is no such step.
    """
    chosen = chosen_steps(steps(sources), only, sources)
    out = out.resolve()
    if fresh:
        for name in chosen:
            shutil.rmtree(out / name, ignore_errors=True)
    with ThreadPoolExecutor(jobs) as pool:
        # The longest steps come last in the table and start first.
        return all(list(pool.map(lambda name: _step(name, chosen[name], out / name), reversed(chosen))))


def recorded_in(out: Path) -> list[str]:
    """Return the steps that a recording holds; of a finished step no single parts."""
    found = sorted(file.parent.relative_to(out).as_posix() for file in out.rglob(DONE))
    return [name for name in found if name.split("/")[0] not in found or "/" not in name]


def chosen_steps(every: dict[str, Work], only: Sequence[str], sources: Sources) -> dict[str, Work]:
    """Choose steps by name; ``paper/NAME`` is one experiment of the reproduction, ``fits/NAME`` one family."""
    chosen: dict[str, Work] = {}
    for wanted in only or every:
        found = {name: work for name, work in every.items() if name == wanted or name.startswith(f"{wanted}/")}
        step, _, part = wanted.partition("/")
        if not found and part and step in every and step == "paper":
            found = {wanted: lambda folder, part=part: _paper(folder.parent, sources, part)}  # type: ignore[misc]
        if not found and part and step in every and step == "fits":
            found = {wanted: lambda folder, part=part: _run([sys.executable, _FITS, "..", part], folder, "fits")}  # type: ignore[misc]
        if not found:
            raise ValueError(f"there is no step {wanted!r}, or it needs data; there are {', '.join(every)}")
        chosen |= found
    return chosen


def _step(name: str, work: Work, folder: Path) -> bool:
    marker = folder / DONE
    if marker.exists():
        print(f"{name}: recorded before", flush=True)
        return True
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        work(folder)
    except (subprocess.CalledProcessError, RuntimeError) as failed:
        print(f"{name}: FAILED: {failed}; see stderr-*.txt in {folder}", flush=True)
        return False
    seconds = round(time.monotonic() - started, 1)
    marker.write_text(json.dumps({"step": name, "seconds": seconds}), encoding="utf-8")
    print(f"{name}: {seconds:.0f} s", flush=True)
    return True


def _commands(*commands: str) -> Work:
    def work(folder: Path) -> None:
        for number, command in enumerate(commands, start=1):
            _run([_SCAI_IRL, *shlex.split(command)], folder, str(number))

    return work


def _environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PYTHONSAFEPATH": "1"}


def _run(command: Sequence[str], folder: Path, name: str) -> None:
    with (folder / f"stdout-{name}.txt").open("w") as out, (folder / f"stderr-{name}.txt").open("w") as err:
        subprocess.run(command, cwd=folder, env=_environment(), stdout=out, stderr=err, check=True)


def _hash_shipped(folder: Path) -> None:
    """Write the SHA-256 of each prompt and each file of an organism, by the last two parts of its path."""
    where = "import scai_irl; print(scai_irl.__path__[0])"
    command = [sys.executable, "-c", where]
    answer = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=True)
    package = Path(answer.stdout.strip())
    files = sorted({file for pattern in _SHIPPED for file in package.rglob(pattern)})
    hashes = {"/".join(file.parts[-2:]): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    (folder / "shipped.json").write_text(json.dumps(hashes, indent=1), encoding="utf-8")


def _sweep(folder: Path) -> None:
    (folder / "sweep.toml").write_text(_SWEEP, encoding="utf-8")
    _run([_SCAI_IRL, "sweep", "sweep.toml", "--workers", "1", "--out", "swept"], folder, "1")


def _paper(folder: Path, sources: Sources, part: str | None = None) -> None:
    command = [_SCAI_IRL, "reproduce", "paper", "--preset", "small", "--data", str(sources.data), "--out", "."]
    folder.mkdir(parents=True, exist_ok=True)
    _run([*command, "--only", part] if part else command, folder, part or "1")


def _resume(folder: Path) -> None:
    """Run an experiment unbroken, and again with a kill after some epochs; both must have the same numbers.

    Raises:
        RuntimeError: If the run ended before it was killed, or the numbers differ.
    """
    command = [_SCAI_IRL, *_RESUMED.split()]
    _run([*command, "unbroken"], folder, "unbroken")
    killed = folder / "killed"
    process = subprocess.Popen([*command, "killed"], cwd=folder, env=_environment(), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline and _epochs(killed) < _EPOCHS_BEFORE_KILL:
        time.sleep(0.01)
    ended = process.poll() is not None
    process.kill()
    process.wait()
    if ended:
        raise RuntimeError("the run ended before it could be killed")
    _run([*command, "killed"], folder, "killed")
    found = compare_folders(folder / "unbroken", killed)
    if found.differences:
        raise RuntimeError(f"a resumed run differs: {found.differences[0]}")


def _epochs(folder: Path) -> int:
    return sum(not entry.name.startswith(".") for entry in (folder / "epochs").glob("*"))
