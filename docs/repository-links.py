#!/usr/bin/env python3
"""A preprocessor of mdBook: relative links of a chapter that lead out of docs/, or to a folder, become addresses of the
repository. mdBook gives [context, book] on stdin, and reads the book from stdout."""

import json
import pathlib
import posixpath
import re
import sys

LINK = re.compile(r"(\]\()([^()\s]+)(\))")


def main():
    if sys.argv[1:2] == ["supports"]:
        return
    context, book = json.load(sys.stdin)
    address = context["config"]["output"]["html"]["git-repository-url"]
    docs = pathlib.Path(context["root"])

    def rewritten(link, folder):
        target = link[2]
        if re.match(r"[a-z][a-z0-9+.-]*:|#", target):
            return link[0]
        path, mark, anchor = target.partition("#")
        place = posixpath.normpath(posixpath.join("docs", folder, path))
        is_folder = (docs.parent / place).is_dir()
        if place.startswith("docs/") and not is_folder:
            return link[0]
        return f"{link[1]}{address}/{'tree' if is_folder else 'blob'}/main/{place}{mark}{anchor}{link[3]}"

    def walk(items):
        for item in items:
            chapter = item.get("Chapter") if isinstance(item, dict) else None
            if chapter:
                folder = posixpath.dirname(chapter["path"] or "")
                chapter["content"] = LINK.sub(lambda link: rewritten(link, folder), chapter["content"])
                walk(chapter["sub_items"])

    # Called so since mdBook 0.5; `sections` before.
    walk(book.get("items") or book.get("sections") or [])
    json.dump(book, sys.stdout)


main()
