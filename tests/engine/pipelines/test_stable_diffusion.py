"""The families of models: what each knows of itself, what it refuses, what belongs to one alone."""

from __future__ import annotations

import json
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import engine
from engine import Edit, EngineError, LoadError, Request, RequestError
from engine.families.distilled import habits
from engine.request.conditions import conditions
from tests import tiny

REQUEST = Request("a red apple, 3d", width=64, height=64, steps=4, scheduler="euler", seed=3)
WORDS = {"prompt", "negative"}
LCM = {"time_cond_proj_dim": 32}
NOISE = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny_folder) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("families")
    inpainting = {"in_channels": 9, "out_channels": 4}
    return {
        "sd1": tiny_folder,
        "sdxl": tiny.save_sdxl(root / "xl"),
        "lcm": tiny.save_stable_diffusion(root / "lcm", tiny.SD1 | LCM),
        "inpainting": tiny.save_stable_diffusion(root / "paint", tiny.SD1 | inpainting),
        "sdxl-inpainting": tiny.save_sdxl(root / "xl-paint", inpainting),
    }


@pytest.fixture(scope="module")
def sdxl(folders):
    return engine.load(folders["sdxl"], device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def lcm(folders):
    return engine.load(folders["lcm"], device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def taesd(tmp_path_factory) -> diffusers.AutoencoderTiny:
    torch.manual_seed(0)
    saved = diffusers.AutoencoderTiny(
        encoder_block_out_channels=[8] * 4, decoder_block_out_channels=[8] * 4
    ).eval()
    with torch.no_grad():  # else all that it draws is nearly grey
        for parameter in saved.decoder.parameters():
            parameter.mul_(2)
    folder = tmp_path_factory.mktemp("taesd")
    saved.save_pretrained(folder)
    saved.folder = folder
    return saved


@pytest.fixture
def copied(folders, tmp_path):
    return lambda name: shutil.copytree(folders[name], tmp_path / name)


def run(pipeline, request=REQUEST, start=None) -> list:
    return list(engine.generate(pipeline, request, start=start))


def pixels(pipeline, request=REQUEST) -> np.ndarray:
    return np.asarray(run(pipeline, request)[-1].images[0], np.int16)


def change_json(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# What each is


@pytest.mark.parametrize(
    ("name", "family", "abilities", "guidance"),
    [
        ("sd1", "stable-diffusion", WORDS, 7.5),
        ("sdxl", "stable-diffusion-xl", WORDS, 5.0),
        ("lcm", "latent-consistency", {"prompt", "embedded guidance"}, 8.5),
        ("inpainting", "stable-diffusion", WORDS | {"mask"}, 7.5),
        ("sdxl-inpainting", "stable-diffusion-xl", WORDS | {"mask"}, 5.0),
    ],
)
def test_a_model_knows_itself(folders, name, family, abilities, guidance):
    pipeline = engine.load(folders[name], device="cpu", dtype="float32")
    assert (pipeline.family, pipeline.abilities) == (family, abilities)
    assert (pipeline.name, pipeline.class_count) == (folders[name].name, 0)
    default = pipeline.default_request
    assert (default.width, default.height, default.guidance_scale) == (64, 64, guidance)
    assert len(pipeline.checkpoint_sha256()) == 64


@pytest.mark.parametrize("name", ["inpainting", "sdxl-inpainting"])
def test_painting_into_a_picture_comes_later(folders, name):
    pipeline = engine.load(folders[name], device="cpu")
    with pytest.raises(EngineError, match="inpainting model") as caught:
        run(pipeline)
    assert folders[name].name in str(caught.value)


def test_a_unet_that_paints_otherwise_is_refused_at_once(copied):
    folder = copied("sdxl")
    change_json(folder / "vae" / "config.json", latent_channels=3)
    vae = diffusers.AutoencoderKL.from_config(json.loads((folder / "vae/config.json").read_text()))
    vae.save_pretrained(folder / "vae")
    with pytest.raises(LoadError, match="4 channels of 4 but its VAE has 3"):
        engine.load(folder, device="cpu")


@pytest.mark.parametrize("seed", [0, 7])
def test_sdxl_repeats_goes_on_from_a_snapshot_and_is_the_same_in_a_batch(sdxl, seed):
    request = replace(REQUEST, scheduler="euler_ancestral", seed=seed, count=2)
    whole = run(sdxl, request)
    rest = run(sdxl, request, start=whole[-1].timeline[1])
    assert torch.equal(rest[-1].timeline[-1].latents, whole[-1].timeline[-1].latents)
    alone = run(sdxl, replace(request, seed=seed + 1, count=1))
    assert alone[-1].images[0].tobytes() == whole[-1].images[1].tobytes()


def test_both_encoders_read_a_prompt_once(sdxl, monkeypatch):
    counts = []
    for reader in sdxl.text.readers:
        forward = reader.encoder.forward
        monkeypatch.setattr(
            reader.encoder,
            "forward",
            lambda *ids, forward=forward, **more: counts.append(1) or forward(*ids, **more),
        )
    for seed in (1, 2):
        run(sdxl, replace(REQUEST, prompt="never read", negative_prompt="nor this", seed=seed))
    assert len(counts) == 4


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("sd-turbo", {}, (4, 1.0)),
        ("stabilityai/sdxl-turbo", {}, (4, 1.0)),
        ("sd_xl_turbo_1.0_fp16", {}, (4, 1.0)),
        ("sdxl_lightning_8step", {}, (8, 1.0)),
        ("dreamshaper-xl-turbo", {}, None),  # wants eight steps, and some guidance
        ("turbocharged", {}, None),
        ("any", {"_class_name": "LCMScheduler"}, (4, 1.0)),
        ("any", {"_class_name": "EulerDiscreteScheduler"}, None),
        (
            "any",
            {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"},
            (4, 1.0),
        ),
        (
            "trained to zero SNR",
            {
                "_class_name": "EulerDiscreteScheduler",
                "timestep_spacing": "trailing",
                "prediction_type": "v_prediction",
            },
            None,
        ),
    ],
)
def test_what_a_distilled_model_does_best(name, config, expected):
    found = habits(name, config, embeds_guidance=False)
    asked = None if expected is None else {"steps": expected[0], "guidance_scale": expected[1]}
    assert dict(found.request) == (asked or {})


def test_a_turbo_model_by_name_begins_at_the_last_timestep(copied):
    """A single file does not tell how its timesteps are spaced."""
    pipeline = engine.load(copied("sdxl").rename(copied("sd1").parent / "sd_xl_turbo_1.0"))
    default = replace(pipeline.default_request, steps=1)
    assert run(pipeline, default)[1].timestep == 999


# Guidance that is embedded


def test_a_latent_consistency_model_is_asked_once_a_step(lcm):
    _, *steps, finished = run(lcm, replace(REQUEST, scheduler="lcm", guidance_scale=8.0))
    snapshot = steps[0].snapshot
    assert snapshot.unconditional is None
    assert snapshot.guidance_scale == 8.0
    assert torch.equal(engine.reguide(lcm, snapshot, 8.0), snapshot.denoised)
    with pytest.raises(EngineError, match="cannot be changed"):
        engine.reguide(lcm, snapshot, 4.0)
    assert finished.record.executed_steps == 4


def test_a_scale_that_is_embedded_is_1_where_guidance_is_off(lcm):
    request = replace(REQUEST, scheduler="lcm", guidance_scale=8.0, negative_prompt="blue")
    off = replace(request, guidance_interval=(0.0, 0.0))
    assert np.array_equal(pixels(lcm, off), pixels(lcm, replace(request, guidance_scale=1.0)))
    half = replace(request, guidance_interval=(0.0, 0.5))
    turned = replace(request, edits=(Edit(2, "guidance_scale", 1.0),))
    assert np.array_equal(pixels(lcm, half), pixels(lcm, turned))
    assert not np.array_equal(pixels(lcm, half), pixels(lcm, request))


# Clip skip


def test_clip_skip_needs_as_many_layers(sdxl, tiny_pipeline):
    for pipeline in (sdxl, tiny_pipeline):
        run(pipeline, replace(REQUEST, clip_skip=2))
        for asked in ({"clip_skip": 3}, {"edits": (Edit(1, "clip_skip", 12),)}):
            with pytest.raises(RequestError, match="the 2 layers"):
                run(pipeline, replace(REQUEST, **asked))


@pytest.mark.parametrize("clip_skip", [0, 13, 1.5, True, None])
def test_clip_skip_is_1_to_12(clip_skip):
    with pytest.raises(RequestError, match="clip_skip"):
        Request(clip_skip=clip_skip)


def test_clip_skip_can_change_at_a_branch_and_is_told(tiny_pipeline):
    whole = run(tiny_pipeline)
    branch = run(tiny_pipeline, replace(REQUEST, clip_skip=2), start=whole[-1].timeline[1])
    record = branch[-1].record
    assert record.edits == (Edit(2, "clip_skip", 2),)
    assert conditions(record.request, 1, 4).request.clip_skip == 1
    assert np.array_equal(pixels(tiny_pipeline, record.request), np.asarray(branch[-1].images[0]))
    assert not np.array_equal(pixels(tiny_pipeline), np.asarray(branch[-1].images[0]))
    assert "Clip skip" not in record.to_parameters()
    skipped = run(tiny_pipeline, replace(REQUEST, clip_skip=2))[-1].record
    assert ", Clip skip: 2," in skipped.to_parameters()


# Autoencoders of their own


def test_a_tiny_autoencoder_makes_the_previews(folders, taesd):
    pipeline = engine.load(folders["sd1"], device="cpu", dtype="float32", tiny=taesd.folder)
    latents = run(pipeline)[-1].timeline[-1].latents
    picture = engine.preview(pipeline, latents, kind="tiny")
    with torch.no_grad():
        expected = taesd.decode(latents).sample[0]
    expected = ((expected / 2 + 0.5).clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    assert picture.std() > 5
    assert np.abs(picture - expected).max() <= 1


def test_a_tiny_autoencoder_may_be_a_file_with_the_decoder_alone(folders, taesd, tmp_path):
    weights = load_file(taesd.folder / "diffusion_pytorch_model.safetensors")
    lone = tmp_path / "decoder.safetensors"
    save_file({key: weights[key] for key in weights if key.startswith("decoder.")}, lone)
    pictures = [
        engine.preview(engine.load(folders["sd1"], device="cpu", tiny=made), NOISE, kind="tiny")
        for made in (lone, taesd.folder)
    ]
    assert np.array_equal(*pictures)


@pytest.mark.parametrize(
    ("vae", "tiny_cost", "side"),
    [(1e-9, 1.0, 64), (1.0, 1e-9, 32), (1.0, 1.0, 8)],
    ids=["vae", "tiny", "linear"],
)
def test_auto_takes_the_best_that_it_can_afford(folders, taesd, monkeypatch, vae, tiny_cost, side):
    pipeline = engine.load(folders["sd1"], device="cpu", dtype="float32", tiny=taesd.folder)
    monkeypatch.setattr(pipeline.pace, "decode_per_element", vae)
    monkeypatch.setattr(pipeline.pace, "tiny_per_element", tiny_cost)
    small = torch.zeros(3, 32, 32)
    monkeypatch.setattr(pipeline._preview._tiny, "decode", lambda _: small[None])
    assert engine.preview(pipeline, torch.zeros(1, 4, 8, 8)).shape == (side, side, 3)


def test_the_cost_of_a_tiny_autoencoder_is_measured(folders, taesd, monkeypatch):
    pipeline = engine.load(folders["sd1"], device="cpu", dtype="float32", tiny=taesd.folder)
    monkeypatch.setattr(pipeline.pace, "decode_per_element", 1.0)
    assert engine.preview(pipeline, torch.zeros(1, 4, 8, 8)).shape == (64, 64, 3)
    assert 0 < pipeline.pace.tiny_per_element < 1


def test_what_is_no_fitting_tiny_autoencoder_is_named(folders, tmp_path):
    with pytest.raises(LoadError, match="no tiny autoencoder"):
        engine.load(folders["sd1"], device="cpu", tiny=folders["sd1"] / "vae")
    other = diffusers.AutoencoderTiny(
        encoder_block_out_channels=[8] * 4, decoder_block_out_channels=[8] * 4, latent_channels=16
    )
    other.save_pretrained(tmp_path)
    with pytest.raises(LoadError, match="16 channels"):
        engine.load(folders["sd1"], device="cpu", tiny=tmp_path)


def test_another_vae_takes_the_place_of_the_models_own(folders, copied):
    folder = copied("sdxl")
    settings = json.loads((folder / "vae" / "config.json").read_text())
    torch.manual_seed(9)
    diffusers.AutoencoderKL.from_config(settings).save_pretrained(folder / "vae")
    whole = engine.load(folder, device="cpu", dtype="float32")
    # As the file of a VAE is: without a word on how its latents are scaled.
    lone = folder.parent / "lone"
    shutil.copytree(folder / "vae", lone)
    (lone / "config.json").write_text(
        json.dumps({key: value for key, value in settings.items() if key != "scaling_factor"})
    )
    joined = engine.load(folders["sdxl"], device="cpu", dtype="float32", vae=lone)
    assert np.array_equal(pixels(joined), pixels(whole))
    own = engine.load(folders["sdxl"], device="cpu", dtype="float32")
    assert not np.array_equal(pixels(joined), pixels(own))
    assert joined.checkpoint_sha256() != own.checkpoint_sha256()


@pytest.mark.parametrize(("name", "scaling"), [("sd1", 0.18215), ("sdxl", 0.13025)])
def test_latents_are_scaled_as_the_model_is_used_to(folders, copied, name, scaling):
    """Of the two VAEs neither shape nor file tells which it is."""
    folder = copied(name)
    lone = shutil.copytree(folder / "vae", folder.parent / "lone")
    settings = json.loads((lone / "config.json").read_text())
    settings.pop("scaling_factor")
    (lone / "config.json").write_text(json.dumps(settings))
    change_json(folder / "vae" / "config.json", scaling_factor=0.5)
    assert engine.load(folder, device="cpu", vae=lone).vae.scaling_factor == 0.5
    shutil.rmtree(folder / "vae")
    change_json(folder / "model_index.json", vae=[None, None])
    assert engine.load(folder, device="cpu", vae=lone).vae.scaling_factor == scaling


def test_a_model_may_have_a_tiny_autoencoder_for_a_vae(copied, taesd):
    folder = copied("sd1")
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(folder)
    pipeline.vae = taesd
    pipeline.save_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        "owl",
        width=64,
        height=64,
        num_inference_steps=3,
        generator=torch.Generator().manual_seed(0),
    ).images[0]
    request = Request("owl", width=64, height=64, steps=3)
    mine = pixels(engine.load(folder, device="cpu", dtype="float32"), request)
    assert np.abs(mine - np.asarray(theirs, np.int16)).max() <= 1


@pytest.mark.parametrize(
    ("name", "force_upcast", "dtype"),
    [
        ("sdxl", True, torch.bfloat16),
        ("sdxl", False, torch.float16),
        ("sd1", True, torch.float16),  # what every folder says that diffusers has saved
    ],
)
def test_the_vae_of_sdxl_is_kept_from_overflowing(copied, name, force_upcast, dtype):
    folder = copied(name)
    change_json(folder / "vae" / "config.json", force_upcast=force_upcast)
    pipeline = engine.load(folder, device="cpu", dtype="float16")
    assert (pipeline.dtype, pipeline.vae.dtype) == (torch.float16, dtype)
    decoded = pipeline.codec.decode(torch.randn(1, 4, 4, 4))
    assert decoded.pictures[0].shape == (32, 32, 3)
    assert [note for note in decoded.notes if "bfloat16" in note] == list(decoded.notes)
    assert bool(decoded.notes) == (dtype == torch.bfloat16)


# Loading


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("sdxl", "text_encoder_2"),
        ("sdxl", "tokenizer_2"),
        ("sd1", "text_encoder"),
        ("sd1", "tokenizer"),
        ("sd1", "unet"),
        ("sd1", "vae"),
        ("sd1", "scheduler"),
    ],
)
def test_a_component_that_is_not_there_is_named(copied, name, component):
    folder = copied(name)
    shutil.rmtree(folder / component)
    with pytest.raises(LoadError, match=component) as caught:
        engine.load(folder, device="cpu")
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    change_json(folder / "model_index.json", **{component: [None, None]})
    with pytest.raises(LoadError, match=f"has no {component}"):
        engine.load(folder, device="cpu")


