"""The guidance panel: its curve, its interval and what opens them; that a value set from outside
tells nobody."""

from __future__ import annotations

from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt, SignalInstance
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QComboBox, QDoubleSpinBox, QSlider, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.widgets.basic.flat_button import FlatButton
from app.widgets.basic.plain_label import PlainLabel
from app.widgets.recipe.curve_editor import CurveEditor
from app.widgets.recipe.curve_geometry import CurveGeometry, top_for
from app.widgets.recipe.curve_points import spanning
from app.widgets.recipe.guidance_panel import GuidancePanel
from app.widgets.recipe.interval_bar import IntervalBar
from engine.request.curve import checked, scale_at

LEFT = Qt.MouseButton.LeftButton
W = TypeVar("W", bound=QWidget)
CTRL = Qt.KeyboardModifier.ControlModifier
PRESETS = [
    ("constant", "Constant", "The same in every step."),
    ("late", "Late push", "Weak at first, strong at the end."),
]


class Heard(list[tuple]):
    """What a signal said, in order."""

    def __init__(self, *signals: SignalInstance) -> None:
        super().__init__()
        for signal in signals:
            signal.connect(lambda *values: self.append(values))


@pytest.fixture
def panel(qtbot: QtBot) -> GuidancePanel:
    made = GuidancePanel()
    qtbot.addWidget(made)
    made.setFixedWidth(272)
    made.set_presets(PRESETS)
    made.set_preset("constant")
    made.set_scale(8.0)
    made.set_steps(20)
    made.set_opened(True)
    made.show()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def part(widget: QWidget, kind: type[W], name: str) -> W:
    found = widget.findChild(kind, name)
    assert found is not None, f"no {kind.__name__} named {name}"
    return found


@pytest.fixture
def curve(panel: GuidancePanel) -> CurveEditor:
    return part(panel, CurveEditor, "guidanceCurve")


@pytest.fixture
def interval(panel: GuidancePanel) -> IntervalBar:
    return part(panel, IntervalBar, "guidanceInterval")


def place(curve: CurveEditor, fraction: float, scale: float) -> QPoint:
    return curve._geometry().place((fraction, scale)).toPoint()


def drag(qtbot: QtBot, widget: QWidget, start: QPoint, *through: QPoint) -> None:
    qtbot.mousePress(widget, LEFT, pos=start)
    for point in through:
        qtbot.mouseMove(widget, point)
    qtbot.mouseRelease(widget, LEFT, pos=through[-1])


