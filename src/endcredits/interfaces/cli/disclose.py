"""`endcredits disclose`: what the world is told of a corpus and of outputs, from records and declared facts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, print_json, report_findings
from endcredits.interfaces.cli.disclose_told import tell
from endcredits.interfaces.cli.keys import key_lines

if TYPE_CHECKING:
    from endcredits.works.disclosure import Facts

IndexOption = Annotated[str, typer.Option(help="An index by its folder or digest; the current one by default.")]
CorpusOption = Annotated[
    str,
    typer.Option(help="Instead of an index: an admitted corpus's digest, 'current', or 'registry': what would be admitted."),
]
FactsOption = Annotated[str, typer.Option("--facts", help="TOML or JSON file of declared facts; see 'disclose facts'.")]
OnOption = Annotated[str, typer.Option(help="The day of the document, YYYY-MM-DD; today by default.")]
PackOption = Annotated[
    list[str] | None, typer.Option("--pack", help="An own file of rules beside the shipped ones; may be given again.")
]
OutOption = Annotated[str, typer.Option(help="The file; .md, .html or .json. Printed where none is named.")]


def disclose_app(new_app: Callable[[str], typer.Typer]) -> typer.Typer:
    """The group of commands."""
    group = new_app(
        "Documents about training data and outputs, made from the records. What is missing is said, and leaves with 3.\n\n"
        "Example: endcredits disclose eu --facts facts.toml --out summary.md"
    )
    group.command("facts")(facts)
    group.command("eu")(eu)
    group.command("california")(california)
    group.command("card")(card)
    group.command("croissant")(croissant)
    group.command("evidence")(evidence)
    group.command("output")(output)
    group.command("check")(check)
    return group


def facts(as_json: JsonOption = False) -> None:
    """Print the form of facts that only the operator knows: every field, its unit, and the documents that use it.

    Example: endcredits disclose facts > facts.toml
    """
    from endcredits.works.disclosure import fact_form
    from endcredits.works.disclosure.fact_fields import fact_fields

    if as_json:
        print_json(
            [
                {
                    "field": path,
                    "type": one.field.kind_of_value,
                    "none": one.field.may_be_null,
                    "values": list(one.field.values),
                    "about": one.field.about,
                    "documents": list(one.documents),
                }
                for path, one in fact_fields().items()
            ]
        )
        return
    typer.echo(fact_form(), nl=False)


def eu(
    declared: FactsOption = "",
    index: IndexOption = "",
    corpus: CorpusOption = "",
    on: OnOption = "",
    out: OutOption = "",
    pack: PackOption = None,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """The public summary of training content for the EU AI Act, article 53(1)(d). Not legal advice.

    Exit code 3 when something that a rule asks for is missing; the document is written all the same.

    Example: endcredits disclose eu --facts facts.toml --out summary.md
    """
    _one_file("eu", declared, index, corpus, on, out, studio, as_json, pack)


def california(
    declared: FactsOption = "",
    index: IndexOption = "",
    corpus: CorpusOption = "",
    on: OnOption = "",
    out: OutOption = "",
    pack: PackOption = None,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """The documentation of training data for California, Civil Code 3111 (AB 2013). Not legal advice.

    Exit code 3 when one of the twelve items is missing; the document is written all the same.

    Example: endcredits disclose california --facts facts.toml --out training-data.html
    """
    _one_file("california", declared, index, corpus, on, out, studio, as_json, pack)


def card(
    declared: FactsOption = "",
    index: IndexOption = "",
    corpus: CorpusOption = "",
    on: OnOption = "",
    out: OutOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """A dataset card: Markdown with the head in YAML that model hubs read.

    Example: endcredits disclose card --facts facts.toml --out README.md
    """
    _one_file("card", declared, index, corpus, on, out, studio, as_json)


def croissant(
    declared: FactsOption = "",
    index: IndexOption = "",
    corpus: CorpusOption = "",
    on: OnOption = "",
    out: OutOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """The corpus as Croissant 1.1 (JSON-LD): every file with its SHA-256, every work with its permission.

    Example: endcredits disclose croissant --facts facts.toml --out croissant.json
    """
    _one_file("croissant", declared, index, corpus, on, out, studio, as_json)


def evidence(
    out: Annotated[str, typer.Option(help="The folder; new or empty.")],
    declared: FactsOption = "",
    index: IndexOption = "",
    corpus: CorpusOption = "",
    on: OnOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """A folder of evidence for a certifier: each work's ground, contract or licence, statement, and its proof in the log.

    Example: endcredits disclose evidence --out evidence
    """
    from endcredits.flows.disclosing_documents import disclose_evidence

    stated = _facts(declared)
    with opened(studio) as place:
        made = disclose_evidence(place, stated, Path(out), on=on, index=index, corpus=corpus)
    tell(made, out, as_json)


def output(
    output_id: Annotated[str, typer.Argument(metavar="OUTPUT_ID", help="The attributed output; it must have a receipt.")],
    declared: FactsOption = "",
    jurisdiction: Annotated[str, typer.Option(help="Rules of this place; WORLD for all.")] = "WORLD",
    for_signing: Annotated[
        str, typer.Option(help="Write the facts as the TOML file for 'media sign --disclosure', too.")
    ] = "",
    on: OnOption = "",
    out: OutOption = "",
    pack: PackOption = None,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """The disclosure of one output: what the model did, what people and programs are told. Not legal advice.

    What was signed into the output's file is taken from the log; until then the facts say it.

    Example: endcredits disclose output output:1f0c --facts facts.toml --out disclosure.json
    """
    from endcredits import durable
    from endcredits.flows.disclosing_documents import Made
    from endcredits.flows.disclosing_output import disclose_output, disclosure_for_signing
    from endcredits.works.disclosure import rendered
    from endcredits.works.rules import read_pack

    stated, held = _facts(declared), read_pack(*(pack or ()))
    with opened(studio) as place:
        defaults = {"provider": place.name, "system": f"model of {place.name}", "version": "as the receipt says"}
        signing = disclosure_for_signing(stated, defaults) if for_signing else b""
        document = disclose_output(place, output_id, stated, on=on, jurisdiction=jurisdiction, pack=held)
    data = rendered(document, Path(out).suffix.lower() if out else ".md")
    for path, content in ((for_signing, signing), (out, data)):
        if path:
            durable.write_atomic(path, content)
    tell(Made("output", data, document.standing, document.missing, int(bool(out)) + int(bool(for_signing))), out, as_json)


def check(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder that 'disclose evidence' wrote.")],
    vkey: Annotated[str, typer.Option(help="The log's public key, or a file with it, from elsewhere than the folder.")],
    as_json: JsonOption = False,
) -> None:
    """Check a folder of evidence, without the studio: every digest, every statement and its proof. Exit code 3 when wrong.

    Example: endcredits disclose check evidence --vkey log.vkey
    """
    from endcredits.errors import InputError
    from endcredits.flows.checking_evidence import check_evidence

    try:
        key = "\n".join(key_lines(vkey))
        findings = check_evidence(Path(folder), key)
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror})", file=error.filename, field="--vkey") from error
    except ValueError as error:
        raise InputError(f"the public key cannot be used ({error})", remedy="Use log.vkey.", field="--vkey") from error
    verdict = "The folder is not what was written." if findings else "Every file and every statement verifies."
    report_findings(findings, {"folder": folder}, verdict, as_json)


def _facts(path: str) -> Facts:
    from endcredits.works.disclosure import Facts, read_facts

    return read_facts(path) if path else Facts({})


def _one_file(
    kind: str,
    declared: str,
    index: str,
    corpus: str,
    on: str,
    out: str,
    studio: str,
    as_json: bool,
    pack: list[str] | None = None,
) -> None:
    from endcredits.flows.disclosing_documents import disclose
    from endcredits.works.rules import read_pack

    stated, held = _facts(declared), read_pack(*(pack or ()))
    with opened(studio) as place:
        made = disclose(place, kind, stated, on=on, index=index, corpus=corpus, out=Path(out) if out else None, pack=held)
    tell(made, out, as_json)
