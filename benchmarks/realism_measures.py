"""What the realism table measures, with the same code on real files and on practice files.

Images are arrays at 2 mm, tissues boolean arrays of the same shape; every function returns plain
numbers. Definitions that MRIQC uses too: ``mriqc/qc/anatomical.py``, Esteban 2017,
10.1371/journal.pone.0184661.
"""

import numpy as np
from scipy import ndimage
from sklearn.cluster import KMeans

# FreeSurfer's numbers (aseg) and MUSE's (the IXI label maps) of the same tissues.
ASEG = {
    "WM": (2, 41),
    "cortex": (3, 42),
    "ventricle": (4, 43),
    "cerebellar cortex": (8, 47),
    "thalamus": (10, 49),
    "caudate": (11, 50),
    "putamen": (12, 51),
    "brainstem": (16,),
    "hippocampus": (17, 53),
}
MUSE = {
    "WM": tuple(range(81, 89)),
    "cortex": tuple(range(100, 208)),
    "ventricle": (51, 52),
    "cerebellar cortex": (38, 39),
    "thalamus": (59, 60),
    "caudate": (36, 37),
    "putamen": (57, 58),
    "brainstem": (35,),
    "hippocampus": (47, 48),
}
DIETRICH = 0.6551364  # sqrt(2 / (4 - pi)): from the SD of air to that of the signal
TO_SD = 1.4826  # MAD of a Gaussian -> its SD


def tissues_of(labels, numbers):
    """Boolean map of each tissue of `numbers` (name -> label values)."""
    return {name: np.isin(labels, values) for name, values in numbers.items()}


