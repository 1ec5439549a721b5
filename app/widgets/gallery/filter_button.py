"""Which pictures the gallery shows: of a model, of a scheduler, favourites, of the last days. The
gallery panel has the button beside its search."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.i18n import tr
from app.widgets.basic.icon_button import IconButton

DAYS = (0, 1, 7, 30)
"""The pictures of how many days; 0 for all, 1 for today's."""
LONGEST = 60
"""Characters of a name in the menu."""


class FilterButton(IconButton):
    """Opens a menu. It is checked while something is filtered, which `words` tells."""

    modelChosen = Signal(str)  # "" for every
    schedulerChosen = Signal(str)
    favouritesToggled = Signal(bool)
    sinceChosen = Signal(int)  # one of DAYS
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("filter", bare=True, parent=parent)
        self.setCheckable(True)
        self._chosen = {"model": "", "scheduler": ""}
        self._choices: dict[str, list[str]] = {"model": [], "scheduler": []}
        self._menu = QMenu(self)
        self._menu.setObjectName("galleryFilterMenu")
        self._favourites = self._menu.addAction("")
        self._favourites.setCheckable(True)
        self._menu.addSeparator()
        self._menus = {"model": self._menu.addMenu(""), "scheduler": self._menu.addMenu("")}
        self._dates = self._menu.addMenu("")
        self._days = {days: self._dates.addAction("") for days in DAYS}
        group = QActionGroup(self)
        for action in self._days.values():
            action.setCheckable(True)
            group.addAction(action)
        self._days[0].setChecked(True)
        self._menu.addSeparator()
        self._none = self._menu.addAction("")
        self.setMenu(self._menu)
        self.retranslate()

        self._favourites.toggled.connect(self.favouritesToggled)
        self._favourites.toggled.connect(self._show)
        for days, action in self._days.items():
            action.toggled.connect(lambda on, days=days: on and self._choose_days(days))
        for field, menu in self._menus.items():
            menu.triggered.connect(lambda action, field=field: self._choose(field, action))
        self._none.triggered.connect(self.clear)

    def nextCheckState(self) -> None:
        """A press opens the menu; whether the button is checked is for the filters to say."""

    def set_choices(self, models: Sequence[str], schedulers: Sequence[str]) -> None:
        """Which there are. What is chosen stays so, even where it is not among them now. A menu
        that is open stays as it is when nothing is new."""
        choices = {"model": list(models), "scheduler": list(schedulers)}
        if choices != self._choices:
            self._choices = choices
            self._fill()

    def clear(self) -> None:
        """Filter nothing."""
        self._favourites.setChecked(False)
        self._days[0].setChecked(True)
        for field in self._chosen:
            self._set(field, "")

    def words(self) -> str:
        """What is filtered, "" if nothing is."""
        days = self._since()
        parts = (
            tr("Favourites") if self._favourites.isChecked() else "",
            *self._chosen.values(),
            self._days[days].text() if days else "",
        )
        return " · ".join(filter(None, parts))

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Filter the gallery"))
        self.setToolTip(tr("Show only some of the pictures: of a model, a scheduler, some days."))
        self._favourites.setText(tr("Favourites only"))
        self._menus["model"].setTitle(tr("Model"))
        self._menus["scheduler"].setTitle(tr("Scheduler"))
        self._dates.setTitle(tr("Date"))
        self._days[0].setText(tr("Any day"))
        self._days[1].setText(tr("Today"))
        for days in DAYS[2:]:
            self._days[days].setText(tr("The last {days} days", days=days))
        self._none.setText(tr("Show all"))
        self._fill()
        self._show()

    def _fill(self) -> None:
        for field, menu in self._menus.items():
            menu.clear()
            group, chosen = QActionGroup(menu), self._chosen[field]
            kept = [chosen] if chosen and chosen not in self._choices[field] else []
            for value in ("", *kept, *self._choices[field]):
                label = _label(value) if value else tr("Every")
                action = menu.addAction(label)
                action.setData(value)
                action.setCheckable(True)
                action.setChecked(value == chosen)
                group.addAction(action)
            menu.setEnabled(bool(kept or self._choices[field]))

    def _since(self) -> int:
        return next(days for days, action in self._days.items() if action.isChecked())

    def _choose_days(self, days: int) -> None:
        self.sinceChosen.emit(days)
        self._show()

    def _choose(self, field: str, action: QAction) -> None:
        self._set(field, action.data())

    def _set(self, field: str, value: str) -> None:
        if value == self._chosen[field]:
            return
        self._chosen[field] = value
        for action in self._menus[field].actions():
            action.setChecked(action.data() == value)
        (self.modelChosen if field == "model" else self.schedulerChosen).emit(value)
        self._show()

    def _show(self) -> None:
        words = self.words()
        self.setChecked(bool(words))
        self.setAccessibleDescription(words)
        self._none.setEnabled(bool(words))
        self.changed.emit()


def _label(name: str) -> str:
    """A menu would take "&" for a mnemonic and a tab for a shortcut."""
    line = " ".join(name.split())
    cut = line if len(line) <= LONGEST else line[:LONGEST] + "…"
    return cut.replace("&", "&&")
