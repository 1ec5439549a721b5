"""What ships with the program: bundled models, icons and the style sheet. Holds no code; it is a
package so that an installed Safelight finds its files with importlib.resources."""
