"""Previews: right in size and range, close to the real decode, honest about what is not there."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import engine
from engine.pipelines.pace import SHARE, Pace, PreviewBudget
from engine.pipelines.previews.latent_preview import LatentPreview
from engine.pipelines.previews.linear_map import ENOUGH, LinearMap


class Clock:
    """Stands in for the module time: passes only where a test says so."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now

    def taking(self, seconds: float, call: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*values: Any, **named: Any) -> Any:
            self.now += seconds
            return call(*values, **named)

        return slow


@pytest.fixture(scope="module")
def finished(bundled):
    own = replace(bundled.default_request, prompt="a red apple, 3d", steps=8, seed=1)
    *_, last = engine.generate(bundled, own)
    return last


def test_the_vae_preview_of_the_last_latents_is_the_image(bundled, finished):
    picture = engine.preview(bundled, finished.timeline[-1].latents, kind="vae")
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, np.asarray(finished.images[0]))


def test_the_linear_preview_resembles_the_image_at_the_latents_size(bundled, finished, monkeypatch):
    """From the start, whatever other runs have taught it."""
    monkeypatch.setattr(bundled, "_preview", as_loaded(bundled))
    small = engine.preview(bundled, finished.timeline[-1].latents, kind="linear")
    assert small.shape == (16, 16, 3)
    target = np.asarray(finished.images[0].resize((16, 16), Image.Resampling.BOX), np.float64)
    spread = target.std()
    error = np.sqrt(((small - target) ** 2).mean())
    assert error < 0.5 * spread
    for channel in range(3):
        assert np.corrcoef(small[..., channel].ravel(), target[..., channel].ravel())[0, 1] > 0.8


def test_the_first_latents_that_are_decoded_tell_the_channels_apart(bundled):
    shown = []

    def decode(latents, poll):
        shown.append(latents)
        return bundled._decoder.decode(latents, poll)

    preview = LatentPreview("", bundled.vae, decode, Pace(), bundled.device)
    preview.pictures(torch.zeros(1, 4, 16, 16), "linear")
    assert torch.allclose(torch.cov(shown[0][0].flatten(1)), torch.eye(4), atol=0.01)


def test_a_batch_becomes_one_grid(bundled, finished):
    latents = finished.timeline[-1].latents
    grid = engine.preview(bundled, latents.repeat(3, 1, 1, 1), kind="linear")
    one = engine.preview(bundled, latents[0], kind="linear")
    assert grid.shape == (32, 32, 3)
    assert np.array_equal(grid[:16, :16], one)
    assert np.array_equal(grid[16:, :16], one)
    assert not grid[16:, 16:].any()


def test_auto_takes_what_the_measured_pace_allows(bundled, finished, monkeypatch):
    latents = finished.timeline[-1].latents
    monkeypatch.setattr(bundled.pace, "evaluation", 0.1)
    monkeypatch.setattr(bundled.pace, "decode_per_element", 1e-9)
    assert engine.preview(bundled, latents).shape == (128, 128, 3)
    monkeypatch.setattr(bundled.pace, "decode_per_element", 1.0)
    monkeypatch.setattr(bundled.pace, "tiny_per_element", 1e-9)
    assert engine.previewed(bundled, latents).kind == "tiny"
    monkeypatch.setattr(bundled.pace, "tiny_per_element", 1.0)
    assert engine.preview(bundled, latents).shape == (16, 16, 3)


@pytest.mark.parametrize("kind", ["tiny", "no such kind"])
def test_a_kind_that_is_not_there_is_an_error(tiny_pipeline, kind):
    with pytest.raises(engine.EngineError, match="vae"):
        engine.preview(tiny_pipeline, torch.zeros(4, 8, 8), kind=kind)


def test_the_bundled_tiny_autoencoder_comes_close_to_the_vae(bundled, finished):
    """And closer, over some runs, than the linear map, for their first guesses as for their ends.
    The first guess of the red apple is as far from any picture as they come."""
    runs = [finished]
    for seed, prompt in enumerate(("a cat, 3d", "3d render of rocket"), start=2):
        own = replace(bundled.default_request, prompt=prompt, steps=8, seed=seed)
        *_, last = engine.generate(bundled, own)
        runs.append(last)
    for place, decibel in ((0, 18), (-1, 27)):
        off, off_linear = [], []
        for run in runs:
            denoised = run.timeline[place].denoised
            wanted = engine.preview(bundled, denoised, "vae").astype(float)
            tiny = engine.preview(bundled, denoised, "tiny").astype(float)
            linear = engine.preview(bundled, denoised, "linear").astype(float)
            assert tiny.shape == wanted.shape
            off.append(np.square(tiny - wanted).mean())
            linear = linear.repeat(8, axis=0).repeat(8, axis=1)
            off_linear.append(np.square(linear - wanted).mean())
            assert 10 * np.log10(255**2 / off[-1]) > decibel
        assert sum(off) < sum(off_linear) / 2


