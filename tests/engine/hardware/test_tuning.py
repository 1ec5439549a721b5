"""Tuner: what is the quickest is taken, and known again; what the tuned networks make of it."""

from __future__ import annotations

import json
import os

import torch
import torch.nn.functional as F

from engine.hardware import memory
from engine.hardware.tuning import FILE, TRIALS, Tuner
from engine.networks.layers import convolution, tuned
from engine.networks.layers.convolution import Conv3x3, tune


class Ways:
    """Ways that take their seconds on a scripted clock."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = seconds
        self.now = 0.0
        self.done: list[str] = []

    def clock(self) -> float:
        return self.now

    def all(self):
        return {name: lambda name=name: self._do(name) for name in self.seconds}

    def _do(self, name: str) -> str:
        self.done.append(name)
        self.now += self.seconds[name]
        return name


def test_the_quickest_is_found_once_for_each_work(tmp_path):
    ways = Ways(direct=2.0, tiles=1.0, phases=3.0)
    tuner = Tuner(tmp_path, ways.clock)
    assert tuner.run("a convolution", ways.all()) == "tiles"
    assert sorted(set(ways.done)) == ["direct", "phases", "tiles"]
    ways.done.clear()
    assert tuner.run("a convolution", ways.all()) == "tiles"
    assert ways.done == ["tiles"]
    ways.seconds["direct"] = 0.5
    assert tuner.run("another", ways.all()) == "direct"


def test_a_busy_moment_does_not_count():
    ways = Ways(direct=1.0, tiles=0.9)
    busy = iter([0.0, 0.0, 5.0])  # the first trial of the second way meets it
    tuner = Tuner(clock=lambda: ways.now + next(busy, 5.0))
    assert tuner.run("a convolution", ways.all()) == "tiles"


def test_what_a_trial_left_in_memory_is_given_back_before_the_next(monkeypatch):
    ways = Ways(direct=2.0, tiles=1.0)
    monkeypatch.setattr(memory, "free_cache", lambda _: ways.done.append("given back"))
    Tuner(clock=ways.clock).run("a convolution", ways.all())
    assert ways.done == ["given back", "direct", "given back", "tiles"] * TRIALS


def test_what_was_found_is_kept_for_this_machine_alone(tmp_path):
    ways = Ways(direct=2.0, tiles=1.0)
    Tuner(tmp_path, ways.clock).run("a convolution", ways.all())
    ways.done.clear()
    assert Tuner(tmp_path, ways.clock).run("a convolution", ways.all()) == "tiles"
    assert ways.done == ["tiles"]

    path = tmp_path / FILE
    kept = json.loads(path.read_text())
    for text in (
        json.dumps(kept | {"machine": "another"}),
        "{",
        "[]",
        "[" * 100_000,
        '{"ways": 3}',
        "",
    ):
        path.write_text(text)
        ways.done.clear()
        assert Tuner(tmp_path, ways.clock).run("a convolution", ways.all()) == "tiles"
        assert "direct" in ways.done
    if hasattr(os, "mkfifo"):  # which would be waited for
        path.unlink()
        os.mkfifo(path)
        assert Tuner(tmp_path, ways.clock).run("a convolution", ways.all()) == "tiles"


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path):
    (tmp_path / "file").write_text("")
    ways = Ways(direct=2.0, tiles=1.0)
    assert Tuner(tmp_path / "file", ways.clock).run("a convolution", ways.all()) == "tiles"


def test_large_convolutions_are_tuned_and_come_out_alike(monkeypatch):
    monkeypatch.setattr(tuned, "LARGE", 1)
    monkeypatch.setattr(convolution, "WIDE", 1)
    torch.manual_seed(0)
    layer = Conv3x3(8, 8).requires_grad_(False)
    sample = torch.randn(1, 8, 12, 12, generator=torch.Generator().manual_seed(0))
    plain = layer(sample)
    doubled = layer.doubled(sample, (24, 24))
    for name in ("direct", "tiles of 4", "tiles of 6", "tiles of 2"):
        tune(layer, torch.device("cpu"), _always(name))
        assert torch.allclose(layer(sample), plain, atol=1e-4)
        assert torch.allclose(layer.doubled(sample, (24, 24)), doubled, atol=1e-4)
        # An odd size has no other way.
        odd = F.conv2d(F.interpolate(sample, size=(23, 24)), layer.weight, layer.bias, padding=1)
        assert torch.equal(layer.doubled(sample, (23, 24)), odd)


def test_a_large_doubling_in_bfloat16_comes_out_alike(monkeypatch):
    monkeypatch.setattr(tuned, "LARGE", 1)
    monkeypatch.setattr(convolution, "WIDE", 1)
    torch.manual_seed(0)
    layer = Conv3x3(8, 8).bfloat16().requires_grad_(False)
    sample = torch.randn(1, 8, 12, 12, generator=torch.Generator().manual_seed(0)).bfloat16()
    plain = layer.doubled(sample, (24, 24))
    tune(layer, torch.device("cpu"), _always("transposed"))
    for _ in range(2):  # the second time with the sums of the first
        assert torch.allclose(layer.doubled(sample, (24, 24)), plain, atol=0.03)
    assert layer._sums is not None


def test_a_small_model_is_left_alone(bundled):
    """So that it gives the same bits on every machine."""
    unet = bundled.unet
    layers = [module for module in unet.modules() if isinstance(module, Conv3x3)]
    assert layers and all(layer.tuner is not None for layer in layers)
    found = [work for layer in layers for work in layer.tuner._chosen]
    assert not [work for work in found if "convolution" in work]


def _always(name: str) -> Tuner:
    class Always(Tuner):
        def run(self, work, ways):
            return ways.get(name, ways["direct"])()

    return Always()
