"""The stages that make the Emoji model, on three subjects and a few steps, in seconds."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextModel

from resources.training import (
    autoencoder,
    captions,
    decoder,
    diffusion,
    encoded,
    export,
    fetch,
    meaning,
    muon,
    neighbours,
    perceived,
    phrases,
    pictures,
    subjects,
    text,
    vocabulary,
    wordnet,
)
from resources.training.__main__ import main
from resources.training.errors import TrainingError
from resources.training.perceived import Features
from resources.training.phrases import Meanings, Phrase
from tests.training.conftest import perceiving

EMBEDDINGS = "embeddings.token_embedding.weight"
NAMES = ("pizza", "owl", "crown")
EMOJI = ("🍕", "🦉", "👑")

DICTIONARY = {
    "data.noun": """\
00000001 05 n 02 owl 0 bird_of_Minerva 0 001 @ 00000002 n 0000 | hunts at night; "an owl hooted"
00000002 05 n 01 bird 0 000 | has feathers and wings
00000003 18 n 01 fowler 0 000 | catches birds
""",
    "data.verb": "00000004 31 v 01 hoot 0 000 01 + 02 00 | cry as owls do\n",
    "data.adj": "",
    "data.adv": "",
    "index.noun": "bird n 2 1 ~ 2 1 00000002 00000003\nowl n 1 1 @ 1 0 00000001\n",
    "index.verb": "bird v 1 0 1 0 00000004\nhoot v 1 0 1 0 00000004\n",
    "index.adj": "",
    "index.adv": "",
    "index.sense": """\
bird%1:05:00:: 00000002 1 30
bird%1:18:00:: 00000003 2 1
hoot%2:31:00:: 00000004 1 2
owl%1:05:00:: 00000001 1 0
""",
}
"""A few lines of WordNet, in its layout."""


@pytest.fixture(name="work")
def work_with_packages(work, tmp_path):
    """A copy of the pictures, with packages beside them."""
    folder = tmp_path / "work"
    shutil.copytree(work, folder)
    packages(folder)
    perceiving(folder)
    return folder


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Three subjects, batches of two, and the sentence model's part by a table of letters."""
    monkeypatch.setattr(subjects, "names", lambda: NAMES)
    monkeypatch.setattr(text, "BATCH", 2)
    monkeypatch.setattr(text, "WORDS", 2)
    monkeypatch.setattr(diffusion, "BATCH", 2)
    monkeypatch.setattr(diffusion, "SAID", 1)
    monkeypatch.setattr(autoencoder, "BATCH", 1)
    monkeypatch.setattr(decoder, "BATCH", 2)
    monkeypatch.setattr(decoder, "DRAWN", 3)
    monkeypatch.setattr(decoder, "FIRST", (19, 20))
    monkeypatch.setattr(meaning, "embeddings", lambda _, texts: spelled(texts))


@pytest.fixture
def latents(work):
    return encoded.encode(work)


def spelled(texts: list[str]) -> torch.Tensor:
    """(N, 384): a word is like another that begins as it does."""
    made = torch.zeros(len(texts), meaning.LENGTH)
    for place, word in enumerate(texts):
        made[place, [ord(letter) for letter in word[:3]]] = 1
    return made / made.norm(dim=1, keepdim=True)


def packages(work: Path) -> None:
    """The names and keywords, as `fetch` leaves them."""
    words = {"🍕": ["slice", "oven", "food"], "🦉": ["hoot", "bird"], "👑": ["king", "queen"]}
    both = {"🍕": ["oven"], "🦉": ["hoot", "bird", "food"], "👑": ["king"]}
    thai = {"🍕": "พิซซ่า", "🦉": "นกฮูก", "👑": "มงกุฎ"}
    told = {
        (fetch.NAMES, "data-by-emoji.json"): {
            emoji: {"name": name} for emoji, name in zip(EMOJI, NAMES, strict=True)
        },
        (fetch.KEYWORDS, "dist/emoji-en-US.json"): words,
        (fetch.THAI, "en/data.json"): [
            {"emoji": emoji, "label": name, "tags": both[emoji]}
            for emoji, name in zip(EMOJI, NAMES, strict=True)
        ],
        (fetch.THAI, "th/data.json"): [
            {"emoji": emoji, "label": thai[emoji], "tags": ["ของ"]} for emoji in EMOJI
        ],
    }
    told = {it: json.dumps(content) for it, content in told.items()}
    for name, content in DICTIONARY.items():
        told[fetch.WORDNET, f"dict/{name}"] = "  1 This is the licence.\n" + content
    for (package, name), content in told.items():
        path = work / "packages" / package.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


