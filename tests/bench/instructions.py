"""How many instructions the engine and the codec need for an event, beside the figures in instructions.txt.

Times on a shared machine say little; instructions are nearly the same from run to run. They are counted by valgrind, of
all that is done for an event, in libraries too, but for SHA-256: how many those are depends on the processor. As compilers and libraries differ, a figure holds for one machine type and
one major version of the compiler; where there is none for those, nothing is compared (exit code 77).

    instructions.py [--update] COMPILER saga_engine saga_hot
"""

import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

STORED = Path(__file__).with_name("instructions.txt")
TOLERANCE = 0.10
SKIPPED = 77

# what runs: two numbers of rounds, whose difference leaves out what is done once, and events of one of them
MEASURED = {
    "engine": (1, ["--part", "plain", "--sagas"], (50, 250), 5 * 4),
    "hot": (2, ["--rounds", "1", "--batches"], (1, 2), 4 * 1000),
}


def total(profile):
    """Own instructions of all functions in callgrind's format, without those of the library that hashes."""
    names, counts, library, is_call = {}, {}, None, False
    for line in profile.read_text().splitlines():
        found = re.match(r"(c?)ob=\((\d+)\)(?: (.*))?", line)  # named where it is first, be it as a callee's
        if found:
            names.setdefault(found.group(2), found.group(3))
            library = library if found.group(1) else found.group(2)
        elif line.startswith("calls="):
            is_call = True  # the next line has what the callee used
        elif line[:1] in set("0123456789+-*"):
            if not is_call:
                counts[library] = counts.get(library, 0) + int(line.split()[1])
            is_call = False
    return sum(counts[key] for key in counts if "libcrypto" not in (names.get(key) or ""))


def count(program, arguments):
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder, "profile")
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", program, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if run.returncode != 0 or not profile.exists():
            sys.exit(f"{program} {' '.join(arguments)} cannot be counted:\n{run.stdout}")
        return total(profile)


def measure(name, programs):
    which, arguments, (few, many), events = MEASURED[name]
    program = programs[which - 1]
    more = count(program, [*arguments, str(many)]) - count(program, [*arguments, str(few)])
    return round(more / ((many - few) * events))


def read_stored():
    lines = [line.split() for line in STORED.read_text().splitlines()
             if line and not line.startswith("#")]
    return {(surroundings, name): int(figure) for surroundings, name, figure in lines}


def store(stored, surroundings, measured):
    head = [line for line in STORED.read_text().splitlines() if line.startswith("#")]
    for name, figure in measured.items():
        stored[surroundings, name] = figure
    rows = [f"{where} {name} {figure}" for (where, name), figure in sorted(stored.items())]
    STORED.write_text("\n".join(head + rows) + "\n")
    print(f"stored in {STORED}; the commit says why they changed")


def compare(stored, surroundings, measured):
    worse = False
    for name, figure in measured.items():
        before = stored[surroundings, name]
        change = figure / before - 1
        print(f"{name}: {figure} instructions an event, {before} are stored: {change:+.1%}")
        if change > TOLERANCE:
            worse = True
            print(f"  More than {TOLERANCE:.0%} over what is stored. Find out what an event does now that it did "
                  "not do before\n  (valgrind --tool=callgrind on the same program), and make it cheaper. If it "
                  "is worth its price, store the\n  new figure with `./dev bench instructions --update` and say "
                  "in the commit why.")
        elif change < -TOLERANCE:
            print("  Much less than what is stored: keep it with `./dev bench instructions --update`.")
    return 1 if worse else 0


def main(arguments):
    update = arguments[:1] == ["--update"]
    compiler, *programs = arguments[1:] if update else arguments
    surroundings = f"{platform.machine()}-{compiler}"
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not there")
        return SKIPPED
    stored = read_stored()
    if not update and any((surroundings, name) not in stored for name in MEASURED):
        print(f"skipped: {STORED.name} has no figures for {surroundings}; "
              "./dev bench instructions --update stores them")
        return SKIPPED
    measured = {name: measure(name, programs) for name in MEASURED}
    if update:
        store(stored, surroundings, measured)
    return 0 if update else compare(stored, surroundings, measured)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
