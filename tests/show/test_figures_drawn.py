"""Every figure can be read: with few methods and with many, with short names and with long ones."""

import inspect
import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from tiny_data import tiny_data
from tiny_manipulation import tiny_manipulation

from fashion_lib import show
from fashion_lib.core import paths
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.course.sources import read
from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.papers.ag_mlan_figure import ag_mlan_figure
from fashion_lib.show import seeds, style
from fashion_lib.show.check import figure_problems

pytestmark = pytest.mark.slow  # `make quick` leaves it out

FEW, MANY = ["random", "asen"], [*METHODS, *(f"a_method_of_a_long_name_{k}" for k in range(20 - len(METHODS)))]
SHORT = ["neck", "colour"]
LONG = ["sleeve_length", "neckline_design", "an_attribute_with_a_long_name", "incomparability"]
SIZES = pytest.mark.parametrize(
    ("methods", "attributes"),
    list(itertools.product((FEW, MANY), (SHORT, LONG))),
    ids=("few", "few, long", "many", "many, long"),
)
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def nothing_left_open():
    yield
    assert plt.get_fignums() == []


def ledger(methods, attributes, several_variants=()):
    pairs = [(method, "default") for method in methods] + [(method, "changed") for method in several_variants]
    generator = np.random.default_rng(0)
    return pd.DataFrame([
        {"dataset": "wardrobe", "method": method, "variant": variant, "profile": "laptop", "seed": seed,
         "metric": "map", "attribute": name, "value": generator.uniform(20, 100)}
        for method, variant in pairs for name in [*attributes, "overall", "local"] for seed in range(3)])  # fmt: skip


def heat_rows(methods, attributes):
    maps = [np.random.default_rng(0).random((4, 4, 4)) for _ in methods]
    return show.heat_map_rows(IMAGES, maps, methods, row_titles=(attributes * 4)[:4])


def board(data, methods, attributes):
    rows = data.encoded("test", "candidate").of(0).image
    query = int(data.encoded("test", "query").of(0).image[0])
    shared = {"query_row": query, "ranked_rows": rows, "attribute": 0, "correct": np.arange(len(rows)) % 2 == 0}
    return [shared | {"title": f"{method}\n{attributes[-1]}"} for method in methods]


def manipulation_boards(methods, attributes):
    data = tiny_manipulation()
    queries = data.queries("test")
    rows = np.arange(6)
    return show.manipulation_boards(data, [
        {"query": int(queries.query[0]), "vector": queries.vectors[0], "ranked": rows, "title": f"{m} {attributes[-1]}"}
        for m in methods])  # fmt: skip


def curves(methods):
    return [[{"step": k, "loss": 0.2, "active_triplets": 0.5, "valid_map": 0.4} for k in (0, 10, 20)] for _ in methods]


def losses(methods):
    return {f"{title} ({methods[-1]})": {name: pd.Series({0: 1.0, 10: 0.5, 20: 0.4}) for name in methods}
            for title in ("triplet loss", "classification loss", "weights")}  # fmt: skip


def gaps(methods):
    steps = [f"{a} → {b}" for a, b in itertools.pairwise(methods)]
    columns = ["papers: FashionAI (ipad)", "papers: FashionAI (ag_mlan)", "overall", "local"]
    return pd.DataFrame(np.random.default_rng(0).normal(size=(len(steps), 4)), index=steps, columns=columns)


def dots(methods, attributes):
    figure, axes = plt.subplots(figsize=(5, 0.24 * len(methods) + 0.9), layout="constrained")
    seeds.seed_dots(axes, ledger(methods, attributes), {name: (name, "default") for name in [*methods, "missing"]})
    plt.close(figure)
    return figure


def printed(methods, attributes):
    figure, axes = plt.subplots(figsize=(5, 0.24 * len(methods) + 0.9), layout="constrained")
    seeds.printed_dots(axes, [np.nan, *range(len(methods) - 1)], methods)
    plt.close(figure)
    return figure


