"""Write the cohort's tables as FreeSurfer's own tools do, and what is true about it."""

import numpy as np
import pandas as pd

from mriworkbook.practice._cohort_regions import MODEL, planted_effects
from mriworkbook.practice._files import sidecar, write_json
from mriworkbook.practice.parameters import FROZEN, value

SUBCORTICAL = ("Thalamus", "Caudate", "Putamen", "Pallidum", "Hippocampus", "Amygdala")
FLUID = (
    "Left-Lateral-Ventricle",
    "Right-Lateral-Ventricle",
    "3rd-Ventricle",
    "4th-Ventricle",
    "CSF",
)
SIDES = {"lh": "Left", "rh": "Right"}
REGIONS = "regions of the practice study (Voronoi cells of published coordinates), no atlas' own"


def measures(cohort):
    """What ``asegstats2table`` appends to the structures, mm³.

    Grey matter of a hemisphere is the sum of thickness times area, with the share that a white
    surface leaves out; the brain is the sum of its parts.
    """
    volumes, out = cohort.volumes, pd.DataFrame(index=cohort.volumes.index)
    grey = cohort.thickness.to_numpy() * cohort.area.to_numpy() * value("cohort_grey_per_area")
    for side in SIDES:
        out[f"{side}CortexVol"] = grey[:, cohort.thickness.columns.str.startswith(side)].sum(axis=1)
    out["CortexVol"] = out["lhCortexVol"] + out["rhCortexVol"]
    for side, name in SIDES.items():
        out[f"{side}CerebralWhiteMatterVol"] = volumes[f"{name}-Cerebral-White-Matter"]
    out["CerebralWhiteMatterVol"] = (
        out["lhCerebralWhiteMatterVol"] + out["rhCerebralWhiteMatterVol"]
    )
    deep = [f"{name}-{structure}" for name in SIDES.values() for structure in SUBCORTICAL]
    out["SubCortGrayVol"] = volumes[deep].sum(axis=1)
    cerebellum = volumes[[f"{name}-Cerebellum-Cortex" for name in SIDES.values()]].sum(axis=1)
    out["TotalGrayVol"] = out["CortexVol"] + out["SubCortGrayVol"] + cerebellum
    fluid = volumes[list(FLUID)].sum(axis=1)
    solid = (out["CortexVol"] + volumes.sum(axis=1) - fluid) / (1 - value("cohort_rest_of_brain"))
    out.insert(0, "BrainSegVol", (solid + fluid).round())
    out.insert(1, "BrainSegVolNotVent", solid.round())
    return out.assign(EstimatedTotalIntraCranialVol=cohort.participants["eTIV"])


def _cortical(cohort, side, measure):
    """One hemisphere's table, with the three columns that ``aparcstats2table`` appends."""
    table = getattr(cohort, measure)
    here = table.columns.str.startswith(side)
    table, area = table.loc[:, here], cohort.area.loc[:, here].to_numpy()
    if measure == "thickness":
        mean = (table.to_numpy() * area).sum(axis=1) / area.sum(axis=1)
        table = table.round(3).assign(**{f"{side}_MeanThickness_thickness": mean.round(5)})
    else:
        table = table.assign(**{f"{side}_WhiteSurfArea_area": area.sum(axis=1)}).round()
        table = table.astype(int)
    brain = measures(cohort)["BrainSegVolNotVent"]
    table = table.assign(BrainSegVolNotVent=brain, eTIV=cohort.participants["eTIV"])
    return table.rename_axis(f"{side}.practice.{measure}")


def _subcortical(cohort):
    """Structures in FreeSurfer's order, then the measures."""
    structures = cohort.volumes.drop(columns=cohort.volumes.filter(like="Cerebral-White").columns)
    table = structures.round(1).join(measures(cohort).round(6))
    return table.rename_axis("Measure:volume")


def _labels(*names):
    return [f"sub-{number}" for name in names for number in value(f"cohort_missing_{name}")]


