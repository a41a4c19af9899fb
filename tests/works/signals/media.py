"""Small real files with metadata in them, made with the libraries that people use."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, PdfParser, PngImagePlugin

VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PLUS = "http://ns.useplus.org/ldf/xmp/1.0/"
TDM = "http://www.w3.org/ns/tdmrep/"


def packet(inside: str = "", attributes: str = "", wrapped: bool = True) -> str:
    """An XMP packet with properties as elements or attributes."""
    rdf = (
        f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" xmlns:plus="{PLUS}" xmlns:tdm="{TDM}" '
        f'xmlns:cc="http://creativecommons.org/ns#" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" {attributes}>'
        f"{inside}</rdf:Description></rdf:RDF>"
    )
    if not wrapped:
        return rdf
    head = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    return f'{head}<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="t">{rdf}</x:xmpmeta><?xpacket end="w"?>'


def mining(value: str, attribute: bool = False) -> str:
    """A packet with `plus:DataMining`."""
    address = value if "/" in value or not value.startswith("DMI") else VOCABULARY + value
    return (
        packet(attributes=f'plus:DataMining="{address}"')
        if attribute
        else packet(f"<plus:DataMining>{address}</plus:DataMining>")
    )


def image() -> Image.Image:
    return Image.radial_gradient("L").convert("RGB").resize((40, 30))


def picture(kind: str, xmp: str | None) -> bytes:
    """A JPEG, PNG, WebP, TIFF, AVIF or GIF file as Pillow writes it."""
    out = io.BytesIO()
    options: dict[str, Any] = {} if xmp is None else {"xmp": xmp.encode()}
    if kind == "PNG" and xmp is not None:
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp)
        options = {"pnginfo": text}
    if kind == "TIFF" and xmp is not None:
        options = {"tiffinfo": {700: xmp.encode()}}
    image().save(out, kind, **options)
    return out.getvalue()


def png_with(kind: bytes, chunk: bytes) -> bytes:
    """A PNG file with one more chunk before its picture."""
    data = picture("PNG", None)
    body = len(chunk).to_bytes(4, "big") + kind + chunk + zlib.crc32(kind + chunk).to_bytes(4, "big")
    return data[:33] + body + data[33:]


def extended_jpeg(main: str, more: str, pieces: int = 3) -> bytes:
    """A JPEG whose metadata goes on in extension segments, given out of order."""
    data, text, guid = picture("JPEG", main), more.encode(), b"0123456789ABCDEF0123456789ABCDEF"
    size = -(-len(text) // pieces)
    segments = []
    for at in range(0, len(text), size):
        body = b"http://ns.adobe.com/xmp/extension/\0" + guid + len(text).to_bytes(4, "big") + at.to_bytes(4, "big")
        body += text[at : at + size]
        segments.append(b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body)
    return data[:2] + b"".join(reversed(segments)) + data[2:]


def pdf(folder: Path, xmp: str | None, *, packed: bool = False, catalogue: bool = True) -> bytes:
    """A PDF of one page by Pillow, with a metadata stream that its catalogue names."""
    file = folder / "page.pdf"
    image().save(file)
    if xmp is not None:
        with PdfParser.PdfParser(str(file), mode="r+b") as book:
            book.start_writing()
            text = zlib.compress(xmp.encode()) if packed else xmp.encode()
            more = {"Filter": PdfParser.PdfName("FlateDecode")} if packed else {}
            names = {"Type": PdfParser.PdfName("Metadata"), "Subtype": PdfParser.PdfName("XML"), **more}
            stream = book.write_obj(None, stream=text, **names)
            pages, metadata = book.pages_ref, {"Metadata": stream} if catalogue else {}
            book.del_root()
            book.root_ref = book.next_object_id(book.f.tell())
            book.write_obj(book.root_ref, Type=PdfParser.PdfName("Catalog"), Pages=pages, **metadata)
            book.write_xref_and_trailer()
    return file.read_bytes()


def box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def mp4(xmp: str | None, where: str = "uuid") -> bytes:
    """The boxes of a small MP4 or MOV file."""
    inside = b"" if xmp is None else xmp.encode()
    uuid = box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + inside) if where == "uuid" else b""
    data = box(b"udta", box(b"XMP_", inside)) if where == "udta" else b""
    return (
        box(b"ftyp", b"isom\0\0\2\0isommp41")
        + uuid
        + box(b"moov", box(b"mvhd", b"\0" * 100) + data)
        + box(b"mdat", b"\0" * 64)
    )


CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def opf(metadata: str, version: str = "3.0") -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><package xmlns="http://www.idpf.org/2007/opf" version="{version}" '
        'prefix="tdm: http://www.w3.org/ns/tdmrep#" unique-identifier="i"><metadata '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>T</dc:title>{metadata}</metadata><manifest/><spine/></package>'
    )


def epub(package: str, container: str = CONTAINER, **more: bytes) -> bytes:
    """An EPUB file; further members by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", container, zipfile.ZIP_DEFLATED)
        book.writestr("OPS/book.opf", package, zipfile.ZIP_DEFLATED)
        for name, data in more.items():
            book.writestr(name, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
