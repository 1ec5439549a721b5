"""How closely the picture follows the prompt, and how that changes over the run. The main window
shows it over the buttons of the run."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QGridLayout,
    QStyledItemDelegate,
    QVBoxLayout,
    QWidget,
)

from app import wording
from app.i18n import tr
from app.widgets.basic.fitting_scroll import FittingScroll
from app.widgets.basic.flat_button import RISE, FlatButton
from app.widgets.basic.plain_label import PlainLabel, plain_tooltip
from app.widgets.basic.slider_spin import SliderSpin
from app.widgets.recipe.curve_editor import CurveEditor
from app.widgets.recipe.curve_points import Points
from app.widgets.recipe.interval_bar import IntervalBar

BY_HAND = "custom"
RESCALE_DECIMALS = 2


class GuidancePanel(QWidget):
    """The scale is always there; presets, curve, interval and rescale open under it. Its button is
    lit, open or not, while there is a curve or an interval, or another rescale than the model's."""

    scaleChanged = Signal(float)
    presetChosen = Signal(str)
    curveChanged = Signal(tuple, str)
    intervalChanged = Signal(float, float)
    rescaleChanged = Signal(float)
    openedChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sentences: dict[str, str] = {}
        self._curved, self._interval = False, (0.0, 1.0)
        self._own_rescale: float | None = None
        self._scale = SliderSpin(
            "", 0, 20, 0.1, 1, "guidanceSlider", "guidanceSpin", "", spin_high=100
        )
        self._more = FlatButton(arrow=True)
        self._more.setObjectName("guidanceMoreButton")
        self._details = QWidget()
        self._picker = QComboBox()
        self._picker.setObjectName("guidancePresetPicker")
        self._picker.setMinimumContentsLength(8)
        # The style sheet reaches the rows of the list only through this delegate.
        self._picker.setItemDelegate(QStyledItemDelegate(self._picker))
        self._sentence = PlainLabel("note")
        self._sentence.setWordWrap(True)
        self._curve = CurveEditor()
        self._bar = IntervalBar()
        self._acting = PlainLabel("note")
        self._acting.setWordWrap(True)
        self._rescale = SliderSpin(
            "", 0, 1, 0.05, RESCALE_DECIMALS, "rescaleSlider", "rescaleSpin", ""
        )
        self.retranslate()

        self._lay_out()

        self._scale.valueChanged.connect(self._curve.set_scale)
        self._scale.valueChanged.connect(self.scaleChanged)
        self._more.toggled.connect(self._open)
        self._more.toggled.connect(self.openedChanged)
        self._picker.currentIndexChanged.connect(self._choose)
        self._curve.curveChanged.connect(self._take_curve)
        self._bar.intervalChanged.connect(self._take_interval)
        self._rescale.valueChanged.connect(self._take_rescale)

    def _lay_out(self) -> None:
        head = QGridLayout()
        head.setSpacing(0)
        head.setRowMinimumHeight(0, RISE)
        head.addWidget(self._scale, 1, 0)
        # Over the free end of the caption's line, and level with it.
        corner = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight
        head.addWidget(self._more, 0, 0, 2, 1, corner)
        self._more.raise_()
        details = QVBoxLayout(self._details)
        details.setContentsMargins(0, 0, 0, 0)
        details.setSpacing(5)
        for part in (self._picker, self._sentence, self._curve, self._bar, self._acting):
            details.addWidget(part)
        details.addSpacing(4)
        details.addWidget(self._rescale)
        self._room = FittingScroll(self._details)
        self._room.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self._room)

    def set_scale(self, scale: float) -> None:
        self._scale.set_value(scale)
        self._curve.set_scale(scale)

    def set_presets(self, presets: list[tuple[str, str, str]]) -> None:
        """presets: (name, label, sentence) of each, all in the program's own words; the current one
        stays current."""
        current = self._picker.currentData()
        self._sentences = {name: sentence for name, _, sentence in presets}
        with QSignalBlocker(self._picker):
            self._picker.clear()
            for row, (name, label, sentence) in enumerate(presets):
                self._picker.addItem(label, name)
                self._picker.setItemData(row, plain_tooltip(sentence), Qt.ItemDataRole.ToolTipRole)
        self.set_preset(current or "")

    def set_preset(self, name: str) -> None:
        """Shows the preset with this name; any other name, such as "", is a curve by hand."""
        with QSignalBlocker(self._picker):
            self._picker.setCurrentIndex(self._picker.findData(name))
        self._describe()

    def set_curve(self, points: Points, easing: str) -> None:
        """points: (fraction of the run, guidance scale) of each; none: the scale all the way;
        easing: "linear" or "cosine", how the scale goes from one point to the next."""
        self._curved = bool(points)
        self._curve.set_curve(points, easing)
        self._light()

    def set_interval(self, start: float, end: float) -> None:
        """The fractions of the run between which guidance acts."""
        self._interval = (start, end)
        self._bar.set_interval(start, end)
        self._curve.set_interval(start, end)
        self._tell_interval()

    def set_rescale(self, rescale: float) -> None:
        self._rescale.set_value(rescale)
        self._light()

    def set_own_rescale(self, rescale: float) -> None:
        """What the model does by itself."""
        self._own_rescale = round(rescale, RESCALE_DECIMALS)
        self._tell_rescale()
        self._light()

    def set_steps(self, steps: float) -> None:
        """How many steps the run has, for the words."""
        self._curve.set_steps(round(steps))
        self._bar.set_steps(round(steps))
        self._tell_interval()

    def set_opened(self, opened: bool) -> None:
        with QSignalBlocker(self._more):
            self._more.setChecked(opened)
        self._open(opened)

    def retranslate(self) -> None:
        self._scale.retranslate(wording.label("guidance_scale"), wording.tooltip("guidance_scale"))
        self._more.setText(tr("Curve"))
        self._more.setAccessibleName(tr("Curve of the guidance"))
        self._more.updateGeometry()
        self._picker.setAccessibleName(tr("Course of the guidance"))
        self._picker.setPlaceholderText(tr("Drawn by hand"))
        self._curve.retranslate()
        self._bar.retranslate()
        self._tell_rescale()
        self._describe()
        self._tell_interval()

    def _open(self, opened: bool) -> None:
        focused = QApplication.focusWidget()
        if not opened and focused is not None and self._details.isAncestorOf(focused):
            self._more.setFocus()
        self._room.setVisible(opened)

    def _choose(self, row: int) -> None:
        self._describe()
        if row >= 0:
            self.presetChosen.emit(self._picker.itemData(row))

    def _describe(self) -> None:
        by_hand = tr("Your own curve: drag its points, double-click to add or to remove one.")
        name = self._picker.currentData()
        sentence = by_hand if name is None else self._sentences.get(name, "")
        self._sentence.setText(sentence)
        self._picker.setAccessibleDescription(sentence)
        how = tr("How the guidance changes from the first step to the last.")
        self._picker.setToolTip(f"{how} {sentence}")

    def _take_curve(self, points: Points, easing: str) -> None:
        self._curved = True
        self.set_preset(BY_HAND)
        self._light()
        self.curveChanged.emit(points, easing)

    def _take_interval(self, start: float, end: float) -> None:
        self._interval = (start, end)
        self._curve.set_interval(start, end)
        self._tell_interval()
        self.intervalChanged.emit(start, end)

    def _take_rescale(self, rescale: float) -> None:
        self._light()
        self.rescaleChanged.emit(rescale)

    def _tell_rescale(self) -> None:
        words = wording.tooltip("guidance_rescale")
        if self._own_rescale:
            share = f"{self._own_rescale:g}"
            words += " " + tr("{share} is what this model does best with.", share=share)
        self._rescale.retranslate(wording.label("guidance_rescale"), words)

    def _tell_interval(self) -> None:
        self._acting.setText(self._bar.words())
        self._light()

    def _light(self) -> None:
        rescaled = self._own_rescale not in (None, self._rescale.value())
        acts = self._curved or self._interval != (0.0, 1.0) or rescaled
        self._more.set_accent(acts)
        self._more.setToolTip(
            tr("What shapes the guidance over the run. What you set there acts.")
            if acts
            else tr("Shape the guidance over the run: strong early, strong late, or off in a part.")
        )
