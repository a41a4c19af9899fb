"""`endcredits media`: content credentials into files, out of files, and back to an output when they were stripped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, counted, opened, print_json, say
from endcredits.interfaces.cli.keys import key_lines

if TYPE_CHECKING:
    from endcredits.receipts.credentials import Match, Reading

ShownFile = Annotated[str, typer.Argument(metavar="FILE", help="The file.")]


def media_app(new_app: Callable[..., typer.Typer]) -> typer.Typer:
    """The group."""
    group = new_app(
        "Content credentials: end credits inside files.\n\n"
        "Example: endcredits media sign song.mp3 --output-id ID --cert chain.pem --key key.pem"
    )
    group.command("sign")(sign)
    group.command("read")(read)
    group.command("lookup")(lookup)
    group.command("trial-key")(trial_key)
    return group


def sign(
    file: Annotated[str, typer.Argument(metavar="OUTPUT_FILE", help="The output's file; it stays as it is.")],
    output_id: Annotated[str, typer.Option(help="The attributed output; it must have a receipt.")],
    cert: Annotated[str, typer.Option(help="PEM file: the signer's certificate, then its issuers.")],
    key: Annotated[str, typer.Option(help="PEM file: the certificate's private key.")],
    out: Annotated[str, typer.Option(help="The signed copy; beside the file by default.")] = "",
    works: Annotated[int, typer.Option(min=0, help="How many works are named, the largest first; at most 20.")] = 10,
    names: Annotated[bool, typer.Option("--names/--no-names", help="Name titles and creators, or work ids alone.")] = True,
    shares: Annotated[bool, typer.Option("--shares", help="Tell each named work's share.")] = False,
    receipt_url: Annotated[
        str, typer.Option(envvar="ENDCREDITS_RECEIPT_URL", help="Address of receipts, with {receipt_id} in it.")
    ] = "",
    mining: Annotated[
        list[str] | None,
        typer.Option(help="May others mine or train on it: no, yes, or USE=VALUE (ai_generative_training=notAllowed)."),
    ] = None,
    made_from: Annotated[
        list[str] | None, typer.Option("--input", help="A file that it was made from; its credentials come along.")
    ] = None,
    disclosure: Annotated[str, typer.Option(help="TOML file: provider, system, watermark, label and so on.")] = "",
    sidecar: Annotated[bool, typer.Option("--sidecar", help="Put the manifest beside the file.")] = False,
    rendition: Annotated[
        bool, typer.Option("--rendition", help="The file is the output in another form, on your word.")
    ] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Sign a copy of an output's file: who made it, the works that moved it most, and where the proof is.

    Example: endcredits media sign poem.txt --output-id output:1f0c --cert chain.pem --key key.pem
    """
    from endcredits.flows import crediting_media
    from endcredits.flows.clock import now
    from endcredits.receipts.credentials import load_signatory

    wishes = crediting_media.Wishes(
        works=works,
        names=names,
        shares=shares,
        receipt_url=receipt_url,
        mining=tuple(mining or ()),
        inputs=tuple(Path(one) for one in made_from or ()),
        sidecar=sidecar,
        rendition=rendition,
        disclosure=Path(disclosure) if disclosure else None,
    )
    signatory = load_signatory(cert, key, now())
    with opened(studio) as place:
        made = crediting_media.sign(place, Path(file), output_id, signatory, wishes=wishes, out=Path(out) if out else None)
    if as_json:
        print_json(
            {
                "file": str(made.file),
                "output_id": made.output_id,
                "state": made.reading.state,
                "trusted_by": "the root of the given chain" if made.trusted_root else "whoever trusts the issuer",
                "manifest_sha256": made.manifest_sha256,
                "manifest_bytes": made.manifest_bytes,
                "disclosure": made.disclosure_id,
                "iscc": list(made.codes.iscc),
                "why_no_content_code": made.codes.why_not,
                "works": [one.work_id for one in made.works],
            }
        )
        return
    carried = "carries" if made.reading.carrier == "in the file" else "is"
    say(
        f"Signed: {made.file} {carried} a manifest of {made.manifest_bytes} bytes, "
        f"with {counted(len(made.works), 'work')} named."
    )
    say(
        f"It reads back as {made.reading.state}"
        + (" for whoever trusts the root of your chain." if made.trusted_root else ".")
    )
    if made.trusted_root:
        say("Public viewers know no such root and show an unknown signer (Valid).")
    say(f"Disclosed in the log as {made.disclosure_id}.")
    if made.codes.why_not:
        say(f"A copy without its manifest is found by its bytes only: {made.codes.why_not}.")