def test_a_damaged_tiny_autoencoder_of_a_models_own_is_named(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "whole")
    (folder / "tiny").mkdir()
    (folder / "tiny" / "config.json").write_text("{")
    with pytest.raises(engine.EngineError, match=r"tiny.config\.json"):
        engine.load(folder)


class TestBudget:
    def test_previews_of_a_run_take_their_share_and_no_more(self):
        """On a clock of its own: a picture costs a third of a step."""
        budget, pictures, seconds = PreviewBudget(), [], 0.0
        budget.begin_run()
        for step in range(1, 101):
            budget.earn(0.03)
            seconds += 0.03
            assert budget.left is not None
            if budget.left >= 0.0099:
                budget.spend(0.0099)
                pictures.append(step)
            assert 0.0099 * len(pictures) <= SHARE * seconds
        assert len(pictures) == 15
        assert max(after - before for before, after in pairwise(pictures)) == 7
        budget.end_run()
        assert budget.left is None

    def test_what_is_left_over_ends_with_the_run_and_what_is_owed_does_not(self):
        budget = PreviewBudget()
        budget.begin_run()
        budget.earn(100.0)
        budget.end_run()
        budget.spend(50.0)  # no run has lost it
        budget.begin_run()
        assert budget.left == 0.0
        budget.spend(1.0)
        budget.end_run()
        budget.begin_run()
        assert budget.left == -1.0

    @pytest.mark.parametrize(
        ("tiny", "expected"),
        [(None, (["linear"] * 3 + ["vae"]) * 5), (0.045, ["tiny"] * 20), (0.06, None)],
    )
    def test_a_run_has_as_many_full_pictures_as_it_can_afford(
        self, bundled, monkeypatch, tiny, expected
    ):
        """As the window and a library ask for them: every preview of a run on the real model, the
        linear ones too, within 5 % of the time of its evaluations. tiny: what the tiny autoencoder
        takes of a step; None for a model without one."""
        clock = Clock()
        for module in (
            "hardware.transfers",
            "pipelines.previews.latent_preview",
            "pipelines.latent_decoder",
        ):
            monkeypatch.setattr(sys.modules[f"engine.{module}"], "time", clock)
        monkeypatch.setattr(bundled, "pace", Pace())
        monkeypatch.setattr(bundled._preview, "_pace", bundled.pace)
        monkeypatch.setattr(bundled._decoder, "_pace", bundled.pace)
        monkeypatch.setattr(bundled.unet, "forward", clock.taking(1.0, bundled.unet.forward))
        monkeypatch.setattr(bundled.vae, "decode", clock.taking(0.195, bundled.vae.decode))
        engine.preview(bundled, torch.zeros(4, 16, 16))
        if tiny is None:
            monkeypatch.setattr(bundled._preview, "_tiny", None)
        else:
            own = bundled._preview._tiny
            monkeypatch.setattr(own, "decode", clock.taking(tiny, own.decode))
            engine.preview(bundled, torch.zeros(4, 16, 16), "tiny")  # what it costs is known
        kinds, seconds, spent = [], 0.0, 0.0
        for event in engine.generate(bundled, engine.Request("an owl", steps=20)):
            if isinstance(event, engine.Step):
                seconds += event.seconds
                begun = clock.now
                kinds.append(engine.previewed(bundled, event.snapshot.denoised).kind)
                spent += clock.now - begun
        assert kinds == expected if expected else {"tiny", "linear"} == set(kinds)
        assert spent <= SHARE * seconds


RUNS = (
    *("a red apple, 3d", "an owl on a purple background", "a rocket, flat style"),
    *("a yellow star, 3d", "a hamburger on a black background", "a cat on a green background"),
)
HELD_OUT = ("a blue heart, 3d", "a green apple on a navy background")


@pytest.fixture(scope="module")
def runs(bundled):
    """By prompt: the denoised latents of some steps and what they are in full."""
    made = {}
    for prompt in (*RUNS, *HELD_OUT):
        own = replace(bundled.default_request, prompt=prompt, steps=4, seed=3)
        *_, last = engine.generate(bundled, own)
        latents = [last.timeline[step].denoised[0] for step in (1, 3)]
        made[prompt] = [(one, engine.preview(bundled, one, "vae")) for one in latents]
    return made


def as_loaded(pipeline):
    """Its previews before anything was run."""
    decode = pipeline._decoder.decode
    return LatentPreview("", pipeline.vae, decode, pipeline.pace, pipeline.device)