def test_components_that_are_not_needed_may_be_listed_and_missing(copied):
    folder = copied("sdxl")
    change_json(
        folder / "model_index.json",
        safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"],
        feature_extractor=["transformers", "CLIPImageProcessor"],
        image_encoder=[None, None],
    )
    assert engine.load(folder, device="cpu").family == "stable-diffusion-xl"


def test_a_text_encoder_without_its_projection_does_not_fit(copied):
    folder = copied("sdxl")
    encoder = diffusers.StableDiffusionXLPipeline.from_pretrained(folder).text_encoder_2
    encoder.text_model.save_pretrained(folder / "text_encoder_2")
    change_json(folder / "model_index.json", text_encoder_2=["transformers", "CLIPTextModel"])
    with pytest.raises(LoadError, match="pooled text of width 40"):
        engine.load(folder, device="cpu")


def test_a_text_encoder_that_is_called_projecting_and_has_no_projection_reads_a_prompt(copied):
    folder = copied("sd1")
    change_json(
        folder / "model_index.json", text_encoder=["transformers", "CLIPTextModelWithProjection"]
    )
    text = engine.load(folder, device="cpu").text
    assert text.pooled_width == 0
    assert text.encode("an owl").pooled is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"hidden_act": "snake"}, "snake"),
        ({"num_attention_heads": 5}, "num_attention_heads"),
        ({"hidden_size": "wide"}, "wide"),
        ({"num_hidden_layers": 3}, "missing"),
    ],
    ids=str,
)
def test_a_text_encoder_that_cannot_be_built_is_named(copied, changes, word):
    folder = copied("sdxl")
    change_json(folder / "text_encoder_2" / "config.json", **changes)
    with pytest.raises(LoadError, match=r"text_encoder_2") as caught:
        engine.load(folder, device="cpu")
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_progress_moves_within_the_unet(folders, taesd):
    seen = []
    engine.load(
        folders["sdxl"],
        device="cpu",
        tiny=taesd.folder,
        progress=lambda fraction, words: seen.append((fraction, words)),
    )
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    parts = list(dict.fromkeys(words for _, words in seen))
    assert parts == ["text encoder", "UNet", "VAE", "tiny autoencoder", "ready"]
    assert len({fraction for fraction, words in seen if words == "UNet"}) > 50


@pytest.mark.parametrize("name", ["sd1", "sdxl", "lcm"])
def test_closing_lets_go_of_everything(folders, taesd, name):
    pipeline = engine.load(folders[name], device="cpu", tiny=taesd.folder)
    run(pipeline, replace(REQUEST, steps=1, scheduler="lcm"))
    engine.preview(pipeline, torch.zeros(1, 4, 8, 8), kind="tiny")
    engine.preview(pipeline, torch.zeros(1, 4, 8, 8), kind="linear")
    readers = getattr(pipeline.text, "readers", [pipeline.text])
    networks = [pipeline.unet, pipeline.vae, pipeline._preview._tiny]
    networks += [reader.encoder for reader in readers]
    weights = [weakref.ref(p) for network in networks for p in network.parameters()]
    del networks, readers
    pipeline.close()
    assert not any(weight() is not None for weight in weights)
    with pytest.raises(EngineError, match="closed"):
        run(pipeline)
    pipeline.close()
