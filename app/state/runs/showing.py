"""Showing: what the canvas shows at this moment: a step of the run, its finished image, or a
picture of the gallery. Fed by the run, the worker and the gallery; the canvas and its header show
it, and Save and Copy act on it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from app.i18n import tr
from app.state.gallery.picture import Picture
from app.state.runs.plan import Begun
from app.state.runs.run import RunResult, StepView


class Showing(QObject):
    picturesChanged = Signal(object, object)  # predicted, noisy: QImage or None
    captionChanged = Signal(str)
    explained = Signal(str)  # how the picture was made, in a sentence or two
    titleChanged = Signal(str)
    viewChanged = Signal(str)
    savableChanged = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = "predicted"
        self._subject: StepView | RunResult | Picture | None = None
        self._last_step: StepView | None = None

    @property
    def picture(self) -> Picture | None:
        """What can be saved or copied now, None while the canvas is empty."""
        subject = self._subject
        noisy = self._noisy
        if self._view == "noisy" and noisy is not None and self._last_step is not None:
            return Picture(f"step-{self._last_step.index + 1:03d}-noisy.png", noisy)
        if isinstance(subject, StepView):
            return Picture(f"step-{subject.index + 1:03d}.png", subject.predicted)
        if isinstance(subject, RunResult):
            return _picture_of(subject)
        return subject

    @property
    def _noisy(self) -> QImage | None:
        if isinstance(self._subject, Picture) or self._last_step is None:
            return None
        return self._last_step.noisy

    @Slot(object)
    def begin(self, begun: Begun) -> None:
        """Runs have begun; the canvas keeps what it shows, and its title, until the first step
        comes."""
        if isinstance(self._subject, RunResult):
            self._subject = _picture_of(self._subject)

    @Slot(object, object)
    def show_step(self, step: StepView, result: RunResult | None) -> None:
        """Show that step, or the image of its run, which the last step stands for."""
        self._last_step = step
        if result is not None:
            self._show(result, result.sheet)
        else:
            self._show(step, step.predicted)

    @Slot(object)
    def repicture(self, step: StepView) -> None:
        """A better picture of that step has come: show it, unless the step is shown as it would be
        under another guidance."""
        shown = self._subject
        if self._last_step is not None and self._last_step.place == step.place:
            self._last_step = step
        if isinstance(shown, StepView) and shown.place == step.place and shown.retouched is None:
            self._show(step, step.predicted)

    @Slot(int, int, float, QImage, str)
    def show_retouched(
        self, run: int, index: int, scale: float, picture: QImage, kind: str = "image"
    ) -> None:
        """Show what that step predicts under another guidance scale, if it is still looked at.
        kind: how the picture was made."""
        step = self._subject
        if isinstance(step, StepView) and step.place == (run, index):
            self._show(replace(step, predicted=picture, kind=kind, retouched=scale), picture)

    @Slot(object)
    def show_picture(self, picture: Picture) -> None:
        self._show(picture, picture.image)
        self.titleChanged.emit(picture.name)

    @Slot(str)
    def set_view(self, view: str) -> None:
        """ "predicted": the picture that is foreseen; "noisy": the latents as they are."""
        if view != self._view:
            self._view = view
            self.viewChanged.emit(view)
            self._tell()

    def _show(self, subject: StepView | RunResult | Picture, image: QImage | None) -> None:
        self._subject = subject
        self.picturesChanged.emit(image, self._noisy)
        self._tell()
        self.savableChanged.emit(True)

    def _tell(self) -> None:
        self.captionChanged.emit(self._caption())
        if isinstance(self._subject, StepView) and self._view == "predicted":
            self.explained.emit(_explanation(self._subject.kind))
        else:
            self.explained.emit("")

    def _caption(self) -> str:
        subject = self._subject
        if isinstance(subject, StepView):
            caption = tr(
                "step {step} of {total} · {view}",
                step=subject.index + 1,
                total=subject.total,
                view=tr("noisy latents") if self._view == "noisy" else _named(subject.kind),
            )
            if subject.guidance_scale is None:
                return caption
            if subject.retouched is not None and subject.retouched != subject.guidance_scale:
                return tr(
                    "{caption} · guidance {former} → {guidance}",
                    caption=caption,
                    former=f"{subject.guidance_scale:.3g}",
                    guidance=f"{subject.retouched:.3g}",
                )
            return tr(
                "{caption} · guidance {guidance}",
                caption=caption,
                guidance=f"{subject.guidance_scale:.3g}",
            )
        if isinstance(subject, RunResult):
            first = subject.images[0]
            return tr(
                "seed {seed} · {width} × {height}",
                seed=subject.request.seed,
                width=first.width(),
                height=first.height(),
            )
        return ""


def _named(kind: str) -> str:
    """A predicted picture in the caption, by how it was made."""
    match kind:
        case "vae":
            return tr("predicted picture, in full")
        case "tiny":
            return tr("predicted picture, by the tiny autoencoder")
        case "linear":
            return tr("predicted picture, rough")
        case "":
            return tr("no picture of this step")
    return tr("predicted picture")


def _explanation(kind: str) -> str:
    match kind:
        case "vae":
            return tr("Decoded in full by the VAE, as the finished image is.")
        case "tiny":
            return tr(
                "Decoded by the tiny autoencoder: close to the full picture, in a fraction of the "
                "time."
            )
        case "linear":
            return tr(
                "A linear map of the latents, one pixel for each: it costs the run no time. The "
                "full picture comes when there is time, at the latest when this step is chosen "
                "while the run is paused or over."
            )
    return ""


def _picture_of(result: RunResult) -> Picture:
    """The image of a run; of several, the sheet with all of them, which has no file."""
    if len(result.images) > 1:
        last = result.request.seed + len(result.images) - 1
        return Picture(f"{result.request.seed}-to-{last}.png", result.sheet)
    path = result.paths[0]
    if path is None:
        return Picture(f"{result.request.seed}.png", result.sheet, unsaved=(result.number, 0))
    return Picture(Path(path).name, result.sheet, path)
