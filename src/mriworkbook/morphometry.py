"""FreeSurfer tables, and one regression for each region.

The models are statsmodels' ordinary least squares; what is here keeps the book: which people a
region's model has, and what is not defined.
"""

import warnings

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats

COLUMNS = ["coefficient", "se", "t", "p", "ci_low", "ci_high", "n", "df"]


def read_freesurfer_table(path):
    """Read a table that ``aparcstats2table`` or ``asegstats2table`` wrote.

    Parameters
    ----------
    path : str or Path
        Tab-separated; the first column names the people and its header says what was measured.

    Returns
    -------
    DataFrame
        People by regions, indexed by participant_id; the header of the first column is kept in
        ``attrs["measure"]``. Thickness in mm, area in mm², volume (and eTIV) in mm³.

    Examples
    --------
    >>> import io
    >>> text = "lh.aparc.thickness\\tlh_cuneus_thickness\\nsub-01\\t2.1\\n"
    >>> read_freesurfer_table(io.StringIO(text)).loc["sub-01", "lh_cuneus_thickness"].item()
    2.1
    """
    table = pd.read_csv(path, sep="\t", index_col=0)
    table.attrs["measure"] = table.index.name
    return table.rename_axis("participant_id")


def regional_regression(values, participants, formula, term, *, alpha=0.05):
    """Fit the same linear model to every region and report one term of each.

    A region's model has the people whose value of that region and whose variables in the formula
    are all known; a value missing elsewhere costs nobody.

    Parameters
    ----------
    values : DataFrame
        People by regions, numbers; indexed by participant_id.
    participants : DataFrame
        People by variables, with the same index or a column ``participant_id``.
    formula : str
        Right side of a model formula, e.g. ``"age + sex + site"``. ``np`` may be used in it.
    term : str or list of str
        Name of a coefficient as statsmodels names it, e.g. "age" or "sex[T.M]".
    alpha : float
        The intervals have a confidence of 1 - alpha.

    Returns
    -------
    DataFrame
        coefficient (units of the value per unit of the term), se, t, p (exact, two-sided), ci_low,
        ci_high, n (people), df (residual degrees of freedom); indexed by region, or by term and
        region if `term` is a list. What is not defined (too few people, a term that the others
        determine, a region that does not vary) is NaN, with a warning.

    Raises
    ------
    ValueError
        If people are listed twice, if the tables have nobody in common, or if no model has such a
        term.

    Examples
    --------
    >>> people = pd.DataFrame({"age": [20, 30, 40, 50.0]}, index=list("abcd"))
    >>> thickness = pd.DataFrame({"cuneus": [2.0, 1.9, 1.9, 1.7]}, index=list("abcd"))
    >>> fit = regional_regression(thickness, people, "age", "age")
    >>> fit.loc["cuneus", ["coefficient", "df"]].round(4).to_list()
    [-0.009, 2.0]
    """
    if "participant_id" in participants:
        participants = participants.set_index("participant_id")
    _check_people(values, participants)
    people = participants.loc[participants.index.isin(values.index)]
    values = values.loc[people.index]
    terms = [term] if isinstance(term, str) else list(term)
    found = np.full((len(terms), values.shape[1], len(COLUMNS)), np.nan)
    names = set()
    for regions in _regions_lacking_the_same(values):
        known, found[:, regions] = _fit(values.iloc[:, regions], people, formula, terms, alpha)
        names.update(known)
    for name in terms:
        if name not in names:
            raise ValueError(
                f"No model of {formula!r} has a term {name!r}; choose from {sorted(names)}."
            )
    order = pd.MultiIndex.from_product([terms, values.columns], names=["term", "region"])
    table = pd.DataFrame(found.reshape(-1, len(COLUMNS)), index=order, columns=COLUMNS)
    _warn_of_undefined(table)
    return table.droplevel("term") if isinstance(term, str) else table


def _check_people(values, participants):
    for what, index in (("values", values.index), ("participants", participants.index)):
        if not index.is_unique:
            again = index[index.duplicated()][0]
            raise ValueError(f"{again!r} is in `{what}` more than once; keep one row a person.")
    if not values.index.isin(participants.index).any():
        raise ValueError(
            f"`values` (first {values.index[0]!r}) and `participants` (first "
            f"{participants.index[0]!r}) have nobody in common; index both by participant_id."
        )


def _regions_lacking_the_same(values):
    """Positions of the regions, together where they can share one design."""
    groups = {}
    for position, missing in enumerate(values.isna().to_numpy().T):
        groups.setdefault(missing.tobytes(), []).append(position)
    return groups.values()


def _fit(values, people, formula, terms, alpha):
    """Names of the coefficients, and statistics (terms, regions, columns) of complete cases.

    statsmodels makes the design. The equations are those of its OLS, with X+ the pseudoinverse:
    b = X+ y, se² = (residual squares / df) diag(X+ X+'); one decomposition serves all regions.
    """
    found = np.full((len(terms), values.shape[1], len(COLUMNS)), np.nan)
    response = "_value"
    while response in people:
        response += "_"
    data = people.assign(**{response: values.iloc[:, 0].astype(float)})
    if not data[response].notna().any():
        return [], found
    model = smf.ols(f"{response} ~ {formula}", data)
    y = values.loc[model.data.row_labels].to_numpy(float)
    design, names, df = model.exog, model.exog_names, model.df_resid
    rank = np.linalg.matrix_rank(design)
    pseudoinverse = np.linalg.pinv(design, rcond=max(design.shape) * np.finfo(float).eps)
    variances = (pseudoinverse**2).sum(axis=1)
    coefficients = pseudoinverse @ y
    squares = ((y - design @ coefficients) ** 2).sum(axis=0)
    # What rounding leaves of a value that does not vary is no residual.
    squares[np.ptp(y, axis=0) == 0] = np.nan
    for i, name in enumerate(terms):
        if name not in names or df <= 0:
            continue
        j = names.index(name)
        # A term that the others determine has no coefficient of its own.
        if np.linalg.matrix_rank(np.delete(design, j, axis=1)) < rank:
            se = np.sqrt(squares / df * variances[j])
            found[i, :, :6] = _statistics(coefficients[j], se, df, alpha)
        found[i, :, 6:] = len(y), df
    return names, found


def _statistics(coefficient, se, df, alpha):
    t = coefficient / np.where(se > 0, se, np.nan)
    half = stats.t.ppf(1 - alpha / 2, df) * se
    p = 2 * stats.t.sf(abs(t), df)
    return np.column_stack([coefficient, se, t, p, coefficient - half, coefficient + half])


def _warn_of_undefined(table):
    undefined = table.index[table["p"].isna()]
    if len(undefined):
        term, region = undefined[0]
        warnings.warn(
            f"{len(undefined)} result(s) are not defined, so NaN, {term!r} in {region!r} first: "
            "too few people, no variation, or other terms that determine it.",
            stacklevel=3,
        )