def two_sided(methods, attributes):
    wanted, levels = {name: (name, "default") for name in methods}, [72 + 0.01 * k for k in range(len(methods))]
    return seeds.two_sided(ledger(methods, attributes), wanted, levels, ["overall", "local"], dataset="wardrobe")


def costs(methods, attributes):
    points = {name: (90 + 50 * (k % 2), 70 + k) for k, name in enumerate(methods)}
    return seeds.cost_dots(points, dict.fromkeys(methods, "black"), "image passes in training (thousands)")


def answer(methods, attributes):
    """The answer of a search over a gallery of the sample's photographs and of one that is gone."""
    folder = paths.root() / "data" / "samples" / "own"
    files = [*sorted(folder.glob("*.jpg"))[: len(methods)], folder / "gone.jpg"]
    return SimpleNamespace(
        index=None, query=files[0], question=attributes[-1], names=tuple(f"a folder/{f.name}" for f in files),
        files=files, similarity=np.linspace(1, 0, len(files)), pixels=IMAGES[0],
        maps={name: np.random.default_rng(0).random((4, 4)) for name in attributes},
    )  # fmt: skip


DRAWN = {
    "attribute_dots": lambda m, a: show.attribute_dots(ledger(m, a), m),
    "gallery_board": lambda m, a: show.gallery_board(answer(m, a)),
    "gallery_heat": lambda m, a: show.gallery_heat(answer(m, a)),
    "gap_bars": lambda m, a: show.gap_bars(gaps(m), list(gaps(m))[:2]),
    "heat_map_rows": heat_rows,
    "loss_panels": lambda m, a: show.loss_panels(losses(m), {}, {next(iter(losses(m))): {"always saying 1/11": 0.3}}),
    "manipulation_boards": manipulation_boards,
    "results_bars": lambda m, a: show.results_bars(ledger(m, a, m[1:3])),
    "retrieval_board": lambda m, a: show.retrieval_board(tiny_data(), **board(tiny_data(), m, a)[0]),
    "retrieval_boards": lambda m, a: show.retrieval_boards(tiny_data(), board(tiny_data(), m, a)),
    "seed_bars": lambda m, a: show.seed_bars(ledger(m, a), m, {"overall": "all attributes", a[-1]: a[-1]}, "wardrobe"),
    "show_images": lambda m, a: show.show_images(IMAGES[np.arange(len(m)) % 4], [f"{x} {a[-1]}" for x in m]),
    "similarity_matrix": lambda m, a: show.similarity_matrix(np.eye(len(m)), m, a[-1]),
    "training_curves": lambda m, a: show.training_curves(curves(m), [f"{name} {a[-1]}" for name in m]),
    "step_curves": lambda m, a: show.step_curves(
        {a[-1]: {name: ((0, 10), (1, k)) for k, name in enumerate(m)}}, {a[-1]: (0.5, "level")}),
    "seed_dots": dots,
    "printed_dots": printed,
    "two_sided": two_sided,
    "cost_dots": costs,
}
# They return pictures, or draw a run with the functions above.
NOT_FIGURES = {"outline", "overlay", "attention", "history", "hits"}
HELPERS = {"values_of", "plain"}


@SIZES
@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_can_be_read(name, methods, attributes):
    figure = DRAWN[name](methods, attributes)
    assert figure_problems(figure) == []


def test_names_of_digits_alone_stay_above_their_own_pictures():
    found = answer(MANY, SHORT)
    found.names = tuple(f"Images/{k:032x}.jpg" for k in range(len(found.files)))  # as FashionAI's
    assert figure_problems(show.gallery_board(found)) == []


def test_a_panel_without_a_run_has_no_ticks():
    rows = ledger(["ipad"], ["collar_design"])  # another variant of the method
    figure = seeds.two_sided(rows, {"w/o ISA": ("ipad", "paper+isa=False")}, [60.0], ["overall"], dataset="wardrobe")
    assert [axes.get_xticks().size > 0 for axes in figure.axes] == [True, False]


