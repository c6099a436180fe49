"""Tables in the format of FreeSurfer's stats folder."""

import numpy as np

from mriworkbook.practice import _mesh
from mriworkbook.practice.parameters import value
from mriworkbook.practice.structures import STRUCTURES

SUBCORTICAL = ("Thalamus", "Caudate", "Putamen", "Pallidum", "Hippocampus", "Amygdala")
EXCLUDED = [number for name, number in STRUCTURES.items() if "-Cerebral-" in name]
_SIMULATED = "# Simulated by mriworkbook.practice: no person was scanned, FreeSurfer did not run"
_AVERAGE_FOLDS = (
    "# The mesh is fsaverage5's: smoother than a person's, with some 0.6 of a person's area"
)
_COUNTED = "# Volumes of cortex and white matter are counted in voxels, not taken from surfaces"


def etiv(xfm):
    """Estimated total intracranial volume from the affine to MNI305, in mm3.

    The larger the head, the less the affine has to enlarge it: eTIV = 1948106 mm3 / det (Buckner
    2004, 10.1016/j.neuroimage.2004.06.018; the factor is that of FreeSurfer's code).

    Examples
    --------
    >>> round(etiv(np.eye(4)))
    1948106
    """
    return value("etiv_scale") * 1000 / float(np.linalg.det(xfm[:3, :3]))


def regional_table(white, pial, thickness, faces, labels, indices):
    """What mris_anatomical_stats reports for every region.

    Area is the white surface's, volume that of the columns between the surfaces. With H the mean
    and K the Gaussian curvature of the white surface, k1 the larger of its two curvatures and k2
    the other: mean curvature is the integral of |H| and Gaussian that of |K|, both over the area;
    the folding index is the integral of |k1| (|k1| - |k2|), the intrinsic curvature index that of
    the positive part of K, both over 4 pi (Van Essen 1997, 10.1523/JNEUROSCI.17-18-07079.1997).

    Parameters
    ----------
    white, pial : ndarray (n, 3)
    thickness : ndarray (n,)
    faces : ndarray (m, 3)
    labels : ndarray (n,) of int
    indices : sequence of int
        Labels of the regions.

    Returns
    -------
    dict of str to ndarray
        One value a region under each of FreeSurfer's column names.
    """
    size = max(indices) + 1
    count, area = np.bincount(labels, minlength=size), _mesh.vertex_areas(white, faces)
    first, second = _mesh.principal_curvatures(white, faces)

    def total(per_vertex):
        return np.bincount(labels, per_vertex, size)

    mean = total(thickness) / np.maximum(count, 1)
    surface, curved = total(area), first * second
    columns = {
        "NumVert": count,
        "SurfArea": surface,
        "GrayVol": total(_mesh.ribbon_volumes(white, pial, faces)),
        "ThickAvg": mean,
        "ThickStd": np.sqrt(total((thickness - mean[labels]) ** 2) / np.maximum(count, 1)),
        "MeanCurv": total(abs(first + second) / 2 * area) / np.maximum(surface, 1e-9),
        "GausCurv": total(abs(curved) * area) / np.maximum(surface, 1e-9),
        "FoldInd": total(abs(first) * (abs(first) - abs(second)) * area) / (4 * np.pi),
        "CurvInd": total(np.maximum(curved, 0) * area) / (4 * np.pi),
    }
    return {name: column[indices] for name, column in columns.items()}


def brain_measures(counts, voxel_volume, mask_voxels, intracranial):
    """Volumes of the header in mm3, all of them counted in the segmentation.

    FreeSurfer takes cortex and white matter from the surfaces; here those are average folds, which
    hold only half the cortex of the image.

    Parameters
    ----------
    counts : ndarray (256,)
        Voxels of each label of the segmentation.
    voxel_volume : float
        mm3.
    mask_voxels : int
        In the brain mask.
    intracranial : float
        eTIV.

    Returns
    -------
    dict of str to float

    References
    ----------
    https://surfer.nmr.mgh.harvard.edu/fswiki/MorphometryStats
    """
    volumes = {name: counts[number] * voxel_volume for name, number in STRUCTURES.items()}

    def both(*names):
        return sum(volumes[f"{side}-{name}"] for side in ("Left", "Right") for name in names)

    lateral, deep = both("Lateral-Ventricle"), both(*SUBCORTICAL)
    fluid = lateral + volumes["3rd-Ventricle"] + volumes["4th-Ventricle"] + volumes["CSF"]
    brain = sum(volumes.values()) - volumes["Brain-Stem"]
    cortex, white = both("Cerebral-Cortex"), both("Cerebral-White-Matter")
    mask = mask_voxels * voxel_volume
    return {
        "BrainSegVol": brain,
        "BrainSegVolNotVent": brain - fluid,
        "VentricleChoroidVol": lateral,
        "lhCortexVol": volumes["Left-Cerebral-Cortex"],
        "rhCortexVol": volumes["Right-Cerebral-Cortex"],
        "CortexVol": cortex,
        "lhCerebralWhiteMatterVol": volumes["Left-Cerebral-White-Matter"],
        "rhCerebralWhiteMatterVol": volumes["Right-Cerebral-White-Matter"],
        "CerebralWhiteMatterVol": white,
        "SubCortGrayVol": deep,
        "TotalGrayVol": cortex + deep + both("Cerebellum-Cortex"),
        "SupraTentorialVol": cortex + white + deep + lateral,
        "SupraTentorialVolNotVent": cortex + white + deep,
        "MaskVol": mask,
        "BrainSegVol-to-eTIV": brain / intracranial,
        "MaskVol-to-eTIV": mask / intracranial,
        "eTIV": intracranial,
    }


