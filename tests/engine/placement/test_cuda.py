"""On a CUDA device: the same images as on the CPU, nothing waits, recorded and offloaded runs equal
the plain one, and small memory is enough. `pytest -m gpu`; skipped where there is none.
"""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

import engine
from engine import Request
from engine.hardware.transfers import CudaTransfers, uploaded
from engine.pipelines.tiles import decode_in_tiles
from engine.placement.offload import Placement, Stage
from engine.placement.streaming import Streamed
from tests import tiny

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]

REQUEST = Request("a red apple, 3d", width=64, height=64, steps=6, guidance_scale=5.0, seed=3)


@pytest.fixture(autouse=True)
def exact_products():
    """float32 in full: TF32 rounds to ten bits."""
    convolution = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = convolution


@pytest.fixture(scope="module")
def sdxl_folder(tmp_path_factory):
    return tiny.save_sdxl(tmp_path_factory.mktemp("cuda") / "sdxl")


@pytest.fixture(scope="module")
def on_cuda(tiny_folder):
    return engine.load(tiny_folder, device="cuda", dtype="float32")


def run(pipeline, request=REQUEST, **named) -> list[engine.Event]:
    return list(engine.generate(pipeline, request, **named))


def latents(events) -> torch.Tensor:
    return events[-1].timeline[-1].latents


def picture(events) -> np.ndarray:
    return np.asarray(events[-1].images[0], np.int16)


def without_waiting(pipeline, request) -> list[engine.Event]:
    """The events of a run that is an error where anything waits behind the first step, up to the
    decode. Each step has its preview."""
    events = engine.generate(pipeline, request)
    seen = []
    try:
        for event in events:
            seen.append(event)
            if isinstance(event, engine.Step):
                engine.preview(pipeline, event.snapshot.denoised)
                torch.cuda.set_sync_debug_mode("error")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return seen


@pytest.mark.parametrize("scheduler", engine.schedulers.names())
def test_an_image_does_not_depend_on_the_device(on_cuda, tiny_pipeline, scheduler):
    request = replace(REQUEST, scheduler=scheduler, count=2)
    here, there = run(on_cuda, request), run(tiny_pipeline, request)
    assert all(tensor.device.type == "cpu" for tensor in (latents(here), latents(there)))
    torch.testing.assert_close(latents(here), latents(there), rtol=1e-3, atol=1e-3)
    assert np.abs(picture(here) - picture(there)).max() <= 2


def test_half_precision_lies_with_its_channels_last(tiny_folder, tiny_pipeline):
    pipeline = engine.load(tiny_folder, device="cuda")
    assert pipeline.dtype == torch.float16
    for convolution in (pipeline.unet.conv_in, pipeline.vae.decoder.conv_in):
        assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
    half, single = latents(run(pipeline)), latents(run(tiny_pipeline))
    assert (half - single).norm() < 0.05 * single.norm()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("scheduler", engine.schedulers.names())
def test_nothing_in_the_loop_waits(tiny_folder, scheduler, dtype):
    pipeline = engine.load(tiny_folder, device="cuda", dtype=dtype)
    run(pipeline)  # what libraries do the first time is no part of the loop
    events = without_waiting(pipeline, replace(REQUEST, scheduler=scheduler))
    assert isinstance(events[-1], engine.Finished)


def test_nor_does_sdxl_nor_a_picture_of_a_class(sdxl_folder, tmp_path):
    classes = tiny.DDPM_CIFAR | {"num_class_embeds": 4}
    for folder in (sdxl_folder, tiny.save_ddpm(tmp_path / "ddpm", classes)):
        pipeline = engine.load(folder, device="cuda", dtype="float32")
        request = replace(pipeline.default_request, steps=4, seed=1)
        run(pipeline, request)
        assert isinstance(without_waiting(pipeline, request)[-1], engine.Finished)


