"""A stranger's file does no harm: it is read within a second or two and a bounded memory, and what
comes is a recipe or one clear sentence."""

from __future__ import annotations

import json
import os
import struct
import time
import tracemalloc
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import engine
from engine import Request
from engine.record import a1111, exif
from engine.record.interchange import comfyui, programs, texts
from engine.record.interchange.recipe import Recipe

SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, RNG: CPU"
PARAMETERS = f"a cat\nNegative prompt: dog\n{SETTINGS}".encode()
SECONDS = 2.0
"""Of the processor: what else the machine does is no matter here, and nothing is waited for."""
MEGABYTES = 200


def png(*chunks: tuple[bytes, bytes], size: tuple[int, int] = (1, 1), end: bool = True) -> bytes:
    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(b"\0\0\0\0"))]
    return texts.PNG + b"".join(map(chunk, [*parts, (b"IEND", b"")] if end else parts))


def chunk(part: tuple[bytes, bytes]) -> bytes:
    kind, content = part
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def said(name: bytes, content: bytes) -> tuple[bytes, bytes]:
    return b"tEXt", name + b"\0" + content


def packed(name: bytes, content: bytes) -> tuple[bytes, bytes]:
    return b"zTXt", name + b"\0\0" + zlib.compress(content, 9)


def gigabytes() -> bytes:
    """What unpacks to 4 GiB of one letter, and is a few megabytes: one block, many times."""
    packing = zlib.compressobj(9)
    head = packing.compress(b"") + packing.flush(zlib.Z_FULL_FLUSH)
    block = packing.compress(b"[" * 2**20) + packing.flush(zlib.Z_FULL_FLUSH)
    return head + block * 4096


def with_exif(content: bytes, kind: str = "jpg") -> bytes:
    if kind == "jpg":
        return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(content) + 8) + b"Exif\0\0" + content
    webp = b"WEBPEXIF" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(webp)) + webp


@contextmanager
def bounded():
    tracemalloc.start()
    start = time.process_time()
    try:
        yield
    finally:
        seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert seconds < SECONDS * 4, f"{seconds:.1f} s"  # tracing alone makes it some times slower
    assert peak < MEGABYTES * 2**20, f"{peak / 2**20:.0f} MiB"


def quick(content: bytes, path: Path, in_bounds: bool = False) -> Any:
    """The recipe of a file, or the error; either quickly. in_bounds: and in little memory."""
    path.write_bytes(content)
    start = time.process_time()
    try:
        found: Recipe | str = programs.recipe_of_picture(path)
    except engine.EngineError as error:
        found = str(error)
        assert found.isprintable() and len(found) < 1000
        assert found.endswith(".") and path.name in found
    assert time.process_time() - start < SECONDS
    if in_bounds:
        with bounded(), suppress(engine.EngineError):
            programs.recipe_of_picture(path)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hostile.png"


def test_the_size_that_a_picture_claims_does_not_matter(path):
    found = quick(png(said(b"parameters", PARAMETERS), size=(60000, 60000)), path)
    assert found.fields["prompt"] == "a cat"
    assert Request(**found.fields).seed == 1
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, 60000, 60000, 3) + bytes(9)
    assert "does not tell how it was made" in quick(b"\xff\xd8" + frame + b"\xff\xda", path)
    gif = b"GIF89a" + struct.pack("<HH", 60000, 60000) + bytes(3) + b","
    assert "it is no picture" in quick(gif + struct.pack("<HHHHB", 0, 0, 60000, 60000, 0), path)


def test_texts_behind_the_pixels_are_found(path):
    late = chunk(said(b"parameters", PARAMETERS)) + chunk((b"IEND", b""))
    found = quick(png(end=False) + late, path)
    assert found.fields["negative_prompt"] == "dog"


def test_a_half_file_tells_what_is_in_the_half(path):
    whole = png(said(b"parameters", PARAMETERS))
    assert quick(whole[: whole.index(b"IDAT") + 6], path).fields["steps"] == 20
    assert "does not tell" in quick(whole[:60], path)


