"""In which order the gallery shows its pictures. The gallery panel has it beside the filter."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.i18n import tr
from app.widgets.basic.icon_button import IconButton

ORDERS = ("newest", "oldest", "name", "seed", "model")


class SortButton(IconButton):
    """Opens a menu; its accessible description tells the present order."""

    sortChosen = Signal(str)  # one of ORDERS

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("sort", bare=True, parent=parent)
        self._menu = QMenu(self)
        self._orders = {order: self._menu.addAction("") for order in ORDERS}
        group = QActionGroup(self)
        for action in self._orders.values():
            action.setCheckable(True)
            group.addAction(action)
        self._orders["newest"].setChecked(True)
        self.setMenu(self._menu)
        self.retranslate()

        for order, action in self._orders.items():
            action.toggled.connect(lambda on, order=order: on and self._choose(order))

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Sort the gallery"))
        self.setToolTip(tr("Put the pictures of the gallery into another order."))
        words = {
            "newest": tr("Newest first"),
            "oldest": tr("Oldest first"),
            "name": tr("By name"),
            "seed": tr("By seed"),
            "model": tr("By model"),
        }
        for order, action in self._orders.items():
            action.setText(words[order])
        self._describe()

    def _choose(self, order: str) -> None:
        self._describe()
        self.sortChosen.emit(order)

    def _describe(self) -> None:
        chosen = next(action for action in self._orders.values() if action.isChecked())
        self.setAccessibleDescription(chosen.text())
