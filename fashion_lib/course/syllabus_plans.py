"""Syllabi of docs/syllabi.md as data: which notebooks a session reads, and which sections the lecture shows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Session:
    """Hold one session of a syllabus.

    Attributes:
        title: "Week 1", or the paper of a meeting.
        topic: what the session is about.
        notebooks: numbers of those that are read for it.
    """

    title: str
    topic: str
    notebooks: tuple[str, ...]


SIX_WEEKS = (
    Session("Week 1", "the question, the label table, the measure", ("00", "01", "02")),
    Session("Week 2", "one space, masks, attention", ("03", "04")),
    Session("Week 3", "training, heat maps, what a table may claim", ("05", "06", "07")),
    Session("Week 4", "successors of ASEN, paper against code", ("08", "11")),
    Session("Week 5", "the second look", ("16", "17")),
    Session("Week 6", "real data, own pictures, project", ("21", "22")),
)
READING_GROUP = (
    Session("Veit et al. 2017 (CSN)", "conditional similarity", ("02", "03")),
    Session("Ma et al. 2020 (ASEN)", "attribute-aware attention", ("04", "06")),
    Session("Wan 2022, Yan 2021, Yan 2022", "AttnFashion, HAEN, ISLN", ("08",)),
    Session("Xiao and Yamasaki (AG-MLAN)", "attention on several levels, tables", ("09", "10")),
    Session("Dong et al. 2021 and 2023", "ASEN++ and RPF: region and patch", ("16",)),
    Session(
        "Wan et al. 2025 (IPAD), first meeting", "iterative positioning, attribute diverging", ("17", "18")
    ),
    Session("Wan et al. 2025 (IPAD), second meeting", "feature reasoning, tables, code", ("19", "20", "11")),
    Session("Yao et al. 2026, first meeting", "disentangled features, CBAM, losses", ("12", "13")),
    Session("Yao et al. 2026, second meeting", "manipulation and its tables", ("14", "15")),
)
# Number of a notebook -> the sections that the lecture shows: a part of each heading; () is the whole notebook.
LECTURE = {
    "00": (),
    "02": ("Average precision, by hand", "What is chance?"),
    "03": (
        "Three garments, two attributes",
        "A selection of dimensions for each attribute",
        "What no mask can recover",
    ),
    "04": ("ASA: where to look", "ACA: what matters there", "What the maps of a trained ASEN look like"),
    "06": ("The score of a guess that ignores the picture", "ASEN's attention, measured"),
    "07": ("Is the gap more than chance?",),
}
PLANS = {"six weeks": SIX_WEEKS, "reading group": READING_GROUP}
