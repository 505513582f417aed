#!/usr/bin/env python3
"""Do the built files belong to the sources?

`ui/dist` is committed, so that building the program needs no Node. Its file `stamp` holds a hash over what it was made
from and one over what was made. `stamp.py --write` says so, behind a build (`./dev ui`); `stamp.py` checks it."""
import hashlib
import pathlib
import sys

UI = pathlib.Path(__file__).resolve().parent
STAMP = UI / "dist" / "stamp"
MADE_FROM = ["index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "public", "src"]


def files(*places):
    for place in places:
        path = UI / place
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def digest(paths):
    total = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        total.update(f"{path.relative_to(UI).as_posix()} {len(content)}\n".encode() + content)
    return total.hexdigest()


def stamp():
    made = (path for path in files("dist") if path != STAMP)
    return f"sources {digest(files(*MADE_FROM))}\nbuilt {digest(made)}\n"


def main():
    if sys.argv[1:] == ["--write"]:
        STAMP.write_text(stamp())
        return
    found = STAMP.read_text() if STAMP.exists() else ""
    if found == stamp():
        return
    parts = [line.split()[0] for line in stamp().splitlines() if line not in found.splitlines()]
    sys.exit(f"ui/dist does not belong to ui/src ({', '.join(parts)} changed): run ./dev ui and commit what it made")


if __name__ == "__main__":
    main()