@pytest.mark.parametrize(
    "bomb",
    [
        (b"zTXt", b"parameters\0\0" + gigabytes()[: texts.MAX_TEXT - 20]),
        (b"iTXt", b"prompt\0\1\0\0\0" + gigabytes()[: texts.MAX_TEXT - 20]),
        said(b"parameters", b"a" * (texts.MAX_TEXT + 1)),
    ],
    ids=lambda bomb: bomb[0].decode(),
)
def test_bombs_of_text_are_not_unpacked(path, bomb):
    problem = quick(png(bomb), path, in_bounds=True)
    assert f"longer than {texts.MAX_TEXT:,} bytes" in problem
    beside = quick(png(bomb, said(b"parameters", PARAMETERS)), path)
    assert beside.fields["prompt"] == "a cat"
    assert any("longer than" in sentence for sentence in beside.left_out)


@pytest.mark.parametrize(
    "broken",
    [
        chunk(said(b"parameters", PARAMETERS))[:-1] + b"\0",
        chunk((b"zTXt", b"parameters\0\0not packed")),
        chunk((b"zTXt", b"parameters\0\0" + zlib.compress(PARAMETERS)[:-30]))[:-4] + b"oops",
        struct.pack(">I", 10**6) + b"tEXtparameters\0a cat",
        struct.pack(">I", 2**31) + b"tEXt",
    ],
)
def test_broken_chunks_are_told(path, broken):
    content = texts.PNG + broken
    assert "damaged" in quick(content, path) or "longer than" in quick(content, path)


def test_many_chunks_are_passed_quickly(path):
    many = png(end=False) + chunk((b"teSt", b"")) * 300_000
    assert "there is nothing in it" in quick(many + chunk(said(b"parameters", PARAMETERS)), path)
    bombs = chunk(packed(b"parameters", bytes(texts.MAX_TEXT + 9))) * 1000
    assert "bytes in all" in quick(png(end=False) + bombs, path, in_bounds=True)
    segment = b"\xff\xe1\xff\xff" + bytes(65533)
    assert "bytes in all" in quick(b"\xff\xd8" + segment * 600, path)


def test_exif_cannot_ask_for_the_same_data_again_and_again(path):
    entries = b"".join(
        struct.pack("<HHII", tag, 7, 4 * 2**20 - 2**20, 8) for tag in range(1, 65536)
    )
    content = b"II*\0\x08\0\0\0" + struct.pack("<H", 65535) + entries + bytes(3 * 2**20)
    quick(with_exif(content, "webp"), path, in_bounds=True)
    loop = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, exif.SUB_DIRECTORY, 4, 1, 8) + bytes(4)
    quick(with_exif(loop), path)
    far = b"II*\0\xff\xff\xff\xff"
    quick(with_exif(far), path)


DEEP = 10**6
NODE = '{"class_type": "KSampler", "inputs": {"seed": %s, "latent_image": [], "positive": []}}'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prompt", "[" * DEEP),
        ("prompt", '{"a":' * DEEP),
        ("parameters", '{"a":' * DEEP),
        ("parameters", '{"a": ' + "[" * DEEP + "]" * DEEP + "}"),
        ("safelight", "[" * DEEP),
        ("safelight", '{"request": {}, "executed_steps": ' + "[" * DEEP + "]" * DEEP + "}"),
        ("invokeai_metadata", '{"a":' * DEEP),
        ("sd-metadata", "[]," * DEEP),
        ("prompt", "[" + "[]," * DEEP + "[]]"),
        ("parameters", "{" + '"a":{},' * 500_000 + '"b":1}'),
        ("Dream", '"' + "[" * DEEP),
        ("Dream", '" -a' * DEEP),
        ("Dream", "-a " * DEEP),
        ("Dream", "a" + " " * DEEP + "-"),
        ("prompt", '{"1": ' + NODE % ("9" * 5000) + "}"),
        ("prompt", '{"1": ' + NODE % "NaN" + "}"),
        ("prompt", '{"1": ' + NODE % "-Infinity" + "}"),
        ("prompt", '{"1": ' + NODE % ("9" * 4000) + "}"),
        ("prompt", '{"1": ' + NODE % "1e999" + "}"),
        ("invokeai_metadata", '{"steps": NaN, "seed": 1e308, "width": true, "scheduler": []}'),
        ("sd-metadata", '{"image": {"prompt": [{"prompt": {}}], "sampler": {"a": 1}, "seed": []}}'),
        ("parameters", '{"sui_image_params": {"seed": [], "sampler": {}, "loras": NaN}}'),
        (
            "parameters",
            '{"metadata_scheme": "fooocus", "resolution": [1, [2]], "styles": {"a": 1}}',
        ),
    ],
)
def test_json_of_any_depth_and_with_any_numbers(path, name, text):
    found = quick(png(packed(name.encode(), text.encode())), path, in_bounds=True)
    if isinstance(found, Recipe):
        Request(**found.fields)
        assert not {"seed", "steps", "width", "scheduler"} & found.fields.keys()