def test_snapshots_arrive_complete(on_cuda):
    """Each is read as soon as it is told of, while the device may still be at work."""
    request = replace(REQUEST, scheduler="unipc", width=256)
    seen = [
        (event.snapshot.latents.clone(), event.snapshot.conditional.clone())
        for event in engine.generate(on_cuda, request)
        if isinstance(event, engine.Step)
    ]
    torch.cuda.synchronize()
    again = run(on_cuda, request)[-1].timeline
    for (sample, conditional), snapshot in zip(seen, again, strict=True):
        assert torch.equal(sample, snapshot.latents)
        assert torch.equal(conditional, snapshot.conditional)
        assert snapshot.seconds > 0
        assert not snapshot.latents.is_pinned()


def test_a_parcel_waits_for_the_work_that_makes_it():
    device = torch.device("cuda", torch.cuda.current_device())
    transfers = CudaTransfers(device)
    begun = transfers.mark()
    product = uploaded(torch.eye(2048), device)
    for _ in range(50):
        product = product @ product
    total = product.sum()
    here, arrival = transfers.fetch((total, product), begun)
    del total, product  # their memory is not given to others before it has been copied
    others = [torch.zeros(2048, 2048, device=device) for _ in range(4)]
    arrival.wait()
    arrival.wait()
    assert torch.equal(here[1], torch.eye(2048))
    assert here[0] == 2048
    assert not any(other.any() for other in others)
    assert arrival.seconds > 0


def test_a_run_from_a_snapshot_ends_bit_identical(on_cuda):
    request = replace(REQUEST, scheduler="sa_solver", count=2)
    whole = run(on_cuda, request)
    for snapshot in list(whole[-1].timeline)[:-1]:
        assert torch.equal(latents(run(on_cuda, request, start=snapshot)), latents(whole))


def test_latents_that_are_no_numbers_name_their_step(on_cuda, monkeypatch):
    denoise, calls = on_cuda.denoiser, []

    def broken(*given):
        calls.append(given)
        unconditional, conditional = denoise(*given)
        return unconditional, conditional * (float("nan") if len(calls) == 3 else 1.0)

    monkeypatch.setattr(on_cuda, "denoiser", broken)
    with pytest.raises(engine.NonFiniteError, match="step 3 of 6"):
        run(on_cuda, replace(REQUEST, scheduler="ddim"))


@pytest.mark.parametrize("kind", ["tiny", "sdxl"])
def test_a_recorded_run_equals_the_plain_one(kind, tiny_folder, sdxl_folder):
    folder = tiny_folder if kind == "tiny" else sdxl_folder
    plain = engine.load(folder, device="cuda", dtype="float32")
    recorded = engine.load(folder, device="cuda", dtype="float32", cuda_graph=True)
    for request in (
        replace(REQUEST, scheduler="euler"),
        replace(REQUEST, scheduler="euler", width=128, seed=9),
        replace(REQUEST, scheduler="euler", prompt="an owl", guidance_interval=(0.3, 0.7)),
    ):
        torch.testing.assert_close(
            latents(run(recorded, request)), latents(run(plain, request)), rtol=1e-5, atol=1e-5
        )
    without_waiting(recorded, replace(REQUEST, scheduler="euler"))


@pytest.mark.parametrize("kind", ["tiny", "sdxl"])
@pytest.mark.parametrize("placement", list(Placement))
def test_offloaded_runs_equal_the_plain_one(kind, placement, tiny_folder, sdxl_folder, monkeypatch):
    monkeypatch.setattr(Streamed.__init__, "__defaults__", (20_000,))  # many pieces
    folder = tiny_folder if kind == "tiny" else sdxl_folder
    plain = engine.load(folder, device="cuda", dtype="float32", placement="together")
    moving = engine.load(folder, device="cuda", dtype="float32", placement=placement)
    assert moving.device == plain.device
    for request in (REQUEST, replace(REQUEST, seed=4)):
        events = run(moving, request)
        torch.testing.assert_close(
            latents(events), latents(run(plain, request)), rtol=1e-5, atol=1e-5
        )
        for event in events:
            if isinstance(event, engine.Step):  # the decoder takes the UNet's place and gives it up
                engine.preview(moving, event.snapshot.denoised, "vae")
    if placement == Placement.IN_BLOCKS:
        moving = engine.load(folder, device="cuda", dtype="float32", placement=placement)
        run(moving)
        events = engine.generate(moving, REQUEST)
        _ = next(events), next(events)
        torch.cuda.set_sync_debug_mode("error")  # the blocks come without anybody waiting
        try:
            for _ in range(REQUEST.steps - 1):
                next(events)
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_a_network_that_streams_takes_two_pieces_of_memory():
    device = torch.device("cuda", torch.cuda.current_device())
    layers = torch.nn.ModuleList(torch.nn.Linear(2048, 2048, bias=False) for _ in range(12))
    network = Row(layers).requires_grad_(False)
    expected = network(torch.ones(1, 2048))
    stage = Stage(device, Placement.IN_BLOCKS)
    stage.seat("unet", network)  # 16 MiB a layer, so that pieces hold four
    found = torch.ones(1, 2048, device=device)
    _ = found @ torch.ones(2048, 2048, device=device)  # and its workspace
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    for _ in range(4):  # with the CPU ahead of the device
        found = network(torch.ones(1, 2048, device=device))
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)
    taken = torch.cuda.max_memory_allocated(device) - before
    assert taken < 2.3 * 4 * 16 * 2**20