# Name in the file, what it is; ", " belongs to the format.
_MEASURES = {
    "BrainSegVol": ("BrainSeg", "Brain Segmentation Volume"),
    "BrainSegVolNotVent": ("BrainSegNotVent", "Brain Segmentation Volume Without Ventricles"),
    "VentricleChoroidVol": ("VentricleChoroidVol", "Volume of ventricles and choroid plexus"),
    "lhCortexVol": ("lhCortex", "Left hemisphere cortical gray matter volume"),
    "rhCortexVol": ("rhCortex", "Right hemisphere cortical gray matter volume"),
    "CortexVol": ("Cortex", "Total cortical gray matter volume"),
    "lhCerebralWhiteMatterVol": (
        "lhCerebralWhiteMatter",
        "Left hemisphere cerebral white matter volume",
    ),
    "rhCerebralWhiteMatterVol": (
        "rhCerebralWhiteMatter",
        "Right hemisphere cerebral white matter volume",
    ),
    "CerebralWhiteMatterVol": ("CerebralWhiteMatter", "Total cerebral white matter volume"),
    "SubCortGrayVol": ("SubCortGray", "Subcortical gray matter volume"),
    "TotalGrayVol": ("TotalGray", "Total gray matter volume"),
    "SupraTentorialVol": ("SupraTentorial", "Supratentorial volume"),
    "SupraTentorialVolNotVent": ("SupraTentorialNotVent", "Supratentorial volume"),
    "MaskVol": ("Mask", "Mask Volume"),
    "BrainSegVol-to-eTIV": ("BrainSegVol-to-eTIV", "Ratio of BrainSegVol to eTIV"),
    "MaskVol-to-eTIV": ("MaskVol-to-eTIV", "Ratio of MaskVol to eTIV"),
    "eTIV": ("EstimatedTotalIntraCranialVol", "Estimated Total Intracranial Volume"),
}
_IN_SURFACE_TABLES = (
    "BrainSegVol",
    "BrainSegVolNotVent",
    "CortexVol",
    "SupraTentorialVol",
    "SupraTentorialVolNotVent",
    "eTIV",
)


def measure_line(name, number):
    """One header line as FreeSurfer writes it.

    Examples
    --------
    >>> measure_line("MaskVol", 1598807)
    '# Measure Mask, MaskVol, Mask Volume, 1598807.000000, mm^3'
    """
    structure, text = _MEASURES[name]
    unit = "unitless" if name.endswith("-to-eTIV") else "mm^3"
    return f"# Measure {structure}, {name}, {text}, {number:.6f}, {unit}"


_SURFACE_COLUMNS = (
    ("StructName", "Structure Name", "NA"),
    ("NumVert", "Number of Vertices", "unitless"),
    ("SurfArea", "Surface Area", "mm^2"),
    ("GrayVol", "Gray Matter Volume", "mm^3"),
    ("ThickAvg", "Average Thickness", "mm"),
    ("ThickStd", "Thickness StdDev", "mm"),
    ("MeanCurv", "Integrated Rectified Mean Curvature", "mm^-1"),
    ("GausCurv", "Integrated Rectified Gaussian Curvature", "mm^-2"),
    ("FoldInd", "Folding Index", "unitless"),
    ("CurvInd", "Intrinsic Curvature Index", "unitless"),
)
_VOLUME_COLUMNS = (
    ("Index", "Index", "NA"),
    ("SegId", "Segmentation Id", "NA"),
    ("NVoxels", "Number of Voxels", "unitless"),
    ("Volume_mm3", "Volume", "mm^3"),
    ("StructName", "Structure Name", "NA"),
    ("normMean", "Intensity normMean", "MR"),
    ("normStdDev", "Intensity normStdDev", "MR"),
    ("normMin", "Intensity normMin", "MR"),
    ("normMax", "Intensity normMax", "MR"),
    ("normRange", "Intensity normRange", "MR"),
)


def _column_lines(columns):
    return [
        f"# TableCol {number:2d} {what:<9} {text}"
        for number, column in enumerate(columns, start=1)
        for what, text in zip(("ColHeader", "FieldName", "Units"), column, strict=True)
    ]


