"""``python -m sparring``, and what torchrun starts."""

from sparring.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
