"""The doors of the program, each as something that makes one broken thing and brings it to the
door: it returns where the thing was taken or refused in a sentence, and raises whatever else came.
Run by tests.endurance.fuzz, in a process of its own with a folder of its own.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.errors import EngineError
from engine.record import image_file
from engine.record.image_file import Texts
from tests.endurance.bending import bent_bytes, bent_json, bent_png, bent_text, written

Case = Callable[[Random], None]
MORE = 2.0
"""Seconds that a window may work longer on broken files than on whole ones."""
MOST_MEMORY = 2**30
"""Bytes that it may have in use."""
LONGEST_SENTENCE = 3000
"""Letters that a refusal may have: whoever is told the whole file is told nothing."""


def _samples() -> list[tuple[str, Any]]:
    """What programs write: where in a PNG, and the text or the value that is written as JSON."""
    from tests.engine.record.interchange import (
        graphs,
        test_comfyui,
        test_fooocus,
        test_invokeai,
        test_invokeai_canvas,
        test_sdnext,
    )
    from tests.engine.record.interchange import (
        settings as own_settings,
    )

    settings = f"an owl, 猫 <lora:x:1>\nNegative prompt: blurry\nSteps: 20, {own_settings.SETTINGS}"
    sdnext = test_sdnext.SDNEXT.format("UniPC", "CFG rescale: 0.7, ")
    texts = [settings, f"a dog\nNegative prompt: \n{sdnext}", f'"an owl" {test_invokeai.DREAM}']
    draw_things = (
        f"<x:xmpmeta><rdf:li>{json.dumps({'c': 'an owl', 'seed': 1})}</rdf:li></x:xmpmeta>"
    )
    return [
        *(("parameters", text) for text in texts),
        ("Dream", test_invokeai.DREAM),
        ("Comment", {"prompt": "an owl", "steps": 28, "sampler": "k_euler", "seed": 1, "uc": ""}),
        ("XML:com.adobe.xmp", draw_things),
        ("prompt", test_comfyui.USUAL),
        ("prompt", test_comfyui.HIRES),
        ("prompt", graphs.WHOLE),
        ("invokeai_metadata", test_invokeai.METADATA),
        ("invokeai_metadata", test_invokeai_canvas.CORE),
        ("sd-metadata", test_invokeai.OLD),
        ("parameters", test_fooocus.FOOOCUS),
        ("parameters", {"sui_image_params": {"prompt": "an owl", "steps": 20, "cfgscale": 7}}),
        ("safelight", _record()),
    ]


def _record() -> dict[str, Any]:
    from engine.record.record import Record
    from engine.request.request import Edit, Request
    from tests.app.fake_engine import SHA256, VERSIONS

    request = Request(
        "an owl", width=64, height=64, steps=8, scheduler="unipc", seed=7, count=2,
        scheduler_options={"use_karras_sigmas": True}, guidance_curve=((0, 3), (1, 9)),
        edits=(Edit(2, "prompt", "a cat"), Edit(3, "vary", {"amount": 0.5, "seed": 1})),
    )  # fmt: skip
    record = Record(request, 8, "Emoji", SHA256, "cpu", "float32", VERSIONS, ())
    return json.loads(record.to_json())


def _told(act: Callable[..., object], *arguments: Any, **named: Any) -> Any:
    """What the act gives, or None where it refuses in a sentence."""
    try:
        return act(*arguments, **named)
    except EngineError as error:
        sentence = str(error)
        if not 0 < len(sentence.strip()) < LONGEST_SENTENCE:
            where = traceback.format_tb(error.__traceback__)[-1]
            raise AssertionError(f"{where}a refusal of {len(sentence)} letters") from None
        return None


def _bent(random: Random, sample: Any) -> str:
    if isinstance(sample, str):
        return bent_text(random, sample)
    return written(random, bent_json(random, sample))


def texts(folder: Path) -> Case:
    """What somebody pastes."""
    from engine.record.interchange import programs

    samples = [sample for _, sample in _samples()]

    def once(random: Random) -> None:
        _told(programs.recipe_of_text, _bent(random, random.choice(samples)))

    return once


def pictures(folder: Path) -> Case:
    """Files that lie in the gallery or are dropped on the window."""
    from app.state.gallery.image_reading import read_facts
    from app.state.gallery.image_row import ImageFacts
    from engine.foreign import picture_head
    from engine.record.interchange import programs
    from engine.record.record import read_record

    samples = _samples()
    row = ImageFacts("", "x.png", 1, 1).to_row(1, looked=False)

    def once(random: Random) -> None:
        kind = random.choice(("png", "png", "jpg", "webp"))
        path = folder / f"x.{kind}"
        key, sample = random.choice(samples)
        text = _bent(random, sample) if random.random() < 0.5 else _plain(sample)
        content = _picture(random, kind, key, text)
        if random.random() < 0.7:
            bend = bent_png if kind == "png" and random.random() < 0.7 else bent_bytes
            content = bend(random, content)
        path.write_bytes(content)
        for act in (picture_head, image_file.read_texts, read_record, programs.recipe_of_picture):
            _told(act, path)
        read_facts(str(path), row, programs.recipe_of_picture)

    return once


def _plain(sample: Any) -> str:
    return sample if isinstance(sample, str) else json.dumps(sample)


def _picture(random: Random, kind: str, key: str, text: str) -> bytes:
    mode = random.choice(("RGB", "RGBA", "L", "P", "1"))
    image = Image.new(mode, (random.randint(1, 64), random.randint(1, 64)))
    file = io.BytesIO()
    text = text.encode("utf-8", "replace").decode()[:1_000_000].replace("\0", "")
    if kind == "png":
        chunks = PngInfo()
        add = random.choice((chunks.add_text, chunks.add_itxt))
        if random.random() < 0.5:
            add(key, text, zip=random.random() < 0.3)
        else:
            chunks.add_itxt(key, text)
        image.save(file, "PNG", pnginfo=chunks)
        return file.getvalue()
    record = text if key == "safelight" else ""
    exif, _ = image_file._fitting_exif(Texts(text[:20_000], record[:20_000]), 65533)
    image.convert("RGB").save(file, {"jpg": "JPEG", "webp": "WEBP"}[kind], exif=exif)
    return file.getvalue()


def thumbnails(folder: Path) -> Case:
    """The process that makes them, which nothing may end."""
    from app.state.gallery.thumbnail_maker import ThumbnailMaker

    maker = ThumbnailMaker(96)

    def once(random: Random) -> None:
        kind = random.choice(("png", "png", "jpg", "webp"))
        content = _picture(random, kind, "parameters", "an owl")
        bend = bent_png if kind == "png" and random.random() < 0.7 else bent_bytes
        path = folder / f"x.{kind}"
        path.write_bytes(bend(random, content))
        maker.make(str(path), packed=random.random() < 0.5)

    return once


def records(folder: Path) -> Case:
    """The exact record of a file, and what else is read as JSON: edits, requests."""
    from app.cli.arguments import read_edits
    from engine.record.record import Record
    from engine.request.request import Request
    from engine.run.cost import ask_first

    sample = _record()

    def once(random: Random) -> None:
        record = _told(Record.from_json, _bent(random, sample))
        if record is not None:
            _told(ask_first, "x.png", record.request)
            assert Record.from_json(record.to_json()) == record
            assert Request.from_json(record.request.to_json()) == record.request
        _told(Request.from_json, _bent(random, sample["request"]))
        path = folder / "edits.json"
        text = _bent(random, sample["request"]["edits"])
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        _told(read_edits, path)

    return once


def words(folder: Path) -> Case:
    """What a person types: command lines, axes, curves, addresses."""
    import app.cli.program
    from app.cli.arguments import contradiction
    from engine import hub
    from engine.request.curve import parse
    from engine.request.grid import AXES, Axis

    lines = [
        'render "an owl" --size 64x64 --seed 7 --option key=True --grid guidance=1..2:0.5 -o x.png',
        "render --branch-from a.png --at-step 3 --vary 0.5 --vary-seed 1 --edits e.json --fast 2",
        "render owl --guidance-curve 0:3,1:9 --guidance-interval 0.2:0.8 --film x.webp --class 3",
        "models verify a/b --folder x",
        "models get a/b/c.safetensors --revision main",
        "inspect x.png --json",
    ]
    axes = ("1,4,7.5", "0..3", "1..2:0.25", "euler,unipc", "an owl | a cat")
    curves = ("0:3,0.5:9,1:5", "cosine 0:3,1:9")
    places = ("a/b", "https://huggingface.co/a/b/blob/main/c%20d.safetensors?x=1#y", "a/b/c.gguf")

    def once(random: Random) -> None:
        _told(Axis.parse, random.choice((*AXES,)), bent_text(random, random.choice(axes)))
        _told(parse, bent_text(random, random.choice(curves)))
        _told(hub.survey, bent_text(random, random.choice(places)))  # no connection is allowed
        line = bent_text(random, random.choice(lines)).split(" ")[:200]
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()), suppress(SystemExit):
            arguments = app.cli.program._parser().parse_args(line)
            if hasattr(arguments, "axes"):
                contradiction(arguments)

    return once


def looks(folder: Path) -> Case:
    """Model folders and files: what is told of them before they are loaded."""
    from engine import checkpoint

    broken_one = _broken_models(folder)

    def once(random: Random) -> None:
        broken, part = broken_one(random)
        for path in (broken, part):
            found = checkpoint.inspect(path)
            assert found.state == "ready" or found.problem.strip()
            assert len(found.problem) < LONGEST_SENTENCE
        assert len([*checkpoint.scan(broken.parent)]) < 9
        _told(checkpoint.verify, checkpoint.inspect(broken))

    return once


def loads(folder: Path) -> Case:
    """The same, loaded where they are called ready, and a picture made with what was loaded."""
    import engine
    from engine import checkpoint

    broken_one = _broken_models(folder)
    engine.load(str(folder / "whole" / "sd"))  # what is imported at the first is no cost of a case

    def once(random: Random) -> None:
        broken, _ = broken_one(random)
        if not checkpoint.inspect(broken).loadable:
            return
        pipeline = _told(engine.load, str(broken))
        if pipeline is not None:
            request = engine.Request("an owl", steps=1, width=32, height=32)
            _told(lambda: [*engine.generate(pipeline, request)])
            pipeline.close()

    return once


def _broken_models(folder: Path) -> Callable[[Random], tuple[Path, Path]]:
    """Makes the folder of a small model of which one file is broken, and gives both."""
    from tests import tiny

    whole = folder / "whole"
    tiny.save_stable_diffusion(whole / "sd", tiny.SD1)
    tiny.save_ddpm(whole / "ddpm", tiny.DDPM_CIFAR)
    small = [path for path in sorted(whole.rglob("*.json")) if path.stat().st_size < 10**6]
    large = sorted(whole.rglob("*.safetensors"))
    broken = folder / "place" / "broken"

    def broken_one(random: Random) -> tuple[Path, Path]:
        shutil.rmtree(broken, ignore_errors=True)
        source = random.choice((*large, *small * 2))
        name = source.relative_to(whole).parts[0]
        shutil.copytree(whole / name, broken, copy_function=_linked)
        part = broken / source.relative_to(whole / name)
        content = source.read_bytes()
        part.unlink()  # it is the whole one's, too
        bend = _bent_header if source in large else _bent_settings
        part.write_bytes(bend(random, content))
        return broken, part

    return broken_one


def _linked(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _bent_settings(random: Random, content: bytes) -> bytes:
    text = written(random, bent_json(random, json.loads(content)))
    return text.encode("utf-8", "surrogatepass")


def _bent_header(random: Random, content: bytes) -> bytes:
    """A .safetensors file of which most often the header is bent, and still fits."""
    if random.random() < 0.3:
        return bent_bytes(random, content[:4096]) + content[4096:]
    length = int.from_bytes(content[:8], "little")
    header = written(random, bent_json(random, json.loads(content[8 : 8 + length])))
    packed = header.encode("utf-8", "surrogatepass")
    return len(packed).to_bytes(8, "little") + packed + content[8 + length :]


def homes(folder: Path) -> Case:
    """The whole window on the files of yesterday, of which one or two are broken: settings, queue,
    notes, index and thumbnails. Each in a process of its own, as the program is."""
    home = folder / "home"
    os.environ["SAFELIGHT_HOME"] = str(home)  # whoever calls this: never the person's own files
    command = [sys.executable, "-m", "tests.endurance.keeping", "queue", "prepare", str(home)]
    subprocess.run(command, check=True, capture_output=True)
    whole = folder / "yesterday"
    shutil.move(home, whole)
    files = sorted(path for path in whole.rglob("*") if path.is_file() and path.stat().st_size)
    shutil.copytree(whole, home)
    usual = _opened_seconds()

    def once(random: Random) -> None:
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(whole, home)
        for source in random.sample(files, random.choice((1, 1, 2))):
            content = source.read_bytes()
            target = home / source.relative_to(whole)
            try:
                value = json.loads(content)
            except ValueError:
                target.write_bytes(bent_bytes(random, content))
            else:
                text = written(random, bent_json(random, value))
                target.write_text(text, encoding="utf-8", errors="surrogatepass")
        more = _opened_seconds() - usual
        assert more < MORE, f"{more:.1f} s more of work than with whole files"

    return once


def _opened_seconds() -> float:
    """Open the window in a process of its own and close it again: how long that worked."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        problems: list[str] = []
        try:
            _open_window(problems)
        except BaseException:
            problems.append(traceback.format_exc())
        os.write(writer, "\n".join(problems)[-3000:].encode("utf-8", "replace"))
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as told:  # noqa: PTH123
        problems = [told.read().decode()]
    _, status, used = os.wait4(child, 0)
    assert not any(problems), problems[0]
    assert status == 0, f"the window ended with {os.waitstatus_to_exitcode(status)}"
    assert used.ru_maxrss * 1024 < MOST_MEMORY, f"{used.ru_maxrss:,} KB of memory"
    return used.ru_utime + used.ru_stime


