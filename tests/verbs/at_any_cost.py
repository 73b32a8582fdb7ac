"""The command line in which checkpoints and previews come as often as they are asked for, whatever they cost:
started by test_interruptions.py, on machines that may be busy."""

import sys

from sparring.core.threads import let_threads_sleep

if __name__ == "__main__":
    let_threads_sleep()

    from sparring.cli import main
    from sparring.core import pacing

    pacing.WORTH = 0
    sys.exit(main())
