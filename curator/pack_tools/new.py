"""A pack of one's own: a folder to edit that is fit to ask people with from the first moment."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from curator.errors import PackError, StorageError, UsageError
from curator.pack import SHIPPED, find_pack
from curator.pack_tools.words import NO_WHEN, NO_WHO, stored

ROLES = ("insider=somebody to whom it happens", "outsider=somebody who looks at it from outside")
VERDICTS = ("fine=may stay as it is", "unsure=could be either", "not_fine=has to change")
WORD = re.compile(r"[^\W\d_]\w{0,40}")
KEYS = 9  # verdicts that get a digit as their key

TOML = """\
# A pack is one labeling task. This file names who judges, what they may say, and how a language model is asked.
# After every change: curator pack check {name}

name = "{name}"  # the same as the folder
title = {title}  # what the project is called, 3 to 50 characters
version = 1

[stakeholders]  # the roles from which a scenario is judged: the model is told the words on the right
{roles}

[verdicts]  # from mild to grave. A verdict that is added here needs a Choice in config.xml, too
{verdicts}

# A scale of how much it weighs. To use it: take these three lines and the one in [fields] in, and put a
# <Rating name="severity" toName="situation" maxRating="5" required="true"/> into config.xml.
# [severity]
# least = 1
# most = 5

[task]  # columns of a scenario -> what config.xml calls them ($situation, $context)
situation = "situation"
context = "context"

# A text that holds several things, each below a line of its own, can be shown in cards: say which line begins which
# part ("" is what stands above the first), and let config.xml show $request and $draft instead of $situation.
# [cards.situation]
# "" = "request"
# "Draft:" = "draft"

[fields]  # columns of an answer -> names of controls in config.xml
verdict = "verdict"
analysis = "analysis"
# severity = "severity"

[prompt]  # how an example is put to a model; {{...}} stands for a column
system = "You judge situations from one person's point of view. Honest people in different roles may disagree."
# The scenario comes first and the stakeholder last, so that the answers to one scenario share a prefix.
user = \"\"\"Situation: {{situation}}

Context: {{context}}

Judge this as {{stakeholder}}. Verdict ({named}), then the analysis.\"\"\"
answer = \"\"\"Verdict: {{verdict}}
Analysis: {{analysis}}\"\"\"
"""

PAGE = """\
<View className="cur">
{style}

  <!-- What people read. $situation and $context stand for what a scenario holds. -->
  <View className="cur-read">
    <View className="cur-card cur-sit">
      <Header value="Situation" size="5"/>
      <Text name="situation" value="$situation" granularity="word"/>
    </View>
    <View className="cur-card cur-ctx">
      <Header value="Context" size="5"/>
      <Text name="context" value="$context" granularity="word"/>
    </View>
    <Collapse accordion="false" open="false">
      <Panel value="Guidelines">
        <View>
          <!-- The words of guidelines.md: change both. -->
          <Markdown>
{guidelines}
          </Markdown>
        </View>
      </Panel>
    </Collapse>
  </View>

  <!-- What people answer. alias is what is stored: the verdicts of pack.toml. -->
  <View className="cur-ask">
    <View className="cur-q cur-verdict">
      <Header value="1. How do you judge it?" size="5"/>
      <Choices name="verdict" toName="situation" choice="single-radio" required="true" \
requiredMessage="Please choose a verdict">
{choices}
      </Choices>
    </View>
    <View className="cur-q">
      <Header value="2. Why?" size="5"/>
      <TextArea name="analysis" toName="situation" rows="7" maxSubmissions="1" editable="true" \
showSubmitButton="false" required="true" requiredMessage="Please write why" \
placeholder="What decides it for you. Two to six sentences."/>
    </View>
  </View>
</View>
"""

GUIDELINES = """\
**Answer from your own role.** Do not guess what the others would say: disagreement between roles is what we collect.

{verdicts}

