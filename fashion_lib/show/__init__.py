"""The course's figures; no number is made here. Every function returns a matplotlib Figure that pyplot no longer holds.

So a notebook shows it once, as the last expression of a cell (or through `display`), and a script calls `savefig`.
"""

from fashion_lib.show.boards import manipulation_boards
from fashion_lib.show.charts import (
    attribute_dots,
    gap_bars,
    loss_panels,
    results_bars,
    seed_bars,
    similarity_matrix,
    training_curves,
)
from fashion_lib.show.gallery_board import gallery_board, gallery_heat
from fashion_lib.show.heat import heat_map_rows, outline, overlay
from fashion_lib.show.pictures import retrieval_board, retrieval_boards, show_images
from fashion_lib.show.run_figures import attention, history, hits
from fashion_lib.show.step_curves import step_curves

__all__ = ["attention", "attribute_dots", "gallery_board", "gallery_heat", "gap_bars", "heat_map_rows", "history",
           "hits", "loss_panels",
           "manipulation_boards", "outline", "overlay", "results_bars", "retrieval_board", "retrieval_boards",
           "seed_bars", "show_images", "similarity_matrix", "step_curves",
           "training_curves"]


def __getattr__(name: str):
    from fashion_lib.core.words import suggestion

    raise AttributeError(f"fashion_lib.show has no {name!r}: {suggestion(name, __all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
