"""Every family is one whole value, told from every other by its signs, and nobody else keeps a
table of them: a new family is a file of its own, a line in the list, and the pipeline that runs it.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields, replace
from importlib import import_module
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import engine
from engine import LoadError, Request, checkpoint, families
from engine.families import FAMILIES, Ability, Family
from engine.families.others import OTHERS
from engine.pipelines.stable_diffusion import StableDiffusion
from engine.weights.folder import COMPONENTS
from engine.weights.original.text import LAYOUTS
from engine.weights.single_file import SingleFile
from tests import original_models, tiny
from tests.original_layout import save_original
from tests.tables_of_families import strings, tables_outside

ROOT = Path(__file__).parents[3]
RUNNING = families.running()
NAMES = [family.name for family in FAMILIES]


def test_no_table_names_families_elsewhere():
    assert not tables_outside()


def test_a_table_elsewhere_would_be_found():
    module = ast.parse('"""stable-diffusion"""\nif a == "ddpm" or b in {"flux": 1}:\n    "wan"')
    assert set(strings(module)) == {"ddpm", "flux"}


# A family is whole


@pytest.mark.parametrize("family", FAMILIES, ids=NAMES)
def test_a_family_is_a_frozen_value_with_words_for_people(family):
    assert family.name and family.label
    assert family.name == family.name.lower()
    for field in fields(family):
        with pytest.raises(FrozenInstanceError):
            setattr(family, field.name, getattr(family, field.name))
    for version in family.versions:
        assert version.label.startswith(family.label)


def test_names_labels_classes_and_signs_are_of_one_family_alone():
    def twice(found: Iterator[str]) -> list[str]:
        return [name for name, count in Counter(found).items() if count > 1]

    versions = families.versions()
    only = [f for f in FAMILIES if len(f.versions) == 1]
    assert not twice(name for name in NAMES)
    assert not twice(family.label for family in FAMILIES)
    assert not twice(name for family in FAMILIES for name in family.classes)
    assert not twice(sign for family in FAMILIES for sign in family.signs)
    assert not twice(version.name for version in versions)
    assert all(one.versions[0].name == one.name for one in only)
    prefixes = [text.prefix for version in versions for text in version.text.values()]
    for prefix in prefixes:
        assert [other for other in prefixes if other.startswith(prefix)] == [prefix]


@pytest.mark.parametrize("family", RUNNING, ids=lambda family: family.name)
class TestWhatRuns:
    def test_its_class_is_there_and_says_whose_it_is(self, family: Family):
        assert family.runner is not None
        module, name = family.runner
        runner = getattr(import_module(module), name)
        assert callable(runner.from_files)
        own = getattr(runner, "FAMILY", None)
        if own is not None and not family.distilled_from:
            assert own is family

    def test_its_defaults_make_a_request(self, family: Family):
        request = Request(**family.request)
        assert request.from_dict(request.to_dict()) == request

    def test_its_parts_are_components_and_hold_what_it_reads(self, family: Family):
        assert set(family.parts) <= {*COMPONENTS}
        assert not set(family.parts) & set(family.optional)
        assert "unet" in family.parts and "scheduler" in family.parts
        reads = {part for pair in family.text.encoders for part in pair} if family.text else set()
        assert reads <= set(family.parts)
        assert (Ability.PROMPT in family.abilities) == (family.text is not None)
        assert not family.telltale_part or family.telltale_part in family.parts

    def test_its_classes_lead_to_it(self, family: Family):
        assert family.classes
        for name in family.classes:
            assert families.by_class(name) is family
        assert families.by_name(family.name) is family
        assert not family.painting_class or family.painting_class in family.classes

    def test_its_single_files_can_be_read(self, family: Family):
        for version in family.versions:
            assert family.text is not None
            assert [*version.text] == [encoder for encoder, _ in family.text.encoders]
            tokenizers = dict(family.text.encoders)
            for encoder, text in version.text.items():
                assert text.layout in LAYOUTS
                assert text.tokenizer[0] == tokenizers[encoder]
                assert (ROOT / "resources/tokenizers" / text.tokenizer[1]).is_dir()
            for scheduler in (version.scheduler, version.scheduler_of_v):
                name = engine.schedulers.name_of(scheduler["_class_name"])
                engine.schedulers.create(name, dict(scheduler), steps=4)


def test_what_does_not_run_has_no_runner_and_a_sign():
    for family in FAMILIES:
        if family not in (*RUNNING, families.UNKNOWN):
            assert family.runner is None
            assert family.signs and not family.abilities
            assert family.is_part == bool(family.classes)


def test_a_name_that_nobody_has():
    assert families.by_class("FluxPipeline") is None
    with pytest.raises(KeyError):
        families.by_name("nobody")
    assert families.label_of("stable-diffusion-2") == "Stable Diffusion 2"
    assert families.label_of("ddpm") == "DDPM"
    assert checkpoint.Checkpoint(source="", name="", path="", layout="file").label == "Unknown"


# What a UNet tells


SD1 = {"cross_attention_dim": 768}
SD2 = {"cross_attention_dim": 1024}
XL = {"cross_attention_dim": 2048, "addition_embed_type": "text_time"}
LCM = {"time_cond_proj_dim": 256}
PAINTS = {"in_channels": 9, "out_channels": 4}
PIXELS = {"_class_name": "UNet2DModel", "in_channels": 3, "out_channels": 3}


@pytest.mark.parametrize(
    ("unet", "names", "of", "kind"),
    [
        (SD1, (), "stable-diffusion", "StableDiffusionPipeline"),
        (SD2, (), "stable-diffusion", "StableDiffusionPipeline"),
        (SD1 | LCM, (), "stable-diffusion", "LatentConsistencyModelPipeline"),
        (SD1 | LCM | PAINTS, (), "stable-diffusion", "LatentConsistencyModelPipeline"),
        (SD1 | PAINTS, (), "stable-diffusion", "StableDiffusionInpaintPipeline"),
        (XL, (), "stable-diffusion-xl", "StableDiffusionXLPipeline"),
        (XL | LCM, (), "stable-diffusion-xl", "StableDiffusionXLPipeline"),
        (XL | PAINTS, (), "stable-diffusion-xl", "StableDiffusionXLInpaintPipeline"),
        (SD1, ("text_encoder_2",), "stable-diffusion-xl", "StableDiffusionXLPipeline"),
        (PIXELS, (), "ddpm", "DDPMPipeline"),
    ],
)
def test_a_folder_without_an_index_is_known_by_its_unet(unet, names, of, kind):
    family = families.of_folder(unet, names)
    assert family.name == of
    assert families.class_of(family, unet) == kind


@pytest.mark.parametrize(
    ("unet", "name"),
    [
        (SD1, "stable-diffusion-1"),
        (SD2, "stable-diffusion-2"),
        (SD1 | LCM, "latent-consistency"),
        (XL, "stable-diffusion-xl"),
        (XL | LCM, "latent-consistency"),
        ({"cross_attention_dim": 32, "use_linear_projection": True}, "stable-diffusion-2"),
        ({"cross_attention_dim": 32}, "stable-diffusion-1"),
    ],
)
def test_the_library_calls_it_by_its_version(unet, name):
    assert families.name_of(families.by_name("stable-diffusion"), unet) == name


@pytest.mark.parametrize(
    ("family", "unet", "abilities"),
    [
        ("stable-diffusion", SD1, {"prompt", "negative"}),
        ("stable-diffusion", SD1 | PAINTS, {"prompt", "negative", "mask"}),
        ("stable-diffusion-xl", XL | LCM, {"prompt", "embedded guidance"}),
        ("ddpm", PIXELS, set()),
        ("ddpm", PIXELS | {"num_class_embeds": 10}, {"classes"}),
        ("ddpm", PIXELS | {"num_class_embeds": None}, set()),
    ],
)
def test_a_models_own_network_says_what_else_it_can(family, unet, abilities):
    assert families.abilities_of(families.by_name(family), unet) == abilities


# The library, the layouts and the pipelines say the same of a model


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("families")
    return {
        "sd1": tiny.save_stable_diffusion(root / "sd1", tiny.SD1),
        "lcm": tiny.save_stable_diffusion(root / "lcm", tiny.SD1 | {"time_cond_proj_dim": 32}),
        "paint": tiny.save_stable_diffusion(root / "paint", tiny.SD1 | PAINTS),
        "sdxl": tiny.save_sdxl(root / "sdxl"),
        "ddpm": tiny.save_ddpm(root / "ddpm", tiny.DDPM_CIFAR),
        "classes": tiny.save_ddpm(root / "classes", tiny.DDPM_CIFAR | {"num_class_embeds": 4}),
    }


@pytest.mark.parametrize("name", ["sd1", "lcm", "paint", "sdxl", "ddpm", "classes"])
def test_a_folder_is_listed_as_what_it_loads_as(folders, name):
    found = checkpoint.inspect(folders[name])
    pipeline = engine.load(folders[name], device="cpu")
    assert found.loadable, found.problem
    assert found.abilities == pipeline.abilities
    assert families.by_name(found.family) is families.by_name(pipeline.family)


@pytest.mark.parametrize("name", ["sd1", "sd2", "sdxl", "lcm"])
def test_a_single_file_is_listed_as_what_it_loads_as(tmp_path, name):
    folder = original_models.save_original_model(tmp_path / "folder", name)
    file = save_original(folder, tmp_path / f"{name}.safetensors")
    found, pipeline = checkpoint.inspect(file), engine.load(file, device="cpu")
    assert (found.state, found.abilities) == ("ready", pipeline.abilities)
    assert families.by_name(found.family) is families.by_name(pipeline.family)
    assert SingleFile(file).abilities == pipeline.abilities


# A new family touches its own file, the list and its pipeline


NEW = replace(
    families.by_name("stable-diffusion"),
    name="pictures-of-the-future",
    label="Pictures of the future",
    classes=("FuturePipeline",),
    painting_class="",
    runner=(__name__, "Future"),
    abilities=frozenset({Ability.PROMPT, Ability.NEGATIVE, Ability.IMAGE}),
    request={"steps": 2, "guidance_scale": 3.0},
    has_unet=lambda unet: "from_the_future" in unet,
    versions=(),
)


class Future(StableDiffusion):
    FAMILY = NEW


@pytest.fixture
def of_the_future(tmp_path) -> Path:
    folder = tiny.save_stable_diffusion(tmp_path / "new", tiny.SD1)
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("StableDiffusionPipeline", "FuturePipeline"))
    return folder


def test_a_new_family_is_its_file_a_line_and_its_pipeline(of_the_future, monkeypatch):
    monkeypatch.setattr(families, "FAMILIES", (*FAMILIES, NEW))
    found = checkpoint.inspect(of_the_future)
    assert (found.state, found.family) == ("ready", NEW.name), found.problem
    assert (found.label, found.abilities) == (NEW.label, NEW.abilities)
    assert [*checkpoint.scan(of_the_future.parent)] == [found]
    pipeline = engine.load(of_the_future, device="cpu")
    assert (pipeline.family, pipeline.abilities) == (NEW.name, NEW.abilities)
    request = pipeline.default_request
    assert (request.steps, request.guidance_scale) == (2, 3.0)
    finished = [*engine.generate(pipeline, replace(request, prompt="a red apple"))][-1]
    assert finished.images[0].size == (request.width, request.height)


def test_without_it_the_same_folder_is_refused(of_the_future):
    assert checkpoint.inspect(of_the_future).state == "refused"
    with pytest.raises(LoadError, match="holds a FuturePipeline: this version of Safelight runs"):
        engine.load(of_the_future, device="cpu")


@pytest.mark.parametrize("family", OTHERS, ids=lambda family: family.name)
def test_what_is_known_and_not_run_is_told_by_its_name(tmp_path, family):
    file = tmp_path / "some.safetensors"
    for sign in family.signs:
        save_file({sign: torch.zeros(1)}, file)
        with pytest.raises(LoadError, match=f"holds {re.escape(family.label)}, of another"):
            engine.load(file, device="cpu")


# What is told of a stranger's config.json


@pytest.mark.parametrize("family", RUNNING, ids=[family.name for family in RUNNING])
@pytest.mark.parametrize("value", [None, "4", [4], {"a": 4}, 4.5, True])
@pytest.mark.parametrize("key", ["in_channels", "out_channels"])
def test_a_config_of_odd_values_is_no_error_here(family: Family, key: str, value: object):
    """Whoever reads the config strictly says what is wrong with it."""
    unet = {"in_channels": 9, "out_channels": 4, "cross_attention_dim": 768, key: value}
    families.name_of(family, unet)
    families.class_of(family, unet)
    families.abilities_of(family, unet)


def test_a_model_of_pixels_paints_into_nothing():
    unet = {"in_channels": 7, "out_channels": 3}
    assert Ability.MASK not in families.abilities_of(families.by_name("ddpm"), unet)
    unet = {"in_channels": 9, "out_channels": 4, "cross_attention_dim": 768}
    assert Ability.MASK in families.abilities_of(families.by_name("stable-diffusion"), unet)
