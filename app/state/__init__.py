"""What the application knows, as objects that tell when they change: QtCore and QImage, no widgets.
Built by `app.parts`, connected by `app.wiring`."""