def halve(data):
    """Mean of every 2 x 2 x 2 voxels; a last odd plane is dropped.

    Examples
    --------
    >>> halve(np.arange(8.0).reshape(2, 2, 2)).item()
    3.5
    """
    data = data[tuple(slice(n // 2 * 2) for n in data.shape)].astype(np.float32)
    i, j, k = (n // 2 for n in data.shape)
    return data.reshape(i, 2, j, 2, k, 2).mean(axis=(1, 3, 5))


def mad_sd(values):
    """Robust SD: 1.4826 times the median absolute deviation."""
    return TO_SD * np.median(np.abs(values - np.median(values)))


def tissue_ratios(image, tissues, reference="WM"):
    """Median of each tissue over the median of white matter; the ventricle without its border."""
    level = np.median(image[tissues[reference]])
    ratios = {}
    for name, mask in tissues.items():
        core = ndimage.binary_erosion(mask) if name == "ventricle" else mask
        if name != reference and core.any():
            ratios[f"{name} / WM"] = np.median(image[core]) / level
    return ratios


def contrast(image, tissues, air):
    """CNR and CJV between white matter and cortex as MRIQC defines them.

    ``cnr = |mu_wm - mu_gm| / sqrt(s_air^2 + s_wm^2 + s_gm^2)`` with mean and SD;
    ``cjv = (m_wm + m_gm) / |mu_wm - mu_gm|`` with the MAD as SD.
    """
    white, grey = image[tissues["WM"]], image[tissues["cortex"]]
    apart = abs(white.mean() - grey.mean())
    noise = image[air].std()
    return {
        "cnr": apart / np.sqrt(noise**2 + white.std() ** 2 + grey.std() ** 2),
        "cjv": (mad_sd(white) + mad_sd(grey)) / apart,
        "WM variation (%)": 100 * mad_sd(white) / np.median(white),
    }


def intensity_classes(image, brain):
    """Three k-means classes of the brain's intensities, as CSF, cortex (all GM) and WM."""
    found = KMeans(3, n_init=4, random_state=0).fit(image[brain][:, None])
    rank = np.argsort(np.argsort(found.cluster_centers_[:, 0]))
    labels = np.zeros(image.shape, np.uint8)
    labels[brain] = rank[found.labels_] + 1
    return {"CSF": labels == 1, "cortex": labels == 2, "WM": labels == 3}


def sharpness(image, brain, tissues):
    """How sharp an image is, in units of the contrast between white matter and cortex.

    Edge gradient: 75th centile of the gradient's length (central differences, 1/mm at 2 mm) over
    white matter and cortex within a voxel of each other. Detail: SD inside the brain of what a
    Gaussian of sigma 1 voxel removes. A blur lowers both, the second more; noise raises both.
    """
    white, grey = tissues["WM"], tissues["cortex"]
    apart = abs(np.median(image[white]) - np.median(image[grey]))
    edge = white & ndimage.binary_dilation(grey) | grey & ndimage.binary_dilation(white)
    slope = np.sqrt(sum(g**2 for g in np.gradient(image, 2.0)))
    inner = ndimage.binary_erosion(brain, iterations=3)
    fine = image - ndimage.gaussian_filter(image, 1.0)
    return {
        "edge gradient (1/mm)": np.quantile(slope[edge], 0.75) / apart,
        "detail": fine[inner].std() / apart,
    }


def noise_in_white_matter(image, tissues):
    """Robust SD of the difference of neighbours in eroded white matter, over sqrt 2 and WM."""
    core = ndimage.binary_erosion(tissues["WM"], iterations=2)
    pairs = core[1:] & core[:-1]
    return mad_sd((image[1:] - image[:-1])[pairs]) / np.sqrt(2) / np.median(image[core])


def entropy_focus(image):
    """EFC: entropy of the whole image over its largest possible one (Atkinson 1997)."""
    values = np.clip(image, 0, None).ravel().astype(float)
    norm, n = np.sqrt((values**2).sum()), values.size
    share = values[values > 0] / norm
    return -(share * np.log(share)).sum() / (np.sqrt(n) * np.log(np.sqrt(n)))


def air_of(image):
    """Voxels at least 10 mm outside the head: what is above a tenth of the bright end, filled."""
    head = image > 0.1 * np.quantile(image, 0.98)
    head = ndimage.binary_opening(ndimage.binary_closing(head, iterations=2), iterations=2)
    return ~ndimage.binary_dilation(ndimage.binary_fill_holes(head), iterations=5)


def snr_dietrich(image, tissues, air):
    """0.655 times the median of white matter over the robust SD of air."""
    return DIETRICH * np.median(image[tissues["WM"]]) / mad_sd(image[air])


def brain_histogram(image, brain, bins=60):
    """Share of brain voxels in each bin between -0.25 and 1.25 of the 2nd-98th centile span."""
    low, high = np.quantile(image[brain], [0.02, 0.98])
    scaled = np.clip((image[brain] - low) / (high - low), -0.2499, 1.2499)
    counts, _ = np.histogram(scaled, bins=bins, range=(-0.25, 1.25))
    return counts / counts.sum()


def overlap(a, b):
    """Common area of two histograms that each add up to 1.

    Examples
    --------
    >>> overlap(np.array([0.5, 0.5]), np.array([0.25, 0.75])).item()
    0.75
    """
    return np.minimum(a, b).sum()


def head_measures(raw, corrected, brain, tissues):
    """All numbers of one T1w head at 2 mm.

    Parameters
    ----------
    raw, corrected : ndarray (i, j, k), float
        Before and after N4.
    brain : ndarray of bool
        With its fluid.
    tissues : dict of str to ndarray of bool
        Names as in `ASEG`.

    Returns
    -------
    dict of str to float
    """
    air = air_of(raw)
    numbers = tissue_ratios(corrected, tissues)
    numbers |= contrast(corrected, tissues, air)
    classes = intensity_classes(corrected, brain)
    by_class = contrast(corrected, classes, air)
    numbers |= {f"{name}, k-means classes": by_class[name] for name in ("cnr", "cjv")}
    for name in ("cortex", "CSF"):
        ratio = np.median(corrected[classes[name]]) / np.median(corrected[classes["WM"]])
        numbers[f"{'GM' if name == 'cortex' else name} / WM, k-means classes"] = ratio
    numbers |= sharpness(corrected, brain, tissues)
    numbers["noise in WM"] = noise_in_white_matter(corrected, tissues)
    numbers["efc"] = entropy_focus(raw)
    return {f"T1w {name}": float(value) for name, value in numbers.items()}


def jacobian_measures(jacobian, mask):
    """SD of J and of log J in the brain mask, and the smallest J; the overall scale taken out."""
    inside = jacobian[mask & (jacobian > 0)]
    log = np.log(inside)
    log = log - log.mean()
    return {
        "Jacobian SD": float(np.exp(log).std()),
        "log Jacobian SD": float(log.std()),
        "log Jacobian robust SD": float(mad_sd(log)),
    }


def lesion_measures(flair, white, depth, voxel_ml):
    """Bright spots of a FLAIR image: their volume, and how bright they are against white matter.

    Spots are brighter than 1.5 times white matter (`white`, its median), lie 10 mm or more inside
    the brain (`depth`, mm) and form pieces of at least 0.02 ml. The rule is rough: it also finds
    what else is bright there, on both sides.
    """
    labels, n = ndimage.label((flair > 1.5 * white) & (depth > 10))
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    keep = np.flatnonzero(sizes * voxel_ml >= 0.02)
    spots = np.isin(labels, keep[keep > 0])
    bright = np.median(flair[spots]) / white if spots.any() else np.nan
    return {
        "FLAIR bright spots (ml)": float(spots.sum() * voxel_ml),
        "FLAIR bright spots / WM": float(bright),
    }


def thickness_measures(table, covariates):
    """Level, spread and correlation of a table of regional thickness, one hemisphere.

    Parameters
    ----------
    table : ndarray (people, regions)
        mm.
    covariates : ndarray (people, n)
        Age, sex and the like; an intercept is added.

    Returns
    -------
    dict of str to ndarray
    """
    design = np.column_stack([np.ones(len(table)), covariates])
    residual = table - design @ np.linalg.lstsq(design, table, rcond=None)[0]
    spread = residual.std(axis=0, ddof=design.shape[1])
    r = np.corrcoef(residual.T)[np.triu_indices(table.shape[1], 1)]
    return {
        "thickness, mean of a person (mm)": table.mean(axis=1),
        "thickness, mean of a region (mm)": table.mean(axis=0),
        "thickness, SD between regions (mm)": np.array([table.mean(axis=0).std(ddof=1)]),
        "thickness, SD between people (mm)": spread,
        "thickness, mean residual correlation": np.array([r.mean()]),
        "thickness, SD of residual correlation": np.array([r.std()]),
    }
