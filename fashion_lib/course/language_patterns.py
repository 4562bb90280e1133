"""Patterns of sentences that are hard for a second-language reader, each with advice.

Only what a pattern can find reliably stands here, so a clean result is no proof of good English.
"""

import re
from dataclasses import dataclass

COUNTED = (
    "times|once|twice|images|pictures|photographs|rows|numbers|steps|passes|queries|bytes|weights|values|minutes|"
    "seconds|operations|products|points|epochs|maps|crops|runs|bits|GB|MB|MiB|GiB|kB|ms|s|candidates"
)
UNITS = (
    "second|minute|hour|day|month|picture|image|photograph|batch|epoch|step|pass|query|attribute|position|pixel|run|"
    "channel|seed|row|triplet|method|notebook|candidate|GPU|core|process|split"
)
THINGS = (
    "network|model|map|tensor|branch|layer|backbone|loss|gate|attention|module|queue|vector|embedding|feature|metric|"
    "optimiser|curve|method|head|mask|formula|classifier|probe|encoder|convolution|matrix|softmax|gradient|ranking|MAP|"
    "ASEN|CSN|RPF|IPAD|HAEN|ISLN|AttnFashion|ASA|ACA|AMNet|CBAM|AFD|MLP"
)
HUMAN = (
    "wants?|asks?|knows?|lives?|likes?|hates?|thinks?|believes?|forgets?|remembers?|hopes?|tries|try|wonders?|speaks?|"
    "pretends?|cheats?|suffers?|dares?|hands? on|tells?|claims?|complains?|cares?|guesses|understands?|minds?"
)
ODD = (
    "usual|common|likely|reasonable|important|interesting|able|equal|related|true|necessary|expected|clear|affected"
)


@dataclass(frozen=True)
class Pattern:
    """Hold one thing that a sentence should not have.

    Attributes:
        name: one word or two.
        found: what is searched for in a sentence.
        advice: what to write instead.
    """

    name: str
    found: re.Pattern
    advice: str


def _pattern(name: str, found: str, advice: str, *, flags: int = re.IGNORECASE) -> Pattern:
    return Pattern(name, re.compile(found, flags), advice)


PATTERNS = (
    _pattern("per", rf"\b({COUNTED}) (an?|each) ({UNITS})\b(?! (of|is|has|time))",
             'write "per": pictures per second, once per step'),
    _pattern("figure", r"\b(printed|exact|round|reported|published|same|these|those) figures?\b(?! ?\d)|\bin figures\b",
             'write "number" for a number; a figure is a drawing'),
    _pattern("metaphor", rf"\b({THINGS})s? ({HUMAN})\b",
             "name what is computed: a network computes, reads, receives, returns"),
    _pattern("metaphor", rf"\b({THINGS})s? (is|are|was|were|gets?) (asked|told|taught|shown|given a chance)\b",
             "name what is computed: a network receives an attribute as input"),
    _pattern("idiom", r"\bby lot\b", 'write "at random"'),
    _pattern("idiom", r"\bnothing but\b", 'write "only"'),
    _pattern("idiom", r"\b(under the hood|out of the box|boils? down to|in a nutshell|rule of thumb|at a glance|"
             r"slip of the pen|for free|so to speak|as it were|the whole way|for good measure|by no means|"
             r"goes without saying|a far cry|pays? off|to the letter|hand in hand|on the fly|worth a second look)\b",
             "say it in plain words"),
    _pattern("rare word", r"\b(albeit|lest|notwithstanding|whence|thence|wherein|whereof|hitherto|insofar|thereof)\b",
             "use a common word: although, so that, from which, in which, so far"),
    _pattern("double negative", rf"\bnot (un({ODD})|impossible|without|insignificant|infrequent|seldom)\b",
             "say what holds: possible, often, with"),
    _pattern("double negative", r"\b(no|nobody|never|cannot|neither|none) (\w+ ){0,5}"
             r"(without|unless|nothing|nobody)\b", "say what holds, in the positive"),
    _pattern("not only", r"\bnot only\b", 'write two statements: "A does x. It also does y."'),
    _pattern("passive start", r"^it (is|was|has been|can be|could be|should be|must be|may be) (to be )?"
             r"(\w+ed|seen|shown|known|given|taken|found|said|thought|understood|made)\b (that|how|whether)\b",
             "begin with who or what does it"),
    _pattern("inversion", r"(^|[,;:.] )(were|had|should) (the|an?|it|they|this|that|these|those|one|there|both|all) "
             r"[^?]*$", 'write "if": if the map were flat'),
    _pattern("who", r"^(who|whoever) [^?]*[.!:]$", 'write "if you ...", or name the person'),
)  # fmt: skip
