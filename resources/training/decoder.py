"""The decoder of the Emoji model's VAE, taught by what its UNet draws and by a critic: to latents
that are a little off it gives the picture that was meant, with plain colours plain. A stage, after
`diffusion`. The encoder stays, and so do the latents that the UNet and the text encoder know.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from torch import Tensor, nn
from tqdm import tqdm
from transformers import CLIPTextModel

from engine.guidance.reguide import combine
from resources.training import autoencoder, captions, encoded, pictures, subjects, text, vocabulary
from resources.training.critic import Critic, balance
from resources.training.kept import once
from resources.training.loop import Plan, train
from resources.training.muon import Muon
from resources.training.perceived import Features
from resources.training.pictures import BACKGROUNDS, Pictures

FOLDER = "decoder"
"""Of the work folder: where what the UNet drew, its checkpoint and its log lie."""
DRAWN = 720
TOGETHER = 24
"""Drawn at once."""
STEPS = 20
FIRST = (2, 14)
"""Of a run's steps, the first that is taken: until then the picture has been told."""
GUIDANCE = (2.0, 4.0, 2.0, 7.0, 2.0, 12.0)
"""Of the runs, by turns, the model's own first, with the model's own rescale: so that the decoder
makes clean pictures of what strong guidance leaves in the latents too."""
BATCH = 4
PULL = 0.5
"""Of the critic, beside that of how far the pictures are off: with 1 the pictures became worse."""
LEVEL = 2 / 255
"""From one of a picture's values to the next."""
SEED = 9


@dataclass(frozen=True)
class Drawn:
    """before, after: float32 (N, 4, 16, 16), not scaled, of a picture as the encoder tells them and
    as the UNet drew them out of these and noise; picture: (N), its place in the subjects' pictures;
    colour: (N), the place of its background in BACKGROUNDS; guidance: (N), its scale."""

    before: Tensor
    after: Tensor
    picture: Tensor
    colour: Tensor
    guidance: Tensor


