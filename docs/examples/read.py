#!/usr/bin/env python3
"""Reads an origin as docs/FORMAT.md says: python3 read.py FOLDER-OR-URL [ASSET]

Prints each derivative (of the asset, or of all) as: public path, tab, origin key. Python's standard library alone.
"""
import hashlib
import json
import sys
import urllib.request
from pathlib import Path

LIMIT = 16 * 1024 * 1024


def get(origin, key):
    if not origin.startswith(("http://", "https://")):
        return (Path(origin) / key).read_bytes()
    with urllib.request.urlopen(f"{origin.rstrip('/')}/{key}", timeout=10) as answer:
        data = answer.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise ValueError(f"{key} is larger than {LIMIT} bytes")
    return data


class Snapshot:
    def __init__(self, origin):
        self.origin = origin
        head = json.loads(get(origin, "head.json"))
        if head["nightpress"] != 1:
            raise ValueError(f"head.json has format {head['nightpress']}, expected 1")
        self.moved = head.get("moved", {})
        self.root = head["channels"]["live"]["snapshot"]

    def node(self, digest):
        key = f"m/{digest}.json"
        data = get(self.origin, self.moved.get(key, key))
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"manifest node {digest} has other bytes than its name says")
        return json.loads(data)

    def find(self, key):
        node = self.node(self.root)
        for digit in hashlib.sha256(key.encode("utf-8")).hexdigest():
            if "entries" in node:
                break
            child = node["children"][int(digit, 16)]
            if child is None:
                return None
            node = self.node(child)
        return next((entry for entry in node["entries"] if entry["key"] == key), None)

    def entries(self, digest=None):
        node = self.node(digest or self.root)
        yield from node.get("entries", [])
        for child in node.get("children", []):
            if child is not None:
                yield from self.entries(child)

    def blob_key(self, derivative):
        digest, ext = derivative["sha256"], derivative["ext"]
        key = f"b/{digest[:2]}/{digest}" + (f".{ext}" if ext else "")
        return self.moved.get(key, key)


def main(origin, key=None):
    snapshot = Snapshot(origin)
    found = snapshot.entries() if key is None else [snapshot.find(key)]
    for entry in found:
        if entry is None:
            sys.exit(f"snapshot {snapshot.root} has no asset {key}")
        for item in entry["items"].values():
            for derivative in item["derivatives"]:
                sys.stdout.write(f"{derivative['path']}\t{snapshot.blob_key(derivative)}\n")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main(*sys.argv[1:])
