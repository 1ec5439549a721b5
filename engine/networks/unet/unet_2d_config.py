"""UNet2DConfig: the config.json of a UNet without text, checked and laid out level by level. Read
by `UNet2DModel`; the names of the keys are those of the diffusers folder format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from engine.networks.config_reader import MOST_LAYERS, ConfigReader
from engine.networks.layers.activation_names import ACTIVATION_NAMES

USUAL_SAMPLE_SIZE = 64
SKIP_ATTENTION_GROUPS = 32
SKIP_ATTENTION_CHANNELS = 64


@dataclass(frozen=True)
class BlockKind:
    """What a block is made of. resampling: how it changes the resolution, by a convolution, in a
    residual block, or in one of `engine.networks.unet.unet_skip_blocks`."""

    attends: bool
    resampling: Literal["conv", "resnet", "skip"]


def _with_old_names(kinds: dict[str, BlockKind]) -> dict[str, BlockKind]:
    """Configs of the first months of 2022 put UNetRes before every name."""
    return kinds | {f"UNetRes{name}": kind for name, kind in kinds.items()}


DOWN_BLOCKS = _with_old_names(
    {
        "DownBlock2D": BlockKind(False, "conv"),
        "AttnDownBlock2D": BlockKind(True, "conv"),
        "ResnetDownsampleBlock2D": BlockKind(False, "resnet"),
        "SkipDownBlock2D": BlockKind(False, "skip"),
        "AttnSkipDownBlock2D": BlockKind(True, "skip"),
    }
)
UP_BLOCKS = _with_old_names(
    {
        "UpBlock2D": BlockKind(False, "conv"),
        "AttnUpBlock2D": BlockKind(True, "conv"),
        "ResnetUpsampleBlock2D": BlockKind(False, "resnet"),
        "SkipUpBlock2D": BlockKind(False, "skip"),
        "AttnSkipUpBlock2D": BlockKind(True, "skip"),
    }
)


@dataclass(frozen=True, kw_only=True)
class UNet2DLevel:
    """One resolution of the UNet. heads: of every attention at this level."""

    channels: int
    heads: int
    down: BlockKind
    up: BlockKind


@dataclass(frozen=True, kw_only=True)
class UNet2DConfig:
    """The shape of a UNet without text. levels: the finest first. sample_size: height and width, 64
    where the file does not say. norm_num_groups: None for a quarter of the width, 32 at most.
    mid_groups: of the norm before the attention in the middle; None for no norm. num_class_embeds
    counts only where class_embed_type is None. The other fields have the meaning of their keys.
    """

    in_channels: int
    out_channels: int
    sample_size: tuple[int, int]
    center_input_sample: bool
    act_fn: str
    norm_num_groups: int | None
    norm_eps: float
    resnet_time_scale_shift: str
    layers_per_block: int
    downsample_padding: int
    levels: tuple[UNet2DLevel, ...]
    has_mid_block: bool
    mid_attends: bool
    mid_groups: int | None
    mid_block_scale_factor: float
    time_embedding_type: str
    time_embedding_dim: int
    flip_sin_to_cos: bool
    freq_shift: float
    num_train_timesteps: int | None
    class_embed_type: str | None
    num_class_embeds: int | None

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> UNet2DConfig:
        """Read the content of config.json. Raises ConfigError, which names the key and the value,
        for a required key that is missing and for a setting that is not implemented.
        """
        read = ConfigReader(config, "UNet2DModel")
        read.without_effect("dropout")  # is for training
        channels = read.integers("block_out_channels")
        down, up = _kinds(read, len(channels))
        in_channels = read.integer("in_channels", 3)
        out_channels = read.integer("out_channels", 3)
        groups = _groups(read, channels, down, up)
        scale_shift = read.choice("resnet_time_scale_shift", ("default", "scale_shift"), "default")
        has_mid_block = _has_mid_block(read)
        mid_attends = read.flag("add_attention", True) and has_mid_block
        time_type = read.choice(
            "time_embedding_type", ("positional", "fourier", "learned"), "positional"
        )
        freq_shift = read.number("freq_shift", 0)
        if freq_shift == channels[0] // 2:
            read.refuse("freq_shift", freq_shift, f"any number but {channels[0] // 2}")
        parsed = cls(
            in_channels=in_channels,
            out_channels=out_channels,
            sample_size=_height_and_width(read),
            center_input_sample=read.flag("center_input_sample", False),
            act_fn=read.choice("act_fn", ACTIVATION_NAMES, "silu"),
            norm_num_groups=groups,
            norm_eps=read.positive("norm_eps", 1e-5),
            resnet_time_scale_shift=scale_shift,
            layers_per_block=read.integer("layers_per_block", 2, MOST_LAYERS),
            downsample_padding=_padding(read),
            levels=_levels(read, channels, down, up, mid_attends),
            has_mid_block=has_mid_block,
            mid_attends=mid_attends,
            mid_groups=_mid_groups(read, channels[-1], groups, scale_shift),
            mid_block_scale_factor=read.positive("mid_block_scale_factor", 1.0),
            time_embedding_type=time_type,
            time_embedding_dim=read.optional_integer("time_embedding_dim") or 4 * channels[0],
            flip_sin_to_cos=read.flag("flip_sin_to_cos", True),
            freq_shift=freq_shift,
            num_train_timesteps=read.optional_integer(
                "num_train_timesteps", required=time_type == "learned"
            ),
            class_embed_type=read.optional_choice("class_embed_type", ("timestep", "identity")),
            num_class_embeds=read.optional_integer("num_class_embeds"),
        )
        for key, count in (("in_channels", in_channels), ("out_channels", out_channels)):
            if count != 3 and any(kind.resampling == "skip" for kind in (*down, *up)):
                read.refuse(key, count, "3, because the skip blocks know colour pictures only")
        read.finish()
        return parsed


def _kinds(read: ConfigReader, levels: int) -> tuple[tuple[BlockKind, ...], tuple[BlockKind, ...]]:
    """The blocks on the way down and on the way up, both the finest level first."""
    down_names = read.choices("down_block_types", DOWN_BLOCKS, levels)
    up_names = read.choices("up_block_types", UP_BLOCKS, levels)
    down = _resampled(read, "downsample_type", [DOWN_BLOCKS[name] for name in down_names])
    up = _resampled(read, "upsample_type", [UP_BLOCKS[name] for name in reversed(up_names)])
    for key, names, kinds in (
        ("down_block_types", down_names, down),
        ("up_block_types", up_names, up),
    ):
        skips = [kind.resampling == "skip" for kind in kinds]
        if skips != sorted(skips, reverse=True):
            read.refuse(key, names, "skip blocks at the finest levels, without others among them")
    return down, up


def _resampled(read: ConfigReader, key: str, kinds: list[BlockKind]) -> tuple[BlockKind, ...]:
    """The kinds with what downsample_type or upsample_type changes, which is only the resampling of
    the blocks with attention."""
    chosen = read.optional_choice(key, ("conv", "resnet"))
    if chosen != "resnet":
        return tuple(kinds)
    plain = BlockKind(True, "conv")
    return tuple(replace(kind, resampling="resnet") if kind == plain else kind for kind in kinds)


def _groups(
    read: ConfigReader,
    channels: tuple[int, ...],
    down: tuple[BlockKind, ...],
    up: tuple[BlockKind, ...],
) -> int | None:
    key = "norm_num_groups"
    kinds = (*down, *up)
    groups = None if read.has(key) and read.is_null(key) else read.integer(key, 32)
    if groups and any(count % groups for count in channels):
        read.refuse(key, groups, f"a divisor of all of {channels}")
    skips = [kind for kind in kinds if kind.resampling == "skip"]
    if groups is None and len(skips) < len(kinds):
        read.refuse(key, groups, "a whole number, unless all blocks are skip blocks")
    if skips:
        joined = (a + b for a, b in pairwise(channels))  # on the way up, with what is taken back
        widths = (*channels, *(2 * count for count in channels), *joined)
        if any(width % 4 or width % min(width // 4, 32) for width in widths):
            read.refuse("block_out_channels", channels, "widths that fall into their skip groups")
    if any(kind.attends for kind in skips) and any(
        count % SKIP_ATTENTION_GROUPS or count < SKIP_ATTENTION_CHANNELS for count in channels
    ):
        read.refuse("block_out_channels", channels, "multiples of 32 from 64 up in AttnSkip blocks")
    return groups


def _mid_groups(
    read: ConfigReader, channels: int, groups: int | None, scale_shift: str
) -> int | None:
    key = "attn_norm_num_groups"
    chosen = read.optional_integer(key)
    if chosen and channels % chosen:
        read.refuse(key, chosen, f"a divisor of {channels}")
    if chosen or scale_shift == "scale_shift":
        return chosen
    return groups or min(channels // 4, 32)


def _levels(
    read: ConfigReader,
    channels: tuple[int, ...],
    down: tuple[BlockKind, ...],
    up: tuple[BlockKind, ...],
    mid_attends: bool,
) -> tuple[UNet2DLevel, ...]:
    # Unlike in a conditional UNet, this key does hold the width of a head; null means one head.
    key = "attention_head_dim"
    one_head = read.has(key) and read.is_null(key)
    head = None if one_head else read.integer(key, 8)
    levels = []
    for i, width in enumerate(channels):
        attends = down[i].attends or up[i].attends or (mid_attends and i == len(channels) - 1)
        if attends and head and width % head:
            read.refuse(key, head, f"a divisor of {width}")
        heads = width // head if attends and head else 1
        levels.append(UNet2DLevel(channels=width, heads=heads, down=down[i], up=up[i]))
    return tuple(levels)


def _has_mid_block(read: ConfigReader) -> bool:
    # A null here means that there is no block; a missing key means the usual one.
    key = "mid_block_type"
    if read.has(key) and read.is_null(key):
        return False
    read.only(key, "UNetMidBlock2D", "UNetResMidBlock2D")
    return True


def _padding(read: ConfigReader) -> int:
    padding = read.number("downsample_padding", 1)
    if padding not in (0, 1):
        read.refuse("downsample_padding", padding, "0 or 1")
    return int(padding)


def _height_and_width(read: ConfigReader) -> tuple[int, int]:
    if read.is_null("sample_size"):
        return USUAL_SAMPLE_SIZE, USUAL_SAMPLE_SIZE
    height, width = read.integer_by_level("sample_size", 2, None)
    return height, width
