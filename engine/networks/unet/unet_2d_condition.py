"""UNet2DConditionModel: predicts the noise in latents under a text (arXiv:2112.10752; with sizes
and pooled text, arXiv:2307.01952; distilled with guidance, arXiv:2310.04378). Loaded by
`engine.weights`, called once a step by the Stable Diffusion pipelines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from engine.networks.layers.activation import ACTIVATIONS, ACTIVATIONS_OVER
from engine.networks.layers.context import Context
from engine.networks.layers.embeddings import (
    TimestepEmbedding,
    guidance_embedding,
    one_for_each,
    sinusoidal_embedding,
)
from engine.networks.layers.resampling import Downsample2D, Upsample2D
from engine.networks.layers.resnet import ResnetOptions
from engine.networks.layers.transformer import Transformer2D, TransformerOptions
from engine.networks.poll import Poll, no_poll
from engine.networks.unet.deep_layers import DeepLayers
from engine.networks.unet.unet_2d_condition_config import PLAIN_MID_BLOCK, UNetConfig, UNetLevel
from engine.networks.unet.unet_blocks import (
    DownBlock2D,
    MakeAttention,
    Skips,
    UNetMidBlock2D,
    UpBlock2D,
)


@dataclass(frozen=True, eq=False)
class AddedConditions:
    """What SDXL wants to know besides the text (arXiv:2307.01952, section 2.2).

    pooled: (B, P), the text as one vector.
    sizes: (B, 6), height and width before cropping, top and left of the crop, height and width.
    """

    pooled: Tensor
    sizes: Tensor


class UNet2DConditionModel(nn.Module):
    """The UNet of Stable Diffusion 1, 2 and XL and of latent consistency models. Its parameters
    have the names of the diffusers folder format.

    config: the content of config.json. Raises ConfigError if it asks for what is not implemented.

    in_channels: channels of the latents, and of what it is to paint into, if it does that.
    out_channels: channels of the latents. cross_attention_dim: width of the text's hidden states.
    sample_size: side of the latents that it was trained at; 64 where config does not say.
    embeds_guidance: it was distilled with guidance, and is told the scale. embeds_classes: it is
    told classes. pooled_dim: width of the pooled text that it is told, or None.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = c = UNetConfig.from_dict(config)
        self.in_channels = c.in_channels
        self.out_channels = c.out_channels
        self.sample_size = c.sample_size
        self.cross_attention_dim = c.cross_attention_dim
        self.embeds_guidance = c.time_cond_proj_dim is not None
        self.embeds_classes = c.class_embed_type is not None or c.num_class_embeds is not None
        self.pooled_dim = c.pooled_dim

        first = c.levels[0].channels
        self.conv_in = nn.Conv2d(
            c.in_channels, first, c.conv_in_kernel, padding=c.conv_in_kernel // 2
        )
        self.time_embedding = TimestepEmbedding(
            first, c.time_embedding_dim, c.act_fn, c.timestep_post_act, c.time_cond_proj_dim
        )
        self.class_embedding = _class_embedding(c)
        self.add_embedding = _add_embedding(c)
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
        self.conv_norm_out = nn.GroupNorm(c.norm_num_groups, first, c.norm_eps)
        self.conv_out = nn.Conv2d(
            first, c.out_channels, c.conv_out_kernel, padding=c.conv_out_kernel // 2
        )

    @property
    def dtype(self) -> torch.dtype:
        return self.conv_in.weight.dtype

    def forward(
        self,
        sample: Tensor,
        timestep: float | Tensor,
        text: Tensor | Context,
        added: AddedConditions | None = None,
        poll: Poll = no_poll,
        *,
        labels: Tensor | None = None,
        guidance_scale: float | Tensor | None = None,
        layers: DeepLayers | None = None,
    ) -> Tensor:
        """The prediction (noise, v or x_0, as it was trained), (B, out_channels, h, w).

        sample: (B, in_channels, h, w), of this network's dtype, any h and w.
        timestep: one for all, or (B,); may lie between two of the training's.
        text: (B, N, cross_attention_dim) hidden states, or a Context of them, which is read once
            for all calls. One picture, (1, in_channels, h, w), under B texts gives B predictions;
            what does not depend on the text is done once.
        added: for networks with addition_embed_type "text_time"; others take none.
        poll: called between the layers; may raise to abandon the call.
        labels: for networks with classes: (B,) whole numbers, or noise levels for class_embed_type
            "timestep", or (B, projection_class_embeddings_input_dim) for "projection".
        guidance_scale: for networks that embed it: one for all, or (B,); 1 means none.
        layers: what to take over from an earlier call; of two halves the last is the text's own.
        """
        if self.config.center_input_sample:
            sample = 2 * sample - 1
        guidance = self._embedded_guidance(guidance_scale, sample)
        time = self._time(sample, timestep, guidance, added, labels)  # (B, time_embedding_dim)
        hidden = self.conv_in(sample)  # (B, first level's channels, h, w)
        skips = Skips([hidden])
        if layers is not None and layers.hidden is not None:
            known = layers.hidden[-len(text) :]
            hidden = self._last_block.last_layer(known, skips, time, text, poll)
        else:
            hidden = self._through_all(hidden, skips, time, text, poll)
            if layers is not None:
                layers.hidden = skips.before_last
        poll()
        hidden = ACTIVATIONS_OVER[self.config.act_fn](self.conv_norm_out(hidden))
        return self.conv_out(hidden).expand(len(text), -1, -1, -1)  # (B, out_channels, h, w)

    @property
    def _last_block(self) -> UpBlock2D:
        block = self.up_blocks[-1]
        assert isinstance(block, UpBlock2D)
        return block

    def _through_all(
        self, hidden: Tensor, skips: Skips, time: Tensor, text: Tensor | Context, poll: Poll
    ) -> Tensor:
        """Down, through the middle and up again: the shape of hidden, (B, C, h, w)."""
        for block in self.down_blocks:
            hidden = block(hidden, skips, time, text, poll)
        if self.mid_block is not None:
            hidden = self.mid_block(hidden, time, text, poll)
        for block in self.up_blocks:
            hidden = block(hidden, skips, time, text, poll)
        return hidden

    def _time(
        self,
        sample: Tensor,
        timestep: float | Tensor,
        guidance: Tensor | None,
        added: AddedConditions | None,
        labels: Tensor | None,
    ) -> Tensor:
        """The timestep and all else that holds for the whole picture, as one vector an image."""
        timesteps = one_for_each(timestep, sample)  # (B,)
        width = self.config.levels[0].channels
        time = self.time_embedding(self._waves(timesteps, width).to(sample.dtype), guidance)
        if self.class_embedding is not None:
            time = time + self._embedded_classes(labels, sample.dtype)
        if self.add_embedding is not None:
            time = time + self._embedded_additions(added, sample.dtype)
        if self.config.time_embedding_act_fn is not None:
            time = ACTIVATIONS[self.config.time_embedding_act_fn](time)
        return time

    def _embedded_guidance(self, scale: float | Tensor | None, sample: Tensor) -> Tensor | None:
        if self.config.time_cond_proj_dim is None:
            return None
        if scale is None:
            raise ValueError("This UNet was distilled with guidance: give guidance_scale.")
        scales = one_for_each(scale, sample)  # (B,)
        return guidance_embedding(scales, self.config.time_cond_proj_dim).to(sample.dtype)

    def _embedded_classes(self, labels: Tensor | None, dtype: torch.dtype) -> Tensor:
        assert self.class_embedding is not None
        if labels is None:
            raise ValueError("This UNet was trained with classes: give labels.")
        if self.config.class_embed_type == "timestep":
            labels = self._waves(labels, self.config.levels[0].channels)
        if self.config.class_embed_type is not None:
            labels = labels.to(dtype)
        return self.class_embedding(labels)

    def _embedded_additions(self, added: AddedConditions | None, dtype: torch.dtype) -> Tensor:
        assert self.add_embedding is not None and self.config.addition_time_embed_dim is not None
        if added is None:
            raise ValueError("This UNet was trained with pooled text and sizes: give added.")
        sizes = self._waves(added.sizes.flatten(), self.config.addition_time_embed_dim)  # (B 6, d)
        sizes = sizes.reshape(added.sizes.shape[0], -1)  # (B, 6 d)
        return self.add_embedding(torch.cat([added.pooled, sizes], dim=1).to(dtype))

    def _waves(self, values: Tensor, width: int) -> Tensor:
        config = self.config
        return sinusoidal_embedding(values, width, config.flip_sin_to_cos, config.freq_shift)


