"""The stages of `python -m resources.training` on a handful of made-up pictures, in seconds."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import engine
from engine.run.preview import previewed
from resources.training import ddpm, evaluate, export, fetch, latents, likeness, pictures, tiny
from resources.training.__main__ import main
from resources.training.checkpoints import read
from resources.training.errors import TrainingError
from resources.training.loop import Plan, train
from tests.training.conftest import perceiving

FEW = latents.Counts(pictures=2, runs=0, noisy=2)


def package(folder: Path, **told: str) -> None:
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(told))


class TestFetch:
    def test_what_is_there_and_right_is_left_alone(self, tmp_path, capsys):
        for wanted in fetch.PACKAGES:
            folder = tmp_path / "packages" / wanted.folder
            package(folder, name=wanted.name, version=wanted.version, license=wanted.licence)
        fetch.fetch(tmp_path)
        assert capsys.readouterr().out.count("MIT") == 5

    @pytest.mark.parametrize(
        ("told", "part"),
        [({"license": "GPL-3.0"}, "licence 'GPL-3.0'"), ({"version": "9.9.9"}, "version '9.9.9'")],
    )
    def test_another_licence_or_version_is_refused(self, tmp_path, told, part):
        wanted = fetch.FLUENT_3D
        right = {"name": wanted.name, "version": wanted.version, "license": wanted.licence}
        package(tmp_path / "it", **right | told)
        with pytest.raises(TrainingError, match=part):
            fetch.check(wanted, tmp_path / "it")

    def test_a_licence_that_is_not_free_is_refused_though_it_is_pinned(self, tmp_path):
        wanted = replace(fetch.FLUENT_3D, licence="CC-BY-NC-4.0")
        package(tmp_path / "it", name=wanted.name, version=wanted.version, license=wanted.licence)
        with pytest.raises(TrainingError, match="only of what is under MIT or Apache"):
            fetch.check(wanted, tmp_path / "it")

    def test_the_metadata_of_a_wheel_are_read(self, tmp_path):
        wanted = fetch.Package(name="a", version="1", licence="MIT", registry="pypi")
        (tmp_path / "a-1.dist-info").mkdir()
        (tmp_path / "a-1.dist-info" / "METADATA").write_text(
            "Metadata-Version: 2.4\nName: a\nVersion: 1\nLicense-Expression: MIT\n\nWords.\n"
        )
        fetch.check(wanted, tmp_path)

    def test_a_wheel_that_names_no_licence_is_read_by_the_licence_itself(self, tmp_path):
        wanted = fetch.Package(name="a", version="1", licence="Apache-2.0", registry="pypi")
        told = tmp_path / "a-1.dist-info"
        told.mkdir()
        (told / "METADATA").write_text("Name: a\nVersion: 1\nLicense: UNKNOWN\n\n")
        with pytest.raises(TrainingError, match="UNKNOWN"):
            fetch.check(wanted, tmp_path)
        (told / "LICENSE").write_text("Licensed under the Apache License, Version 2.0\n")
        fetch.check(wanted, tmp_path)


class TestPictures:
    def test_the_split_is_the_same_every_time_and_for_every_style(self):
        emoji = [chr(0x1F300 + place) for place in range(200)]
        assert pictures.held_out(emoji) == pictures.held_out(emoji[::-1])
        assert len(pictures.held_out(emoji)) == 10

    def test_a_background_shows_where_a_picture_is_clear(self, work):
        one = pictures.load(work, 64).at([0])
        laid = one.on(torch.tensor([[0.0, 0.0, 255.0]]))
        assert laid.shape == (1, 3, 64, 64)
        assert laid[0, :, 0, 0].tolist() == [-1, -1, 1]

    def test_a_drawing_is_as_large_as_its_settings_say(self, tmp_path):
        half = '<rect width="16" height="32" fill="#f00"/>'
        icons = {"width": 32, "height": 32, "icons": {"half": {"body": half}}}
        (tmp_path / "icons.json").write_text(json.dumps(icons))
        (tmp_path / "chars.json").write_text(json.dumps({"1f345": "half"}))
        drawn = pictures.Drawings(tmp_path).picture(["1f345-fe0f", "1f345"])
        assert drawn is not None and drawn.size == (128, 128)
        assert drawn.getpixel((32, 64)) == (255, 0, 0, 255)
        assert drawn.getpixel((96, 64)) == (0, 0, 0, 0)

    def test_without_packages_one_is_told_to_fetch(self, tmp_path, capsys):
        assert main(["ddpm", "--work", str(tmp_path)]) == 1
        told = capsys.readouterr().err
        assert "run `python -m resources.training fetch` first" in told
        assert told.count("\n") == 1


class TestLoop:
    PLAN = Plan(steps=12, rate=1e-2, warm_up=3)

    @staticmethod
    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))

    def run(self, folder: Path, plan: Plan, stop_at: int | None = None) -> dict[str, torch.Tensor]:
        """Trains; stop_at: as Ctrl+C would, when that step is drawn."""
        import signal

        network, drawn = self.network(), 0

        def loss(generator: torch.Generator) -> torch.Tensor:
            nonlocal drawn
            drawn += 1
            if drawn == stop_at:
                signal.raise_signal(signal.SIGINT)
            inputs = torch.randn(8, 4, generator=generator)
            return (network(inputs) - inputs.sum(dim=1, keepdim=True)).square().mean()

        assert train(network, loss, plan, folder) is (stop_at is None)
        return network.state_dict()

    def test_going_on_is_the_same_as_running_through(self, tmp_path):
        through = self.run(tmp_path / "through", self.PLAN)
        self.run(tmp_path / "parts", self.PLAN, stop_at=5)
        assert read(tmp_path / "parts" / "checkpoint.pt")["step"] == 5
        parts = self.run(tmp_path / "parts", self.PLAN)
        assert all(torch.equal(through[name], parts[name]) for name in through)
        logs = [
            [
                {**json.loads(line), "seconds": 0}
                for line in (tmp_path / it / "log.jsonl").read_text().splitlines()
            ]
            for it in ("through", "parts")
        ]
        assert logs[0] == logs[1]

    def test_a_crash_costs_no_more_than_what_came_after_the_last_checkpoint(self, tmp_path):
        network, drawn = self.network(), []

        def loss(generator: torch.Generator) -> torch.Tensor:
            drawn.append(torch.randn(8, 4, generator=generator))
            if len(drawn) == 5:
                raise MemoryError
            return network(drawn[-1]).square().mean()

        with pytest.raises(MemoryError):
            train(network, loss, self.PLAN, tmp_path, every=0)
        assert read(tmp_path / "checkpoint.pt")["step"] == 4
        assert train(network, loss, self.PLAN, tmp_path)
        assert len(drawn) == 5 + 12 - 4
        assert torch.equal(drawn[4], drawn[5])

    def test_a_damaged_checkpoint_is_told_in_one_sentence(self, tmp_path):
        (tmp_path / "checkpoint.pt").write_bytes(b"half")
        with pytest.raises(TrainingError, match="remove it to begin anew"):
            self.run(tmp_path, self.PLAN)

    def test_a_loss_that_is_no_number_ends_it(self, tmp_path):
        network = self.network()
        with pytest.raises(TrainingError, match="became nan at step 0"):
            train(network, lambda _: torch.tensor(torch.nan), self.PLAN, tmp_path)


class TestTiny:
    def test_it_is_trained_exported_and_loaded_with_its_model(self, work, tmp_path):
        network = tiny.train_tiny(work, steps=2, rate=1e-3, counts=FEW)
        folder = export.export_tiny(work, tmp_path)
        assert [path.name for path in folder.parent.iterdir()] == ["tiny"]
        pipeline = engine.load("bundled", dtype="float32", tiny=folder)
        one = latents.decoded(work, held_out=False).latents[0]
        made = previewed(pipeline, one, "tiny").pixels
        with torch.no_grad():
            wanted = latents.to_bytes(network.decoder(one[None]))[0].permute(1, 2, 0).numpy()
        assert np.abs(made.astype(int) - wanted).max() <= 2  # it is kept in float16

    def test_an_export_without_a_training_is_told_what_to_run(self, tmp_path, capsys):
        assert main(["export", "tiny", "--work", str(tmp_path), "--into", str(tmp_path)]) == 1
        assert "run `python -m resources.training tiny` first" in capsys.readouterr().err


class TestDdpm:
    @pytest.fixture
    def small(self, monkeypatch):
        monkeypatch.setattr(ddpm.build, "__defaults__", ((8, 32), 64))
        monkeypatch.setattr(ddpm, "BATCH", 2)

    def test_it_is_trained_exported_and_makes_pictures(self, small, work, tmp_path):
        ddpm.train_ddpm(work, steps=2, rate=1e-3)
        folder = export.export_ddpm(work, tmp_path)
        pipeline = engine.load(folder, dtype="float32")
        assert (pipeline.family, pipeline.default_request.steps) == ("ddpm", 50)
        evaluate.sheet(
            pipeline, [engine.Request(steps=1, seed=i) for i in (0, 1)], tmp_path / "s.png"
        )
        with Image.open(tmp_path / "s.png") as sheet:
            assert sheet.size == (512, 64)

    def test_a_thing_that_is_not_there_is_named(self, work):
        shown = pictures.load(work, 64)
        others = [i for i, thing in enumerate(shown.things) if thing.name != "pizza"]
        with pytest.raises(TrainingError, match="The pictures have no pizza"):
            ddpm.subjects(shown.at(others))


class TestEvaluate:
    def test_likeness_of_the_same_picture_is_as_high_as_it_gets(self, work):
        shown = pictures.load(work, 64)
        bank = shown.on(torch.full((len(shown.things), 3), 255.0))
        assert likeness.ranks(bank[:4], bank, [0, 1, 2, 3]).tolist() == [0, 0, 0, 0]
        ahead = likeness.leads(bank[:1], bank, [0]).item()
        behind = likeness.leads(bank[:1], bank, [1]).item()
        assert ahead > 0 > behind
        assert likeness.ssim(bank[:1], bank[:1]).item() == pytest.approx(1)
        assert likeness.psnr(bank[:1] * 0.5, bank[:1]).item() < 15

    @pytest.mark.slow
    def test_every_figure_is_told(self, work, tmp_path):
        folder = tmp_path / "work"
        shutil.copytree(work, folder)
        perceiving(folder)
        latents.decoded(folder, held_out=True, counts=FEW)
        figures = evaluate.evaluate(folder, count=2, decoded=2, learned=4)
        told = (folder / "figures.md").read_text()
        assert len(figures) > 10
        assert all(str(figure) in told for figure in figures)
