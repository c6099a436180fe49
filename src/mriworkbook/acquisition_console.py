"""A console for the settings of a scan: in the page as plain JavaScript, in a kernel as widgets."""

import html
import json
from base64 import b64encode
from importlib import resources

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML

from mriworkbook.acquisition import (
    FIELD_STRENGTHS,
    PRESETS,
    SEQUENCE_NAMES,
    longitudinal,
    noise_at,
    preset,
    slice_image,
    tissue_signal,
    tissues_at,
)
from mriworkbook.practice.parameters import MPRAGE
from mriworkbook.style import PALETTE

#: Tissues whose curves are drawn: colour and dashes tell them apart, and the legend names them.
LINES = {
    "WM": {"label": "white matter", "colour": PALETTE["WM"], "dash": []},
    "GM": {"label": "grey matter", "colour": PALETTE["GM"], "dash": [10, 4]},
    "CSF": {"label": "CSF", "colour": PALETTE["CSF"], "dash": [3, 3]},
}
#: Per slider: label, smallest and largest value, and the step of the arrow keys.
SLIDERS = {
    "repetition_time": ("TR", 100, 12000, 50),
    "echo_time": ("TE", 2, 300, 2),
    "inversion_time": ("TI", 50, 5000, 10),
    "flip_angle": ("Flip angle", 1, 90, 1),
    "field_strength": ("Field strength", 0, len(FIELD_STRENGTHS) - 1, 1),
}


def page_console(slices):
    """The console as part of a page, computed by the browser: no kernel and no network.

    Parameters
    ----------
    slices : mriworkbook.acquisition.HeadSlices

    Returns
    -------
    IPython.display.HTML
        Last in a cell, it is the cell's output, in a notebook and in the book alike.

    Examples
    --------
    >>> from mriworkbook.acquisition import HeadSlices
    >>> dot = np.full((1, 1, 1), 255, np.uint8)
    >>> "Field strength" in page_console(HeadSlices(("a dot",), ("WM",), [dot], 2.0)).data
    True
    """
    data = json.dumps(_page_data(slices), separators=(",", ":"))
    return HTML(
        f"<style>{_asset('css')}</style>"
        '<section class="acquisition-console" aria-label="Acquisition console">'
        "<noscript><p>The console needs JavaScript, which is off in this browser.</p></noscript>"
        f'<div class="controls" hidden>{_controls(slices.names)}{_table()}</div>'
        '<canvas data-slice role="img" aria-label="Slice of a simulated head" '
        'width="128" height="120"></canvas>'
        f'<div class="wide curves">'
        f"{_curve_canvas('longitudinal')}{_curve_canvas('transverse')}</div>"
        '<p class="wide" role="status"></p>'
        f'<script type="application/json">{data}</script>'
        f"<script>{_asset('js')}</script></section>"
    )


def _page_data(slices):
    """Everything that the page computes from, as plain data."""
    times = ("t1", "t2_star", "t2", "pd")
    return {
        "tissues": [
            {
                name: {time: getattr(tissue, time) for time in times}
                for name, tissue in tissues_at(field).items()
                if name in {*slices.tissues, *LINES}
            }
            for field in FIELD_STRENGTHS
        ],
        "field_strengths": FIELD_STRENGTHS,
        "train": {"spacing": MPRAGE.echo_spacing, "length": MPRAGE.train_length},
        "presets": {contrast: preset(contrast) for contrast in PRESETS},
        "noise": {sequence: noise_at(3, sequence) for sequence in SEQUENCE_NAMES},
        "lines": LINES,
        "order": slices.tissues,
        "slices": [
            {
                "name": name,
                "rows": shares.shape[1],
                "columns": shares.shape[2],
                "data": b64encode(shares.tobytes()).decode(),
            }
            for name, shares in zip(slices.names, slices.shares, strict=True)
        ],
    }


def _controls(slice_names):
    buttons = "".join(
        f'<button type="button" data-preset="{contrast}">{contrast}</button>'
        for contrast in PRESETS
    )
    sliders = "".join(
        f'<label><span>{label}</span><input type="range" name="{name}" min="{low}" max="{high}" '
        f'step="1" data-jump="{jump}"><output></output></label>'
        for name, (label, low, high, jump) in SLIDERS.items()
    )
    return (
        f'<div class="presets" role="group" aria-label="Start from">{buttons}</div>'
        f"{_choice('Sequence', 'sequence', [(name, name) for name in SEQUENCE_NAMES])}{sliders}"
        f"{_choice('Slice', 'slice', enumerate(slice_names), 3)}"
    )


def _choice(label, name, options, selected=0):
    made = "".join(
        f'<option value="{html.escape(str(value))}"{" selected" * (n == selected)}>'
        f"{html.escape(text)}</option>"
        for n, (value, text) in enumerate(options)
    )
    return (
        f'<label class="choice"><span>{label}</span><select name="{name}">{made}</select></label>'
    )


