"""The documents, and the command lines that they tell a reader to type."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = r"(?:just|aws|cargo|durin|rustup|pip|git|apt|terraform|tailscale|kubectl|curl|ssh|scp)"


def files(*endings):
    """Every file of the repository with such a name, by its path from the root. Nothing that was built."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [it for it in folders if it != "target" and it != ".git"]
        found += [Path(folder, name).relative_to(ROOT).as_posix() for name in names if name.endswith(endings)]
    return sorted(found)


# What the changelog tells of may be gone.
DOCUMENTS = [it for it in files(".md") if it != "CHANGELOG.md"]


def commands(text):
    """Every command line of a document, each once: those of its blocks, and those that stand in a sentence."""
    found = []
    blocks = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for language, block in blocks.findall(text):
        if language in ("sh", "hcl") and not block.startswith("#!"):
            found += of_block(block)
    prose = blocks.sub("", text)
    found += [" ".join(it.split()) for it in re.findall(rf"`({PROGRAMS}(?:\s[^`]*)?)`", prose)]
    return list(dict.fromkeys(found))


def of_block(block):
    """A comment ends a line, a backslash does not, and a pipeline's own command stands in quotation marks."""
    joined = block.replace("\\\n", " ")
    for line in joined.splitlines():
        quoted = re.search(rf'"({PROGRAMS} .*)"', line)
        if quoted and not re.match(PROGRAMS, line):
            yield quoted[1].replace('\\"', '"')
        elif re.match(rf"(?:[A-Z_]+=\S+ )*{PROGRAMS}\b", line):
            yield " ".join(re.sub(r"\s+# .*", "", line).split())


def every_command():
    """Each command, with the first document that has it."""
    found = {}
    for name in DOCUMENTS:
        for command in commands((ROOT / name).read_text()):
            found.setdefault(command, name)
    return found
