"""The dtype that is taken on a CPU, and the memory that the C library keeps for its networks."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from engine.hardware import device
from engine.hardware.device import pick_dtype
from engine.hardware.tuning import Tuner
from engine.networks import AutoencoderKL
from engine.networks.layers.convolution import Conv3x3
from engine.pipelines import latent_decoder
from engine.pipelines.latent_decoder import LatentDecoder
from engine.pipelines.pace import Pace

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[3]

KEPT = """
import resource
import torch
from engine.hardware.memory import free_cache, keep_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.zeros(2**24)  # 64 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

usual = faults()
keep_memory()
torch.zeros(2**24)
kept = faults()
before = resident()
free_cache(torch.device("cpu"))
print(usual, kept, before - resident())
"""

CONFIG = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "block_out_channels": [32, 64, 128, 128],
    "norm_num_groups": 32,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}

DECODED = (
    f"CONFIG = {CONFIG}"
    + """
from functools import partial
import torch
from engine.hardware.memory import keep_memory
from engine.networks import AutoencoderKL
from engine.networks.layers.convolution import tune
from engine.pipelines.pace import Pace
from engine.pipelines.latent_decoder import LatentDecoder
from engine.hardware.tuning import Tuner

class Decided(Tuner):  # whatever else the machine does: ways differ in what they take, too
    now = 0.0

    def run(self, work, ways):
        def timed(name):
            self.now += name not in ("tiles of 4", "tiles of 2")
            return ways[name]()

        return super().run(work, {name: partial(timed, name) for name in ways})

def amount(name):
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(name))

keep_memory()
torch.set_num_threads(1)
cpu = torch.device("cpu")
vae = AutoencoderKL(CONFIG).eval().requires_grad_(False)
tuner = Decided(clock=lambda: tuner.now)
tune(vae, cpu, tuner)
decoder = LatentDecoder(vae, torch.float32, cpu, Pace())

# Unlike ru_maxrss, VmHWM does not begin with that of the process that started this one; what of the
# libraries was used for the first time is not of the decode.
peak, libraries = amount("VmHWM"), amount("RssFile")
with torch.inference_mode():
    decoder.decode(torch.randn(1, 4, 64, 64))
taken = amount("VmHWM") - peak - (amount("RssFile") - libraries)
print(taken / (4 * 64 * 512 * 512))
"""
)


@pytest.fixture
def worked(monkeypatch):
    """The dtypes that were tried on a CPU that multiplies bfloat16, on a clock of their own."""
    seconds = {torch.float32: 1.0, torch.bfloat16: 2.0}
    clock = [0.0]
    tried: list[torch.dtype] = []

    def work_in(dtype):
        def work():
            tried.append(dtype)
            clock[0] += seconds[dtype]

        return work

    monkeypatch.setattr(device, "_cpu_multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(device, "_work_in", work_in)
    monkeypatch.setattr(device, "CLOCK", lambda: clock[0])
    return seconds, tried


def test_the_quicker_dtype_is_taken_and_known_again(worked, tmp_path):
    seconds, tried = worked
    assert pick_dtype("auto", CPU, Tuner(tmp_path)) == torch.float32
    assert set(tried) == {torch.float32, torch.bfloat16}
    tried.clear()
    seconds[torch.bfloat16] = 0.5
    assert pick_dtype("auto", CPU, Tuner(tmp_path)) == torch.float32
    assert tried == []
    assert pick_dtype("auto", CPU, Tuner()) == torch.bfloat16


def test_what_is_asked_for_is_not_measured(worked):
    _, tried = worked
    assert pick_dtype("bfloat16", CPU, Tuner()) == torch.bfloat16
    assert pick_dtype(torch.float16, CPU, Tuner()) == torch.float16
    assert tried == []


def test_a_processor_without_bfloat16_calculates_in_float32(monkeypatch):
    monkeypatch.setattr(device, "_cpu_multiplies_bfloat16", lambda: False)
    monkeypatch.setattr(device, "_work_in", pytest.fail)
    assert pick_dtype("auto", CPU) == torch.float32


def test_the_work_that_is_timed_can_be_done_in_both():
    for dtype in (torch.float32, torch.bfloat16):
        device._work_in(dtype)()


@pytest.mark.skipif(sys.platform != "linux", reason="only the GNU C library can be told")
def test_freed_memory_is_kept_until_it_is_given_back():
    done = subprocess.run(
        [sys.executable, "-c", KEPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    usual, kept, given_back = map(int, done.stdout.split())
    assert kept < usual / 10
    assert given_back > 50 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="only the GNU C library can be told")
def test_a_decode_takes_little_more_than_its_largest_layer_needs():
    """In multiples of its widest tensor: in, normed, half of it out, and what one way of
    convolution works with. Where the process happens to lie in memory only adds, up to a half: the
    least of three."""
    found = []
    while not found or (len(found) < 3 and not 2 < min(found) < 4.0):
        done = subprocess.run(
            [sys.executable, "-c", DECODED], cwd=ROOT, capture_output=True, text=True, check=True
        )
        found.append(float(done.stdout))
    assert 2 < min(found) < 4.0


def test_what_a_block_of_a_large_decode_left_in_memory_is_given_back_before_the_next(monkeypatch):
    """Else it is full of holes, and the peak of the test above is 0.2 to 0.7 higher, most times."""
    vae = AutoencoderKL(CONFIG).eval()
    pixels = (2 * vae.factor) ** 2
    done: list[str] = []
    for layer in vae.decoder.up_blocks.modules():
        if isinstance(layer, Conv3x3):
            layer.register_forward_hook(lambda *_: done.append("filtered"))
    monkeypatch.setattr(latent_decoder, "free_cache", lambda _: done.append("given back"))
    monkeypatch.setattr(latent_decoder, "MANY", pixels)
    decoder = LatentDecoder(vae, torch.float32, CPU, Pace())
    decoder.decode(torch.zeros(1, 4, 2, 2))
    assert done.count("filtered") > 4
    assert ("filtered", "filtered") not in pairwise(done)
    done.clear()
    monkeypatch.setattr(latent_decoder, "MANY", pixels + 1)  # a small one would only wait
    decoder.decode(torch.zeros(1, 4, 2, 2))
    assert "given back" not in done
