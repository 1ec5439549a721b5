"""The text encoder on its own: what its config.json may say, and what loading it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.networks import CLIPTextModel
from engine.networks.text.clip_text_config import CLIPTextConfig
from tests import tiny

ROOT = Path(__file__).parents[3]
REFUSED: tuple[tuple[str, Any], ...] = (
    ("hidden_act", "snake"),
    ("hidden_act", None),
    ("hidden_size", "wide"),
    ("hidden_size", 0),
    ("hidden_size", 768.0),
    ("num_attention_heads", 7),
    ("num_hidden_layers", True),
    ("max_position_embeddings", -77),
    ("intermediate_size", [2048]),
    ("vocab_size", "49408"),
    ("layer_norm_eps", 0.0),
    ("layer_norm_eps", float("nan")),
    ("eos_token_id", -1),
    ("eos_token_id", [49407]),
    ("eos_token_id", None),
    ("projection_dim", 0),
)


@pytest.mark.parametrize(("key", "value"), REFUSED)
def test_a_text_encoder_names_what_it_cannot_do(key, value):
    with pytest.raises(ConfigError) as caught:
        CLIPTextConfig.from_dict({key: value}, projects=True)
    message = str(caught.value)
    assert message.startswith(f"CLIPTextModel: {key!r} is ")
    assert repr(value) in message
    assert "\n" not in message


def test_the_projection_is_not_looked_at_where_there_is_none():
    config = CLIPTextConfig.from_dict({"projection_dim": None}, projects=False)
    assert config.projection_dim == 0
    with pytest.raises(ConfigError, match="projection_dim"):
        CLIPTextConfig.from_dict({"projection_dim": None}, projects=True)


def test_settings_of_other_networks_are_passed_over():
    """transformers has written them all in its time."""
    others = {
        "architectures": ["CLIPTextModel"],
        "attention_dropout": 0.1,
        "dropout": 0.1,
        "id2label": {"0": "LABEL_0"},
        "initializer_factor": 1.0,
        "length_penalty": 1.0,
        "model_type": "clip_text_model",
        "return_dict": True,
        "torch_dtype": "float16",
        "transformers_version": "4.21.0.dev0",
    }
    assert CLIPTextConfig.from_dict(others, False) == CLIPTextConfig.from_dict({}, False)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(sorted(CLIPTextConfig.__dataclass_fields__)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        ),
    ),
    st.booleans(),
)
def test_any_config_is_read_or_refused(config, projects):
    config = json.loads(json.dumps(config))
    try:
        read = CLIPTextConfig.from_dict(config, projects)
    except ConfigError as error:
        assert "\n" not in str(error)
    else:
        assert read.hidden_size % read.num_attention_heads == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays_half(dtype):
    config = {"vocab_size": 9, "hidden_size": 16, "num_hidden_layers": 2, "eos_token_id": 8}
    encoder = CLIPTextModel(config, projects=True).to(dtype)
    encoded = encoder(torch.tensor([[1, 3, 8]]), layer=2)
    assert encoded.hidden.shape == (1, 3, 16)
    assert encoded.pooled is not None
    assert encoded.pooled.shape == (1, 512)
    assert encoded.hidden.dtype == encoded.pooled.dtype == dtype


COSTLY = ("torch._dynamo", "sympy", "torch.distributed.tensor", "transformers.modeling_utils")
"""What takes seconds to import, and is not needed for a picture."""


def test_no_picture_waits_for_a_compiler_or_for_the_networks_of_transformers():
    code = (
        "import engine, sys\n"
        f"pipeline = engine.load({str(tiny.BUNDLED)!r}, device='cpu', dtype='float32')\n"
        "request = engine.Request('an owl', steps=1, width=32, height=32)\n"
        "assert list(engine.generate(pipeline, request))\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert "transformers.models.clip.tokenization_clip" in imported  # or this test sees nothing
    assert not imported & set(COSTLY)