class Row(torch.nn.Module):
    def __init__(self, layers: torch.nn.ModuleList) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def test_a_small_card_is_found_small_when_a_model_is_loaded(tiny_folder, monkeypatch):
    monkeypatch.setattr("engine.placement.offload.memory_free", lambda device: 2**20)
    pipeline = engine.load(tiny_folder, device="cuda", dtype="float32")
    resting = {parameter.device.type for parameter in pipeline.unet.parameters()}
    assert resting == {"cpu"}
    assert isinstance(run(pipeline)[-1], engine.Finished)
    assert {one.device.type for one in pipeline.text.encoder.parameters()} == {"cpu"}


@torch.no_grad()
def test_tiles_join_without_seams(on_cuda):
    latent = torch.randn(1, 4, 48, 80, generator=torch.Generator().manual_seed(0)).to("cuda")
    vae = on_cuda.vae
    whole = vae.decode(latent).cpu()
    tiled = decode_in_tiles(vae, latent, tile=32, overlap=8).cpu()
    assert tiled.shape == whole.shape
    # Where two tiles meet the picture is no rougher than the whole one is anywhere.
    steps = [(image[..., 1:] - image[..., :-1]).abs().mean((0, 1, 2)) for image in (tiled, whole)]
    assert steps[0].max() <= 1.5 * steps[1].max()
    assert (tiled - whole).abs().mean() < 0.5 * whole.std()


def test_a_decode_without_memory_is_done_again_in_tiles(on_cuda, monkeypatch):
    request = replace(REQUEST, width=320, height=320, steps=1)
    plain = picture(run(on_cuda, request))
    whole = on_cuda.vae.decode

    def only_tiles(latent, poll):
        if latent.shape[-1] > 32:
            torch.empty(2**60, dtype=torch.uint8, device="cuda")  # more than any card has
        return whole(latent, poll)

    monkeypatch.setattr(on_cuda.vae, "decode", only_tiles)
    finished = run(on_cuda, request)
    assert "tiles" in " ".join(finished[-1].record.notes)
    assert np.abs(picture(finished) - plain).mean() < 0.5 * plain.std()


def test_a_unet_that_does_not_fit_says_what_would_help(on_cuda, monkeypatch):
    def too_large(*_, **__):
        return torch.empty(2**60, dtype=torch.uint8, device="cuda")

    monkeypatch.setattr(on_cuda.unet, "forward", too_large)
    with pytest.raises(engine.OutOfMemory, match="smaller width"):
        run(on_cuda)
    monkeypatch.undo()
    assert isinstance(run(on_cuda)[-1], engine.Finished)


@pytest.mark.parametrize("settings", [{"cuda_graph": True}, {"placement": "in blocks"}])
def test_a_closed_pipeline_has_let_go_of_its_networks(tiny_folder, settings):
    pipeline = engine.load(tiny_folder, device="cuda", **settings)
    run(pipeline)
    unet = weakref.ref(pipeline.unet)
    pipeline.close()
    assert unet() is None
