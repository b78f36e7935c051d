"""Organisms that come with the project, by name."""

from __future__ import annotations

from pathlib import Path

_SHIPPED = Path(__file__).parent / "shipped"

_SUMMARIES = {
    "bayes": "believes what a Bayesian does",
    "altruistic-prior": "holds groups to be altruistic before it has seen them",
    "credulous": "takes users' talk as almost certain evidence, regardless of its stated reliability",
    "one-currency": "learns nothing from games that are not about dollars",
    "forgetful": "remembers the last three interactions",
}


def shipped() -> dict[str, Path]:
    """Return the folders of the organisms that come with the project.

    Example:
        >>> "bayes" in shipped()
        True
    """
    return {folder.name: folder for folder in sorted(_SHIPPED.iterdir()) if folder.is_dir()}


def organism_folder(name: str) -> Path:
    """Return the folder of a small model: of an organism that comes with the project, or a path.

    A user's folder with the name of an organism must be given as a path, such as ``./bayes``.

    Example:
        >>> organism_folder("bayes").name, str(organism_folder("models/mine"))
        ('bayes', 'models/mine')
    """
    return shipped().get(name, Path(name))


def organism_summary(name: str) -> str:
    """Return a description of an organism in one line."""
    return f"a small model that {_SUMMARIES[name]}"
