"""Committed results of `make validate` as Markdown tables for the book."""

import pandas as pd


def n4_table(root):
    """What `make validate` found about N4: mean and range over people and fields."""
    table = pd.read_csv(root / "benchmarks" / "results" / "n4_curve.tsv", sep="\t")
    columns = {
        "r": "correlation of the log fields",
        "rms_before": "RMS error, left alone",
        "rms_after": "RMS error, after N4",
        "wm_cv_before": "white matter varies by (%), left alone",
        "wm_cv_after": "white matter varies by (%), after N4",
        "seconds": "seconds",
    }
    lines = [f"| planted (%) | {' | '.join(columns.values())} |", "|---" * (len(columns) + 1) + "|"]
    for percent, group in table.groupby("planted_percent"):
        cells = [
            "undefined"
            if group[name].isna().all()
            else f"{group[name].mean():.2g} ({group[name].min():.2g} to {group[name].max():.2g})"
            for name in columns
        ]
        lines.append(f"| {percent} | {' | '.join(cells)} |")
    made = table[["date", "commit"]].iloc[0]
    lines += [
        "",
        f"Measured on {made['date']} at commit {made['commit']}: mean (smallest to largest).",
    ]
    return "\n".join(lines)


def result_table(root, name):
    """A committed result of `make validate` as it stands, as a Markdown table."""
    table = pd.read_csv(root / "benchmarks" / "results" / f"{name}.tsv", sep="\t", dtype=str)
    made = table[["date", "commit"]].iloc[0]
    table = table.drop(columns=["date", "commit"]).fillna("")
    lines = [
        f"| {' | '.join(column.replace('_', ' ') for column in table)} |",
        "|---" * table.shape[1] + "|",
    ]
    lines += [f"| {' | '.join(row)} |" for row in table.itertuples(index=False)]
    lines += ["", f"Measured on {made['date']} at commit {made['commit']}."]
    return "\n".join(lines)


def result_summary(root, name, by):
    """Mean and range of a committed result's numbers for each value of one column, in its order."""
    table = pd.read_csv(
        root / "benchmarks" / "results" / f"{name}.tsv",
        sep="\t",
        dtype={"subject": str, "commit": str},
    )
    made = table[["date", "commit"]].iloc[0]
    numbers = list(table.select_dtypes("number"))
    head = [by, "rows", *numbers]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for value, group in table.groupby(by, sort=False):
        cells = [str(len(group)), *(_mean_and_range(group[column]) for column in numbers)]
        lines.append(f"| {value} | {' | '.join(cells)} |")
    lines += [
        "",
        f"Measured on {made['date']} at commit {made['commit']}: mean (smallest to largest).",
    ]
    return "\n".join(lines)


def _mean_and_range(column):
    """In words for a cell; empty where nothing was measured."""
    if column.isna().all():
        return ""
    mean, low, high = (f"{value:.3g}" for value in (column.mean(), column.min(), column.max()))
    return mean if low == high else f"{mean} ({low} to {high})"


def realism_table(root, name):
    """Real and practice files side by side, as a Markdown table."""
    table = pd.read_csv(root / "benchmarks" / "results" / f"{name}.tsv", sep="\t")
    lines = ["| quantity | real | practice | inside? | how measured |", "|---|---|---|---|---|"]
    for row in table.itertuples():
        real, made = (
            f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g} ({n})"
            for low, high, n in (
                (row.real_low, row.real_high, row.n_real),
                (row.practice_low, row.practice_high, row.n_practice),
            )
        )
        why = "" if row.inside == "yes" or pd.isna(row.note) else f" *Why: {row.note}.*"
        text = f"{row.source}.{why}".replace("|", "\\|")
        quantity = row.quantity.replace("|", "\\|")
        lines.append(f"| {quantity} | {real} | {made} | {row.inside} | {text} |")
    first = table.iloc[0]
    lines += [
        "",
        "Ranges, with the number of files or people in parentheses. Real files were measured on "
        f"{first['real_date']} at commit {first['real_commit']}, practice files on "
        f"{first['practice_date']} at commit {first['practice_commit']}.",
    ]
    return "\n".join(lines)


def group_table(root):
    """Comparisons of two groups that differ in motion, with 95 % intervals."""
    table = pd.read_csv(root / "benchmarks" / "results" / "group_strategies.tsv", sep="\t")
    columns = {
        "bias": "bias (Fisher z)",
        "false_positives": "false positives",
        "power": "power",
    }
    costs = {
        "people": "people a group",
        "volumes": "volumes",
        "df_taken": "degrees of freedom taken",
        "worth": "worth so many independent volumes",
        "as_good_as": "as good as so many people who lie still",
    }
    words = ["design", "cleaning", "test"]
    heads = [*words, *columns.values(), *costs.values()]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for _, row in table.iterrows():
        cells = [row[name] for name in words]
        for name in columns:
            low, high = row[f"{name}_low"], row[f"{name}_high"]
            cells.append(
                "not possible"
                if pd.isna(low)
                # Not "-0.000".
                else f"{row[name]:.3f} ({low:.3f} to {high:.3f})".replace("-0.000", "0.000")
            )
        cells += ["" if pd.isna(row[name]) else f"{row[name]:.0f}" for name in costs]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    made = table.iloc[0]
    lines += [
        "",
        f"Estimates with 95 % intervals, {made['studies']:.0f} simulated studies; the planted "
        f"difference is {table['planted'].dropna().iloc[0]:.3f}. Measured on {made['date']} at "
        f"commit {made['commit']}.",
    ]
    return "\n".join(lines)
