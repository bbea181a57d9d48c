"""The child: reads the expressions of policies from standard input and says on standard output what it does with them.

A line is a policy. Before each text that is tried a line says which one, so that whoever reads knows where the child
died; after each policy a line says what is wrong with it. Limits are set first.

Run as `python -m webhook.trial.child`; `children` does.
"""

import contextlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from webhook.policy.trial import Source, complaint

# An interpreter with the library maps 300 MiB and uses 60; samples and one evaluation within its limits 150 more.
MEMORY_LIMIT_BYTES = 1024 * 1024 * 1024

# All sources of the largest policies, 5,000 rules, take about 20 s; a child that is forgotten ends by this.
PROCESSOR_LIMIT_S = 120


def main() -> None:
    """Try every policy that comes, until there are no more."""
    _limit()
    _say(sys.stdout, {"ready": True})
    for line in sys.stdin:
        _try(json.loads(line), sys.stdout)


def _limit() -> None:
    # Where the memory of the container is short, the kernel ends the child and not the server.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_LIMIT_S, PROCESSOR_LIMIT_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    # Beside the three that it has: no file, no connection, no token of ours for what might take the library over.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def _try(asked: dict[str, Any], out: TextIO) -> None:
    found: list[list[str]] = []
    seen: set[Any] = set()
    for source in (Source(*one) for one in asked["sources"]):
        _say(out, {"tries": [source.path, source.rule]})
        wrong = complaint(source.text, asked["params"], seen, time.process_time)
        if wrong:
            found.append([source.path, source.rule, wrong])
    _say(out, {"found": found})


def _say(out: TextIO, word: dict[str, Any]) -> None:
    out.write(json.dumps(word) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
