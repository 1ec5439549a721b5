"""The bundled model: an image is made again bit by bit by a process with another number of threads
and other ways that are quick, since the record tells what decides its last bits; what cannot be had
again is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

import engine
from engine import Request
from engine.hardware.device import has_bfloat16, threads
from engine.hardware.tuning import Tuner, noting, taking
from engine.networks.layers.int8 import available
from engine.record.record import Record
from engine.run.circumstances import THREADS_A_CORE, as_it_was_made, differences

CPU = torch.device("cpu")
HERE = {
    "float32": True,
    "bfloat16": has_bfloat16(CPU),
    "int8": available(CPU),
}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    assert torch.get_num_threads() == before


def made(path: Path, name: str, count: int) -> Record:
    """An image of the bundled model by that many threads."""
    dtype = "float32" if name == "int8" else name
    pipeline = engine.load("bundled", "cpu", dtype)
    request = Request("a red apple, 3d", width=64, height=64, steps=4, seed=7, int8=name == "int8")
    with threads(count):
        *_, finished = engine.generate(pipeline, request)
    pipeline.close()
    engine.save(finished.images[0], path, finished.record)
    return finished.record


@pytest.mark.parametrize("name", [name for name, there in HERE.items() if there])
def test_two_threads_then_one_now(name: str, tmp_path: Path) -> None:
    record = made(tmp_path / "a.png", name, 2)
    assert record.threads == 2
    assert engine.read(tmp_path / "a.png").ways == record.ways
    with threads(1):
        again = engine.replay(tmp_path / "a.png", source="bundled")
        assert torch.get_num_threads() == 1
    assert again.identical
    assert again.notes == ()
    assert (again.made.threads, again.made.ways) == (2, record.ways)


def test_what_cannot_be_had_again_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = made(tmp_path / "a.png", "float32", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    other = replace(record, threads=THREADS_A_CORE + 1, ways={"a convolution": "by hand"})
    with as_it_was_made(other, CPU):
        assert torch.get_num_threads() != other.threads
    first, second = differences("PNG", other, record, identical=False)
    assert "with 5 threads, and this with 1 thread" in first
    assert "1 of 1 large pieces of work" in second
    untold = replace(record, threads=0)
    (only,) = differences("PNG", untold, record, identical=False)
    assert "does not tell how many threads" in only
    assert not [*differences("PNG", untold, record, identical=True)]


def test_a_record_of_before_reads_and_is_made_again(tmp_path: Path) -> None:
    record = made(tmp_path / "a.png", "float32", 1)
    plain = record.to_json().replace(', "threads": 1', "").replace(', "ways": {}', "")
    assert "threads" not in plain and "ways" not in plain
    assert Record.from_json(plain) == replace(record, threads=0)


def test_a_tuner_takes_the_ways_of_a_record_where_it_has_them() -> None:
    def ways(*names: str) -> dict[str, Any]:
        return {name: lambda name=name: name for name in names}

    noted: dict[str, str] = {}
    clock = iter(range(1000))
    tuner = Tuner(clock=lambda: next(clock))
    with noting(noted):
        quick = tuner.run("a product", ways("first", "second"))
        tuner.run("a lone one", ways("only"))
    (work,) = noted
    other = {"first": "second", "second": "first"}[quick]
    assert noted[work] == quick
    again: dict[str, str] = {}
    with taking({work: other}), noting(again):
        assert tuner.run("a product", ways("first", "second")) == other
        assert again == {work: other}
        assert tuner.run("a product", ways(quick, "third")) == quick, (
            "what is not here is not taken"
        )
    assert tuner.run("a product", ways("first", "second")) == quick
    assert import_module("engine.hardware.tuning")._noted.get() is None