def _class_embedding(config: UNetConfig) -> nn.Module | None:
    out_features = config.time_embedding_dim
    if config.class_embed_type == "timestep":
        return TimestepEmbedding(config.levels[0].channels, out_features, config.act_fn)
    if config.class_embed_type == "projection":
        assert config.projection_class_embeddings_input_dim is not None
        return TimestepEmbedding(config.projection_class_embeddings_input_dim, out_features)
    if config.num_class_embeds is not None:
        return nn.Embedding(config.num_class_embeds, out_features)
    return None


def _add_embedding(config: UNetConfig) -> TimestepEmbedding | None:
    if config.addition_embed_type is None:
        return None
    assert config.projection_class_embeddings_input_dim is not None
    return TimestepEmbedding(
        config.projection_class_embeddings_input_dim, config.time_embedding_dim
    )


def _down_blocks(config: UNetConfig, resnet: ResnetOptions) -> nn.ModuleList:
    blocks = nn.ModuleList()
    in_channels = config.levels[0].channels
    for level in config.levels:
        is_last = level is config.levels[-1]
        blocks.append(
            DownBlock2D(
                in_channels,
                level.channels,
                level.layers,
                resnet,
                _transformers(config, level, level.down_depths),
                None if is_last else Downsample2D(level.channels, config.downsample_padding),
            )
        )
        in_channels = level.channels
    return blocks


