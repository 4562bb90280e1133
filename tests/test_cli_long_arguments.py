"""An argument of thousands of characters is refused in one short sentence, whichever command it goes to."""

import pytest
from tiny_notebooks import write_tiny

from fashion_lib.cli import LONGEST, brief, main

LONG = {
    "one word": "x" * 5_000,
    "many words": "x y " * 1_200,
    "a list": "a," * 2_500,
    "a label": "asen.v2+steps=" + "9" * 4_000,
    "a path": "../" * 1_600,
    "quotes": "'\"" * 2_000,
}
COMMANDS = [
    *("@", "results @", "results --@ x", "results --profile @", "results --dataset @", "trace @", "trace asen @"),
    *("trace asen --metric @", "trace asen --variant @", "trace asen --profile @", "train @", "train asen --variant @"),
    *("train asen --dataset @", "train asen --profile @", "train asen --seed @", "plan --methods @", "plan --seeds @"),
    *("plan --dataset @", "plan --output @", "reproduce --methods @", "reproduce --notebooks @", "reproduce --jobs @"),
    *("notebook @ o.ipynb", "notebook a.ipynb @", "notebook a.ipynb o.ipynb -p @", "notebook a.ipynb o.ipynb -p @ 1"),
    *("notebook a.ipynb o.ipynb -p a @", "execute-notebooks @", "keep --dataset @", "triplets --profile @"),
    *("index @ g", "index r @", "index r g --index @", "search @ q", "search r @", "search r q --attribute @"),
    *("search r q --change @", "search r q --has @", "search r q --gallery @", "search r q --index @"),
    *("figures --profile @", "download @", "protocol @", "protocol wardrobe --profile @", "doctor @"),
    "working-copy --reset --only @",
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_long_argument_is_repeated_in_part_at_most(command, project, monkeypatch, capsys):
    write_tiny(project / "a.ipynb", "1")
    monkeypatch.chdir(project)
    for kind, text in LONG.items():
        assert main([word.replace("@", text) for word in command.split()]) == 2, kind
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1, kind
        assert said.err.startswith("error: ") and len(said.err) < 700, (kind, said.err)


def test_a_sentence_keeps_what_is_short():
    assert brief("no run 'abc' in /a/b", ["abc", "/a/b"]) == "no run 'abc' in /a/b"
    path = "/" + "a" * LONGEST
    assert brief(f"no {path}", ["abc"]) == f"no {path}"  # no argument: it is said whole
    assert brief(f"no {path} here", [f"--output={path}"]) == f"no {path[: LONGEST - 3]}... here"
