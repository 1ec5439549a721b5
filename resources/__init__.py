"""What ships with the program: bundled models, icons and the style sheet. It is a package so that
an installed Safelight finds its files with importlib.resources. Holds no code that the program
runs: `training`, which made the models, stays in the repository."""
