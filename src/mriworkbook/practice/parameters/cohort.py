"""Amplitudes of the cohort of 200: planted effects, spread and correlation.

Means and age slopes of thickness are the ones of `surfaces.py`, so that the people with images and
the cohort obey one law.
"""

from mriworkbook.practice.parameters._kinds import Value

_CHOICE = "choice"
_TABLES = (
    "measured: derivatives/fs_stats of AOMIC-PIOP2 (a2009s, 148 regions, 224 people), residuals of "
    "age and sex"
)
_SMALL = "choice, small enough that a cohort of 200 finds some of the regions only"
_ASEG = (
    "mean: AOMIC sub-0001's aseg.stats times .925 (AOMIC's mean BrainSegVolNotVent over this "
    "person's), carried to age 50 by the slopes; exponents, slopes and SD are choices inside what "
    "the 40 people behind fsaverage have (exponents .5-1.3, SD .10-.19 with age and disease in it)"
)
_ABIDE = "ABIDE thickness, FreeSurfer 6, 17 sites, age and sex taken out"

PEOPLE_OF_COHORT = {
    "cohort_age_range": Value((18.0, 80.0), "years, uniform", "choice: adults of all ages"),
    "cohort_age_centre": Value(50.0, "years", "choice: near the middle of the range"),
    "cohort_site_shares": Value((0.40, 0.35, 0.25), "share of sites A, B, C", _CHOICE),
    "cohort_etiv": Value(
        (1.225, 1.504),
        "litres, geometric mean of women and men",
        "measured: eTIV of AOMIC-PIOP2, arithmetic means of 129 women and 96 men",
    ),
    "cohort_etiv_sd": Value(
        0.12, "SD of log eTIV", "measured: the same, SD over mean .123 (women) and .119 (men)"
    ),
    "cohort_motion": Value(
        (1.2, 0.5),
        "mm/min: median of a control of 50, SD of the logarithm",
        "choice: inside the range that Reuter 2015, 10.1016/j.neuroimage.2014.12.006, provoked",
    ),
    "cohort_motion_age": Value(
        0.006, "log motion per year", "choice; rises with age in Savalia 2016, 10.1002/hbm.23397"
    ),
    "cohort_motion_group": Value(0.25, "log motion of patients over controls", _CHOICE),
}

THICKNESS = {
    "cohort_age_curvature": Value(
        -0.0002,
        "mm per squared year, in one region",
        "choice: no thinning before 40, more than twice the usual at 70",
    ),
    "cohort_age_curved_region": Value("DefaultMode_05", "region", "choice: left temporal pole"),
    "cohort_sex": Value(
        (0.007, 0.03),
        "mm, men over women: mean and SD over regions",
        f"{_TABLES} and eTIV: mean .007, SD .039, of which about .025 is sampling error",
    ),
    "cohort_thickness_etiv": Value(
        0.054,
        "mm per unit of log eTIV, all regions",
        f"{_TABLES}: .040 mm per litre, mean over regions, at 1.34 l (head size hardly matters)",
    ),
    "cohort_site_mean": Value(
        (0.0, 0.064, -0.064),
        "mm at sites A, B, C, mean over regions",
        f"measured: {_ABIDE}: SD over sites of the mean over regions",
    ),
    "cohort_site_pattern": Value(
        0.06,
        "mm, SD over regions about a site's mean",
        f"choice: less than measured ({_ABIDE}: .138), or nothing else would be seen",
    ),
    "cohort_site_scale": Value(
        (1.0, 0.95, 1.05),
        "factor of the residual SD at sites A, B, C",
        f"choice inside what is measured ({_ABIDE}: SD over sites 9 % of the mean)",
    ),
    "cohort_thickness_group": Value(
        (-0.12, -0.07), "mm, patients over controls, in two regions", _SMALL
    ),
    "cohort_group_regions": Value(
        ("DefaultMode_24", "Salience_01"),
        "regions",
        "choice: left posterior cingulate and precuneus; left anterior insula",
    ),
    "cohort_motion_effect": Value(
        -0.007,
        "share of thickness, area or volume of grey matter per mm/min",
        "Reuter 2015, 10.1016/j.neuroimage.2014.12.006: .7 % of cortical volume per mm/min; here "
        "all of it is thinning",
    ),
    "cohort_region_sd": Value(
        (0.063, 0.28),
        "share of the mean thickness: median over regions, SD of its logarithm",
        f"{_TABLES}: centiles 5, 50, 95 of SD over mean are .049, .063, .127",
    ),
    # residual correlation of thickness, see `_cohort_regions.residual_correlation`
    "cohort_r_global": Value(
        0.12, "correlation", f"{_TABLES}: level that far and opposite regions reach"
    ),
    "cohort_r_wide": Value(
        (0.27, 55.0),
        "correlation, decay length in mm",
        f"{_TABLES}: .36 nearer than 15 mm to .12 beyond 100 mm across hemispheres, distance to "
        "the mirrored region of sub-0001's parcellation",
    ),
    "cohort_r_homologue": Value(
        (0.15, 10.0),
        "correlation, Gaussian width in mm",
        f"{_TABLES}: homologues have .47 where regions of one side as near have .35",
    ),
    "cohort_r_hemisphere": Value(
        (0.015, 0.06, 20.0),
        "correlation within a side: everywhere, near, decay length in mm",
        f"{_TABLES}: within less across a side, by distance",
    ),
    "cohort_r_factors": Value(
        (3, 0.14),
        "number of hidden factors without geometry, share of a region's variance",
        f"{_TABLES}: the SD of true correlations (.103 = that of all less sampling error) that "
        "geometry does not give",
    ),
    "cohort_r_loading": Value(
        (0.7, 1.14),
        "range of a region's loading on all of these",
        f"{_TABLES}: rows of the correlation matrix have means from .09 to .28",
    ),
}

