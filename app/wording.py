"""Wording: what every setting of a request is called and how it is explained, once: in the window,
in comparisons, on the timeline and on the command line. Read by all of them. Imports neither the
engine nor Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.i18n import tr

Say = Callable[[], str]
SayValue = Callable[[Any], str]


@dataclass(frozen=True)
class Words:
    """Of one setting; what is shown in the window is said in the person's language when it is
    asked for.

    label: what it is called in the window. tooltip: what its control there does to the image; None
    for a setting that has no control. flag: of `safelight render`, with what stands for its value:
    "--guidance G"; without dashes for a word by itself. help: what that flag does. plain: what the
    command line calls it where it tells a value. changed: what a person did who changed it to that
    value. beside: how its value is told where it acts without a control.
    """

    label: Say | None = None
    tooltip: Say | None = None
    flag: str = ""
    help: str = ""
    plain: str = ""
    changed: SayValue | None = None
    beside: SayValue | None = None


def _curve_tooltip() -> str:
    return tr(
        "How closely the picture follows the prompt from the first step to the last. Drag a point; "
        "double-click to add or to remove one."
    )


def _interval_tooltip() -> str:
    return tr(
        "In which part of the run the picture is drawn towards the prompt: without it the first "
        "steps vary more, and the last ones are quicker. Tab goes from one handle to the other."
    )


def _speed_tooltip() -> str:
    return tr(
        "How much of the work a step takes over from the steps before it: the faster, the more the "
        "picture differs from the exact one."
    )


WORDS: dict[str, Words] = {
    "prompt": Words(
        label=lambda: tr("Prompt"),
        tooltip=lambda: tr("What the picture shows. Ctrl+Enter generates it."),
        flag="PROMPT",
        help="what the image shows; it is asked for where none stands here, of models that take "
        "one",
        changed=lambda value: tr("Prompt: {words}", words=value),
    ),
    "negative_prompt": Words(
        label=lambda: tr("Negative prompt"),
        tooltip=lambda: tr("What the picture keeps away from. It may stay empty."),
        flag="--negative T",
        help="what the image keeps away from; default: nothing",
        changed=lambda value: tr("Negative prompt: {words}", words=value),
    ),
    "seed": Words(
        label=lambda: tr("Seed"),
        tooltip=lambda: tr("The noise that the picture grows from: same seed, same picture."),
        flag="--seed N",
        help="where the noise starts from; -1, the default, draws one, which is told",
    ),
    "steps": Words(
        label=lambda: tr("Steps"),
        tooltip=lambda: tr(
            "In how many steps the picture develops: more are finer and take longer."
        ),
        flag="--steps N",
        help="denoising steps, 1 to 1000; default: the model's own",
    ),
    "scheduler": Words(
        label=lambda: tr("Scheduler"),
        tooltip=lambda: tr(
            "How the noise is taken away: it decides how soon the picture is sharp."
        ),
        flag="--scheduler S",
        help="a name that `safelight schedulers` lists; default: the model's own",
    ),
    "scheduler_options": Words(
        label=lambda: tr("Scheduler options"),
        flag="--option KEY=VALUE",
        help="an option of the scheduler, like use_karras_sigmas=true; for several, again; "
        "default: as the model's folder says",
        plain="options",
        beside=lambda value: ", ".join(
            name if inner is True else f"{name} {inner}" for name, inner in value.items()
        ),
    ),
    "eta": Words(
        label=lambda: tr("Eta"),
        flag="--eta E",
        help="share of fresh noise in ddim and tcd, 0 (default) to 1",
        beside=lambda value: tr("eta {eta}", eta=f"{value:g}"),
    ),
    "guidance_scale": Words(
        label=lambda: tr("Guidance"),
        tooltip=lambda: tr(
            "How closely the picture follows the prompt. Move it while the picture develops."
        ),
        flag="--guidance G",
        help="guidance scale, 0 to 100; 1 turns it off; default: the model's own",
        plain="guidance",
        changed=lambda value: tr("Guidance {scale}", scale=f"{value:g}"),
    ),
    "guidance_curve": Words(
        label=lambda: tr("Guidance curve"),
        tooltip=_curve_tooltip,
        flag="--guidance-curve POINTS",
        help="guidance over the run, fraction:scale, like 0:3,0.5:9,1:5 or 'cosine 0:3,1:9'; "
        "default: the same all the time",
        changed=lambda value: tr("Guidance curve"),
    ),
    "guidance_easing": Words(label=lambda: tr("Easing of the curve"), tooltip=_curve_tooltip),
    "guidance_interval": Words(
        label=lambda: tr("Guidance interval"),
        tooltip=_interval_tooltip,
        flag="--guidance-interval A:B",
        help="guide only there, like 0.2:0.8; default: 0:1",
        changed=lambda value: tr("Guidance interval"),
    ),
    "guidance_rescale": Words(
        label=lambda: tr("Guidance rescale"),
        tooltip=lambda: tr("Takes back the glare that a high guidance scale brings; 0 is off."),
        flag="--guidance-rescale R",
        help="against glaring contrast, 0 to 1; default: the model's own",
        changed=lambda value: tr("Guidance rescale {share}", share=f"{value:g}"),
    ),
    "width": Words(
        label=lambda: tr("Width"),
        tooltip=lambda: tr("How wide the picture is, in pixels."),
        flag="--size WxH",
        help="width and height in pixels, like 512x512; default: the model's own",
    ),
    "height": Words(
        label=lambda: tr("Height"),
        tooltip=lambda: tr("How tall the picture is, in pixels."),
        flag="--size WxH",
    ),
    "count": Words(
        label=lambda: tr("Count"),
        tooltip=lambda: tr("How many pictures are made at once, one seed each."),
        flag="--count N",
        help="images to make, with seeds one apart; default: 1",
    ),
    "class_label": Words(
        label=lambda: tr("Class"),
        tooltip=lambda: tr("What the picture shows: one of the kinds that the model knows."),
        flag="--class N",
        help="what the image shows, for a model with classes, which are numbered from 0; default: "
        "the model's own",
    ),
    "clip_skip": Words(
        label=lambda: tr("Clip skip"),
        flag="--clip-skip N",
        help="the text encoder's layer that is read: 1 the last (default), 2 the last but one",
        beside=lambda value: tr("clip skip {count}", count=value),
    ),
    "feature_reuse": Words(
        label=lambda: tr("Deep layers: one step in"),
        tooltip=_speed_tooltip,
        flag="--feature-reuse N",
        help="run the deep layers of the network in every N-th step only, 1 (default) to 10",
        changed=lambda value: (
            tr("Deep layers in every step")
            if value == 1
            else tr("Deep layers in one step of {count}", count=value)
        ),
    ),
    "guidance_reuse": Words(
        label=lambda: tr("Unguided half left out up to"),
        tooltip=_speed_tooltip,
        flag="--guidance-reuse S",
        help="leave the unconditional half out where guidance turned by no more than this share, 0 "
        "(nowhere, default) to 1",
        changed=lambda value: (
            tr("Unguided half in every step") if value == 0 else tr("Unguided half less often")
        ),
    ),
    "int8": Words(
        label=lambda: tr("In 8 bits"),
        tooltip=_speed_tooltip,
        flag="--int8",
        help="multiply in 8-bit numbers, twice as fast on processors that can, almost the same "
        "image",
        changed=lambda value: tr("In 8 bits") if value else tr("In full precision"),
    ),
    "edits": Words(
        label=lambda: tr("Changed during the run"),
        flag="--edits FILE",
        help="a JSON list of changes during the run, as an image's record has them; default: none",
    ),
    "vary": Words(
        changed=lambda value: tr("Varied by {percent} %", percent=round(100 * value["amount"]))
    ),
    "finish": Words(changed=lambda value: tr("Finished here")),
}
"""By the field's name, in the order in which a comparison of two images tells them. The last two
are no settings but acts, which an edit may be."""


def in_order(fields: Iterable[str]) -> list[str]:
    """The fields in the order in which a comparison tells them; those without words come last."""
    known = list(WORDS)
    return sorted(fields, key=lambda name: known.index(name) if name in WORDS else len(known))


def words(field: str) -> Words:
    """Of that field; plain ones, in English, where nobody has written any."""
    return WORDS.get(field, Words())


def flag(field: str) -> str:
    """What the field is on the command line: "--class"."""
    return words(field).flag.partition(" ")[0] or f"--{field.replace('_', '-')}"


def plain(field: str) -> str:
    """What the command line calls the field where it tells its value."""
    return words(field).plain or field.replace("_", " ")


def label(field: str) -> str:
    """What the field is called in the window."""
    said = words(field).label
    return said() if said else plain(field).capitalize()


def has_control(field: str) -> bool:
    """Whether the window has a control for the field."""
    return words(field).tooltip is not None


def tooltip(field: str) -> str:
    """What the field's control in the window does to the image; "" where it has none."""
    said = words(field).tooltip
    return said() if said else ""


def changed(field: str, value: object) -> str:
    """What a person did who changed the field to that value, in a few words."""
    said = words(field).changed
    return said(value) if said else plain(field)


def beside(field: str, value: object) -> str:
    """The field and its value, where it acts without a control."""
    said = words(field).beside
    return said(value) if said else f"{plain(field)} {value}"