class TestPanel:
    def test_setters_tell_nobody(self, panel: GuidancePanel) -> None:
        heard = Heard(
            panel.scaleChanged,
            panel.presetChosen,
            panel.curveChanged,
            panel.intervalChanged,
            panel.rescaleChanged,
            panel.openedChanged,
        )
        panel.set_scale(42.5)
        panel.set_presets([*PRESETS, ("more", "More", "")])
        panel.set_preset("late")
        panel.set_curve(((0, 3), (0.5, 60), (1, 4)), "cosine")
        panel.set_interval(0.25, 0.75)
        panel.set_rescale(0.35)
        panel.set_own_rescale(0.7)
        panel.set_steps(1000)
        panel.set_opened(False)
        panel.retranslate()
        panel.grab()
        assert not heard
        assert part(panel, QDoubleSpinBox, "guidanceSpin").value() == 42.5
        assert part(panel, QDoubleSpinBox, "rescaleSpin").value() == 0.35
        assert part(panel, QComboBox, "guidancePresetPicker").currentData() == "late"

    def test_sliders_are_told(self, panel: GuidancePanel) -> None:
        scale, rescale = Heard(panel.scaleChanged), Heard(panel.rescaleChanged)
        part(panel, QSlider, "guidanceSlider").setValue(31)
        part(panel, QSlider, "rescaleSlider").setValue(7)
        assert scale == [(pytest.approx(3.1),)]
        assert rescale == [(pytest.approx(0.35),)]

    def test_opens_and_closes(self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor) -> None:
        heard = Heard(panel.openedChanged)
        more = part(panel, FlatButton, "guidanceMoreButton")
        assert curve.isVisible()
        qtbot.mouseClick(more, LEFT)
        assert not curve.isVisible()
        qtbot.keyClick(more, Qt.Key.Key_Space)
        assert curve.isVisible()
        assert heard == [(False,), (True,)]
        curve.setFocus()
        panel.set_opened(False)
        assert panel.focusWidget() is more

    def test_preset_says_what_it_does(self, panel: GuidancePanel) -> None:
        heard = Heard(panel.presetChosen)
        picker = part(panel, QComboBox, "guidancePresetPicker")
        picker.setCurrentIndex(1)
        assert heard == [("late",)]
        assert PRESETS[1][2] in [label.text() for label in panel.findChildren(PlainLabel)]
        panel.set_preset("")
        assert picker.currentIndex() == -1
        assert "Your own curve" in picker.accessibleDescription()

    def test_a_drawn_curve_is_no_preset(
        self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor
    ) -> None:
        heard = Heard(panel.presetChosen)
        qtbot.keyClick(curve, Qt.Key.Key_Up)
        assert part(panel, QComboBox, "guidancePresetPicker").currentIndex() == -1
        assert not heard

    @pytest.mark.parametrize(
        ("name", "values"),
        [("set_curve", (((0, 1), (1, 9)), "linear")), ("set_interval", (0.2, 1.0)),
         ("set_rescale", (0.5,))],
    )  # fmt: skip
    def test_closed_panel_shows_that_something_acts(
        self, panel: GuidancePanel, name: str, values: tuple
    ) -> None:
        panel.set_opened(False)
        panel.set_own_rescale(0.0)
        more = part(panel, FlatButton, "guidanceMoreButton")
        assert more._ink() == theme.tokens().muted
        getattr(panel, name)(*values)
        assert more._ink() == theme.tokens().accent
        panel.set_curve((), "linear")
        panel.set_interval(0.0, 1.0)
        panel.set_rescale(0.0)
        assert more._ink() == theme.tokens().muted

    def test_the_models_own_rescale_is_nothing_that_the_person_set(
        self, panel: GuidancePanel
    ) -> None:
        more = part(panel, FlatButton, "guidanceMoreButton")
        panel.set_rescale(0.7)
        assert more._ink() == theme.tokens().muted, "no model has told yet"
        panel.set_own_rescale(0.7)
        assert more._ink() == theme.tokens().muted
        assert "0.7 is" in part(panel, QSlider, "rescaleSlider").toolTip()
        part(panel, QSlider, "rescaleSlider").setValue(0)
        assert more._ink() == theme.tokens().accent
        panel.set_own_rescale(0.0)
        assert more._ink() == theme.tokens().muted
        assert "0.7" not in part(panel, QSlider, "rescaleSlider").toolTip()

    def test_a_longer_sentence_gets_its_room(self, qtbot: QtBot, panel: GuidancePanel) -> None:
        before = panel.sizeHint().height()
        panel.set_presets([("late", "Late push", "Weak at first, strong at the end. " * 5)])
        panel.set_preset("late")
        qtbot.waitUntil(lambda: panel.sizeHint().height() > before + 30)

    def test_low_window_scrolls_to_the_control_with_the_focus(
        self, qtbot: QtBot, panel: GuidancePanel, interval: IntervalBar
    ) -> None:
        panel.resize(panel.width(), panel.minimumSizeHint().height())
        assert panel.height() < 200
        curve = part(panel, CurveEditor, "guidanceCurve")
        curve.setFocus()
        qtbot.keyClick(curve, Qt.Key.Key_Tab)
        assert panel.focusWidget() is interval
        qtbot.waitUntil(lambda: interval.visibleRegion().boundingRect() == interval.rect())

    def test_every_control_can_be_reached_and_says_what_it_does(self, panel: GuidancePanel) -> None:
        focusable = [
            child
            for child in panel.findChildren(QWidget)
            if child.focusPolicy() & Qt.FocusPolicy.TabFocus and child.objectName()
        ]
        named = [child for child in focusable if not child.objectName().startswith("qt_")]
        start = part(panel, QSlider, "guidanceSlider")
        chain, widget = [start], start.nextInFocusChain()
        while widget is not start:
            chain += [widget] if widget in named else []
            widget = widget.nextInFocusChain()
        assert [child.objectName() for child in chain] == [
            *("guidanceSlider", "guidanceSpin", "guidanceMoreButton", "guidancePresetPicker"),
            *("guidanceCurve", "guidanceInterval", "rescaleSlider", "rescaleSpin"),
        ]
        assert all(child.accessibleName() and child.toolTip() for child in named)


