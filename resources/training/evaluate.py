"""The figures of the bundled models, with fixed seeds, as a table for the model card, and contact
sheets. A stage.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

import engine
from engine.pipelines.pipeline import Pipeline
from engine.pipelines.stable_diffusion import StableDiffusion
from engine.run.preview import previewed
from resources.training import (
    captions,
    ddpm,
    fetch,
    latents,
    likeness,
    phrases,
    pictures,
    styles,
    subjects,
)
from resources.training.errors import TrainingError
from resources.training.perceived import Features
from resources.training.pictures import BACKGROUNDS, Pictures

OTHERS = ("People & Body", "Symbols")
"""Groups that are not in the larger bank of pictures."""
FEW = (4, 6)
"""Steps of runs that are over in a moment."""
GUIDANCES = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0)
FIRST = 5
"""A name is found if its picture is among so many."""
BURNT = 1.04
"""A value beyond this is clipped: five of the 255 levels, for the VAE's white is not quite even."""
CORNER = 6
ALONE = 32
"""Pictures of the model without a prompt."""
LIKE = 0.9
"""From this likeness on, of 1, a picture shows the thing."""
SEED = 7
TIMES = 9
"""Of which the median is told."""


@dataclass(frozen=True)
class Figure:
    """One line of the table. count: of how many pictures it is."""

    what: str
    value: str
    count: int

    def __str__(self) -> str:
        return f"| {self.what} | {self.value} | {self.count} |"


def evaluate(
    work: Path,
    count: int,
    what: Sequence[str] = (),
    decoded: int = 200,
    learned: int = 1200,
) -> list[Figure]:
    """Measure the bundled model and its tiny autoencoder, print the table, and leave it in
    `work/figures.md`, or, of some kinds alone, in a file that is named by them. count: of prompts
    for each figure, 200 for the model card; what: kinds, all where none is named; decoded: of
    pictures for those of the autoencoder; learned: of pictures that the classifier of styles has.
    Raises TrainingError for a kind that there is not."""
    figures: list[Figure] = []
    pipeline = latents.bundled()
    for figure in _figures(work, pipeline, count, what, decoded, learned):
        figures.append(figure)
        tqdm.write(str(figure))
    lines = ["| measured | figure | of |", "|---|---|---|", *map(str, figures)]
    (work / f"{'-'.join(('figures', *what))}.md").write_text(
        "\n".join(lines) + "\n", encoding="utf-8"
    )
    return figures


