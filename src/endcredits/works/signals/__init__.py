"""What the world already says about the use of works: one reader per carrier, and what it all means together.

    from endcredits.works.signals import Found, combined, read_robots, read_work

    signals = read_work(photo, Found("photos/cat.jpg", read_at="2026-11-21T12:00:00Z")).signals
    signals += read_robots(robots_txt, Found("https://a.example/robots.txt", path="/photos/cat.jpg"))
    combined(signals)["train"].value     # only "allow" is a yes; .reason says why, .signal says who

| carrier | standards | reader |
|---|---|---|
| robots.txt | AIPREF and CC signals (`Content-Usage`), Cloudflare (`Content-Signal`), RSL (`License`) | `read_robots` |
| ai.txt | Spawning | `read_ai_txt` |
| /.well-known/tdmrep.json | TDMRep | `read_tdmrep_json` |
| HTTP headers | AIPREF, CC signals, TDMRep, RSL and licence links, noai | `read_headers` |
| web pages | TDMRep, AIPREF, RSL and licence links, noai | `read_page` |
| RSL documents | RSL 1.0 | `read_rsl` |
| XMP in JPEG, PNG, WebP, TIFF, GIF, MP4, PDF, SVG, sidecars | PLUS/IPTC, TDMRep, Creative Commons, RSL | `read_work` |
| EPUB 2 and 3 | TDMRep, licences | `read_work`, `read_epub` |
| text files | SPDX headers | `read_work`, `read_spdx` |
| JSON of a C2PA reader | CAWG training and data mining | `read_c2pa` |

A wrong spelling or an unknown value is a finding and honoured as a no; see `records`.
"""

from endcredits.works.signals.ai_txt import read_ai_txt
from endcredits.works.signals.c2pa import read_c2pa
from endcredits.works.signals.combine import Answer, combined, strength
from endcredits.works.signals.epub import read_epub
from endcredits.works.signals.headers import read_headers
from endcredits.works.signals.licence_words import read_spdx, spdx_of_address
from endcredits.works.signals.packets import Buffer
from endcredits.works.signals.records import Carrier, Found, Signal, carrier_of, problems_of
from endcredits.works.signals.robots import READ_BYTES_MAX, Fetch, may_fetch, read_robots
from endcredits.works.signals.rsl import looks_like_rsl, read_rsl
from endcredits.works.signals.tdmrep import read_tdmrep_json
from endcredits.works.signals.web_page import read_page
from endcredits.works.signals.work import Reading, read_work
from endcredits.works.signals.xmp import read_xmp

__all__ = [
    "READ_BYTES_MAX",
    "Answer",
    "Buffer",
    "Carrier",
    "Fetch",
    "Found",
    "Reading",
    "Signal",
    "carrier_of",
    "combined",
    "looks_like_rsl",
    "may_fetch",
    "problems_of",
    "read_ai_txt",
    "read_c2pa",
    "read_epub",
    "read_headers",
    "read_page",
    "read_robots",
    "read_rsl",
    "read_spdx",
    "read_tdmrep_json",
    "read_work",
    "read_xmp",
    "spdx_of_address",
    "strength",
]