def _open_window(problems: list[str]) -> None:
    from PySide6.QtCore import QtMsgType, qInstallMessageHandler
    from PySide6.QtWidgets import QApplication

    from tests.endurance import keeping

    application = QApplication([])
    application.setQuitOnLastWindowClosed(False)
    _take_all(problems)
    qInstallMessageHandler(
        lambda kind, context, message: (
            problems.append(f"Qt: {message}")
            if kind != QtMsgType.QtDebugMsg and "This plugin does not support" not in message
            else None
        )
    )
    opened = keeping.opened(seconds=0.0)
    opened.window.grab()
    assert opened.close(), "the worker's thread has not ended"


def _take_all(problems: list[str]) -> None:
    """Whatever ends somewhere without anybody to catch it."""

    def take(kind: Any, error: Any, trace: Any) -> None:
        problems.append("".join(traceback.format_exception(kind, error, trace))[-1500:])

    sys.excepthook = take
    threading.excepthook = lambda lost: take(lost.exc_type, lost.exc_value, lost.exc_traceback)
    sys.unraisablehook = lambda lost: take(lost.exc_type, lost.exc_value, lost.exc_traceback)


DOORS: Mapping[str, Callable[[Path], Case]] = {
    door.__name__: door
    for door in (texts, pictures, thumbnails, records, words, looks, loads, homes)
}


def raising(folder: Path) -> Case:
    def once(random: Random) -> None:
        raise KeyError("x")

    return once


def ending(folder: Path) -> Case:
    return lambda random: os._exit(3)


def greedy(folder: Path) -> Case:
    def once(random: Random) -> None:
        bytes(2**31)

    return once


def slow(folder: Path) -> Case:
    def once(random: Random) -> None:
        end = time.process_time() + 2.2
        while time.process_time() < end:
            pass

    return once


TRAPS: Mapping[str, Callable[[Path], Case]] = {
    door.__name__: door for door in (raising, ending, greedy, slow)
}
"""Doors with a fault, by which it is seen that each kind is found."""
