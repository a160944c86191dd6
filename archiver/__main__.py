"""`python -m archiver` is the same as `archiver`."""

from archiver.cli import script

if __name__ == "__main__":
    script()
