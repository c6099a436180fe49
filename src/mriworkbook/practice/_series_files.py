"""Files of the series cohort: compact, with texts that say what is in them."""

import numpy as np
import pandas as pd

from mriworkbook.practice import truth_path
from mriworkbook.practice._coupling import (
    GROUPS,
    coupling_matrix,
    mean_person,
    within_network,
)
from mriworkbook.practice._files import sidecar, write_json
from mriworkbook.practice._motion import PARAMETERS
from mriworkbook.practice._series_cleaning import (
    STRATEGIES,
    check_strategy,
    clean_series,
    enough_volumes,
)
from mriworkbook.practice.parameters import FROZEN, value
from mriworkbook.practice.regions import load_regions

STEP = 0.01  # percent: rounding adds less than a thousandth of the variance
FOLDER = "series"
PREFIXES = ("coupling_", "motion_", "neural_", "artefact_", "series_")

ABOUT = {
    "raw": "nothing removed but the mean",
    "motion": "24 motion parameters and cosines removed",
    "motion_global": "24 motion parameters, the mean of all regions and cosines removed",
    "scrubbing": "as motion_global, fitted without the volumes at which the head moved",
    "compcor": "24 motion parameters, components of noise regions and cosines removed",
}
PARTICIPANTS = {
    "group": {
        "Description": "Group of a simulated person; nobody was ill",
        "Levels": {
            "control": "no effect planted",
            "patient": "weaker coupling in the default mode, more motion",
        },
    },
    "age": {"Description": "Invented age of a simulated person", "Units": "year"},
    "sex": {
        "Description": "Invented sex of a simulated person",
        "Levels": {"F": "female", "M": "male"},
    },
}
_MEAN = {
    "Description": "Mean framewise displacement (Power 2012) of the estimated motion",
    "Units": "mm",
}
_, _, _FEWEST = value("series_scrubbing")
_KEPT = {"Description": f"Volumes that scrubbing keeps; fewer than {_FEWEST} are too few"}
_LEVEL = {"Description": "Mean framewise displacement of the true motion", "Units": "mm"}


def series_path(root, strategy):
    """Path of the series cleaned by a strategy; the file need not exist."""
    check_strategy(strategy)
    return root / "derivatives" / FOLDER / f"desc-{strategy}_timeseries.npz"


def write_files(root, cohort, report):
    """Write the tables, the estimated motion and the series of every strategy.

    Parameters
    ----------
    root : Path
    cohort : SeriesCohort
    report : callable
        As `write_series`'s progress.
    """
    folder = root / "derivatives" / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    _save_table(load_regions().reset_index(), folder / "regions.tsv", sidecar(REGIONS))
    write_motion(folder, cohort)
    people = cohort.participants.drop(columns=cohort.participants.filter(like="level_").columns)
    for done, strategy in enumerate(STRATEGIES):
        report(f"series, {strategy}", done, len(STRATEGIES))
        kept = write_strategy(root, cohort, strategy)
        if strategy == "scrubbing":
            volumes = kept.sum(axis=2)
    columns = [f"volumes_scan-{scan + 1}" for scan in range(volumes.shape[1])]
    people = people.join(pd.DataFrame(volumes, people.index, columns)).reset_index()
    about = PARTICIPANTS | dict.fromkeys(people.filter(like="mean_fd").columns, _MEAN)
    about |= dict.fromkeys(columns, _KEPT)
    _save_table(people.round(4), folder / "participants.tsv", about)


def write_motion(folder, cohort):
    """Write estimated motion and the noise regions' series, which some strategies need."""
    np.savez_compressed(folder / "motion.npz", motion=cohort.motion, columns=np.array(PARAMETERS))
    write_json(
        folder / "motion.json",
        sidecar(
            "Estimated motion, people x scans x volumes x parameters.",
            Columns=list(PARAMETERS),
            Units=["mm"] * 3 + ["rad"] * 3,
        ),
    )
    noise = np.round(cohort.noise / STEP).astype(np.int16)
    np.savez_compressed(folder / "noise_timeseries.npz", series=noise, step=STEP)
    write_json(
        folder / "noise_timeseries.json",
        sidecar(
            "Raw series of regions in white matter and ventricles, people x scans x volumes x "
            "regions: integers times step.",
            Units="percent of the mean signal",
        ),
    )


