"""A compiled network: the plain one's pictures, abandoned as soon, kept on disk; and without a
compiler the plain network itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import engine
from engine import Request
from engine.networks.poll import no_poll
from engine.pipelines.pipeline import Call, Half, Pipeline
from engine.request.conditions import conditions

REQUEST = Request("a red apple, 3d", width=64, height=64, steps=2, guidance_scale=5.0, seed=3)
LATENTS = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))
IN_A_PROCESS_OF_ITS_OWN = """
import sys
from pathlib import Path
import numpy as np
import engine

folder, cache, out = sys.argv[1:]
pipeline = engine.load(folder, device="cpu", dtype="float32", cache=Path(cache), compiled=True)
request = engine.Request(
    "a red apple, 3d", width=64, height=64, steps=2, guidance_scale=5.0, seed=3
)
*_, finished = engine.generate(pipeline, request)
np.save(out, finished.timeline.at(1).latents.numpy())
print(*finished.record.notes)
"""

needs_compiler = pytest.mark.skipif(
    not shutil.which(os.environ.get("CXX", "g++")), reason="no C++ compiler is installed here"
)


def in_a_process(folder: Path, cache: Path, **environment: str) -> tuple[str, np.ndarray]:
    """The record's notes, and the latents at the end."""
    out = cache.parent / "latents.npy"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TORCHINDUCTOR")}
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, folder, cache, out],
        env=inherited | environment,
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip(), np.load(out)


def latents(pipeline: Pipeline) -> np.ndarray:
    *_, finished = engine.generate(pipeline, REQUEST)
    assert finished.record.notes == ()
    return finished.timeline.at(1).latents.numpy()


def libraries(cache: Path) -> dict[Path, int]:
    """What was compiled for a CPU, and when."""
    return {path: path.stat().st_mtime_ns for path in (cache / "compiled").rglob("*.so")}


class Abandoned(Exception):
    pass


@needs_compiler
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_compiled_network_is_the_plain_one_but_for_rounding_and_is_kept_on_disk(
    tiny_folder, tiny_pipeline, tmp_path
):
    plain = latents(tiny_pipeline)
    cache = tmp_path / "cache"
    notes, compiled = in_a_process(tiny_folder, cache)
    assert notes == "compiled"
    difference = np.linalg.norm(compiled - plain) / np.linalg.norm(plain)
    assert difference < 1e-5

    built = libraries(cache)
    assert built
    notes, again = in_a_process(tiny_folder, cache)
    assert notes == "compiled"
    assert libraries(cache) == built
    assert np.array_equal(again, compiled)


@needs_compiler
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_compiled_network_is_abandoned_between_its_parts(
    tiny_folder, tiny_pipeline, tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    compiled = engine.load(tiny_folder, device="cpu", dtype="float32", compiled=True)
    told = tiny_pipeline.conditioner.encode(conditions(REQUEST, 0, 2), (Half.CONDITIONAL,))
    polls = 0

    def count(limit: float = float("inf")) -> None:
        nonlocal polls
        polls += 1
        if polls == limit:
            raise Abandoned

    def predict(pipeline, poll=no_poll):
        with torch.no_grad():
            return pipeline.denoiser(LATENTS, 500.0, told, Call(poll))[0]

    expected = predict(tiny_pipeline, count)
    of_the_plain, polls = polls, 0
    torch.testing.assert_close(predict(compiled, count), expected, rtol=1e-4, atol=1e-5)
    assert polls >= of_the_plain / 2

    polls = 0
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    with pytest.raises(Abandoned):
        predict(compiled, lambda: count(7))
    assert polls == 7
    torch.testing.assert_close(predict(compiled), expected, rtol=1e-4, atol=1e-5)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == graphs  # none for a poll


def test_without_a_compiler_the_plain_network_runs_and_the_record_says_so(
    tiny_folder, tiny_pipeline, tmp_path
):
    plain = latents(tiny_pipeline)
    notes, fallen_back = in_a_process(tiny_folder, tmp_path / "cache", CXX="no-such-compiler")
    assert notes == "not compiled: no C++ compiler was found"
    assert np.array_equal(fallen_back, plain)
