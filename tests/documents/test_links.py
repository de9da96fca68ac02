"""Where the documents lead, and where programs send a reader: it is there."""

import re

import pytest

from commands import DOCUMENTS, ROOT, files

ALL = [*DOCUMENTS, "CHANGELOG.md"]
BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
# This one names what is not there.
PROGRAMS = [it for it in files(".rs", ".sh", ".yaml", ".yml", ".py", ".toml", ".hcl", "justfile", "run") if not it.endswith("test_links.py")]
# README is read by somebody who decides in two minutes.
MOST_LINES = 180


def anchors(text):
    """The names by which GitHub knows a document's headings."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", it.lower()).replace(" ", "-") for it in headings}


def links(text):
    """Every link and picture that leads into the repository."""
    prose = re.sub(r"`[^`]*`", "", BLOCK.sub("", text))
    found = re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'<\w+ [^>]*(?:src|href)="([^"]+)"', prose)
    return [it for it in found if not re.match(r"[a-z]+:", it)]


def broken(document, text):
    """The links of a text, as if it stood in that document, that lead nowhere."""
    for link in links(text):
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        written = text if not path else target.read_text() if target.suffix == ".md" and target.exists() else ""
        if not target.exists() or (anchor and anchor not in anchors(written)):
            yield link


@pytest.mark.parametrize("document", ALL)
def test_every_link_leads_somewhere(document):
    assert list(broken(document, (ROOT / document).read_text())) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](DEPLOY.md#2-the-image), [b](#c-d-e)\n\n## C `d` (e)\n", []),
        ("[a](DEPLOYED.md)", ["DEPLOYED.md"]),
        ("[a](DEPLOY.md#no-such-section)", ["DEPLOY.md#no-such-section"]),
        ("```sh\n# c\n```\n[a](#c)", ["#c"]),
        ('![a](docs/none.png) <img src="docs/page.png">', ["docs/none.png"]),
        ("[a](https://example.org/none), `[b](none)`", []),
    ],
)
def test_a_broken_link_is_found(text, found):
    assert list(broken("README.md", text)) == found


@pytest.mark.parametrize("document", ALL)
def test_every_path_in_a_sentence_is_there(document):
    top = "|".join(re.escape(it.name) for it in ROOT.iterdir() if it.is_dir() and it.name not in [".git", "target"])
    spans = re.findall(rf"`((?:{top})/[\w./-]*)`", BLOCK.sub("", (ROOT / document).read_text()))
    assert [it for it in spans if not (ROOT / it).exists()] == []


def test_readme_leads_to_every_document():
    named = {it.partition("#")[0] for it in links((ROOT / "README.md").read_text())}
    assert [it for it in ALL if it not in named] == ["README.md"]


def test_programs_send_a_reader_to_documents_that_are_there():
    lost = []
    for program in PROGRAMS:
        for name, section in re.findall(r"([\w./-]*\w\.md)\b(?:, ([0-9]+))?", (ROOT / program).read_text()):
            found = [it for it in [ROOT / name, (ROOT / program).parent / name] if it.exists()]
            if not found or (section and f"\n## {section}. " not in found[0].read_text()):
                lost.append((program, name, section))
    assert lost == []


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_LINES