class TestSubjects:
    def test_the_list_names_each_once(self, monkeypatch):
        monkeypatch.undo()
        names = subjects.names()
        assert len(names) == len(set(names)) > 400

    def test_their_pictures_come_in_both_styles_by_turns(self, work):
        shown = subjects.of(pictures.load(work, 64), ("pizza", "owl"))
        told = [(thing.name, thing.style) for thing in shown.things]
        assert told == [("pizza", "3d"), ("pizza", "flat"), ("owl", "3d"), ("owl", "flat")]

    def test_one_that_has_no_picture_is_named(self, work):
        with pytest.raises(TrainingError, match="no wyvern in 3d, wyvern in flat"):
            subjects.of(pictures.load(work, 64), ("owl", "wyvern"))


class TestPhrases:
    @pytest.fixture
    def one_held_out(self, monkeypatch):
        monkeypatch.setattr(phrases, "HELD_OUT", 1)

    def test_held_out_are_keywords_of_one_thing_alone_in_both_collections(self, work):
        told = {(phrase.text, phrase.subject) for phrase in phrases.held_out(work)}
        assert told == {("oven", 0), ("hoot", 1), ("bird", 1), ("king", 2)}

    def test_no_caption_has_a_word_that_is_held_out(self, one_held_out, work):
        (never,) = phrases.held_out(work)
        made = phrases.make(work, NAMES)
        assert {phrase.kind for phrase in made} >= {"name", "synonym", "thai"}
        assert not [phrase for phrase in made if never.text in phrase.text]

    def test_a_keyword_that_two_share_goes_to_the_nearer(self, one_held_out, work):
        (food,) = (it for it in phrases.make(work, NAMES) if it.text == "food")
        assert food == Phrase(text="food", subject=1, kind="near")  # o, as in owl

    def test_thai_names_are_kept_and_what_all_of_them_share_is_not(self, work):
        made = [it.text for it in phrases.make(work, NAMES) if it.kind == "thai"]
        assert made == ["พิซซ่า", "นกฮูก", "มงกุฎ"]


class TestWordNet:
    @pytest.fixture
    def dictionary(self, work):
        return wordnet.load(work)

    def test_a_sense_tells_its_words_what_it_is_and_of_which_kind(self, dictionary):
        wanted = "owl: owl, bird of Minerva, hunts at night, a kind of bird"
        assert dictionary.told("owl") == [wanted]

    def test_of_a_noun_only_the_senses_of_the_noun_are_told(self, dictionary):
        assert dictionary.told("bird") == [
            "bird: bird, has feathers and wings",
            "bird: fowler, catches birds",
        ]
        assert dictionary.told("hoot") == ["hoot: hoot, cry as owls do"]

    def test_a_plural_is_told_as_its_singular_and_an_unknown_word_not_at_all(self, dictionary):
        assert dictionary.told("owls") == ["owls: " + dictionary.told("owl")[0][5:]]
        assert dictionary.told("wyvern") == []

    def test_words_are_as_common_as_all_of_their_senses_were_counted(self, dictionary):
        assert dictionary.common(31) == ["bird"]
        assert dictionary.common(2) == ["bird", "hoot"]


