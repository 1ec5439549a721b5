"""The one folder where threads meet: the worker, the retoucher and the enlarger."""

from PySide6.QtCore import Qt

DIRECT = Qt.ConnectionType.DirectConnection
"""How what may be called from any thread is connected: its own thread is busy while it works, so it
is called in the thread of who calls. What has no such connection waits for the thread of its
receiver."""