class TestLearning:
    @pytest.fixture
    def preview(self, bundled):
        return as_loaded(bundled)

    def teach(self, preview, runs):
        for prompt in RUNS:
            for latents, picture in runs[prompt]:
                preview.learn(latents[None], (picture,))

    def error(self, preview, runs) -> float:
        """Root of the mean square of what is wrong with held-out pictures, of 255."""
        squares = []
        for prompt in HELD_OUT:
            for latents, picture in runs[prompt]:
                (made,) = preview.pictures(latents[None], "linear").pictures
                target = picture.reshape(16, 8, 16, 8, 3).mean(axis=(1, 3))
                squares.append(((made - target) ** 2).mean())
        return float(np.sqrt(np.mean(squares)))

    def test_what_runs_decode_makes_no_worse_map_than_clouds(self, preview, runs):
        clouds = self.error(preview, runs)
        self.teach(preview, runs)
        learned = self.error(preview, runs)
        print(f"of 255: clouds {clouds:.1f}, learned {learned:.1f}")
        assert learned <= 1.02 * clouds

    def test_what_runs_decode_is_learned_where_clouds_are_wrong(self):
        """Latents of runs that become other colours than clouds of noise do."""
        drawn = torch.Generator().manual_seed(0)
        known = LinearMap(4)

        def picture(latents, weight):
            colours = torch.einsum("chw,cr->hwr", latents, weight).clamp(-1, 1)
            return ((colours + 1) * 127.5).byte().numpy()

        usual, real = (0.3 * torch.randn(4, 3, generator=drawn) for _ in range(2))
        clouds = torch.randn(4, 16, 16, generator=drawn)
        known.guess(clouds, picture(clouds, usual), 2.0)
        shown = torch.randn(4, 16, 16, generator=drawn)
        before = np.abs(known.colours(shown).astype(float) - picture(shown, real)).mean()
        for _ in range(12):
            latents = torch.randn(4, 16, 16, generator=drawn)
            known.learn(latents, picture(latents, real))
        after = np.abs(known.colours(shown).astype(float) - picture(shown, real)).mean()
        assert after < 0.5 * before

    def test_a_finished_run_teaches_for_nothing(self, tiny_pipeline, monkeypatch):
        learning = as_loaded(tiny_pipeline)
        monkeypatch.setattr(tiny_pipeline.codec, "_preview", learning)
        list(engine.generate(tiny_pipeline, engine.Request("owl", steps=1, width=64, height=64)))
        assert learning._map.pictures == 1

    def test_what_was_learned_is_there_at_the_next_start(self, bundled, preview, runs, tmp_path):
        preview.keep(tmp_path / "new" / "folder")
        self.teach(preview, runs)
        again = as_loaded(bundled)
        again.keep(tmp_path / "new" / "folder")
        assert again._map.pictures == preview._map.pictures == 2 * len(RUNS)
        assert self.error(again, runs) == self.error(preview, runs)

    def test_another_vae_has_another_map(self, bundled, tiny_pipeline, tmp_path, runs):
        for pipeline in (bundled, tiny_pipeline):
            one = as_loaded(pipeline)
            one.keep(tmp_path)
            one.learn(torch.zeros(1, 4, 8, 8), (np.zeros((64, 64, 3), np.uint8),))
        assert len(list(tmp_path.iterdir())) == 2

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{",
            '{"pictures": 3, "gram": [[1]], "moments": [[1]]}',
            '{"pictures": 3, "gram": "no", "moments": []}',
            '{"pictures": 3, "gram": NaN, "moments": NaN}',
            "\x00\xff",
        ],
    )
    def test_a_damaged_file_is_passed_over(self, bundled, preview, runs, tmp_path, text):
        fresh = self.error(preview, runs)
        preview.keep(tmp_path)
        preview._path.write_text(text, encoding="latin-1")
        again = as_loaded(bundled)
        again.keep(tmp_path)
        assert self.error(again, runs) == fresh
        self.teach(again, runs)
        assert json.loads(again._path.read_text())["pictures"] == 2 * len(RUNS)

    def test_a_folder_that_cannot_be_written_is_no_error(self, preview, runs, tmp_path):
        (tmp_path / "file").touch()
        preview.keep(tmp_path / "file" / "folder")
        self.teach(preview, runs)
        assert preview._map.pictures == 2 * len(RUNS)

    def test_it_is_fitted_once(self, preview, runs):
        self.teach(preview, runs)
        (latents, picture), _ = runs[HELD_OUT[0]]
        preview.learn(latents.expand(ENOUGH, -1, -1, -1), (picture,) * ENOUGH)
        fitted = preview._map._solution
        preview.learn(-latents[None], (picture,))
        assert preview._map._solution is fitted
        assert preview._map.pictures == ENOUGH


def test_a_full_preview_can_be_given_up(bundled):
    def poll() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.previewed(bundled, torch.zeros(4, 16, 16), "vae", poll=poll)


def test_a_preview_says_how_it_was_made(bundled):
    latents = torch.zeros(4, 16, 16)
    for kind in ("vae", "linear"):
        assert engine.previewed(bundled, latents, kind).kind == kind
    assert engine.previewed(bundled, latents, seconds=1e9).kind == "vae"
    assert engine.previewed(bundled, latents, seconds=0.0).kind == "linear"
