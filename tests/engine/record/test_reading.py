"""Records: they go into every format and come back without loss; damaged and hostile ones are one
clear error.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import engine
from engine import Edit, Record, Request
from engine.record import image_file
from engine.record.image_file import Texts

PICTURE = Image.fromarray(
    np.random.default_rng(3).integers(0, 256, (16, 24, 3), dtype=np.uint8), "RGB"
)
REQUEST = Request("an owl", "blur", 24, 16, 4, scheduler="euler", seed=5)
RECORD = Record(
    request=REQUEST,
    executed_steps=4,
    checkpoint="Emoji",
    sha256="ab" * 32,
    device="cpu",
    dtype="float32",
    versions={"safelight": "0.1.0", "torch": "2.9"},
    notes=(),
)
PLAIN = json.loads(RECORD.to_json())

words = st.text(st.characters(exclude_categories=()), max_size=40)  # lone surrogates as well
numbers = st.floats(0, 1, allow_nan=False)
edits = st.one_of(
    st.builds(Edit, st.integers(0, 30), st.just("prompt"), words),
    st.builds(Edit, st.integers(0, 30), st.just("guidance_scale"), st.floats(0, 100)),
    st.builds(Edit, st.integers(0, 30), st.just("clip_skip"), st.integers(1, 12)),
    st.builds(
        Edit,
        st.integers(0, 30),
        st.just("vary"),
        st.fixed_dictionaries({"amount": numbers, "seed": st.integers(0, 2**40)}),
    ),
    st.builds(Edit, st.integers(0, 30), st.just("finish"), st.just(True)),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
requests = st.builds(
    Request,
    prompt=words,
    negative_prompt=words,
    width=st.integers(8, 512),
    height=st.integers(8, 512),
    steps=st.integers(1, 1000),
    guidance_scale=st.floats(0, 100),
    scheduler=st.sampled_from(["euler", "dpmpp_2m", "unipc"]),
    scheduler_options=st.dictionaries(words, values, max_size=3),
    seed=st.integers(0, 2**62),
    eta=numbers,
    edits=st.lists(edits, max_size=4).map(tuple),
    clip_skip=st.integers(1, 12),
    feature_reuse=st.integers(1, 10),
    guidance_reuse=numbers,
    int8=st.booleans(),
)
records = st.builds(
    Record,
    request=requests,
    executed_steps=st.integers(0, 2000),
    checkpoint=words,
    sha256=words,
    device=words,
    dtype=words,
    versions=st.dictionaries(words, words, max_size=2).map(lambda more: {**more, "safelight": "0"}),
    notes=st.lists(words, max_size=3).map(tuple),
    takes_prompt=st.booleans(),
    branches=st.lists(st.integers(0, 99), max_size=3).map(tuple),
    job=words,
    prediction_type=words,
    others=st.dictionaries(words.map(lambda name: f"later {name}"), values, max_size=2),
)


@given(records)
@settings(max_examples=80, deadline=None)
def test_a_record_goes_to_json_and_back(record: Record) -> None:
    text = record.to_json()
    text.encode("ascii")  # as every format takes it
    assert Record.from_json(text) == record
    assert Record.from_json(text).to_json() == text


def test_what_a_later_version_says_under_a_name_that_is_no_text_is_kept() -> None:
    plain = PLAIN | {"later \ud800": 1}
    again = Record.from_json(json.dumps(plain))
    assert again.others["later \ud800"] == 1
    assert Record.from_json(again.to_json()) == again


@given(record=records, name=st.sampled_from(["a.png", "a.jpg", "a.webp"]))
@settings(max_examples=30, deadline=None)
def test_every_format_holds_the_record(
    tmp_path_factory: pytest.TempPathFactory, record: Record, name: str
) -> None:
    path = tmp_path_factory.mktemp("records") / name
    assert engine.save(PICTURE, path, record) == ()
    assert engine.read(path) == record.of_image(0)
    said = record.of_image(0).to_parameters().encode("utf-8", "replace").decode()
    assert image_file.read_texts(path).parameters == said


def plain_exif(path: Path) -> dict[int, bytes]:
    """The fields of the EXIF part of a JPEG, read without Pillow, as other programs do."""
    content = path.read_bytes()
    (length,) = struct.unpack_from(">H", content, content.index(b"\xff\xe1") + 2)
    assert length > 100
    start = content.index(b"Exif\0\0") + 6
    tiff = content[start:]
    order = {b"II": "<", b"MM": ">"}[tiff[:2]]
    found: dict[int, bytes] = {}

    def directory(at: int) -> None:
        (count,) = struct.unpack_from(f"{order}H", tiff, at)
        for number in range(count):
            tag, kind, size, place = struct.unpack_from(f"{order}HHII", tiff, at + 2 + 12 * number)
            if tag == 0x8769:
                directory(place)
            elif kind in (2, 7):
                at_hand = at + 2 + 12 * number + 8
                found[tag] = tiff[at_hand:][:size] if size <= 4 else tiff[place:][:size]

    directory(struct.unpack_from(f"{order}I", tiff, 4)[0])
    return found


@pytest.mark.parametrize("prompt", ["an owl", "หน้ายิ้ม 🍎\n(a:1.2)", ""])
def test_a_jpeg_says_it_as_automatic1111_does(tmp_path: Path, prompt: str) -> None:
    record = replace(RECORD, request=replace(REQUEST, prompt=prompt))
    engine.save(PICTURE, tmp_path / "a.jpg", record)
    comment = plain_exif(tmp_path / "a.jpg")[0x9286]
    assert comment[:8] == b"UNICODE\0"
    assert comment[8:].decode("utf-16-be") == record.to_parameters()


def test_what_the_formats_do_to_the_picture(tmp_path: Path) -> None:
    pixels = np.asarray(PICTURE).astype(int)
    for name, kind, most in (("a.png", "PNG", 0), ("a.webp", "WEBP", 0), ("a.JPG", "JPEG", 40)):
        engine.save(PICTURE, tmp_path / name, RECORD)
        with Image.open(tmp_path / name) as image:
            assert image.format == kind
            assert np.abs(np.asarray(image.convert("RGB")) - pixels).max() <= most
            if kind == "JPEG":
                assert [(h, v) for _, h, v, _ in image.layer] == [(1, 1)] * 3  # 4:4:4


@pytest.mark.parametrize(
    ("letters", "parameters", "record", "words"),
    [
        (5_000, True, True, ""),
        (25_000, True, False, "record of Safelight is left out"),
        (40_000, False, True, "settings for other programs are left out"),
        (90_000, False, False, "does not say how it was made"),
    ],
)
def test_a_jpeg_leaves_out_what_it_has_no_room_for_and_says_so(
    tmp_path: Path, letters: int, parameters: bool, record: bool, words: str
) -> None:
    long = replace(RECORD, request=replace(REQUEST, prompt="x" * letters))
    notes = engine.save(PICTURE, tmp_path / "a.jpg", long)
    texts = image_file.read_texts(tmp_path / "a.jpg")
    assert (bool(texts.parameters), bool(texts.record)) == (parameters, record)
    assert [words in note and "a.jpg" in note for note in notes] == [True] * bool(words)
    if not record:
        with pytest.raises(engine.RecordError, match="room for 64 KB"):
            engine.read(tmp_path / "a.jpg")
    assert engine.save(PICTURE, tmp_path / "a.webp", long) == ()
    assert engine.read(tmp_path / "a.webp") == long


def test_a_copy_in_another_format_says_all_that_the_file_said(tmp_path: Path) -> None:
    later = json.dumps({**PLAIN, "request": {**PLAIN["request"], "hue": 3}})
    for texts in (
        Texts(RECORD.to_parameters(), RECORD.to_json()),
        Texts("a foreign cat\nSteps: 3"),
        Texts("a cat", later),  # which this version cannot read
        Texts(),
    ):
        image_file.write_picture(PICTURE, tmp_path / "a.png", texts)
        ways = ["a.png", "b.webp", "c.png", "d.jpg", "e.jpeg", "f.webp", "g.png"]
        for source, target in pairwise(ways):
            assert image_file.convert(tmp_path / source, str(tmp_path / target)) == ()
            assert image_file.read_texts(tmp_path / target) == texts
        with Image.open(tmp_path / "c.png") as image:
            assert image.convert("RGB").tobytes() == PICTURE.tobytes()
        assert (tmp_path / "d.jpg").read_bytes() == (tmp_path / "e.jpeg").read_bytes()
    before = (tmp_path / "a.png").read_bytes()
    image_file.convert(tmp_path / "a.png", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == before


def test_an_interrupted_copy_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    engine.save(PICTURE, tmp_path / "a.png", RECORD)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for name in ("b.png", "b.jpg", "b.webp"):
        with pytest.raises(engine.SaveError, match=f"{name}.*No space left"):
            image_file.convert(tmp_path / "a.png", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(("name", "words"), [("a.bmp", "take .png"), ("a", "take .png")])
def test_other_endings_are_refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(engine.SaveError, match=words):
        engine.save(PICTURE, tmp_path / name, RECORD)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_too_large_for_a_format_is_told(tmp_path: Path) -> None:
    with pytest.raises(engine.SaveError, match="20000 by 1 pixels, and WEBP takes at most 16383"):
        engine.save(Image.new("RGB", (20000, 1)), tmp_path / "a.webp", RECORD)


def deep(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({**PLAIN, "later": 0})[:-2] + f"{deep(100_000)}}}",
        json.dumps({**PLAIN, "later": 0})[:-2] + f"{deep(500)}}}",
        json.dumps({**PLAIN, "executed_steps": float("nan")}),
        json.dumps({**PLAIN, "request": {**PLAIN["request"], "guidance_scale": 10**400}}),
        json.dumps({**PLAIN, "request": {**PLAIN["request"], "eta": float("inf")}}),
        json.dumps({**PLAIN, "request": {**PLAIN["request"], "seed": 10**30}}),
        '{"request": {"seed": ' + "1" * 5000 + "}}",
        json.dumps({**PLAIN, "request": {**PLAIN["request"], "scheduler": None}}),
        json.dumps({**PLAIN, "versions": {}}),
        json.dumps({**PLAIN, "executed_steps": True}),
        json.dumps({**PLAIN, "notes": "<b>bold</b>\n" * 5000}),
    ],
)
def test_a_hostile_record_is_one_short_line(tmp_path: Path, text: str) -> None:
    for name in ("a.png", "a.webp"):
        image_file.write_picture(PICTURE, tmp_path / name, Texts("", text))
        with pytest.raises(engine.RecordError, match=f"{name} has no record") as caught:
            engine.read(tmp_path / name)
        assert len(str(caught.value)) < 400 + len(str(tmp_path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ({"executed_steps": "x"}, "executed_steps is 'x', and should be a whole number"),
        ({"branches": [1, -1]}, r"branches\[1\] is -1, and should be a whole number >= 0"),
        ({"ways": {"attention": 3}}, "ways has a value that should be text"),
        ({"notes": ["a"] * 1001}, "notes is .*, and should be a list of length <= 1000"),
    ],
)
def test_what_does_not_fit_is_named(field: dict[str, object], sentence: str) -> None:
    with pytest.raises(engine.RecordError, match=sentence):
        Record.from_json(json.dumps({**PLAIN, **field}))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_a_field_it_is_a_record_or_one_error(data: st.DataObject) -> None:
    plain = json.loads(RECORD.to_json())
    place = data.draw(st.sampled_from([plain, plain["request"]]))
    name = data.draw(st.sampled_from(sorted(place)))
    place[name] = data.draw(values | st.just([{"step": 0, "field": "vary", "value": {}}]))
    try:
        record = Record.from_json(json.dumps(plain))
    except engine.RecordError as error:
        assert "\n" not in str(error)
    else:
        assert Record.from_json(record.to_json()) == record


def test_a_record_from_before_the_rescale_was_made_without() -> None:
    request = {name: value for name, value in PLAIN["request"].items() if "rescale" not in name}
    old = Record.from_json(json.dumps({**PLAIN, "request": request}))
    assert old.request.guidance_rescale == 0.0


def test_a_later_version_is_named_and_its_fields_are_kept(tmp_path: Path) -> None:
    later = {**PLAIN, "versions": {"safelight": "9.1"}}
    record = Record.from_json(json.dumps({**later, "lens": {"blur": 2}}))
    assert record.others == {"lens": {"blur": 2}}
    assert json.loads(record.to_json())["lens"] == {"blur": 2}
    text = json.dumps({**later, "request": {**PLAIN["request"], "hue": 3}})
    image_file.write_picture(PICTURE, tmp_path / "a.png", Texts("", text))
    with pytest.raises(engine.RecordError, match=r"hue.*made by Safelight 9\.1;.*update"):
        engine.read(tmp_path / "a.png")


def test_a_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.webp"):
        engine.save(PICTURE, tmp_path / name, RECORD)
        whole = (tmp_path / name).read_bytes()
        random = np.random.default_rng(1)
        for _ in range(60):
            damaged = bytearray(whole[: random.integers(1, len(whole) + 1)])
            for at in random.integers(0, len(damaged), 3):
                damaged[at] ^= int(random.integers(1, 256))
            (tmp_path / name).write_bytes(damaged)
            try:
                engine.read(tmp_path / name)
            except engine.EngineError as error:
                assert name in str(error)
                assert "\n" not in str(error)
            try:
                image_file.convert(tmp_path / name, tmp_path / "out.webp")
            except engine.EngineError:
                assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_a_name_with_a_line_break_stays_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a\nb.png"
    chunks = PngInfo()
    chunks.add_text("safelight", "{")
    PICTURE.save(path, pnginfo=chunks)
    with pytest.raises(engine.RecordError) as caught:
        engine.read(path)
    assert "\n" not in str(caught.value)


def test_reading_and_converting_wait_for_no_torch(tmp_path: Path) -> None:
    engine.save(PICTURE, tmp_path / "a.png", RECORD)
    code = (
        "import sys, engine\n"
        "from engine.pictures import film\n"
        "from engine.record import image_file\n"
        "assert engine.read('a.png').request.prompt == 'an owl'\n"
        "image_file.convert('a.png', 'a.jpg')\n"
        "assert not {'torch', 'transformers', 'PySide6'} & sys.modules.keys()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(engine.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert engine.read(tmp_path / "a.jpg") == RECORD
