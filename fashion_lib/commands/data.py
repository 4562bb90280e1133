"""Commands for data sets and the installation."""

from typing import Annotated

import typer

from fashion_lib.commands.arguments import Profile
from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion


def download(dataset: Annotated[str, typer.Argument(help="clothing")]) -> None:
    """Fetch a data set of real photographs."""
    from fashion_lib.data.sets import REAL, real_module

    if dataset != "clothing":
        if dataset in REAL:
            advice = f"its terms do not allow it; {real_module(dataset).HOW_TO_GET}."
            raise FashionError(f"the course does not download {dataset}: {advice}")
        advice = suggestion(dataset, ("clothing",))
        raise FashionError(f"there is no data set {shortened(dataset)} to download: {advice}")
    from fashion_lib.data.fetch import download_clothing

    download_clothing()


def protocol(dataset: str, profile: Profile = "laptop") -> None:
    """Print the protocol card of a data set."""
    from fashion_lib.data.sets import load_dataset
    from fashion_lib.tasks.retrieval.protocol import protocol_card
    from fashion_lib.training.profiles import get_profile

    settings = get_profile(profile)
    print(protocol_card(load_dataset(dataset, settings), settings), end="")


def doctor() -> None:
    """Check this installation and say what to do."""
    from fashion_lib.course.doctor import examine

    findings = examine()
    for finding in findings:
        print(finding)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)
