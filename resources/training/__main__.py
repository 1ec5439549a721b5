"""The command line of the training: `python -m resources.training STAGE`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import EngineError
from resources.training.errors import TrainingError

Stage = Callable[[argparse.Namespace], None]
WORK = Path("training-work")
EXTRA = ("diffusers", "numpy", "tqdm")
"""What the extra `train` brings and the program itself need not have."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage and return its exit code: 1 for what a person can mend."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        print(f"training: There is no {error.name}: pip install '.[train]'.", file=sys.stderr)
        return 1
    except (TrainingError, EngineError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m resources.training", description=__doc__)
    stages = parser.add_subparsers(required=True, metavar="STAGE")

    def stage(name: str, run: Stage, words: str) -> argparse.ArgumentParser:
        own = stages.add_parser(name, help=words, description=words)
        own.add_argument("--work", type=Path, default=WORK, help="the folder of all that is made")
        own.set_defaults(run=run)
        return own

    stage("fetch", _fetch, "fetch the pictures and names that the models are made of")
    stage("latents", _latents, "encode the subjects' pictures with the bundled VAE")
    for name, run, steps, rate, words in (
        ("text", _text, 1_500, 1.5e-3, "teach the text encoder of the Emoji model"),
        ("diffusion", _diffusion, 2_500, 6e-4, "train its UNet, after `text`"),
        ("autoencoder", _autoencoder, 3_500, 5e-4, "sharpen its VAE"),
        ("decoder", _decoder, 1_250, 4e-4, "teach its VAE's decoder what the UNet draws"),
        ("tiny", _tiny, 6_000, 1.5e-3, "distil a tiny autoencoder from the bundled VAE"),
        ("ddpm", _ddpm, 4_600, 2e-3, "train bundled-ddpm"),
    ):
        training = stage(name, run, words)
        training.add_argument("--steps", type=_count, default=steps, help="in all")
        training.add_argument("--rate", type=_rate, default=rate, help="the highest learning rate")
    export = stage("export", _export, "put what a training left where the program looks for it")
    export.add_argument(
        "what", choices=("text", "diffusion", "autoencoder", "decoder", "tiny", "ddpm")
    )
    export.add_argument("--into", type=Path, help="instead of resources/models")
    evaluate = stage("evaluate", _evaluate, "measure the bundled model")
    evaluate.add_argument("--count", type=_count, default=200, help="of prompts for each figure")
    evaluate.add_argument(
        "--only", nargs="+", metavar="KIND", default=(), help="of figures, instead of all"
    )
    sheet = stage(
        "sheet",
        _sheet,
        "draw 64 pictures of fixed prompts, seed 0, or 32 of a model without, seeds 0 to 31",
    )
    sheet.add_argument("model", help="bundled, bundled-ddpm or a folder")
    sheet.add_argument("picture", type=Path, help="the PNG file to write")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return rate


# Each stage imports what it needs: fetching waits neither for torch nor for diffusers.


def _fetch(given: argparse.Namespace) -> None:
    from resources.training.fetch import MEANING, PACKAGES, PERCEIVED, WORDNET, fetch

    fetch(given.work, (*PACKAGES, MEANING, WORDNET, PERCEIVED))


def _latents(given: argparse.Namespace) -> None:
    from resources.training.encoded import encode

    encode(given.work)


def _text(given: argparse.Namespace) -> None:
    from resources.training.text import train_text

    train_text(given.work, given.steps, given.rate)


def _diffusion(given: argparse.Namespace) -> None:
    from resources.training.diffusion import train_diffusion

    train_diffusion(given.work, given.steps, given.rate)


def _autoencoder(given: argparse.Namespace) -> None:
    from resources.training.autoencoder import train_autoencoder

    train_autoencoder(given.work, given.steps, given.rate)


def _decoder(given: argparse.Namespace) -> None:
    from resources.training.decoder import train_decoder

    train_decoder(given.work, given.steps, given.rate)


def _tiny(given: argparse.Namespace) -> None:
    from resources.training.tiny import train_tiny

    train_tiny(given.work, given.steps, given.rate)


def _ddpm(given: argparse.Namespace) -> None:
    from resources.training.ddpm import train_ddpm

    train_ddpm(given.work, given.steps, given.rate)


def _export(given: argparse.Namespace) -> None:
    from resources.training import export

    print(export.EXPORTS[given.what](given.work, given.into or export.MODELS))


def _evaluate(given: argparse.Namespace) -> None:
    from resources.training.evaluate import evaluate

    evaluate(given.work, given.count, given.only)


def _sheet(given: argparse.Namespace) -> None:
    import engine
    from engine.pipelines.stable_diffusion import StableDiffusion
    from resources.training.contact import PROMPTS
    from resources.training.evaluate import sheet

    pipeline = engine.load(given.model, device="cpu", dtype="float32")
    default = pipeline.default_request
    requests = [replace(default, seed=seed) for seed in range(32)]
    if isinstance(pipeline, StableDiffusion):
        requests = [replace(default, prompt=prompt, seed=0) for prompt in PROMPTS]
    sheet(pipeline, requests, given.picture)


if __name__ == "__main__":
    sys.exit(main())
