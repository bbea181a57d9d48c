"""Becomes another program that the kernel kills as soon as the process which started it is gone.

A script of its own, run as `python tied.py PID PROGRAM ARGUMENT...`, because Popen's `preexec_fn` warns (from
Python 3.12 on) and may deadlock in a process with threads. Not on Linux it only becomes the program.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Ask for the signal, see that the parent had not died before that, become the program."""
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == int(parent):
        os.execv(program, [program, *arguments])


if __name__ == "__main__":
    main()