@pytest.mark.parametrize(
    "prompt",
    [
        "a\n" * 10**6,
        "a: " * 10**6,
        "," * 10**6,
        "a:[" * 10**6,
        "a:{" * 10**6,
        'a:"' * 10**6,
        'a:"\\' * 10**6,
        "[" * 10**6,
        '"' * 10**6,
        " " * 10**6 + "x",
        ("a" + " " * 1000) * 2000,
        "a" * 3 * 10**6,
        "<lora:" * 500_000,
        "<lora:x>" * 300_000,
        "Negative prompt:" * 200_000,
        "\nNegative prompt:" * 200_000,
        "Steps: 1, Seed: 1, Size: 1x1" + ", a: b" * 300_000,
        "\nSteps: 1" * 200_000,
        "\x85\u2028\r" * 300_000,
    ],
    ids=lambda prompt: repr(prompt[:12]),
)
def test_long_prompts_take_no_long_time(path, prompt):
    text = f"{prompt}\n{SETTINGS}".encode()
    found = quick(png(packed(b"parameters", text)), path)
    assert found.fields["steps"] == 20
    assert len(found.left_out) < 60
    alone = quick(png(packed(b"parameters", prompt.encode())), path)
    assert isinstance(alone, Recipe | str)
    start = time.process_time()
    written = a1111.format_a1111(prompt, prompt, {"Steps": 1, "Seed": 1, "Size": "1x1"})
    assert time.process_time() - start < SECONDS
    assert a1111.parse(written).prompt == prompt


def test_control_characters_and_markup_stay_text_in_prompts_and_never_reach_a_sentence(path):
    prompt = "<b>bold</b> <script>x</script> \x1b[31mred\x07 \u202eback"
    settings_line = f"{SETTINGS}, <b>a</b>: \x1b[2J, Evil\x1b: 1, Fine: \x1b[2J\u202e"
    found = quick(
        png((b"iTXt", b"parameters\0\0\0\0\0" + f"{prompt}\n{settings_line}".encode())), path
    )
    assert found.fields["prompt"] == prompt
    assert all(sentence.isprintable() for sentence in found.left_out)
    assert any(sentence.startswith("Fine: [2J is left out") for sentence in found.left_out)


def graph(nodes: dict[str, dict]) -> bytes:
    return json.dumps(nodes).encode()


def node(kind: str, **inputs: object) -> dict:
    return {"class_type": kind, "inputs": inputs}


def sampler(**inputs: object) -> dict:
    told = {"seed": 1, "steps": 20, "positive": ["p", 0], "negative": ["n", 0]}
    return node("KSampler", **told | {"latent_image": ["l", 0], "model": ["m", 0]} | inputs)


LONG = 15_000
UPSTREAM = ("model", "conditioning", "samples", "value")


