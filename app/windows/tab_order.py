"""The way that Tab takes through the main window, which sets it when it is built."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtWidgets import QWidget

TAB_ORDER = (
    "modelPicker",
    "openModelButton",
    "promptEdit",
    "negativePromptEdit",
    "steerButton",
    "promptSentence",
    "classPicker",
    "classDiceButton",
    "schedulerPicker",
    "dropExtrasButton",
    "stepsSlider",
    "stepsSpin",
    "economySlider",
    "seedField",
    "diceButton",
    "lockButton",
    "widthSpin",
    "heightSpin",
    "countSpin",
    "guidanceSlider",
    "guidanceSpin",
    "guidanceMoreButton",
    "guidancePresetPicker",
    "guidanceCurve",
    "guidanceInterval",
    "rescaleSlider",
    "rescaleSpin",
    "queueButton",
    "generateButton",
    "pauseButton",
    "stopButton",
    "stopMenuButton",
    "predictedButton",
    "noisyButton",
    "compareButton",
    "varyButton",
    "branchButton",
    "copyButton",
    "saveButton",
    "afterwardsButton",
    "stopAndLoadButton",
    "keepButton",
    "errorText",
    "dismissButton",
    "resumeText",
    "resumeFirstButton",
    "resumeSecondButton",
    "unwrittenText",
    "unwrittenFirstButton",
    "unwrittenSecondButton",
    "noteText",
    "noteFirstButton",
    "varySlider",
    "varyCountSpin",
    "varyStartButton",
    "varyCloseButton",
    "compareFirstField",
    "compareFirstValues",
    "compareSecondField",
    "compareSecondValues",
    "compareStartButton",
    "compareCloseButton",
    "previewCanvas",
    "compareGrid",
    "timelineStrip",
    "galleryLargeButton",
    "gallerySearch",
    "gallerySort",
    "galleryFilterButton",
    "galleryClearButton",
    "galleryView",
    "galleryUndoButton",
)
"""Object names, as the eye goes: the recipe, the run, the picture, the gallery."""


def arrange_tab_order(window: QWidget) -> None:
    """Raises LookupError for a name that no control of the window has."""
    for name, following in pairwise(TAB_ORDER):
        QWidget.setTabOrder(_control(window, name), _control(window, following))
    _control(window, "promptEdit").setFocus()


def _control(window: QWidget, name: str) -> QWidget:
    control = window.findChild(QWidget, name)
    if control is None:
        raise LookupError(f"The window has no control named {name!r}.")
    return control
