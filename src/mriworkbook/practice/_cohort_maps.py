"""Grey-matter maps and Jacobian determinants of the cohort, in step with its tables.

At voxel v of person i, in template space at 4 mm,

    g(v) = expit(logit(m(v)) + noise) T(i, r) / T(r)         grey matter as it was warped
    J(v) = exp(noise), scaled so that its mean over a structure or region s is
           (V(i, s) / V(s)) / (eTIV(i) / eTIV)                volume, head size taken out
    modulated = g J

with m the template's grey matter, T thickness, V the volume of a structure or the area of a
cortical region, and those without i the values at age 50. Times the head's size eTIV(i) / eTIV, the
sum of the modulated map is in proportion to thickness times area, but for the noise. J is person
over template and has no affine part, as FSL-VBM's.
"""

import functools
from typing import NamedTuple

import nibabel as nib
import numpy as np
from scipy import ndimage, special

from mriworkbook.practice import _cohort_regions as planted
from mriworkbook.practice._fields import box_grid, generator, grid_points, sample, smooth_noise
from mriworkbook.practice._files import sidecar, write_json
from mriworkbook.practice.parameters import SPACE, value

SPACING = 4.0
# Steps of the stored integers: probability, determinant, their product.
STEPS = {"probseg": 1 / 255, "J": 0.0125, "mod": 0.0125}
NAMES = {
    "J": "{}_J.nii.gz",
    "probseg": f"{{}}_space-{SPACE}_label-GM_probseg.nii.gz",
    "mod": f"{{}}_space-{SPACE}_label-GM_mod.nii.gz",
}
LEAST_GREY, LEAST_MODULATED = 0.02, 0.05


class Template(NamedTuple):
    """Grid, grey matter (0 to 1), weight (1 in the brain, 0 far off) and labels.

    labels: 0 to m - 1 for `columns`, the tables' columns of area and volume, -1 elsewhere.
    """

    affine: np.ndarray
    grey: np.ndarray
    weight: np.ndarray
    labels: np.ndarray
    columns: tuple


@functools.lru_cache(maxsize=1)
def template():
    """The template on the cohort's grid.

    Returns
    -------
    Template
    """
    from mriworkbook.practice.anatomy import HIGH, LOW, load_template
    from mriworkbook.practice.regions import volume_labels
    from mriworkbook.practice.structures import STRUCTURES, template_structures

    fine = load_template()
    shape, affine = box_grid(LOW, HIGH, SPACING)
    points = grid_points(shape, affine)

    def coarse(volume, sigma):
        blurred = ndimage.gaussian_filter(volume.astype(np.float32), sigma)
        return sample(blurred, fine.affine, points)

    grey = coarse(_sharpened_grey(fine), 1.5)
    white = coarse(fine.wm, 1.5) / 255
    weight = coarse(np.float32(fine.depth > -4), 3.0)
    columns = list(planted.area().coefficients.columns)
    labels = volume_labels(shape, affine, grey > 0.3).astype(int) - 1
    structures = sample(template_structures(), fine.affine, points, order=0).astype(int)
    left = points[0] < 0
    for name in planted.volumes().coefficients.columns:
        if name.endswith("Cerebral-White-Matter"):
            here = (white > 0.6) & (labels < 0) & (structures == 0)
            here &= left if name.startswith("Left") else points[0] > 0
        else:
            here = structures == STRUCTURES[name]
        if here.any():
            labels[here] = len(columns)
            columns.append(name)
    grey = np.where(grey < LEAST_GREY, 0, grey).astype(np.float32)
    return Template(affine, grey, weight, labels, tuple(columns))


def _sharpened_grey(fine):
    """Grey fraction of one person at 1 mm, from the template's average of many, as in `anatomy`.

    The template's classifier saw sulci narrower than a voxel as grey; their share goes to CSF.
    """
    out = np.empty(fine.gm.shape, np.float32)
    for i in range(len(out)):  # plane by plane, memory is short
        grey, white = (part[i].astype(np.float32) / 255 for part in (fine.gm, fine.wm))
        fluid = np.clip(1 - grey - white, 0, 1)
        grey, white, fluid = (part ** value("sharpening") for part in (grey, white, fluid))
        out[i] = grey / (grey + white + fluid)
    return out * (1 - value("sulcal_floor"))


