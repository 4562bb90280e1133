"""The settings of profile `paper`, per system and data set, as plain rows with their sources.

The three papers print almost none of them. AG-MLAN prints the margin (eq. 8) and ResNet-50 with ImageNet weights.
IPAD prints 100,000 triplets, two stages, its loss weights (section 4.1.3) and beta 0.4 (section 4.3.4). Yao et al.
print 780,336 training tuples (section 4). All other numbers are those of the authors' public code. Where no code is
public, the row is a reading and says so.

A stage is one training of the authors: it has its own optimiser, schedule and batch size.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from fashion_lib.methods.asen_pp import LOCAL

TRIPLETS = 100_000  # per epoch, in all systems of attribute-specific retrieval
LIKE = {"wardrobe_darn": "darn", "wardrobe_deepfashion": "deepfashion"}  # drawn in the form of that data set
CODE = "the authors' code"
READ = "reading: as ADDE's code"
PATCH, REST = 5.5e-5, 1e-5  # stage 2 of RPF and IPAD: the patch branch, all other layers


@dataclass(frozen=True)
class Stage:
    """One training.

    Attributes:
        epochs: their number.
        batch: examples per step: triplets, tuples or pictures.
        learning_rate: of Adam in the first epoch.
        decay: factor of the learning rate.
        every: epochs between two decays.
        flip: whether training mirrors pictures at random.
        rest: learning rate of all layers outside the patch branch; 0 is `learning_rate`.
        kept: the weights that the stage ends with: "best" on the validation split, or "last".
        examples: per epoch.
        pictures: per example.
        drop_last: whether an incomplete last batch of an epoch is left out.
    """

    epochs: int
    batch: int
    learning_rate: float
    decay: float
    every: int
    flip: bool = True
    rest: float = 0.0
    kept: str = "best"
    examples: int = TRIPLETS
    pictures: int = 3
    drop_last: bool = False

    @property
    def steps_per_epoch(self) -> int:
        """Return the optimiser steps per epoch."""
        return self.examples // self.batch if self.drop_last else math.ceil(self.examples / self.batch)

    @property
    def steps(self) -> int:
        """Return the optimiser steps of the stage."""
        return self.epochs * self.steps_per_epoch

    @property
    def images(self) -> int:
        """Return the pictures per step."""
        return self.batch * self.pictures

    def settings(self) -> dict[str, object]:
        """Return the stage as settings of `TrainingConfig`: name -> value."""
        return {
            "steps": self.steps,
            "batch_size": self.images,
            "learning_rate": self.learning_rate,
            "decay": self.decay,
            "decay_every": self.every * self.steps_per_epoch,
            "flip": self.flip,
            "evaluations": self.epochs if self.kept == "best" else 0,
        }


@dataclass(frozen=True)
class PaperRow:
    """One system on one data set.

    Attributes:
        system: the method's name, or "method.variant" where variants differ.
        dataset: the papers' data set.
        stages: one or two.
        negative: how a triplet's negative is drawn, see fashion_lib.data.sampling; "" for manipulation.
        beta: weight of the region branch in the embedding; None for systems without branches.
        changes: further settings of the profile: name -> value.
        source: where the numbers are from.
        notes: which numbers have another source, and what of the authors' training is not reproduced.
    """

    system: str
    dataset: str
    stages: tuple[Stage, ...]
    negative: str = "image"
    beta: float | None = None
    changes: Mapping[str, object] = field(default_factory=dict)
    source: str = CODE
    notes: str = ""

    def settings(self, stage: Stage) -> dict[str, object]:
        """Return the profile's settings in one stage: name -> value. No code clips gradients: 1e9 is never reached."""
        drawn = {"negative": self.negative, "labels": "all"} if self.negative else {}
        return {"clip": 1e9} | drawn | dict(self.changes) | stage.settings()


RETRIEVAL = ("fashionai", "darn", "deepfashion")
V1, V2 = Stage(200, 16, 1e-4, 0.985, 1), Stage(50, 16, 1e-4, 0.9, 3)
ZAPPOS_BRANCH = "the paper removes branch 1: option branch1=False; the code only its loss: branch1_loss=False"
ZAPPOS = {"examples": 200_000}  # AG-MAN's number of CSN's training triplets, drawn once


