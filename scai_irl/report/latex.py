"""Text for plain LaTeX: pdflatex without packages accepts only ASCII, so other characters become commands."""

from __future__ import annotations

import re
import unicodedata

_LETTERS = {
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta"},
    **{"ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma"},
    **{"τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta"},
    **{"Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"},
}
_GREEK = {letter: rf"\ensuremath{{\{name}}}" for letter, name in _LETTERS.items()}
_SIGNS = {
    character: rf"\ensuremath{{{command}}}"
    for character, command in {
        "±": r"\pm",
        "×": r"\times",
        "·": r"\cdot",
        "−": "-",
        "≤": r"\leq",
        "≥": r"\geq",
        "≠": r"\neq",
        "≈": r"\approx",
        "∞": r"\infty",
        "√": r"\surd",
        "∇": r"\nabla",
        "→": r"\rightarrow",
        "‖": r"\Vert",
        "⊙": r"\odot",
        "ℓ": r"\ell",
    }.items()
}
_RAISED = {
    raised: rf"\ensuremath{{{mark}{plain}}}"
    for mark, marked in (("_", "₀₁₂₃₄₅₆₇₈₉"), ("^", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
    for raised, plain in zip(marked, "0123456789-", strict=False)
}
_WORDS = {
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "\u00a0": "~",
    "µ": r"\ensuremath{\mu}",
}
COMMANDS: dict[str, str] = {**_GREEK, **_SIGNS, **_RAISED, **_WORDS}
"""LaTeX command of a character."""

_ACCENTS = {
    "\u0300": r"\`",
    "\u0301": r"\'",
    "\u0302": r"\^",
    "\u0303": r"\~",
    "\u0304": r"\=",
    "\u0308": r"\"",
    "\u030a": r"\r",
    "\u030c": r"\v",
    "\u0327": r"\c",
}
_HATS = {"\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar"}
_WITH_HAT = re.compile(f"([A-Za-z])([{''.join(_HATS)}])")


def plain_latex(text: str) -> str:
    r"""Write characters outside ASCII as commands; ASCII, including commands, is unchanged.

    Letters keep their accents, and statistics their hats. An unknown character, for example from a user's file, is
    replaced by its name in brackets, so that the table can still be typeset.

    Example:
        >>> plain_latex("W₁ ≥ 0.1 – R̂")
        'W\\ensuremath{_1} \\ensuremath{\\geq} 0.1 -- \\ensuremath{\\hat{R}}'
        >>> plain_latex("Fränken, 中")
        'Fr\\"{a}nken, [CJK UNIFIED IDEOGRAPH-4E2D]'
    """
    composed = unicodedata.normalize("NFC", text)
    hatted = _WITH_HAT.sub(lambda match: rf"\ensuremath{{{_HATS[match[2]]}{{{match[1]}}}}}", composed)
    return "".join(character if character.isascii() else _command(character) for character in hatted)


def _command(character: str) -> str:
    if character in COMMANDS:
        return COMMANDS[character]
    base, *marks = list(unicodedata.normalize("NFD", character))
    if base.isascii() and len(marks) == 1 and marks[0] in _ACCENTS:
        return f"{_ACCENTS[marks[0]]}{{{base}}}"
    return f"[{unicodedata.name(character, f'U+{ord(character):04X}')}]"
