"""How closely the picture follows the hand: from the guidance slider, from the timeline, and from
Stop to "stopped".

    python tests/benchmarks/steering.py [--rounds 30] [--full]

Prints tables: the bundled model in the real window, drawn offscreen; the timeline also with 512 by
512 pixels from the tests' fake engine. The clock runs until all that has changed is painted. Beside
each figure stands what the work alone takes in the same process: the engine's part, if there is
one, and one painting of the canvas.

--full: Stop in a model of Stable Diffusion 1.5's full shape with random weights, 512 by 512,
guided, at random moments within a UNet call and within the VAE's decode. Takes some minutes, 6 GB
of memory and 2 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QAbstractButton, QApplication, QSlider

ROOT = Path(__file__).parents[2]
STEPS = 20
PAUSED_AFTER = 12
REST = 0.06
"""Seconds between two moves: the canvas has come to rest, as under a hand that tries one place and
looks."""
MOVING = 3.0
"""Seconds that the slider is kept moving."""
STOPS, STOPS_IN_DECODE = 8, 4
PATIENCE = 600.0

MAKE = """
import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.utils import logging
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
logging.disable_progress_bar()
logging.set_verbosity_error()
torch.manual_seed(0)
tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER)
text = CLIPTextConfig(
    vocab_size=len(tokenizer), hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
    num_attention_heads=12, max_position_embeddings=77, bos_token_id=0, eos_token_id=1,
    pad_token_id=1,
)
StableDiffusionPipeline(
    vae=AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=512,
    ),
    text_encoder=CLIPTextModel(text),
    tokenizer=tokenizer,
    unet=UNet2DConditionModel(
        sample_size=64, block_out_channels=(320, 640, 1280, 1280), layers_per_block=2,
        cross_attention_dim=768, attention_head_dim=8,
    ),
    scheduler=PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True,
        set_alpha_to_one=False, steps_offset=1,
    ),
    safety_checker=None, feature_extractor=None, requires_safety_checker=False,
).to(torch.bfloat16).save_pretrained(FOLDER)
"""


class Bench(QObject):
    """The window on the screen of nobody, with a clock on its canvas."""

    def __init__(self, engine: Any = None) -> None:
        super().__init__()
        from app.main import build  # found only since `main` has told where

        self.application = build() if engine is None else build(engine)
        self.changes = self.paints = 0  # of the canvas
        self._paints_before = 0  # the last change
        self._ticks = QTimer(self, interval=250)  # a wait must not sleep over its end
        self._ticks.start()
        canvas = self.application.window.canvas
        canvas.installEventFilter(self)
        self.application.showing.picturesChanged.connect(self._count)
        self.application.show()
        self.wait(lambda: self.application.models.card is not None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.paints += event.type() == QEvent.Type.Paint
        return False

    def _count(self) -> None:
        self.changes += 1
        self._paints_before = self.paints

    def wait(self, condition: Callable[[], bool]) -> None:
        """Sleep from event to event until it holds."""
        deadline = time.perf_counter() + PATIENCE
        while not condition():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
            if time.perf_counter() > deadline:
                raise SystemExit("What was waited for has not come.")

    def rest(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        QTimer.singleShot(round(1000 * seconds) + 1, lambda: None)
        self.wait(lambda: time.perf_counter() >= end)

    def until_painted(self, act: Callable[[], None]) -> float:
        """Seconds from `act` to the canvas having another picture, painted."""
        self.rest(REST)
        changes = self.changes
        begun = time.perf_counter()
        act()
        self.wait(lambda: self.changes > changes and self.paints > self._paints_before)
        return time.perf_counter() - begun

    def child(self, kind: type[Any], name: str) -> Any:
        return self.application.window.findChild(kind, name)

    def click(self, name: str) -> None:
        self.child(QAbstractButton, name).click()

    def select(self, run: int, index: int) -> None:
        """As a press on that step in the timeline does."""
        strip = self.application.window.timeline
        row = strip._rows.get(run)
        assert row is not None
        strip._select(row, index)

    def develop(self, pause_after: int | None = None) -> int:
        """Make an image, or hold it after so many steps; the number of its run."""
        app, told = self.application, []

        def pause(row: int, index: int) -> None:
            if index + 1 == pause_after:
                self.click("pauseButton")
                told.append(row)

        app.history.stepAdded.connect(pause)
        self.click("generateButton")
        self.wait(lambda: app.run.running)
        self.wait(lambda: bool(told) or not app.run.running)
        app.history.stepAdded.disconnect(pause)
        self.rest(0.5)  # a step that was under way has come as well
        return app.run.numbers[0]

    def close(self) -> None:
        if not self.application.close():
            raise SystemExit("The threads have not ended.")


def slide(bench: Bench, rounds: int) -> list[float]:
    """Seconds from each of so many moves of the slider to the picture."""
    slider = bench.child(QSlider, "guidanceSlider")
    slider.setValue(10)
    positions = [20 + 37 * move % 160 for move in range(1, rounds + 1)]
    return [bench.until_painted(lambda at=at: slider.setValue(at)) for at in positions]


def keep_sliding(bench: Bench) -> tuple[float, float]:
    """Pictures a second that come to the canvas, and that are painted, while the slider moves."""
    slider, steps = bench.child(QSlider, "guidanceSlider"), iter(range(10**9))
    mover = QTimer(bench, interval=4)
    mover.timeout.connect(lambda: slider.setValue(20 + 7 * next(steps) % 160))
    changes, paints, begun = bench.changes, bench.paints, time.perf_counter()
    mover.start()
    bench.rest(MOVING)
    mover.stop()
    seconds = time.perf_counter() - begun
    rates = (bench.changes - changes) / seconds, (bench.paints - paints) / seconds
    bench.rest(0.5)  # the last picture has come as well
    return rates


def reguide_alone(bench: Bench, run: int, rounds: int) -> list[float]:
    """Seconds that the engine takes for such a picture, without the window."""
    worker: Any = bench.application.worker
    snapshot = worker.memory.snapshot(run, PAUSED_AFTER - 1)
    import engine
    from app.worker.step_pictures import UNNOTICED  # found only since `main` has told where

    def reguide(scale: float) -> None:
        latents = engine.reguide(worker.present.pipeline, snapshot, scale, 0.0)
        engine.previewed(worker.present.pipeline, latents, seconds=UNNOTICED)

    return [seconds_of(lambda at=move: reguide(2.0 + at % 16)) for move in range(rounds)]


def scrub(bench: Bench, run: int, rounds: int) -> list[float]:
    """Seconds from each of so many steps that are chosen in the timeline to the picture."""
    indices = [7 * move % (STEPS - 1) for move in range(1, rounds + 1)]
    return [bench.until_painted(lambda at=index: bench.select(run, at)) for index in indices]


def repaint_alone(bench: Bench, rounds: int) -> list[float]:
    """Seconds that a painting of the canvas takes, with a picture that it has not seen."""
    canvas = bench.application.window.canvas

    def repaint() -> None:
        canvas._enlarged = None
        canvas.repaint()

    return [seconds_of(repaint) for _ in range(rounds)]


def seconds_of(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def with_the_bundled_model(rounds: int) -> None:
    bench = Bench()
    session = bench.application.session
    session.set_prompt("a red apple, 3d")
    session.set_steps(STEPS)
    bench.develop()  # so that nothing is done for the first time
    run = bench.develop(pause_after=PAUSED_AFTER)
    paint = repaint_alone(bench, rounds)
    paused = slide(bench, rounds), keep_sliding(bench), reguide_alone(bench, run, rounds)
    bench.click("pauseButton")
    bench.wait(lambda: not bench.application.run.running)
    bench.select(run, PAUSED_AFTER - 1)
    chosen = slide(bench, rounds), keep_sliding(bench), reguide_alone(bench, run, rounds)
    scrubs = scrub(bench, run, rounds)
    width, height = session.size
    bench.close()
    large = Bench(large_fake())
    large.application.session.set_steps(STEPS)
    large_scrubs = scrub(large, large.develop(), rounds)
    large_paint = repaint_alone(large, rounds)
    large.close()

    states = (("a paused run", paused), ("a step chosen after the run", chosen))
    print("| milliseconds | median | worst | the work alone | ratio | aim |")
    print("|---|---|---|---|---|---|")
    for state, (moves, _, engine) in states:
        both = [one + other for one, other in zip(engine, paint, strict=True)]
        show(f"slider to canvas, {state}", moves, both)
    show(f"timeline to canvas, {width} by {height}", scrubs, paint)
    show("timeline to canvas, 512 by 512", large_scrubs, large_paint)
    print()
    print("| pictures a second, the slider kept moving | canvas | painted | engine alone | aim |")
    print("|---|---|---|---|---|")
    for state, (_, (changed, painted), engine) in states:
        most = 1 / statistics.median(engine)
        print(f"| {state} | {changed:.0f} | {painted:.0f} | {most:.0f} | 20 |", flush=True)


def show(label: str, times: list[float], alone: list[float]) -> None:
    """A row of the table of milliseconds."""
    median, peer = statistics.median(times), statistics.median(alone)
    print(
        f"| {label} | {1000 * median:.1f} | {1000 * max(times):.1f} | {1000 * peer:.1f} | "
        f"{median / peer:.1f} | 50 |"
    )


def large_fake() -> Any:
    from engine.request.request import Request
    from tests.app.fake_engine import FakeEngine, FakePipeline

    fake = FakeEngine()
    fake.models["bundled"] = FakePipeline(
        sizes=SimpleNamespace(multiple=8, minimum=8, maximum=512),
        default_request=Request(
            width=512, height=512, steps=STEPS, guidance_scale=5.0, scheduler="unipc"
        ),
    )
    return fake


def at_full_size(home: str) -> None:
    folder = Path(home) / "full"
    names = {"FOLDER": str(folder), "TOKENIZER": str(ROOT / "resources/models/emoji/tokenizer")}
    head = "\n".join(f"{name} = {value!r}" for name, value in names.items())
    subprocess.run([sys.executable, "-c", head + MAKE], check=True)

    bench = Bench()
    app, chance = bench.application, random.Random(0)
    app.models.choose(str(folder))
    bench.wait(lambda: app.models.card is not None and app.models.card.source == str(folder))
    card = app.models.card
    assert card is not None
    app.session.set_prompt("a red apple, 3d")
    app.session.set_size(512, 512)
    app.session.set_scheduler("euler")
    app.session.set_steps(1)
    first, usual = watched(bench), watched(bench)
    in_call = [stopped(bench, "encoded", usual.call * chance.random()) for _ in range(STOPS)]
    in_decode = [
        stopped(bench, "stepped", usual.decode * chance.random()) for _ in range(STOPS_IN_DECODE)
    ]
    bench.close()

    print(f"\nStable Diffusion 1.5's shape, 512 by 512, guided, {card.dtype}\n")
    print("| seconds | median | worst | longest without a look at Stop | the whole | ratio | aim |")
    print("|---|---|---|---|---|---|---|")
    for label, times, longest, whole in (
        ("Stop in a UNet call to stopped", in_call, usual.longest_in_call, usual.call),
        ("Stop in the decode to stopped", in_decode, usual.longest_in_decode, usual.decode),
    ):
        print(
            f"| {label} | {statistics.median(times):.2f} | {max(times):.2f} | {longest:.2f} | "
            f"{whole:.1f} | {longest / whole:.2f} | 0.5 |"
        )
    print(
        f"\nThe pictures of a step take {usual.pictures:.2f} s, those of the model's first step "
        f"{first.pictures:.2f} s; a Stop in them acts at their end."
    )


@dataclass(frozen=True)
class Watched:
    """Seconds that the parts of a run of one step take, the decode with writing the file; and the
    longest times from one look at Stop to the next in the first two."""

    call: float
    decode: float
    pictures: float
    longest_in_call: float
    longest_in_decode: float


def watched(bench: Bench) -> Watched:
    """Make an image of one step."""
    app = bench.application
    at: dict[str, float] = {}
    steps: list[Any] = []
    looks: list[float] = []

    def watch_looks(_: object) -> None:
        (control,) = app.worker.controls.present
        poll = control.poll

        def look() -> None:
            looks.append(time.perf_counter())
            poll()

        control.poll = look

    def note(name: str) -> None:
        at.setdefault(name, time.perf_counter())

    app.worker.started.connect(watch_looks)
    app.worker.stepped.connect(steps.append)
    app.worker.stepped.connect(lambda _: note("stepped"))
    app.worker.finished.connect(lambda _: note("finished"))
    bench.click("generateButton")
    bench.wait(lambda: app.run.running)
    bench.wait(lambda: not app.run.running)
    app.worker.started.disconnect(watch_looks)

    call: float = app.worker.present.pipeline.pace.evaluation
    pictures = steps[0].seconds - call
    decode_begun = at["stepped"]
    called = [look for look in looks if look < decode_begun - pictures]
    called.append(decode_begun - pictures)
    decoded = [look for look in looks if look >= decode_begun]
    decoded.append(at["finished"])
    return Watched(
        call,
        at["finished"] - decode_begun,
        pictures,
        max(after - before for before, after in pairwise(called[1:])),
        max(after - before for before, after in pairwise(decoded)),
    )


def stopped(bench: Bench, event: str, delay: float) -> float:
    """Press Stop so long after the worker told of `event`; seconds until the window says so."""
    app = bench.application
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.perf_counter())
        bench.click("stopButton")

    timer = QTimer(bench, singleShot=True, interval=round(1000 * delay))
    timer.timeout.connect(press)
    begin = timer.start
    signal = getattr(app.worker, event)
    signal.connect(begin)
    bench.click("generateButton")
    bench.wait(lambda: app.run.running)
    bench.wait(lambda: not app.run.running)
    signal.disconnect(begin)
    timer.stop()
    if not pressed:  # this time it was over sooner
        return stopped(bench, event, delay / 2)
    return time.perf_counter() - pressed[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30, help="moves of the slider, and steps")
    parser.add_argument("--full", action="store_true", help="Stop in a model of full size as well")
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("QT_QPA_PLATFORM", f"offscreen:configfile={ROOT}/tests/screen.json")
    qt = QApplication([])
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "PySide6_Essentials"))
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; {packages}\n")
    with tempfile.TemporaryDirectory() as home:
        os.environ["SAFELIGHT_HOME"] = home
        with_the_bundled_model(asked.rounds)
        if asked.full:
            at_full_size(home)
    del qt


if __name__ == "__main__":
    main()
