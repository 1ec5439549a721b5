"""UNetConfig: a conditional UNet's config.json, checked and laid out level by level. Read by
`UNet2DConditionModel`; the names of the keys are those of the diffusers folder format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.networks.config_reader import MOST_LAYERS, ConfigReader
from engine.networks.layers.activation_names import ACTIVATION_NAMES

ATTENDS_DOWN = {"DownBlock2D": False, "CrossAttnDownBlock2D": True}
ATTENDS_UP = {"UpBlock2D": False, "CrossAttnUpBlock2D": True}
USUAL_SAMPLE_SIZE = 64
SIZES = 6
"""How many numbers SDXL is told of the picture's sizes."""
CROSS_ATTENTION_MID_BLOCK = "UNetMidBlock2DCrossAttn"
PLAIN_MID_BLOCK = "UNetMidBlock2D"


@dataclass(frozen=True, kw_only=True)
class UNetLevel:
    """One resolution of the UNet.

    channels: the width of its layers.
    layers: the layers on the way down; there is one more on the way up.
    heads: the attention heads of its transformers.
    down_depths, up_depths: how deep each layer's transformer is; () where layers have none.
    only_cross_attention: its transformers read the text where others look at the picture itself.
    """

    channels: int
    layers: int
    heads: int
    down_depths: tuple[int, ...]
    up_depths: tuple[int, ...]
    only_cross_attention: bool


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """The shape of a conditional UNet. levels: the finest first. mid_block_type: None for no block
    in the middle. mid_depth: how deep the transformer in the middle is. sample_size: 64 where the
    file does not say. num_class_embeds counts only where class_embed_type is None. The other fields
    have the meaning of their keys.
    """

    in_channels: int
    out_channels: int
    sample_size: int
    center_input_sample: bool
    conv_in_kernel: int
    conv_out_kernel: int
    act_fn: str
    norm_num_groups: int
    norm_eps: float
    resnet_time_scale_shift: str
    downsample_padding: int
    levels: tuple[UNetLevel, ...]
    mid_block_type: str | None
    mid_block_scale_factor: float
    mid_depth: int
    cross_attention_dim: int
    use_linear_projection: bool
    flip_sin_to_cos: bool
    freq_shift: float
    time_embedding_dim: int
    time_embedding_act_fn: str | None
    time_cond_proj_dim: int | None
    timestep_post_act: str | None
    class_embed_type: str | None
    num_class_embeds: int | None
    addition_embed_type: str | None
    addition_time_embed_dim: int | None
    projection_class_embeddings_input_dim: int | None

    @property
    def pooled_dim(self) -> int | None:
        """The width of the pooled text, or None where the network is told none."""
        if self.addition_embed_type is None:
            return None
        assert self.projection_class_embeddings_input_dim is not None
        assert self.addition_time_embed_dim is not None
        return self.projection_class_embeddings_input_dim - SIZES * self.addition_time_embed_dim

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> UNetConfig:
        """Read the content of config.json. Raises ConfigError, which names the key and the value,
        for a required key that is missing and for a setting that is not implemented.
        """
        read = ConfigReader(config, "UNet2DConditionModel")
        _refuse_other_architectures(read)
        # Dropout is for training. scaled_dot_product_attention keeps the attention's logits and
        # softmax in float32 at any dtype, which is what upcast_attention is for.
        read.without_effect("dropout", "upcast_attention", "addition_embed_type_num_heads")

        channels = read.integers("block_out_channels")
        text_width, groups = _text_width(read, len(channels)), _groups(read, channels)
        freq_shift, padding = _freq_shift(read, channels[0]), _padding(read)
        addition = read.optional_choice("addition_embed_type", ("text_time",))
        class_type = read.optional_choice("class_embed_type", ("timestep", "projection"))
        projected = addition == "text_time" or class_type == "projection"
        mid_block_type = _mid_block_type(read)
        levels, mid_depth = _levels(read, channels, mid_block_type)
        parsed = cls(
            in_channels=read.integer("in_channels"),
            out_channels=read.integer("out_channels"),
            sample_size=read.square_side("sample_size") or USUAL_SAMPLE_SIZE,
            center_input_sample=read.flag("center_input_sample", False),
            conv_in_kernel=_odd(read, "conv_in_kernel"),
            conv_out_kernel=_odd(read, "conv_out_kernel"),
            act_fn=read.choice("act_fn", ACTIVATION_NAMES, "silu"),
            norm_num_groups=groups,
            norm_eps=read.positive("norm_eps", 1e-5),
            resnet_time_scale_shift=read.choice(
                "resnet_time_scale_shift", ("default", "scale_shift"), "default"
            ),
            downsample_padding=padding,
            levels=levels,
            mid_block_type=mid_block_type,
            mid_block_scale_factor=read.positive("mid_block_scale_factor", 1.0),
            mid_depth=mid_depth,
            cross_attention_dim=text_width,
            use_linear_projection=read.flag("use_linear_projection", False),
            flip_sin_to_cos=read.flag("flip_sin_to_cos", True),
            freq_shift=freq_shift,
            time_embedding_dim=read.optional_integer("time_embedding_dim") or channels[0] * 4,
            time_embedding_act_fn=read.optional_choice("time_embedding_act_fn", ACTIVATION_NAMES),
            time_cond_proj_dim=_guidance_width(read),
            timestep_post_act=read.optional_choice("timestep_post_act", ACTIVATION_NAMES),
            class_embed_type=class_type,
            num_class_embeds=read.optional_integer("num_class_embeds"),
            addition_embed_type=addition,
            addition_time_embed_dim=read.optional_integer(
                "addition_time_embed_dim", required=addition is not None
            ),
            projection_class_embeddings_input_dim=read.optional_integer(
                "projection_class_embeddings_input_dim", required=projected
            ),
        )
        read.finish()
        return parsed