def write_strategy(root, cohort, strategy):
    """Clean and write all scans by one strategy; returns which volumes are kept."""
    from mriworkbook.practice.series import as_table

    counts = np.zeros(cohort.series.shape, np.int16)
    kept = np.zeros(cohort.series.shape[:3], bool)
    for person, scan in np.ndindex(*cohort.series.shape[:2]):
        series = cohort.series[person, scan].astype(float)
        motion = as_table(cohort.motion[person, scan])
        cleaned, here = clean_series(strategy, series, motion, cohort.noise[person, scan])
        kept[person, scan] = here
        if enough_volumes(here):
            counts[person, scan, here] = np.round(cleaned / STEP)
    path = series_path(root, strategy)
    np.savez_compressed(path, series=counts, kept=kept, step=STEP)
    about = sidecar(
        f"Parcel time series, {ABOUT[strategy]}. series: people x scans x volumes x regions, "
        f"integers times step; kept: volumes in use. Where scrubbing leaves fewer than {_FEWEST}, "
        "a scan's series are zero: it is not to be used.",
        Units="percent of the mean signal",
        RepetitionTime=2.0,
    )
    write_json(path.with_suffix(".json"), about)
    return kept


def read(root, strategy):
    """See `series.read_series`."""
    path = series_path(root, strategy)
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is not there; type `mriworkbook data get practice --stage functional`."
        )
    with np.load(path) as held:
        series = held["series"] * np.float32(held["step"])
        kept = held["kept"]
    series[~(kept & enough_volumes(kept)[..., None])] = np.nan
    return series


def write_truth(root, cohort):
    """Write the planted effects (effects.json), the true motion levels and the coupling."""
    path = truth_path(root, "series", "effects")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, effects(cohort))
    people = cohort.participants.reset_index().round(6)
    about = PARTICIPANTS | dict.fromkeys(people.filter(like="level_").columns, _LEVEL)
    about |= dict.fromkeys(people.filter(like="mean_fd").columns, _MEAN)
    _save_table(people, truth_path(root, "series", "participants"), about)
    rows, columns = np.tril_indices(cohort.coupling.shape[-1], -1)
    pairs = cohort.coupling[..., rows, columns].astype(np.float16)
    np.savez_compressed(
        truth_path(root, "series", "coupling"),
        coupling=pairs,
        rows=(rows + 1).astype(np.int16),
        columns=(columns + 1).astype(np.int16),
    )
    write_json(
        truth_path(root, "series", "coupling").with_suffix(".json"),
        sidecar(
            "Planted correlation of every pair of regions, people x scans x pairs; rows and "
            "columns are the pair's indices in regions.tsv."
        ),
    )


def effects(cohort):
    """What is planted, as numbers that a result can be compared with.

    Parameters
    ----------
    cohort : SeriesCohort

    Returns
    -------
    dict
    """
    strength = within_network(cohort.coupling.astype(float)).mean(axis=1)
    group, level = cohort.participants["group"], cohort.participants.filter(like="level_")
    mean = {name: within_network(coupling_matrix(mean_person(), name)) for name in GROUPS}
    return sidecar(
        "What is planted in the series cohort. Coupling is the mean Fisher z over pairs of regions "
        "of the default mode, patients less controls where it says Difference. Motion is mean "
        "framewise displacement in mm.",
        MeanPerson={name: float(z) for name, z in mean.items()},
        MeanPersonDifference=float(mean["patient"] - mean["control"]),
        SampleMean={name: float(strength[group == name].mean()) for name in mean},
        SampleSD={name: float(strength[group == name].std(ddof=1)) for name in mean},
        SampleDifference=float(
            strength[group == "patient"].mean() - strength[group == "control"].mean()
        ),
        Motion={name: float(level[group == name].to_numpy().mean()) for name in mean},
        Amplitudes={
            name: {"value": entry.value, "unit": entry.unit}
            for name, entry in FROZEN.items()
            if name.startswith(PREFIXES)
        },
    )


def _save_table(table, path, about):
    table.to_csv(path, sep="\t", index=False, na_rep="n/a", lineterminator="\n")
    write_json(path.with_suffix(".json"), about)


REGIONS = (
    "Regions in the order of the series: label, name, network, hemisphere and the coordinate in "
    "MNI152 mm that it was made around (Seitzman 2020, 10.1016/j.neuroimage.2019.116290)."
)
