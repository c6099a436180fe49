"""The cohort: people, tables and quality ratings with planted effects of known size.

`simulate` draws one cohort in memory, fast enough for thousands; `write_cohort` writes the one of
the practice study, with maps.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mriworkbook.practice import _cohort_regions as planted
from mriworkbook.practice._cohort_regions import GROUPS, MODEL, SITES, TERMS, planted_effects
from mriworkbook.practice._fields import generator
from mriworkbook.practice.parameters import MASTER_SEED, value

__all__ = ["MODEL", "TERMS", "Cohort", "planted_effects", "simulate", "write_cohort"]

FIRST = 1001


class Cohort(NamedTuple):
    """One cohort, complete: nothing is missing.

    All tables are indexed by participant_id. participants: age (years), sex, group, site, motion
    (mm/min), eTIV (mm³); thickness (mm), area (mm²) and volumes (mm³): people by regions; qc: Euler
    number and ratings.
    """

    participants: pd.DataFrame
    thickness: pd.DataFrame
    area: pd.DataFrame
    volumes: pd.DataFrame
    qc: pd.DataFrame


def simulate(n=200, seed=None):
    """Draw a cohort.

    Parameters
    ----------
    n : int
        People, half of them patients.
    seed : int, optional
        None draws the practice study's own cohort.

    Returns
    -------
    Cohort
        The effects in it are `planted_effects`, of the model `MODEL`.

    Raises
    ------
    ValueError
        If `n` is below 2.

    Examples
    --------
    >>> cohort = simulate(n=20, seed=1)
    >>> cohort.participants["group"].value_counts().loc["patient"].item()
    10
    """
    if n < 2:
        raise ValueError(f"A cohort of {n} has no two groups; ask for 2 people or more.")
    if seed is None:
        rng = generator(0, "cohort people")
    else:
        rng = np.random.default_rng(np.random.SeedSequence([MASTER_SEED, 1, seed]))
    people = _people(rng, n)
    rows = _design(people)
    site = people["site"].cat.codes.to_numpy()
    scale = np.array(value("cohort_site_scale"))[site]
    thickness = _draw(rng, planted.thickness(), rows, scale)
    area = np.exp(_draw(rng, planted.area(), rows))
    volumes = np.exp(_draw(rng, planted.volumes(), rows))
    qc = _ratings(rng, people["motion"].to_numpy())
    tables = [thickness, area, volumes, qc]
    for table in tables:
        table.index = people.index
    people = people.astype({"sex": str, "group": str, "site": str})
    return Cohort(people, *tables)


def _people(rng, n):
    """Who they are. Groups are mixed within sites, ages and sexes; patients move more."""
    shuffled = rng.permutation(n)
    age = np.round(rng.uniform(*value("cohort_age_range"), n), 1)
    male, patient = rng.random(n) < 0.5, shuffled < n // 2
    site = rng.choice(len(SITES), n, p=value("cohort_site_shares"))
    log_etiv = np.log(value("cohort_etiv"))[male.astype(int)] + rng.normal(
        0, value("cohort_etiv_sd"), n
    )
    median, spread = value("cohort_motion")
    log_motion = np.log(median) + rng.normal(0, spread, n)
    log_motion += value("cohort_motion_age") * (age - value("cohort_age_centre"))
    log_motion += value("cohort_motion_group") * patient
    return pd.DataFrame(
        {
            "age": age,
            "sex": pd.Categorical.from_codes(male.astype(int), ["F", "M"]),
            "group": pd.Categorical.from_codes(patient.astype(int), list(GROUPS)),
            "site": pd.Categorical.from_codes(site, list(SITES)),
            "motion": np.round(np.exp(log_motion), 2),
            "eTIV": np.round(np.exp(log_etiv) * 1e6, 6),
        },
        index=pd.Index([f"sub-{FIRST + i}" for i in range(n)], name="participant_id"),
    )


def _design(people):
    """The design matrix of `MODEL`, columns in the order of `TERMS`."""
    years = people["age"].to_numpy() - value("cohort_age_centre")
    site = people["site"].cat.codes.to_numpy()
    return np.column_stack(
        [
            np.ones(len(people)),
            people["sex"].cat.codes,
            site == 1,
            site == 2,
            people["group"].cat.codes,
            years,
            years**2,
            people["motion"],
            np.log(people["eTIV"]),
        ]
    ).astype(float)


def _draw(rng, law, rows, scale=None):
    """X B + s e, people by columns."""
    noise = rng.standard_normal((len(rows), len(law.sd)))
    # einsum, not @: BLAS rounds differently with other numbers of threads.
    errors = np.einsum("ij,kj->ik", noise, law.root, optimize=False) * law.sd
    if scale is not None:
        errors *= scale[:, None]
    expected = np.einsum("ij,jk->ik", rows, law.coefficients.to_numpy(), optimize=False)
    return pd.DataFrame(expected + errors, columns=law.coefficients.columns)


def _ratings(rng, motion):
    """Euler number and what two raters say, both from the motion and each with its own error."""
    log_motion, n = np.log(np.maximum(motion, 0.01)), len(motion)
    level, exponent, spread = value("cohort_euler")
    median, _ = value("cohort_motion")
    euler = np.log(level) + exponent * (log_motion - np.log(median)) + rng.normal(0, spread, n)
    limits = np.log(value("cohort_rater_limits"))
    table = {"euler": -np.round(np.exp(euler)).astype(int)}
    for number, bias in enumerate(value("cohort_rater_bias"), start=1):
        seen = log_motion + bias + rng.normal(0, value("cohort_rater_noise"), n)
        table[f"rater_{number}"] = 1 - 0.5 * np.searchsorted(limits, seen)
    return determine(pd.DataFrame(table))


def determine(qc):
    """Add the raters' average and the determination, as the CCNP table has them.

    All Pass is a Pass, all Fail a Fail, anything between an Artifact.
    """
    average = qc.filter(regex=r"^rater_\d$").mean(axis=1)
    words = np.select([average == 1, average == 0], ["Pass", "Fail"], "Artifact")
    return qc.assign(across_rater_average=average, qc_determination=words)


def write_cohort(root, progress=None):
    """Write the practice study's cohort: tables, maps and truth.

    Parameters
    ----------
    root : str or Path
        Folder of the practice study; ``derivatives/fs_stats``, ``derivatives/vbm`` and
        ``derivatives/truth/cohort`` are made below it.
    progress : callable, optional
        Called as ``progress(message, done, total)`` with people done.
    """
    from mriworkbook.practice._cohort_maps import write_maps
    from mriworkbook.practice._cohort_tables import write_tables, write_truth

    cohort = simulate()
    derivatives = Path(root) / "derivatives"
    write_tables(derivatives / "fs_stats", cohort)
    write_truth(derivatives / "truth" / "cohort", cohort)
    write_maps(derivatives / "vbm", cohort, progress or (lambda message, done, total: None))