def _reference(law, columns):
    """Expected log of area or volume at age 50 of the reference head, nothing else planted."""
    intercept, exponent = (
        law.coefficients.loc[row, columns] for row in ("Intercept", "np.log(eTIV)")
    )
    return intercept + exponent * np.log(planted.REFERENCE_ETIV)


def targets(cohort):
    """What the maps must show.

    Parameters
    ----------
    cohort : Cohort

    Returns
    -------
    log_j : DataFrame
        People by ``template().columns``, log of the mean J.
    thickness : DataFrame
        People by regions, thickness over what is expected at 50.
    head : Series
        eTIV over that of the template: the determinant of the affine part.
    """
    columns = template().columns
    etiv = cohort.participants["eTIV"]
    logs = np.log(cohort.area.join(cohort.volumes)[list(columns)])
    split = len(cohort.area.columns)
    for law, part in ((planted.area(), columns[:split]), (planted.volumes(), columns[split:])):
        logs[list(part)] -= _reference(law, list(part))
    means = planted.thickness()
    slope = means.coefficients.loc["np.log(eTIV)"]
    expected = means.coefficients.loc["Intercept"] + slope * np.log(planted.REFERENCE_ETIV)
    log_j = logs.sub(np.log(etiv / planted.REFERENCE_ETIV), axis=0)
    return log_j, cohort.thickness / expected, etiv / (value("etiv_scale") * 1000)


def _mean_per_label(volume, labels, counts):
    return np.bincount(labels[labels >= 0], volume[labels >= 0], len(counts)) / counts


def _jacobian(rng, log_target, space):
    """Positive map whose means over the labels are exp(log_target)."""
    fine, coarse = (sigma / SPACING for sigma in value("cohort_jacobian_sigma"))
    share, shape = value("cohort_jacobian_coarse"), space.labels.shape
    noise = np.sqrt(1 - share) * smooth_noise(rng, shape, fine)
    noise += np.sqrt(share) * smooth_noise(rng, shape, coarse)
    log_j = value("cohort_jacobian_sd") * noise
    inside = space.labels >= 0
    counts = np.bincount(space.labels[inside], minlength=len(log_target))
    spread = ndimage.gaussian_filter(inside.astype(np.float32), 1.0)
    # The correction is smooth, so that one structure's moves its neighbours': a few rounds.
    for _ in range(4):
        means = _mean_per_label(np.exp(log_j), space.labels, counts)
        missing = np.where(inside, (log_target - np.log(means))[space.labels], 0)
        log_j += ndimage.gaussian_filter(missing, 1.0) / np.maximum(spread, 0.05)
    return np.exp(log_j * space.weight)


def person_maps(number, log_target, thickness, space):
    """Maps of one person.

    Parameters
    ----------
    number : int
    log_target : ndarray (m,)
    thickness : ndarray (regions,)
        Over what is expected.
    space : Template

    Returns
    -------
    dict of str to ndarray of uint8
        "J", "probseg" and "mod", in steps of `STEPS`.
    """
    rng = generator(number, "vbm")
    error = rng.normal(0, value("cohort_registration_error"), len(log_target))
    jacobian = np.clip(_jacobian(rng, log_target + error, space), 4 * STEPS["J"], None)
    noise = smooth_noise(rng, space.grey.shape, value("cohort_grey_sigma") / SPACING)
    # The slope of expit at one half is 1/4.
    odds = special.logit(np.clip(space.grey, 0.01, 0.99)) + 4 * value("cohort_grey_sd") * noise
    factor = np.ones_like(space.grey)
    cortex = (space.labels >= 0) & (space.labels < len(thickness))
    factor[cortex] = thickness[space.labels[cortex]]
    grey = np.where(space.grey > 0, np.clip(special.expit(odds) * factor, 0, 1), 0)
    stored = {"J": _steps(jacobian, "J"), "probseg": _steps(grey, "probseg")}
    # Of what is stored, so that a reader's own product is the same.
    product = (stored["J"] * STEPS["J"]) * (stored["probseg"] * STEPS["probseg"])
    return {**stored, "mod": _steps(product, "mod")}


