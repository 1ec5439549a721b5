"""The colours of the program by name, its style sheet and its icons. app.wiring applies a theme;
widgets that paint themselves read `tokens()`, and the style sheet is filled in from the same table.
"""

from __future__ import annotations

import string
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontInfo, QIcon, QPainter, QPalette, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

NAMES = ("dark", "light", "system")

_PROPERTY = "safelightTheme"


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """One theme: every colour that the program uses, as #rrggbb.

    background: behind the picture; panel: the sides; raised: fields and buttons; hover: raised,
    under the pointer; line: hairlines and borders; text and muted: what is read; faint: what is
    disabled; accent: the lamp; glow: accent under the pointer; on_accent: text on accent;
    alarm and on_alarm: the error bar.
    """

    background: str
    panel: str
    raised: str
    hover: str
    line: str
    text: str
    muted: str
    faint: str
    accent: str
    glow: str
    on_accent: str
    alarm: str
    on_alarm: str


DARK = Tokens(
    background="#141414",
    panel="#1b1b1c",
    raised="#242426",
    hover="#2e2e31",
    line="#303033",
    text="#e9e7e4",
    muted="#9b9894",
    faint="#5e5c5a",
    accent="#ff5a36",
    glow="#ff7355",
    on_accent="#1a0b07",
    alarm="#3b1a16",
    on_alarm="#ffd9d1",
)

LIGHT = Tokens(
    background="#e4e2de",
    panel="#f3f1ee",
    raised="#fdfcfb",
    hover="#eae7e2",
    line="#cfcbc4",
    text="#1e1c1a",
    muted="#625e59",
    faint="#a39e97",
    accent="#c9391a",
    glow="#b02f13",
    on_accent="#ffffff",
    alarm="#fbdcd4",
    on_alarm="#5c1608",
)


def tokens() -> Tokens:
    """The colours of the theme that is on now; dark before any was applied."""
    app = QApplication.instance()
    name = app.property(_PROPERTY) if app else None
    if name == "system":
        scheme = QApplication.styleHints().colorScheme()
        return LIGHT if scheme == Qt.ColorScheme.Light else DARK
    return LIGHT if name == "light" else DARK


def apply(app: QApplication, name: str) -> None:
    """Puts the theme `name` ("dark", "light" or "system") on, at once and in every open window.
    With "system" the program follows the desktop from then on. Raises ValueError for another name.
    """
    if name not in NAMES:
        raise ValueError(f"Unknown theme {name!r}; choose one of {', '.join(NAMES)}.")
    if app.property(_PROPERTY) == name:
        return
    if app.property(_PROPERTY) is None:
        app.setStyle("Fusion")
        _DesktopFollower(app)
    app.setProperty(_PROPERTY, name)
    scheme = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}.get(name)
    app.styleHints().setColorScheme(scheme or Qt.ColorScheme.Unknown)
    _paint_over(app)


def icon(name: str) -> QIcon:
    """The icon resources/icons/NAME.svg in the colours of the theme that is on now: text, faint
    when disabled, accent when checked."""
    colours = tokens()
    made = QIcon()
    looks = (
        (QIcon.Mode.Normal, QIcon.State.Off, colours.text),
        (QIcon.Mode.Normal, QIcon.State.On, colours.accent),
        (QIcon.Mode.Disabled, QIcon.State.Off, colours.faint),
        (QIcon.Mode.Disabled, QIcon.State.On, colours.faint),
    )
    for mode, state, colour in looks:
        for ratio in (1, 2, 3):
            made.addPixmap(pixmap(name, QSize(18, 18), colour, ratio), mode, state)
    return made


def pixmap(name: str, size: QSize, colour: str, ratio: float = 1.0) -> QPixmap:
    """resources/icons/NAME.svg drawn in one colour. size: in logical pixels; ratio: device pixels
    for each of them."""
    key = f"{name} {size.width()} {size.height()} {colour} {ratio}"
    drawing = QPixmap()
    if QPixmapCache.find(key, drawing):  # a window asks for each of its icons many times
        return drawing
    drawing = QPixmap(size * ratio)
    drawing.setDevicePixelRatio(ratio)
    drawing.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawing)
    svg = _resource(f"icons/{name}.svg").replace("currentColor", colour)
    QSvgRenderer(QByteArray(svg.encode())).render(
        painter, QRectF(0, 0, size.width(), size.height())
    )
    painter.end()
    QPixmapCache.insert(key, drawing)
    return drawing


class _DesktopFollower(QObject):
    """Lives as long as the application and paints it anew when the desktop turns dark or light."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        app.styleHints().colorSchemeChanged.connect(self._follow)

    def _follow(self) -> None:
        if self._app.property(_PROPERTY) == "system":
            _paint_over(self._app)


def _paint_over(app: QApplication) -> None:
    colours = tokens()
    app.setPalette(_palette(colours))
    points = QFontInfo(app.font()).pointSizeF()
    app.setStyleSheet(
        string.Template(_resource("style/safelight.qss")).substitute(
            asdict(colours),
            icons=str(files("resources") / "icons").replace("\\", "/"),
            small=f"{points * 0.92:.2f}pt",
            large=f"{points * 1.12:.2f}pt",
        )
    )


def _palette(colours: Tokens) -> QPalette:
    role, disabled = QPalette.ColorRole, QPalette.ColorGroup.Disabled
    palette = QPalette()
    for name, colour in {
        role.Window: colours.panel,
        role.WindowText: colours.text,
        role.Base: colours.raised,
        role.AlternateBase: colours.panel,
        role.Text: colours.text,
        role.PlaceholderText: colours.muted,
        role.Button: colours.raised,
        role.ButtonText: colours.text,
        role.BrightText: colours.accent,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent,
        role.Accent: colours.accent,
        role.Link: colours.accent,
        role.ToolTipBase: colours.raised,
        role.ToolTipText: colours.text,
        role.Light: colours.hover,
        role.Mid: colours.line,
        role.Dark: colours.line,
    }.items():
        palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(disabled, name, QColor(colours.faint))
    return palette


@cache
def _resource(path: str) -> str:
    return (files("resources") / path).read_text(encoding="utf-8")
