#!/usr/bin/env python3
"""Apply the fixes of a refit report to the files that it names.

usage: apply-report.py json|sarif|rdjson REPORT

Shows how little a consumer has to do, and is what refit's own tests apply
reports with. Paths are taken relative to the working directory."""
import base64, collections, json, sys, urllib.parse


def offset(data, line, column, points):
    """The byte offset of a 1-based line and column, in bytes or code points."""
    text = data.split(b"\n")[line - 1]
    head = text.decode()[: column - 1].encode() if points else text[: column - 1]
    return sum(len(l) + 1 for l in data.split(b"\n")[: line - 1]) + len(head)


def edits_json(report, read):
    for file in report["files"]:
        for finding in file["findings"]:
            for e in finding.get("edits", []):
                new = e["text"].encode() if "text" in e else base64.b64decode(e["base64"])
                yield file["path"], e["start"]["offset"], e["end"]["offset"], new


def edits_sarif(report, read):
    changes = [c for r in report["runs"][0]["results"] for f in r.get("fixes", []) for c in f["artifactChanges"]]
    for change in changes:
        path = urllib.parse.unquote(change["artifactLocation"]["uri"].removeprefix("file://"))
        for rep in change["replacements"]:
            r, new = rep["deletedRegion"], rep.get("insertedContent", {})
            text = base64.b64decode(new["binary"]) if "binary" in new else new.get("text", "").encode()
            if "byteOffset" in r:
                yield path, r["byteOffset"], r["byteOffset"] + r["byteLength"], text
            else:
                data = read(path)
                yield path, offset(data, r["startLine"], r["startColumn"], True), offset(data, r["endLine"], r["endColumn"], True), text


def edits_rdjson(report, read):
    for d in report["diagnostics"]:
        for s in d.get("suggestions", []):
            path, start, end = d["location"]["path"], s["range"]["start"], s["range"]["end"]
            data = read(path)
            yield path, offset(data, start["line"], start["column"], False), offset(data, end["line"], end["column"], False), s["text"].encode()


def read(path):
    try:
        return open(path, "rb").read()
    except FileNotFoundError:
        return b""


def main(kind, name):
    files = collections.defaultdict(list)
    for path, start, end, text in globals()["edits_" + kind](json.load(open(name, encoding="utf-8")), read):
        files[path].append((start, end, text))
    for path, edits in files.items():
        data = read(path)
        for start, end, text in sorted(edits, reverse=True):
            data = data[:start] + text + data[end:]
        with open(path, "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