def _mid_block(config: UNetConfig, resnet: ResnetOptions) -> UNetMidBlock2D | None:
    if config.mid_block_type is None:
        return None
    level = replace(config.levels[-1], only_cross_attention=False)
    resnet = replace(resnet, output_scale=config.mid_block_scale_factor)
    if config.mid_block_type == PLAIN_MID_BLOCK:
        return UNetMidBlock2D(level.channels, 0, resnet, None)
    transformers = _transformers(config, level, (config.mid_depth,))
    return UNetMidBlock2D(level.channels, 1, resnet, transformers)


def _up_blocks(config: UNetConfig, resnet: ResnetOptions) -> nn.ModuleList:
    blocks = nn.ModuleList()
    in_channels = config.levels[-1].channels
    # Below each level's own outputs lies what it was given itself: the level above's, or conv_in's.
    givers = (config.levels[0], *config.levels[:-1])
    for level, giver in zip(reversed(config.levels), reversed(givers), strict=True):
        is_last = level is config.levels[0]
        blocks.append(
            UpBlock2D(
                in_channels,
                level.channels,
                [level.channels] * level.layers + [giver.channels],
                resnet,
                _transformers(config, level, level.up_depths),
                None if is_last else Upsample2D(level.channels),
            )
        )
        in_channels = level.channels
    return blocks


def _transformers(
    config: UNetConfig, level: UNetLevel, depths: tuple[int, ...]
) -> MakeAttention | None:
    if not depths:
        return None
    options = TransformerOptions(
        heads=level.heads,
        context_channels=config.cross_attention_dim,
        groups=config.norm_num_groups,
        linear_projection=config.use_linear_projection,
        only_cross_attention=level.only_cross_attention,
    )
    return lambda layer: Transformer2D(level.channels, depths[layer], options)