def test_every_public_drawing_function_is_drawn():
    ours = {name for name, part in inspect.getmembers(seeds, inspect.isfunction) if part.__module__ == seeds.__name__}
    public = {name for name in ours if not name.startswith("_")} - HELPERS
    assert set(DRAWN) == set(show.__all__) - NOT_FIGURES | public


@pytest.mark.parametrize("variant", METHODS["ag_mlan"].variants)
def test_the_drawing_of_ag_mlan_can_be_read(variant):
    schema = Schema(tuple(Attribute(name, ("a", "b"), "local") for name in LONG))
    assert figure_problems(ag_mlan_figure(build_model("ag_mlan", schema, variant=variant, start="random"), 64)) == []


def one(**options):
    figure, axes = plt.subplots(figsize=(4, 3), **options)
    plt.close(figure)
    return figure, axes


def overlapping_ticks():
    figure, axes = one(layout="constrained")
    axes.set_xticks(range(12), MANY[:12])
    return figure


def overlapping_slanted_ticks():
    figure, axes = one(layout="constrained")
    axes.set_xticks(range(40), ["name"] * 40, rotation=40)
    return figure


def overlapping_titles():
    figure, panels = plt.subplots(1, 3, figsize=(5, 2))
    for axes in panels:
        axes.set_title("a title as long as two panels together")
    plt.close(figure)
    return figure


def squeezed_by_a_legend():
    figure, axes = one(layout="constrained")
    for name in MANY:
        axes.plot([0, 1], [0, 1], label=name)
    axes.legend(ncols=len(MANY), loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def too_small_for_its_labels():
    figure, axes = one(layout="constrained")
    axes.set_yticks([0, 1], ["m" * 60, "n" * 60])
    return figure


def legend_on(draw):
    def drawn():
        figure, axes = one(layout="constrained")
        draw(axes)
        axes.set(xlim=(0, 10), ylim=(0, 1))
        axes.legend(loc="upper right")
        return figure

    return drawn


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (overlapping_ticks, "overlaps"),
        (overlapping_slanted_ticks, "'name' overlaps 'name'"),
        (overlapping_titles, "overlaps"),
        (squeezed_by_a_legend, "% of its width only"),
        (too_small_for_its_labels, "warns: constrained_layout not applied"),
        (legend_on(lambda axes: axes.plot(range(11), [0.9] * 11, label="a line")), "covers data ('a line')"),
        (legend_on(lambda axes: axes.scatter([9], [0.92], label="dots")), "covers data ('dots')"),
        (legend_on(lambda axes: axes.bar([5], [1], 9.9, label="bars")), "covers data"),
    ],
)
def test_each_kind_of_fault_is_found(make, expected):
    assert expected in "; ".join(figure_problems(make()))


def test_slanted_labels_that_keep_apart_are_no_fault():
    figure, axes = one(layout="constrained")
    axes.set_xticks(range(12), ["a rather long name"] * 12, rotation=40, ha="right", rotation_mode="anchor")
    assert figure_problems(figure) == []


@pytest.mark.parametrize("count", [1, 3, 20])
def test_a_legend_outside_leaves_the_axes_their_size(count):
    widths = []
    for outside in (False, True):
        figure, axes = one(layout="constrained")
        for k in range(count):
            axes.plot([0, 1], [0, k], label=f"a method of a long name, {k}")
        if outside:
            style.legend_outside(figure)
        assert figure_problems(figure) == []  # draws, and so lays the figure out
        widths.append(axes.get_window_extent().width)
    assert widths[1] == pytest.approx(widths[0], abs=12)
    assert len(figure.legends[0].get_texts()) == count


