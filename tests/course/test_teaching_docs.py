"""The instructor's guide names notebooks, sections and exercises that are there, and its keys are right."""

import math
import re
from itertools import permutations

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fashion_lib.core import paths
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.course.exercises import catalogue
from fashion_lib.course.syllabus_plans import LECTURE
from fashion_lib.methods.complexity import parameter_count
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.losses import triplet_list_loss
from fashion_lib.tasks.retrieval.metrics import (
    average_precision,
    ndcg_at_k,
    random_average_precision,
    random_recall_at_k,
)

DOCS = paths.root() / "docs"
GUIDE = ("teaching", "syllabi", "objectives", "mistakes", "quiz", "quiz_keys", "rubrics")


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def headings():
    """Number of a notebook ("16") or of an appendix ("16a") -> its headings."""
    found: dict[str, list[str]] = {}
    for path in paths.numbered_notebooks():
        prose = [
            cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
        ]
        found[path.name.partition("_")[0]] = re.findall(r"^#{1,4} (.+)$", "\n".join(prose), re.MULTILINE)
    return found


def answer(identity: str):
    """Return what the solution of an exercise defines."""
    return catalogue.find(identity).run(catalogue.find(identity).solution)


def questions() -> dict[int, str]:
    parts = re.split(r"^### Q(\d+)\n", page("quiz"), flags=re.MULTILINE)[1:]
    return {int(number): text for number, text in zip(parts[::2], parts[1::2], strict=True)}


def keys() -> dict[int, str]:
    return {
        int(number): bold
        for number, bold in re.findall(r"^- \*\*Q(\d+): (.+?)\*\*", page("quiz_keys"), re.M | re.S)
    }


@pytest.mark.parametrize("name", GUIDE)
def test_links_and_exercises_of_the_guide_exist(name):
    text = page(name)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (DOCS / target).exists(), target
    typed = re.sub(r"<!-- [\w ]+: written by .*?<!-- end of", "", text, flags=re.DOTALL)
    for number in re.findall(r"(?<![\d.,/])([012]\d\.\d)(?![\d%])", typed):
        catalogue.find(number)  # an error for an exercise that is not there


def test_every_page_of_the_guide_is_reached_from_the_first():
    assert all(f"({name}.md)" in page("teaching") for name in GUIDE[1:])


def test_sixty_questions_have_a_section_and_a_key(headings):
    asked = questions()
    assert list(asked) == list(keys()) == list(range(1, 61))
    for number, text in asked.items():
        notebook, section = re.search(r"\*Notebook (\d\da?), \"(.+?)\"\.\*", text).groups()
        assert any(section in heading for heading in headings[notebook]), (number, notebook, section)
    asked_about = {re.search(r"Notebook (\d\d)", text)[1] for text in asked.values()}
    assert len(asked_about) >= 24


def test_the_sections_of_the_two_short_syllabi_exist(headings):
    rows = [line for line in page("syllabi").partition("## C")[0].splitlines() if line.startswith("| ")]
    named = 0
    for row in rows:
        for cell in row.split("|"):
            if match := re.match(r"\s*(\d\d)(?:,| )", cell):
                for section in re.findall(r'"(.+?)"', cell):
                    assert any(section in heading for heading in headings[match[1]]), (match[1], section)
                    named += 1
    assert named > 20
    assert [
        name for sections in LECTURE.values() for name in sections if f'"{name}"' not in "\n".join(rows)
    ] == []


def test_objectives_are_there_for_every_notebook_and_name_its_own_exercises(headings):
    parts = re.split(r"^## (\d\d) · .+\n", page("objectives"), flags=re.MULTILINE)[1:]
    texts = dict(zip(parts[::2], parts[1::2], strict=True))
    assert list(texts) == sorted({name[:2] for name in headings}), (
        "docs/objectives.md has a section per notebook"
    )
    for number, text in texts.items():
        assert text.count("\n- ") >= 3 and "*Before:*" in text, number
        assert {name[:2] for name in re.findall(r"\b([012]\d\.\d)\b", text)} <= {number}


def test_every_task_to_write_has_a_rubric():
    tasks = [one.id for number in catalogue.notebooks() for one in catalogue.exercises(number)
             if one.title.startswith("Write it yourself")]  # fmt: skip
    assert len(tasks) > 12
    assert [task for task in tasks if task not in page("rubrics")] == []


def test_the_points_of_each_rubric_add_up():
    tables = re.findall(r"\| points \| .+\n\|.+\n((?:\| \d+ \| .+\n)+)", page("rubrics"))
    sums = [sum(map(int, re.findall(r"^\| (\d+) \|", table, re.MULTILINE))) for table in tables]
    assert sums == [10, 10, 10, 10, 10, 20, 10, 10, 10, 10, 10, 10]


def _valid_triplets(values: str) -> int:
    return sum(values[a] == values[p] != values[n] for a, p, n in permutations(range(len(values)), 3))


def _one_more_attribute() -> int:
    sizes = []
    for count in (8, 9):
        schema = Schema(tuple(Attribute(f"a{k}", ("x", "y")) for k in range(count)))
        with torch.device("meta"):
            sizes.append(parameter_count(build_model("asen", schema, backbone="resnet50", start="random")))
    return sizes[1] - sizes[0]


