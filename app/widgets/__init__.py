"""The widgets of the window, one a file. Each emits what a person wants and accepts values to show.
They import Qt, the theme, the words and the commands: engine, state and windows lie outside."""
