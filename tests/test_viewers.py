"""The brain viewer: light before the click, self-contained, texts escaped. In use: tests/book."""

import gzip
import html
import json
import re
import warnings

import nibabel as nib
import numpy as np
import pytest
from bs4 import BeautifulSoup
from nilearn.datasets import load_mni152_template

from mriworkbook.viewers import brain_viewer

ALT = "Three slices of a head, white matter brighter than grey."


@pytest.fixture(scope="module")
def head():
    return load_mni152_template(resolution=2)


@pytest.fixture(scope="module")
def viewer(head):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a warning would stand on the page
        return brain_viewer(head, title="The template", alt=ALT, cut_coords=(0, 0, 0))


def inside(viewer):
    """The page that the button opens."""
    return html.unescape(re.search(r'data-srcdoc="([^"]*)"', viewer.data)[1])


def shape(viewer):
    """Number of slices along each axis."""
    found = json.loads(re.search(r'"nbSlice": ({[^}]*})', inside(viewer))[1])
    return tuple(found.values())


def test_viewer_needs_no_other_host_and_is_light(viewer):
    page = inside(viewer)
    assert not re.search(r"(src|href)=\"?(https?:)?//", page)
    assert len(gzip.compress(page.encode())) < 5e6


def test_viewer_is_the_same_each_time(head, viewer):
    again = brain_viewer(head, title="The template", alt=ALT, cut_coords=(0, 0, 0))
    assert again.data == viewer.data


def test_texts_are_escaped(head):
    viewer = brain_viewer(head, title='A "head" & <b>', alt=f'{ALT} "x" <i>', voxel_size=8)
    soup = BeautifulSoup(viewer.data, "html.parser")
    assert soup.img["alt"] == f'{ALT} "x" <i>'
    assert soup.button["data-title"] == 'A "head" & <b>'
    assert BeautifulSoup(inside(viewer), "html.parser").title.text == 'A "head" & <b>'


@pytest.mark.parametrize(
    ("size", "asked", "expected"), [(1.0, 2, 2.0), (2.0, 2, 2.0), (2.0, 4, 4.0), (4.0, 2, 4.0)]
)
def test_fine_images_are_made_coarse_and_coarse_ones_stay(size, asked, expected):
    count = int(64 / size)
    ramp = np.broadcast_to(np.arange(count, dtype="float32"), (count, count, count))
    img = nib.Nifti1Image(np.ascontiguousarray(ramp), np.diag([size, size, size, 1]))
    assert shape(brain_viewer(img, title="A ramp", alt=ALT, voxel_size=asked)) == pytest.approx(
        (64 / expected,) * 3, abs=1
    )


def test_mask_keeps_its_values(head):
    mask = nib.Nifti1Image((head.get_fdata() > 0.2).astype("uint8"), head.affine)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        viewer = brain_viewer(
            mask, bg_img=head, title="Mask", alt=ALT, cmap="autumn", vmin=0, vmax=1, threshold=0.5,
            opacity=0.4, resampling_interpolation="nearest",
        )  # fmt: skip
    assert 'value="40"' in inside(viewer), "the slider starts at the opacity shown"


@pytest.mark.parametrize(
    ("options", "says"),
    [({"alt": "A head."}, "at least 20"), ({"alt": ALT, "voxel_size": 1}, "too heavy")],
)
def test_what_would_harm_a_page_is_refused(head, options, says):
    with pytest.raises(ValueError, match=says):
        brain_viewer(head, title="x", **options)
