"""Amplitudes of the cohort of 200: planted effects, spread and correlation."""

COHORT = {}
