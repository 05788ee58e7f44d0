"""Wheels that maturin does not finish: licences and bills of materials put into one, and the sandbox carrier's made whole.

python tools/wheels.py add WHEEL [DEST=FILE …]
python tools/wheels.py sandbox PROGRAM VERSION TAG OUT [DEST=FILE …]

`DEST` is below the wheel's `.dist-info`: `licenses/…` (PEP 639), `sboms/…` (PEP 770). What is written is the same for the same
input: names in order, one date for all.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SANDBOX = REPOSITORY / "conformance" / "sandbox" / "packages" / "python"
DATE = (1980, 1, 1, 0, 0, 0)
DATA, PROGRAM = 0o100644, 0o100755
Files = dict[str, tuple[bytes, int]]

METADATA = """\
Metadata-Version: 2.4
Name: gladhand-sandbox
Version: {version}
Summary: The sandbox carrier of Gladhand, for development and tests
Author: The Gladhand authors
License-Expression: Apache-2.0
Requires-Python: >=3.10
Description-Content-Type: text/markdown

{readme}"""


def read(wheel: Path) -> Files:
    """The files of a wheel with their modes."""
    with zipfile.ZipFile(wheel) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        return {info.filename: (archive.read(info), (info.external_attr >> 16) or DATA) for info in infos}


def write(wheel: Path, files: Files, info: str) -> None:
    """Writes a wheel and its `RECORD`, which names every file with its digest."""
    record = f"{info}/RECORD"
    files = {name: files[name] for name in sorted(files) if name != record}
    lines = [f"{name},sha256={digest(content)},{len(content)}\n" for name, (content, _) in files.items()]
    files[record] = ("".join([*lines, f"{record},,\n"]).encode(), DATA)
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def digest(content: bytes) -> str:
    """A digest as `RECORD` has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def put(files: Files, info: str, additions: list[str]) -> None:
    """Puts `DEST=FILE` additions below the `.dist-info`; licences are named in the metadata as well."""
    content, mode = files[f"{info}/METADATA"]
    head, separator, body = content.decode().partition("\n\n")
    for addition in additions:
        place, _, path = addition.partition("=")
        files[f"{info}/{place}"] = (Path(path).read_bytes(), DATA)
        if place.startswith("licenses/"):
            head += f"\nLicense-File: {place.removeprefix('licenses/')}"
    files[f"{info}/METADATA"] = ((head + separator + body).encode(), mode)


def add(wheel: Path, additions: list[str]) -> None:
    """Puts files into a wheel."""
    files = read(wheel)
    info = next(name.partition("/")[0] for name in files if name.endswith(".dist-info/METADATA"))
    put(files, info, additions)
    write(wheel, files, info)


def sandbox(program: Path, version: str, tag: str, out: Path, additions: list[str]) -> Path:
    """The wheel of the sandbox carrier."""
    info = f"gladhand_sandbox-{version}.dist-info"
    sources = SANDBOX / "gladhand_sandbox"
    files: Files = {
        f"gladhand_sandbox/{path.name}": (path.read_bytes(), DATA)
        for path in sorted(sources.iterdir())
        if path.suffix in {".py", ".typed"}
    }
    metadata = METADATA.format(version=version, readme=(SANDBOX / "README.md").read_text())
    wheel = f"Wheel-Version: 1.0\nGenerator: gladhand\nRoot-Is-Purelib: false\nTag: py3-none-{tag}\n"
    entry_points = "[console_scripts]\ngladhand-sandbox = gladhand_sandbox:main\n"
    files["gladhand_sandbox/gladhand-sandbox"] = (program.read_bytes(), PROGRAM)
    files[f"{info}/METADATA"] = (metadata.encode(), DATA)
    files[f"{info}/WHEEL"] = (wheel.encode(), DATA)
    files[f"{info}/entry_points.txt"] = (entry_points.encode(), DATA)
    put(files, info, additions)
    target = out / f"gladhand_sandbox-{version}-py3-none-{tag}.whl"
    write(target, files, info)
    return target


def main() -> None:
    """Reads the command line."""
    match sys.argv[1:]:
        case ["add", wheel, *additions]:
            add(Path(wheel), additions)
        case ["sandbox", program, version, tag, out, *additions]:
            print(sandbox(Path(program), version, tag, Path(out), additions))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
