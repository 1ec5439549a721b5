"""The networks on their own: what a config may say, meta construction, polling, dtypes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from engine.errors import ConfigError
from engine.networks import AddedConditions, AutoencoderKL, UNet2DConditionModel
from engine.networks.autoencoder.autoencoder_kl_config import VAEConfig
from engine.networks.unet.unet_2d_condition_config import UNetConfig

UNET: dict[str, Any] = {
    "_class_name": "UNet2DConditionModel",
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [8, 16],
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "cross_attention_dim": 12,
    "norm_num_groups": 4,
    "layers_per_block": 1,
    "attention_head_dim": 2,
}
VAE: dict[str, Any] = {
    "_class_name": "AutoencoderKL",
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "block_out_channels": [8, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
    "norm_num_groups": 4,
}
TEXT_TIME = {
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 4,
    "projection_class_embeddings_input_dim": 32,
}
UNET_REQUIRED = (
    "in_channels",
    "out_channels",
    "block_out_channels",
    "down_block_types",
    "up_block_types",
    "cross_attention_dim",
)
VAE_REQUIRED = (
    "in_channels",
    "out_channels",
    "latent_channels",
    "block_out_channels",
    "down_block_types",
    "up_block_types",
)
UNET_REFUSED = [
    ("in_channels", "4"),
    ("in_channels", True),
    ("out_channels", 0),
    ("block_out_channels", 8),
    ("block_out_channels", []),
    ("block_out_channels", [8, 16.5]),
    ("down_block_types", ["AttnDownBlock2D", "DownBlock2D"]),
    ("down_block_types", ["DownBlock2D"]),
    ("down_block_types", "DownBlock2D"),
    ("up_block_types", ["UpBlock2D", "SimpleCrossAttnUpBlock2D"]),
    ("up_block_types", [["UpBlock2D"], "UpBlock2D"]),
    ("mid_block_type", "UNetMidBlock2DSimpleCrossAttn"),
    ("layers_per_block", [1]),
    ("layers_per_block", 0),
    ("attention_head_dim", 3),
    ("attention_head_dim", [2, 2, 2]),
    ("num_attention_heads", 5),
    ("cross_attention_dim", [12, 24]),
    ("cross_attention_dim", "768"),
    ("transformer_layers_per_block", [1, 1, 1]),
    ("transformer_layers_per_block", -1),
    ("transformer_layers_per_block", [[1, 2], 1]),
    ("reverse_transformer_layers_per_block", [[1], 1]),
    ("only_cross_attention", [True]),
    ("only_cross_attention", 1),
    ("norm_num_groups", 3),
    ("norm_num_groups", None),
    ("norm_eps", 0),
    ("norm_eps", float("nan")),
    ("act_fn", "tanh"),
    ("time_embedding_act_fn", "tanh"),
    ("timestep_post_act", "tanh"),
    ("resnet_time_scale_shift", "ada_group"),
    ("mid_block_scale_factor", 0),
    ("downsample_padding", 2),
    ("conv_in_kernel", 4),
    ("conv_out_kernel", [3, 3]),
    ("freq_shift", "0"),
    ("freq_shift", 4),
    ("sample_size", [64, 96]),
    ("flip_sin_to_cos", "yes"),
    ("use_linear_projection", None),
    ("center_input_sample", 0),
    ("addition_embed_type", "text"),
    ("class_embed_type", "identity"),
    ("num_class_embeds", 1.5),
    ("attention_type", "gated"),
    ("class_embeddings_concat", True),
    ("cross_attention_norm", "layer_norm"),
    ("dual_cross_attention", True),
    ("encoder_hid_dim", 512),
    ("encoder_hid_dim_type", "text_proj"),
    ("mid_block_only_cross_attention", True),
    ("resnet_out_scale_factor", 1.41),
    ("resnet_skip_time_act", True),
    ("time_cond_proj_dim", "256"),
    ("time_cond_proj_dim", 3),
    ("time_embedding_type", "fourier"),
    ("a_setting_from_the_future", 0),
]
VAE_REFUSED = [
    ("latent_channels", 2.0),
    ("down_block_types", ["AttnDownEncoderBlock2D", "DownEncoderBlock2D"]),
    ("up_block_types", ["UpDecoderBlock2D"]),
    ("layers_per_block", [2, 2]),
    ("act_fn", "tanh"),
    ("norm_num_groups", 3),
    ("latents_mean", [0.0] * 4),
    ("latents_std", [1.0] * 4),
    ("scaling_factor", 0),
    ("scaling_factor", None),
    ("shift_factor", "0.1"),
    ("use_quant_conv", 1),
    ("use_post_quant_conv", "no"),
    ("mid_block_add_attention", None),
    ("force_upcast", "true"),
    ("sample_size", -64),
    ("a_setting_from_the_future", "on"),
]


class Abandoned(Exception):
    pass


@pytest.mark.parametrize("key", UNET_REQUIRED)
def test_unet_without_a_required_key(key):
    config = {k: v for k, v in UNET.items() if k != key}
    for incomplete in (config, config | {key: None}):
        with pytest.raises(ConfigError, match=f"no '{key}'"):
            UNetConfig.from_dict(incomplete)


@pytest.mark.parametrize("key", VAE_REQUIRED)
def test_vae_without_a_required_key(key):
    config = {k: v for k, v in VAE.items() if k != key}
    for incomplete in (config, config | {key: None}):
        with pytest.raises(ConfigError, match=f"no '{key}'"):
            VAEConfig.from_dict(incomplete)


@pytest.mark.parametrize(
    "key", ["addition_time_embed_dim", "projection_class_embeddings_input_dim"]
)
def test_text_time_without_its_widths(key):
    with pytest.raises(ConfigError, match=f"no '{key}'"):
        UNetConfig.from_dict(UNET | TEXT_TIME | {key: None})


def test_class_projection_without_its_width():
    with pytest.raises(ConfigError, match="no 'projection_class_embeddings_input_dim'"):
        UNetConfig.from_dict(UNET | {"class_embed_type": "projection"})


@pytest.mark.parametrize(("key", "value"), UNET_REFUSED)
def test_unet_names_what_it_cannot_do(key, value):
    with pytest.raises(ConfigError) as caught:
        UNetConfig.from_dict(UNET | {key: value})
    _assert_named(str(caught.value), key, value)


@pytest.mark.parametrize(("key", "value"), VAE_REFUSED)
def test_vae_names_what_it_cannot_do(key, value):
    with pytest.raises(ConfigError) as caught:
        VAEConfig.from_dict(VAE | {key: value})
    _assert_named(str(caught.value), key, value)


def test_channels_that_do_not_fall_into_groups():
    with pytest.raises(ConfigError, match=r"'norm_num_groups' is 4.*\(8, 18\)"):
        UNetConfig.from_dict(UNET | {"block_out_channels": [8, 18]})


def test_depths_that_differ_by_layer_need_the_way_up():
    depths = {"layers_per_block": 2, "transformer_layers_per_block": [[1, 2], 1]}
    with pytest.raises(ConfigError, match="reverse_transformer_layers_per_block"):
        UNetConfig.from_dict(UNET | depths)


def test_a_config_that_is_no_table():
    with pytest.raises(ConfigError, match="not a table"):
        UNetConfig.from_dict([1, 2])  # type: ignore[arg-type]


def test_settings_that_are_off_or_notes_are_passed_over():
    notes = {"_name_or_path": "x", "from_the_future": None, "also": False, "dropout": 0.1}
    assert UNetConfig.from_dict(UNET | notes) == UNetConfig.from_dict(UNET)


def test_num_attention_heads_goes_before_the_misnomer():
    config = UNetConfig.from_dict(UNET | {"num_attention_heads": 4})
    assert [level.heads for level in config.levels] == [4, 4]


def test_heads_need_not_divide_where_nothing_attends():
    config = UNET | {
        "block_out_channels": [20, 24],
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
        "attention_head_dim": 8,
    }
    assert UNetConfig.from_dict(config).levels[0].heads == 8


def test_defaults_of_the_first_configs():
    """Configs of 2022 lack most keys."""
    unet = UNetConfig.from_dict(UNET)
    assert (unet.flip_sin_to_cos, unet.freq_shift, unet.norm_eps) == (True, 0, 1e-5)
    assert (unet.time_embedding_dim, unet.sample_size) == (32, 64)
    vae = AutoencoderKL(VAE)
    assert (vae.scaling_factor, vae.shift_factor, vae.force_upcast) == (0.18215, 0.0, True)
    assert (vae.factor, vae.latent_channels, vae.sample_size) == (2, 4, None)


@pytest.mark.parametrize(
    ("build", "config"), [(UNet2DConditionModel, UNET | TEXT_TIME), (AutoencoderKL, VAE)]
)
def test_meta_construction_loses_nothing(build, config):
    """Whatever is not in the state dict would stay on the meta device."""
    real = build(config)
    with torch.device("meta"):
        empty = build(config)
    empty.load_state_dict(real.state_dict(), strict=True, assign=True)
    assert not any(tensor.is_meta for tensor in (*empty.parameters(), *empty.buffers()))
    assert torch.equal(_run(empty), _run(real))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("build", "config"), [(UNet2DConditionModel, UNET | TEXT_TIME), (AutoencoderKL, VAE)]
)
def test_half_precision(build, config, dtype):
    torch.manual_seed(0)
    network = build(config)
    exact = _run(network)
    rough = _run(network.to(dtype))
    assert network.dtype == rough.dtype == dtype
    assert (rough.float() - exact).abs().max() < 0.05 * exact.abs().max()


def test_polling_between_the_layers():
    unet, vae = UNet2DConditionModel(UNET), AutoencoderKL(VAE)
    polls: list[None] = []

    def poll() -> None:
        polls.append(None)

    _run(unet, poll)
    # Layers down, in the middle, up, and the exit; within each residual block; twice in each
    # transformer block.
    assert len(polls) == (2 + 2 + 4 + 1) + (2 + 2 + 4) + 2 * 4
    polls.clear()
    _run(vae, poll)
    assert len(polls) >= 6


@pytest.mark.parametrize("build", [UNet2DConditionModel, AutoencoderKL])
@pytest.mark.parametrize("patience", [0, 3])
def test_polling_can_abandon_the_call(build, patience):
    network = build(UNET if build is UNet2DConditionModel else VAE)
    convolutions: list[None] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda *_: convolutions.append(None))
    _run(network)
    full = len(convolutions)
    convolutions.clear()
    left = patience

    def poll() -> None:
        nonlocal left
        if left == 0:
            raise Abandoned
        left -= 1

    with pytest.raises(Abandoned):
        _run(network, poll)
    assert len(convolutions) < full


def test_encoding_can_be_abandoned():
    def poll() -> None:
        raise Abandoned

    with pytest.raises(Abandoned):
        AutoencoderKL(VAE).encode(torch.zeros(1, 3, 8, 8), poll)


def test_what_a_unet_was_trained_with_must_be_given():
    sample, text = torch.zeros(1, 4, 8, 8), torch.zeros(1, 3, 12)
    with pytest.raises(ValueError, match="sizes"):
        UNet2DConditionModel(UNET | TEXT_TIME)(sample, 1, text)
    with pytest.raises(ValueError, match="labels"):
        UNet2DConditionModel(UNET | {"num_class_embeds": 3})(sample, 1, text)


def test_attention_keeps_large_logits_in_half_precision():
    """Logits beyond float16's 65,504: what the key upcast_attention was made for."""
    query = torch.full((1, 1, 2, 64), 200.0, dtype=torch.float16)
    value = torch.ones(1, 1, 2, 64, dtype=torch.float16)
    mixed = torch.nn.functional.scaled_dot_product_attention(query, query, value)
    assert torch.equal(mixed, value)


@torch.no_grad()
def _run(network: nn.Module, poll=lambda: None) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(2, 4, 8, 8, generator=generator)
    if isinstance(network, AutoencoderKL):
        return network.decode(latents.to(network.dtype), poll)
    assert isinstance(network, UNet2DConditionModel)
    dtype = network.dtype
    text = torch.randn(2, 3, 12, generator=generator).to(dtype)
    added = None
    if network.config.addition_embed_type:
        sizes = torch.tensor([[512, 512, 0, 0, 512, 512]] * 2)
        added = AddedConditions(torch.randn(2, 8, generator=generator).to(dtype), sizes)
    return network(latents.to(dtype), 500.0, text, added, poll)


def _assert_named(message: str, key: str, value: Any) -> None:
    assert f"'{key}' is " in message
    leaves = value if isinstance(value, list) and value else [value]
    assert any(repr(leaf) in message for leaf in leaves)
