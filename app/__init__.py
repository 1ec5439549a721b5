"""The application: Qt. It draws, listens, and hands requests to the engine."""


def installed_version() -> str:
    """The version of the installed package, such as "0.1.0"; "" where only its files are here.
    Shown by the window's About and by `safelight --version`."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("safelight")
    except PackageNotFoundError:
        return ""
