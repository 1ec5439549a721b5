"""Film: the steps of the run that is shown on their way out of the program, as an animation, as
numbered pictures or as a contact sheet. Asked by the film dialog through `app.wiring`;
`app.parts` hands in what makes full pictures of rough steps and what writes the film.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QImage

from app.i18n import tr
from app.state.background import Background
from app.state.runs.history import History
from app.state.runs.run import StepView
from app.state.runs.run_memory import KeptRun
from engine.errors import EngineError

Poll = Callable[[], None]
PictureOf = Callable[[int, int, Poll], QImage | None]
"""The full picture of a step by run and index; None where that step is not in memory. Called in a
thread of the pool; it calls the poll while it works, which raises to give up."""
WriteFilm = Callable[..., object]
"""(frames, target, kind, numbers=…, seconds=…, poll=…), as `engine.write_film` does; frames are
(number of the step, QImage). Called in a thread of the pool."""


class _Stopped(Exception):
    """Unwinds a film that the person has stopped."""


class Film(QObject):
    """One film at a time. After `export`: began, progressed for each step, and then one of done,
    stopped or failed. What was stopped or has failed leaves no file."""

    availableChanged = Signal(bool)  # whether a run with steps is shown
    offered = Signal(str, int, str)  # which run, how many steps, a name without ending
    began = Signal()
    progressed = Signal(int, int, str)  # steps done, of how many, what is being done
    done = Signal(str)  # where it is, in a sentence
    stopped = Signal(str)  # a sentence
    failed = Signal(str)  # a sentence

    def __init__(
        self,
        history: History,
        picture_of: PictureOf,
        write: WriteFilm,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._history = history
        self._picture_of = picture_of
        self._write = write
        self._background = Background(self)  # its own: a film may take minutes
        self._busy = False
        self._stopping = False
        self._path = ""

    @property
    def busy(self) -> bool:
        return self._busy

    @Slot()
    def refresh(self) -> None:
        """Another step is looked at, or none."""
        self.availableChanged.emit(self._shown is not None)

    @Slot()
    def offer(self) -> None:
        """The person asks for a film of the run that is shown."""
        if run := self._shown:
            seed = run.begun.request.seed
            self.offered.emit(run.begun.title or run.label, len(run.steps), f"{seed}-film")

    @Slot(str, bool, float, str)
    def export(self, kind: str, numbers: bool, seconds: float, target: str) -> None:
        """Write the run that is shown. kind: "webp", "gif", "apng", "frames" or "sheet"; numbers:
        whether each picture tells its step; seconds: how long each stands; target: the file, or the
        new folder of "frames"."""
        run = self._shown
        if run is None or self._busy:
            return
        self._busy, self._stopping = True, False
        self.began.emit()
        work = partial(
            self._make,
            list(run.steps),
            _finished_picture(run),
            partial(self._write, target=target, kind=kind, numbers=numbers, seconds=seconds),
            target,
        )
        self._background.submit(work, self._finish, self._fail)

    @Slot()
    def stop(self) -> None:
        self._stopping = True

    @Slot()
    def reveal(self) -> None:
        """Open the folder that the last film is in."""
        if self._path:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._path).parent)))

    def close(self) -> None:
        """Give up what is being made."""
        self._stopping = True
        self._background.close()

    @property
    def _shown(self) -> KeptRun | None:
        """The run that is shown."""
        step = self._history.step
        return self._history.runs.get(step.run) if step else None

    def _make(
        self, steps: list[StepView], last: QImage | None, write: WriteFilm, target: str
    ) -> tuple[str, int]:
        """In a thread of the pool: where the film is, and how many of its pictures are rough."""
        rough: list[StepView] = []
        pictures = self._pictures(steps, last, rough)
        write(pictures, poll=self._poll)
        return target, len(rough)

    def _pictures(
        self, steps: list[StepView], last: QImage | None, rough: list[StepView]
    ) -> Iterator[tuple[int, QImage]]:
        """Every step's picture in full. rough: takes those of which there is no better one."""
        for done, step in enumerate(steps):
            self._poll()
            words = tr("Developing step {step}", step=step.index + 1)
            self.progressed.emit(done, len(steps), words)
            if last is not None and step is steps[-1]:
                yield step.index + 1, last
                continue
            picture = step.predicted
            if step.rough or (last is not None and picture.width() < last.width()):
                better = self._picture_of(step.run, step.index, self._poll)
                if better is None and step.rough:
                    rough.append(step)
                picture = better or picture
            yield step.index + 1, picture
        self.progressed.emit(len(steps), len(steps), tr("Writing the film"))

    def _poll(self) -> None:
        if self._stopping:
            raise _Stopped

    def _finish(self, made: tuple[str, int]) -> None:
        self._busy = False
        self._path, rough = made
        sentence = tr("Saved as {path}", path=self._path)
        if rough:
            sentence = tr(
                "{saved}. Pictures that stay rough: {count}, since their steps are not in memory "
                "any more, or another model is loaded now.",
                saved=sentence,
                count=rough,
            )
        self.done.emit(sentence)

    def _fail(self, error: Exception) -> None:
        self._busy = False
        if isinstance(error, _Stopped):
            self.stopped.emit(tr("Stopped. Nothing was written."))
        elif isinstance(error, EngineError):
            self.failed.emit(str(error))
        else:
            self.failed.emit(
                tr(
                    "The film could not be made ({kind}: {reason}). You can try again.",
                    kind=type(error).__name__,
                    reason=error,
                )
            )


def _finished_picture(run: KeptRun) -> QImage | None:
    """What the last step of a run came to, None where there is no image of it."""
    return run.result.sheet if run.result is not None and not run.running else None
