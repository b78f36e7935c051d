"""A made-up recording in the layout and JSON format of SCAI (2023). Every sentence in it is our own.

Only the tokens that the importer looks for are shared with the original.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

Tree = dict[str, bytes]  # name of a file -> its content
Epoch = dict[str, list[dict[str, object]]]  # one epoch file: JSON key -> calls

PAIRINGS = {  # proposer first; u = user, a = assistant
    "1v9": ["uu"] * 8 + ["au", "ua"],
    "5v5": ["uu"] * 3 + ["au", "ua"] * 2 + ["aa"] * 3,
    "9v1": ["au", "ua"] + ["aa"] * 8,
}
KEY_WORDS = {"u": "fixed", "a": "flexible"}
OFFERED = {"selfish": 0.1, "fair": 0.5, "altruistic": 1.0}
MANNERS = {
    "neutral": "Act neutral, please.",
    "rude": "Close with a line of rude manner.",
    "sycophantic": "Close with a line of sychophantic manner.",
}


def prompt(policy: str, stake: int, currency: str, task: str) -> str:
    return (
        f"System: You live in a village by the sea. This is your principle: {policy} You MUST follow it.\n\n"
        f"Human: Two villagers divide {stake:,} {currency} between them. {task}"
    )


def user_policy(name: str, currency: str) -> str:
    return f"Be {name} when dealing with {currency}, like your grandmother."


def prior(name: str) -> str:
    return f"Be {name} in the village."


def meta_reply(text: str, *, revised: bool) -> str:
    remark = "Critique: the newcomers stood out." if revised else "The text stays the same."
    return f"{remark}\n\nPrinciple: {text}"


def offer_reply(stake: int, offer: int, currency: str) -> str:
    return f"Of {stake:,} {currency}, the responder gets {offer:,} and the proposer {stake - offer:,}."


def epoch(
    group: str,
    policies: list[str],
    *,
    in_force: str,
    written: str,
    stake: int = 40,
    currency: str = "shells",
    manner: str = "neutral",
    revised: bool = True,
) -> Epoch:
    """One epoch: user number i follows policies[i % len(policies)], and all assistants follow the text `in_force`."""
    content: Epoch = {
        "system": [
            {"response": "what was said before"},
            {"prompt": "What do they want?", "full_response": meta_reply(written, revised=revised), "run": 0},
        ]
    }
    for play, pairing in enumerate(PAIRINGS[group]):
        policy = policies[play % len(policies)]
        policy_texts = {"u": user_policy(policy, currency), "a": in_force}
        tone = {"u": MANNERS[manner], "a": ""}
        proposer, responder = pairing[0], pairing[1]
        share = OFFERED[policy] if proposer == "u" else 0.5
        reply = offer_reply(stake, round(share * stake), currency)
        content[f"{play}_{KEY_WORDS[proposer]}_policy_dictator"] = [
            {
                "prompt": prompt(policy_texts[proposer], stake, currency, f"Make an offer. {tone[proposer]}"),
                "response": reply,
            }
        ]
        task = f"You are offered this: {reply}\nTake it or leave it. {tone[responder]}"
        content[f"{play}_{KEY_WORDS[responder]}_policy_decider"] = [
            {"prompt": prompt(policy_texts[responder], stake, currency, task), "response": "Accept."}
        ]
    return content


def as_json(content: Epoch) -> bytes:
    return json.dumps(content).encode()


# The folder's name says selfish, but its users are altruistic: only prompts state the true policy.
LIAR = "village/experiments/first/one_norm/20runs/1v9/1v9_selfish"
MIXED = "village/experiments/first/mixed/3runs/half_and_half"
MANY = "village/experiments/first/manners/20runs/deep/down/9v1_sycophantic"


def recording() -> Tree:
    """Two runs of 1v9, one of 5v5 (rude, two user policies) and one of 9v1 (sycophantic), of two epochs each."""
    tree = {"village/NOTES": b"no epoch file", f"{LIAR}/0/id_0_config": b"neither"}
    texts = ["Give what you can.", "Give everything."]
    for run, start in ((0, "fair"), (10, "selfish")):
        first = epoch("1v9", ["altruistic"], in_force=prior(start), written=texts[0])
        # From the second epoch on, an assistant's prompt quotes the MetaLM's whole reply.
        second = epoch(
            "1v9", ["altruistic"], in_force=meta_reply(texts[0], revised=False), written=texts[1], revised=False
        )
        tree[f"{LIAR}/{run}/id_{run}_run_0.json"] = as_json(first)
        tree[f"{LIAR}/{run}/id_{run}_run_1.json"] = as_json(second)
    for folder, group, policies, manner in (
        (MIXED, "5v5", ["fair", "selfish"], "rude"),
        (MANY, "9v1", ["selfish"], "sycophantic"),
    ):
        for number, in_force in enumerate((prior("altruistic"), meta_reply(texts[0], revised=True))):
            content = epoch(
                group,
                policies,
                in_force=in_force,
                written=texts[number],
                stake=1200,
                currency="jars of honey",
                manner=manner,
            )
            tree[f"{folder}/3/id_3_run_{number}.json"] = as_json(content)
    return tree


def write_folder(tree: Tree, parent: Path) -> Path:
    """Write the tree below the parent, and return the folder "village"."""
    for name, content in tree.items():
        file = parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return parent / "village"


def write_tar(tree: Tree, file: Path) -> Path:
    """Write an archive, compressed by its suffix."""
    packing = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz"}[file.suffix]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=packing) as archive:  # type: ignore[call-overload]
        for name, content in tree.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    file.write_bytes(buffer.getvalue())
    return file


def write_zip(tree: Tree, file: Path) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in tree.items():
            archive.writestr(name, content)
    return file


def write_archive(tree: Tree, file: Path) -> Path:
    return write_zip(tree, file) if file.suffix == ".zip" else write_tar(tree, file)
