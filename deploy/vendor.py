"""Fetch the browser's libraries from npm, each by its name, version and member, and check it against its SHA-256.

    python deploy/vendor.py [--update] MANIFEST…

A file lies beside its manifest, under the name it has there. `--update` writes the hashes of what was fetched.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any


def fetch(package: str, version: str, member: str) -> bytes:
    """Return one file of a package of the npm registry."""
    with tempfile.TemporaryDirectory() as directory:
        packed = subprocess.run(
            ["npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}"],
            cwd=directory,
            check=True,
            capture_output=True,
            text=True,
        )
        archive = Path(directory, packed.stdout.split()[-1]).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = tar.extractfile(f"package/{member}")
        if found is None:
            raise FileNotFoundError(f"{package}@{version} has no {member}")
        return found.read()


def vendor(manifest: Path, *, update: bool) -> None:
    """Fetch what a manifest lists. Raises `ValueError` when a file is not the one that was chosen."""
    entries: dict[str, dict[str, Any]] = json.loads(manifest.read_text())
    for name, entry in entries.items():
        content = fetch(entry["package"], entry["version"], entry["member"])
        # A map of the sources is not vendored, so nothing must ask for it.
        content = b"\n".join(line for line in content.split(b"\n") if not line.startswith(b"//# sourceMappingURL="))
        digest = hashlib.sha256(content).hexdigest()
        if update:
            entry["sha256"] = digest
        elif digest != entry["sha256"]:
            raise ValueError(f"{name} is not the file that the manifest names: {digest}")
        manifest.with_name(name).write_bytes(content)
        sys.stderr.write(f"{name}: {entry['package']} {entry['version']}, {len(content):,} bytes\n")
    if update:
        manifest.write_text(json.dumps(entries, indent=2) + "\n")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    for place in [argument for argument in arguments if argument != "--update"]:
        vendor(Path(place), update="--update" in arguments)
