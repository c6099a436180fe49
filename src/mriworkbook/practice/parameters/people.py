"""The people and their scans."""

from mriworkbook.practice.parameters._kinds import Person

# Sex, age and the numbers below are choices inside the ranges of the real files: brain volume is
# 1.35 to 1.65 l in the four IXI label maps and 1.44 l in AOMIC sub-0001's mask; bias ranges are
# BrainWeb's 20 and 40 % (10.1109/42.816072, Kwan 1999) and one between. Three storage orders,
# because tools that trust array order must fail here as they do on real data.
PEOPLE = {
    "01": Person(
        1, 24, "F", 2.0, 1480.0, (1.01, 0.99, 1.0), 0.10, 40.0, "RAS", (3.0, -2.0, 4.0), (2.0, 0, 1)
    ),
    "02": Person(
        2, 67, "M", 2.0, 1590.0, (0.98, 1.02, 1.0), 0.75, 20.0, "PSR", (-6.0, 1.0, -3.0), (0, 3, -2)
    ),
    "03": Person(
        3, 45, "F", 2.0, 1420.0, (1.02, 0.99, 0.99), 0.35, 30.0, "LAS", (5.0, 3.0, 2.0), (-3, 2, 1)
    ),
}
