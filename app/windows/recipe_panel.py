"""The left of the main window: the recipe, and under it what steers a run."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.widgets.basic.quiet_wheel import QuietWheel

LOWEST_RECIPE = 100
"""Points of the recipe that stay in sight in the lowest window, with all that opens under it."""


class RecipePanel(QWidget):
    """`parts` scroll in a low window; `foot` stays in sight under them."""

    def __init__(self, parts: Iterable[QWidget], foot: Iterable[QWidget]) -> None:
        super().__init__()
        self.setObjectName("recipePanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(280)
        self.setMaximumWidth(460)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(_scrolled(_recipe(parts)), 1)
        column.addWidget(_foot(foot))


def _recipe(parts: Iterable[QWidget]) -> QWidget:
    recipe = QWidget()
    recipe.setObjectName("recipe")
    layout = QVBoxLayout(recipe)
    layout.setContentsMargins(16, 14, 6, 14)
    layout.setSpacing(14)
    for part in parts:
        layout.addWidget(part)
    layout.addStretch(1)
    QuietWheel(recipe).watch(recipe)
    return recipe


def _scrolled(recipe: QWidget) -> QScrollArea:
    room = QScrollArea()
    room.setObjectName("recipeScroll")
    room.setWidget(recipe)
    room.setWidgetResizable(True)
    room.setFrameShape(QFrame.Shape.NoFrame)
    room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    room.setMinimumHeight(LOWEST_RECIPE)
    # Always there, and invisible without need: the controls keep their width.
    room.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
    bar = room.verticalScrollBar()
    bar.rangeChanged.connect(lambda low, high: bar.setEnabled(high > low))
    room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return room


def _foot(parts: Iterable[QWidget]) -> QWidget:
    foot = QWidget()
    foot.setObjectName("runPanel")
    layout = QVBoxLayout(foot)
    layout.setContentsMargins(16, 12, 16, 12)
    layout.setSpacing(10)
    for part in parts:
        layout.addWidget(part)
    return foot
