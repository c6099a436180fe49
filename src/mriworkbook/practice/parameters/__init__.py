"""The frozen table: every amplitude of the practice study, with its unit and its source.

A value comes from a paper (DOI), or was measured on real files, or is a choice; its source says
which. Nothing is tuned until a tool's score looks good. What was revised after a first look at the
simulated heads: shells, scalp, muscle, fat, marrow and skin (to the intensity centiles of real
heads), least shares of fluid and white matter in sulci and folia (to pictures and to AOMIC). The
shares in the cerebellum, the scale of the mask error and T1 of caudate and putamen were revised, to
AOMIC, when first scores of N4 were already known. With the twelve people came, after a first look
at their pictures and volumes: a smaller coarse share of the velocity, calm skulls, alike sides,
more and larger lesions, larger ventricles of the old, and a field of view shifted onto the brain.
With BOLD came, after a first look at six simulated runs beside the real ranges: sizes and lengths
of the artefact's parts, of pulsation and drift, smoothness of the noise, slow motion, neural SD and
breathing; after a second look, at twenty runs, how many courses pulsation has, and breathing
outside grey matter. By then coupling found in a few runs had been seen; and `artefact_fine` was
set, to real SD and DVARS, after coupling in thirty series studies had been seen to follow motion.
Changing any value changes `mriworkbook.practice.fingerprint`, and the study is made anew.

The real files are AOMIC-PIOP2 (OpenNeuro ds002790), sub-0001 unless said otherwise, and four T1w
heads of IXI at 2 mm with label maps (IXI012 to IXI015).
"""

from mriworkbook.practice.parameters._kinds import Person, Sequence, SpinEcho, Tissue, Value
from mriworkbook.practice.parameters.bold import BOLD, BOLD_PEOPLE, BoldPerson
from mriworkbook.practice.parameters.bold_images import BOLD_IMAGES
from mriworkbook.practice.parameters.cohort import COHORT
from mriworkbook.practice.parameters.head import HEAD
from mriworkbook.practice.parameters.people import PEOPLE
from mriworkbook.practice.parameters.pipelines import PIPELINES
from mriworkbook.practice.parameters.series import SERIES
from mriworkbook.practice.parameters.surfaces import SURFACES
from mriworkbook.practice.parameters.tissues import MPRAGE, SEQUENCES, TISSUES

__all__ = [
    "BOLD",
    "BOLD_IMAGES",
    "BOLD_PEOPLE",
    "COHORT",
    "FROZEN",
    "HEAD",
    "MASTER_SEED",
    "MPRAGE",
    "PEOPLE",
    "PIPELINES",
    "SEQUENCES",
    "SERIES",
    "SPACE",
    "SURFACES",
    "TISSUES",
    "BoldPerson",
    "Person",
    "Sequence",
    "SpinEcho",
    "Tissue",
    "Value",
    "value",
]

MASTER_SEED = 20260131
SPACE = "MNI152NLin2009aSym"
_PARTS = (HEAD, PIPELINES, SURFACES, COHORT, BOLD, BOLD_IMAGES, SERIES)
FROZEN = {name: entry for part in _PARTS for name, entry in part.items()}
if len(FROZEN) < sum(len(part) for part in _PARTS):
    raise RuntimeError("Two parts of the frozen table use one name.")


def value(name):
    """Value of one frozen amplitude.

    Examples
    --------
    >>> value("noise_T1w")
    0.0125
    """
    return FROZEN[name].value
