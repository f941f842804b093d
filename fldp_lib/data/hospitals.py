"""Real patients at the hospitals that treated them: two trials, from the files in `records`; their licence lies there.

Bounds of a percentage and of an index from 0 to 3 are those of the measuring protocols. Those of ages, millimetres and the
risk score are round numbers around the ranges that the public codebooks print, which are the ranges of these same records:
a federation, which has no such codebook, would have to agree on them before it looks. The words of a category are the
codebooks'. Values beyond a bound are set to the bound.
"""

import csv
import gzip
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "records"
SOURCES = {
    "pancreatitis": "Post-ERCP pancreatitis (Elmunzer et al. 2012), medicaldata, MIT",
    "periodontal": "Obstetrics and Periodontal Therapy (Michalowicz et al. 2006), medicaldata by permission of TSHS, MIT",
}
CLASSES = {"pancreatitis": ("no pancreatitis", "pancreatitis"), "periodontal": ("to half bleed", "over half bleed")}
SITES = {
    "1_UM": "University of Michigan", "2_IU": "Indiana University", "3_UK": "University of Kentucky",
    "4_Case": "Case Western",
}  # fmt: skip
CLINICS = {
    "NY": "Harlem Hospital",
    "MN": "Hennepin County",
    "KY": "University of Kentucky",
    "MS": "University of Mississippi",
}
PERCENT, INDEX, MILLIMETRES = (0, 100), (0, 3), (0, 8)
NUMBERS = {  # column: what it is, and its bounds
    "pancreatitis": {"age": ("age", (18, 100)), "risk": ("risk score", (0, 6))},
    "periodontal": {
        "Age": ("age", (15, 45)), "BL.GE": ("gingival index", INDEX), "BL..BOP": ("sites that bleed", PERCENT),
        "BL.PD.avg": ("mean pocket depth", MILLIMETRES), "BL..PD.4": ("pockets from 4 mm", PERCENT),
        "BL..PD.5": ("pockets from 5 mm", PERCENT), "BL.CAL.avg": ("mean attachment loss", MILLIMETRES),
        "BL..CAL.2": ("attachment loss from 2 mm", PERCENT), "BL..CAL.3": ("attachment loss from 3 mm", PERCENT),
        "BL.Calc.I": ("calculus index", INDEX), "BL.Pl.I": ("plaque index", INDEX),
    },
}  # fmt: skip
ANSWERS = {  # column: for each word that becomes an indicator, what it says
    "pancreatitis": {
        "rx": {"1_indomethacin": "indomethacin"}, "gender": {"2_male": "male"}, "status": {"1_outpatient": "outpatient"},
        "sod": {"1_yes": "sphincter dysfunction"}, "pep": {"1_yes": "earlier pancreatitis after ERCP"},
        "recpanc": {"1_yes": "recurrent pancreatitis"}, "psphinc": {"1_yes": "pancreatic sphincterotomy"},
        "precut": {"1_yes": "sphincter pre-cut"}, "difcan": {"1_yes": "difficult cannulation"},
        "pneudil": {"1_yes": "pneumatic dilation"}, "amp": {"1_yes": "ampullectomy"},
        "paninj": {"1_yes": "contrast in the pancreas"}, "acinar": {"1_yes": "acinarization"},
        "brush": {"1_yes": "brushing"}, "asa": {"1_yes": "aspirin", "NA_NA": "aspirin unknown"},
        "prophystent": {"1_yes": "stent against pancreatitis"}, "therastent": {"1_yes": "stent as a therapy"},
        "pdstent": {"1_yes": "pancreatic stent"}, "sodsom": {"1_yes": "manometry"},
        "bsphinc": {"1_yes": "biliary sphincterotomy"}, "bstent": {"1_yes": "biliary stent"},
        "chole": {"1_yes": "stones in the duct"}, "pbmal": {"1_yes": "malignancy"},
        "train": {"1_yes": "a trainee took part"},
        "type": {f"{k}_type {k}": f"dysfunction of type {k}" for k in (1, 2, 3)},
    },
    "periodontal": {
        "Group": {"T": "treated before the birth"}, "Use.Tob": {"Yes": "tobacco", "": "tobacco unknown"},
        "Diabetes": {"Yes": "diabetes"}, "Hypertension": {"Y": "hypertension"}, "Prev.preg": {"Yes": "pregnant before"},
        "Public.Asstce": {"Yes": "public assistance"},
        "Education": {"LT 8 yrs": "school: under 8 years", "8-12 yrs": "school: 8 to 12", "MT 12 yrs": "school: over 12"},
    },
}  # fmt: skip


def table(name):
    """Return what a file holds: column names, and rows of words: 602 × 31 of "pancreatitis", 823 × 20 of "periodontal"."""
    with gzip.open(FOLDER / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    return names, rows


def columns(name):
    """Return a trial's patients as numbers: a word as an indicator.

    Of "periodontal" the 659 women who came to the fifth visit, weeks 29 to 32: whether more than half of their sites bleed.

    Args:
        name: "pancreatitis" or "periodontal".

    Returns:
        A dict with x (602 × 30 or 659 × 21), y (n,), 0 or 1 for `CLASSES`, names of the columns, their bounds (d × 2), which
        of them are indicators (d,), bool, and each patient's hospital, by name (n,).
    """
    names, rows = table(name)
    if name == "periodontal":
        rows = [row for row in rows if row[names.index("V5..BOP")]]
    words = dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))
    found = [(what, words[column].astype(float), bounds, False) for column, (what, bounds) in NUMBERS[name].items()]
    for column, answers in ANSWERS[name].items():
        found += [(what, words[column] == word, (0, 1), True) for word, what in answers.items()]
    features, x, bounds, unit = zip(*found, strict=True)
    place, known = (words["site"], SITES) if name == "pancreatitis" else (words["Clinic"], CLINICS)
    ill = words["outcome"] == "1_yes" if name == "pancreatitis" else words["V5..BOP"].astype(float) > 50
    x, bounds = np.stack(x, 1).astype(float), np.array(bounds, dtype=float)
    owner = np.array([known[one] for one in place])
    return {
        "x": x, "y": ill.astype(int), "features": features, "bounds": bounds, "unit": np.array(unit), "owner": owner,
    }  # fmt: skip
