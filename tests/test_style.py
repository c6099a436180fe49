"""Colours, fonts and windows that all figures share."""

from itertools import combinations

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex, to_rgb
from matplotlib.font_manager import findfont, get_font

from mriworkbook.style import PALETTE, window

# fmt: off
# Machado, Oliveira and Fernandes 2009 (10.1109/TVCG.2009.113), table for severity 1.
SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868],
         [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968],
         [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779],
         [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}
# fmt: on
TOGETHER = [("GM", "WM", "CSF"), ("truth", "estimate", "neutral"), ("controls", "patients")]


def lab(colour, sight):
    """CIE L*a*b* of a colour as somebody with this sight sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    linear = np.clip(SIGHT[sight] @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ linear / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def nearest(colours, sight):
    """Distance between the two most similar colours; about 2 can just be told apart."""
    seen = [lab(colour, sight) for colour in colours]
    return min(np.linalg.norm(a - b) for a, b in combinations(seen, 2))


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("names", TOGETHER, ids=" ".join)
def test_colours_stay_apart(names, sight):
    assert nearest([PALETTE[name] for name in names], sight) > 15


def test_the_measure_knows_a_bad_pair():
    assert nearest(["#D7191C", "#1A9641"], "full") > 60
    assert nearest(["#A0522D", "#6B7A1F"], "deuteranopia") < 15


def test_style_uses_palette_and_a_font_that_comes_along():
    with plt.style.context("mriworkbook.workbook"):
        cycle = [to_hex(entry["color"]).upper() for entry in plt.rcParams["axes.prop_cycle"]]
        font = get_font(findfont(plt.rcParams["font.family"][0], fallback_to_default=False))
    assert cycle == list(PALETTE.values())
    assert font.family_name == "DejaVu Sans"


@given(scale=st.floats(0.01, 1000))
def test_window_follows_the_unit(scale):
    ramp = np.arange(1000, dtype="float64").reshape(10, 10, 10)
    one, other = (window(nib.Nifti1Image(factor * ramp, np.eye(4))) for factor in (1, scale))
    for bound in ("vmin", "vmax"):
        assert other[bound] == pytest.approx(scale * one[bound])


def test_window_ignores_the_empty_background():
    head = np.zeros((10, 10, 10))
    head[4:6, 4:6, 4:6] = np.arange(100, 108).reshape(2, 2, 2)
    assert window(nib.Nifti1Image(head, np.eye(4)))["vmin"] > 99


def test_window_of_nothing_is_still_a_window():
    assert window(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))) == {"vmin": 0.0, "vmax": 1.0}