@pytest.mark.parametrize(
    "nodes",
    [
        {
            "s": sampler(
                **{key: ["s", 0] for key in ("positive", "negative", "latent_image", "model")}
            )
        },
        {
            "s": sampler(),
            "p": node("CLIPTextEncode", text=["p", 0]),
            "m": node("X", model=["m", 0]),
        },
        {
            "s": sampler(latent_image=["t", 0]),
            "t": sampler(latent_image=["s", 0]),
            "z": node("SaveImage", images=["s", 0]),
        },
        {
            "s": sampler(model=["0", 0], positive=["0", 0], latent_image=["0", 0], seed=["0", 0]),
            **{
                str(i): node(
                    "X",
                    **{key: [str(i + 1), 0] for key in UPSTREAM},
                )
                for i in range(LONG)
            },
        },
        {
            "s": sampler(positive=["0", 0]),
            **{
                str(i): node(
                    "Concat", text_a=[str(i + 1), 0], text_b=[str(i + 1), 0], text_c="x" * 999
                )
                for i in range(200)
            },
        },
        {
            "s": sampler(positive=["c", 0]),
            "c": node("Concat", **{f"text_{a}": ["d", 0] for a in "abcdefgh"}),
        }
        | {"d": node("Text", text="x" * 3 * 10**5)},
        {str(i): sampler(latent_image=[str(i + 1), 0]) for i in range(5000)},
        {
            "s": sampler(),
            **{f"z{i}": node("SaveImage", images=[f"q{i}", 0]) for i in range(2000)},
            **{f"q{i}": node("X", a=[f"q{i + 1}", 0]) for i in range(2000)},
        },
        {"s": sampler(positive=[[], 0], negative=["s", "s"], latent_image={}, model=None)},
        {
            "s": sampler(positive=["0", 0], seed=["0", 0], latent_image=["0", 0], model=["0", 0]),
            **{
                str(i): node(
                    "ImpactSwitch", select=[str(i + 1), 0], input1=[str(i + 2), 0], input2=["s", 0]
                )
                for i in range(5000)
            },
        },
        {
            "s": sampler(**{key: ["0", 3] for key in ("positive", "negative", "model", "seed")}),
            **{
                str(i): node(
                    "Context Merge (rgthree)",
                    **{f"ctx_0{n}": [str((3 * i + n) % 4000), 0] for n in range(1, 6)},
                )
                for i in range(4000)
            },
        },
        {
            "s": sampler(positive=["w", 0], seed=["w", 1], latent_image=["w", 2], model=["w", 3]),
            "w": node("X", **{f"pipe_{n}": ["w", n] for n in range(20_000)}),
            "v": node("X", **{f"ratio_{n}": ["w", n] for n in range(2_000)}),
        },
    ],
    ids=[
        *("self", "loops", "two", "long", "bush", "copies", "samplers", "saves", "wrong"),
        *("switches", "merges", "wide"),
    ],
)
def test_graphs_in_circles_and_without_end(path, nodes):
    found = quick(png(said(b"prompt", graph(nodes))), path)
    assert found.program == "ComfyUI"
    assert len(found.fields.get("prompt", "")) <= comfyui.MAX_PROMPT
    Request(**found.fields)


def test_what_is_no_picture_and_names_that_would_break_a_line(tmp_path):
    cases = {
        "text\nwith\x1b[31m.png": b"no picture",
        "empty.png": b"",
        "short.jpg": b"\xff\xd8\xff",
        "short.webp": b"RIFF\0\0\0\0WEBP",
        "plain.png": png(),
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    for name in (*cases, "folder.png", "gone.png", "pipe.png", "a\0b.png"):
        with pytest.raises(engine.EngineError) as caught:
            programs.recipe_of_picture(tmp_path / name)
        assert str(caught.value).isprintable()


NAMES = st.sampled_from(
    [
        *("prompt", "class_type", "inputs", "seed", "steps", "positive", "latent_image", "text"),
        *("sui_image_params", "sampler", "scheduler", "metadata_scheme", "resolution", "styles"),
        *("image", "images", "model", "positive_prompt", "request", "executed_steps", "1", "2"),
        *("loras", "clip_skip", "width", "height", "sui_models", "nodes", "type", "node", "notes"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["KSampler", "fooocus", "SaveImage", "euler", "core_metadata", 10**400])
    | st.tuples(st.sampled_from(["1", "2"]), st.integers(0, 2)).map(list)
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6)
)
CHUNKS = ("safelight", "parameters", "prompt", "sd-metadata", "invokeai_metadata", "invokeai")


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, ANYTHING, max_size=8), st.sampled_from(CHUNKS))
def test_json_of_any_shape_is_a_recipe_or_an_error(tmp_path_factory, value, name):
    path = tmp_path_factory.getbasetemp() / "any.png"
    path.write_bytes(png(said(name.encode(), json.dumps(value).encode())))
    try:
        recipe = programs.recipe_of_picture(path)
    except engine.EngineError as error:
        assert str(error).isprintable()
    else:
        Request(**recipe.fields)
        assert all(sentence.isprintable() for sentence in recipe.left_out)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(["png", "jpg", "webp"]))
def test_damage_anywhere_is_a_recipe_or_an_error(tmp_path_factory, data, kind):
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind}"
    if kind == "png":
        whole = bytearray(png(said(b"parameters", PARAMETERS), packed(b"prompt", b"{}")))
    else:
        comment = b"UNICODE\0" + PARAMETERS.decode().encode("utf-16-be")
        told = Image.Exif()
        told.get_ifd(exif.SUB_DIRECTORY)[exif.USER_COMMENT] = comment
        whole = bytearray(with_exif(told.tobytes().removeprefix(b"Exif\0\0"), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        Request(**programs.recipe_of_picture(path).fields)
    except engine.EngineError as error:
        assert str(error).isprintable()