class TestVocabulary:
    WORDS = ("wyverns", "xylophonist", "owl")

    @pytest.fixture
    def before(self):
        return vocabulary.load(encoded.BUNDLED / vocabulary.FOLDER)

    @pytest.fixture
    def after(self, tmp_path):
        folder = tmp_path / "tokenizer"
        vocabulary.extend(encoded.BUNDLED / vocabulary.FOLDER, self.WORDS, folder)
        return vocabulary.load(folder)

    def test_each_word_becomes_a_token_and_the_tokens_there_were_stay(self, before, after):
        assert len(before.tokenize("wyverns")) > 1
        assert [after.tokenize(word) for word in self.WORDS] == [[f"{it}</w>"] for it in self.WORDS]
        assert before.get_vocab().items() <= after.get_vocab().items()

    @pytest.mark.parametrize("prompt", ["3d render of a pizza", "แมว on a pink background", "wyv"])
    def test_other_prompts_are_cut_as_before(self, before, after, prompt):
        assert after(prompt).input_ids == before(prompt).input_ids

    def test_an_embedding_is_where_the_meaning_of_its_word_is(self, before, after):
        """Where the embeddings there were follow from the meanings, a new one does too."""
        encoder = CLIPTextModel.from_pretrained(encoded.BUNDLED / "text_encoder").float()
        drawn = torch.Generator().manual_seed(0)
        tokens = {
            piece[:-4]: token
            for piece, token in before.get_vocab().items()
            if piece.endswith("</w>")
        }
        vectors = torch.randn(len(tokens), 8, generator=drawn)
        across = torch.randn(8, encoder.config.hidden_size, generator=drawn)
        weight = encoder.get_input_embeddings().weight
        with torch.no_grad():
            weight[list(tokens.values())] = vectors @ across + 1
        told = dict(zip(tokens, vectors, strict=True)) | {"wyverns": torch.ones(8)}
        vocabulary.grow(encoder, before, after, told)
        weight = encoder.get_input_embeddings().weight
        made = weight[after.get_vocab()["wyverns</w>"]] - 1
        assert len(weight) == len(after)
        assert torch.cosine_similarity(made, torch.ones(8) @ across, dim=0) > 0.99


class TestNeighbours:
    KNOWN = (
        Phrase(text="cat", subject=0, kind="name"),
        Phrase(text="feline", subject=0, kind="synonym"),
        Phrase(text="big cat", subject=0, kind="synonym"),
        Phrase(text="pizza", subject=1, kind="name"),
        Phrase(text="แมว", subject=0, kind="thai"),
    )

    @pytest.fixture
    def settled(self):
        """What became of a table of embeddings, by the words, and what it was."""
        tokenizer = vocabulary.load(encoded.BUNDLED / vocabulary.FOLDER)
        vectors = {
            "cat": (1.0, 0.0, 0.0),
            "feline": (0.9, 0.3, 0.0),
            "big cat": (0.9, 0.0, 0.3),
            "pizza": (0.0, 1.0, 0.0),
            "kitty": (0.98, 0.1, 0.0),
            "sacred": (0.1, 0.1, -1.0),
            "render": (1.0, 0.1, 0.0),
        }
        known = torch.nn.functional.normalize(torch.tensor(list(vectors.values())), dim=1)
        before = torch.randn(len(tokenizer), 8, generator=torch.Generator().manual_seed(0))
        after = before.clone()
        moved = neighbours.settle(after, tokenizer, self.KNOWN, Meanings(list(vectors), known))
        rows = {word: tokenizer.get_vocab().get(f"{word}</w>") for word in vectors}
        return moved, {w: (before[row], after[row]) for w, row in rows.items() if row is not None}

    def test_a_word_draws_what_its_neighbours_draw(self, settled):
        moved, rows = settled
        (cat, _), (feline, _), (_, kitty) = rows["cat"], rows["feline"], rows["kitty"]
        assert moved == 1
        share = ((kitty - feline) @ (cat - feline)) / (cat - feline).square().sum()
        assert 0.5 < share < 1
        assert torch.allclose(kitty, feline.lerp(cat, share), atol=0.02)

    @pytest.mark.parametrize("word", ["cat", "feline", "pizza", "sacred", "render"])
    def test_what_captions_say_and_what_is_like_nothing_stays(self, settled, word):
        before, after = settled[1][word]
        assert torch.equal(before, after)


class TestCaptions:
    def test_style_and_background_are_said(self):
        drawn = captions.Captions([Phrase(text="owl", subject=0, kind="name")])
        drawer = random.Random(0)
        said = {drawn.draw(0, "flat", "navy", drawer) for _ in range(40)}
        assert len(said) > 5
        assert all("owl" in it and "flat" in it and "navy" in it for it, _ in said)
        assert {meant for _, meant in said} == {"owl"}


