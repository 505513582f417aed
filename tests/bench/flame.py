#!/usr/bin/env python3
"""A flame graph of what `perf script` prints, as SVG: how wide a function is says how often it, or what it called, was found
at work. Threads of one name stand together at the bottom.

    perf record -F 999 -g -p PID -- sleep 5 && perf script | tests/bench/flame.py --title '...' > flame.svg
"""
import argparse
import html
import re
import sys

WIDTH, ROW, FONT, LEAST = 1200, 17, 11, 0.003  # pixels; share below which a function is left out


class Node:
    def __init__(self, name):
        self.name, self.count, self.children = name, 0, {}

    def child(self, name):
        return self.children.setdefault(name, Node(name))


def stacks(lines):
    """Yields (thread's name, functions from the outermost to the innermost)."""
    thread, frames = None, []
    for line in lines:
        head = re.match(r"^(\S.*?)\s+\d+(/\d+)?\s+.*:\s*$", line)
        frame = re.match(r"^\s+[0-9a-f]+\s+(.*?)(\+0x[0-9a-f]+)?\s+\((.*)\)\s*$", line)
        if head:
            thread, frames = head.group(1), []
        elif frame:
            library = re.sub(r"(\.so)?[.0-9]*$", "", frame.group(3).rsplit("/", 1)[-1])
            frames.append(frame.group(1) if frame.group(1) != "[unknown]" else "[%s]" % library.strip("[]"))
        elif not line.strip() and thread:
            yield thread, frames[::-1]
            thread, frames = None, []
    if thread:
        yield thread, frames[::-1]


def read(lines):
    root = Node("all")
    for thread, frames in stacks(lines):
        root.count += 1
        node = root.child(re.sub(r"[-0-9]+$", "", thread))
        node.count += 1
        for name in frames:
            if name == node.name:  # a library without names, calling itself
                continue
            node = node.child(name)
            node.count += 1
    return root


def depth(node, least):
    return 1 + max([depth(c, least) for c in node.children.values() if c.count >= least], default=0)


def draw(node, left, level, root, height, out):
    width = WIDTH * node.count / root.count
    top = height - (level + 1) * ROW
    share = 100 * node.count / root.count
    label = html.escape(node.name)
    shown = html.escape(node.name[: int(width / (FONT * 0.62))]) if width > 25 else ""
    hue = 10 + sum(map(ord, node.name)) % 45
    out.append(
        f'<g><title>{label}: {share:.1f} %</title><rect x="{left:.1f}" y="{top}" width="{max(width - 0.5, 0.5):.1f}" '
        f'height="{ROW - 1}" fill="hsl({hue},80%,{65 + level % 2 * 6}%)"/>'
        f'<text x="{left + 2:.1f}" y="{top + 12}">{shown}</text></g>'
    )
    for child in sorted(node.children.values(), key=lambda c: c.name):
        if child.count >= LEAST * root.count:
            draw(child, left, level + 1, root, height, out)
            left += WIDTH * child.count / root.count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--title", default="")
    title = parser.parse_args().title
    root = read(sys.stdin)
    if root.count == 0:
        sys.exit("flame: no samples in what was read; it is to be what `perf script` prints")
    height = (depth(root, LEAST * root.count) + 2) * ROW
    out = []
    draw(root, 0, 0, root, height, out)
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="{FONT}">'
        f'<text x="4" y="14">{html.escape(title)} ({root.count} samples)</text>'
    )
    print("\n".join(out))
    print("</svg>")


main()
