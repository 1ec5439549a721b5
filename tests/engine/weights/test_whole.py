"""What the library calls ready loads, and what does not load is told by both in the same words: of
every kind of model that people have, as its programs write it, and of settings that hold nonsense.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

import engine
from engine import schedulers
from engine.checkpoint import Checkpoint, inspect, scan
from engine.errors import ConfigError, EngineError, LoadError, SchedulerError
from engine.networks.autoencoder.autoencoder_kl_config import VAEConfig
from engine.networks.autoencoder.tiny_autoencoder_config import TinyConfig
from engine.networks.text.clip_text_config import CLIPTextConfig
from engine.networks.unet.unet_2d_condition_config import UNetConfig
from engine.networks.unet.unet_2d_config import UNet2DConfig
from tests import tiny
from tests.original_layout import save_original
from tests.original_models import save_original_model

Weights = dict[str, Tensor]

UNET = "model.diffusion_model."
VAE = "first_stage_model."
FIRST = f"{UNET}input_blocks.0.0.weight"
LINEAR = "transformer_blocks.0.attn1.to_q.weight"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Weights]:
    """What single files of each family hold."""
    root = tmp_path_factory.mktemp("whole")
    found = {}
    for family in ("sd1", "sd2", "sdxl"):
        folder = save_original_model(root / family, family)
        found[family] = load_file(save_original(folder, root / f"{family}.safetensors"))
    return found


def agreed(path: Path, state: str, *words: str) -> Checkpoint:
    """What the library says of it, after a load that ends as the library says."""
    found = inspect(path)
    assert found.state == state, found.problem
    if state == "ready":
        engine.load(path, device="cpu", dtype="float32").close()
        return found
    with pytest.raises(LoadError) as caught:
        engine.load(path, device="cpu", dtype="float32")
    said = str(caught.value)
    for word in words:
        assert word in found.problem and word in said
    assert "\n" not in said and said.endswith(".")
    if state == "refused":
        assert "etch this" not in said + found.problem
    return found


def save(path: Path, weights: Weights) -> Path:
    save_file({key: tensor.contiguous().clone() for key, tensor in weights.items()}, path)
    return path


def linear(weights: Weights) -> list[str]:
    return [key for key in weights if key.startswith(UNET) and key.endswith(LINEAR)]


def beside(ending: str, tensor: Tensor, whole: str = "") -> Callable[[Weights], Weights]:
    """Each of some weights with a tensor beside it, and one for the whole, in float8 or bytes."""

    def changed(weights: Weights) -> Weights:
        made = dict(weights)
        for key in linear(weights):
            made[key] = weights[key].to(torch.float8_e4m3fn)
            made[key.removesuffix(".weight") + ending] = tensor
        return made | ({UNET + whole: torch.zeros(2)} if whole else {})

    return changed


def of_dtype(dtype: torch.dtype) -> Callable[[Weights], Weights]:
    return lambda weights: weights | {key: weights[key].to(dtype) for key in linear(weights)}


def without(*beginnings: str) -> Callable[[Weights], Weights]:
    return lambda weights: {
        key: tensor for key, tensor in weights.items() if not key.startswith(beginnings)
    }


def with_more(**more: Tensor) -> Callable[[Weights], Weights]:
    return lambda weights: weights | more


def deeper_on_the_way_up(weights: Weights) -> Weights:
    """As SSD-1B: without the middle's attention, and with a depth of each layer's own."""
    made = without(f"{UNET}middle_block.1.", f"{UNET}middle_block.2.")(weights)
    place = f"{UNET}output_blocks.2.1.transformer_blocks."
    for key in [key for key in made if key.startswith(f"{place}0.")]:
        made[key.replace(f"{place}0.", f"{place}3.")] = made[key]
    return {key: tensor for key, tensor in made.items() if not key.startswith(SHALLOWER)}


SHALLOWER = f"{UNET}output_blocks.1.1.transformer_blocks.2."

KINDS: dict[str, tuple[str, Callable[[Weights], Weights], str, str]] = {
    "scaled float8": (
        "sdxl", beside(".scale_weight", torch.ones(()), "scaled_fp8"), "refused", "scaled float8",
    ),
    "float8 with scales": ("sd1", beside(".weight_scale", torch.ones(1)), "refused", "scaled"),
    "scaled text encoder": (
        "sd1",
        with_more(**{"cond_stage_model.transformer.scaled_fp8": torch.zeros(0)}),
        "refused", "scaled float8",
    ),
    "comfy_quant": (
        "sd1", beside(".comfy_quant", torch.zeros(9, dtype=torch.uint8)), "refused", "ComfyUI",
    ),
    "NF4": ("sdxl", beside(".weight.absmax", torch.zeros(9)), "refused", "NF4"),
    "8 bits of bitsandbytes": ("sd1", beside(".SCB", torch.zeros(9)), "refused", "8 bits"),
    "GPTQ": ("sd1", beside(".qzeros", torch.zeros(9)), "refused", "GPTQ"),
    "int8": ("sd1", of_dtype(torch.int8), "refused", "8-bit whole numbers"),
    "4 bits in bytes": ("sd1", of_dtype(torch.uint8), "refused", "4 or 8 bits"),
    "complex": ("sd1", of_dtype(torch.complex64), "refused", "complex"),
    "plain float8": ("sd1", of_dtype(torch.float8_e4m3fn), "ready", ""),
    "float8 of other processors": ("sd1", of_dtype(torch.float8_e4m3fnuz), "ready", ""),
    "SSD-1B": ("sdxl", deeper_on_the_way_up, "ready", ""),
    "Vega": ("sdxl", without(f"{UNET}middle_block."), "ready", ""),
    "half an encoder": ("sd1", without(f"{VAE}encoder."), "refused", "encoder"),
    "half a decoder": ("sd1", without(f"{VAE}decoder."), "refused", "decoder"),
    "no text projection": (
        "sdxl", without("conditioner.embedders.1.model.text_projection"), "refused", "projection",
    ),
    "unCLIP": ("sd2", with_more(**{"embedder.x": torch.zeros(1)}), "refused", "unCLIP"),
    "unCLIP's noise": (
        "sd2", with_more(**{"noise_augmentor.x": torch.zeros(1)}), "refused", "unCLIP",
    ),
    "depth": (
        "sd2",
        lambda weights: weights
        | {"depth_model.x": torch.zeros(1), FIRST: torch.cat([weights[FIRST]] * 2, 1)[:, :5]},
        "refused", "depth",
    ),
    "ControlNet": (
        "sd1", with_more(**{"control_model.x": torch.zeros(1)}), "refused", "ControlNet",
    ),
    "GLIGEN": (
        "sd1", with_more(**{f"{UNET}input_blocks.1.1.fuser.x": torch.zeros(1)}),
        "refused", "GLIGEN",
    ),
    "one layer too many": (
        "sd1", with_more(**{f"{UNET}extra.weight": torch.zeros(1)}),
        "refused", "unexpected",
    ),
    "EDM": ("sdxl", with_more(edm_mean=torch.zeros(4)), "refused", "EDM"),
    "Flux": (
        "sd1", lambda _: {f"{UNET}double_blocks.0.img_attn.proj.weight": torch.zeros(1)},
        "refused", "Flux",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_ready_if_it_loads(files: dict[str, Weights], tmp_path: Path, kind: str) -> None:
    family, changed, state, word = KINDS[kind]
    agreed(save(tmp_path / "model.safetensors", changed(files[family])), state, word)


@pytest.mark.parametrize(
    ("dtype", "shape", "size"),
    [
        *(("F4", [2, 4], 4), ("F6_E2M3", [4], 3), ("F6_E3M2", [8], 6), ("F8_E8M0", [4], 4)),
        *(("F8_E4M3FNUZ", [4], 4), ("F8_E5M2FNUZ", [4], 4), ("C64", [2], 16)),
    ],
)
@pytest.mark.parametrize(("name", "state"), [("model_ema.x", "ready"), (f"{UNET}x", "refused")])
def test_a_newer_dtype_is_known(
    files: dict[str, Weights],
    tmp_path: Path,
    dtype: str,
    shape: Any,
    size: int,
    name: str,
    state: str,
) -> None:
    """What training left over in it does no harm."""
    path = save(tmp_path / "model.safetensors", files["sd1"])
    add(path, name, dtype, shape, size)
    found = inspect(path)
    assert found.state == state, found.problem
    add(path, "model_ema.y", dtype, [*shape, 3], size)  # not as long as its shape says
    assert inspect(path).state == "damaged"


def add(path: Path, name: str, dtype: str, shape: list[int], size: int) -> None:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    head, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    offsets = [len(data), len(data) + size]
    head[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data + bytes(size))


# Folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The bundled model, to be spoilt."""
    return Path(shutil.copytree(tiny.BUNDLED, tmp_path / "model"))


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"_class_name": "EDMEulerScheduler"}, "EDMEulerScheduler"),
        ({"_class_name": "SCMScheduler"}, "SCMScheduler"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "flow"),
        ({"_class_name": "IPNDMScheduler"}, "dance diffusion"),
        ({"_class_name": "UniPCMultistepScheduler", "prediction_type": "flow_prediction"}, "flow"),
        ({"_class_name": ["DDIMScheduler"]}, "_class_name"),
        ({"_class_name": None}, "_class_name"),
        ({"prediction_type": "x"}, "prediction_type"),
        ({"beta_start": "abc"}, "beta_start"),
        ({"num_train_timesteps": 10**15}, "num_train_timesteps"),
        ({"beta_schedule": {}}, "beta_schedule"),
    ],
)
def test_a_scheduler_that_is_not_here_makes_no_folder_ready(
    folder: Path, changes: dict[str, Any], word: str
) -> None:
    edited(folder / "scheduler" / "scheduler_config.json", **changes)
    agreed(folder, "refused", word)