class Taught(nn.Module):
    """The VAE with the critic that its decoder is taught by. `vae` alone is kept in the end."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae
        self.critic = Critic()
        for part in (vae.encoder, vae.quant_conv):
            assert part is not None
            part.requires_grad_(False)


def train_decoder(work: Path, steps: int, rate: float) -> AutoencoderKL:
    """Train in `work/decoder`, from its checkpoint if there is one, and else from the bundled VAE;
    gives it with averaged weights."""
    drawn = draw(work, DRAWN)
    every = pictures.load(work, pictures.SIDES[0])
    shown = subjects.of(every, subjects.names())
    features = Features.load(work)
    torch.manual_seed(0)
    taught = Taught(AutoencoderKL.from_pretrained(encoded.BUNDLED / "vae").float())
    learned = every.where(held_out=False)
    plan = Plan(steps=steps, rate=rate, decay=0.8, average=0.995, weight_decay=0.0)
    train(
        taught,
        lambda generator: loss(taught, features, drawn, shown, learned, BATCH, generator),
        plan,
        work / FOLDER,
        text.EVERY,
        Muon.of(taught, taught.vae, rate, plan.weight_decay),
    )
    return taught.vae


def draw(work: Path, count: int) -> Drawn:
    """What the bundled UNet draws of subjects that are not held out, so many; made the first time,
    and read from `work` after it."""
    return once(work / FOLDER / "drawn.pt", Drawn, lambda: _draw(work, count))


@torch.no_grad()
def _draw(work: Path, count: int) -> Drawn:
    known = encoded.load(work)
    shown = subjects.of(pictures.load(work, pictures.SIDES[0]), subjects.names())
    picture = known.subject * len(subjects.STYLES) + known.style
    usable = [i for i, place in enumerate(picture.tolist()) if not shown.things[place].held_out]
    chosen = torch.tensor(random.Random(SEED).sample(usable, min(count, len(usable))))
    tokenizer = vocabulary.load(encoded.BUNDLED / vocabulary.FOLDER)
    reader = CLIPTextModel.from_pretrained(encoded.BUNDLED / "text_encoder").float()
    unet = UNet2DConditionModel.from_pretrained(encoded.BUNDLED / "unet").float()
    scale = AutoencoderKL.from_pretrained(encoded.BUNDLED / "vae").config["scaling_factor"]
    schedule = UniPCMultistepScheduler(**encoded.schedule())
    rescale = encoded.settings()["guidance_rescale"]
    generator = torch.Generator().manual_seed(SEED)

    def states(words: list[str]) -> Tensor:
        told = tokenizer(words, padding="max_length", truncation=True, return_tensors="pt")
        return reader(told.input_ids).last_hidden_state

    after, guidance = [], []
    turns = list(zip(chosen.split(TOGETHER), cycle(GUIDANCE)))
    for some, strength in tqdm(turns, desc="drawn", mininterval=5):
        things = [shown.things[place] for place in picture[some].tolist()]
        colours = [list(BACKGROUNDS)[place] for place in known.colour[some].tolist()]
        prompts = [
            captions.prompt(thing.name, thing.style, colour)
            for thing, colour in zip(things, colours, strict=True)
        ]
        told = torch.cat((states([""] * len(some)), states(prompts)))
        schedule.set_timesteps(STEPS)
        first = int(torch.randint(*FIRST, (), generator=generator))
        schedule.set_begin_index(first)
        noise = torch.randn(len(some), *known.latents.shape[1:], generator=generator)
        timesteps = schedule.timesteps[first:]
        start = timesteps[:1]
        sample = schedule.add_noise(known.latents[some], noise, start)  # pyright: ignore[reportArgumentType]
        for timestep in timesteps:
            free, asked = unet(sample.repeat(2, 1, 1, 1), timestep, told).sample.chunk(2)
            guided = combine(free, asked, strength, rescale)
            (sample,) = schedule.step(guided, timestep, sample, return_dict=False)
        after.append(sample)
        guidance.append(torch.full((len(some),), strength))
    return Drawn(
        before=known.latents[chosen] / scale,
        after=torch.cat(after) / scale,
        picture=picture[chosen],
        colour=known.colour[chosen],
        guidance=torch.cat(guidance),
    )


def loss(
    taught: Taught,
    features: Features,
    drawn: Drawn,
    shown: Pictures,
    learned: Pictures,
    batch: int,
    generator: torch.Generator,
) -> Tensor:
    """Of one batch, how far its pictures are off, as `autoencoder` says it. The critic pulls by
    PULL of that, and learns by the way, but does not count in the number. Half of the batch are
    latents that the UNet drew; half are those of any pictures on any background, off by a part,
    mostly a small one, of what the UNet was off by elsewhere with the mildest guidance."""
    vae, half = taught.vae, batch // 2
    asked = torch.randint(0, len(drawn.after), (half,), generator=generator)
    backgrounds = torch.tensor(list(BACKGROUNDS.values())).float()
    subject = shown.at(drawn.picture[asked])
    meant = subject.on(backgrounds[drawn.colour[asked]])
    any_of_them = torch.randint(0, len(learned.things), (batch - half,), generator=generator)
    elsewhere = learned.at(any_of_them)
    other = elsewhere.on(pictures.random_backgrounds(batch - half, generator))
    mild = (drawn.guidance == GUIDANCE[0]).nonzero().flatten()
    off = mild[torch.randint(0, len(mild), (batch - half,), generator=generator)]
    share = torch.rand(batch - half, 1, 1, 1, generator=generator) ** 3
    with torch.no_grad():
        told = encoded.means(vae, other)
    told = told + share * (drawn.after[off] - drawn.before[off])
    latents = torch.cat((drawn.after[asked], told))
    (made,) = vae.decode(latents, return_dict=False)  # pyright: ignore[reportArgumentType]
    wanted = torch.cat((meant, other))
    things = (*subject.things, *elsewhere.things)
    style = torch.tensor([pictures.STYLES.index(thing.style) for thing in things])
    unlike = autoencoder.unlike(made, wanted, features)
    # A picture's values are whole levels, which this hides from the critic.
    made, wanted = (
        features(it + (torch.rand(it.shape, generator=generator) - 0.5) * LEVEL)
        for it in (made, wanted)
    )
    missed = taught.critic.missed(made, style)
    pull = PULL * balance(unlike, missed, vae.decoder.conv_out.weight)
    wrong = taught.critic.loss(made, wanted, style)
    by_the_way = pull * missed + wrong
    return unlike + by_the_way - by_the_way.detach()