def _steps(data, what):
    return np.clip(np.round(data / STEPS[what]), 0, 255).astype(np.uint8)


def _save(integers, path, affine, step):
    img = nib.Nifti1Image(integers, affine)
    img.header.set_xyzt_units("mm", "sec")
    img.set_sform(affine, "mni")
    img.set_qform(affine, "mni")
    img.header.set_slope_inter(step, 0)
    nib.save(img, path)


def write_maps(folder, cohort, report):
    """Write the maps of everybody, their means, the cohort's template and its mask.

    Parameters
    ----------
    folder : Path
    cohort : Cohort
    report : callable
        Called as ``report(message, done, total)``.
    """
    space, (log_j, thickness, head) = template(), targets(cohort)
    sums = {what: np.zeros(space.labels.shape) for what in STEPS}
    for done, label in enumerate(cohort.participants.index):
        if done % 20 == 0:
            report("grey-matter maps of the cohort", done, len(cohort.participants))
        out = folder / "subset" / label
        out.mkdir(parents=True, exist_ok=True)
        number = int(label.removeprefix("sub-"))
        maps = person_maps(
            number, log_j.loc[label].to_numpy(), thickness.loc[label].to_numpy(), space
        )
        for what, integers in maps.items():
            _save(integers, out / NAMES[what].format(label), space.affine, STEPS[what])
            sums[what] += integers
    _write_means(folder / "all_subjects", sums, len(cohort.participants), space.affine)
    path = folder / "affine.tsv"
    head.rename("determinant").to_csv(path, sep="\t", float_format="%.5f", lineterminator="\n")
    write_json(path.with_suffix(".json"), {"determinant": {"Description": AFFINE}})
    for what, text in TEXTS.items():
        name = NAMES[what].format("").removeprefix("_")
        write_json(folder / name, sidecar(text, SpatialReference=SPACE))
    report("grey-matter maps of the cohort", len(cohort.participants), len(cohort.participants))


def _write_means(folder, sums, n, affine):
    folder.mkdir(parents=True, exist_ok=True)
    means = {what: total / n * STEPS[what] for what, total in sums.items()}
    for what, mean in means.items():
        name = NAMES[what].format("cohort").replace("_J", f"_space-{SPACE}_label-GM_J")
        path = folder / name.replace(".nii.gz", "_mean.nii.gz")
        _save(_steps(mean, what), path, affine, STEPS[what])
    # FSL-VBM's template is the mean and its mirror image; the grid is symmetric about x = 0.
    symmetric = (means["probseg"] + means["probseg"][::-1]) / 2
    path = folder / f"GM{n}_4mm.nii.gz"
    _save(_steps(symmetric, "probseg"), path, affine, STEPS["probseg"])
    mask = (means["mod"] > LEAST_MODULATED).astype(np.uint8)
    _save(mask, folder / f"GM{n}_mask.nii.gz", affine, 1)


AFFINE = (
    "Simulated: volume of the person's head over the template's (eTIV over FreeSurfer's 1948 ml). "
    "J times this is the whole volume change from template to person, up to a factor that is the "
    "same for all."
)
TEXTS = {
    "J": "Simulated Jacobian determinant, person over template, without the affine part: head size "
    "is not in it (affine.tsv has it). Its means over structures and regions follow the tables.",
    "probseg": "Simulated grey-matter fraction of a person, warped to the template, not modulated.",
    "mod": "Simulated grey-matter fraction times J: modulated, head size not in it.",
}