def surface_row(name, vertices, area, volume, mean, sd, mean_curv, gauss_curv, fold, intrinsic):
    """One line of a surface table.

    Examples
    --------
    >>> surface_row("insula", 3735, 2624, 9436, 3.442, 0.917, 0.111, 0.025, 34, 3.9)[40:]
    ' 3735   2624   9436  3.442 0.917     0.111     0.025       34     3.9'
    """
    return (
        f"{name:<40}{vertices:5d}  {area:5.0f}  {volume:5.0f}  {mean:5.3f} {sd:5.3f}"
        f"  {mean_curv:8.3f}  {gauss_curv:8.3f}  {fold:7.0f}  {intrinsic:6.1f}"
    )


def surface_stats(label, side, names, table, cortex_thickness, measures):
    """Text of ``<side>.practice.stats``.

    Parameters
    ----------
    label : str
    side : {"lh", "rh"}
    names : sequence of str
    table : dict of str to ndarray
        From `regional_table`.
    cortex_thickness : float
        Mean over the cortex's vertices, mm.
    measures : dict of str to float
        From `brain_measures`.

    Returns
    -------
    str
    """
    vertices, area = table["NumVert"].sum(), table["SurfArea"].sum()
    lines = [
        "# Table of FreeSurfer cortical parcellation anatomical statistics ",
        "# ",
        _SIMULATED,
        _AVERAGE_FOLDS,
        "# generating_program mriworkbook.practice",
        "# anatomy_type surface",
        f"# subjectname sub-{label}",
        f"# hemi {side}",
        f"# AnnotationFile ../label/{side}.practice.annot",
        f"# Measure Cortex, NumVert, Number of Vertices, {vertices}, unitless",
        f"# Measure Cortex, WhiteSurfArea, White Surface Total Area, {area:g}, mm^2",
        f"# Measure Cortex, MeanThickness, Mean Thickness, {cortex_thickness:g}, mm",
        *(measure_line(name, measures[name]) for name in _IN_SURFACE_TABLES),
        "# NTableCols 10",
        *_column_lines(_SURFACE_COLUMNS),
        "# ColHeaders " + " ".join(column[0] for column in _SURFACE_COLUMNS),
    ]
    columns = [table[name] for name, _, _ in _SURFACE_COLUMNS[1:]]
    lines += [surface_row(*row) for row in zip(names, *columns, strict=True)]
    return "\n".join(lines) + "\n"


def volume_row(index, number, voxels, volume, name, mean, sd, low, high, spread):
    """One line of aseg.stats.

    Examples
    --------
    >>> volume_row(9, 24, 1248, 1287.8, "CSF", 40.2492, 12.1255, 14, 79, 65)[:37]
    '  9  24      1248     1287.8  CSF     '
    """
    values = " ".join(f"{number:10.4f}" for number in (mean, sd, low, high, spread))
    return f"{index:3d} {number:3d}  {voxels:8d} {volume:10.1f}  {name:<30} {values} "


def _summary(values):
    """Mean, SD, least, most and range; 0 without values, as FreeSurfer writes."""
    if len(values) == 0:
        return (0.0,) * 5
    low, high = float(values.min()), float(values.max())
    return float(values.mean()), float(values.std()), low, high, high - low


def volume_stats(label, labels, values, voxel_volume, measures):
    """Text of aseg.stats.

    Parameters
    ----------
    label : str
    labels, values : ndarray (n,)
        Segmentation and intensity (white matter near 110) of the voxels in the brain mask.
    voxel_volume : float
        mm3.
    measures : dict of str to float

    Returns
    -------
    str
    """
    rows = []
    for name, number in STRUCTURES.items():
        if number not in EXCLUDED:
            inside = values[labels == number].astype(np.float64)
            row = len(rows) + 1, number, len(inside), len(inside) * voxel_volume, name
            rows.append(volume_row(*row, *_summary(inside)))
    excluded = " ".join(str(number) for number in sorted(EXCLUDED))
    lines = [
        "# Title Segmentation Statistics ",
        "# ",
        _SIMULATED,
        _COUNTED,
        "# generating_program mriworkbook.practice",
        "# anatomy_type volume",
        f"# subjectname sub-{label}",
        *(measure_line(name, number) for name, number in measures.items()),
        "# SegVolFile mri/aseg.mgz ",
        "# InVolFile  mri/T1.mgz ",
        "# InVolFrame 0 ",
        "# Excluding Cortical Gray and White Matter",
        f"# ExcludeSegId 0 {excluded} ",
        f"# VoxelVolume_mm3 {voxel_volume:g} ",
        *(f"{line} " for line in _column_lines(_VOLUME_COLUMNS)),
        f"# NRows {len(rows)} ",
        "# NTableCols 10 ",
        "# ColHeaders  " + " ".join(column[0] for column in _VOLUME_COLUMNS) + "  ",
        *rows,
    ]
    return "\n".join(lines) + "\n"
