"""Our CLIPTextModel against transformers' own, with the weights that transformers saved.

Everything is on the CPU, float32 unless said otherwise. The networks are small and random; the
norms' weights and all biases, which a fresh network has at 1 and 0, are made random too.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from engine.networks import CLIPTextModel
from engine.networks.layers.activation import TEXT_ACTIVATIONS
from engine.networks.text.clip_text_config import CLIPTextConfig

TOLERANCE = 2e-5  # of the largest value; summing in another order costs about 1e-6
COARSE = 0.03  # in half precision, after a few layers

END = 97
SMALL: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 24,
    "intermediate_size": 40,
    "projection_dim": 20,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "max_position_embeddings": 16,
    "eos_token_id": END,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "plain": SMALL,
    "old-end": SMALL | {"eos_token_id": 2},
    "end-is-the-first-token": SMALL | {"eos_token_id": 0},
    "end-is-not-in-the-text": SMALL | {"eos_token_id": 5_000},
    "one-head": SMALL | {"num_attention_heads": 1},
    "one-layer": SMALL | {"num_hidden_layers": 1},
    "layer_norm_eps": SMALL | {"layer_norm_eps": 0.1},
    "narrow-middle": SMALL | {"intermediate_size": 1},
    "wide-projection": SMALL | {"projection_dim": 56},
    **{f"hidden_act-{name}": SMALL | {"hidden_act": name} for name in TEXT_ACTIVATIONS},
}
# Of the text encoders of Stable Diffusion 1 and 2, and both of SDXL.
PUBLISHED: dict[str, dict[str, Any]] = {
    "clip-vit-large-patch14": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "projection_dim": 768,
        "eos_token_id": 2,
    },
    "open-clip-vit-h": {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 23,
        "hidden_act": "gelu",
    },
    "open-clip-vit-big-g": {
        "hidden_size": 1280,
        "intermediate_size": 5120,
        "num_attention_heads": 20,
        "num_hidden_layers": 32,
        "projection_dim": 1280,
        "hidden_act": "gelu",
    },
}


def theirs(config: dict[str, Any], projects: bool) -> Any:
    kind = transformers.CLIPTextModelWithProjection if projects else transformers.CLIPTextModel
    network = kind(transformers.CLIPTextConfig(**config)).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter), alpha=0.2)
            elif "embedding" in name:  # a fresh one's are so small that the norm makes all alike
                parameter.mul_(20)
    return network


def ours(network: Any) -> CLIPTextModel:
    """Made of what transformers wrote: config.json and the weights, loaded strictly."""
    with TemporaryDirectory() as folder:
        network.save_pretrained(folder)
        weights = load_file(Path(folder, "model.safetensors"))
        weights = {key.removeprefix("text_model."): tensor for key, tensor in weights.items()}
        with torch.device("meta"):
            made = CLIPTextModel(
                json.loads(Path(folder, "config.json").read_text()),
                projects="text_projection.weight" in weights,
            )
        made.load_state_dict(weights, strict=True, assign=True)
    assert not list(made.buffers())  # one would still be on meta
    return made.eval()


def texts(*ends: int, length: int = 16, end: int = END, padding: int = 1) -> Tensor:
    """Random tokens, one text for each place of an end, with padding behind it."""
    ids = torch.randint(3, 90, (len(ends), length))
    for row, place in zip(ids, ends, strict=True):
        row[place], row[place + 1 :] = end, padding
    return ids


def relative_difference(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert theirs.float().std() > 1e-4  # or the comparison says nothing
    return float((ours - theirs).abs().max() / theirs.abs().max())


def assert_same(mine: CLIPTextModel, other: Any, ids: Tensor, tolerance: float = TOLERANCE) -> None:
    """Every layer, with the final norm and without, and the pooled vector."""
    read = other(ids, output_hidden_states=True)
    norm = getattr(other, "text_model", other).final_layer_norm
    assert len(read.hidden_states) == mine.config.num_hidden_layers + 1
    for layer, hidden in enumerate(reversed(read.hidden_states), start=1):
        for is_normed, expected in ((False, hidden), (True, norm(hidden))):
            encoded = mine(ids, layer, is_normed)
            assert relative_difference(encoded.hidden, expected) < tolerance
            pooled = getattr(read, "text_embeds", None)
            assert (encoded.pooled is None) == (pooled is None)
            if pooled is not None:
                assert relative_difference(encoded.pooled, pooled) < tolerance
    assert relative_difference(mine(ids).hidden, read.last_hidden_state) < tolerance


@pytest.fixture(autouse=True)
def _seeded_on_one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # waking more takes longer than these networks do
    torch.manual_seed(0)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("projects", [False, True], ids=["plain", "projects"])
@pytest.mark.parametrize("name", CONFIGS)
def test_every_layer_and_the_pooled_vector_equal_those_of_transformers(name, projects):
    other = theirs(CONFIGS[name], projects)
    mine = ours(other)
    for ids in (texts(4, 15, 9), texts(6), texts(3, length=7)):
        assert_same(mine, other, ids)


def test_settings_that_are_not_there_are_those_of_transformers():
    usual = transformers.CLIPTextConfig()
    config = CLIPTextConfig.from_dict({}, projects=True)
    for name in config.__dataclass_fields__:
        assert getattr(config, name) == getattr(usual, name), name


@pytest.mark.parametrize("end", [END, 2])
@pytest.mark.parametrize("padding", [0, 1, END])
def test_a_text_ends_at_its_first_end(end, padding):
    """Some tokenizers fill up with the end itself. By the old rule it is the highest number."""
    other = theirs(SMALL | {"eos_token_id": end}, projects=True)
    mine = ours(other)
    ids = texts(0, 5, 15, padding=padding)
    assert_same(mine, other, ids)
    read = other(ids)
    rows = read.last_hidden_state[[0, 1, 2], [0, 5, 15]]
    assert relative_difference(mine(ids).pooled, other.text_projection(rows)) < TOLERANCE


def test_no_token_knows_those_behind_it():
    mine = ours(theirs(SMALL, projects=False))
    ids = texts(15)
    other = ids.clone()
    other[0, 9] = 91
    one, another = mine(ids).hidden, mine(other).hidden
    assert relative_difference(one[:, :9], another[:, :9]) < TOLERANCE
    assert relative_difference(one[:, 9:], another[:, 9:]) > 100 * TOLERANCE


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
def test_half_precision_rounds_like_that_of_transformers(dtype, act):
    other = theirs(SMALL | {"hidden_act": act}, projects=True)
    mine = ours(other)
    assert_same(mine.to(dtype), other.to(dtype), texts(4, 15, 9), COARSE)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    heads=st.integers(1, 4),
    # The norm of one or two numbers is made of signs, which turn with rounding.
    head_width=st.integers(6, 12),
    sizes=st.fixed_dictionaries(
        {
            "vocab_size": st.integers(3, 60),
            "intermediate_size": st.integers(1, 40),
            "projection_dim": st.integers(2, 40),
            "num_hidden_layers": st.integers(1, 4),
            "max_position_embeddings": st.integers(1, 20),
            "hidden_act": st.sampled_from(["quick_gelu", "gelu"]),
            "layer_norm_eps": st.sampled_from([1e-5, 1e-6, 1e-3]),
            "eos_token_id": st.integers(0, 60),
        }
    ),
    projects=st.booleans(),
    drawn=st.data(),
)
def test_any_shape_and_any_tokens_equal_transformers(heads, head_width, sizes, projects, drawn):
    torch.manual_seed(0)
    other = theirs(
        sizes | {"hidden_size": heads * head_width, "num_attention_heads": heads}, projects
    )
    length = drawn.draw(st.integers(1, sizes["max_position_embeddings"]))
    token = st.integers(0, sizes["vocab_size"] - 1)
    text = st.lists(token, min_size=length, max_size=length)
    with torch.no_grad():
        ids = torch.tensor(drawn.draw(st.lists(text, min_size=1, max_size=3)))
        assert_same(ours(other), other, ids, 10 * TOLERANCE)


@pytest.mark.parametrize("projects", [False, True], ids=["plain", "projects"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_shapes_have_the_same_weights(name, projects):
    config = PUBLISHED[name]
    kind = transformers.CLIPTextModelWithProjection if projects else transformers.CLIPTextModel
    with torch.device("meta"):
        other = kind(transformers.CLIPTextConfig(**config))
        mine = CLIPTextModel(config, projects)
    assert {key: tensor.shape for key, tensor in mine.state_dict().items()} == {
        key.removeprefix("text_model."): tensor.shape for key, tensor in other.state_dict().items()
    }
