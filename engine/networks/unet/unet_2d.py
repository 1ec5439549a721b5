"""UNet2DModel: predicts the noise in a picture, without a text (arXiv:2006.11239; with the blocks
of arXiv:2011.13456). Loaded by `engine.weights`, called once a step by the DDPM pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from engine.networks.layers.activation import silu_over
from engine.networks.layers.attention import SpatialAttention
from engine.networks.layers.embeddings import (
    FourierTimesteps,
    LearnedTimesteps,
    SinusoidalTimesteps,
    TimestepEmbedding,
    one_for_each,
)
from engine.networks.layers.resampling import Downsample2D, Upsample2D
from engine.networks.layers.resnet import (
    DownsamplingResnet,
    ResnetOptions,
    UpsamplingResnet,
    group_norm,
)
from engine.networks.poll import Poll, no_poll
from engine.networks.unet.deep_layers import DeepLayers
from engine.networks.unet.unet_2d_config import (
    SKIP_ATTENTION_GROUPS,
    BlockKind,
    UNet2DConfig,
    UNet2DLevel,
)
from engine.networks.unet.unet_blocks import (
    DownBlock2D,
    MakeAttention,
    Skips,
    UNetMidBlock2D,
    UpBlock2D,
)
from engine.networks.unet.unet_skip_blocks import OUTPUT_SCALE, SkipDownBlock2D, SkipUpBlock2D


class UNet2DModel(nn.Module):
    """The UNet of DDPM and its relatives. Its parameters have the names of the diffusers folder
    format; older files name those of the attention differently.

    config: the content of config.json. Raises ConfigError if it asks for what is not implemented.

    in_channels, out_channels: channels of the picture and of the prediction.
    sample_size: height and width that it was trained at; 64 where config does not say.
    factor: pixels along one side of what the coarsest level sees as one.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = c = UNet2DConfig.from_dict(config)
        self.in_channels = c.in_channels
        self.out_channels = c.out_channels
        self.sample_size = c.sample_size
        self.factor = 2 ** (len(c.levels) - 1)

        first = c.levels[0].channels
        self.conv_in = nn.Conv2d(c.in_channels, first, 3, padding=1)
        self.time_proj = _time_projection(c)
        waves = 2 * first if c.time_embedding_type == "fourier" else first
        self.time_embedding = TimestepEmbedding(waves, c.time_embedding_dim)
        self.class_embedding = _class_embedding(c, waves)
        resnet = ResnetOptions(
            time_channels=c.time_embedding_dim,
            groups=c.norm_num_groups,
            eps=c.norm_eps,
            act_fn=c.act_fn,
            scale_shift=c.resnet_time_scale_shift == "scale_shift",
        )
        self.down_blocks = _down_blocks(c, resnet)
        self.mid_block = _mid_block(c, resnet)
        self.up_blocks = _up_blocks(c, resnet)
        self.conv_norm_out = group_norm(first, c.norm_num_groups, c.norm_eps)
        self.conv_out = nn.Conv2d(first, c.out_channels, 3, padding=1)

    @property
    def dtype(self) -> torch.dtype:
        return self.conv_in.weight.dtype

    def forward(
        self,
        sample: Tensor,
        timestep: float | Tensor,
        poll: Poll = no_poll,
        *,
        labels: Tensor | None = None,
        layers: DeepLayers | None = None,
    ) -> Tensor:
        """The prediction (noise, v or x_0, as it was trained), (B, out_channels, h, w).

        sample: (B, in_channels, h, w), of this network's dtype, h and w multiples of `factor`.
        timestep: one for all, or (B,); above 0 for Fourier features.
        poll: called between the layers; may raise to abandon the call.
        labels: for networks with classes: (B,) whole numbers, or numbers for class_embed_type
            "timestep", or (B, time_embedding_dim) for "identity".
        layers: what to take over from an earlier call. A network that ends with a block of NCSN++
            takes and leaves nothing.
        """
        if self.config.center_input_sample:
            sample = 2 * sample - 1
        timesteps = one_for_each(timestep, sample)  # (B,)
        time = self._time(timesteps, labels, sample.dtype)  # (B, time_embedding_dim)
        hidden = self.conv_in(sample)  # (B, first level's channels, h, w)
        skips = Skips([hidden], picture=sample)
        last = self.up_blocks[-1]
        if layers is not None and layers.hidden is not None and isinstance(last, UpBlock2D):
            skips.picture = None
            hidden = last.last_layer(layers.hidden, skips, time, None, poll)
        else:
            hidden = self._through_all(hidden, skips, time, poll)
            if layers is not None and isinstance(last, UpBlock2D):
                layers.hidden = skips.before_last
        poll()
        output = self.conv_out(silu_over(self.conv_norm_out(hidden)))  # (B, out_channels, h, w)
        if skips.picture is not None:
            output = output + skips.picture
        if self.config.time_embedding_type == "fourier":
            output = output / timesteps[:, None, None, None].to(output.dtype)
        return output

    def _through_all(self, hidden: Tensor, skips: Skips, time: Tensor, poll: Poll) -> Tensor:
        """Down, through the middle and up again: the shape of hidden, (B, C, h, w)."""
        for block in self.down_blocks:
            hidden = block(hidden, skips, time, None, poll)
        skips.picture = None
        if self.mid_block is not None:
            hidden = self.mid_block(hidden, time, None, poll)
        for block in self.up_blocks:
            hidden = block(hidden, skips, time, None, poll)
        return hidden

    def _time(self, timesteps: Tensor, labels: Tensor | None, dtype: torch.dtype) -> Tensor:
        """The timestep and the class, as one vector an image."""
        time = self.time_embedding(self.time_proj(timesteps).to(dtype))
        if self.class_embedding is None:
            return time
        if labels is None:
            raise ValueError("This UNet was trained with classes: give labels.")
        if self.config.class_embed_type == "timestep":
            labels = self.time_proj(labels).to(dtype)
        return time + self.class_embedding(labels).to(dtype)