def write_tables(folder, cohort):
    """Write participants, quality ratings and FreeSurfer-like tables, some values missing.

    Parameters
    ----------
    folder : Path
    cohort : Cohort
    """
    folder.mkdir(parents=True, exist_ok=True)
    people = cohort.participants[["age", "sex", "group", "site"]].copy()
    people.loc[_labels("age"), "age"] = np.nan
    people.loc[_labels("sex"), "sex"] = None
    _save(people, folder / "participants.tsv", PARTICIPANTS)
    qc = cohort.participants[["motion"]].join(cohort.qc)
    qc.loc[_labels("rating"), ["rater_2", "across_rater_average"]] = np.nan
    qc.loc[_labels("rating"), "qc_determination"] = None
    _save(qc, folder / "qc.tsv", RATINGS)
    for side in SIDES:
        for measure, unit in (("thickness", "mm"), ("area", "mm^2")):
            table = _cortical(cohort, side, measure)
            if side == "rh" and measure == "thickness":
                table = table.drop(index=_labels("thickness"))
            path = folder / f"data-cortical_type-practice_measure-{measure}_hemi-{side}.tsv"
            text = f"Simulated {measure} as aparcstats2table would write it, {REGIONS}."
            _save(table, path, sidecar(text, Units=unit))
    table = _subcortical(cohort).drop(index=_labels("volume"))
    text = "Simulated volumes as asegstats2table would write them; SubCortGrayVol is the sum of the"
    text += " structures listed here."
    path = folder / "data-subcortical_type-aseg_measure-volume_hemi-both.tsv"
    _save(table, path, sidecar(text, Units="mm^3"))


def _save(table, path, about):
    table.to_csv(path, sep="\t", na_rep="n/a", lineterminator="\n")
    write_json(path.with_suffix(".json"), about)


def write_truth(folder, cohort):
    """Write what is planted (effects.json) and the people as they are, nothing missing.

    Parameters
    ----------
    folder : Path
    cohort : Cohort
    """
    folder.mkdir(parents=True, exist_ok=True)
    effects = planted_effects()
    planted = {
        measure: {
            term: rows.set_index("region")["coefficient"].to_dict()
            for term, rows in table.groupby("term", sort=False)
        }
        for measure, table in effects.groupby("measure", sort=False)
    }
    frozen = {
        name.removeprefix("cohort_"): {"value": entry.value, "unit": entry.unit}
        for name, entry in FROZEN.items()
        if name.startswith("cohort_")
    }
    about = sidecar(
        "What is planted in the cohort: thickness in mm, area and volume in logarithms (mm^2 and "
        "mm^3), each the sum of coefficient times term. Terms are named as a model formula names "
        "them; motion is in mm/min, eTIV in mm^3, age in years.",
        Model=MODEL,
        Effects=planted,
        Missing={what: _labels(what) for what in ("age", "sex", "thickness", "volume", "rating")},
        Amplitudes=frozen,
    )
    write_json(folder / "effects.json", about)
    _save(cohort.participants, folder / "participants.tsv", PARTICIPANTS | TRUE_COLUMNS)


PARTICIPANTS = {
    "age": {"Description": "Invented age of a simulated person", "Units": "year"},
    "sex": {
        "Description": "Invented sex of a simulated person",
        "Levels": {"F": "female", "M": "male"},
    },
    "group": {
        "Description": "Group of a simulated person; nobody was ill",
        "Levels": {"control": "no effect planted", "patient": "effects planted, see truth"},
    },
    "site": {
        "Description": "Simulated scanner",
        "Levels": {site: f"site {site}" for site in ("A", "B", "C")},
    },
}
_MOTION = {
    "Description": "Simulated: mean speed of the head during the scan, as a navigator measures it",
    "Units": "mm/min",
}
TRUE_COLUMNS = {
    "motion": _MOTION,
    "eTIV": {"Description": "Simulated estimated total intracranial volume", "Units": "mm^3"},
}
_RATING = {
    "Description": "Simulated rating of the T1w image",
    "Levels": {"1.0": "good", "0.5": "questionable", "0.0": "bad"},
}
RATINGS = {
    "motion": _MOTION,
    "euler": {
        "Description": "Simulated Euler number of both hemispheres' surfaces before fixing; the "
        "lower, the more defects"
    },
    "rater_1": _RATING,
    "rater_2": _RATING,
    "across_rater_average": {"Description": "Mean of both ratings"},
    "qc_determination": {
        "Description": "What the ratings come to",
        "Levels": {
            "Pass": "both raters say good",
            "Artifact": "all between",
            "Fail": "both raters say bad",
        },
    },
}