class TestCurve:
    def test_double_click_on_the_level_line_makes_a_curve(
        self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor
    ) -> None:
        heard = Heard(panel.curveChanged)
        qtbot.mouseDClick(curve, LEFT, pos=place(curve, 0.5, 8))
        (points, easing), *others = heard
        assert not others
        assert easing == "linear"
        assert points == ((0.0, 8.0), (pytest.approx(0.5, abs=0.01), 8.0), (1.0, 8.0))

    def test_double_click_adds_anywhere_and_takes_a_point_away(
        self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor
    ) -> None:
        heard = Heard(panel.curveChanged)
        qtbot.mouseDClick(curve, LEFT, pos=place(curve, 0.25, 2))
        assert len(heard) == 1
        assert heard[0][0][1] == (pytest.approx(0.25, abs=0.01), pytest.approx(2, abs=0.2))
        # A press between two double-clicks: the point is there since long.
        qtbot.mouseClick(curve, LEFT, pos=place(curve, 0.25, 2))
        qtbot.mouseDClick(curve, LEFT, pos=place(curve, 0.25, 2))
        assert heard[-1] == (((0.0, 8.0), (1.0, 8.0)), "linear")
        qtbot.mouseDClick(curve, LEFT, pos=place(curve, 0.0, 8))
        assert len(heard) == 2

    def test_a_press_beside_the_curve_changes_nothing(
        self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor
    ) -> None:
        heard = Heard(panel.curveChanged)
        drag(qtbot, curve, place(curve, 0.3, 3), place(curve, 0.6, 10))
        assert not heard

    def test_line_is_pulled_into_a_curve_under_the_pointer(
        self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor
    ) -> None:
        heard = Heard(panel.curveChanged)
        panel.curveChanged.connect(panel.set_curve)  # as the session answers
        targets = [place(curve, x, y) for x, y in ((0.42, 6), (0.5, 4), (0.6, 2))]
        drag(qtbot, curve, place(curve, 0.4, 8), *targets)
        points, _ = heard[-1]
        assert len(points) == 3
        assert points[1] == (pytest.approx(0.6, abs=0.01), pytest.approx(2, abs=0.2))

    def test_ends_stay_at_the_ends_and_points_in_order(
        self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor
    ) -> None:
        heard = Heard(panel.curveChanged)
        panel.set_curve(((0, 4), (0.5, 6), (1, 9)), "cosine")
        drag(qtbot, curve, place(curve, 0, 4), place(curve, 0.4, 10))
        drag(qtbot, curve, place(curve, 0.5, 6), place(curve, 1, 3), QPoint(5000, -9000))
        points, easing = heard[-1]
        assert easing == "cosine"
        assert points[0] == (0.0, pytest.approx(10, abs=0.2))
        assert points[1] == (pytest.approx(0.99), 100.0)
        assert points[2] == (1.0, 9.0)
        assert checked(points) == points

    def test_plot_grows_with_the_points_and_not_under_the_pointer(
        self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor
    ) -> None:
        panel.set_curve(((0, 40), (1, 2)), "linear")
        before = curve._geometry().top
        assert before > 40
        qtbot.mousePress(curve, LEFT, pos=place(curve, 0, 40))
        qtbot.mouseMove(curve, place(curve, 0, 5))
        assert curve._geometry().top == before
        qtbot.mouseRelease(curve, LEFT, pos=place(curve, 0, 5))
        assert curve._geometry().top == 12

    def test_keys(self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor) -> None:
        heard = Heard(panel.curveChanged)
        qtbot.keyClick(curve, Qt.Key.Key_Up)
        assert heard.pop()[0] == ((0.0, 8.5), (1.0, 8.0))
        qtbot.keyClick(curve, Qt.Key.Key_Insert)
        assert heard.pop()[0][1] == (0.5, pytest.approx(8.25, abs=0.06))
        qtbot.keyClick(curve, Qt.Key.Key_Right, CTRL)
        assert heard.pop()[0][1][0] == 0.55
        assert "Point 2 of 3. Step 11: guidance 8" in curve.accessibleDescription()
        qtbot.keyClick(curve, Qt.Key.Key_Right)
        qtbot.keyClick(curve, Qt.Key.Key_Delete)
        qtbot.keyClick(curve, Qt.Key.Key_Left, CTRL)
        assert not heard, "the last point stays where it is"
        qtbot.keyClick(curve, Qt.Key.Key_Left)
        qtbot.keyClick(curve, Qt.Key.Key_Delete)
        assert heard.pop()[0] == ((0.0, 8.5), (1.0, 8.0))
        for _ in range(30):
            qtbot.keyClick(curve, Qt.Key.Key_Down)
        assert heard[-1][0] == ((0.0, 8.5), (1.0, 0.0))
        assert len(heard) == 16

    def test_no_room_is_no_point(
        self, qtbot: QtBot, panel: GuidancePanel, curve: CurveEditor
    ) -> None:
        heard = Heard(panel.curveChanged)
        for _ in range(200):
            qtbot.keyClick(curve, Qt.Key.Key_Insert)
        points, _ = heard[-1]
        assert checked(points) == points
        assert len(points) < 103

    @pytest.mark.parametrize("easing", ["linear", "cosine"])
    def test_draws_what_the_engine_does(self, curve: CurveEditor, easing: str) -> None:
        for points in (((0.2, 4.0), (0.3, 9.0), (0.8, 1.0)), ((0.5, 3.0),)):
            geometry = CurveGeometry(spanning(points, 7.0), easing, 12.0, curve._geometry().area)
            for index in range(51):
                wanted = scale_at(points, easing, index / 50)
                assert geometry.scale_at(index / 50) == pytest.approx(wanted)

    def test_any_scale_fits(self) -> None:
        assert top_for(spanning((), 7.5)) == 12
        assert top_for(spanning((), 0)) == 12
        assert top_for(spanning((), 11.9)) > 12
        assert top_for(spanning((), 100)) == 100

    def test_outside_the_interval_it_is_dimmed(
        self, qapp: QApplication, panel: GuidancePanel, curve: CurveEditor
    ) -> None:
        theme.apply(qapp, "dark")
        panel.set_interval(0.5, 1.0)
        shot = curve.grab().toImage()
        out, acts = (place(curve, fraction, 8) for fraction in (0.25, 0.75))
        accent, faint = QColor(theme.tokens().accent), QColor(theme.tokens().faint)
        assert _near(shot.pixelColor(acts), accent)
        assert _near(shot.pixelColor(out), faint)


