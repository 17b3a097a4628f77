"""`python -m rasr` is `rasr`."""

from rasr.cli import main

if __name__ == "__main__":
    main(prog_name="rasr")
