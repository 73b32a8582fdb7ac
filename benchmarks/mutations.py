"""Ways to damage a file: those that fit any file, and those that know text, JSON, YAML and tables.

A mutation is a function of a file's bytes and a source of random numbers; what it does depends on nothing else.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import packed_mutations as packed

Mutation = Callable[[bytes, Random], bytes]
DEEP = 100_000  # brackets in brackets
MARK = "@here@"  # where a value is put that json cannot write

VALUES = (
    "null", "true", "false", "-1", "0", "1", "2", "3.5", "-0.0", "10000000", "1000000000000", "1" + "0" * 30,
    "9" * 5000, "-" + "9" * 5000, "1e308", "1e999", "NaN", "Infinity", "-Infinity", '""', '"x"', '"1e5"',
    f'"{"n" * 300}"', f'"{"n" * 100_000}"', '"\\ud800"', '"\\u001b[31m\\u0007\\u202e\\u2028"', '"\\u0000"',
    '"../../../../fuzzed"', '"/dev/zero"', '"/"', '"-"', '"auto"', "[]", "{}", "[[[]]]", '{"a": {"b": [1]}}',
    f"[{', '.join('1' * 9000)}]", f"{'[' * DEEP}{']' * DEEP}", f"{'[' * DEEP}", '{"a":' * DEEP, "[null]", '["a", 1]',
)  # fmt: skip
"""JSON texts of wrong types, sizes and depths."""
YAML_VALUES = (
    *VALUES, "!!python/object/apply:os.system ['touch fuzzed']", "!!binary aGVsbG8=", "2001-99-99", "2001-12-14",
    ".nan", ".inf", "-.inf", "0x7fffffffffffffff", "1:30:00", "&a [*a]", "*unknown", "&a x", "? [a]", "|\n  block",
    "'unclosed", '"\\x1b]0;title\\x07"', "!!set {a}", "!!omap [a: 1]", "- a", "1_000_000", "yes", "~", "{a: b, a: c}",
)  # fmt: skip
YAML_LINES = (
    "<<: {name: x}", "? {a: b} : c", "unknown_setting: 1", "about: &a a\nname: *a", "---\nsecond: 1", "%YAML 9.9",
    "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)
    ) + "\nabout: *a9", "\t- tab", "1: 2", "null: 3", "[1, 2]: 4", "name: \x07", "#" * 70_000, "\ufeff", "...",
)  # fmt: skip
CELLS = (
    "", " ", '"', '""', "'", "\t", "\0", "\r", "\x1b[2J", "\u202e", "\ufeff", "nan", "inf", "-1", "9" * 5000, "1e999",
    "x" * 300, "x" * 200_000, "word " * 30_000, "../../fuzzed.png", "/etc/passwd", "=cmd()",
    "\U0001f468\u200d\U0001f469", "e\u0301" * 50, "\u0000", "\u2028", "\u0d4a" * 400,
)  # fmt: skip


# Any file


def flip_bits(content: bytes, random: Random) -> bytes:
    """One to eight bits turned over."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8))):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def truncate(content: bytes, random: Random) -> bytes:
    """Cut off somewhere, often near an end."""
    last = len(content)
    return content[: random.choice((0, 1, min(16, last), last // 2, max(last - 1, 0), random.randint(0, last)))]


def duplicate(content: bytes, random: Random) -> bytes:
    """A block of it twice, or a thousand times."""
    start, stop = sorted(random.randint(0, len(content)) for _ in range(2))
    block = content[start : min(stop, start + 4096)]
    return content[:start] + block * random.choice((2, 3, 1000 if len(block) < 1000 else 2)) + content[start:]


def remove(content: bytes, random: Random) -> bytes:
    """A block of it missing."""
    start, stop = sorted(random.randint(0, len(content)) for _ in range(2))
    return content[:start] + content[min(stop, start + random.choice((1, 4, 64, 4096))) :]


def fill(content: bytes, random: Random) -> bytes:
    """A block of it zeros, ones or noise."""
    start = random.randint(0, len(content))
    length = min(random.choice((1, 4, 64, 4096)), len(content) - start)
    block = random.choice((b"\0" * length, b"\xff" * length, random.randbytes(length)))
    return content[:start] + block + content[start + length :]


def insert_magic(content: bytes, random: Random) -> bytes:
    """The first bytes of another kind of file in front of it, or inside."""
    magic = random.choice((
        b"PK\x03\x04", b"\x80\x04\x95", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM",
        b"RIFF\xff\xff\xff\xffWEBP", b"II*\0", b"\x93NUMPY\1\0v\0", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0",
        b"\x7fELF", b"#!/bin/sh\n", b"%PDF-1.4", b"<svg ", b"\0\0\x08\x03", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff",
        b"\0\0\0\x1cftypavif", b"\x1aE\xdf\xa3", b"%!PS-Adobe-3.0 EPSF-3.0\n",
    ))  # fmt: skip
    start = random.choice((0, 0, random.randint(0, len(content))))
    return content[:start] + magic + content[start:]


def extreme_field(content: bytes, random: Random) -> bytes:
    """Two, four or eight bytes, mostly near the start, as numbers at the end of their range."""
    width = random.choice((2, 4, 4, 8))
    value = random.choice((0, 1, 2 ** (8 * width) - 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 65_500))
    start = random.randint(0, random.choice((32, 256, len(content))))
    field = value.to_bytes(width, random.choice(("little", "big")))
    return content[:start] + field + content[start + width :]


def noise(content: bytes, random: Random) -> bytes:
    """Something else altogether."""
    return random.choice(
        (b"", b"\0", b"\n", b"{}", b"[]", b"null", b"\xff" * 100, random.randbytes(500), b"\0" * 100_000)
    )


GENERIC: tuple[Mutation, ...] = (
    flip_bits, truncate, duplicate, remove, fill, insert_magic, extreme_field, noise,
)  # fmt: skip


# Text, JSON, YAML and tables


def nasty_json(content: bytes, random: Random) -> bytes:
    """A value anywhere in JSON replaced, removed or added."""
    try:
        value = json.loads(content)
    except ValueError:
        return flip_bits(content, random)
    return change_json(value, random).encode("utf-8", "surrogatepass")


def change_json(value: Any, random: Random) -> str:
    """The text of ``value`` with something in it replaced, removed, renamed or added."""
    holder, key = random.choice([(None, None), *places_in(value)] if random.random() < 0.1 else places_in(value))
    text = random.choice(VALUES)
    if holder is None:
        return text
    action = random.choice(("replace",) * 6 + ("remove", "add"))
    if action == "remove":
        del holder[key]
    elif action == "replace":
        holder[key] = MARK
    elif isinstance(holder, dict):
        holder[random.choice(("", "extra", "n" * 300, "\ud800", "\x1b[1m", "__proto__", "../x"))] = MARK
    else:
        holder.insert(key, MARK)
    return json.dumps(value).replace(f'"{MARK}"', text)


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) in nested lists and mappings, at most some thousands."""
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left and len(found) < 5000:
        holder = left.pop()
        keys = holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
        for key, item in keys:
            found.append((holder, key))
            left.append(item)
    return found or [(None, None)]


def nasty_json_line(content: bytes, random: Random) -> bytes:
    """One line of JSON lines changed as JSON, or a line put in."""
    lines = content.split(b"\n")
    index = random.randrange(len(lines))
    if random.random() < 0.3:
        lines.insert(index, random.choice(VALUES).encode())
    else:
        lines[index] = nasty_json(lines[index], random)
    return b"\n".join(lines)


def nasty_yaml(content: bytes, random: Random) -> bytes:
    """A setting with another value, twice, without its name, or a line that YAML gives a meaning to."""
    lines = content.decode("utf-8", "replace").split("\n")
    index = random.randrange(len(lines))
    action = random.choice(("value",) * 8 + ("line", "line", "twice", "indent"))
    if action == "value":
        lines[index] = f"{lines[index].partition(':')[0]}: {random.choice(YAML_VALUES)}"
    elif action == "line":
        lines.insert(index, random.choice(YAML_LINES))
    elif action == "twice":
        lines.append(lines[index])
    else:
        lines[index] = "  " * random.choice((1, 5, 5000)) + lines[index]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def nasty_table(content: bytes, random: Random) -> bytes:
    """A cell, a row or a heading of a table or of plain lines replaced, or all of it in another encoding."""
    text = content.decode("utf-8", "replace")
    lines = text.split("\n")
    index = random.choice((0, random.randrange(len(lines))))
    delimiter = "\t" if "\t" in text else ","
    cells = lines[index].split(delimiter)
    action = random.choice(("cell",) * 5 + ("row", "more", "encoding", "ends", "bytes", "many"))
    if action == "cell":
        cells[random.randrange(len(cells))] = random.choice(CELLS)
        lines[index] = delimiter.join(cells)
    elif action == "row":
        lines.insert(index, delimiter.join([random.choice(CELLS)] * random.choice((1, 2, 50))))
    elif action == "more":
        lines[index] += delimiter * random.choice((1, 10, 5000))
    elif action == "ends":
        return random.choice(("\r\n", "\r", "\n\n", "\0", "\u2028")).join(lines).encode()
    elif action == "many":
        return "\n".join([*lines, *[lines[-1] or "x"] * 20_000]).encode()
    elif action == "bytes":
        return (
            "\n".join([*lines[:index], "\0mark\0", *lines[index:]])
            .encode()
            .replace(b"\0mark\0", b"\xff\xfe\x80caf\xe9")
        )
    else:
        return text.encode(random.choice(("utf-16", "utf-32", "utf-7", "latin-1", "utf-8-sig", "cp500")), "replace")
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def nasty_safetensors(content: bytes, random: Random) -> bytes:
    """The header of a safetensors file changed as JSON, or the JSON text among its notes, or its length."""
    return packed.change_safetensors(content, random, change_json)


BY_ENDING: dict[str, tuple[Mutation, ...]] = {
    ".json": (nasty_json,), ".jsonl": (nasty_json_line,), ".yaml": (nasty_yaml,), ".safetensors": (nasty_safetensors,),
    ".csv": (nasty_table,), ".tsv": (nasty_table,), ".txt": (nasty_table,), ".npy": (packed.change_npy,),
    ".npz": (packed.change_zip, packed.change_npy_in_zip), ".zip": (packed.change_zip,), ".tar": (packed.change_tar,),
    ".gz": (packed.change_gz,), "-ubyte": (packed.change_idx,), ".png": (packed.change_png,),
    ".apng": (packed.change_png,), ".jpg": (packed.change_jpeg,), ".md": (nasty_table,), ".pt": (packed.change_zip,),
}  # fmt: skip
"""Mutations that know a kind of file; of others the numbers near the start are changed (:func:`extreme_field`)."""


def mutated(content: bytes, name: str, random: Random) -> tuple[str, bytes]:
    """The name of the mutation that was chosen for a file of that name, and the bytes that it made."""
    knowing = next((functions for ending, functions in BY_ENDING.items() if name.endswith(ending)), (extreme_field,))
    function = random.choice(knowing if random.random() < 0.6 else GENERIC)
    return function.__name__, function(content, random)


# What is no file at all


def not_a_file(path: Path, random: Random) -> str:
    """Put something in a file's place that is none; its name."""
    path.unlink()
    name = random.choice(("folder", "pipe", "socket", "zero", "loop", "dangling", "missing", "terminal", "itself"))
    if name == "folder":
        path.mkdir()
    elif name == "pipe":
        os.mkfifo(path)
    elif name == "socket":
        place = os.getcwd()
        os.chdir(path.parent)  # a socket's path must be short
        with closing(socket.socket(socket.AF_UNIX)) as plug:
            plug.bind(path.name)
        os.chdir(place)
    elif name != "missing":
        targets = {"zero": "/dev/zero", "loop": path.name, "dangling": "nowhere", "terminal": "/dev/tty", "itself": "."}
        path.symlink_to(targets[name])
    return name
