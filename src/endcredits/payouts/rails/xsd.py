"""A reader of XML that checks it against a schema on the way, fast enough for every file that is sent.

ISO 20022 schemas use a small part of XML Schema 1.0: named types, sequences and choices of elements, texts with lengths,
patterns and lists of values, decimals, dates, one attribute. `load_schema` turns such a schema into one regular expression
per type over the names of its children, and one test per kind of text; what fits is passed by whole shapes, and only a
document that does not is gone through again to name the places. Anything else in a schema is refused when it is
loaded, so that nothing passes because it was not understood. The slow twin is the library `xmlschema`, with which the
tests compare every verdict.
"""

from __future__ import annotations

import datetime
import functools
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from endcredits.payouts.rails.safe_xml import local

_XS = "{http://www.w3.org/2001/XMLSchema}"
_SPACE = " \t\r\n"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
PROBLEMS_MAX = 20
"""So many problems are named; the file is refused anyway."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A kind of text.

    Attributes:
        sure: matches only texts that fit; others may fit too.
        problem: tells what is wrong with a text, "" when it fits.
    """

    sure: re.Pattern[str]
    problem: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Type:
    """A type of the schema.

    Attributes:
        content: what the names of the children must match, each followed by a comma; None for a text.
        children: type name by child's name.
        text: the kind of text; None for elements with children.
        attributes: kind of text by name of the attributes, all required.
        anything: whether any elements may stand inside (xs:any).
        shapes: the types of the children by their names with namespace, None where these do not fit; filled on the way.
    """

    content: re.Pattern[str] | None
    children: dict[str, str]
    text: _Text | None
    attributes: dict[str, _Text]
    anything: bool = False
    shapes: dict[tuple[str, ...], list[_Type] | None] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema that was loaded.

    Attributes:
        namespace: what its documents' elements belong to.
        roots: type name by name of the outermost element.
        types: by name.
    """

    namespace: str
    roots: dict[str, str]
    types: dict[str, _Type]


@functools.lru_cache(maxsize=16)
def load_schema(path: Path) -> Schema:
    """Loads a schema file, once per process.

    Raises:
        ValueError: the schema uses what is not understood here.
    """
    root = ET.parse(path).getroot()
    simple: dict[str, _Text] = {}
    named = {child.get("name", ""): child for child in root if child.tag in (f"{_XS}simpleType", f"{_XS}complexType")}
    for name, node in named.items():
        if node.tag == f"{_XS}simpleType":
            simple[name] = _simple(node)
    types = {name: _Type(None, {}, test, {}) for name, test in simple.items()}
    for name, node in named.items():
        if node.tag == f"{_XS}complexType":
            types[name] = _complex(node, simple)
    roots = {child.get("name", ""): child.get("type", "") for child in root if child.tag == f"{_XS}element"}
    known = {name for one in types.values() for name in one.children.values()} | set(roots.values())
    if not known <= set(types):
        raise ValueError(f"{path}: no type {sorted(known - set(types))}")
    return Schema(root.get("targetNamespace", ""), roots, types)


def problems(root: ET.Element, schema: Schema) -> list[str]:
    """What of a document does not fit the schema, in words that begin with the place; at most twenty."""
    found: list[str] = []
    name = root.tag.removeprefix(f"{{{schema.namespace}}}")
    if name not in schema.roots:
        return [f"{local(root)}: the document is not of {schema.namespace}"]
    if _fits(root, schema.types[schema.roots[name]], schema):
        return []
    _check(root, schema.types[schema.roots[name]], schema, len(schema.namespace) + 2, [name], found)
    return found


def _fits(element: ET.Element, kind: _Type, schema: Schema) -> bool:
    """Whether an element surely fits its type; what `_check` finds word by word, this sees by whole shapes."""
    if kind.text is not None:
        if len(element) or not _text_fits(kind.text, element.text or ""):
            return False
        return not (element.attrib or kind.attributes) or _attributes_fit(element, kind)
    if kind.anything or element.attrib or (element.text and element.text.strip(_SPACE)):
        return kind.anything
    tags = tuple([child.tag for child in element])
    if tags not in kind.shapes:
        kind.shapes[tags] = _shape(tags, kind, schema)
    shape = kind.shapes[tags]
    if shape is None:
        return False
    for child, child_kind in zip(element, shape, strict=True):
        if (child.tail and child.tail.strip(_SPACE)) or not _fits(child, child_kind, schema):
            return False
    return True


def _text_fits(kind: _Text, text: str) -> bool:
    return kind.sure.fullmatch(text) is not None or not kind.problem(text)


def _attributes_fit(element: ET.Element, kind: _Type) -> bool:
    return element.attrib.keys() == kind.attributes.keys() and all(
        _text_fits(kind.attributes[name], value) for name, value in element.attrib.items()
    )


def _shape(tags: tuple[str, ...], kind: _Type, schema: Schema) -> list[_Type] | None:
    """The types of children with these names; None when they are not what the type asks for."""
    space = f"{{{schema.namespace}}}"
    names = [tag.removeprefix(space) for tag in tags]
    if any(not tag.startswith(space) for tag in tags) or kind.content is None:
        return None
    if not kind.content.fullmatch("".join(f"{name}," for name in names)):
        return None
    return [schema.types[kind.children[name]] for name in names]


def _check(element: ET.Element, kind: _Type, schema: Schema, cut: int, trail: list[str], found: list[str]) -> None:
    if len(found) >= PROBLEMS_MAX:
        return
    if element.attrib or kind.attributes:
        _check_attributes(element, kind, trail, found)
    if kind.text is not None:
        if len(element):
            found.append(f"{'/'.join(trail)}: elements stand where a text belongs")
        elif problem := kind.text.problem(element.text or ""):
            found.append(f"{'/'.join(trail)}: {problem}")
        return
    if kind.anything:
        return
    foreign = next((child for child in element if child.tag[:cut] != f"{{{schema.namespace}}}"), None)
    if foreign is not None:
        found.append(f"{'/'.join(trail)}/{local(foreign)}: it is of another namespace")
        return
    names = [child.tag[cut:] for child in element]
    if kind.content is not None and not kind.content.fullmatch("".join(f"{name}," for name in names)):
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        found.append(f"{'/'.join(trail)}: its elements ({shown or 'none'}) are not those of its type, in their order")
        return
    if _ink(element.text) or any(_ink(child.tail) for child in element):
        found.append(f"{'/'.join(trail)}: text stands between elements")
    types, children = schema.types, kind.children
    for place, (name, child) in enumerate(zip(names, element, strict=True), 1):
        trail.append(f"{name}[{place}]")
        _check(child, types[children[name]], schema, cut, trail, found)
        trail.pop()


def _ink(text: str | None) -> bool:
    return bool(text and text.strip(_SPACE))


def _check_attributes(element: ET.Element, kind: _Type, trail: list[str], found: list[str]) -> None:
    for name, value in element.attrib.items():
        test = kind.attributes.get(name)
        if test is not None:
            if problem := test.problem(value):
                found.append(f"{'/'.join(trail)}/@{name}: {problem}")
        elif name not in (f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation"):
            found.append(f"{'/'.join(trail)}/@{name}: the schema has no such attribute")
    for name in kind.attributes:
        if name not in element.attrib:
            found.append(f"{'/'.join(trail)}: the attribute {name} is missing")


def _complex(node: ET.Element, simple: dict[str, _Text]) -> _Type:
    (body,) = list(node)
    if body.tag == f"{_XS}simpleContent":
        (extension,) = list(body)
        attributes = {}
        for attribute in extension:
            if attribute.tag != f"{_XS}attribute" or attribute.get("use") != "required":
                raise ValueError(f"{attribute.tag} is not understood")
            attributes[attribute.get("name", "")] = simple[attribute.get("type", "")]
        return _Type(None, {}, simple[extension.get("base", "")], attributes)
    if [child.tag for child in body] == [f"{_XS}any"]:
        return _Type(None, {}, None, {}, anything=True)
    children: dict[str, str] = {}
    return _Type(re.compile(_group(body, children)), children, None, {})


def _group(node: ET.Element, children: dict[str, str]) -> str:
    """The regular expression of a sequence, a choice or an element, over names that end in commas."""
    if node.tag == f"{_XS}element":
        name = node.get("name", "")
        if children.setdefault(name, node.get("type", "")) != node.get("type", ""):
            raise ValueError(f"{name} has two types")
        inside = f"{re.escape(name)},"
    elif node.tag == f"{_XS}sequence":
        inside = "".join(_group(child, children) for child in node)
    elif node.tag == f"{_XS}choice":
        inside = "|".join(_group(child, children) for child in node)
    else:
        raise ValueError(f"{node.tag} is not understood")
    least, most = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
    often = {("1", "1"): "", ("0", "1"): "?", ("0", "unbounded"): "*", ("1", "unbounded"): "+"}
    exactly = "{" + least + "," + ("" if most == "unbounded" else most) + "}"
    return f"(?:{inside}){often.get((least, most), exactly)}"


def _simple(node: ET.Element) -> _Text:
    (restriction,) = list(node)
    base = restriction.get("base", "")
    facets: dict[str, list[str]] = {}
    for facet in restriction:
        facets.setdefault(facet.tag.removeprefix(_XS), []).append(facet.get("value", ""))
    if base == "xs:string" and set(facets) <= {"minLength", "maxLength", "pattern", "enumeration"}:
        return _string(facets)
    if base == "xs:decimal" and set(facets) <= {"fractionDigits", "totalDigits", "minInclusive"}:
        return _decimal(facets)
    if base in ("xs:date", "xs:dateTime", "xs:boolean") and not facets:
        return _Text(_NEVER, {"xs:date": _date, "xs:dateTime": _date_time, "xs:boolean": _boolean}[base])
    raise ValueError(f"a {base} with {sorted(facets)} is not understood")


_NEVER = re.compile(r"(?!)")


def _string(facets: dict[str, list[str]]) -> _Text:
    least, most = int(facets.get("minLength", ["0"])[0]), int(facets.get("maxLength", [str(2**31)])[0])
    values = frozenset(facets.get("enumeration", ()))
    # A schema's pattern is anchored at both ends; the few that occur mean the same in Python.
    pattern = re.compile("|".join(f"(?:{one})" for one in facets["pattern"])) if "pattern" in facets else None

    def test(text: str) -> str:
        if not least <= len(text) <= most:
            return f"its length of {len(text)} is not {least} to {most}"
        if values and text not in values:
            return f"{text[:40]!r} is not one of its values"
        return "" if pattern is None or pattern.fullmatch(text) else f"{text[:40]!r} does not have its form"

    if values:
        return _Text(re.compile("|".join(map(re.escape, values))) if pattern is None else _NEVER, test)
    bounds = f"{{{least},{min(most, 10_000)}}}"
    ahead = f"(?=(?s:.{bounds})\\Z)" if pattern is not None and (least or "maxLength" in facets) else ""
    return _Text(re.compile(ahead + f"(?:{pattern.pattern})" if pattern else f"(?s:.{bounds})"), test)


_DECIMAL = re.compile(r"[+-]?(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))")


def _decimal(facets: dict[str, list[str]]) -> _Text:
    digits, decimals = int(facets["totalDigits"][0]), int(facets["fractionDigits"][0])
    if facets.get("minInclusive", ["0"]) != ["0"]:
        raise ValueError("only a least value of 0 is understood")

    def test(text: str) -> str:
        match = _DECIMAL.fullmatch(text.strip(_SPACE))
        if match is None:
            return f"{text[:40]!r} is not a decimal number"
        whole, part = (match[1] or "").lstrip("0"), (match[2] or match[3] or "").rstrip("0")
        if len(part) > decimals or len(whole) + len(part) > digits:
            return f"{text[:40]} has more than {decimals} decimals or {digits} digits"
        negative = text.lstrip().startswith("-") and (whole or part)
        return f"{text[:40]} is less than 0" if "minInclusive" in facets and negative else ""

    part = f"(?:\\.[0-9]{{1,{decimals}}})?" if decimals else ""
    return _Text(re.compile(f"[0-9]{{1,{max(1, digits - decimals)}}}{part}"), test)


_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_DAY = re.compile(rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}}){_ZONE}")
_TIME = re.compile(rf"([0-9-]{{10}})T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?{_ZONE}")


def _date(text: str) -> str:
    match = _DAY.fullmatch(text.strip(_SPACE))
    try:
        if match is not None:
            datetime.date(int(match[1]), int(match[2]), int(match[3]))
            return ""
    except ValueError:
        pass
    return f"{text[:40]!r} is not a date"


def _date_time(text: str) -> str:
    match = _TIME.fullmatch(text.strip(_SPACE))
    return "" if match is not None and not _date(match[1]) else f"{text[:40]!r} is not a time"


def _boolean(text: str) -> str:
    return "" if text.strip(_SPACE) in ("true", "false", "0", "1") else f"{text[:40]!r} is not true or false"
