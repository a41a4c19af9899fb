"""The disclosure record: that a machine made this, which one, when, and how people and programs are told.

One record serves the duties that ask for it (EU AI Act article 50 and its code of practice of June 2026, California SB 942
and AB 853): provider, system and version, time, a unique id, how the file is marked, and what exempts it where something
does. Semantics are checked here, since signing libraries check none: they sign any word as the source type of a file.

A watermark is stated or its absence is given a reason. The EU's marking duty asks for signed metadata *and* an imperceptible
watermark; a manifest alone is half of it, and the record says which half is missing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from endcredits.errors import InputError, NotFoundError
from endcredits.ids import plain_id

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
C2PA_TYPES = "http://c2pa.org/digitalsourcetype/"
GENERATED = IPTC + "trainedAlgorithmicMedia"
COMPOSITE = IPTC + "compositeWithTrainedAlgorithmicMedia"

SOURCE_TYPES = frozenset(
    {C2PA_TYPES + "empty", C2PA_TYPES + "trainedAlgorithmicData"}
    | {
        IPTC + word
        for word in (
            *("algorithmicMedia", "algorithmicallyEnhanced", "composite", "compositeCapture", "compositeSynthetic"),
            *("compositeWithTrainedAlgorithmicMedia", "computationalCapture", "dataDrivenMedia", "digitalArt"),
            *("digitalCapture", "digitalCreation", "humanEdits", "minorHumanEdits", "negativeFilm", "positiveFilm"),
            *("print", "screenCapture", "softwareImage", "trainedAlgorithmicMedia", "virtualRecording"),
        )
    }
)
"""Digital source types of IPTC NewsCodes and of C2PA; another word is somebody's invention."""

