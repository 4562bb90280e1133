"""The registry: every kind of file that is checked, how it is read, and its checks. Add one: a line in KINDS."""

from __future__ import annotations

import re
from operator import itemgetter

from fashion_lib.data.checks import adde_checks as adde
from fashion_lib.data.checks import asen_checks as asen
from fashion_lib.data.checks import asen_rows, benchmark_rows, own_cells, own_checks
from fashion_lib.data.checks import benchmark_checks as benchmark
from fashion_lib.data.checks import raw_label_checks as raw
from fashion_lib.data.checks import tuple_checks as tuples
from fashion_lib.data.checks import zappos_checks as zappos
from fashion_lib.data.checks.item_checks import check_items
from fashion_lib.data.checks.listings import Kind, names_by, picture_path, split_of_file

ASEN = ("fashionai", "darn", "deepfashion")
ADDE = ("deepfashion_adde", "shopping100k")
OWN = "own"  # any other name: a folder of one's own pictures
first = itemgetter(0)
_of_benchmark = (benchmark.check_benchmark_complete, benchmark.check_heading, benchmark.check_rows)
_of_names = (*_of_benchmark, benchmark.check_benchmark_counts)
_of_images = (*_of_benchmark, benchmark.check_same_images, benchmark.check_benchmark_counts)

