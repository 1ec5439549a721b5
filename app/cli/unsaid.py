"""What a person did not say and `safelight render` finds out: the prompt by asking, the seed by
chance. Called by `app.cli.render`. Imports neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from app.cli.output import tell

DRAWN = -1
"""The seed that means: any. As with other programs of this field."""
SEEDS = 2**32
"""Drawn seeds are below this, as in the window."""
QUESTION = "What shall the image show? Type it, and Enter:"
NO_PROMPT = (
    'Say what the image shall show, like `safelight render "an owl"`; "" draws without a prompt.'
)


def is_prompt_missing(arguments: argparse.Namespace) -> bool:
    """Whether nothing that was said is what the image shows."""
    shown = (arguments.prompt, arguments.class_label, arguments.branch_from)
    on_axis = any(name == "prompt" for name, _ in arguments.axes or ())
    return not on_axis and all(value is None for value in shown)


def asked_prompt() -> str:
    """What the person answers, on standard error and in one line; "" where nobody is there."""
    if sys.stdin is None or not sys.stdin.isatty():
        return ""
    tell(QUESTION)
    return sys.stdin.readline().strip()


def drawn_seed(arguments: argparse.Namespace) -> int | None:
    """A seed where none was said that counts; a branch has that of its image, and an axis of seeds
    its own."""
    on_axis = any(name == "seed" for name, _ in arguments.axes or ())
    if arguments.branch_from or on_axis or arguments.seed not in (None, DRAWN):
        return None
    return secrets.randbelow(SEEDS)