class TestInterval:
    def test_handles_are_dragged_to_steps_and_never_meet(
        self, qtbot: QtBot, panel: GuidancePanel, interval: IntervalBar
    ) -> None:
        heard = Heard(panel.intervalChanged)
        at = [QPoint(round(interval._x_of(x)), 11) for x in (0.0, 0.26, 2.0)]
        drag(qtbot, interval, at[0], at[1])
        assert heard == [(0.25, 1.0)]
        assert "Guidance acts from step 6 to 20." in _sentences(panel)
        drag(qtbot, interval, at[1], at[2])
        assert heard[-1] == (0.95, 1.0)
        assert "Guidance acts in step 20 only." in _sentences(panel)

    def test_keys_move_the_handle_that_tab_chose(
        self, qtbot: QtBot, panel: GuidancePanel, interval: IntervalBar
    ) -> None:
        heard = Heard(panel.intervalChanged)
        interval.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.keyClick(interval, Qt.Key.Key_Right)
        qtbot.keyClick(interval, Qt.Key.Key_Tab)
        assert panel.focusWidget() is interval
        qtbot.keyClick(interval, Qt.Key.Key_PageDown)
        qtbot.keyClick(interval, Qt.Key.Key_End)
        qtbot.keyClick(interval, Qt.Key.Key_Home)
        assert heard == [(0.05, 1.0), (0.05, 0.8), (0.05, 1.0), (0.05, 0.1)]
        assert interval.accessibleName() == "End of the guidance"
        qtbot.keyClick(interval, Qt.Key.Key_Tab)
        assert panel.focusWidget() is not interval
        qtbot.keyClick(panel.focusWidget(), Qt.Key.Key_Backtab)
        assert panel.focusWidget() is interval
        assert interval.accessibleName() == "End of the guidance"

    @pytest.mark.parametrize("steps", [1, 2, 7, 20, 1000])
    def test_words_count_as_the_engine_does(self, interval: IntervalBar, steps: int) -> None:
        interval.set_steps(steps)
        interval.set_interval(0.0, 1.0)
        assert interval.words() == "Guidance acts in the whole run."
        interval.set_interval(0.6, 0.6)
        assert interval.words() == "Guidance acts in no step."
        first, last = 0.3, 0.7
        acting = [i + 1 for i in range(steps) if first <= i / steps < last]
        interval.set_interval(first, last)
        if len(acting) > 1:
            assert interval.words() == f"Guidance acts from step {acting[0]} to {acting[-1]}."

    def test_keys_move_in_any_run(self, qtbot: QtBot, interval: IntervalBar) -> None:
        for steps in (1, 3, 60, 1000):
            interval.set_steps(steps)
            interval.set_interval(0.0, 1.0)
            heard = Heard(interval.intervalChanged)
            interval._current = 0
            qtbot.keyClick(interval, Qt.Key.Key_Right)
            assert bool(heard) == (steps > 1), steps


def _sentences(panel: GuidancePanel) -> list[str]:
    return [label.text() for label in panel.findChildren(PlainLabel)]


def _near(one: QColor, other: QColor) -> bool:
    pairs = zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)
    return all(abs(a - b) < 40 for a, b in pairs)
