"""A chat template is a program of strangers: it is tried once, apart and with limits, before it is used.

transformers renders templates in Jinja's sandbox (`ImmutableSandboxedEnvironment`: no attribute that leads to Python's
inside, no change of what is given, `range` up to 100,000). That keeps a template from reaching out, and does not keep
it from looping for ever or from building ten gigabytes: two nested ranges, or a text doubled forty times, are enough,
and neither a limit on `range` nor a look at the source finds them all. So each template is rendered once in a process
of its own, with little memory and few seconds, before this process renders it. Its hash is pinned in training.json.
What is left: a template that misbehaves at certain texts only. It can hang a training, and reach nothing.
"""

import json
import os
import subprocess
import sys
from functools import lru_cache

from curator.errors import PolicyError

LONGEST = 64 << 10  # characters of a template: the longest of a model in use that we know has 20,000
SECONDS = 2  # of processor time for three short chats; usual: 0.01
MEMORY = 512 << 20  # bytes, with Python and Jinja: 30 million
ROOM = 64 << 10  # characters that a template may put around what is said
PATIENCE = 60.0  # seconds by the clock, on a machine however busy

# The environment is built as transformers builds it. `-I` keeps the child from importing what lies in this folder.
TRIAL = """
import json, resource, sys
from datetime import datetime
from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

class Generation(Extension):
    tags = {"generation"}
    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_inside"), [], [], body).set_lineno(line)
    def _inside(self, caller):
        return caller()

def refuse(why):
    raise TemplateError(why)

told = json.load(sys.stdin)
seconds = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + told["seconds"]
for kind, most in ((resource.RLIMIT_AS, told["memory"]), (resource.RLIMIT_CPU, seconds)):
    try:
        resource.setrlimit(kind, (most, most))
    except (OSError, ValueError):
        pass  # this system has a lower one, or none of this kind
inside = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
inside.filters["tojson"] = lambda x, **options: json.dumps(x, **options)
inside.globals |= {"raise_exception": refuse, "strftime_now": lambda form: datetime.now().strftime(form)}
said = "fine"
try:
    template = inside.from_string(told["template"])
    for chat in told["chats"]:
        room = told["room"] + sum(len(turn["content"]) for turn in chat)
        given = {"messages": chat, "tools": None, "documents": None} | told["special"]
        try:
            for piece in template.generate(add_generation_prompt=chat[-1]["role"] == "user", **given):
                room -= len(piece)
                if room < 0:
                    said = "long"
                    break
        except SecurityError:
            raise
        except TemplateError:
            pass  # some templates know no system turn: found out when it is used
except MemoryError:
    said = "memory"
except SecurityError:
    said = "reach"
except RecursionError:
    said = "deep"
except Exception as fault:
    said = f"fault {type(fault).__name__}: {fault}"
print(said)
"""
SYSTEM, USER = {"role": "system", "content": "You judge."}, {"role": "user", "content": "What do you think? " * 50}
CHATS = [[SYSTEM, USER], [USER], [USER, {"role": "assistant", "content": "It is fair."}]]


def check_template(template: str, name: str, special: dict[str, str] | None = None) -> None:
    """Refuse a chat template that is too long, never ends, or builds more than it was given (PolicyError).

    `special` are the names that a tokenizer gives to a template, such as `bos_token`.
    """
    if len(template) > LONGEST:
        raise PolicyError(
            f"The chat template of {name} has {len(template):,} characters; at most {LONGEST:,} are read. Nothing was"
            " loaded."
        )
    what = _trial(template, json.dumps(special or {}, sort_keys=True))
    if what != "fine":
        raise PolicyError(
            f"The chat template of {name} {what}. It was tried in a process of its own and ended there; nothing was"
            " loaded. Use a model whose template puts a question and an answer into turns, and no more."
        )


@lru_cache(maxsize=64)
def _trial(template: str, special: str) -> str:
    """Say what is wrong with a template, or 'fine'."""
    limits = {"memory": MEMORY, "seconds": SECONDS, "room": ROOM}
    told = {"template": template, "special": json.loads(special), "chats": CHATS} | limits
    call = [sys.executable, "-I", "-c", TRIAL]
    passed = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603  no shell; the template is data on its stdin
            call, input=json.dumps(told), capture_output=True, text=True, check=False, timeout=PATIENCE, env=passed
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {PATIENCE:.0f} seconds"
    said = done.stdout.strip()
    if done.returncode < 0 or not said:
        took_too_long = -done.returncode in (9, 24)  # SIGKILL, SIGXCPU: the limit on processor time
        return f"ran for more than {SECONDS} seconds" if took_too_long else f"ended its process ({done.returncode})"
    return {
        "fine": "fine",
        "long": f"writes more than {ROOM:,} characters around a short chat",
        "memory": f"took more than {MEMORY >> 20} MB",
        "deep": "calls itself without end",
        "reach": "asks for what Jinja's sandbox forbids",
    }.get(said, f"cannot be rendered: {said.removeprefix('fault ')[:200]}")
