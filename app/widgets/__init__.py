"""The widgets of the window, one a file. Each emits what a person wants and accepts what to show;
none knows the engine, the session or another widget."""
