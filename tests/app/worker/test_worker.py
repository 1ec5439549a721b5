"""The worker on its thread: what it tells, how it is steered, and that no error ends it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt, QThread, Signal
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.state.pixels import _image, from_array, kept, opaque, sheet
from app.state.runs.plan import Origin, Plan
from app.state.runs.run import StepView
from app.state.runs.run_memory import USUAL_BYTES, RunMemory
from app.worker.enlarger import Enlarger
from app.worker.retoucher import Retoucher
from app.worker.shown_steps import EVERY_STEP, SHOWN_EVERY, ShownSteps
from app.worker.worker import Worker
from engine.errors import LoadError, OutOfMemory, SaveError
from engine.images import grid as grid_of
from engine.request.grid import Axis, Grid
from engine.request.request import Request
from tests.app.by_hand import heard
from tests.app.conftest import Told
from tests.app.fake_engine import FAKE_CLASSES, FakeEngine


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def evaluation(index: int, total: int, seconds: float) -> Any:
    return SimpleNamespace(index=index, total=total, seconds=seconds)


REQUEST = Request(prompt="an owl", steps=3, seed=40, width=64, height=64)


@pytest.fixture
def worker(qtbot: QtBot, fake: FakeEngine) -> Iterator[Worker]:
    worker = Worker(fake, RunMemory())
    thread = QThread()
    worker.moveToThread(thread)
    thread.start()
    yield worker
    worker.close()
    thread.quit()
    assert thread.wait(3000)


@pytest.fixture
def told(worker: Worker) -> Told:
    return Told(worker)


@pytest.fixture
def loaded(qtbot: QtBot, worker: Worker, told: Told) -> Worker:
    with qtbot.waitSignals([told.ready, told.idle]):
        worker.load("bundled")
    return worker


def plan(request: Request = REQUEST, **more: Any) -> Plan:
    return Plan((request,), **more)


def test_a_model_is_told_in_plain_values(
    qtbot: QtBot, worker: Worker, told: Told, fake: FakeEngine
) -> None:
    with qtbot.waitSignal(told.ready) as ready:
        worker.load("bundled")
    card = ready.args[0]
    assert (card.source, card.name, card.device, card.dtype) == (
        "bundled",
        "Bundled",
        "cpu",
        "torch.float32",
    )
    assert (card.multiple, card.minimum, card.maximum) == (8, 8, 256)
    assert (card.abilities, card.class_count) == ({"prompt", "negative"}, 0)
    assert fake.threads.isdisjoint({threading.get_ident()})


def test_a_run_is_told_step_by_step(
    qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
) -> None:
    steps, plans = heard(told.stepped), heard(told.planned)
    signals = [told.started, told.encoded, told.finished, told.idle]
    with qtbot.waitSignals(signals, order="strict"):
        loaded.run(plan(), str(tmp_path))
    assert [(step.index, step.total, step.guidance_scale) for step in steps] == [
        (0, 3, 7.5),
        (1, 3, 7.5),
        (2, 3, 7.5),
    ]
    assert steps[2].predicted.size().toTuple() == (64, 64)
    assert steps[2].noisy.size().toTuple() == (8, 8)
    assert steps[2].predicted.pixelColor(5, 5) == QColor(255, 255, 255)
    assert steps[2].noisy.pixelColor(5, 5) == QColor(127, 127, 127)
    snapshots = loaded.memory.runs[1].snapshots
    assert ([one.index for one in snapshots], snapshots.size) == ([0, 1, 2], 3000)
    assert plans == [(1, (7.5, 7.5, 7.5))]


def test_a_model_without_a_prompt_has_no_guidance(
    qtbot: QtBot, worker: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    fake.models["cats"] = FAKE_CLASSES
    cards = heard(told.ready)
    with qtbot.waitSignal(told.idle):
        worker.load("cats")
    card = cards[0]
    assert (card.abilities, card.class_count) == ({"classes"}, 10)
    steps, plans = heard(told.stepped), heard(told.planned)
    with qtbot.waitSignal(told.idle):
        worker.run(plan(card.suited(replace(REQUEST, class_label=3))), str(tmp_path))
    assert [step.guidance_scale for step in steps] == [None] * 3
    assert plans == []
    assert fake.requests[0].class_label == 3


@pytest.mark.parametrize(("total", "seconds"), [(EVERY_STEP, 0.0), (1000, 1.01 * SHOWN_EVERY)])
def test_every_step_is_shown_in_a_short_or_slow_run(total: int, seconds: float) -> None:
    clock = Clock()
    shown_steps = ShownSteps(clock)
    for index in range(total):
        assert shown_steps.shows(evaluation(index, total, seconds))
        assert shown_steps.seconds_a_step(0.25) == seconds + 0.25
        clock.now += seconds


def test_a_long_quick_run_shows_thirty_a_second_and_its_last_step() -> None:
    clock = Clock()
    shown_steps = ShownSteps(clock)
    shown, paces = [], []
    for index in range(1000):
        if shown_steps.shows(evaluation(index, 1000, 0.005)):
            shown.append(index)
            paces.append(shown_steps.seconds_a_step(0.0))
        clock.now += 0.005
    assert (shown[0], shown[-1]) == (0, 999)
    assert 1000 * 0.005 / SHOWN_EVERY * 0.9 < len(shown) <= 1000 * 0.005 / SHOWN_EVERY + 2
    assert paces == [pytest.approx(0.005)] * len(paces)


def test_images_are_written_by_date_time_and_seed(
    qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "folder"
    with qtbot.waitSignal(told.finished) as finished:
        loaded.run(plan(replace(REQUEST, count=3)), str(folder))
    result = finished.args[0]
    assert [path.rsplit("-", 1)[1] for path in result.paths] == ["40.png", "41.png", "42.png"]
    assert all(Path(path).stat().st_size > 0 for path in result.paths)
    assert result.sheet.size().toTuple() == (128, 128)
    assert result.sheet.pixelColor(70, 5) == result.images[1].pixelColor(0, 0)
    assert result.save_error == ""


def test_the_same_request_twice_overwrites_nothing(
    qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
) -> None:
    for _ in range(3):
        with qtbot.waitSignal(told.finished):
            loaded.run(plan(), str(tmp_path))
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_guidance_reaches_the_run_under_way(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    fake.gate = threading.Semaphore(1)
    steps, plans, notes = heard(told.stepped), heard(told.planned), heard(told.encoded)
    with qtbot.waitSignal(told.stepped):
        loaded.run(plan(), str(tmp_path))
    loaded.steer("guidance_scale", 11.0)
    loaded.steer("guidance_rescale", 0.5)
    loaded.steer("words", ("a cat", "rain"))
    with qtbot.waitSignal(told.finished):
        fake.gate.release(9)
    assert [step.guidance_scale for step in steps] == [7.5, 11.0, 11.0]
    assert [sorted((e.step, e.field, e.value) for e in step.edits) for step in steps] == [
        [],
        [
            (1, "guidance_rescale", 0.5),
            (1, "guidance_scale", 11.0),
            (1, "negative_prompt", "rain"),
            (1, "prompt", "a cat"),
        ],
        [],
    ]
    assert plans == [(1, (7.5, 7.5, 7.5)), (1, (7.5, 11.0, 11.0))]
    assert [note[0] for note in notes] == [1, 1], "the new prompt is read as well"


def test_finishing_makes_an_image_of_what_is_there(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    fake.gate = threading.Semaphore(2)
    with qtbot.waitSignals([told.stepped, told.stepped]):
        loaded.run(plan(replace(REQUEST, steps=50)), str(tmp_path))
    with qtbot.waitSignal(told.finished) as finished:
        loaded.finish()
    assert fake.evaluated == [0, 1]
    assert Path(finished.args[0].paths[0]).stat().st_size > 0


def test_pausing_holds_the_run(qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path) -> None:
    loaded.run(plan(), str(tmp_path))
    loaded.set_paused(True)  # acts although the run may not have begun
    with qtbot.assertNotEmitted(told.finished, wait=80):
        pass
    with qtbot.waitSignal(told.finished):
        loaded.set_paused(False)


@pytest.mark.parametrize("paused", [False, True])
def test_cancelling_ends_the_run_paused_or_not(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path, paused: bool
) -> None:
    fake.gate = threading.Semaphore(2)
    loaded.set_paused(paused)
    with qtbot.waitSignal(told.stepped):
        loaded.run(plan(replace(REQUEST, steps=50)), str(tmp_path))
    loaded.set_paused(paused)
    with qtbot.waitSignal(told.cancelled) as cancelled:
        loaded.cancel()
    assert cancelled.args[1] in (1, 2)
    qtbot.waitUntil(lambda: fake.generators_closed == 1)
    assert list(tmp_path.glob("*.png")) == []


def test_a_run_can_be_cancelled_before_it_has_begun(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    with qtbot.waitSignal(told.cancelled) as cancelled:
        loaded.run(plan(), str(tmp_path))
        loaded.cancel()
    assert cancelled.args[1] <= 1


@pytest.mark.parametrize(
    ("stage", "error", "words"),
    [
        ("encode", OutOfMemory("The device has too little memory."), "too little memory"),
        (1, RuntimeError("mat1 and mat2"), "RuntimeError: mat1 and mat2"),
        (0, MemoryError(), "too little memory"),
        (2, OSError(5, "Input/output error", "weights"), "weights: Input/output error"),
        (1, ValueError("{braces}"), "{braces}"),
    ],
)
def test_every_error_becomes_a_sentence_and_the_next_run_works(
    qtbot: QtBot,
    loaded: Worker,
    told: Told,
    fake: FakeEngine,
    tmp_path: Path,
    stage: Any,
    error: Exception,
    words: str,
) -> None:
    fake.failures[stage] = error
    with qtbot.waitSignal(told.failed) as failed:
        loaded.run(plan(), str(tmp_path))
    assert words in failed.args[1]
    qtbot.waitUntil(lambda: fake.generators_closed == 1)
    fake.failures.clear()
    with qtbot.waitSignal(told.finished):
        loaded.run(plan(), str(tmp_path))


def test_without_a_model_a_run_is_refused_in_words(
    qtbot: QtBot, worker: Worker, told: Told, tmp_path: Path
) -> None:
    refused = heard(told.refused)
    with qtbot.waitSignal(told.idle):
        worker.run(plan(), str(tmp_path))
    assert refused == ["No model is loaded. Choose one first."]


def test_a_load_that_fails_keeps_the_former_model(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    former = fake.pipeline
    fake.failures["load"] = LoadError("There is no model folder /gone. Check the path.")
    with qtbot.waitSignal(told.loadFailed) as failed:
        loaded.load("/gone")
    assert failed.args[0] == "There is no model folder /gone. Check the path."
    assert not former.closed
    with qtbot.waitSignal(told.finished):
        loaded.run(plan(), str(tmp_path))


def test_a_new_model_closes_the_former(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine
) -> None:
    former = fake.pipeline
    with qtbot.waitSignal(told.ready):
        loaded.load("/models/other")
    assert former.closed
    assert not fake.pipeline.closed


def test_the_former_model_stays_while_there_is_memory(
    qtbot: QtBot, fake: FakeEngine, loaded: Worker, told: Told
) -> None:
    def load(source: str) -> Any:
        with qtbot.waitSignals([told.ready, told.idle]):
            loaded.load(source)
        return loaded.present.pipeline

    fake.memory = 0.9
    bundled = loaded.present.pipeline
    other = load("other")
    assert load("bundled") is bundled
    assert load("other") is other
    assert fake.loaded == ["bundled", "other"], "switching back loads nothing"
    load("third")
    assert (bundled.closed, other.closed) == (True, False)
    fake.memory = 0.1
    load("bundled")
    assert other.closed, "one that was put by goes before another is loaded"
    assert fake.loaded == ["bundled", "other", "third", "bundled"]


def test_what_a_file_predicts_is_part_of_which_model_it_is(
    qtbot: QtBot, fake: FakeEngine, loaded: Worker, told: Told
) -> None:
    asked: list[dict[str, Any]] = []
    plain = fake.load

    def load(source: str, progress: Any = None, **options: Any) -> Any:
        asked.append(options)
        return plain(source, progress=progress)

    fake.load, fake.memory = load, 0.9
    for prediction in (None, "epsilon", None):
        with qtbot.waitSignals([told.ready, told.idle]):
            loaded.load("file.safetensors", prediction)
    assert asked == [{}, {"prediction_type": "epsilon"}], "the plain one was still there"


@pytest.mark.parametrize("error", [SaveError("The disk is full."), OSError(28, "No space left")])
def test_an_image_that_cannot_be_written_is_not_lost(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path, error: Exception
) -> None:
    fake.failures["save"] = error
    with qtbot.waitSignal(told.finished) as finished:
        loaded.run(plan(), str(tmp_path))
    result = finished.args[0]
    assert result.paths == (None,)
    assert str(getattr(error, "strerror", None) or error) in result.save_error
    assert result.images[0].size().toTuple() == (64, 64)
    assert list(tmp_path.glob("*.png")) == []

    with qtbot.waitSignal(told.saveFailed):
        loaded.save(result.number, 0, str(tmp_path / "again.png"))
    fake.failures.clear()
    with qtbot.waitSignal(told.saved):
        loaded.save(result.number, 0, str(tmp_path / "again.png"))
    assert (tmp_path / "again.png").stat().st_size > 0


def test_closing_gives_up_a_load(
    qtbot: QtBot, worker: Worker, told: Told, fake: FakeEngine
) -> None:
    fake.load_gate = threading.Event()
    with qtbot.waitSignal(told.loading):
        worker.load("bundled")
    with qtbot.waitSignal(told.loadFailed):
        worker.close()


class TestBranches:
    @pytest.fixture
    def parent(self, qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path) -> Worker:
        """Run 1 has been made with four steps."""
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(replace(REQUEST, steps=4)), str(tmp_path))
        return loaded

    def branch(self, index: int = 1, run: int = 1, scale: float = 7.5) -> Plan:
        """From that step; what a branch has from its parent is different in the recipe."""
        own = Request(prompt="an owl", guidance_scale=scale, seed=9, steps=77, width=8, height=8)
        return plan(own, origin=Origin(run, index))

    def test_only_the_remaining_steps_are_made(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        begun, steps = heard(told.started), heard(told.stepped)
        with qtbot.waitSignal(told.finished) as finished:
            parent.run(self.branch(scale=11.0), str(tmp_path))
        assert fake.evaluated == [0, 1, 2, 3, 2, 3]
        (row,) = begun[0].rows
        assert (row.number, row.parent, row.first) == (2, 1, 2)
        assert (row.request.seed, row.request.steps, row.request.width) == (40, 4, 64)
        assert [(s.run, s.index, s.total, s.guidance_scale) for s in steps] == [
            (2, 2, 4, 11.0),
            (2, 3, 4, 11.0),
        ]
        assert [(e.step, e.field, e.value) for e in steps[0].edits] == [(2, "guidance_scale", 11.0)]
        assert "-40" in Path(finished.args[0].paths[0]).name

    def test_branches_of_branches(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        for number, index in ((1, 0), (2, 1), (3, 2)):
            with qtbot.waitSignal(told.idle):
                parent.run(self.branch(index, number, 8.0 + number), str(tmp_path))
        assert fake.evaluated == [*(0, 1, 2, 3), *(1, 2, 3), *(2, 3), 3]
        path = [(edit.step, edit.value) for edit in fake.starts[-1].request.edits]
        assert path == [(1, 9.0), (2, 10.0)]

    def test_of_a_run_whose_model_was_switched(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        with qtbot.waitSignal(told.idle):
            parent.load("/models/other")
        with qtbot.waitSignals([told.ready, told.started, told.finished], order="strict"):
            parent.run(self.branch(), str(tmp_path))
        assert fake.loaded == ["bundled", "/models/other", "bundled"]
        assert fake.evaluated == [0, 1, 2, 3, 2, 3]

    def test_of_a_run_whose_model_is_gone(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        with qtbot.waitSignal(told.idle):
            parent.load("/models/other")
        present = fake.pipeline
        fake.failures["bundled"] = LoadError("The folder is empty.")
        begun, refused = heard(told.started), heard(told.refused)
        with qtbot.waitSignal(told.idle):
            parent.run(self.branch(), str(tmp_path))
        assert refused == [
            "The model of that run, bundled, cannot be loaded again. The folder is empty."
        ]
        assert (begun, present.closed) == ([], False)
        with qtbot.waitSignal(told.finished):
            parent.run(plan(), str(tmp_path))
        assert fake.pipeline is present

    @pytest.mark.parametrize(("run", "index"), [(1, 1), (7, 0)])
    def test_of_a_step_that_was_forgotten(
        self,
        qtbot: QtBot,
        parent: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        run: int,
        index: int,
    ) -> None:
        parent.memory.forget(1)
        parent.memory.forget(1)
        refused = heard(told.refused)
        with qtbot.waitSignal(told.idle):
            parent.run(self.branch(index, run), str(tmp_path))
        assert refused[0].startswith("That step is not in memory any more.")
        assert (len(refused), len(fake.requests)) == (1, 1)

    def test_variations_side_by_side(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        begun, steps, finished = heard(told.started), heard(told.stepped), heard(told.finished)
        varied = replace(
            self.branch(), requests=self.branch().requests * 3, vary=0.3, vary_seeds=(5, 6, 7)
        )
        with qtbot.waitSignal(told.idle):
            parent.run(varied, str(tmp_path))
        assert [(row.number, row.parent, row.varied) for row in begun[0].rows] == [
            (2, 1, True),
            (3, 1, True),
            (4, 1, True),
        ]
        assert begun[0].plan.steerable
        order = [(2, 2), (3, 2), (4, 2), (2, 3), (3, 3), (4, 3)]
        assert [(step.run, step.index) for step in steps] == order
        noise = [step.edits[0].value for step in steps[:3]]
        assert noise == [{"amount": 0.3, "seed": seed} for seed in (5, 6, 7)]
        assert sorted(result.number for result in finished) == [2, 3, 4]
        assert len({result.paths[0] for result in finished}) == 3
        assert {parent.memory.runs[run].snapshots.budget for run in (2, 3, 4)} == {USUAL_BYTES // 3}

    def test_variations_leave_where_a_step_can_be_left(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        """Some schedulers evaluate twice a step, and cannot begin anew in between."""
        for snapshot in parent.memory.runs[1].snapshots:
            snapshot.scheduler.entries = (0, 1, 4)
        begun = heard(told.started)
        varied = replace(self.branch(2), vary=0.3, vary_seeds=(5,))
        with qtbot.waitSignal(told.idle):
            parent.run(varied, str(tmp_path))
        assert begun[0].rows[0].first == 1


class TestGrids:
    GRID = Grid((Axis.parse("seed", "0..2"), Axis.parse("guidance", "4, 7")))

    @pytest.fixture
    def grid(self) -> Plan:
        return Plan(self.GRID.requests(REQUEST), grid=self.GRID)

    def test_a_cell_that_fails_leaves_the_others(
        self,
        qtbot: QtBot,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        grid: Plan,
    ) -> None:
        fake.failures["seed", 1] = OutOfMemory("Too little memory. Take a smaller size.")
        begun, failed, finished = heard(told.started), heard(told.failed), heard(told.finished)
        sheets = heard(told.compared)
        with qtbot.waitSignal(told.idle):
            loaded.run(grid, str(tmp_path))
        assert [row.label for row in begun[0].rows][:4] == ["0 · 4", "1 · 4", "2 · 4", "0 · 7"]
        assert begun[0].rows[5].title == "seed 2 · guidance 7"
        assert not begun[0].plan.steerable
        assert failed == [(run, "Too little memory. Take a smaller size.") for run in (2, 5)]
        assert sorted(result.number for result in finished) == [1, 3, 4, 6]
        (sheet,) = sheets
        assert sheet.picture.image.size().toTuple() == (3 * 64, 2 * 64)
        assert sheet.picture.path.endswith("-0-grid.png")
        assert len(list(tmp_path.glob("*.png"))) == 5

    def test_an_unexpected_end_is_told_of_every_run(
        self,
        qtbot: QtBot,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        grid: Plan,
    ) -> None:
        fake.failures[1] = RuntimeError("mat1 and mat2")
        failed = heard(told.failed)
        with qtbot.waitSignal(told.idle):
            loaded.run(grid, str(tmp_path))
        assert [run for run, _ in failed] == [1, 2, 3, 4, 5, 6]
        assert {("mat1 and mat2" in words) for _, words in failed} == {True}
        assert fake.alive == 0

    @pytest.mark.parametrize("stage", ["sheet", "save"])
    def test_a_sheet_that_cannot_be_made_or_written_is_told(
        self,
        qtbot: QtBot,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        grid: Plan,
        stage: str,
    ) -> None:
        fake.failures[stage] = OSError(28, "No space left")
        sheets, troubles = heard(told.compared), heard(told.saveFailed)
        with qtbot.waitSignal(told.idle):
            loaded.run(grid, str(tmp_path))
        if stage == "sheet":
            assert (sheets, len(troubles)) == ([], 1)
            return
        (sheet,) = sheets
        assert (sheet.picture.path, sheet.picture.name) == ("", "0-grid.png")
        assert "No space left" in sheet.save_error
        fake.failures.clear()
        run, index = sheet.picture.unsaved
        with qtbot.waitSignal(told.saved):
            loaded.save(run, index, str(tmp_path / "again.png"))
        assert (tmp_path / "again.png").stat().st_size > 0

    def test_a_grid_that_is_stopped_is_as_far_as_it_came(
        self,
        qtbot: QtBot,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        grid: Plan,
    ) -> None:
        fake.gate = threading.Semaphore(8)
        cancelled, sheets = heard(told.cancelled), heard(told.compared)
        with qtbot.waitSignals([told.stepped] * 8):
            loaded.run(grid, str(tmp_path))
        with qtbot.waitSignal(told.idle):
            loaded.cancel()
        assert sorted(cancelled) == [(1, 2), (2, 2), (3, 1), (4, 1), (5, 1), (6, 1)]
        assert sheets == []


class Shown(QObject):
    """What the retoucher tells, told again in the test's own thread."""

    retouched = Signal(int, int, float, QImage, str)
    failed = Signal(str)

    def __init__(self, retoucher: Retoucher) -> None:
        super().__init__()
        retoucher.retouched.connect(self.retouched)
        retoucher.failed.connect(self.failed)