AREA = {
    "cohort_hemisphere_area": Value(
        85000.0,
        "mm2 at age 50",
        "measured: AOMIC sub-0001 93,240 times .925^(2/3) = 88,500; the 40 people behind fsaverage "
        "84,270; choice between",
    ),
    "cohort_area_exponent": Value(
        0.75,
        "of eTIV",
        "choice: .67 by geometry, .91 in the 40 people behind fsaverage",
    ),
    "cohort_area_age": Value(
        -0.001,
        "log area per year",
        "choice: half of Storsve 2014, 10.1523/JNEUROSCI.0391-14.2014 (-.19 % a year)",
    ),
    "cohort_area_sd": Value(
        (0.11, 0.16),
        "SD of log area of a region; correlation between regions",
        "measured: the 40 people behind fsaverage, eTIV taken out: .125 and .16 (age and disease "
        "in it)",
    ),
    "cohort_grey_per_area": Value(
        1.112,
        "volume over white surface area times thickness",
        "measured: AOMIC sub-0001, both hemispheres 1.112",
    ),
}

# name: mean in ml at age 50 and eTIV 1.344 l; exponent of eTIV; log volume per year and per squared
# year; residual SD of log volume; loading of that on what all volumes share
_VOLUMES = {
    "Lateral-Ventricle": (9.0, 1.1, 0.018, 0.0002, 0.35, -0.3),
    "3rd-Ventricle": (1.2, 0.7, 0.013, 0.0001, 0.25, -0.3),
    "4th-Ventricle": (1.8, 0.5, 0.003, 0.0, 0.25, -0.1),
    "CSF": (1.0, 0.7, 0.004, 0.0, 0.20, -0.1),
    "Thalamus": (6.2, 0.6, -0.003, 0.0, 0.085, 0.6),
    "Caudate": (3.4, 0.6, -0.001, 0.0, 0.11, 0.4),
    "Putamen": (4.8, 0.6, -0.0035, 0.0, 0.10, 0.5),
    "Pallidum": (1.7, 0.6, -0.002, 0.0, 0.10, 0.5),
    "Hippocampus": (3.9, 0.6, -0.0025, -0.00006, 0.09, 0.5),
    "Amygdala": (1.40, 0.6, -0.0025, 0.0, 0.12, 0.4),
    "Cerebellum-Cortex": (54.0, 0.5, -0.0015, 0.0, 0.085, 0.5),
    "Cerebellum-White-Matter": (14.0, 0.5, -0.001, 0.0, 0.11, 0.5),
    "Cerebral-White-Matter": (228.0, 0.6, -0.0005, -0.00008, 0.07, 0.7),
    "Brain-Stem": (20.8, 0.5, -0.0003, 0.0, 0.08, 0.6),
}
VOLUMES = {
    f"cohort_volume_{name}": Value(
        numbers,
        "ml, 1, per year, per squared year, 1, 1",
        _ASEG
        if "Ventricle" not in name
        else "choice: young adults 5-7 ml and the 40 people behind fsaverage 3-37 ml (lateral)",
    )
    for name, numbers in _VOLUMES.items()
} | {
    "cohort_volume_side": Value(
        0.85,
        "correlation of the residuals of left and right",
        "measured: .74 to .97 in the 40 people behind fsaverage; choice between",
    ),
    "cohort_volume_sex": Value(
        0.01,
        "log volume, men over women, all structures",
        "choice: AOMIC's BrainSegVolNotVent has .013 after eTIV",
    ),
    "cohort_volume_site": Value(
        (0.0, 0.015, -0.015), "log volume at sites A, B, C, all structures", _CHOICE
    ),
    "cohort_hippocampus_group": Value(
        -0.06, "log volume, patients over controls, both sides", _SMALL
    ),
    "cohort_rest_of_brain": Value(
        0.025, "share of the brain that no listed structure holds", "measured: AOMIC sub-0001"
    ),
}

