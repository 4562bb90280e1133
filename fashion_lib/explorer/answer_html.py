"""An answer as HTML that fits every width: pictures are small images, and all text is text."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from matplotlib.colors import to_hex
from PIL import Image

from fashion_lib.explorer.answers import NO_LABEL, Answer, Shown, in_words
from fashion_lib.explorer.similarity_histogram import histogram_svg
from fashion_lib.show.heat import STRONG, outline, overlay, scale_colours

ENLARGED = 2  # times; the outline of a region is then half a pixel of the picture wide


def answers_html(answers: Sequence[Answer]) -> str:
    """Return the answers of one run or two side by side; all attention maps share one colour scale."""
    top = max(
        (float(one.max()) for answer in answers if answer.map_kind == "attention" for one in answer.heats()),
        default=0.0,
    )
    parts = [_answer(answer, top or 1.0) for answer in answers]
    return f'<div class="fx-answers">{"".join(parts)}</div>'


def _answer(answer: Answer, top: float) -> str:
    shared = answer.map_kind == "attention"
    top = top if shared else max((float(one.max()) for one in answer.heats()), default=0.0) or 1.0
    figures = [_figure(answer.query, answer, top)] + [_figure(one, answer, top) for one in answer.found]
    notes = "".join(f'<p class="fx-note">{escape(_sentence(note))}</p>' for note in answer.notes)
    verdict = ""
    if answer.relevant is not None:
        hits = sum(one.right is True for one in answer.found)
        verdict = f"{hits} of the nearest {len(answer.found)} are right"
        if answer.average_precision is not None:
            verdict += f"; AP of this query {100 * answer.average_precision:.1f} %"
        verdict = f'<p class="fx-verdict">{verdict}.</p>'
    scale = _scale(top, answer.map_kind) if answer.map_kind else ""
    image = base64.b64encode(histogram_svg(answer).encode()).decode()
    said = f"Histogram of {answer.measure} for {len(answer.scores)} candidates"
    histogram = f'<img class="fx-histogram" alt="{said}" src="data:image/svg+xml;base64,{image}">'
    return (
        f'<section class="fx-answer" style="--method:{answer.colour}">'
        f"<h2>{escape(answer.title)}</h2><p>{escape(answer.question)}</p>{verdict}{notes}"
        f'<div class="fx-board">{"".join(figures)}</div>{scale}{_under(answer, top)}{histogram}'
        f'<p class="fx-source">{escape(answer.source)}</p></section>'
    )


def _figure(one: Shown, answer: Answer, top: float) -> str:
    """Return one picture of a board with its map below, and what it is."""
    kind = "query" if one.rank == 0 else {True: "right", False: "wrong", None: "unknown"}[one.right]
    mark = {"right": "✓ ", "wrong": "✗ "}.get(kind, "")
    name = "your picture" if one.row is None else f"picture {one.row}"
    place = "query" if one.rank == 0 else f"{one.rank}: {one.score:.3f}"
    told = f"{'query' if one.rank == 0 else f'rank {one.rank}'}, {name}, {one.value}"
    picture = f'<img alt="{escape(told)}" src="{data_uri(one.pixels)}">'
    if one.rank and one.row is not None:  # a found picture becomes the next query
        picture = (
            f'<button class="fx-picture" data-row="{one.row}" title="search from {name}" '
            f'aria-label="search from {escape(told)}">{picture}</button>'
        )
    value = f"{mark}{one.value}" if one.value != NO_LABEL or one.rank else NO_LABEL
    heat = ""
    if one.heat is not None:
        drawn = data_uri(heat_picture(one.pixels, one.heat, top, one.region))
        heat = f'<img class="fx-heat" alt="{answer.map_kind} on {escape(told)}" src="{drawn}">'
    caption = f"<figcaption><b>{place}</b> {escape(value)}</figcaption>"
    return f'<figure class="fx-{kind}">{picture}{heat}{caption}</figure>'


def _under(answer: Answer, top: float) -> str:
    """Return the query's maps under every attribute, folded; "" where the method has none."""
    if not answer.under:
        return ""
    figures = []
    for name, heat in answer.under.items():
        region = answer.under_regions.get(name)
        drawn = data_uri(heat_picture(answer.query.pixels, heat, top, region))
        told = in_words(name) + ("" if region is not None else ", no true region known")
        figures.append(
            f'<figure><img class="fx-heat" alt="attention of the query under {escape(told)}" src="{drawn}">'
            f"<figcaption>{escape(in_words(name))}</figcaption></figure>"
        )
    board = f'<div class="fx-board">{"".join(figures)}</div>'
    return f"<details><summary>The query under every attribute</summary>{board}</details>"


def _scale(top: float, kind: str) -> str:
    """Return the bar of the colour scale."""
    colours = scale_colours(STRONG)
    stops = ", ".join(to_hex(colours(k / 8)) for k in range(9))
    what = "attention (weight of a cell; one scale for all maps here)" if kind == "attention" else kind
    return (
        f'<p class="fx-scale">0 <span style="background:linear-gradient(90deg, {stops})"></span> {top:.2g} {what}; '
        '<span class="fx-line">true region outlined</span></p>'
    )


def heat_picture(pixels: np.ndarray, heat: np.ndarray, top: float, region: np.ndarray | None) -> np.ndarray:
    """Lay a map over its picture and outline the true region.

    Args:
        pixels: uint8 (S, S, 3).
        heat: float (h, w), at least 0.
        top: the value that has the strongest colour; the largest of all maps that share a scale.
        region: bool (S, S), or None.

    Returns:
        uint8 (2 S, 2 S, 3).
    """
    large = np.repeat(np.repeat(pixels, ENLARGED, 0), ENLARGED, 1)
    drawn = overlay(large, np.clip(heat / top, 0, 1), STRONG)
    return drawn if region is None else outline(drawn, np.repeat(np.repeat(region, ENLARGED, 0), ENLARGED, 1))


def data_uri(pixels: np.ndarray) -> str:
    """Return a picture, uint8 (H, W, 3), as an address that a page can hold."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "WEBP", quality=90)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _sentence(note: str) -> str:
    return note[:1].upper() + note[1:]