class TestRetouching:
    @pytest.fixture
    def retoucher(
        self, qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
    ) -> Iterator[Retoucher]:
        """For run 1, which is over."""
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(), str(tmp_path))
        retoucher = Retoucher(loaded)
        thread = QThread()
        retoucher.moveToThread(thread)
        thread.finished.connect(retoucher.stop, Qt.ConnectionType.DirectConnection)
        thread.start()
        yield retoucher
        retoucher.close()
        thread.quit()
        assert thread.wait(3000)

    @pytest.fixture
    def shown(self, retoucher: Retoucher) -> Shown:
        return Shown(retoucher)

    def test_the_latest_wish_wins(
        self, qtbot: QtBot, retoucher: Retoucher, shown: Shown, fake: FakeEngine
    ) -> None:
        fake.reguide_gate = threading.Event()
        pictures = heard(shown.retouched)
        retoucher.ask(1, 1, 1.0, 0.0)
        qtbot.waitUntil(lambda: fake.reguided == [1.0])
        for scale in range(2, 20):
            retoucher.ask(1, 1, float(scale), 0.0)
        fake.reguide_gate.set()
        qtbot.waitUntil(lambda: len(pictures) == 2)
        assert fake.reguided == [1.0, 19.0]
        assert [told[:3] for told in pictures] == [(1, 1, 1.0), (1, 1, 19.0)]
        assert pictures[1][3].pixelColor(5, 5) == QColor(190, 190, 190)

    def test_while_the_worker_is_busy(
        self,
        qtbot: QtBot,
        retoucher: Retoucher,
        shown: Shown,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        fake.gate = threading.Semaphore(1)
        with qtbot.waitSignal(told.stepped):
            loaded.run(plan(), str(tmp_path))
        for run, index in ((1, 2), (2, 0)):
            with qtbot.waitSignal(shown.retouched) as retouched:
                retoucher.ask(run, index, 3.0, 0.0)
            assert retouched.args[:2] == [run, index]
        assert fake.alive == 1

    def test_an_error_is_a_sentence_and_the_next_wish_works(
        self, qtbot: QtBot, retoucher: Retoucher, shown: Shown, fake: FakeEngine
    ) -> None:
        fake.failures["reguide"] = RuntimeError("mat1 and mat2")
        with qtbot.waitSignal(shown.failed) as failed:
            retoucher.ask(1, 1, 3.0, 0.0)
        assert "mat1 and mat2" in failed.args[0]
        fake.failures.clear()
        with qtbot.waitSignal(shown.retouched):
            retoucher.ask(1, 1, 3.0, 0.0)

    def test_once_the_slider_rests_the_picture_comes_in_full(
        self, qtbot: QtBot, retoucher: Retoucher, shown: Shown, fake: FakeEngine
    ) -> None:
        """A decode of over a tenth of a second never came, and what was sharp stayed a blur."""
        fake.kinds = {"linear": "linear", "auto": "linear", "vae": "vae"}
        pictures = heard(shown.retouched)
        for scale in range(1, 5):
            retoucher.ask(1, 1, float(scale), 0.0)
        qtbot.waitUntil(lambda: [told[4] for told in pictures[-1:]] == ["vae"])
        assert [told[:3] + told[4:] for told in pictures[-2:]] == [
            (1, 1, 4.0, "linear"),
            (1, 1, 4.0, "vae"),
        ]
        assert not retoucher.waiting

    def test_the_full_picture_gives_way_and_is_not_made_for_nobody(
        self, qtbot: QtBot, retoucher: Retoucher, shown: Shown, fake: FakeEngine
    ) -> None:
        fake.kinds = {"linear": "linear", "auto": "linear", "vae": "vae"}
        pictures = heard(shown.retouched)
        fake.preview_gate = threading.Semaphore(1)
        retoucher.ask(1, 1, 3.0, 0.0)
        qtbot.waitUntil(lambda: fake.previewed_kinds == ["auto", "vae"])
        retoucher.ask(1, 1, 4.0, 0.0)
        qtbot.waitUntil(lambda: fake.given_up == 1)
        fake.preview_gate.release(1)
        qtbot.waitUntil(lambda: [told[2] for told in pictures] == [3.0, 4.0])
        qtbot.waitUntil(lambda: fake.previewed_kinds == ["auto", "vae", "auto", "vae"])
        retoucher.leave(None, None)  # pyright: ignore[reportArgumentType]
        qtbot.waitUntil(lambda: fake.given_up == 2)
        fake.preview_gate.release(9)
        qtbot.wait(400)
        assert (len(pictures), len(fake.previewed_kinds)) == (2, 4)

    def test_the_full_picture_takes_nothing_from_a_run(
        self,
        qtbot: QtBot,
        retoucher: Retoucher,
        shown: Shown,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        fake.kinds = {"linear": "linear", "auto": "linear", "vae": "vae"}
        pictures = heard(shown.retouched)
        fake.gate = threading.Semaphore(1)
        with qtbot.waitSignal(told.stepped):
            loaded.run(plan(), str(tmp_path))
        retoucher.ask(1, 1, 3.0, 0.0)
        qtbot.wait(400)
        assert fake.previewed_kinds == ["auto"] and len(pictures) == 1
        loaded.set_paused(True)
        retoucher.wake()
        qtbot.waitUntil(lambda: len(pictures) == 2)
        assert pictures[1][4] == "vae"
        loaded.cancel()

    def test_without_guidance_without_the_step_or_with_another_model_there_is_nothing(
        self,
        qtbot: QtBot,
        retoucher: Retoucher,
        shown: Shown,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(replace(REQUEST, guidance_scale=1.0)), str(tmp_path))
        assert loaded.retouched(2, 1, 3.0, 0.0) is None
        assert loaded.retouched(7, 1, 3.0, 0.0) is None
        with qtbot.waitSignal(told.idle):
            loaded.load("/models/other")
        assert loaded.retouched(1, 1, 3.0, 0.0) is None
        with qtbot.waitSignal(told.idle):
            loaded.load("bundled")
        assert loaded.retouched(1, 1, 3.0, 0.0) is not None
        loaded.memory.forget(1)
        assert loaded.retouched(1, 1, 3.0, 0.0) is None


class Pictured(QObject):
    """What the enlarger tells, told again in the test's own thread."""

    enlarged = Signal(int, int, QImage, str)
    failed = Signal(str)

    def __init__(self, enlarger: Enlarger) -> None:
        super().__init__()
        enlarger.enlarged.connect(self.enlarged)
        enlarger.failed.connect(self.failed)


class TestEnlarging:
    """Of a model whose steps come as linear pictures; the VAE's take their time."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def enlarger(self, fake: FakeEngine, loaded: Worker, clock: Clock) -> Iterator[Enlarger]:
        fake.kinds = {"linear": "linear", "auto": "vae", "vae": "vae"}
        enlarger = Enlarger(loaded, Retoucher(loaded), clock)
        thread = QThread()
        enlarger.moveToThread(thread)
        thread.finished.connect(enlarger.stop, Qt.ConnectionType.DirectConnection)
        loaded.stepped.connect(enlarger.follow, Qt.ConnectionType.DirectConnection)
        loaded.idle.connect(enlarger.wake, Qt.ConnectionType.DirectConnection)
        thread.start()
        yield enlarger
        enlarger.close()
        thread.quit()
        assert thread.wait(3000)

    @pytest.fixture
    def pictures(self, enlarger: Enlarger) -> list[Any]:
        self.pictured = Pictured(enlarger)
        return heard(self.pictured.enlarged)

    def test_a_slow_picture_delays_no_step(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        fake.preview_gate = threading.Semaphore(0)
        steps = heard(told.stepped)
        with qtbot.waitSignals([told.finished, told.idle], order="strict"):
            loaded.run(plan(replace(REQUEST, steps=5)), str(tmp_path))
        assert [(step.index, step.kind) for step in steps] == [(i, "linear") for i in range(5)]
        assert pictures == []

    def test_the_newest_step_wins_and_the_image_goes_before_it(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        fake.preview_gate, fake.gate = threading.Semaphore(0), threading.Semaphore(1)
        steps = heard(told.stepped)
        loaded.run(plan(replace(REQUEST, steps=6)), str(tmp_path))
        qtbot.waitUntil(lambda: len(steps) == 1 and fake.previewed_kinds == ["auto"])
        clock.now += 1
        fake.gate.release(3)
        qtbot.waitUntil(lambda: len(steps) == 4)
        fake.preview_gate.release(2)
        qtbot.waitUntil(lambda: len(pictures) == 2)
        assert [told[:2] for told in pictures] == [(1, 0), (1, 3)]
        assert pictures[0][2].pixelColor(5, 5) == QColor(42, 42, 42)

        clock.now += 1
        with qtbot.waitSignal(told.stepped):
            fake.gate.release(1)
        qtbot.waitUntil(lambda: fake.previewed_kinds == ["auto"] * 3)
        with qtbot.waitSignal(told.finished):
            fake.gate.release(1)
        qtbot.waitUntil(lambda: fake.given_up == 1)

    def test_the_others_come_when_the_run_is_over_and_give_way_to_the_next(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        def passes() -> bool:
            clock.now += 1
            return True

        fake.preview_gate = threading.Semaphore(0)
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(), str(tmp_path))
        qtbot.waitUntil(lambda: passes() and len(fake.previewed_kinds) > fake.given_up)
        given_up = fake.given_up
        fake.gate = threading.Semaphore(0)
        loaded.run(plan(), str(tmp_path))
        qtbot.waitUntil(lambda: fake.given_up > given_up)
        assert pictures == []
        with qtbot.waitSignal(told.idle):
            fake.gate.release(9)
        fake.preview_gate.release(99)
        qtbot.waitUntil(lambda: passes() and enlarger.at_rest and len(pictures) == 6)
        assert {told[:2] for told in pictures} == {(r, i) for r in (1, 2) for i in range(3)}

    def test_the_step_that_is_looked_at_is_made_first_and_in_full(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        steps = heard(told.stepped)
        fake.kinds["auto"] = "linear"  # there is no time for more
        fake.gate = threading.Semaphore(3)
        with qtbot.waitSignals([told.stepped] * 3):
            loaded.run(plan(replace(REQUEST, steps=9)), str(tmp_path))
        enlarger.look(steps[0], None)
        loaded.set_paused(True)
        clock.now += 1
        enlarger.wake()
        qtbot.waitUntil(lambda: len(pictures) == 1)
        assert (pictures[0][:2], pictures[0][3]) == ((1, 0), "vae")
        assert "vae" in fake.previewed_kinds
        loaded.cancel()

    def test_all_become_sharp_when_the_run_is_over_the_one_looked_at_first(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        """Where a decode took more than a tenth of a second, the strip stayed blurred for good."""

        def passes() -> bool:
            clock.now += 1
            enlarger.wake()
            return True

        fake.kinds["auto"] = "linear"
        fake.preview_gate = threading.Semaphore(0)
        steps = heard(told.stepped)
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(replace(REQUEST, steps=5)), str(tmp_path))
        qtbot.waitUntil(lambda: passes() and len(fake.previewed_kinds) > fake.given_up)
        given_up = fake.given_up
        enlarger.look(steps[1], None)
        qtbot.waitUntil(lambda: passes() and fake.given_up > given_up)
        fake.preview_gate.release(99)
        qtbot.waitUntil(lambda: passes() and len(pictures) == 5)
        assert [told[1] for told in pictures] == [1, 4, 3, 2, 0]
        assert {told[3] for told in pictures} == {"vae"}
        qtbot.waitUntil(lambda: enlarger.at_rest)

    def test_at_most_thirty_a_second(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        fake.gate = threading.Semaphore(0)
        loaded.run(plan(replace(REQUEST, steps=100)), str(tmp_path))
        for _ in range(60):  # each takes a hundredth of a second
            with qtbot.waitSignal(told.stepped):
                fake.gate.release(1)
            self.pass_timer(qtbot, enlarger)
            clock.now += 0.01
        assert 12 <= len(fake.previewed_kinds) <= 0.6 * 30 + 1
        loaded.cancel()

    def pass_timer(self, qtbot: QtBot, enlarger: Enlarger) -> None:
        """Until the enlarger has made what is due now, as its clock stands."""
        due = enlarger._due <= enlarger._clock()
        if due:
            qtbot.waitUntil(lambda: enlarger._due > enlarger._clock())

    def test_an_error_is_told_once_and_ends_neither_the_run_nor_the_next_picture(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        failed, sketches = heard(self.pictured.failed), heard(told.previewFailed)
        fake.failures["preview"] = RuntimeError("mat1 and mat2")
        steps = heard(told.stepped)
        with qtbot.waitSignals([told.finished, told.idle]):
            loaded.run(plan(), str(tmp_path))

        def step_on() -> bool:
            clock.now += 1
            enlarger.wake()
            return enlarger.at_rest

        qtbot.waitUntil(step_on)
        qtbot.waitUntil(lambda: len(failed) == 1)
        assert [step.kind for step in steps] == [""] * 3
        assert len(sketches) == 1
        assert "mat1 and mat2" in sketches[0]
        assert "mat1 and mat2" in failed[0]
        fake.failures.clear()
        enlarger.look(steps[1], None)
        qtbot.waitUntil(lambda: step_on() and len(pictures) == 1)

    def test_nothing_comes_after_closing(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        fake.preview_gate, fake.gate = threading.Semaphore(0), threading.Semaphore(1)
        with qtbot.waitSignal(told.stepped) as stepped:
            loaded.run(plan(), str(tmp_path))
        qtbot.waitUntil(lambda: fake.previewed_kinds == ["auto"])
        enlarger.close()
        qtbot.waitUntil(lambda: fake.given_up == 1)
        assert stepped.args is not None
        (step,) = stepped.args
        assert isinstance(step, StepView)
        enlarger.look(step, None)
        fake.preview_gate.release(9)
        with qtbot.waitSignal(told.idle):
            fake.gate.release(9)
        qtbot.wait(50)
        assert pictures == []


def test_pictures_own_their_pixels() -> None:
    pixels = np.full((3, 5, 3), 200, np.uint8)
    picture = from_array(pixels)
    pixels[:] = 0
    assert picture.pixelColor(4, 2) == QColor(200, 200, 200)
    assert picture.size().toTuple() == (5, 3)


def test_strided_arrays_keep_their_order() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)[:, ::-2]
    picture = from_array(pixels)
    assert picture.pixelColor(2, 3).getRgb()[:3] == tuple(pixels[3, 2])


def test_step_pictures_of_a_long_run_stay_within_memory() -> None:
    large = _image(bytes(3 * 1024 * 1024), 1024, 1024)
    assert kept(large, 20, USUAL_BYTES).width() == 1024
    small = kept(large, 1000, USUAL_BYTES)
    assert small.sizeInBytes() * 2 * 1000 <= USUAL_BYTES


@pytest.mark.parametrize(("count", "size"), [(1, (4, 4)), (2, (8, 4)), (3, (8, 8)), (5, (12, 8))])
def test_sheets_are_nearly_square(count: int, size: tuple[int, int]) -> None:
    images = tuple(_image(bytes(48), 4, 4) for _ in range(count))
    assert sheet(images).size().toTuple() == size


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7])
def test_what_a_grid_leaves_empty_is_not_black(count: int) -> None:
    """Three pictures stood beside a black quarter, in the sheet and in every preview."""
    white = _image(b"\xff" * 48, 4, 4)
    made = grid_of([np.full((4, 4, 3), 255, np.uint8)] * count)
    for whole in sheet((white,) * count), from_array(made, count):
        columns = whole.width() // 4
        for place in range(columns * whole.height() // 4):
            row, column = divmod(place, columns)
            colour = whole.pixelColor(4 * column + 2, 4 * row + 2)
            assert colour.alpha() == (255 if place < count else 0)
            assert place >= count or colour == QColor("white")
        assert opaque(whole).pixelColor(whole.width() - 1, whole.height() - 1) != QColor("black")