def _time_projection(config: UNet2DConfig) -> nn.Module:
    width = config.levels[0].channels
    match config.time_embedding_type:
        case "fourier":
            return FourierTimesteps(width)
        case "learned":
            assert config.num_train_timesteps is not None
            return LearnedTimesteps(config.num_train_timesteps, width)
        case _:
            return SinusoidalTimesteps(width, config.flip_sin_to_cos, config.freq_shift)


def _class_embedding(config: UNet2DConfig, waves: int) -> nn.Module | None:
    if config.class_embed_type == "timestep":
        return TimestepEmbedding(waves, config.time_embedding_dim)
    if config.class_embed_type == "identity":
        return nn.Identity()
    if config.num_class_embeds is not None:
        return nn.Embedding(config.num_class_embeds, config.time_embedding_dim)
    return None


def _down_blocks(config: UNet2DConfig, resnet: ResnetOptions) -> nn.ModuleList:
    blocks = nn.ModuleList()
    in_channels = config.levels[0].channels
    for level in config.levels:
        width, layers, last = level.channels, config.layers_per_block, level is config.levels[-1]
        attention = _attention(config, level, level.down)
        match level.down.resampling:
            case "skip":
                block = SkipDownBlock2D(in_channels, width, layers, resnet, attention, not last)
            case "resnet":
                down = None if last else DownsamplingResnet(width, width, resnet)
                block = DownBlock2D(in_channels, width, layers, resnet, attention, down)
            case "conv":
                down = None if last else Downsample2D(width, config.downsample_padding)
                block = DownBlock2D(in_channels, width, layers, resnet, attention, down)
        blocks.append(block)
        in_channels = width
    return blocks


def _mid_block(config: UNet2DConfig, resnet: ResnetOptions) -> UNetMidBlock2D | None:
    if not config.has_mid_block:
        return None
    level, scale = config.levels[-1], config.mid_block_scale_factor
    width, heads, groups, eps = level.channels, level.heads, config.mid_groups, config.norm_eps

    def make_attention(_layer: int) -> nn.Module:
        return SpatialAttention(width, heads, groups, eps, scale)

    attention = make_attention if config.mid_attends else None
    return UNetMidBlock2D(width, 1, replace(resnet, output_scale=scale), attention)


def _up_blocks(config: UNet2DConfig, resnet: ResnetOptions) -> nn.ModuleList:
    blocks = nn.ModuleList()
    in_channels = config.levels[-1].channels
    # Below each level's own outputs lies what it was given itself: the level above's, or conv_in's.
    givers = (config.levels[0], *config.levels[:-1])
    for level, giver in zip(reversed(config.levels), reversed(givers), strict=True):
        width, last = level.channels, level is config.levels[0]
        skips = [width] * config.layers_per_block + [giver.channels]
        attention = _attention(config, level, level.up)
        match level.up.resampling:
            case "skip":
                block = SkipUpBlock2D(in_channels, width, skips, resnet, attention, not last)
            case "resnet":
                up = None if last else UpsamplingResnet(width, width, resnet)
                block = UpBlock2D(in_channels, width, skips, resnet, attention, up)
            case "conv":
                up = None if last else Upsample2D(width)
                block = UpBlock2D(in_channels, width, skips, resnet, attention, up)
        blocks.append(block)
        in_channels = width
    return blocks


def _attention(config: UNet2DConfig, level: UNet2DLevel, kind: BlockKind) -> MakeAttention | None:
    if not kind.attends:
        return None
    width, heads, eps = level.channels, level.heads, config.norm_eps
    if kind.resampling == "skip":
        groups, scale = SKIP_ATTENTION_GROUPS, OUTPUT_SCALE
    else:
        groups, scale = config.norm_num_groups, 1.0
    return lambda _layer: SpatialAttention(width, heads, groups, eps, scale)
