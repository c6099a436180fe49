"""One look for all figures: intensity windows and colours.

Line widths, font and the like are in a matplotlib style beside this module:
``plt.style.use("mriworkbook.workbook")``.
"""

import numpy as np
from nilearn.image import get_data, load_img

#: Colours that stay apart for every common form of colour blindness (Wong 2011, 10.1038/nmeth.1618;
#: indigo added so that a group never has the colour of a tissue).
PALETTE = {
    "GM": "#0072B2",
    "WM": "#E69F00",
    "CSF": "#56B4E9",
    "truth": "#009E73",
    "estimate": "#D55E00",
    "controls": "#332288",
    "patients": "#CC79A7",
    "neutral": "#595959",
}


def window(img, percentiles=(1, 99.5)):
    """Intensity window of an image, as keyword arguments for nilearn's plotting functions.

    MR intensities have arbitrary units, so a window typed in by hand fits one image only.

    Parameters
    ----------
    img : nibabel image or path
        3D image, any unit.
    percentiles : tuple of float
        Lower and upper percentile of the voxels above zero.

    Returns
    -------
    dict
        ``{"vmin": float, "vmax": float}``; 0 to 1 where no voxel is above zero.

    Examples
    --------
    >>> import nibabel as nib, numpy as np
    >>> ramp = np.arange(1000, dtype="float32").reshape(10, 10, 10)
    >>> window(nib.Nifti1Image(ramp, np.eye(4)), percentiles=(0, 50))
    {'vmin': 1.0, 'vmax': 500.0}
    """
    data = get_data(load_img(img))
    data = data[data > 0]
    if not data.size:
        return {"vmin": 0.0, "vmax": 1.0}
    low, high = np.percentile(data, percentiles)
    return {"vmin": float(low), "vmax": float(high)}
