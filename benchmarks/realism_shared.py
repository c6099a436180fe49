"""Readers and measures of whole files, shared by the real and the practice side."""

import nibabel as nib
import numpy as np
from nilearn import image
from realism_measures import lesion_measures
from scipy import ndimage
from sklearn.cluster import KMeans

from mriworkbook.cleanup import correct_bias, extract_brain

# Names of FreeSurfer's aseg; those in pairs are added up over the hemispheres.
_PAIRS = {
    "cortex": "Cerebral-Cortex",
    "cerebral WM": "Cerebral-White-Matter",
    "lateral ventricles": "Lateral-Ventricle",
    "hippocampi": "Hippocampus",
    "amygdalae": "Amygdala",
    "thalami": "Thalamus",
    "caudate nuclei": "Caudate",
    "putamina": "Putamen",
    "pallida": "Pallidum",
}
DEEP = ("Thalamus", "Caudate", "Putamen", "Pallidum", "Hippocampus", "Amygdala")
SPREADS = ("volume, SD of log(left / right), deep", "volume, SD of log share, deep")
VOLUMES = (*_PAIRS, "brainstem", "third ventricle", "cerebellum")


def read_aseg_stats(path):
    """Structure -> volume (mm3) from ``aseg.stats``, cortex and white matter from its header.

    FreeSurfer lists neither in the table below the header.
    """
    volumes = {}
    for line in path.read_text().splitlines():
        if line.startswith("# Measure"):
            key, *_, value, _unit = (part.strip() for part in line[9:].split(","))
            volumes[key] = float(value)
        elif line.strip() and not line.startswith("#"):
            _, _, _, volume, name, *_ = line.split()
            volumes[name] = float(volume)
    for side, hemisphere in (("Left", "lh"), ("Right", "rh")):
        for name, measure in (("Cortex", "Cortex"), ("White-Matter", "CerebralWhiteMatter")):
            volumes[f"{side}-Cerebral-{name}"] = volumes[f"{hemisphere}{measure}"]
    return volumes


def volume_measures(volumes):
    """Volumes in ml from FreeSurfer's names (mm3)."""

    def both(name):
        return _one(volumes, f"Left-{name}") + _one(volumes, f"Right-{name}")

    numbers = {name: both(label) for name, label in _PAIRS.items()}
    numbers["brainstem"] = volumes["Brain-Stem"]
    numbers["third ventricle"] = volumes["3rd-Ventricle"]
    numbers["cerebellum"] = both("Cerebellum-Cortex") + both("Cerebellum-White-Matter")
    return {f"volume, {name} (ml)": numbers[name] / 1000 for name in VOLUMES}


def spread_measures(people):
    """How far paired deep structures differ between the sides, and in their share of the pair sum.

    Parameters
    ----------
    people : list of dict
        Volumes by FreeSurfer's names.

    Returns
    -------
    dict of str to list
        One value a structure: SD over people of log(left / right), and of log(left + right) less
        the mean of it over the structures (so that the size of the head does not count).
    """
    sums, sides = [], []
    for volumes in people:
        pairs = [(_one(volumes, f"Left-{n}"), _one(volumes, f"Right-{n}")) for n in DEEP]
        sides.append([np.log(left / right) for left, right in pairs])
        sums.append([np.log(left + right) for left, right in pairs])
    sums = np.array(sums)
    shares = (sums - sums.mean(axis=1, keepdims=True)).std(axis=0, ddof=1)
    return dict(zip(SPREADS, (np.std(sides, axis=0, ddof=1), shares), strict=True))


def _one(volumes, name):
    """Newer versions of FreeSurfer say Thalamus for Thalamus-Proper."""
    return volumes[name] if name in volumes else volumes[f"{name}-Proper"]


def surface_measures(folder):
    """Mean and SD of thickness over the cortex (above 0) of each hemisphere in a surf folder."""
    means, spreads = [], []
    for hemisphere in ("lh", "rh"):
        thickness = nib.freesurfer.read_morph_data(folder / f"{hemisphere}.thickness")
        thickness = thickness[thickness > 0]
        means.append(thickness.mean())
        spreads.append(thickness.std())
    return {
        "thickness, mean of a surface (mm)": means,
        "thickness, SD within a surface (mm)": spreads,
    }


def rough_tissues(t1_img):
    """Brain mask and CSF, GM, WM of a T1w image: k-means 8 mm or more inside the mask, eroded."""
    mask = extract_brain(t1_img)
    corrected = correct_bias(t1_img, mask)[0].get_fdata(dtype=np.float32)
    zooms = mask.header.get_zooms()[:3]
    deep = ndimage.distance_transform_edt(np.asarray(mask.dataobj) > 0, sampling=zooms) > 8
    classes = KMeans(3, n_init=4, random_state=0).fit(corrected[deep][:, None])
    rank = np.argsort(np.argsort(classes.cluster_centers_[:, 0]))
    labels = np.zeros(deep.shape, np.uint8)
    labels[deep] = rank[classes.labels_] + 1
    cores = np.zeros_like(labels)
    for value in (1, 2, 3):
        cores[ndimage.binary_erosion(labels == value)] = value
    return mask, nib.Nifti1Image(cores, t1_img.affine)


def other_contrasts(t1_path, others):
    """Tissue ratios of T2w and FLAIR images with the tissues that their T1w image shows.

    Parameters
    ----------
    t1_path : Path
    others : dict
        "T2w" and "FLAIR" -> path; the scans share scanner coordinates.
    """
    mask, tissues = rough_tissues(nib.load(t1_path))
    numbers = {}
    for kind, path in others.items():
        img = nib.load(path)
        inside, labels = (
            image.resample_to_img(
                part, img, interpolation="nearest", force_resample=True, copy_header=True
            )
            for part in (mask, tissues)
        )
        corrected = correct_bias(img, inside)[0]
        data, labels = corrected.get_fdata(dtype=np.float32), np.asarray(labels.dataobj)
        grey, white = (np.median(data[labels == value]) for value in (2, 3))
        # The class holds mixed voxels, too; its purest tenth is fluid: bright on T2w, else dark.
        csf = np.quantile(data[labels == 1], 0.1 if kind == "FLAIR" else 0.9)
        numbers |= {f"{kind} GM / WM": grey / white, f"{kind} CSF / WM": csf / white}
        if kind == "FLAIR":
            zooms = np.array(img.header.get_zooms()[:3], float)
            depth = ndimage.distance_transform_edt(np.asarray(inside.dataobj), sampling=zooms)
            numbers |= lesion_measures(data, white, depth, zooms.prod() / 1000)
    return {name: float(value) for name, value in numbers.items()}
