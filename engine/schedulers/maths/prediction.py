"""What a network predicts, and how to get the image or the noise from it. Used by every scheduler.

A sample is x = alpha x_0 + sigma eps. Networks predict eps, x_0, the velocity
v = alpha eps - sigma x_0 (arXiv:2202.00512), or, where alpha is 1 - sigma, the flow eps - x_0
(arXiv:2210.02747); each is linear in x, so that two weights turn it into x_0 or eps, and no
scheduler needs to ask what the network predicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.schedulers.options import ClipOptions, Options, PredictionType, ThresholdOptions

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Level:
    """How much image and how much noise a sample holds: x = alpha x_0 + sigma eps.

    alpha² + sigma² is 1 for variance-preserving schedulers; alpha is 1 in those that keep the
    image's scale, where the network sees x / sqrt(1 + sigma²).
    """

    alpha: float
    sigma: float

    @property
    def norm(self) -> float:
        """The standard deviation of a sample whose image has 1."""
        return math.hypot(self.alpha, self.sigma)

    @property
    def log_snr(self) -> float:
        """lambda = log(alpha / sigma), half the logarithm of the signal-to-noise ratio."""
        return math.log(self.alpha / self.sigma) if self.sigma > 0 else math.inf

    @classmethod
    def of_alpha_bar(cls, alpha_bar: float) -> Level:
        """The variance-preserving level with that share of signal."""
        return cls(math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar))

    @classmethod
    def of_sigma(cls, sigma: float) -> Level:
        """The variance-preserving level with that noise for an image of scale 1."""
        norm = math.hypot(1, sigma)
        return cls(1 / norm, sigma / norm)


def x0_weights(kind: PredictionType, level: Level) -> tuple[float, float]:
    """(a, b) such that x_0 = a x + b output."""
    alpha, sigma, norm = level.alpha, level.sigma, level.norm
    match kind:
        case "epsilon":
            return 1 / alpha, -sigma / alpha
        case "v_prediction":
            return alpha / norm**2, -sigma / norm
        case "flow_prediction":
            return 1.0, -sigma
        case "sample":
            return 0.0, 1.0


def eps_weights(kind: PredictionType, level: Level) -> tuple[float, float]:
    """(a, b) such that eps = a x + b output."""
    alpha, sigma, norm = level.alpha, level.sigma, level.norm
    match kind:
        case "epsilon":
            return 0.0, 1.0
        case "v_prediction":
            return sigma / norm**2, alpha / norm
        case "flow_prediction":
            return 1.0, alpha
        case "sample":
            return 1 / sigma, -alpha / sigma


def weighted_sum(terms: Iterable[tuple[float, Tensor]]) -> Tensor:
    """The sum of weight times tensor, always a new tensor. A weight of 0 leaves its tensor out,
    however large that is."""
    terms = list(terms)
    (weight, tensor), *rest = [term for term in terms if term[0] != 0] or terms[:1]
    if weight == 1 and rest:  # one pass less over the memory, which is what a step costs
        (second, other), *rest = rest
        total = tensor.add(other, alpha=second)
    else:
        total = tensor * weight
    for weight, tensor in rest:
        total.add_(tensor, alpha=weight)
    return total


def limited(x0: Tensor, options: Options) -> Tensor:
    """x_0 within the values that an image can have, where the options ask for it."""
    if isinstance(options, ThresholdOptions) and options.thresholding:
        return threshold(x0, options)
    if isinstance(options, ClipOptions) and options.clip_sample:
        return x0.clamp(-options.clip_sample_range, options.clip_sample_range)
    return x0


def threshold(x0: Tensor, options: ThresholdOptions) -> Tensor:
    """Dynamic thresholding (arXiv:2205.11487, section 2.3): each image is cut at a quantile s of
    its absolute values, 1 <= s <= sample_max_value, and divided by s."""
    s = x0.flatten(1).abs().quantile(options.dynamic_thresholding_ratio, dim=1)
    s = s.clamp(1, options.sample_max_value).view(-1, *[1] * (x0.ndim - 1))
    return x0.clamp(-s, s) / s
