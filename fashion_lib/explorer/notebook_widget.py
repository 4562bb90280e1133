"""The explorer in a notebook: `fl.explore()` shows its window below the cell."""

from pathlib import Path

import anywidget

from fashion_lib.explorer.conversation import Conversation

HERE = Path(__file__).parent


class ExplorerWidget(anywidget.AnyWidget):
    """The window of the explorer as a widget; its messages are those of `Conversation`.

    Args:
        conversation: answers the window.
    """

    _esm = (HERE / "explorer.js").read_text(encoding="utf-8")
    _css = (HERE / "explorer.css").read_text(encoding="utf-8")

    def __init__(self, conversation: Conversation):
        super().__init__()
        self.conversation = conversation
        self.on_msg(self._asked)

    def _asked(self, _, request, buffers) -> None:
        """Send every reply as soon as it is there."""
        given = request if isinstance(request, dict) else {}
        for reply in self.conversation.replies(given, bytes(buffers[0]) if buffers else b""):
            self.send(reply)


def explore() -> ExplorerWidget:
    """Show the explorer: pictures, attribute and method to choose; board, heat maps and histogram as the answer.

    It reads the runs of this machine and the small ones that ship with the course, and trains nothing.

    Raises:
        FashionError: there is no run at all.
    """
    return ExplorerWidget(Conversation())
