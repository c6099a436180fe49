"""Amplitudes of the series cohort that the images do not have, and the rules of its cleaning."""

from mriworkbook.practice.parameters._kinds import Value

_REGION = "choice: what the images' voxels (bold_*) come to over a region of some hundred voxels"

SERIES = {
    "artefact_fine": Value(
        (0.6, 5.0),
        "share of the variance of a voxel's artefact that is fine, its length in mm",
        "choice, so that regions are as noisy as in three people at 7.5 mm: SD .31-.54 % (here "
        ".49-.56 at FD .08-.2), change between volumes without the global signal .35-.45 % (here "
        ".37-.52), although voxels have bold.py's DVARS: motion acts at edges",
    ),
    "artefact_spin_slices": Value(
        (0.4, 1.35),
        "loss of a slice over artefact_spin_history's: mean, SD over slices and volumes",
        "choice: mean square 2; a larger mean would make dips of the global signal, whose "
        "correlation with FD is -.18 to .27 in six AOMIC runs and one of NI-edu",
    ),
    "series_people": Value(
        (60, 2, 148), "people in each group, scans, volumes after the non-steady state", "choice"
    ),
    "series_age_range": Value(
        (18.0, 65.0), "years, uniform", "choice: as BOLD_PEOPLE; matched in pairs"
    ),
    "series_noise_regions": Value(
        (24, (0.0, -15.0, 15.0), (18.0, 25.0, 12.0)),
        "regions in white matter and ventricles; their centre and SD in mm",
        "choice: about the lateral ventricles",
    ),
    "series_grey": Value(
        (0.65, 0.2), "share of grey matter: regions, noise regions", "choice: partial volume"
    ),
    "series_physiological": Value(
        (3, 0.6, 0.1, 0.2),
        "courses; percent in noise regions and in grey matter; lag-1 correlation",
        f"{_REGION}; courses and correlation as bold_physio_courses",
    ),
    "series_drift": Value(
        (0.15, 0.2), "percent: SD of what all regions share, and of each region's own", _REGION
    ),
    "series_thermal_sd": Value(
        (0.15, 0.25), "percent: regions, noise regions", f"{_REGION}; noise regions are smaller"
    ),
    "series_region_blur": Value(
        7.0, "mm: SD of the Gaussian over which a region averages", "choice: radius about 12 mm"
    ),
    "series_high_pass": Value(0.008, "Hz", "fMRIPrep: cosines of periods above 128 s"),
    "series_components": Value(
        5, "principal components of noise regions", "Behzadi 2007, 10.1016/j.neuroimage.2007.04.042"
    ),
    "series_scrubbing": Value(
        (0.5, 5, 100),
        "FD in mm above which a volume goes; volumes of the shortest segment that stays; volumes "
        "below which the person goes",
        "FD and segment: nilearn's strategy 'scrubbing', Power 2012, "
        "10.1016/j.neuroimage.2011.10.018; volumes: choice, 200 s",
    ),
    "series_caliper": Value(
        0.2,
        "SD of log mean FD by which a matched pair may differ",
        "Austin 2011, 10.1002/pst.433, of the propensity score's logit",
    ),
}
