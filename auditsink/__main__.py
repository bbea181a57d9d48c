"""Entry: `python -m auditsink` reads the settings and serves until it is told to stop."""

import os
import sys

import uvloop

from auditsink.app import CannotStart, serve
from auditsink.settings import WrongSetting, settings_from


def main() -> int:
    """Serve; return the exit code (2 = wrong settings, 1 = something that is needed cannot be used)."""
    try:
        settings = settings_from(os.environ)
    except WrongSetting as wrong:
        print(wrong, file=sys.stderr)
        return 2
    try:
        uvloop.run(serve(settings))
    except CannotStart as err:
        print(err, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
