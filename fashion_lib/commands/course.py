"""Commands for the course's notebooks and the README."""

import re
from pathlib import Path
from typing import Annotated

import typer

from fashion_lib.commands.arguments import Profile, check_clone, check_profile
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened

# 010 is 8 and 12:30 is 750 to YAML 1.1, to nobody who types them.
AMBIGUOUS = re.compile(r"[+-]?0[0-9_]+|[+-]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
DEEPEST = 50  # lists inside each other; Python's parser stops at about 100
LONGEST = 1024  # bits of a whole number; a float holds no larger one


def notebook(
    source: Path,
    output: Path,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME VALUE", help="may be repeated")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="execute it even if the output is complete")] = False,
) -> None:
    """Execute one notebook with parameters."""
    from fashion_lib.course.execute import run_notebook

    parameters = dict(_parameter(text) for text in parameter or [])
    ran = run_notebook(source, output, parameters, force=force)
    print(output if ran else f"{output} is already complete: --force executes it again.")


def execute_notebooks(
    notebooks: Annotated[list[Path] | None, typer.Argument(help="default: every numbered notebook, in order")] = None,
    profile: Annotated[str | None, typer.Option(help="default: the profile that each notebook names")] = None,
) -> None:
    """Execute the committed notebooks in place and stamp them."""
    if profile is not None:
        check_profile(profile)
    from fashion_lib.core import provenance
    from fashion_lib.course.execute import execute_committed
    from fashion_lib.course.sources import problems

    chosen = _chosen(notebooks)
    for number, path in enumerate(chosen, start=1):
        print(f"[{number}/{len(chosen)}] {path.name}", end=" ", flush=True)
        minutes = execute_committed(path.resolve(), profile, provenance.commit())
        print(f"{minutes:.1f} minutes, {path.stat().st_size / 1e6:.2f} MB", flush=True)
        for problem in problems(path):
            print(f"    {problem}", flush=True)


def language_check(
    files: Annotated[list[Path] | None, typer.Argument(help="notebooks or Markdown; default: all")] = None,
    lower: Annotated[bool, typer.Option("--lower", help="write the present numbers where they have fallen")] = False,
) -> None:
    """Find sentences that are hard for a second-language reader."""
    check_clone("language-check reads the course's notebooks")
    from fashion_lib.course import language

    if lower and files:
        raise FashionError("--lower counts all notebooks and pages: leave out the names of files.")
    every = [*paths.numbered_notebooks(), *language.pages()]
    found = [
        one
        for path in [paths.user_path(path, "a notebook") for path in files or ()] or every
        for one in language.findings(path)
    ]
    counts = language.per_notebook(found)
    if lower:
        language.lower_allowed(counts)
    allowed = language.read_allowed().reindex(counts.index, fill_value=0)
    for one in found:
        if files or counts[language.number(one.path)] > allowed[language.number(one.path)]:
            print(one)
    for number in counts.index:
        print(f"{number}: {counts[number]} findings, {allowed[number]} allowed")
    if above := [number for number in counts.index if counts[number] > allowed[number]]:
        raise FashionError(
            f"more findings than allowed in {', '.join(above)}: mend the sentences that are listed above."
        )


def working_copy(
    reset: Annotated[bool, typer.Option("--reset", help="bring fresh copies and keep changed ones beside")] = False,
    only: Annotated[str, typer.Option(help="of --reset: numbers of notebooks, such as 03,09a")] = "",
) -> None:
    """Copy the notebooks into lab/, where they may be changed."""
    check_clone("working-copy copies the course's notebooks")
    from fashion_lib.course import working_copy as copies

    if only and not reset:
        raise FashionError("--only chooses what --reset replaces: give both, or neither.")
    if reset:
        for kept in copies.reset([number.strip() for number in only.split(",") if number.strip()]):
            print(f"your work is kept in {kept}")
    for copy in copies.bring():
        advice = f"`make lab-reset ONLY={paths.notebook_number(copy)}` brings the new one and keeps yours"
        print(f"{copy} is a copy of an earlier notebook: {advice}.")


def figures(profile: Profile = "laptop") -> None:
    """Draw the README's pictures into figures/."""
    check_clone("figures draws the README's pictures")
    from fashion_lib.course.readme_figures import write
    from fashion_lib.data.sets import load_dataset
    from fashion_lib.training.profiles import get_profile

    settings = get_profile(profile)
    for path in write(load_dataset("wardrobe", settings), settings):
        print(path)


def readme() -> None:
    """Rewrite the README's results table from the committed ledger."""
    check_clone("readme rewrites README.md")
    from fashion_lib.course.readme import update

    update()


def teaching() -> None:
    """Rewrite the tables of minutes in docs/ from the notebooks."""
    check_clone("teaching rewrites docs/")
    from fashion_lib.course.teaching_pages import update

    update()


def _chosen(notebooks: list[Path] | None) -> list[Path]:
    """Return the named notebooks, or every numbered one; a missing one, or none at all, gives one sentence."""
    chosen = [paths.user_path(path, "a notebook") for path in notebooks or ()] or paths.numbered_notebooks()
    if not chosen:
        raise FashionError(f"there is no notebook in {paths.notebooks_dir()}: name one, or run this in a clone.")
    if missing := [path for path in chosen if not path.is_file()]:
        raise FashionError(f"there is no notebook {missing[0]}: name one of {paths.notebooks_dir()}.")
    return chosen


def slides(
    notebooks: Annotated[list[Path] | None, typer.Argument(help="default: every numbered notebook, in order")] = None,
    output: Annotated[Path | None, typer.Option(help="folder of the decks (build/slides)")] = None,
) -> None:
    """Make a deck of slides from each notebook, for a browser without a network."""
    from fashion_lib.course.deck_pages import write_decks

    print(write_decks(_chosen(notebooks), output)[0])


def exercises(
    notebooks: Annotated[list[Path] | None, typer.Argument(help="default: every numbered notebook, in order")] = None,
    edition: Annotated[str | None, typer.Option(help="student or solutions: copies, with nbgrader's metadata")] = None,
    output: Annotated[Path | None, typer.Option(help="folder of the copies (build/<edition>)")] = None,
) -> None:
    """Write the exercises into the notebooks, or copies of them for students and teachers."""
    from fashion_lib.course.exercises.notebook_files import write_copy, write_in_place

    if output is not None and edition is None:
        raise FashionError("--output needs --edition, student or solutions: give both, or neither.")
    for path in _chosen(notebooks):
        if edition is None:
            changed = write_in_place(path)
            print(f"{path.name} {'has its exercises' if changed else 'is as it was'}")
        else:
            print(write_copy(path, edition, output))


def badges(
    address: Annotated[str | None, typer.Argument(help="git address on GitHub; default: the course's own")] = None,
    branch: Annotated[str, typer.Option(help="of the repository")] = "main",
) -> None:
    """Print links that open each notebook on Colab or Binder, for a course page; `make site` writes them too."""
    from fashion_lib.course.badges import badge_list

    print(badge_list(address, branch))


def site_pages(
    output: Annotated[Path, typer.Argument(help="folder of the pages; it is emptied first")],
    profile: Profile = "laptop",
    only: Annotated[str, typer.Option(help="two digits of each notebook, such as 02,06; default: all")] = "",
) -> None:
    """Write the site's pages for Sphinx; `make site` renders them."""
    check_clone("site-pages writes the course's pages")
    check_profile(profile)
    from fashion_lib.course.website.site_pages import write_site
    from fashion_lib.training.profiles import get_profile

    numbers = [number.strip() for number in only.split(",") if number.strip()]
    print(write_site(paths.user_path(output, "the folder of the pages"), get_profile(profile), only=numbers))


def site_check(
    site: Annotated[Path, typer.Argument(help="the rendered site, such as build/site")],
    no_browser: Annotated[bool, typer.Option("--no-browser", help="read the pages only")] = False,
) -> None:
    """Look for broken links, pictures without a text, and pages that scroll sideways."""
    from fashion_lib.course.website.built_site import site_problems
    from fashion_lib.course.website.page_widths import WIDTHS, browser, width_problems

    folder = paths.user_path(site, "the site")
    problems = list(site_problems(folder))
    program = None if no_browser else browser()
    if program:
        problems += width_problems(folder, program)
    for problem in problems:
        print(problem)
    if problems:
        raise FashionError(f"{folder} has {len(problems)} faults: mend the pages' sources, then `make site`.")
    print(f"{folder}: every link leads somewhere, every picture has a text, nothing comes from other servers.")
    widths = " and ".join(map(str, WIDTHS))
    print(f"No page scrolls sideways at {widths} px." if program else
          "Widths were not measured: no Chromium was used (FASHION_BROWSER names one).")  # fmt: skip


def _parameter(text: str) -> tuple[str, object]:
    """Name and value of one -p. YAML decides the value's type, as it does in papermill's own parameter files."""
    import yaml

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise FashionError(f"the parameter {shortened(text)} has no value: write -p NAME VALUE.")
    if AMBIGUOUS.fullmatch(value.strip()):
        raise FashionError(
            f"the value of the parameter {shortened(name)} is {value.strip()!r}, which YAML reads as a number of base "
            "8 or 60: write a decimal number, or put a text in quotation marks, as in -p NAME '\"text\"'."
        )
    try:
        # An alias can stand for the list that it is in, or 300 letters for a billion values.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(value, yaml.SafeLoader)):
            raise yaml.YAMLError("it repeats a part by an alias")
        read = yaml.safe_load(value)
        check_json(read)
        return name, read
    except Exception as error:  # beside YAMLError whatever the constructor of a date or number raises
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        raise FashionError(
            f"the value of the parameter {shortened(name)} is not YAML ({reason}): put quotation marks around a text, "
            "as in -p NAME '\"text\"'."
        ) from None


def check_json(value: object) -> None:
    """Check that a value is one that a notebook receives as it is: papermill turns dates, bytes and sets into texts.

    Raises:
        ValueError: it holds something else than texts, truth values, numbers, lists, and dictionaries with texts as
            names; or a number of thousands of digits; or is nested too deeply for Python's own reader.
    """
    open_parts = [(value, 0)]
    while open_parts:
        part, depth = open_parts.pop()
        if depth > DEEPEST:
            raise ValueError("it is nested too deeply")
        if isinstance(part, list):
            open_parts += [(inside, depth + 1) for inside in part]
        elif isinstance(part, dict):
            open_parts += [(inside, depth + 1) for inside in part.values()]
            if strange := [key for key in part if not isinstance(key, str)]:
                raise ValueError(f"the name {shortened(strange[0])} in it is no text")
        elif not (part is None or isinstance(part, str | bool | int | float)):
            raise ValueError(f"{shortened(part)} is a {type(part).__name__}")
        elif isinstance(part, int) and part.bit_length() > LONGEST:
            raise ValueError("a number in it has too many digits")


def join_parameters(arguments: list[str]) -> list[str]:
    """-p NAME VALUE as -p NAME=VALUE: typer takes one word per option that may be repeated."""
    done, rest = [], list(arguments)
    while rest:
        done.append(rest.pop(0))
        if done[-1] in ("-p", "--parameter") and len(rest) > 1 and "=" not in rest[0]:
            name = rest.pop(0)
            done.append(f"{name}={rest.pop(0)}")
    return done