KINDS: dict[str, Kind] = {
    "ASEN meta": Kind(ASEN, r"meta\.json", None, (asen.check_meta,), tabs=True),
    "ASEN filenames": Kind(
        ASEN,
        r"filenames_(train|valid|test)\.txt",
        picture_path,
        (asen.check_complete, asen.check_counts, asen.check_paths, check_items),
        pictures=names_by(str),
        splits=split_of_file,
        advice=asen_rows.AGAIN,
    ),
    "ASEN training labels": Kind(
        ASEN,
        r"label_train\.txt",
        asen_rows.training_row,
        (
            *(asen.check_complete, asen.check_counts, asen.check_ranges, asen.check_coverage),
            *(asen.check_training_values, asen.check_folder_labels),
        ),
        advice=asen_rows.AGAIN,
        single=True,
    ),
    "ASEN evaluation": Kind(
        ASEN,
        r"(query|candidate)_(valid|test)\.txt",
        asen_rows.evaluation_row,
        (
            *(asen.check_complete, asen.check_counts, asen.check_ranges, asen.check_coverage),
            *(asen.check_folder_labels, asen.check_relevant),
        ),
        advice=asen_rows.AGAIN,
        single=True,
    ),
    "ASEN types": Kind(
        ("deepfashion",),
        r"label_(valid|test)\.txt",
        benchmark_rows.type_row,
        (benchmark.check_type_rows,),
        tabs=True,
    ),
    "FashionAI labels": Kind(
        ("fashionai",),
        r"(label|label_.*|.*_labels|.*answer.*|question)\.csv",
        raw.label_row,
        (raw.check_label_rows, raw.check_label_total),
        single=True,
        pictures=names_by(first),
    ),
    "DARN addresses": Kind(
        ("darn",), r"darn_url.*\.txt", raw.address_row, (raw.check_addresses,), pictures=names_by(first)
    ),
    "DeepFashion attributes": Kind(
        ("deepfashion",),
        r"list_attr_cloth\.txt",
        benchmark_rows.named_type(6),
        _of_names,
        2,
    ),
    "DeepFashion categories": Kind(
        ("deepfashion",),
        r"list_category_cloth\.txt",
        benchmark_rows.named_type(3),
        _of_names,
        2,
    ),
    "DeepFashion attribute labels": Kind(
        ("deepfashion",),
        r"list_attr_img\.txt",
        benchmark_rows.numbers_row(-1, 1),
        _of_images,
        2,
        pictures=names_by(first),
    ),
    "DeepFashion category labels": Kind(
        ("deepfashion",), r"list_category_img\.txt", benchmark_rows.numbers_row(1, 50, 1), _of_images, 2
    ),
    "DeepFashion boxes": Kind(("deepfashion",), r"list_bbox\.txt", benchmark_rows.box_row, _of_images, 2),
    "DeepFashion landmarks": Kind(
        ("deepfashion",), r"list_landmarks.*\.txt", benchmark_rows.landmarks_row, _of_images, 2
    ),
    "DeepFashion partition": Kind(
        ("deepfashion",),
        r"list_eval_partition\.txt",
        benchmark_rows.partition_row,
        _of_images,
        2,
        pictures=names_by(first),
        splits=benchmark_rows.splits,
    ),
    "DeepFashion fine images": Kind(
        ("deepfashion",),
        r"(train|val|test)\.txt",
        picture_path,
        (benchmark.check_aligned,),
        pictures=names_by(str),
        folder="Anno_fine",
    ),
    "DeepFashion fine labels": Kind(
        ("deepfashion",),
        r"(train|val|test)_attr\.txt",
        benchmark_rows.flags_row,
        (benchmark.check_aligned,),
        single=True,
        folder="Anno_fine",
    ),
    "DeepFashion fine numbers": Kind(
        ("deepfashion",),
        r"(train|val|test)_(cate|bbox|landmarks)\.txt",
        benchmark_rows.fine_row,
        (benchmark.check_aligned,),
        single=True,
        folder="Anno_fine",
    ),
    "ADDE counts": Kind(
        ADDE, r"attr_num\.txt", adde.count_row, (adde.check_adde_complete, adde.check_adde_rows)
    ),
    "ADDE images": Kind(
        ADDE,
        r"imgs_(train|test)\.txt",
        picture_path,
        (adde.check_adde_complete, adde.check_adde_rows, tuples.check_listed_images),
        pictures=names_by(str),
        splits=split_of_file,
    ),
    "ADDE labels": Kind(
        ADDE,
        r"(labels_(train|test)|gt_test)\.txt",
        adde.vector_row("0 1"),
        (adde.check_adde_complete, adde.check_adde_rows, adde.check_vectors, adde.check_targets),
        single=True,
    ),
    "ADDE changes": Kind(
        ADDE,
        r"(triplet_train_ind|indfull_test)\.txt",
        adde.vector_row("-1 0 1"),
        (adde.check_adde_complete, adde.check_adde_rows, adde.check_vectors, adde.check_indicators),
        single=True,
    ),
    "ADDE triplets": Kind(
        ADDE,
        r"triplet_train\.txt",
        tuples.index_row(3),
        (adde.check_adde_complete, adde.check_adde_rows, tuples.check_indices),
        single=True,
    ),
    "ADDE references": Kind(
        ADDE,
        r"ref_test\.txt",
        tuples.index_row(1),
        (adde.check_adde_complete, adde.check_adde_rows, tuples.check_indices),
        single=True,
    ),
    "Zappos paths": Kind(
        ("zappos50k",),
        r"filenames\.json",
        picture_path,
        (tuples.check_listed_images, zappos.check_shoes),
        pictures=names_by(str),
    ),
    "Zappos triplets": Kind(
        ("zappos50k",),
        r".*_tripletlist_(train|val|test)\.txt",
        tuples.index_row(3),
        (zappos.check_triplet_lists, zappos.check_against_table, tuples.check_indices),
        single=True,
    ),
    "Zappos table": Kind(("zappos50k",), r"meta-data\.csv", zappos.metadata_row, (zappos.check_metadata,), 1),
    "own table": Kind(
        (OWN,),
        r"labels\.csv",
        str,
        (own_checks.check_own_table, own_checks.check_loadable),
        tabs=True,
        mark=True,  # `new-data` and spreadsheets write it
        pictures=own_cells.picture_names,
        splits=own_cells.picture_splits,
    ),
    "own schema": Kind((OWN,), r"schema\.json", None, (own_checks.check_schema,), tabs=True),
}


def kind_of(dataset: str, file: str) -> str | None:
    """Return the key in KINDS of a file; None for a file that is not read.

    Args:
        dataset: name of the data set, or OWN.
        file: its path; the case of names does not matter.
    """
    folder, _, name = file.rpartition("/")
    for key, kind in KINDS.items():
        if (
            dataset in kind.datasets
            and re.fullmatch(kind.name, name, re.IGNORECASE)
            and kind.folder in folder
        ):
            return key
    return None