def _table():
    rows = "".join(
        f'<tr><th scope="row">{line["label"]} <svg viewBox="0 0 42 10" aria-hidden="true">'
        f'<path d="M0 5H42" stroke="{line["colour"]}" stroke-width="4" '
        f'stroke-dasharray="{" ".join(map(str, line["dash"]))}"/></svg></th>'
        f'<td data-tissue="{name}"></td></tr>'
        for name, line in LINES.items()
    )
    return f"<table><tr><th>tissue</th><th>signal</th></tr>{rows}</table>"


def _curve_canvas(which):
    meaning = {
        "longitudinal": "Longitudinal magnetisation of white matter, grey matter and CSF through "
        "one repetition; a dashed line marks the moment of sampling.",
        "transverse": "Transverse magnetisation of the three tissues from its start; a dashed line "
        "marks TE.",
    }[which]
    return (
        f'<canvas data-curve="{which}" role="img" aria-label="{meaning}" '
        'width="520" height="300"></canvas>'
    )


def _asset(kind):
    folder = resources.files("mriworkbook").joinpath("viewer_assets")
    return folder.joinpath(f"acquisition_console.{kind}").read_text("utf-8")


def widget_console(slices):
    """The console as ipywidgets, computed by the running kernel.

    Parameters
    ----------
    slices : mriworkbook.acquisition.HeadSlices

    Returns
    -------
    ipywidgets.VBox
        Sliders and choices, and below them `console_figure`, drawn anew after each change.
    """
    start = preset("T1w")
    sliders = {
        name: ipywidgets.IntSlider(
            value=int(start[name]),
            min=low,
            max=high,
            description=label,
            continuous_update=False,
        )
        for name, (label, low, high, _) in SLIDERS.items()
        if name != "field_strength"
    }
    sliders["field_strength"] = ipywidgets.SelectionSlider(
        options=FIELD_STRENGTHS, value=start["field_strength"], description="B0 (T)"
    )
    sliders["sequence"] = ipywidgets.Dropdown(
        options=SEQUENCE_NAMES, value=start["sequence"], description="Sequence"
    )
    sliders["number"] = ipywidgets.Dropdown(
        options=[(name, n) for n, name in enumerate(slices.names)], value=3, description="Slice"
    )

    def draw(number, **settings):
        try:
            figure = console_figure(slices, number, settings)
        except ValueError as error:
            print(error)
            return
        plt.show()
        plt.close(figure)

    return ipywidgets.VBox([*sliders.values(), ipywidgets.interactive_output(draw, sliders)])


def console_figure(slices, number, settings):
    """A slice and the curves beside it, with the moments of sampling marked.

    Parameters
    ----------
    slices : mriworkbook.acquisition.HeadSlices
    number : int
        Of the slice.
    settings : dict
        See `mriworkbook.acquisition`.

    Returns
    -------
    matplotlib.figure.Figure
        Longitudinal magnetisation over its equilibrium; transverse over the largest of the three.

    Raises
    ------
    ValueError
        If the times do not fit into each other.
    """
    tissues = tissues_at(settings["field_strength"])
    noise = noise_at(settings["field_strength"], settings["sequence"])
    picture = slice_image(slices.shares[number], slices.tissues, settings, noise)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    left.imshow(picture, origin="lower", cmap="gray", vmin=0, vmax=np.percentile(picture, 99.5))
    left.set(title=slices.names[number], xticks=[], yticks=[])
    decay = "t2_star" if settings["sequence"] in ("gradient echo", "MPRAGE") else "t2"
    # Back from TE to the start of the decay.
    starts = {
        name: abs(tissue_signal(tissues[name], settings))
        * np.exp(settings["echo_time"] / getattr(tissues[name], decay))
        for name in LINES
    }
    after = np.linspace(0, max(200, 1.5 * settings["echo_time"]), 200)
    for name, line in LINES.items():
        tissue = tissues[name]
        style = {
            "color": line["colour"],
            "label": line["label"],
            "linestyle": (0, line["dash"]) if line["dash"] else "-",
        }
        times, mz, _ = longitudinal(tissue, settings)
        middle.plot(times, mz, **style)
        share = starts[name] / max(starts.values())
        right.plot(after, share * np.exp(-after / getattr(tissue, decay)), **style)
    inverted = settings["sequence"] in ("inversion recovery", "MPRAGE")
    moment = settings["inversion_time" if inverted else "repetition_time"]
    for axis, time, name in [
        (middle, moment, "TI" if inverted else "TR"),
        (right, settings["echo_time"], "TE"),
    ]:
        axis.axvline(time, color=PALETTE["neutral"], linestyle="--", label=f"sampled at {name}")
        axis.set_xlabel("time (ms)")
        axis.legend(fontsize="small")
    middle.set(title="regrows with T1", ylabel="longitudinal, Mz / M0")
    right.set(
        title=f"decays with {'T2*' if decay == 't2_star' else 'T2'}",
        ylabel="transverse, |Mxy| / largest",
        ylim=(0, None),
    )
    return figure