KINDS = {"generated": GENERATED, "modified": COMPOSITE, "assisted": COMPOSITE}
"""What a model can have done to an output, and the source type that says so."""
NO_WATERMARK = "no watermark is embedded by this system"
EXCEPTIONS = ("artistic", "authorised by law", "human editorial control", "satirical", "standard editing")
"""Grounds on which article 50 asks for less."""
_TEXT_MAX = 300
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Watermark:
    """An imperceptible mark inside the content.

    Attributes:
        algo: which algorithm; "" for none, and then `reason` says why.
        version: of the algorithm.
        strength: as its maker states it.
        detect_url: where anybody can test for it.
        reason: why there is none; "" where there is one.
    """

    algo: str = ""
    version: str = ""
    strength: str = ""
    detect_url: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VisibleLabel:
    """What people are told.

    Attributes:
        text: the words.
        lang: their language (BCP 47).
        placement: where they stand.
    """

    text: str
    lang: str
    placement: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is disclosed of one output.

    Attributes:
        provider: who offers the system.
        system: its name.
        version: its version.
        kind: "generated", "modified" or "assisted".
        digital_source_type: the source type's full name, which fits the kind.
        parts: which parts of the file were made so; empty for all of it.
        watermark: the mark, or why there is none.
        visible_label: what people are told; None for nothing.
        deepfake: it resembles real people, places or events and could pass for authentic.
        public_interest_text: text published to inform the public.
        human_editor_id: an opaque id of who takes editorial responsibility; "" for nobody. It never goes into the file.
        exceptions: of `EXCEPTIONS`.
    """

    provider: str
    system: str
    version: str
    kind: str = "generated"
    digital_source_type: str = GENERATED
    parts: tuple[str, ...] = ()
    watermark: Watermark = Watermark(reason=NO_WATERMARK)
    visible_label: VisibleLabel | None = None
    deepfake: bool = False
    public_interest_text: bool = False
    human_editor_id: str = ""
    exceptions: tuple[str, ...] = ()


def read_disclosure(path: Path, defaults: Mapping[str, str]) -> Disclosure:
    """Reads the operator's statements from a TOML file; what it leaves out is as in `defaults` and `Disclosure`.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is not TOML, has a key that is not known, or says what cannot be.
    """
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", remedy="Check its name.", file=path) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the disclosure cannot be read ({error})", remedy="Write it as TOML.", file=path) from error
    try:
        return disclosure_of({**defaults, **stated})
    except InputError as error:
        raise InputError(error.message, remedy=error.remedy, file=path, field=error.field) from error


def disclosure_of(stated: Mapping[str, Any]) -> Disclosure:
    """A checked disclosure from plain data.

    Raises:
        InputError: names the field and what it may be.
    """
    known = {field.name for field in fields(Disclosure)}
    for key in stated:
        if key not in known:
            raise InputError("this key is not known", remedy=f"Known: {', '.join(sorted(known))}.", field=key)
    kind = stated.get("kind", "generated")
    if kind not in KINDS:
        raise InputError(f"'{kind}' is no kind", remedy=f"Use {', '.join(KINDS)}.", field="kind")
    source_type = stated.get("digital_source_type", KINDS[kind])
    _check_source_type(source_type, kind)
    made = Disclosure(
        provider=_text(stated, "provider", needed=True),
        system=_text(stated, "system", needed=True),
        version=_text(stated, "version", needed=True),
        kind=kind,
        digital_source_type=source_type,
        parts=_texts(stated, "parts"),
        watermark=_watermark(stated.get("watermark", {"reason": NO_WATERMARK})),
        visible_label=_label(stated.get("visible_label")),
        deepfake=_flag(stated, "deepfake"),
        public_interest_text=_flag(stated, "public_interest_text"),
        human_editor_id=plain_id(stated["human_editor_id"], what="human_editor_id") if "human_editor_id" in stated else "",
        exceptions=_texts(stated, "exceptions"),
    )
    for ground in made.exceptions:
        if ground not in EXCEPTIONS:
            raise InputError(f"'{ground}' is no exception", remedy=f"Use {', '.join(EXCEPTIONS)}.", field="exceptions")
    if (made.deepfake or made.public_interest_text) and made.visible_label is None and not made.exceptions:
        raise InputError(
            "what could pass for real, or informs the public, must tell people what it is",
            remedy="Give visible_label, or the exception that holds.",
            field="visible_label",
        )
    return made


def _check_source_type(source_type: object, kind: str) -> None:
    if source_type not in SOURCE_TYPES:
        raise InputError(
            f"'{str(source_type)[:120]}' is no digital source type",
            remedy=f"Use {KINDS[kind]}; a signature would cover any word, and mean nothing.",
            field="digital_source_type",
        )
    if source_type != KINDS[kind]:
        raise InputError(
            f"a file that is {kind} by a model is not {str(source_type).rpartition('/')[2]}",
            remedy=f"Use {KINDS[kind]}, or another kind.",
            field="digital_source_type",
        )


def _text(stated: Mapping[str, Any], field: str, *, needed: bool = False) -> str:
    value = stated.get(field, "")
    if not isinstance(value, str) or (needed and not value.strip()):
        raise InputError("this must be said in words", remedy="Write one line of text.", field=field)
    if len(value) > _TEXT_MAX or not value.isprintable():
        raise InputError("this is not one printable line", remedy=f"Use at most {_TEXT_MAX} characters.", field=field)
    return value


def _texts(stated: Mapping[str, Any], field: str) -> tuple[str, ...]:
    values = stated.get(field, [])
    if not isinstance(values, (list, tuple)) or len(values) > 100:
        raise InputError("this must be a list of at most 100 lines", remedy='Write ["one", "two"].', field=field)
    return tuple(_text({field: value}, field, needed=True) for value in values)


def _flag(stated: Mapping[str, Any], field: str) -> bool:
    value = stated.get(field, False)
    if not isinstance(value, bool):
        raise InputError("this is true or false", field=field)
    return value


def _watermark(stated: Any) -> Watermark:
    if not isinstance(stated, Mapping) or not set(stated) <= {field.name for field in fields(Watermark)}:
        raise InputError("a watermark has algo, version, strength, detect_url, or a reason", field="watermark")
    mark = Watermark(**{name: _text(stated, name) for name in stated})
    if bool(mark.algo) == bool(mark.reason):
        raise InputError(
            "a watermark has an algo, or there is a reason why there is none",
            remedy='Write watermark = {algo = "..."} or watermark = {reason = "..."}.',
            field="watermark",
        )
    return mark


def _label(stated: Any) -> VisibleLabel | None:
    if stated is None:
        return None
    if not isinstance(stated, Mapping) or set(stated) != {"text", "lang", "placement"}:
        raise InputError("a visible label has text, lang and placement", field="visible_label")
    label = VisibleLabel(**{name: _text(stated, name, needed=True) for name in ("text", "lang", "placement")})
    if not _LANGUAGE.fullmatch(label.lang):
        raise InputError(f"'{label.lang}' is no language", remedy="Use a tag such as en or pt-BR.", field="visible_label")
    return label
