"""Writes files.json: a second implementation of section 9 of docs/protocol.md, from its text alone.

It shares no code with src/, and needs nothing but Python 3.
Run: python3 test/vectors/files.py
"""

import hashlib
import json
import pathlib
import sys

MIB = 1 << 20
UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# 9.1: the content of `size` bytes in which byte i is i modulo 251.

PATTERN = bytes(i % 251 for i in range(251)) * (MIB // 251 + 2)
leaf_cache = {}


def leaf(start, length):
    key = (start % 251, length)
    if key not in leaf_cache:
        leaf_cache[key] = sha256(b"\x00", PATTERN[key[0] : key[0] + length])
    return leaf_cache[key]


def leaves_of(size):
    return [leaf(start, min(MIB, size - start)) for start in range(0, size, MIB)]


def root_of(hashes):
    if not hashes:
        return sha256()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01", root_of(hashes[:k]), root_of(hashes[k:]))


def tree(size):
    leaves = leaves_of(size)
    groups = [root_of(leaves[i : i + 1024]) for i in range(0, len(leaves), 1024)]
    root = root_of(leaves)
    assert root == root_of(groups)
    return {
        "size": size,
        "id": file_id(root),
        "groups": [group.hex() for group in groups],
        "lastLeaf": leaves[-1].hex() if leaves else "",
    }


def file_id(root):
    return "sha256-tree:" + root.hex()


# 9.2


def escape(text):
    return "".join(chr(b) if b in UNRESERVED else "%%%02X" % b for b in text.encode())


def request(asked):
    kind = asked["kind"]
    if kind == "list":
        target = "/files?path=" + escape(asked["path"])
        target += "&after=" + escape(asked["after"]) if asked["after"] else ""
        target += "&deep=1" if asked["deep"] else ""
        target += "&offer=" + asked["offer"] if asked["offer"] else ""
    elif kind == "find":
        target = "/files?find=" + escape(asked["pattern"])
        target += "&after=" + escape(asked["after"]) if asked["after"] else ""
    elif kind == "tree":
        target = "/trees/" + asked["id"]
        target += "" if asked["group"] is None else "/%d" % asked["group"]
    elif kind == "availability":
        target = "/availability/" + asked["id"]
    elif kind == "content":
        target = "/content/" + asked["id"]
        return entry(asked, target, "bytes=%d-%d" % (asked["start"], asked["end"] - 1))
    else:
        body = "".join(name.split(":")[1] for name in asked["ids"])
        return dict(entry(asked, "/pack", None), method="POST", body=body)
    return entry(asked, target, None)


def entry(asked, target, byte_range):
    return {"request": asked, "method": "GET", "target": target, "range": byte_range, "body": None}


def requests(one, two, offer):
    paths = ["", "photos", "été/naïve (1) & co.jpg", "a'b*c!d~e", "日本語/😀", "..\\x", "100%"]
    for path in paths:
        yield request({"kind": "list", "path": path, "after": "", "deep": False, "offer": None})
    yield request({"kind": "list", "path": "a", "after": "b/c d", "deep": True, "offer": offer})
    yield request({"kind": "find", "pattern": "*.jp?g", "after": ""})
    yield request({"kind": "find", "pattern": "é+", "after": "x/y"})
    yield request({"kind": "tree", "id": one, "group": None})
    yield request({"kind": "tree", "id": one, "group": 16383})
    yield request({"kind": "availability", "id": two})
    yield request({"kind": "content", "id": two, "start": 0, "end": 1})
    yield request({"kind": "content", "id": two, "start": MIB, "end": 1 << 44})
    yield request({"kind": "pack", "ids": [one, two, one]})


def refused(one):
    for target in [
        "/files", "/files?path=%2e%2e", "/files?path=..", "/files?path=a/../b", "/files?path=/a", "/files?path=a/",
        "/files?path=%00", "/files?path=%C0%AE", "/files?path=%c3%a9", "/files?path=a+b", "/files?path=a%2Fb",
        "/files?path=a&after=", "/files?path=a&deep=0", "/files?after=b&path=a", "/files?find=", "/files?path=a&path=a",
        "/trees/" + one + "/01", "/trees/" + one + "/16384", "/trees/" + one.upper(), "/availability/" + one + "/0",
        "/trees/sha512-tree:" + one.split(":")[1], "/pack",
    ]:
        yield {"target": target, "range": None, "status": 404}
    for byte_range in [None, "bytes=5-2", "bytes=-0", "bytes=5-", "bytes=0-0,1-1", "bytes=00-1", "bytes=0-17592186044416"]:
        yield {"target": "/content/" + one, "range": byte_range, "status": 416}


# 9.3 to 9.6


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def field(number, value):
    """One field of a protobuf message; nothing for the value of an absent one."""
    if isinstance(value, str):
        value = value.encode()
    if not value:
        return b""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def root_in(name):
    return bytes.fromhex(name.split(":")[1]) if name else b""


def wire_entry(name, given, fourth):
    parts = [field(1, name), field(2, int(given["kind"] == "folder")), field(3, given["sizeBytes"])]
    return b"".join(parts + [field(4, fourth), field(5, root_in(given["id"]))])


def file_list(given):
    entries = [wire_entry(e["path"], e, e["modifiedAtMs"]) for e in given["entries"]]
    return b"".join(field(1, e) for e in entries) + field(2, given["next"])


def availability(given):
    parts = [field(1, given["sizeBytes"]), field(2, int(given["complete"])), field(3, bytes.fromhex(given["chunks"]))]
    parts += [field(4, bytes.fromhex(fellow.replace("-", ""))) for fellow in given["fellows"]]
    return b"".join(parts + [field(5, int(given["open"]))])


def offer_bytes(given):
    entries = [wire_entry(e["name"], e, e["files"]) for e in given["entries"]]
    return field(1, bytes.fromhex(given["id"])) + b"".join(field(2, e) for e in entries)


def answer_bytes(given):
    states = ["accepted", "declined", "received", "failed", "withdrawn"]
    state = states.index(given["state"]) + 1
    return field(1, bytes.fromhex(given["offerId"])) + field(2, state) + field(3, given["reason"])


def carried(kind, content, place):
    """The `Message` that carries a content, as sections 1 and 5.1 have it."""
    parts = [field(1001, bytes(range(16))), field(1002, place), field(1006, kind), field(1007, content)]
    return b"".join(parts).hex()


def pack(sizes):
    return b"".join((0xFFFFFFFF if size is None else size).to_bytes(4, "big") for size in sizes).hex()


def main():
    trees = [tree(size) for size in [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 1024 * MIB, 1025 * MIB, 3077 * MIB + 5]]
    one, two = trees[1]["id"], trees[5]["id"]
    offer_id = bytes(range(16, 32)).hex()
    folder = {"kind": "folder", "sizeBytes": 0, "id": None}
    listed = {
        "entries": [
            dict(folder, path="photos", modifiedAtMs=0),
            {"path": "photos/é.jpg", "kind": "file", "sizeBytes": 3 * MIB, "modifiedAtMs": 1795334643204, "id": two},
            {"path": "unhashed", "kind": "file", "sizeBytes": 1 << 44, "modifiedAtMs": 1, "id": None},
        ],
        "next": "unhashed",
    }
    fellow = "01234567-89ab-8def-8123-456789abcdef"
    partial = {"sizeBytes": 9 * MIB, "complete": False, "chunks": "ff01", "fellows": [fellow], "open": True}
    whole = {"sizeBytes": 5, "complete": True, "chunks": "", "fellows": [], "open": False}
    offer = {
        "id": offer_id,
        "entries": [
            {"name": "a.jpg", "kind": "file", "sizeBytes": 1, "files": 1, "id": one},
            dict(folder, name="photos", sizeBytes=1 << 50, files=12),
        ],
    }
    answers = [{"offerId": offer_id, "state": "accepted", "reason": ""}]
    answers += [{"offerId": offer_id, "state": "failed", "reason": "The disk is full."}]
    made = {
        "trees": trees,
        "requests": list(requests(one, two, offer_id)),
        "refused": list(refused(one)),
        "fileLists": [{"list": listed, "bytes": file_list(listed).hex()}],
        "availabilities": [{"availability": a, "bytes": availability(a).hex()} for a in [partial, whole]],
        "offers": [{"offer": offer, "bytes": offer_bytes(offer).hex(), "message": carried(1, offer_bytes(offer), 7)}],
        "answers": [
            {"answer": a, "bytes": answer_bytes(a).hex(), "message": carried(2, answer_bytes(a), 8)} for a in answers
        ],
        "packs": [{"sizes": [0, 1, None, MIB], "table": pack([0, 1, None, MIB])}],
    }
    text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
    if sys.argv[1:] == ["--print"]:
        sys.stdout.buffer.write(text.encode())
    else:
        pathlib.Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")


main()