def _text_width(read: ConfigReader, levels: int) -> int:
    width = read.integer_by_level("cross_attention_dim", levels, None)
    if len(set(width)) > 1:
        read.refuse("cross_attention_dim", width, "one text width for all levels")
    return width[0]


def _groups(read: ConfigReader, channels: tuple[int, ...]) -> int:
    groups = read.integer("norm_num_groups", 32)
    if any(count % groups for count in channels):
        read.refuse("norm_num_groups", groups, f"a divisor of all of {channels}")
    return groups


def _freq_shift(read: ConfigReader, first: int) -> float:
    """first: channels of the first level."""
    freq_shift = read.number("freq_shift", 0)
    if freq_shift == first // 2:
        read.refuse("freq_shift", freq_shift, f"any number but {first // 2}")
    return freq_shift


def _padding(read: ConfigReader) -> int:
    padding = read.number("downsample_padding", 1)
    if padding not in (0, 1):
        read.refuse("downsample_padding", padding, "0 or 1")
    return int(padding)


def _refuse_other_architectures(read: ConfigReader) -> None:
    read.only("attention_type", "default")
    read.only("class_embeddings_concat", False, None)
    read.only("cross_attention_norm", None)
    read.only("dual_cross_attention", False, None)
    read.only("encoder_hid_dim", None)
    read.only("encoder_hid_dim_type", None)
    read.only("mid_block_only_cross_attention", None, False)
    read.only("resnet_out_scale_factor", 1)
    read.only("resnet_skip_time_act", False, None)
    read.only("time_embedding_type", "positional")


def _levels(
    read: ConfigReader, channels: tuple[int, ...], mid_block_type: str | None
) -> tuple[tuple[UNetLevel, ...], int]:
    """The levels, the finest first, and the depth of the transformer in the middle."""
    count = len(channels)
    layers = read.integer_by_level("layers_per_block", count, 2, MOST_LAYERS)
    down_types = read.choices("down_block_types", ATTENDS_DOWN, count)
    up_types = read.choices("up_block_types", ATTENDS_UP, count)[::-1]
    only_cross_attention = read.flag_by_level("only_cross_attention", count, False)
    down_depths, up_depths = _depths(read, layers)
    attends = [
        ATTENDS_DOWN[down] or ATTENDS_UP[up] for down, up in zip(down_types, up_types, strict=True)
    ]
    # The block in the middle has the width and the heads of the last level.
    attends[-1] |= mid_block_type == CROSS_ATTENTION_MID_BLOCK
    heads = _heads(read, channels, attends)
    levels = tuple(
        UNetLevel(
            channels=channels[i],
            layers=layers[i],
            heads=heads[i],
            down_depths=down_depths[i] if ATTENDS_DOWN[down_types[i]] else (),
            up_depths=up_depths[i] if ATTENDS_UP[up_types[i]] else (),
            only_cross_attention=only_cross_attention[i],
        )
        for i in range(count)
    )
    return levels, down_depths[-1][0]


def _heads(read: ConfigReader, channels: tuple[int, ...], attends: list[bool]) -> tuple[int, ...]:
    # attention_head_dim holds the number of heads: a misnomer that all published configs share.
    misnamed = read.integer_by_level("attention_head_dim", len(channels), 8)
    if read.is_null("num_attention_heads"):
        key, heads = "attention_head_dim", misnamed
    else:
        key = "num_attention_heads"
        heads = read.integer_by_level(key, len(channels), None)
    if any(attends[i] and channels[i] % heads[i] for i in range(len(channels))):
        read.refuse(key, heads, f"numbers of heads that divide the channels {channels}")
    return heads


def _depths(
    read: ConfigReader, layers: tuple[int, ...]
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """The transformers' depths by level and layer, on the way down and on the way up."""
    key = "transformer_layers_per_block"
    reverse_key = "reverse_transformer_layers_per_block"
    down = read.counts_by_layer(key, layers, 1)
    if not read.is_null(reverse_key):
        coarsest_first = tuple(count + 1 for count in reversed(layers))
        return down, read.counts_by_layer(reverse_key, coarsest_first, 1)[::-1]
    if any(len(set(level)) > 1 for level in down):
        read.refuse(reverse_key, None, f"a list, because {key} differs from layer to layer")
    return down, tuple((level[0],) * (len(level) + 1) for level in down)


def _mid_block_type(read: ConfigReader) -> str | None:
    # A null here means that there is no block; a missing key means the usual one.
    if read.has("mid_block_type"):
        known = (CROSS_ATTENTION_MID_BLOCK, PLAIN_MID_BLOCK)
        return read.optional_choice("mid_block_type", known)
    return CROSS_ATTENTION_MID_BLOCK


def _guidance_width(read: ConfigReader) -> int | None:
    width = read.optional_integer("time_cond_proj_dim")
    if width is not None and width < 4:  # two frequencies are the fewest that have a ratio
        read.refuse("time_cond_proj_dim", width, "a whole number from 4 up")
    return width


def _odd(read: ConfigReader, key: str) -> int:
    size = read.integer(key, 3)
    if size % 2 == 0:
        read.refuse(key, size, "an odd number")
    return size
