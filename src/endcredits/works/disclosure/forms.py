"""A document in its forms: Markdown, HTML and JSON. Data is escaped at this place and nowhere before it.

The same document is the same bytes: nothing here knows the time, and every order is the document's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from endcredits.canonical import to_plain
from endcredits.errors import InputError
from endcredits.works.disclosure import escaping
from endcredits.works.disclosure.document import DECLARED, MISSING, UNSAID, Document, Line, Table
from endcredits.works.disclosure.records import Missing, Standing

FORMS = {".md": "Markdown", ".html": "HTML", ".json": "JSON"}
"""Forms by the ending of the file."""


def rendered(document: Document, suffix: str) -> bytes:
    """The document in the form of a file's ending.

    Raises:
        InputError: another ending.
    """
    if suffix == ".md":
        return markdown(document).encode()
    if suffix == ".html":
        return html(document).encode()
    if suffix == ".json":
        return escaping.json_text(plain(document)).encode()
    raise InputError(f"'{suffix}' is no form of a document", remedy=f"Name it {', '.join(FORMS)}.", field="--out")


def plain(document: Document) -> dict[str, object]:
    """The document for programs."""
    found: dict[str, object] = to_plain(replace(document, missing=()))
    found["missing"] = [to_plain(one) for one in document.missing]
    found["complete"] = not any(one.fails for one in document.missing)
    return found


def standing_lines(standing: Standing) -> Iterator[tuple[str, str]]:
    """On what a document stands, in labels and texts."""
    yield "Day", standing.on
    yield "Corpus digest (SHA-256)", standing.corpus_digest
    if standing.index_digest:
        yield "Index digest", standing.index_digest
    for name, digest in standing.models:
        yield f"Model: {name}", digest
    yield "Log", standing.log_origin
    yield "Statements counted", f"the first {standing.log_size} entries of the log, root {standing.log_root}"
    if standing.trained_size >= 0:
        at = f", entered on {standing.trained_at}" if standing.trained_at else ""
        yield "Statements at training", f"the first {standing.trained_size} entries, root {standing.trained_root}{at}"
    yield "Signed manifest of the admission", standing.admission
    if standing.max_bytes_per_work:
        yield "Of each work", f"at most {standing.max_bytes_per_work:,} bytes"


def missing_words(one: Missing) -> tuple[str, str, str, str]:
    """A row of the table of what is missing."""
    return one.field, f"{one.law} ({one.severity})", one.why, one.how


MISSING_COLUMNS = ("field", "asked for by", "what", "how to supply it")


def markdown(document: Document) -> str:
    """The document as Markdown."""
    return "\n".join([f"# {escaping.markdown(document.title)}", "", *body_lines(document)]) + "\n"


def body_lines(document: Document) -> Iterator[str]:
    """Everything of a Markdown document below its title."""
    yield escaping.markdown(document.about)
    yield ""
    if document.notice:
        yield f"*{escaping.markdown(document.notice)}*"
        yield ""
    yield _verdict(document)
    yield ""
    for section in document.sections:
        yield f"{'#' * section.depth} {escaping.markdown(section.title)}"
        yield ""
        if section.words:
            yield escaping.markdown(section.words)
            yield ""
        for line in section.lines:
            yield _line(line)
        if section.lines:
            yield ""
        for table in section.tables:
            if table.rows:
                yield from _table(table)
                yield ""
    yield "## What is missing"
    yield ""
    if document.missing:
        yield from _table(Table(MISSING_COLUMNS, tuple(missing_words(one) for one in document.missing)))
    else:
        yield "Nothing that the rules and formats of this document ask for."
    yield ""
    for note in document.notes:
        yield f"- {escaping.markdown(note)}"
    if document.notes:
        yield ""
    yield "## On what this stands"
    yield ""
    for label, text in standing_lines(document.standing):
        yield f"- **{escaping.markdown(label)}:** {escaping.markdown(text)}"


def _verdict(document: Document) -> str:
    number = sum(one.fails for one in document.missing)
    if number:
        return f"**Incomplete: {number} required {'thing is' if number == 1 else 'things are'} missing; see below.**"
    return "Nothing that is required is missing."


def _line(line: Line) -> str:
    label = f"- **{escaping.markdown(line.label)}:**"
    if not line.texts:
        return f"{label} **missing**" if line.origin == MISSING else f"{label} {UNSAID}"
    words = "; ".join(escaping.markdown(text) for text in line.texts)
    return f"{label} {words} *({line.origin})*"


def _table(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(escaping.markdown(one) for one in table.columns)} |"
    yield f"|{':--|' * len(table.columns)}"
    for row in table.rows:
        yield f"| {' | '.join(escaping.markdown(one) for one in row)} |"


_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #999;padding:.2rem .5rem;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}.missing{font-weight:bold;color:#a00}.origin{color:#555}"
)


def html(document: Document) -> str:
    """The document as one page of HTML without scripts or anything from elsewhere."""
    return "\n".join(_page(document)) + "\n"


def _page(document: Document) -> Iterator[str]:
    title = escaping.html(document.title)
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head><body>'
    yield f"<h1>{title}</h1><p>{escaping.html(document.about)}</p>"
    if document.notice:
        yield f"<p><em>{escaping.html(document.notice)}</em></p>"
    yield f"<p>{escaping.html(_verdict(document).replace('*', ''))}</p>"
    for section in document.sections:
        yield f"<h{section.depth}>{escaping.html(section.title)}</h{section.depth}>"
        if section.words:
            yield f"<p>{escaping.html(section.words)}</p>"
        if section.lines:
            yield f"<dl>{''.join(_html_line(line) for line in section.lines)}</dl>"
        yield from (_html_table(table) for table in section.tables if table.rows)
    yield "<h2>What is missing</h2>"
    if document.missing:
        yield _html_table(Table(MISSING_COLUMNS, tuple(missing_words(one) for one in document.missing)))
    else:
        yield "<p>Nothing that the rules and formats of this document ask for.</p>"
    if document.notes:
        yield f"<ul>{''.join(f'<li>{escaping.html(note)}</li>' for note in document.notes)}</ul>"
    yield "<h2>On what this stands</h2>"
    lines = (
        f"<dt>{escaping.html(label)}</dt><dd>{escaping.html(text)}</dd>" for label, text in standing_lines(document.standing)
    )
    yield f"<dl>{''.join(lines)}</dl></body></html>"


def _html_line(line: Line) -> str:
    label = f"<dt>{escaping.html(line.label)}</dt>"
    if not line.texts:
        words = f'<span class="missing">{MISSING}</span>' if line.origin == MISSING else UNSAID
        return f"{label}<dd>{words}</dd>"
    texts = "; ".join(f"<bdi>{escaping.html(text)}</bdi>" for text in line.texts)
    return f'{label}<dd>{texts} <span class="origin">({line.origin})</span></dd>'


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escaping.html(one)}</th>" for one in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td><bdi>{escaping.html(one)}</bdi></td>' for one in row)}</tr>" for row in table.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


__all__ = ["DECLARED", "FORMS", "body_lines", "html", "markdown", "missing_words", "plain", "rendered", "standing_lines"]
