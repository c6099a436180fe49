"""What the practice study says of itself: README, descriptions, table of people, ignored names.

The texts fit what is there, so every stage writes them anew; its order makes no difference.
"""

from mriworkbook.practice._files import description, write_json
from mriworkbook.practice.parameters import BOLD_PEOPLE, PEOPLE

NAME = "MRI Workbook practice study (simulated)"
# Derivative data sets by stage, and names in them that those tools write but the validator does not
# know. Of fMRIPrep's, all but the last line are what it writes into its own .bidsignore: reference
# images and confounds have sidecars there, too, which it leaves out. The folders below freesurfer
# are those of recon-all.
PIPELINES = {
    "core": {
        "fmriprep": (
            "fMRIPrep-like simulation",
            ["*_xfm.*", "*.surf.gii", "*_boldref.*", "*_timeseries.*", "*.shape.gii"],
        ),
        "freesurfer": (
            "FreeSurfer-like simulation",
            [f"sub-*/{folder}" for folder in ("mri", "stats", "surf", "label")],
        ),
        "parcellation": ("parcellation of the cortex", []),
    },
}
# What BIDS has no words for lies in plain folders, each with a README.
PLAIN = {
    "core": {"truth": "what is true about the people of the practice study, voxel by voxel."},
    "anatomy": {
        "fs_stats": "tables of a cohort, in the form of FreeSurfer's aparcstats2table.",
        "vbm": "grey-matter maps and Jacobian determinants of a cohort.",
    },
    "functional": {
        "series": "time series of the parcellation's regions in a cohort of 120 people, two scans "
        "each, raw and cleaned in several ways."
    },
}

README = """\
Everything in this data set is simulated. No person was scanned.

The practice study of the MRI Workbook: heads of {heads} invented people, and brain activity of
{bold}. Tissue maps of the ICBM 2009a nonlinear symmetric template (Fonov et al. 2011,
doi:10.1016/j.neuroimage.2010.07.033) were folded and sharpened into one anatomy each, put into
heads, moved by known diffeomorphisms, and given signal, intensity non-uniformity and noise.
Activity with known coupling was planted in regions that lie where each person's lie, not just where
the parcellation's do, and what moving heads, breath, heart and drift do to a signal was added.
Every amplitude is in the table mriworkbook.practice.parameters, with its source.

sub-*/anat               raw images; the storage order differs on purpose
sub-*/func               raw BOLD runs of sub-01 and sub-02 at most; the head moves in them
derivatives/fmriprep     simulated outputs named as fMRIPrep names its own: N4-corrected images
                         (real N4 on the simulated image), brain masks and registrations that err as
                         real ones do; BOLD runs at 4 mm, with confounds
derivatives/freesurfer   simulated outputs named as FreeSurfer names its own. FreeSurfer conforms to
                         256 voxels of 1 mm; here the cube is 128 voxels of 2 mm, the images' own
                         spacing. Surfaces carry the average folding of fsaverage5, moved by each
                         person's warp; the images' sulci were drawn at random, so that surfaces and
                         images agree in the large, not sulcus by sulcus
derivatives/parcellation regions of grey matter, each next to a coordinate of Seitzman et al. 2020
                         (doi:10.1016/j.neuroimage.2019.116290), in volume and on fsaverage5
derivatives/truth        what is true: masks, fields, tissue fractions, point maps between scanner
                         and template in both directions and the Jacobian determinant template ->
                         scanner (4 mm grids, RAS+ millimetres); of BOLD runs the neural series, the
                         planted coupling, where the head was and the parts of the artefact
{further}
What it cannot teach: faces, necks and vessels are crude, sulci do not have their names, and one
scanner model made all images. Do not use it as evidence about people or about tools.
"""
FURTHER = {
    "anatomy": """\
derivatives/fs_stats     tables of a cohort of 200 further invented people, sub-1001 to sub-1200,
                         who have no scans of their own; planted effects of known size
derivatives/vbm          grey-matter maps and Jacobian determinants of the same cohort
""",
    "functional": """\
derivatives/series       time series of the parcellation's regions in 120 further invented people,
                         sub-2001 to sub-2120, who have no images; two scans each, raw and cleaned

Of sub-13 to sub-29 there is only what is in template space: they have no heads.
""",
}
NUMBERS = {1: "one", 3: "three", 12: "twelve", 20: "twenty"}


def write_texts(root, stages):
    """Write the texts of a study that holds, or is about to hold, some stages.

    Parameters
    ----------
    root : Path
    stages : collection of str
    """
    (root / "README").write_text(_readme(stages), encoding="utf-8")
    write_json(root / "dataset_description.json", description(NAME, "mriworkbook", False))
    for stage in stages:
        for folder, (what, unknown) in PIPELINES.get(stage, {}).items():
            path = root / "derivatives" / folder
            path.mkdir(parents=True, exist_ok=True)
            about = description(f"{NAME}: {what}", what, True)
            write_json(path / "dataset_description.json", about)
            if unknown:
                (path / ".bidsignore").write_text("\n".join(unknown) + "\n", encoding="utf-8")
        for folder, what in PLAIN.get(stage, {}).items():
            path = root / "derivatives" / folder
            path.mkdir(parents=True, exist_ok=True)
            text = f"Everything in this folder is simulated: {what}\n"
            (path / "README").write_text(text, encoding="utf-8")
    _write_participants(root, stages)


def _readme(stages):
    heads = len(people_of({*stages} & {"core", "anatomy"}))
    bold = len(BOLD_PEOPLE) if "functional" in stages else 1
    further = "".join(text for stage, text in FURTHER.items() if stage in stages)
    return README.format(
        heads=NUMBERS.get(heads, heads), bold=NUMBERS.get(bold, bold), further=further
    )


def people_of(stages):
    """Labels of the people of some stages, sorted."""
    from mriworkbook.practice.write import labels_of

    return sorted({label for stage in stages for label in labels_of(stage)})


def _write_participants(root, stages):
    # Planted faults (motion, wrap-around, a flip) are not told here: they are to be found.
    rows = ["participant_id\tage\tsex\tgroup\tdiagnosis"]
    for label in people_of(stages):
        head, bold = PEOPLE.get(label), BOLD_PEOPLE.get(label)
        group = bold.group if bold else "n/a"
        diagnosis = head.diagnosis or "none" if head else "n/a"
        who = head or bold
        rows.append(f"sub-{label}\t{who.age}\t{who.sex}\t{group}\t{diagnosis}")
    (root / "participants.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    write_json(root / "participants.json", COLUMNS)


COLUMNS = {
    "age": {"Description": "Invented age of a simulated person", "Units": "year"},
    "sex": {
        "Description": "Invented sex of a simulated person",
        "Levels": {"F": "female", "M": "male"},
    },
    "group": {
        "Description": "Group of the people who have BOLD runs; nobody was ill",
        "Levels": {
            "control": "nothing planted",
            "patient": "weaker coupling within the default mode; the head moves more",
        },
    },
    "diagnosis": {
        "Description": "What a simulated head is made to look like; nobody was ill",
        "Levels": {
            "none": "nothing planted",
            "AD-like": "atrophy as in Alzheimer's disease",
            "MS-like": "lesions of white matter as in multiple sclerosis",
        },
    },
}