def test_a_legend_outside_names_each_label_once_and_is_left_out_without_labels():
    figure, panels = plt.subplots(1, 2, layout="constrained")
    assert style.legend_outside(figure) is None and figure.legends == []
    for axes in panels:
        axes.plot([0, 1], label="asen")
    panels[1].plot([0, 1], label="csn")
    assert [text.get_text() for text in style.legend_outside(figure).get_texts()] == ["asen", "csn"]
    plt.close(figure)


def test_seed_dots_show_seeds_means_and_what_was_not_run():
    figure, axes = plt.subplots()
    values = ledger(["asen"], []).query("attribute == 'overall'")
    seeds.seed_dots(axes, values, {"ASEN": ("asen", "default"), "CSN": ("csn", "prein")})
    points, mean = (collection.get_offsets() for collection in axes.collections[:2])
    assert points[:, 0].tolist() == values["value"].tolist() and mean[0, 0] == values["value"].mean()
    assert [text.get_text() for text in axes.texts] == ["not run"] and axes.texts[0].get_position()[1] == 1
    assert style.to_hex(axes.collections[0].get_facecolor()[0]) == style.colour("asen")
    assert seeds.values_of(ledger(["asen"], []), ("asen", "default"), "overall").tolist() == values["value"].tolist()
    assert seeds.values_of(values, ("csn", "default"), "overall").empty
    plt.close(figure)


SIGHT = {  # Machado, Oliveira, Fernandes 2009, severity 1: linear RGB as normal, green-blind and red-blind eyes have it
    "normal": np.eye(3),
    "green-blind": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "red-blind": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}  # fmt: skip


def lab(hex_colour, sight):
    """CIELAB of a colour as those eyes see it."""
    rgb = np.array(plt.matplotlib.colors.to_rgb(hex_colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(SIGHT[sight]) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ seen / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("task", ["retrieval", "manipulation"])
def test_any_two_methods_of_a_task_can_be_told_apart_by_colour(sight, task):
    names = list(style.COLOURS)
    border = names.index("image_only")
    chosen = names[:border] if task == "retrieval" else names[border:]
    for one_name, other in itertools.combinations(chosen, 2):
        distance = np.linalg.norm(lab(style.colour(one_name), sight) - lab(style.colour(other), sight))
        assert distance > 20, (one_name, other)  # just noticeable is 2.3


def test_a_colour_is_a_pure_function_of_the_names():
    assert set(METHODS) <= set(style.COLOURS)
    assert style.colour("asen") == style.colour("asen") != style.colour("csn")
    unknown = [f"new_{k}" for k in range(20)]
    assert len({style.colour(name) for name in unknown}) == 20
    assert {style.colour(name) for name in unknown}.isdisjoint(style.colour(name) for name in style.COLOURS)
    shades = {style.colour("asen", variant) for variant in ("", "v1", "v2+channel=False")}
    assert len(shades) >= 2 and style.colour("asen", "v1") != style.colour("csn", "v1")
    assert style.marker("asen") == style.marker("asen") and style.marker("new_1") in style.MARKERS


@pytest.mark.parametrize("path", paths.numbered_notebooks(), ids=lambda path: path.stem)
def test_no_notebook_has_a_figure_style_of_its_own(path):
    code = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    own = ("set_matplotlib_formats", "rcParams", "plt.style", "def seed_dots", "def plain", "COLOUR = dict(zip")
    assert [name for name in own if name in code] == []


@pytest.mark.parametrize("budgets", [None, {"ASEN++": [(200.0, 81.1), (400.0, 87.0)]}])
def test_names_at_nearly_the_same_place_do_not_overlap_and_stay_on_the_page(budgets):
    points = {"AttnFashion": (184.0, 81.0), "ASEN++": (200.0, 81.1), "HAEN": (186.0, 81.2), "ISLN": (184.0, 84.0),
              "ASEN": (184.0, 83.9), "IPAD": (460.0, 84.0), "IPAD, as the released code": (460.0, 84.1)}  # fmt: skip
    figure = seeds.cost_dots(points, dict.fromkeys(points, "black"), "cost", budgets)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == len(points)
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    page = figure.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)
