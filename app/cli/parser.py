"""How the command line is read and how it helps: one sentence for what is not understood, with the
word that may have been meant, and a help with an example for every command. Called by
`app.cli.program`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from app.cli.output import complain, show
from engine.errors import did_you_mean, nearest

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]
    """What add_subparsers gives."""

OTHER_NAMES = {
    "--width": "--size 512x512",
    "--height": "--size 512x512",
    "--cfg": "--guidance",
    "--cfg-scale": "--guidance",
    "--guidance-scale": "--guidance",
    "--sampler": "--scheduler",
    "--sampling-method": "--scheduler",
    "--num-inference-steps": "--steps",
    "--batch-size": "--count",
    "--batch-count": "--count",
    "--ckpt": "--model",
}
"""What other programs of this field call options of ours."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage. example: a command that the help ends
    with; several lines are several."""

    def __init__(self, *, example: str = "", **options: str) -> None:
        lines = [f"  safelight {line}".rstrip() for line in example.split("\n")]
        heading = "examples:" if len(lines) > 1 else "example:"
        super().__init__(
            allow_abbrev=False,
            epilog="\n".join([heading, *lines]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,  # pyright: ignore[reportArgumentType]
        )

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """As ever, but this is where a command complains of what it does not know: further up
        nobody knows whose option that was to be."""
        found, unknown = super().parse_known_args(args, namespace or argparse.Namespace())
        if unknown:
            self._refuse(unknown)
        return found, unknown

    def error(self, message: str) -> NoReturn:
        complain(f"{message} (see `{self.prog} --help`)")
        raise SystemExit(2)

    def _refuse(self, unknown: Sequence[str]) -> NoReturn:
        option = next((word for word in unknown if word.startswith("-")), None)
        if option is None:
            words = " ".join(unknown)
            takes_text = any(action.dest == "prompt" for action in self._actions)
            advice = "text of several words stands in quotes" if takes_text else "leave it out"
            self.error(f"{words!r} is too much; {advice}")
        name = option.partition("=")[0]
        options = self._option_string_actions
        known = {one.lstrip("-"): one for one in options}
        if "--size" in options:  # whose other names these are
            known |= {one.lstrip("-"): ours for one, ours in OTHER_NAMES.items()}
        meant = known.get(nearest(name.lstrip("-"), known) or "")
        self.error(f"there is no {name}" + (f"; did you mean {meant}?" if meant else ""))

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """A word that is one of several: of an option, or the name of a command."""
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        told = f"{str(value)!r} is not one of {', '.join(known)}."
        if "render" in known and " " in str(value):  # no command is two words, and prompts are
            raise argparse.ArgumentError(action, f"{told} Did you mean 'render' and then that?")
        raise argparse.ArgumentError(action, told + did_you_mean(str(value), known))

    def _print_message(self, message: str, file: object = None) -> None:
        """The help and the version, which are results as any other."""
        show(*message.rstrip("\n").split("\n"))
