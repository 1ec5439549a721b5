"""Saving: the record in the file is whole, and a failed save leaves nothing behind."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import engine
from engine import Edit, Request


@pytest.fixture(scope="module")
def finished(tiny_pipeline):
    request = Request(
        'a "red" apple,\nSteps: 3', "blue: sky", width=64, height=64, steps=2, seed=5, count=2
    )
    *_, last = engine.generate(tiny_pipeline, request)
    return last


def test_a_png_holds_the_picture_and_its_record(finished, tmp_path):
    path = tmp_path / "image.png"
    engine.save(finished.images[1], path, finished.record, 1)
    with Image.open(path) as image:
        assert image.tobytes() == finished.images[1].tobytes()
        record = engine.Record.from_json(image.text["safelight"])
    assert record.request == replace(finished.record.request, seed=6, count=1)
    assert record.sha256 == finished.record.sha256
    assert record.versions["torch"]
    assert record == finished.record.of_image(1)


def test_the_record_of_one_image_of_a_batch_makes_that_image(finished, tiny_pipeline):
    request = finished.record.of_image(1).request
    *_, alone = engine.generate(tiny_pipeline, request)
    assert alone.images[0].tobytes() == finished.images[1].tobytes()


def test_the_parameters_are_in_the_format_that_others_read(finished):
    lines = finished.record.of_image(0).to_parameters().split("\n")
    assert lines[:3] == ['a "red" apple,', "Steps: 3", "Negative prompt: blue: sky"]
    assert lines[3].startswith("Steps: 2, Sampler: ")
    for part in ("CFG scale: 7.5", "Seed: 5", "Size: 64x64", "RNG: CPU", "Model: sd1"):
        assert part in lines[3]


@pytest.mark.parametrize("prompt", ["แอปเปิล 🍎", "\ud83d", "", "\0", "<b>bold</b>"])
def test_any_prompt_can_be_saved(finished, tmp_path, prompt):
    record = replace(finished.record, request=replace(finished.record.request, prompt=prompt))
    engine.save(finished.images[0], tmp_path / "image.png", record)
    with Image.open(tmp_path / "image.png") as image:
        assert engine.Record.from_json(image.text["safelight"]).request.prompt == prompt


def test_the_same_request_writes_the_same_file(tiny_pipeline, tmp_path):
    for name in ("first.png", "second.png"):
        *_, last = engine.generate(tiny_pipeline, Request("an owl", width=64, height=64, steps=2))
        engine.save(last.images[0], tmp_path / name, last.record)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


@pytest.mark.parametrize(
    ("scheduler", "options", "sampler"),
    [
        ("dpmpp_2m", {"use_karras_sigmas": True}, "DPM++ 2M Karras"),
        ("euler_ancestral", {}, "Euler a"),
        ("ddpm", {}, "DDPM"),
    ],
)
def test_samplers_have_the_names_that_others_know(finished, scheduler, options, sampler):
    request = replace(finished.record.request, scheduler=scheduler, scheduler_options=options)
    parameters = replace(finished.record, request=request).to_parameters()
    assert f"Sampler: {sampler}, " in parameters


def test_saving_twice_replaces_the_file_and_leaves_no_other(finished, tmp_path):
    for index in (0, 1):
        engine.save(finished.images[index], tmp_path / "image.png", finished.record, index)
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]


def test_a_missing_folder_is_an_error_that_names_the_file(finished, tmp_path):
    with pytest.raises(engine.SaveError, match=r"image\.png"):
        engine.save(finished.images[0], tmp_path / "gone" / "image.png", finished.record)


def test_a_full_disk_leaves_neither_a_half_file_nor_a_lost_one(finished, tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    engine.save(finished.images[0], path, finished.record)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(engine.SaveError, match="No space left"):
        engine.save(finished.images[1], path, finished.record, 1)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]


def test_a_file_where_the_folder_should_be_is_one_clear_error(finished, tmp_path):
    folder = tmp_path / "not-a-folder"
    folder.write_text("a file")
    with pytest.raises(engine.SaveError, match="not-a-folder"):
        engine.save(finished.images[0], folder / "image.png", finished.record)


def test_reading_gives_back_the_record_that_was_saved(tiny_pipeline, tmp_path):
    start = Request("an owl", width=64, height=64, steps=4, seed=5, count=2)
    *_, parent = engine.generate(tiny_pipeline, start)
    edits = (Edit(2, "vary", {"amount": 0.3, "seed": 7}), Edit(3, "finish", True))
    change = replace(start, edits=edits, guidance_curve=((0, 1), (1, 9)), prompt="แอปเปิล \ud83d")
    *_, branch = engine.generate(tiny_pipeline, change, start=parent.timeline[1])
    assert branch.record.branches == (2,)
    for index in range(2):
        path = tmp_path / f"{index}.png"
        engine.save(branch.images[index], path, branch.record, index)
        record = engine.read(path)
        assert record == branch.record.of_image(index) == engine.read(str(path))
        *_, again = engine.generate(tiny_pipeline, record.request)
        with Image.open(path) as image:
            assert image.tobytes() == again.images[0].tobytes()


def test_a_record_of_before_there_were_branches_is_read(finished):
    plain = json.loads(finished.record.to_json())
    for name in ("branches", "takes_prompt"):
        del plain[name]
    for name in ("guidance_curve", "guidance_easing"):
        del plain["request"][name]
    assert engine.Record.from_json(json.dumps(plain)) == finished.record


def chunk(name: str, text: str) -> PngInfo:
    chunks = PngInfo()
    chunks.add_text(name, text)
    return chunks


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no record of Safelight.*there is none"),
        ("", "no record of Safelight"),
        ("{", "no record of Safelight"),
        ("[]", "no record of Safelight"),
        ("3", "no record of Safelight"),
        ("{}", "no record of Safelight"),
        ('{"request": 3, "notes": []}', "no record of Safelight"),
        ('{"request": {"steps": 0}, "notes": []}', "no record of Safelight.*steps: 0"),
        ('{"request": {"edits": [1]}, "notes": []}', "no record of Safelight.*edits"),
        ('{"request": {"hue": 1}, "notes": []}', "no record of Safelight.*hue"),
    ],
)
def test_a_picture_without_a_record_is_one_clear_error(tmp_path, text, message):
    path = tmp_path / "picture.png"
    chunks = chunk("parameters", "a cat") if text is None else chunk("safelight", text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)
    with pytest.raises(engine.EngineError, match=rf"picture\.png.*{message}") as caught:
        engine.read(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_picture_is_one_clear_error(finished, tmp_path):
    text, half, folder = (tmp_path / name for name in ("text.png", "half.png", "folder.png"))
    text.write_text("no picture")
    engine.save(finished.images[0], half, finished.record)
    half.write_bytes(half.read_bytes()[:20])
    folder.mkdir()
    bomb = tmp_path / "bomb.png"
    chunks = PngInfo()
    chunks.add_text("safelight", "x" * 3_000_000, zip=True)  # more than is unpacked
    Image.new("RGB", (8, 8)).save(bomb, pnginfo=chunks)
    for path in (text, half, folder, bomb, tmp_path / "gone.png"):
        with pytest.raises(engine.EngineError, match=rf"{path.name} cannot be read \(") as caught:
            engine.read(path)
        assert "\n" not in str(caught.value)


def test_a_sheet_is_saved_without_a_record(finished, tmp_path):
    engine.save(finished.images[0], tmp_path / "sheet.png", None)
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.tobytes() == finished.images[0].tobytes()
    with pytest.raises(engine.EngineError, match="no record"):
        engine.read(tmp_path / "sheet.png")
