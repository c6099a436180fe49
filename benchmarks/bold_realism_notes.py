"""Why practice runs lie outside a real range, row by row, as far as is known."""

_RESTLESS = (
    "patients move more than any of the seven people of the real tables (mean FD .09 to .25 mm, "
    "here .07 to .39)"
)
_JITTER = (
    "one recipe of drift, walk, jitter and shifts for everybody; real people differ in kind, not "
    "only in amount"
)
_EVEN = (
    "noise is too alike over the brain: real runs have veins, edges and pulsating fluid, where "
    "voxels are twice as noisy as elsewhere"
)
_SMOOTH = (
    "the three real people were preprocessed by unknown steps, perhaps denoised, and their motion "
    "and repetition time are not known; the calmest practice people lie nearest to them"
)
_MISPLACED = (
    "coordinates are the atlas's, activity lies in shifted parcels, which smoothing mixes; and the "
    "calmest people come nearest, motion's noise hides coupling in the others"
)
_ONE = "one real run of one person against two practice runs"
NOTES = {
    "FD, mean of a run (mm)": "the last patient was made to move that much",
    "FD, SD of the logarithm": _JITTER,
    "FD, lag-1 correlation": _JITTER,
    "FD, 95th centile / median": _JITTER,
    "FD, largest / median": f"largest of few shifts; {_JITTER}",
    "steps of ten volumes / of one, SD": f"{_JITTER}; jitter and walk go together on all axes here",
    "motion, range over SD of steps": "148 volumes have less time to drift than 240 or 325",
    "corr(FD, std_dvars)": "above by .06 at most: little but motion changes DVARS here, real "
    "scanners and bodies do",
    "std_dvars, median": f"{_EVEN}; four bright first volumes widen what is expected of a voxel",
    "std_dvars, 95th centile / median": _RESTLESS,
    "DVARS without motion (%)": f"{_EVEN}; squares count the noisy most",
    "DVARS for motion (% per mm of FD)": "below by a sixth at most; the lowest is a raw run, "
    "smoothed once more by realignment",
    "R2 of global signal on 24 parameters": "within .04 of the range; practice runs have 148 "
    "volumes, real ones 240 or 325",
    "R2 of global signal, 148 volumes": "real global signals change more slowly: a stranger's "
    "parameters explain more of them, too",
    "R2 of global signal on a stranger's parameters": "real global signals change more slowly",
    "global signal, SD (%)": "within .03 of the range",
    "global signal, lag-1 correlation": "fast where displacement is large, in the most restless "
    "person",
    "global signal 8-16 s after FD, lowest correlation": "in calm people breathing has little to "
    "do with displacement here",
    "corr(global signal, csf)": "within .1 of the range",
    "corr(global signal, white_matter)": "within .1 of the range",
    "csf, SD (%)": f"low in the calm, high in the most restless; {_RESTLESS}",
    "white_matter, SD (%)": f"low in the calm, high in the restless; {_RESTLESS}",
    "raw run: FD, mean, by our realignment (mm)": _ONE,
    "raw run at 4 mm: tSNR, brain": f"{_ONE}; coils and voxel sizes differ",
    "raw run at 4 mm: tSNR, outer 10 mm": f"{_ONE}; coils and voxel sizes differ",
    "raw run at 4 mm: tSNR, deeper than 20 mm": f"{_ONE}; coils and voxel sizes differ",
    "raw run at 4 mm: lag-1 correlation, outer 10 mm": _ONE,
    "raw run at 4 mm: lag-1 correlation, deeper than 20 mm": _ONE,
    "raw run at 4 mm: DVARS (%)": f"{_ONE}; {_EVEN}",
    "raw run at 4 mm: R2 of a voxel on 24 parameters": _ONE,
    "raw run at 4 mm: global signal, SD (%)": _ONE,
    "raw run at 4 mm: smoothness, x (mm)": _ONE,
    "raw run at 4 mm: smoothness, y (mm)": _ONE,
    "raw run at 4 mm: smoothness, z (mm)": _ONE,
    "7.5 mm: tSNR, brain": _SMOOTH,
    "7.5 mm: global signal, SD (%)": _SMOOTH,
    "7.5 mm: lag-1 correlation, brain": _SMOOTH,
    "7.5 mm: SD of a region's series (%)": _SMOOTH,
    "7.5 mm: coupling in networks": _MISPLACED,
    "7.5 mm: coupling across networks": _MISPLACED,
    "7.5 mm: SD of coupling across networks": _SMOOTH,
    "7.5 mm: coupling in networks, global signal removed": _MISPLACED,
    "7.5 mm: coupling across networks, global signal removed": "within .01 of the range: what "
    "removing the mean of all makes of it",
    "7.5 mm: SD of coupling across networks, global signal removed": _SMOOTH,
}