def read(
    file: ShownFile,
    trust: Annotated[str, typer.Option(help="PEM file of roots that you trust.")] = "",
    sidecar: Annotated[str, typer.Option(help="The manifest, where it is not in the file or beside it.")] = "",
    receipt: Annotated[str, typer.Option(help="The receipt that it names, to be held against it; with --vkey.")] = "",
    vkey: Annotated[str, typer.Option(help="The log's public key, or a file with it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Read a file's content credentials and validate them, without a studio and without the network.

    Trusted: unchanged, signed under a root that you gave. Valid: unchanged, by a signer whom you do not know. Invalid:
    changed (exit code 3). none: no credentials; 'media lookup' may find what was stripped.

    Example: endcredits media read picture.signed.png --trust root.pem
    """
    from endcredits.receipts.credentials import load_anchors
    from endcredits.receipts.credentials import read as read_file

    found = read_file(file, sidecar=sidecar or None, anchors=load_anchors(trust) if trust else "")
    against = _against(found, receipt, vkey)
    if as_json:
        print_json(_plain(found) | ({} if against is None else {"receipt_problems": against}))
    else:
        _show(file, found)
        for problem in against or ():
            say(f"WRONG  {receipt}: {problem}")
        if against == []:
            say(f"The receipt {receipt} verifies, and the file says what it says.")
    if found.state == "Invalid" or against:
        raise typer.Exit(FAILED_CHECK)


def lookup(
    file: ShownFile,
    most: Annotated[int, typer.Option(min=1, help="How many outputs at most.")] = 5,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Find the output behind a file that lost its credentials: by its exact bytes, or by what it says or shows.

    Example: endcredits media lookup found-on-the-web.jpg
    """
    from endcredits.flows import crediting_media

    with opened(studio) as place:
        found = crediting_media.find(place, Path(file), most=most)
    if as_json:
        print_json(
            {
                "sha256": found.codes.sha256,
                "iscc": list(found.codes.iscc),
                "why_no_content_code": found.codes.why_not,
                "registered": found.registered,
                "matches": [_match(match) for match in found.matches],
            }
        )
        return
    for match in found.matches:
        say(f"{match.entry.output_id}  {_words(match)}")
    if not found.matches:
        say(f"None of {found.registered} registered codes is like it. That does not prove that no model made it.")
    elif all(match.verdict != "same bytes" for match in found.matches):
        say("Likeness is no proof of origin: compare with the output itself before you rely on it.")
    if found.codes.why_not:
        say(f"Compared by its bytes only: {found.codes.why_not}.")


def trial_key(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Where chain.pem, key.pem and root.pem go.")],
    name: Annotated[str, typer.Option(help="Your organisation.")] = "endcredits trial",
    days: Annotated[int, typer.Option(min=1, help="How long they hold.")] = 90,
    purpose: Annotated[
        str, typer.Option(help="emailProtection, documentSigning or 'C2PA claim signing'.")
    ] = "emailProtection",
    as_json: JsonOption = False,
) -> None:
    """Make a certificate and key to try things out. No public viewer trusts them.

    Example: endcredits media trial-key keys/trial
    """
    from endcredits.flows.clock import now
    from endcredits.receipts.credentials import make_trial_key

    made = make_trial_key(Path(folder), name, now(), days=days, purpose=purpose)
    if as_json:
        print_json({"cert": str(made.chain), "key": str(made.key), "root": str(made.root), "trusted": False})
        return
    say(f"Made {made.chain} (--cert), {made.key} (--key) and {made.root} (--trust).")
    say("For trial only: what they sign is Valid everywhere and Trusted nowhere but under --trust.")


def _against(found: Reading, receipt: str, vkey: str) -> list[str] | None:
    """What a receipt says against the file; None where none was given."""
    from endcredits.errors import InputError
    from endcredits.receipts.credentials import disagreements

    if not receipt and not vkey:
        return None
    if not receipt or not vkey:
        raise InputError("--receipt and --vkey go together", remedy="Give both.", field="--receipt")
    try:
        return list(disagreements(found, Path(receipt).read_bytes(), "\n".join(key_lines(vkey))))
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror})", file=error.filename, field="--receipt") from error
    except ValueError as error:
        raise InputError(f"the public key cannot be used ({error})", remedy="Use log.vkey.", field="--vkey") from error


def _plain(found: Reading) -> dict[str, Any]:
    return {
        "state": found.state,
        "media_type": found.media_type,
        "carrier": found.carrier,
        "signer": found.signer,
        "problems": list(found.problems),
        "doubts": list(found.doubts),
        "manifests": found.manifests,
        "actions": [dict(zip(("action", "digital_source_type", "software"), one, strict=True)) for one in found.actions],
        "ingredients": [dict(zip(("relationship", "title"), one, strict=True)) for one in found.ingredients],
        "attribution": found.attribution,
        "disclosure": found.disclosure,
        "training_mining": found.mining,
    }


def _show(file: str, found: Reading) -> None:
    say(f"{found.state.upper()}  {file}" + (f": {found.signer}" if found.signer else ""))
    for problem in found.problems:
        say(f"  {problem}")
    for doubt in found.doubts:
        say(f"  doubtful: {doubt}")
    if found.state == "none":
        say("  It has no content credentials, or lost them. Look it up: endcredits media lookup")
        return
    for action, source_type, software in found.actions:
        say(f"  {action}" + (f" by {software}" if software else "") + (f": {source_type}" if source_type else ""))
    for relationship, title in found.ingredients:
        say(f"  {relationship}  {title}")
    for use, entry in found.mining.items():
        say(f"  {use}: {entry['use']}" + (f" ({entry['constraint_info']})" if "constraint_info" in entry else ""))
    receipt = found.attribution.get("receipt") if found.attribution is not None else None
    if isinstance(receipt, dict):
        where = f", at {receipt['url']}" if receipt.get("url") else ""
        say(f"  receipt {receipt.get('receipt_id')}: entry {receipt.get('log_index')} of {receipt.get('log_origin')}{where}")
    if found.disclosure is not None:
        mark = found.disclosure.get("watermark")
        told = (mark.get("algo") or f"none ({mark.get('reason')})") if isinstance(mark, dict) else "not stated"
        say(f"  watermark: {told}")
    say("Not proven: that the works named moved the output; that is for the receipt and an audit.")


def _words(match: Match) -> str:
    if match.verdict == "same bytes":
        return f"same bytes as the {match.entry.taken_of} output"
    kind = {"text": "text", "image": "picture", "data": "data"}[match.by]
    likeness = "close, such as a re-saved or lightly edited copy" if match.verdict == "close" else "similar only"
    return f"{likeness}: its {kind} code differs in {match.distance_bits} of 256 bits"


def _match(match: Match) -> dict[str, Any]:
    return {
        "output_id": match.entry.output_id,
        "verdict": match.verdict,
        "by": match.by,
        "distance_bits": match.distance_bits,
        "of_bits": 256,
        "taken_of": match.entry.taken_of,
        "registered_at": match.entry.at,
    }
