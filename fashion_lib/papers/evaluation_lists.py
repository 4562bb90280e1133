"""Counts of the evaluation lists that ASEN, AG-MLAN, RPF and IPAD share: queries, and what leaks.

Source: the list files of ASEN and ASEN++ as a user committed them (github.com/zhengguorong/asenpp, commit 04eb9d6),
counted in November 2026. The course does not carry the lists themselves.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class EvaluationLists:
    """Counts of one data set's lists.

    Attributes:
        queries: attribute, as in published_results.csv -> number of test queries.
        validation_queries: attribute -> number of validation queries.
        test_images: number of images of the test split.
        groups: what photographs of one garment share: a folder or an item.
        test_groups: number of groups in the test split; 0 where it was not counted.
        leaked_groups: how many of them are in the validation split too.
        leaked_images: number of test images in leaked groups.
    """

    queries: dict[str, int]
    validation_queries: dict[str, int]
    test_images: int
    groups: str = ""
    test_groups: int = 0
    leaked_groups: int = 0
    leaked_images: int = 0


def _counts(names: str, numbers: str) -> dict[str, int]:
    return dict(zip(names.split(), map(int, numbers.split()), strict=True))


_FASHIONAI = "skirt_length sleeve_length coat_length pant_length collar_design lapel_design neckline_design neck_design"
_DARN = "category button color length pattern shape collar_shape sleeve_length sleeve_shape"
_DEEPFASHION = "texture fabric shape part style"
LISTS = {
    "fashionai": EvaluationLists(
        _counts(_FASHIONAI, "422 623 535 422 341 289 703 265"),
        _counts(_FASHIONAI, "439 596 515 419 356 330 668 277"),
        test_images=18_000,
    ),
    "darn": EvaluationLists(
        _counts(_DARN, "476 448 491 448 463 533 509 483 442"),
        _counts(_DARN, "490 480 446 498 454 499 505 471 450"),
        test_images=21_461,
        groups="items of a shop",
        leaked_groups=3_874,
        leaked_images=4_652,
    ),
    "deepfashion": EvaluationLists(
        _counts(_DEEPFASHION, "1008 1483 1097 1022 915"),
        _counts(_DEEPFASHION, "1048 1469 1147 1037 824"),
        test_images=27_625,
        groups="item folders",
        test_groups=5_411,
        leaked_groups=5_233,
        leaked_images=27_155,
    ),
}


@dataclass(frozen=True)
class OneLabelPerImage:
    """DeepFashion's test lists: one (attribute, value) drawn per image, though images carry several values.

    Attributes:
        several_values: number of test images with several values of the attribute they are listed for.
        relevant_listed: mean number of relevant candidates per query, as listed.
        relevant_labelled: the same if all labels of the candidates counted.
    """

    several_values: int = 12_787
    relevant_listed: float = 145.7
    relevant_labelled: float = 255.0


ONE_LABEL = OneLabelPerImage()
