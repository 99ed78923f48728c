#!/usr/bin/env python3
"""Whether each relative link of the repository's Markdown leads somewhere, its anchor included; and whether each page of docs/
stands in docs/SUMMARY.md. Prints what does not, and exits with 1. Nothing is reached over the network."""

import functools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\))?)(?:\s+\"[^\"]*\")?\)")
# Read elsewhere than where they stand: by GitHub, or in what is made of a template.
ELSEWHERE = (".github/", "host/build/templates/", "target/")


def prose(text):
    """The text without blocks and spans of code, line by line as it was."""
    lines, fence = [], None
    for line in text.split("\n"):
        mark = re.match(r"\s*(?:>\s*)?(`{3,}|~{3,})", line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip("`~"):
                fence = None
            lines.append("")
        elif mark:
            fence = mark[1]
            lines.append("")
        else:
            lines.append(line)
    # A span may go on over a line's end.
    blank = lambda span: re.sub(r"[^\n]", " ", span[0])
    return re.sub(r"(?<!`)(`+)(?!`)((?:[^`]|(?!\1(?!`))`)*?)(?<!`)\1(?!`)", blank, "\n".join(lines))


@functools.cache
def anchors(file):
    """The anchors that GitHub gives the headings of a file."""
    found, seen, fence = set(), {}, None
    for line in file.read_text().split("\n"):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if fence:
            fence = None if mark and mark[1].startswith(fence) and not line.strip().strip("`~") else fence
            continue
        if mark:
            fence = mark[1]
            continue
        for name in re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line):
            found.add(name)
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            count = seen.get(slug, 0)
            seen[slug] = count + 1
            found.add(f"{slug}-{count}" if count else slug)
    return found


def wrong(file):
    """What is wrong with the links of a file: line and sentence."""
    for number, line in enumerate(prose(file.read_text()).split("\n"), 1):
        for target in LINK.findall(line):
            if re.match(r"[a-z][a-z0-9+.-]*:", target) or target.startswith("<"):
                continue
            path, _, anchor = target.partition("#")
            place = (file.parent / path).resolve() if path else file
            if not place.exists():
                yield number, f"{target}: there is no such file"
            elif not place.is_relative_to(ROOT):
                yield number, f"{target}: leads out of the repository"
            elif anchor and place.suffix == ".md" and anchor not in anchors(place):
                yield number, f"{target}: that page has no such heading"


def main():
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        check=True, capture_output=True, text=True,
    ).stdout.split("\n")
    files = [ROOT / name for name in listed if name and not name.startswith(ELSEWHERE) and (ROOT / name).is_file()]
    complaints = [f"{file.relative_to(ROOT)}:{number}: {what}" for file in files for number, what in wrong(file)]
    summary = ROOT / "docs/SUMMARY.md"
    chapters = {(summary.parent / path).resolve() for path in LINK.findall(summary.read_text())}
    for file in files:
        if file.is_relative_to(ROOT / "docs") and file != summary and file not in chapters:
            complaints.append(f"docs/SUMMARY.md: {file.relative_to(ROOT / 'docs')} is not in it")
    print("\n".join(complaints) or f"{len(files)} files: all links lead somewhere", file=sys.stderr if complaints else sys.stdout)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
