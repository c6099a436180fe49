"""Amplitudes of surfaces, thickness and FreeSurfer-like tables."""

SURFACES = {}