Read the context before you judge. **Say what decides it for you**, so that somebody who disagrees could follow it. \
Leave out names and anything that would identify a real person.
"""


def new_pack(
    packs: Path, name: str, roles: Sequence[str] = ROLES, verdicts: Sequence[str] = VERDICTS
) -> tuple[Path, list[str]]:
    """Make the pack `name` in the folder `packs`; return its folder and the files in it.

    Roles and verdicts are words, or `word=what it means`; none stands for the default ones. UsageError where a word
    cannot be used, PackError where the name is taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
        raise UsageError(f"{name!r} cannot name a pack. Use small letters, digits and _, such as 'house_rules'.")
    if any((place / name).exists() for place in (packs, *SHIPPED)):
        raise PackError(f"There is a pack {name!r} already. Nothing was made; choose another name.")
    who = _meanings("role", roles or ROLES, f"{{}} ({NO_WHO})")
    what = _meanings("verdict", verdicts or VERDICTS, NO_WHEN)
    if len(what) < 2:
        raise UsageError("One verdict is no choice. Name two at least, each with --verdict. Nothing was made.")
    shipped = find_pack("workplace", [])
    style = re.search(r"  <Style>.*?</Style>", (shipped / "config.xml").read_text("utf-8"), re.DOTALL)
    assert style is not None  # noqa: S101  the shipped page has one
    guidelines = GUIDELINES.format(verdicts="\n".join(f"* *{_label(word)}*: {text}." for word, text in what.items()))
    *first, last = what
    told = {
        "pack.toml": TOML.format(
            name=name,
            title=_quoted(_label(name).ljust(3, ".")),
            roles=_table(who),
            verdicts=_table(what),
            named=f"{', '.join(first)} or {last}",
        ),
        "config.xml": PAGE.format(
            style=style[0],
            guidelines=escape(guidelines.strip()),
            choices="\n".join(_choice(*one, number) for number, one in enumerate(what.items(), 1)),
        ),
        "guidelines.md": guidelines,
        "consent.md": (shipped / "consent.md").read_text("utf-8").replace("workplace situations", "situations"),
    }
    try:
        (packs / name).mkdir(parents=True)
        for file, text in told.items():
            (packs / name / file).write_text(text, "utf-8")
    except OSError as fault:
        raise StorageError(f"The pack {name!r} cannot be written: {fault.strerror}. Delete what is there.") from None
    return packs / name, list(told)


def _meanings(kind: str, given: Sequence[str], unsaid: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    was: dict[str, str] = {}  # as it was given
    for one in given:
        said, _, meaning = (part.strip() for part in one.partition("="))
        [word] = stored([said])
        if not WORD.fullmatch(word) or not meaning.isprintable():
            raise UsageError(
                f"{one!r} cannot be a {kind}. Write a word of letters, digits and _, or: word=what it means,"
                " in one line. Nothing was made."
            )
        if word in found:
            raise UsageError(f"The {kind} {word!r} stands twice, as {was[word]!r} and {said!r}. Nothing was made.")
        if (same := next((other for other in found if _label(other) == _label(word)), None)) is not None:
            raise UsageError(
                f"The {kind}s {same!r} and {word!r} would both read {_label(word)!r}. Rename one. Nothing was made."
            )
        was[word] = said
        found[word] = meaning.rstrip(".") or unsaid.format(_label(word).lower())
    return found


def _label(word: str) -> str:
    return word.replace("_", " ").strip().capitalize()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _table(words: Mapping[str, str]) -> str:
    return "\n".join(f"{word if word.isascii() else _quoted(word)} = {_quoted(text)}" for word, text in words.items())


def _choice(word: str, meaning: str, number: int) -> str:
    key, shown = (f' hotkey="{number}"', f"<sup>[{number}]</sup>") if number <= KEYS else ("", "")
    html = f"{escape(_label(word))}{shown} <small>{escape(meaning)}</small>"
    return f'        <Choice alias="{word}" value="{_label(word)}"{key} html={quoteattr(html)}/>'