def _asen(system: str, stage: Stage, source: str = CODE, notes: str = "") -> list[PaperRow]:
    rows = [PaperRow(system, name, (stage,), source=source, notes=notes) for name in RETRIEVAL]
    notes = "; ".join(filter(None, [notes, "200,000 triplets: AG-MAN's code"]))
    return [
        *rows,
        PaperRow(system, "zappos50k", (Stage(**vars(stage) | ZAPPOS),), source=source, notes=notes),
    ]


def _ag_man() -> list[PaperRow]:
    long = Stage(150, 16, 1e-4, 0.9, 3)
    rotated = "views turned by 45 and 90 degrees are left out"
    return [
        PaperRow("ag_mlan", "fashionai", (long,), notes=rotated),
        PaperRow("ag_mlan", "deepfashion", (V2,)),
        PaperRow(
            "ag_mlan", "darn", (V2,), source="reading: as on DeepFashion", notes="no DARN in paper and code"
        ),
        PaperRow("ag_mlan", "zappos50k", (Stage(**vars(V2) | ZAPPOS),), notes=ZAPPOS_BRANCH),
    ]


def _two_branch() -> list[PaperRow]:
    rows = []
    for name, beta in {"fashionai": 0.3, "darn": 0.3, "deepfashion": 0.4}.items():
        first = Stage(50, 16, 1e-4, 0.9, 3, flip=False, kept="last")
        second = Stage(20, 16, 1e-4, 0.9, 1, flip=False, rest=1e-5)
        rows.append(PaperRow("asen_pp", name, (first, second), "value", 0.6))
        second = Stage(50, 16, PATCH, 0.9, 2, flip=False, rest=REST)
        rows.append(PaperRow("rpf", name, (Stage(50, 16, 5e-5, 0.9, 3), second), "value", beta))
    # Stage 2 ends at epoch 200, 100 or 150, and counts on from stage 1's checkpoint: 68 and 59 in the released logs.
    lengths = {
        "fashionai": (200, 200 - 68, 16),
        "darn": (100, 100 - 59, 20),
        "deepfashion": (100, 150 - 100, 16),
    }
    for name, (epochs, more, batch) in lengths.items():
        stages = Stage(epochs, 64, 1e-4, 0.9, 3), Stage(more, batch, PATCH, 0.9, 2, flip=False, rest=REST)
        logged = {"fashionai": "epoch 68 of the released log", "darn": "epoch 59 of the released log"}
        begun = f"stage 2 follows {logged.get(name, 'epoch 100, because there is no log')}"
        rows.append(PaperRow("ipad.paper", name, stages, "value", 0.4, notes=f"beta: section 4.3.4; {begun}"))
        beta = 0.4 if name == "deepfashion" else 0.3
        rows.append(PaperRow("ipad.code", name, stages, "value", beta, notes=begun))
    return rows


def _manipulation() -> list[PaperRow]:
    rows = []
    for name, pictures, tuples in (("deepfashion_adde", 91_285, 780_336), ("shopping100k", 80_586, 120_371)):
        trained = tuples * 9 // 10  # the last tenth of the list validates
        stages = tuple(
            Stage(25, batch, 1e-4, 0.5, 10, kept=kept, examples=examples, pictures=per, drop_last=True)
            for batch, kept, examples, per in ((128, "last", pictures, 1), (64, "best", trained, 3))
        )
        notes = "stage 1 keeps its last weights, not the best on the test split"
        rows.append(PaperRow("adde_m.code", name, stages, "", changes={"backbone": "alexnet"}, notes=notes))
        systems = ("adde_m.default", "amnet", "image_only", "yao2026")
        printed = "Yao et al. section 4: " if name == "deepfashion_adde" else ""
        notes = f"{printed}{tuples:,} tuples; the last tenth validates"
        rows += [PaperRow(one, name, stages, "", source=READ, notes=notes) for one in systems]
    return rows