def _figures(
    work: Path,
    pipeline: StableDiffusion,
    count: int,
    what: Sequence[str],
    decoded: int,
    learned: int,
) -> Iterator[Figure]:
    drawn = pictures.load(work, pictures.SIDES[0])
    banks = Banks.of(drawn)
    own = banks.own
    drawer = random.Random(SEED)
    asked = drawer.sample(range(len(own.things)), min(count, len(own.things)))
    some = asked[: -(-len(asked) // 4)]
    makers: dict[str, Callable[[], Iterator[Figure]]] = {
        "autoencoder": lambda: of_autoencoder(pipeline, drawn.where(held_out=True), decoded),
        "tiny": lambda: of_tiny(work, pipeline),
        "names": lambda: of_names(pipeline, banks, asked),
        "guidance": lambda: of_guidance(pipeline, banks, some),
        "steps": lambda: chain(*(of_names(pipeline, banks, some, steps) for steps in FEW)),
        "synonyms": lambda: of_synonyms(work, pipeline, banks, count),
        "thai": lambda: of_thai(pipeline, banks, asked),
        "backgrounds": lambda: of_backgrounds(pipeline, own, asked, drawer),
        "styles": lambda: of_styles(work, pipeline, drawn, own, asked, learned),
        "unprompted": lambda: of_unprompted(work),
    }
    if unknown := set(what) - set(makers):
        raise TrainingError(
            f"There are no figures of the kind {', '.join(sorted(unknown))}: take some of "
            f"{', '.join(makers)}."
        )
    for kind in what or makers:
        yield from makers[kind]()


@dataclass(frozen=True)
class Banks:
    """The 3d pictures among which that of a name is looked for. own: of the subjects, which are all
    that the UNet was trained on; every: of all that the packages hold, but for OTHERS."""

    own: Pictures
    every: Pictures

    @classmethod
    def of(cls, drawn: Pictures) -> Banks:
        solid = drawn.where(styles=("3d",))
        groups = {thing.group for thing in solid.things}.difference(OTHERS)
        places = {thing.name: i for i, thing in enumerate(solid.things)}
        known = [name for name in subjects.names() if name in places]
        own = solid.at([places[name] for name in known])
        return cls(own, solid.where(groups=tuple(groups)))

    def found(self, made: Tensor, wanted: list[int]) -> str:
        """How many of what was made are nearest to the pictures that were wanted, by their places
        in `own`."""
        places = {thing.emoji: i for i, thing in enumerate(self.every.things)}
        among = [places[self.own.things[i].emoji] for i in wanted]
        own = likeness.ranks(made, _on_white(self.own), wanted)
        every = likeness.ranks(made, _on_white(self.every), among)
        return (
            f"{_share(own == 0)} right, {_share(own < FIRST)} among the first {FIRST} "
            f"(of all {len(self.every.things)}: {_share(every == 0)}, {_share(every < FIRST)})"
        )


def of_autoencoder(pipeline: StableDiffusion, shown: Pictures, count: int) -> Iterator[Figure]:
    """PSNR and SSIM of pictures on white after the VAE, both ways."""
    chosen = random.Random(SEED).sample(range(len(shown.things)), min(count, len(shown.things)))
    noise, likenesses = [], []
    for index in tqdm(chosen, desc="autoencoder", mininterval=5):
        picture = _on_white(shown.at([index]))
        made = _through_vae(pipeline, picture)
        noise.append(likeness.psnr(made, picture))
        likenesses.append(likeness.ssim(made, picture))
    yield Figure("VAE, PSNR", f"{torch.cat(noise).mean():.1f} dB", len(chosen))
    yield Figure("VAE, SSIM", f"{torch.cat(likenesses).mean():.3f}", len(chosen))


def of_tiny(work: Path, pipeline: StableDiffusion) -> Iterator[Figure]:
    """PSNR of the tiny autoencoder's and the linear map's pictures against the VAE's of the same
    latents, which no training saw; and what each costs. Nothing where the model has no tiny
    autoencoder."""
    try:
        previewed(pipeline, torch.zeros(4, 16, 16), "tiny")
    except engine.EngineError:
        return
    examples = latents.decoded(work, held_out=True)
    for kind, words in enumerate(latents.KINDS):
        chosen = [i for i, own in enumerate(examples.kinds.tolist()) if own == kind]
        if not chosen:
            continue
        wanted = examples.pixels[chosen].float() / 127.5 - 1
        for by in ("tiny", "linear"):
            made = torch.cat([_previewed(pipeline, examples.latents[i], by) for i in chosen])
            yield Figure(
                f"{by} against VAE, PSNR, {words}",
                f"{likeness.psnr(made, wanted).mean():.1f} dB",
                len(chosen),
            )
    one = examples.latents[:1]
    for by in ("vae", "tiny", "linear"):
        cost = _median(lambda by=by: previewed(pipeline, one, by))
        yield Figure(f"{by}, one preview on one core", f"{1000 * cost:.1f} ms", TIMES)


def of_names(
    pipeline: Pipeline, banks: Banks, asked: list[int], steps: int | None = None
) -> Iterator[Figure]:
    """How often the picture of a name is found, with the model's own guidance and steps, or with so
    many; and what a picture takes."""
    begun = time.perf_counter()
    made, _ = _made(pipeline, [_solid(banks.own, i) for i in asked], steps=steps)
    seconds = (time.perf_counter() - begun) / len(asked)
    told = f"{banks.found(made, asked)}; {seconds:.2f} s a picture, its decode twice"
    yield Figure(f"names, 3d, {steps} steps" if steps else "names, 3d", told, len(asked))


def of_guidance(pipeline: Pipeline, banks: Banks, asked: list[int]) -> Iterator[Figure]:
    """The same by guidance, and how much of a picture is burnt."""
    for guidance in GUIDANCES:
        made, burnt = _made(pipeline, [_solid(banks.own, i) for i in asked], guidance)
        lead = likeness.leads(made, _on_white(banks.own), asked).mean()
        told = f"{banks.found(made, asked)}; nearer than the next by {lead:.3f}; "
        told += f"{burnt:.1%} of the values clipped"
        yield Figure(f"names, 3d, guidance {guidance:g}", told, len(asked))


def of_synonyms(work: Path, pipeline: Pipeline, banks: Banks, count: int) -> Iterator[Figure]:
    """The same for synonyms that no caption used, with the model's own guidance. Nothing where the
    packages that they come from were not fetched."""
    if not (work / "packages" / fetch.KEYWORDS.folder).is_dir():
        return
    places = {thing.name: i for i, thing in enumerate(banks.own.things)}
    held_out = phrases.held_out(work)[:count]
    made, _ = _made(pipeline, [captions.prompt(phrase.text, "3d") for phrase in held_out])
    wanted = [places[subjects.names()[phrase.subject]] for phrase in held_out]
    yield Figure("synonyms held out, 3d", banks.found(made, wanted), len(held_out))


def of_thai(pipeline: Pipeline, banks: Banks, asked: list[int]) -> Iterator[Figure]:
    """The same for Thai names."""
    named = [i for i in asked if banks.own.things[i].thai]
    if named:
        made, _ = _made(pipeline, [captions.prompt(banks.own.things[i].thai, "3d") for i in named])
        yield Figure("Thai names, 3d", banks.found(made, named), len(named))


def of_backgrounds(
    pipeline: Pipeline, bank: Pictures, asked: list[int], drawer: random.Random
) -> Iterator[Figure]:
    """Whether the corners have, of the colours with names, the one that was asked for."""
    colours = torch.tensor(list(BACKGROUNDS.values())).float()
    wanted = [drawer.randrange(len(BACKGROUNDS)) for _ in asked]
    named = [list(BACKGROUNDS)[colour] for colour in wanted]
    prompts = [
        captions.prompt(bank.things[i].name, "3d", name)
        for i, name in zip(asked, named, strict=True)
    ]
    made, _ = _made(pipeline, prompts)
    corners = [made[:, :, ys, xs] for ys in _ENDS for xs in _ENDS]
    got = torch.stack([corner.mean(dim=(2, 3)) for corner in corners]).mean(dim=0)
    nearest = torch.cdist((got + 1) * 127.5, colours).argmin(dim=1)
    yield Figure("background as asked", _share(nearest == torch.tensor(wanted)), len(asked))


def of_styles(
    work: Path,
    pipeline: StableDiffusion,
    drawn: Pictures,
    bank: Pictures,
    asked: list[int],
    learned: int,
) -> Iterator[Figure]:
    """Whether a small classifier sees the style that was asked for, 3d and flat by turns; and how
    good it is itself. learned: of pictures that it learns from."""
    judge = styles.train(
        Features.load(work),
        drawn.where(held_out=False, styles=subjects.STYLES),
        lambda laid: _through_vae(pipeline, laid),
        learned,
    )
    seen = drawn.where(held_out=True, styles=subjects.STYLES)
    real = _on_white(seen)
    for words, images in (("", real), (", after the VAE", _through_vae(pipeline, real))):
        yield Figure(
            f"classifier of styles, pictures held out{words}",
            _share(judge.told(images) == styles.labels(seen)),
            len(seen.things),
        )
    wanted = torch.arange(len(asked)) % len(subjects.STYLES)
    prompts = [
        captions.prompt(bank.things[i].name, subjects.STYLES[style])
        for i, style in zip(asked, wanted.tolist(), strict=True)
    ]
    made, _ = _made(pipeline, prompts)
    yield Figure("style as asked", _share(judge.told(made) == wanted), len(asked))


def of_unprompted(work: Path) -> Iterator[Figure]:
    """Of the model without a prompt: how like its pictures are to the nearest of those that it was
    taught, and how many of these it drew."""
    taught = _on_white(ddpm.subjects(pictures.load(work, ddpm.SIDE)))
    made, _ = _made(engine.load("bundled-ddpm", device="cpu", dtype="float32"), [""] * ALONE)
    like, which = (likeness.feature(made) @ likeness.feature(taught).T).max(dim=1)
    yield Figure(
        f"without a prompt, likeness of {LIKE} or more to a picture that was taught",
        f"{_share(like >= LIKE)} (in the mean {like.mean():.2f}); "
        f"{len(set(which[like >= LIKE].tolist()))} of the {len(taught)} things",
        len(made),
    )


def sheet(pipeline: Pipeline, requests: list[engine.Request], path: Path, across: int = 8) -> None:
    """A picture of the pictures of these requests, row by row, as they come."""
    made = [_run(pipeline, request)[0] for request in tqdm(requests, desc="sheet", mininterval=5)]
    width, height = made[0].size
    whole = Image.new("RGB", (across * width, -(-len(made) // across) * height), "white")
    for place, picture in enumerate(made):
        whole.paste(picture, (place % across * width, place // across * height))
    whole.save(path, optimize=True)


_ENDS = (slice(None, CORNER), slice(-CORNER, None))


def _solid(bank: Pictures, index: int) -> str:
    return captions.prompt(bank.things[index].name, "3d")


def _on_white(shown: Pictures) -> Tensor:
    return shown.on(torch.full((len(shown.things), 3), 255.0))


@torch.no_grad()
def _through_vae(pipeline: StableDiffusion, laid: Tensor) -> Tensor:
    """What the VAE makes of (B, 3, H, W), -1 to 1, both ways."""
    parts = [
        pipeline.vae.decode(latents.encoded(pipeline, one) / pipeline.vae.scaling_factor)
        for one in tqdm(laid.split(1), desc="VAE", mininterval=5)
    ]
    return torch.cat(parts).clamp(-1, 1)


def _made(
    pipeline: Pipeline,
    prompts: list[str],
    guidance: float | None = None,
    steps: int | None = None,
) -> tuple[Tensor, float]:
    """One picture a prompt, seeds from 0, (B, 3, H, W), -1 to 1; the share of clipped values."""
    default = pipeline.default_request
    images, burnt = [], []
    for seed, prompt in enumerate(tqdm(prompts, mininterval=5)):
        request = replace(
            default,
            prompt=prompt,
            seed=seed,
            steps=steps or default.steps,
            guidance_scale=default.guidance_scale if guidance is None else guidance,
        )
        image, clipped = _run(pipeline, request)
        images.append(torch.from_numpy(np.asarray(image).copy()))
        burnt.append(clipped)
    pixels = torch.stack(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return pixels, sum(burnt) / len(burnt)


def _run(pipeline: Pipeline, request: engine.Request) -> tuple[Image.Image, float]:
    """The picture, and the share of values that its decode had beyond white and black."""
    last = None
    for event in engine.generate(pipeline, request):
        if isinstance(event, engine.Step):
            last = event.snapshot.denoised
        elif isinstance(event, engine.Finished):
            assert last is not None
            return event.images[0], _clipped(pipeline, last)
    raise AssertionError("a run that nobody cancels comes to its end")


@torch.no_grad()
def _clipped(pipeline: Pipeline, denoised: Tensor) -> float:
    if isinstance(pipeline, StableDiffusion):
        denoised = pipeline.vae.decode(denoised.float() / pipeline.vae.scaling_factor)
    return (denoised.abs() > BURNT).float().mean().item()


def _previewed(pipeline: Pipeline, one: Tensor, by: str) -> Tensor:
    """(1, 3, H, W), -1 to 1, as large as the VAE's."""
    made = previewed(pipeline, one[None], "tiny" if by == "tiny" else "linear").pixels
    pixels = torch.from_numpy(made.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    size = (8 * one.shape[1], 8 * one.shape[2])
    return torch.nn.functional.interpolate(pixels, size=size, mode="bilinear")


def _median(work: Callable[[], object]) -> float:
    """Seconds."""
    work()
    seconds = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return sorted(seconds)[TIMES // 2]


def _share(right: Tensor) -> str:
    return f"{right.float().mean():.2f}"
