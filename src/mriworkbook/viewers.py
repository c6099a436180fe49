"""A brain to click through: a still picture first, nilearn's viewer when the reader asks for it."""

import html
import io
import re
from base64 import b64encode
from importlib import resources

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from nilearn import image, plotting

COARSEST_MM = 2
SHORTEST_ALT = 20
HINT = "Click, or use the arrow keys, Page Up and Page Down to move. Escape closes."


def brain_viewer(
    img,
    *,
    title,
    alt,
    bg_img=None,
    cut_coords=None,
    voxel_size=COARSEST_MM,
    resampling_interpolation="continuous",
    cmap="gray",
    vmin=None,
    vmax=None,
    threshold=None,
    opacity=1.0,
):
    """Three slices as a picture, with a button that opens them to click through.

    Parameters
    ----------
    img : nibabel image or path
        3D image in any unit and orientation.
    title : str
        What is shown; names the viewer for screen readers.
    alt : str
        What there is to see in the picture, at least 20 characters.
    bg_img : nibabel image or path, optional
        Anatomy under `img`. By default `img` itself is the anatomy.
    cut_coords : sequence of 3 floats, optional
        World coordinates (RAS+ mm) of the slices shown first.
    voxel_size : float, default=2
        Edge of the voxels shown, in mm. Finer images are smoothed and resampled; below 2 mm a page
        grows too heavy for slow connections.
    resampling_interpolation : {"continuous", "nearest"}
        "nearest" for masks and labels.
    cmap, vmin, vmax, threshold, opacity
        As `nilearn.plotting.view_img` takes them.

    Returns
    -------
    IPython.display.HTML
        Last in a cell, it is the cell's output. In the book, the viewer is a file beside the page
        that loads on the click; in a notebook it is part of the output.

    Raises
    ------
    ValueError
        If `alt` is too short or `voxel_size` too fine.

    Notes
    -----
    The viewer is that of `nilearn.plotting.view_img` (Abraham et al. 2014,
    10.3389/fninf.2014.00014), with keyboard control added.

    Examples
    --------
    >>> import nibabel as nib
    >>> head = nib.Nifti1Image(np.arange(1000, dtype="float32").reshape(10, 10, 10), 4 * np.eye(4))
    >>> viewer = brain_viewer(head, title="A ramp", alt="Brightness rises from left to right.")
    >>> "A ramp" in viewer.data
    True
    """
    if len(alt) < SHORTEST_ALT:
        raise ValueError(
            f"alt={alt!r} has {len(alt)} characters; "
            f"say in at least {SHORTEST_ALT} what there is to see"
        )
    if voxel_size < COARSEST_MM:
        raise ValueError(
            f"voxel_size={voxel_size} mm is too heavy for a page; give {COARSEST_MM} or more"
        )

    nearest = resampling_interpolation == "nearest"
    shown = _coarse(img, voxel_size, nearest)
    below = None if bg_img is None else _coarse(bg_img, voxel_size, False)
    shared = {
        "cut_coords": cut_coords,
        "resampling_interpolation": resampling_interpolation,
        "cmap": cmap,
        "vmin": vmin,
        "vmax": vmax,
        "threshold": threshold,
        "black_bg": True,
    }
    view = plotting.view_img(
        shown,
        bg_img=False if below is None else below,
        symmetric_cmap=False,
        opacity=opacity,
        **shared,
    )
    shade = round(100 * opacity) if below is not None else None
    viewer = _with_keyboard(view.get_standalone(), title, shade)
    picture = _picture(shown, bg_img=below, transparency=opacity, **shared)
    return HTML(_output(picture, viewer, title, alt))


def _coarse(img, voxel_size, nearest):
    """A copy at `voxel_size` mm, unless the image is that coarse already."""
    img = image.load_img(img)
    zooms = np.asarray(img.header.get_zooms()[:3])
    if (zooms >= voxel_size).all():
        return img
    if not nearest:
        # Without low-pass, detail finer than the new voxels comes back as false patterns.
        img = image.smooth_img(img, fwhm=np.where(zooms < voxel_size, voxel_size, 0))
    interpolation = "nearest" if nearest else "linear"
    return image.resample_img(
        img, target_affine=voxel_size * np.eye(3), interpolation=interpolation
    )


def _picture(img, **options):
    """PNG bytes of the slices that the viewer shows first."""
    figure = plt.figure(figsize=(8, 3.2))
    try:
        plotting.plot_img(img, figure=figure, **options)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", facecolor="black")
    finally:
        plt.close(figure)
    return stream.getvalue()


def _with_keyboard(page, title, shade):
    """nilearn's page without outside addresses, named, and with keys that move the slices.

    `shade` is the overlay's opacity in percent, None where there is no overlay.
    """
    # nilearn draws its ids at random; the page must be the same whenever it is built.
    page = re.sub(r"-[0-9a-f]{32}\b", "", page)
    page = re.sub(r"<link rel=\"icon\".*?>", "", page, flags=re.DOTALL)
    title = html.escape(title)
    named = f'<canvas tabindex="0" role="application" aria-label="{title}. {HINT}" id='
    for old, new in [
        ("<title>Nilearn - Slice viewer</title>", f"<title>{title}</title>"),
        ("<canvas id=", named),
        ('<input type="range"', '<input type="range" aria-label="Opacity in percent"'),
        ('value="100"', f'value="{shade or 100}"'),
        ("brain = brainsprite(", "brain = window.brain = brainsprite("),
        ("</head>", f"<style>{_asset('viewer.css')}</style></head>"),
        ("</body>", f"<p>{HINT}</p><script>{_asset('viewer.js')}</script></body>"),
        ("<body>", '<body class="plain">' if shade is None else "<body>"),
    ]:
        if page.count(old) != 1:
            raise RuntimeError(
                f"nilearn's viewer has {page.count(old)} times {old!r}, once expected"
            )
        page = page.replace(old, new)
    return page


def _output(picture, viewer, title, alt):
    source = f"data:image/png;base64,{b64encode(picture).decode()}"
    return (
        '<figure class="brain-viewer" style="margin: 0">'
        f'<img style="max-width: 100%" alt="{html.escape(alt)}" src="{source}">'
        f'<button type="button" aria-expanded="false" data-title="{html.escape(title)}" '
        f'data-srcdoc="{html.escape(viewer)}">Open the viewer: {html.escape(title)}</button>'
        f"<script>{_asset('viewer_button.js')}</script></figure>"
    )


def _asset(name):
    return resources.files("mriworkbook").joinpath("viewer_assets", name).read_text("utf-8")