READING = "reading: as ASEN V2, no code is public"
ROWS: tuple[PaperRow, ...] = (
    *_asen("triplet", V2, "reading: as ASEN V2"),
    *_asen("csn", V1, "ASEN's authors' code", "as ASEN V1"),
    PaperRow(
        "csn.veit", "zappos50k", (Stage(200, 256, 5e-5 * 0.985, 0.985, 1),),
        changes={"backbone": "resnet18", "image_size": 112},
    ),
    *_asen("asen.v2", V2, notes="schedule: the README's command"),
    *_asen("asen.v1", V1),
    *(row for name in ("attnfashion", "haen", "isln") for row in _asen(name, V2, READING)),
    *_ag_man(),
    *_two_branch(),
    *_manipulation(),
)  # fmt: skip


def paper_rows(method: str, variant: str) -> list[PaperRow]:
    """Return the rows of a system, one per data set; none for a method without training or outside the papers."""
    own = [row for row in ROWS if row.system == f"{method}.{variant}"]
    return own or [row for row in ROWS if row.system == method]


def paper_row(method: str, variant: str, dataset: str) -> PaperRow | None:
    """Return the row of a system on a data set, None where the system has none.

    A data set that no paper used gets the system's first row: that of FashionAI, of manipulation DeepFashion.

    Args:
        method: our name of the method.
        variant: one of the method's.
        dataset: our name of the data set.
    """
    rows = paper_rows(method, variant)
    named = [row for row in rows if row.dataset == LIKE.get(dataset, dataset)]
    return next(iter(named or rows), None)


def names_set(method: str, variant: str) -> frozenset[str]:
    """Return the names of all settings that some row of a system sets."""
    rows = paper_rows(method, variant)
    return frozenset(name for row in rows for stage in row.stages for name in row.settings(stage))


def networks(row: PaperRow) -> str:
    """Return the names of a row's networks. The ViT starts from ImageNet-21k, the others from ImageNet-1k ("V1")."""
    own = row.changes.get("backbone", "resnet50")
    beside = {"asen_pp": LOCAL["resnet50"], "rpf": "ViT-B/16", "ipad": "ViT-B/16"}.get(
        row.system.partition(".")[0]
    )
    return " + ".join(filter(None, [f"{own}, {row.changes.get('image_size', 224)} px", beside]))


def as_table() -> pd.DataFrame:
    """Return all rows as text, one line per system and stage; data sets with the same line share it."""
    lines = []
    for row in ROWS:
        for number, stage in enumerate(row.stages, 1):
            rate = f"{stage.learning_rate:.3g}" + (
                f"; {stage.rest:g} outside the patch branch" if stage.rest else ""
            )
            lines.append(
                {
                    "system": row.system,
                    "data sets": row.dataset,
                    "networks": networks(row),
                    "stage": f"{number} of {len(row.stages)}",
                    "epochs": str(stage.epochs),
                    "examples per epoch": f"{stage.examples:,}",
                    "per step": f"{stage.batch} of {stage.pictures} picture{'s' if stage.pictures > 1 else ''}",
                    "learning rate": rate,
                    "decay": f"×{stage.decay:g} per {stage.every} epoch{'s' if stage.every > 1 else ''}",
                    "mirrored": "yes" if stage.flip else "no",
                    "weights kept": stage.kept,
                    "negative": {"image": "any image", "value": "value first", "": "–"}[row.negative],
                    "β": "–" if row.beta is None else f"{row.beta:g}",
                    "source": row.source,
                    "notes": row.notes,
                }
            )
    table = pd.DataFrame(lines)
    alike = table.groupby([name for name in table if name != "data sets"], sort=False)["data sets"]
    joined = alike.agg(", ".join).reset_index()
    return joined.sort_values(["system", "stage"], key=_first_seen(table), kind="stable")[list(table)]


def _first_seen(table: pd.DataFrame) -> Callable[[pd.Series], pd.Series]:
    """Return the sorting key that keeps the values of a column in the table's order."""
    return lambda column: column.map(
        {value: place for place, value in enumerate(dict.fromkeys(table[column.name]))}
    )