def packed(folder: Path) -> None:
    edited(folder / "unet" / "config.json", quantization_config={"quant_method": "bitsandbytes"})


def half_a_vae(folder: Path) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    save(path, without("encoder.")(load_file(path)))


def other_text(folder: Path) -> None:
    edited(folder / "unet" / "config.json", cross_attention_dim=999)


def of_classes(folder: Path) -> None:
    edited(folder / "unet" / "config.json", num_class_embeds=10)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (packed, "bitsandbytes"),
        (half_a_vae, "without its"),
        (other_text, "999"),
        (of_classes, "classes"),
    ],
)
def test_a_folder_is_ready_if_it_loads(folder: Path, spoil: Any, word: str) -> None:
    agreed(folder, "ready")
    spoil(folder)
    agreed(folder, "refused", word)


def test_a_text_encoder_without_its_projection_is_told(tmp_path: Path) -> None:
    folder = tiny.save_sdxl(tmp_path / "xl")
    agreed(folder, "ready")
    path = folder / "text_encoder_2" / "model.safetensors"
    save(path, without("text_projection")(load_file(path)))
    agreed(folder, "refused", "pooled text")


# Vocabularies


def changed_vocabulary(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "tokenizer" / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def none_at_all(folder: Path) -> None:
    (folder / "tokenizer" / "tokenizer.json").unlink()


def an_empty_one(folder: Path) -> None:
    changed_vocabulary(folder, lambda content: content["model"].update(vocab={}, merges=[]))


def two_words(folder: Path) -> None:
    words = {"<|startoftext|>": 0, "<|endoftext|>": 1}
    changed_vocabulary(folder, lambda content: content["model"].update(vocab=words, merges=[]))


def half_of_it(folder: Path) -> None:
    def halve(content: dict[str, Any]) -> None:
        words = content["model"]["vocab"]
        content["model"]["vocab"] = {word: n for word, n in words.items() if n < len(words) // 2}

    changed_vocabulary(folder, halve)


def few_merges(folder: Path) -> None:
    changed_vocabulary(folder, lambda content: content["model"].update(merges=[]))


def ids_beyond(folder: Path) -> None:
    changed_vocabulary(folder, lambda content: content["model"]["vocab"].update(zebra=10**6))


def an_added_word_beyond(folder: Path) -> None:
    word = {"content": "<my-style>", "special": False}
    edited(folder / "tokenizer" / "tokenizer_config.json", added_tokens_decoder={"999999": word})


def no_end(folder: Path) -> None:
    edited(folder / "tokenizer" / "tokenizer_config.json", eos_token="<|stop|>")


def no_start(folder: Path) -> None:
    def remove(content: dict[str, Any]) -> None:
        del content["model"]["vocab"]["<|startoftext|>"]
        content["added_tokens"] = []

    changed_vocabulary(folder, remove)


def clips_own(folder: Path) -> None:
    """A whole one, of another model."""
    shutil.rmtree(folder / "tokenizer")
    shutil.copytree(tiny.BUNDLED.parents[1] / "tokenizers" / "clip", folder / "tokenizer")


def cut_off(folder: Path) -> None:
    path = folder / "tokenizer" / "tokenizer.json"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


VOCABULARIES = [
    *(none_at_all, an_empty_one, two_words, half_of_it, few_merges, ids_beyond),
    *(an_added_word_beyond, no_end, no_start, clips_own, cut_off),
]


@pytest.mark.parametrize("spoil", VOCABULARIES, ids=lambda spoil: spoil.__name__)
def test_a_vocabulary_that_is_not_the_text_encoders_is_an_error(folder: Path, spoil: Any) -> None:
    """transformers makes a tokenizer of most of these, to which every prompt may be the same."""
    spoil(folder)
    found = inspect(folder)
    assert found.state in ("damaged", "incomplete") and "tokenizer" in found.problem
    with pytest.raises(LoadError, match="tokenizer"):
        engine.load(folder, device="cpu")


# Files that are no files

SETTINGS = [
    *sorted(path.relative_to(tiny.BUNDLED).as_posix() for path in tiny.BUNDLED.rglob("*.json")),
    *("tokenizer/special_tokens_map.json", "tokenizer/vocab.json", "tokenizer/merges.txt"),
    "tokenizer/additional_chat_templates/x.jinja",  # which transformers reads too
]


def within(seconds: float, work: Callable[[], object]) -> None:
    """Whatever it raises; it must not wait."""

    def run() -> None:
        with suppress(EngineError):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it waits"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", SETTINGS)
def test_no_pipe_and_no_endless_file_is_waited_for(folder: Path, name: str) -> None:
    for lay in (os.mkfifo, lambda path: path.symlink_to("/dev/zero"), endless):
        (folder / name).unlink(missing_ok=True)
        (folder / name).parent.mkdir(exist_ok=True)
        lay(folder / name)
        before = time.process_time()
        within(10, lambda: list(scan(folder)))
        within(20, lambda: engine.load(folder, device="cpu").close())
        assert time.process_time() - before < 10


def endless(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"_class_name": "AutoencoderKL", "x": "')
        file.truncate(2**33)


# Settings that hold nonsense

READERS: dict[str, Callable[[Any], object]] = {
    "unet": UNetConfig.from_dict,
    "ddpm": UNet2DConfig.from_dict,
    "vae": VAEConfig.from_dict,
    "tiny": TinyConfig.from_dict,
    "text": lambda config: CLIPTextConfig.from_dict(config, projects=True),
}
DDPM = tiny.BUNDLED.with_name("emoji-ddpm")
PLACES = {
    "unet": tiny.BUNDLED / "unet",
    "ddpm": DDPM if (DDPM / "config.json").exists() else DDPM / "unet",
    "vae": tiny.BUNDLED / "vae",
    "tiny": tiny.BUNDLED / "tiny",
    "text": tiny.BUNDLED / "text_encoder",
}
CONFIGS = {name: json.loads((place / "config.json").read_text()) for name, place in PLACES.items()}
ODD = st.recursive(
    st.one_of(
        st.sampled_from([None, True, False, 0, -1, 1, 3, 2**31, 10**400, -(10**4000), 1e308]),
        st.sampled_from([float("nan"), float("inf"), "", "abc", "x" * 10**5, "silu", [], {}]),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(sorted(READERS)), data=st.data())
def test_an_odd_value_in_settings_is_named(name: str, data: st.DataObject) -> None:
    config = dict(CONFIGS[name])
    keys = sorted(key for key in config if not key.startswith("_"))
    for key in data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2)):
        config[key] = data.draw(ODD)
    try:
        READERS[name](config)
    except ConfigError as error:
        assert len(str(error)) < 1000 and "'" in str(error)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), kind=st.sampled_from(schedulers.names()))
def test_an_odd_value_in_a_schedulers_settings_is_named(data: st.DataObject, kind: str) -> None:
    known = [option.name for option in schedulers.describe(kind).options]
    drawn = data.draw(st.dictionaries(st.sampled_from(known), ODD, min_size=1, max_size=2))
    try:
        schedulers.create(kind, drawn, 1)
    except SchedulerError as error:
        assert len(str(error)) < 1000


@pytest.mark.parametrize(
    "content",
    [
        *("[]", "7", "{", "\xff", '{"name": {"a": 1}, "default_request": null}'),
        *('{"default_request": 7}', '{"default_request": {"steps": "abc"}}'),
        *('{"default_request": {"nonsense": 1}}', '{"default_request": {"steps": 1e400}}'),
        '{"default_request": {"width": [[]]}}',
    ],
)
def test_what_the_folder_says_of_requests_is_checked(folder: Path, content: str) -> None:
    (folder / "safelight.json").write_text(content, encoding="latin-1")
    with pytest.raises(LoadError, match=r"safelight\.json"):
        engine.load(folder, device="cpu")
    found = inspect(folder)
    assert found.state == "damaged" and "safelight.json" in found.problem
