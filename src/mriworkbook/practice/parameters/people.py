"""The people and their scans."""

from mriworkbook.practice.parameters._kinds import Person

# Sex, age and the numbers below are choices inside the ranges of the real files: brain volume is
# 1.35 to 1.65 l in the four IXI label maps and 1.44 l in AOMIC sub-0001's mask; bias ranges are
# BrainWeb's 20 and 40 % (10.1109/42.816072, Kwan 1999) and others up to 40. Storage orders differ,
# because tools that trust array order must fail here as they do on real data. Ventricles grow
# with age (controls 45 ml, SD 28, patients 59 ml, SD 29, in ADNI's elderly, from an abstract): the
# Alzheimer-like person's become three times a young one's, the most that this flow does smoothly.
PEOPLE = {
    "01": Person(
        1, 24, "F", 2.0, 1480.0, (1.01, 0.99, 1.0), 0.05, 40.0, "RAS", (3.0, -2.0, 4.0), (2.0, 0, 1)
    ),
    "02": Person(
        2, 67, "M", 2.0, 1590.0, (0.98, 1.02, 1.0), 0.55, 20.0, "PSR", (-6.0, 1.0, -3.0), (0, 3, -2)
    ),
    "03": Person(
        3, 45, "F", 2.0, 1420.0, (1.02, 0.99, 0.99), 0.20, 30.0, "LAS", (5.0, 3.0, 2.0), (-3, 2, 1)
    ),
    "04": Person(
        4, 76, "F", 2.0, 1380.0, (1.0, 0.98, 1.01), 1.15, 25.0, "RAS", (-4.0, 2.0, 3.0), (1, -2, 2)
    ),
    "05": Person(
        5, 38, "F", 2.0, 1440.0, (1.0, 1.01, 0.99), 0.15, 30.0, "LPS", (4.0, -1.0, -2.0), (2, 1, -2)
    ),
    "07": Person(
        7, 31, "M", 2.0, 1560.0, (0.99, 1.01, 1.0), 0.05, 35.0, "PSR", (2.0, 3.0, -4.0), (-2, 1, 2)
    ),
    "08": Person(
        8, 52, "F", 2.0, 1430.0, (1.01, 1.0, 0.98), 0.25, 20.0, "RAS", (-3.0, -2.0, 2.0), (0, 2, 2)
    ),
    "09": Person(
        9, 22, "M", 2.0, 1610.0, (1.0, 1.0, 1.02), 0.0, 30.0, "RAS", (6.0, 1.0, 1.0), (2, -2, 1)
    ),
    "10": Person(
        10, 27, "M", 1.0, 1540.0, (1.0, 1.01, 1.0), 0.05, 40.0, "RAS", (1.0, -3.0, 2.0), (2, 2, -1)
    ),
    "11": Person(
        11, 71, "F", 2.0, 1400.0, (1.0, 0.99, 0.99), 0.6, 35.0, "LAS", (-5.0, 1.0, 3.0), (-2, -1, 3)
    ),
    "12": Person(
        12, 58, "M", 2.0, 1550.0, (0.99, 1.02, 1.0), 0.4, 25.0, "PSR", (3.0, -3.0, -2.0), (1, 3, 1)
    ),
}
# Alzheimer-like: log(.76), the hippocampal loss of Shi 2009 (24 % left, 23 % right,
# 10.1002/hipo.20573).
PEOPLE["04"] = PEOPLE["04"]._replace(
    hippocampus_log_growth=-0.27, sulcal_widening=1.3, diagnosis="AD-like"
)
PEOPLE["05"] = PEOPLE["05"]._replace(lesions=40, diagnosis="MS-like")
PEOPLE["06"] = PEOPLE["05"]._replace(lesions=0, twin_of="05", diagnosis="")
for _label, _fault in (("07", "motion"), ("08", "wrap"), ("09", "flip")):
    PEOPLE[_label] = PEOPLE[_label]._replace(fault=_fault)
# Mild widening and loss with age in people without a diagnosis, choices.
for _label, _widening, _hippocampus in (
    ("02", 0.4, -0.06),
    ("11", 0.45, -0.08),
    ("12", 0.25, -0.03),
):
    PEOPLE[_label] = PEOPLE[_label]._replace(
        sulcal_widening=_widening, hippocampus_log_growth=_hippocampus
    )
PEOPLE = dict(sorted(PEOPLE.items()))
