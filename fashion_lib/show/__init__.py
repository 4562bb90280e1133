"""The course's figures. Every function returns a matplotlib Figure that pyplot no longer holds.

So a notebook shows it once, as the last expression of a cell (or through `display`), and a script calls `savefig`.
"""

from fashion_lib.show.boards import manipulation_boards
from fashion_lib.show.charts import results_bars, similarity_matrix, training_curves
from fashion_lib.show.heat import heat_map_rows, outline, overlay
from fashion_lib.show.pictures import retrieval_board, retrieval_boards, show_images
from fashion_lib.show.run_figures import attention, history, hits

__all__ = ["attention", "heat_map_rows", "history", "hits", "manipulation_boards", "outline", "overlay",
           "results_bars", "retrieval_board", "retrieval_boards", "show_images", "similarity_matrix",
           "training_curves"]