RATINGS = {
    "cohort_rater_noise": Value(
        0.22,
        "SD of a rater's own error, log motion",
        "choice: agreement near that of two CCNP raters on Pass or not (kappa .23-.66, 10 pairs)",
    ),
    "cohort_rater_bias": Value((0.0, 0.08), "log motion, two raters", _CHOICE),
    "cohort_rater_limits": Value(
        (2.6, 4.4), "mm/min: Artifact above the first, Fail above the second", _CHOICE
    ),
    "cohort_euler": Value(
        (45.0, 0.6, 0.35),
        "minus Euler number at the median motion, exponent of motion, SD of its logarithm",
        "choice: CCNP has -47 +- 22 (Pass), -99 +- 57 (Artifact)",
    ),
}

MAPS = {
    "cohort_jacobian_sd": Value(
        0.22,
        "SD over people of log J of a voxel, at 4 mm, before its regional means are set",
        "measured: .205 between AOMIC sub-0001..0003, brought to 4 mm, after",
    ),
    "cohort_jacobian_sigma": Value(
        (6.0, 16.0),
        "mm (Gaussian sigma), fine and coarse part",
        "measured: autocorrelation of log J in those maps .90, .66, .40, .22 at 4, 8, 12, 16 mm; "
        "the regions' areas, which know little of their neighbours, roughen the simulated ones",
    ),
    "cohort_jacobian_coarse": Value(0.4, "share of the coarse part in the variance", "as above"),
    "cohort_grey_sd": Value(
        0.13,
        "SD over people where the template has one half, before the logistic curve flattens it",
        "measured: .12 in ten AOMIC probseg maps, brought to 4 mm",
    ),
    "cohort_grey_sigma": Value(
        1.8,
        "mm (Gaussian sigma)",
        "measured: autocorrelation of those maps less their mean .31, .02 at 4, 8 mm",
    ),
    "cohort_registration_error": Value(
        0.03, "SD of the log of a structure's mean J about its true value", _CHOICE
    ),
}

MISSING = {
    "cohort_missing_age": Value((1023, 1150), "people without age", _CHOICE),
    "cohort_missing_sex": Value((1088, 1150), "people without sex", _CHOICE),
    "cohort_missing_thickness": Value((1061,), "people without a row for the right side", _CHOICE),
    "cohort_missing_volume": Value((1137,), "people without a row in aseg", _CHOICE),
    "cohort_missing_rating": Value((1009, 1172), "people whom rater 2 did not rate", _CHOICE),
}

COHORT = PEOPLE_OF_COHORT | THICKNESS | AREA | VOLUMES | RATINGS | MAPS | MISSING
