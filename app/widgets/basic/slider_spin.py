"""One number on a slider and in a spin box. The main window uses it for steps and guidance."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QGridLayout,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QWidget,
)

from app import theme
from app.unfailing import unfailing
from app.widgets.basic.number_spin import DecimalSpin, WholeSpin
from app.widgets.basic.plain_label import PlainLabel


class JumpSlider(QSlider):
    """A slider whose handle comes to where a person presses, and can be dragged on from there; a
    ring shows the keyboard focus, which a style sheet cannot put on a handle."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            handle = self.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, None, self)
            value = QStyle.sliderValueFromPosition(
                self.minimum(),
                self.maximum(),
                round(event.position().x() - handle / 2),
                self.width() - handle,
            )
            self.setValue(value)
        super().mousePressEvent(event)

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            option = QStyleOptionSlider()
            self.initStyleOption(option)
            handle = self.style().subControlRect(
                QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
            )
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.tokens().accent), 2))
            painter.drawEllipse(QPointF(handle.center()) + QPointF(0.5, 0.5), 10, 10)


class SliderSpin(QWidget):
    """The slider covers the everyday range `low` to `high` in steps of `step`; the spin box takes
    what is typed up to `spin_high`, `decimals` digits after the point. valueChanged is emitted
    while the slider moves, and when a typed number is complete."""

    valueChanged = Signal(float)

    def __init__(
        self,
        label: str,
        low: float,
        high: float,
        step: float,
        decimals: int,
        slider_name: str,
        spin_name: str,
        tooltip: str,
        *,
        spin_high: float | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._step = step
        self._label = PlainLabel("caption")
        self._slider = JumpSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName(slider_name)
        self._slider.setRange(round(low / step), round(high / step))
        self._slider.setPageStep(max(1, round((high - low) / step / 10)))
        self._spin = _spin(low, high if spin_high is None else spin_high, step, decimals)
        self._spin.setObjectName(spin_name)
        self._spin.setKeyboardTracking(False)
        self._spin.setMinimumWidth(84)
        self._spin.lineEdit().setTextMargins(7, 0, 0, 0)
        self._label.setBuddy(self._spin)
        self.retranslate(label, tooltip)

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(10)
        layout.setVerticalSpacing(3)
        layout.addWidget(self._label, 0, 0, 1, 2)
        layout.addWidget(self._slider, 1, 0)
        layout.addWidget(self._spin, 1, 1)

        self._slider.valueChanged.connect(self._slide)
        self._spin.valueChanged.connect(self._type)

    def set_value(self, value: float) -> None:
        with QSignalBlocker(self._spin):
            self._put(value)
        self._follow_with_slider()

    def value(self) -> float:
        return self._spin.value()

    def retranslate(self, label: str, tooltip: str) -> None:
        self._label.setText(label)
        for control in (self._slider, self._spin):
            control.setAccessibleName(label)
            control.setToolTip(tooltip)

    def _slide(self, position: int) -> None:
        self._put(position * self._step)

    def _put(self, value: float) -> None:
        if isinstance(self._spin, WholeSpin):
            self._spin.setValue(round(value))
        else:
            self._spin.setValue(value)

    def _type(self, value: float) -> None:
        self._follow_with_slider()
        self.valueChanged.emit(value)

    def _follow_with_slider(self) -> None:
        with QSignalBlocker(self._slider):
            self._slider.setValue(round(self._spin.value() / self._step))


def _spin(low: float, high: float, step: float, decimals: int) -> WholeSpin | DecimalSpin:
    if decimals == 0:
        whole = WholeSpin()
        whole.setRange(round(low), round(high))
        whole.setSingleStep(round(step))
        return whole
    spin = DecimalSpin()
    spin.setDecimals(decimals)
    spin.setRange(low, high)
    spin.setSingleStep(step)
    return spin