def _hinge(negative: float) -> float:
    """The triplet loss of an anchor with similarities 0.7 to its positive and `negative` to its negative."""
    unit = torch.tensor([[1.0, 0.0], [0.7, math.sqrt(1 - 0.7**2)], [negative, math.sqrt(1 - negative**2)]])
    return triplet_list_loss(unit, torch.tensor([[0, 1, 2]]), 0.2)[0].item()


def _at_cosine(*cosines: float) -> torch.Tensor:
    return torch.tensor([[c, math.sqrt(1 - c * c)] for c in cosines])


def _map_measures(weights, region):
    return answer("06.1")(np.array([weights]), np.array([region]))


NUMBERS = {
    1: lambda: [1],
    4: lambda: [_valid_triplets("AAABBC")],
    5: lambda: [min(max(1, round(13 / 5)), 13 - 1)],
    7: lambda: average_precision(np.array([[0, 1, 0, 0, 1, 0]])),
    8: lambda: [sum(np.cumsum([1, 1, 0]) / [1, 2, 3] * [1, 1, 0]) / below for below in (2, min(3, 4), 4)],
    10: lambda: [np.average([90, 30], weights=[300, 100]), np.mean([90, 30])],
    11: lambda: random_average_precision([2], 4),
    12: lambda: ndcg_at_k(np.array([[0, 1, 1, 0, 0, 0]]), 3),
    13: lambda: [_hinge(0.6), _hinge(0.4)],
    14: lambda: answer("03.3")(torch.tensor([[3.0, -4.0]]), torch.tensor([[1.0, -0.5]]), torch.tensor([0]))[0].tolist(),
    17: lambda: [torch.tensor([0.0, math.log(2), math.log(5)]).softmax(0)[2].item()],
    20: lambda: [_one_more_attribute()],
    22: lambda: [answer("05.1")(step, 110, 10, 0.002) for step in (4, 60)],
    24: lambda: [_map_measures([0.1, 0.2, 0.4, 0.3], [False, False, True, True])[1]],
    25: lambda: [_map_measures([0.5, 0.5, 0.0, 0.0], [True, False, False, False])[2]],
    26: lambda: answer("06.2")(torch.tensor([[[2.0, 0.0]], [[0.0, 4.0]]]), torch.tensor([[[1.0, 0.0]], [[-1.0, -1.0]]]))
    .flatten().tolist(),
    28: lambda: [np.mean([60, 62, 67]), np.std([60, 62, 67], ddof=1)],
    31: lambda: [math.exp(1 - -1)],
    32: lambda: [0.25 + (1 - 0.25) * 0.2],
    33: lambda: [answer("08.3")(torch.tensor([[0.0, math.log(2)]] * 3))[1].item()],
    35: lambda: [1 / (2 * 0.25)],
    36: lambda: [0.1 * 0.1],
    37: lambda: [np.mean([close > far for close, far in ((0.8, 0.3), (0.5, 0.6), (0.4, 0.4))])],
    38: lambda: [round(np.mean([4.11, 7.51, 1.05]), 2)],
    39: lambda: [np.mean([query != candidate for query in (0, 1) for candidate in (0, 1)])],
    41: lambda: [math.hypot(0.9, 1.2) / 5],
    42: lambda: [8 / 64, 8],
    43: lambda: [5 / (2 * 1), 5 / (2 * 4)],
    44: lambda: [2 + 2],
    45: lambda: [1 - 0 + 2, 5 - 4 + 1, math.dist((3, 2), (2, 1))],
    46: lambda: [100 * float(random_recall_at_k(2, 10, 3))],
    48: lambda: [0.4 * 0.5 + 0.6 * 0.9],
    49: lambda: [1 + 8],
    50: lambda: [answer("17.1")(torch.tensor([[[2.0, 1.0, -1.0]]]), 0.95)[0, 0, 0].item()],
    52: lambda: [0.9 * 1.0 + 0.1 * 3.0],
    53: lambda: [float(answer("18.2")(torch.tensor([1.0, 0.0]), _at_cosine(1.0, 0.9, 0.2), 0, 0.2))],
    55: lambda: [4 * 3 * 9 * 36, 2 * 4 * 3 * 9 * 36],
    56: lambda: random_average_precision([1], 4),
    58: lambda: [20 * 5 * 5],
    59: lambda: [(4 + 4 + 8) * 1_000_000 / 1e6],
}  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_the_keys_that_are_numbers(number):
    given = [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", keys()[number])]
    expected = [float(value) for value in NUMBERS[number]()]
    assert len(given) == len(expected)
    assert given == pytest.approx(expected, abs=5e-4)


def test_the_numbers_of_the_last_question():
    assert torch.tensor(70_000.0).half().isinf()
    assert torch.tensor(70_000.0).bfloat16().item() == 70_144


def test_the_example_of_mistakes_is_right():
    assert random_average_precision([1], 3)[0] == pytest.approx(0.611, abs=5e-4)
    assert F.normalize(torch.tensor([3.0, 4.0]), dim=0) @ F.normalize(
        torch.tensor([4.0, 3.0]), dim=0
    ) == pytest.approx(0.96)
