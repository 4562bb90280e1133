"""Commands of the explorer: its page, and the small runs that ship with the course."""

from pathlib import Path
from typing import Annotated

import typer


def explorer(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="the first port to try; 0: any free one")
    ] = 8765,
    browser: Annotated[bool, typer.Option(help="open the page in a browser")] = True,
) -> None:
    """Open the explorer, a page on 127.0.0.1 that shows what trained runs answer."""
    import webbrowser

    from fashion_lib.explorer.conversation import Conversation
    from fashion_lib.explorer.page_server import serve

    def ready(address: str) -> None:
        print(f"The explorer is at {address} (on this machine only); Ctrl-C ends it.", flush=True)
        if browser:
            webbrowser.open(address)

    try:
        serve(Conversation(), port, ready)
    except KeyboardInterrupt:
        print("The explorer has ended.")


def ship_run(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="a run's folder, such as runs/.../asen.v2/seed0")
    ],
) -> None:
    """Put a run in eight bits beside the course, for the explorer, if its score stays the same."""
    from fashion_lib.explorer.shipping import ship_run as ship

    print(ship(run))
