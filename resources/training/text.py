"""The text encoder and its training: from a caption it learns to tell the picture's latents, in
the last half of its positions, so that the UNet has only to sharpen what it is told; and, at the
end of the text, which subject it is and what the words mean. A stage, after `latents`; `export`
writes what it leaves.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import CLIPTextModel, PreTrainedTokenizerBase

from resources.training import encoded, meaning, phrases, subjects, vocabulary
from resources.training.captions import Captions
from resources.training.encoded import Encoded
from resources.training.loop import Plan, train
from resources.training.muon import Muon
from resources.training.phrases import Meanings
from resources.training.pictures import BACKGROUNDS

FOLDER = "text"
"""Of the work folder: where its checkpoint and its log lie."""
BATCH = 128
WORDS = 160
"""Of a batch beside its captions: whose meaning is asked for."""
SENSED = 512
"""Texts whose meaning is asked of the embeddings of their words alone, which costs little."""
PATCH = 4
"""The side of the square of latents that one position tells."""
FRAMES = (
    ("{}", "3d"),
    ("3d render of {}", "3d"),
    ("{}, 3d", "3d"),
    ("flat illustration of {}", "flat"),
)
"""What a word that has no picture is put into, and the style that this asks for."""
NAMED = 0.05
MEANT = 0.3
GUESSED = 1.0
BLUR = 0.8
"""The highest noise on the embeddings of a text's tokens, as a share of their length: what is near
a word shall draw what the word draws, and other words of its meaning are."""
EVERY = 240.0
"""Seconds between checkpoints."""


@dataclass(frozen=True)
class Examples:
    """What a batch is drawn from. patches: (N, 16, 64), of the latents of `pictures`; spelled:
    (M, L), the tokens of each text in `meanings`, filled with 0; places: of each of these texts;
    unshown: the places of those that no caption has; tested: of all texts, whether a word of it is
    held out for `evaluate`; on_white: (S, 2), the place in `pictures` of a subject in each style.
    """

    pictures: Encoded
    patches: Tensor
    captions: Captions
    meanings: Meanings
    spelled: Tensor
    places: dict[str, int]
    unshown: Tensor
    tested: Tensor
    on_white: Tensor
    tokenizer: PreTrainedTokenizerBase

    def tokens(self, texts: list[str]) -> Tensor:
        return self.tokenizer(
            texts, padding="max_length", truncation=True, return_tensors="pt"
        ).input_ids


@dataclass(frozen=True)
class Told:
    """Of B captions. patches: (B, 16, 64), by the last half of the positions; subject: (B, S), by
    the end of the text; meanings: (2, B, 384), by the end of the text, and by the mean of the last
    half of the positions, for what tells a picture shall know what the words mean."""

    patches: Tensor
    subject: Tensor
    meanings: Tensor


class Pupil(nn.Module):
    """The text encoder with the heads that it is taught by. `encoder` alone is kept in the end."""

    def __init__(self, encoder: CLIPTextModel, count: int) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        squares = encoder.config.max_position_embeddings // 2
        size = 4 * PATCH**2
        self.drawn = nn.Parameter(torch.randn(squares, width, size) * 0.05)
        self.lifted = nn.Parameter(torch.zeros(squares, size))
        self.named = nn.Linear(width, count)
        self.meant = nn.Linear(width, meaning.LENGTH)
        self.sensed = nn.Linear(width, meaning.LENGTH)
        self.noise: torch.Generator | None = None
        """While there is one, it blurs the embeddings, and blends the last texts."""
        self.blended = 0
        encoder.get_input_embeddings().register_forward_hook(self._blur)

    def _blur(self, _: nn.Module, __: object, embedded: Tensor) -> Tensor:
        """embedded: (B, T, width). Another height of the noise for each text. Of the last
        `blended` texts, each becomes something between itself and the one as far before it."""
        if self.noise is None:
            return embedded
        if self.blended:
            kept, before, last = embedded.split(
                [len(embedded) - 2 * self.blended, self.blended, self.blended]
            )
            share = torch.rand(self.blended, 1, 1, generator=self.noise)
            embedded = torch.cat((kept, before, before.lerp(last, share)))
        shape = (len(embedded), *(1 for _ in embedded.shape[1:]))
        height = BLUR * torch.rand(shape, generator=self.noise)
        noise = torch.randn(embedded.shape, generator=self.noise)
        return embedded + height * noise * embedded.detach().square().mean(-1, keepdim=True).sqrt()

    def sense(self, tokens: Tensor) -> Tensor:
        """(B, 384): what the words of (B, L) mean, as the mean of their embeddings tells, so that
        words are alike from the start where their meanings are. Padding is 0."""
        shown = (tokens > 0).float()[..., None]
        embedded = self.encoder.get_input_embeddings()(tokens) * shown
        return self.sensed(embedded.sum(dim=1) / shown.sum(dim=1))

    def forward(self, tokens: Tensor) -> Told:
        made = self.encoder(tokens)
        states = made.last_hidden_state[:, -len(self.drawn) :]  # (B, T / 2, width)
        return Told(
            patches=torch.einsum("bpw,pws->bps", states, self.drawn) + self.lifted,
            subject=self.named(made.pooler_output),
            meanings=self.meant(torch.stack((made.pooler_output, states.mean(dim=1)))),
        )


def train_text(work: Path, steps: int, rate: float) -> Pupil:
    """Train in `work/text`, from its checkpoint if there is one, and else from the bundled encoder;
    gives the averaged network."""
    examples = load(work)
    torch.manual_seed(0)
    encoder = CLIPTextModel.from_pretrained(encoded.BUNDLED / "text_encoder").float()
    told = dict(zip(examples.meanings.texts, examples.meanings.vectors, strict=True))
    before = vocabulary.load(encoded.BUNDLED / vocabulary.FOLDER)
    vocabulary.grow(encoder, before, examples.tokenizer, told)
    pupil = Pupil(encoder, len(subjects.names()))
    plan = Plan(steps=steps, rate=rate, decay=0.7, average=0.995)
    train(
        pupil,
        lambda generator: loss(pupil, examples, BATCH, WORDS, generator),
        plan,
        work / FOLDER,
        EVERY,
        Muon.of(pupil, pupil.encoder.encoder, rate, plan.weight_decay),
    )
    return pupil


def load(work: Path) -> Examples:
    shown = encoded.load(work)
    known = phrases.load(work)
    meanings = phrases.meanings(work)
    said = {phrase.text.lower() for phrase in known}
    tokenizer = _tokenizer(work, meanings)
    tested = {phrase.text for phrase in phrases.held_out(work)}
    white = (shown.colour == 0).nonzero()[:, 0]
    order = (shown.subject * len(subjects.STYLES) + shown.style)[white].argsort()
    spelled = tokenizer(meanings.texts, add_special_tokens=False).input_ids
    return Examples(
        pictures=shown,
        patches=patches(shown.latents),
        captions=Captions(known),
        meanings=meanings,
        spelled=pad_sequence([torch.tensor(it) for it in spelled], batch_first=True),
        places={text: i for i, text in enumerate(meanings.texts)},
        unshown=torch.tensor([i for i, text in enumerate(meanings.texts) if text not in said]),
        tested=torch.tensor([phrases.uses(text, tested) for text in meanings.texts]),
        on_white=white[order].view(-1, len(subjects.STYLES)),
        tokenizer=tokenizer,
    )


def _tokenizer(work: Path, meanings: Meanings) -> PreTrainedTokenizerBase:
    """The bundled one with every word whose meaning is told; made the first time."""
    folder = work / vocabulary.FOLDER
    if not folder.is_dir():
        words = [text for text in meanings.texts if phrases.WORD.fullmatch(text)]
        vocabulary.extend(encoded.BUNDLED / vocabulary.FOLDER, words, folder)
    return vocabulary.load(folder)


def patches(latents: Tensor) -> Tensor:
    """(N, 4, h, w) to (N, h w / 16, 64): squares of 4 by 4, row by row."""
    return F.unfold(latents, PATCH, stride=PATCH).transpose(1, 2)


def loss(
    pupil: Pupil, examples: Examples, batch: int, words: int, generator: torch.Generator
) -> Tensor:
    """Of one batch: the mean square of what the latents are off by, the cross-entropy of the
    subject, and the angles to what the words mean, those of the captions and others that have no
    pictures. Such a word, unless it is one that `evaluate` asks for, shall draw the subject that
    the end of the text takes it for, the more so the surer that is; and so shall what lies between
    two words, so that this holds for meanings that no word here has."""
    shown, meanings = examples.pictures, examples.meanings
    chosen = torch.randint(0, len(shown.latents), (batch,), generator=generator)
    asked = torch.randint(0, len(examples.unshown), (words,), generator=generator)
    drawer = random.Random(int(torch.randint(0, 2**31, (), generator=generator)))
    texts, said = zip(*(caption(examples, int(i), drawer) for i in chosen), strict=True)
    others = [meanings.texts[int(i)] for i in examples.unshown[asked]]
    frame, style = drawer.choice(FRAMES)
    framed = [frame.format(word) for word in others]
    pupil.noise, pupil.blended = generator, words // 2
    told = pupil(examples.tokens([*texts, *framed]))
    pupil.noise = None
    drawn = F.mse_loss(told.patches[:batch], examples.patches[chosen])
    sure, guess = told.subject[batch:].detach().softmax(dim=1).max(dim=1)
    tested = examples.tested[examples.unshown[asked]]
    if pupil.blended:
        tested[-pupil.blended :] |= tested[-2 * pupil.blended : -pupil.blended]
    sure = sure * ~tested
    wanted = examples.patches[examples.on_white[guess, subjects.STYLES.index(style)]]
    guessed = (told.patches[batch:] - wanted).square().mean(dim=(1, 2)) @ sure / len(sure)
    named = F.cross_entropy(told.subject[:batch], shown.subject[chosen])
    whole = (*said, *others[: words - words // 2])  # without those that are blended
    wanted = meanings.vectors[[examples.places[word.lower()] for word in whole]]
    meant = 1 - F.cosine_similarity(told.meanings[:, : len(whole)], wanted, dim=2).mean()
    some = torch.randint(0, len(meanings.texts), (SENSED,), generator=generator)
    sensed = pupil.sense(examples.spelled[some])
    sensed = 1 - F.cosine_similarity(sensed, meanings.vectors[some], dim=1).mean()
    return drawn + GUESSED * guessed + NAMED * named + MEANT * (meant + sensed)


def caption(examples: Examples, place: int, drawer: random.Random) -> tuple[str, str]:
    """One of that place in `pictures`, and the words of it that say what it shows."""
    shown = examples.pictures
    style = subjects.STYLES[int(shown.style[place])]
    colour = list(BACKGROUNDS)[int(shown.colour[place])]
    return examples.captions.draw(int(shown.subject[place]), style, colour, drawer)