class TestMuon:
    def test_a_matrix_becomes_nearly_orthogonal(self):
        made = muon.orthogonal(torch.randn(8, 20, generator=torch.Generator().manual_seed(0)))
        values = torch.linalg.svdvals(made)
        assert values.min() > 0.6 and values.max() < 1.3

    @pytest.mark.parametrize("kept", [1, 2])
    def test_it_finds_the_least(self, kept):
        torch.manual_seed(0)
        layer = torch.nn.Linear(6, 6)
        optimizer = muon.Muon(
            [layer.weight], [layer.bias], lr=0.05, betas=(0.9, 0.98), weight_decay=0.0, kept=kept
        )
        inputs = torch.randn(64, 6)
        losses = []
        for _ in range(120):
            losses.append((layer(inputs) - inputs.roll(1, dims=1) - 1).square().mean())
            optimizer.zero_grad()
            losses[-1].backward()
            optimizer.step()
        assert losses[-1] < 0.05 < losses[0]


class TestStages:
    def test_latents_are_those_of_each_picture_on_white_and_on_colours(self, latents):
        each = 1 + encoded.COLOURS
        assert latents.latents.shape == (len(NAMES) * 2 * each, 4, 16, 16)
        assert latents.colour[::each].tolist() == [0] * len(NAMES) * 2
        assert latents.subject[:: 2 * each].tolist() == [0, 1, 2]

    def test_a_stage_tells_which_one_comes_before_it(self, tmp_path, capsys):
        assert main(["text", "--work", str(tmp_path)]) == 1
        assert "run `python -m resources.training latents` first" in capsys.readouterr().err

    def test_patches_are_squares_row_by_row(self):
        latents = torch.arange(64.0).view(1, 1, 8, 8)
        assert text.patches(latents)[0, 1, :5].tolist() == [4, 5, 6, 7, 12]

    def test_text_and_diffusion_are_trained_and_exported(self, latents, work, tmp_path):
        text.train_text(work, steps=2, rate=1e-3)
        unet = diffusion.train_diffusion(work, steps=1, rate=1e-4)
        for name in ("text", "diffusion"):
            assert main(["export", name, "--work", str(work), "--into", str(tmp_path)]) == 0
        for folder in ("text_encoder", "unet"):
            (made,) = (tmp_path / "emoji" / folder).glob("*.safetensors")
            shipped = encoded.BUNDLED / folder / made.name
            kept, before = (safetensors.torch.load_file(path) for path in (made, shipped))
            if folder == "text_encoder":
                tokens = kept.pop(EMBEDDINGS), before.pop(EMBEDDINGS)
                words = vocabulary.load(tmp_path / "emoji" / vocabulary.FOLDER)
                assert len(tokens[0]) == len(words) > len(tokens[1])  # oven is new
            assert {k: (v.shape, v.dtype) for k, v in kept.items()} == {
                k: (v.shape, v.dtype) for k, v in before.items()
            }
        read = UNet2DConditionModel.from_pretrained(tmp_path / "emoji" / "unet")
        assert torch.allclose(read.conv_in.weight.float(), unet.conv_in.weight, atol=1e-3)

    def test_the_whole_vae_is_trained_and_keeps_its_shapes(self, work, tmp_path):
        vae = autoencoder.train_autoencoder(work, steps=1, rate=1e-3)
        export.export_autoencoder(work, tmp_path)
        made = safetensors.torch.load_file(
            tmp_path / "emoji" / "vae" / "diffusion_pytorch_model.safetensors"
        )
        shipped = safetensors.torch.load_file(
            encoded.BUNDLED / "vae" / "diffusion_pytorch_model.safetensors"
        )
        assert {k: (v.shape, v.dtype) for k, v in made.items()} == {
            k: (v.shape, v.dtype) for k, v in shipped.items()
        }
        for part in ("encoder", "decoder"):
            name = f"{part}.conv_in.weight"
            assert torch.equal(made[name], vae.get_parameter(name).detach().half())
            assert not torch.equal(made[name], shipped[name])

    def test_the_vae_is_told_how_far_its_latents_are_from_what_they_were(self, work):
        vae, near, far = (
            AutoencoderKL.from_pretrained(encoded.BUNDLED / "vae").float() for _ in range(3)
        )
        shown = pictures.load(work, pictures.SIDES[0])
        features = perceived.Features.load(work)
        generators = (torch.Generator().manual_seed(0) for _ in range(2))
        with torch.no_grad():
            far.get_parameter("quant_conv.bias").add_(2)
            losses = [
                autoencoder.loss(vae, before, features, shown, [0], 2, generator)
                for before, generator in zip((near, far), generators, strict=True)
            ]
        assert (losses[1] - losses[0]).item() == pytest.approx(4 * autoencoder.NEAR, rel=1e-4)

    def test_the_decoder_alone_learns_from_what_the_unet_draws(self, work, latents, tmp_path):
        decoder.train_decoder(work, steps=1, rate=1e-3)
        export.export_decoder(work, tmp_path)
        name = "diffusion_pytorch_model.safetensors"
        made = safetensors.torch.load_file(tmp_path / "emoji" / "vae" / name)
        shipped = safetensors.torch.load_file(encoded.BUNDLED / "vae" / name)
        taught = {k.partition(".")[0] for k in made if not torch.equal(made[k], shipped[k])}
        assert "decoder" in taught and taught <= {"decoder", "post_quant_conv"}

    def test_what_the_unet_draws_is_drawn_with_weak_and_strong_guidance_by_turns(
        self, work, latents, monkeypatch
    ):
        monkeypatch.setattr(decoder, "TOGETHER", 1)
        drawn = decoder.draw(work, decoder.DRAWN)
        assert tuple(drawn.guidance.tolist()) == decoder.GUIDANCE[: decoder.DRAWN]

    def test_what_an_older_program_kept_is_named(self, work):
        kept = work / decoder.FOLDER / "drawn.pt"
        kept.parent.mkdir()
        torch.save({"before": torch.zeros(1)}, kept)
        with pytest.raises(TrainingError, match=r"drawn\.pt cannot be read.* remove it"):
            decoder.draw(work, decoder.DRAWN)

    def test_the_number_that_it_learns_by_is_how_far_the_pictures_are_off(self, work, latents):
        drawn = decoder.draw(work, decoder.DRAWN)
        features = Features.load(work)
        vae = AutoencoderKL.from_pretrained(encoded.BUNDLED / "vae").float()
        taught = decoder.Taught(vae)
        every = pictures.load(work, pictures.SIDES[0])
        shown = subjects.of(every, subjects.names())
        losses = []
        for height in (0.0, 1.0):
            for line in taught.critic.said:
                torch.nn.init.constant_(line.bias, height)
            generator = torch.Generator().manual_seed(0)
            losses.append(decoder.loss(taught, features, drawn, shown, every, 2, generator))
        assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-5)
        losses[1].backward()
        assert vae.decoder.conv_in.weight.grad is not None
        assert vae.encoder.conv_in.weight.grad is None
        assert taught.critic.said[0].bias.grad is not None

    def test_what_the_unet_draws_is_nearer_to_what_was_meant_the_later_it_begins(
        self, work, latents, monkeypatch
    ):
        drawn = decoder.draw(work, decoder.DRAWN)
        shown = subjects.of(pictures.load(work, pictures.SIDES[0]), subjects.names())
        assert not any(shown.things[place].held_out for place in drawn.picture)
        vae = AutoencoderKL.from_pretrained(encoded.BUNDLED / "vae").float()
        colours = torch.tensor(list(pictures.BACKGROUNDS.values())).float()
        with torch.no_grad():
            told = encoded.means(vae, shown.at(drawn.picture).on(colours[drawn.colour]))
        assert torch.allclose(told, drawn.before, atol=1e-2)  # latents are kept in float16
        assert torch.equal(decoder.draw(work, decoder.DRAWN).after, drawn.after)
        (work / decoder.FOLDER / "drawn.pt").unlink()
        monkeypatch.setattr(decoder, "FIRST", (8, 9))
        sooner = decoder.draw(work, decoder.DRAWN)
        late, soon = ((it.after - it.before).square().mean() for it in (drawn, sooner))
        assert 0 < late < soon
