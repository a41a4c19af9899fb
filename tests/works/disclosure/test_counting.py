"""What is counted of works: by hand, at the edges, and never more than is known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from endcredits.works.disclosure import WorkFile, tally
from endcredits.works.disclosure.counting import files_of, modality_of, size_bands, top_domains
from endcredits.works.disclosure.licence_ids import hub_licences, licence_urls, spdx_url
from tests.works.disclosure import made

files = st.builds(
    WorkFile,
    st.integers(0, 5).map(lambda number: f"{number:064x}"),
    st.sampled_from(["text/plain", "image/png", "audio/flac", "application/zip"]),
    st.integers(0, 10**6),
)


@given(st.lists(st.lists(files, max_size=4), max_size=5))
def test_a_file_of_several_works_is_counted_once(lists: list[list[WorkFile]]) -> None:
    """Against counting one by one: by digest, the last of equal digests tells the type."""
    works = [made.work(number + 1, files=tuple(one)) for number, one in enumerate(lists)]
    counted, last = tally(works), {}
    for one in lists:
        for file in one:
            last[file.sha256] = file
    assert counted.works == len(lists) and counted.files == len(last)
    assert counted.size_bytes == sum(file.size_bytes for file in last.values())
    assert sum(number for _, number, _ in counted.media_types) == counted.files
    assert sum(size for _, _, size in counted.media_types) == counted.size_bytes
    assert set(counted.modalities) == {modality_of(file.media_type) for file in last.values()}
    assert list(files_of(works)) == sorted(last)


def test_the_rest_of_a_tally() -> None:
    counted = tally(
        [
            made.work(2, licences=("MIT", "ISC"), taken_back=True),
            made.work(1),
            made.work(3, ground="contract", licences=(), names=("Author 1", "Zoë")),
        ]
    )
    assert counted.grounds == (("open licence", 2), ("contract", 1))
    assert counted.licences == (("ISC", 1), ("MIT", 2)) and counted.names == ("Author 1", "Author 2", "Zoë")
    assert (counted.first_on, counted.last_on, counted.taken_back) == ("2026-01-01", "2026-01-03", 1)
    nothing = tally([])
    assert (nothing.works, nothing.first_on, nothing.modalities) == (0, "", ())


def sized(media_type: str, size: int, number: int = 1) -> WorkFile:
    return WorkFile(f"{number:064x}", media_type, size)


def test_a_band_is_told_only_where_bytes_prove_it() -> None:
    """A text has at most a token a byte; what is packed, long or measured in hours has to be declared."""

    def bands(*files: WorkFile) -> dict[str, str]:
        return size_bands(tally([made.work(1, files=files)]))

    assert bands(sized("text/plain", 10**9 - 1)) == {"text": "less than 1 billion tokens"}
    assert bands(sized("text/plain", 10**9)) == {}
    assert bands(sized("text/plain", 10), sized("application/epub+zip", 10, 2)) == {}
    assert bands(sized("image/png", 10**12)) == {"image": "less than 1 million images"}
    assert bands(sized("audio/flac", 1), sized("video/mp4", 1, 2), sized("model/obj", 1, 3)) == {}
    assert bands() == {}


def test_top_domains_are_a_tenth_by_bytes_or_unknown() -> None:
    def page(number: int, size: int, *urls: str) -> WorkFile:
        return WorkFile(f"{number:064x}", "text/html", size, "", urls)

    many = [page(number, number, f"https://h{number:02d}.example/x") for number in range(1, 22)]
    works = [made.work(1, files=tuple(many))]
    assert top_domains(works, small_company=False) == ("h21.example", "h20.example", "h19.example")
    assert top_domains(works, small_company=True) == ("h21.example", "h20.example")
    unknown = [made.work(1, files=(*many, page(99, 1)))]
    assert top_domains(unknown, small_company=False) == ()
    assert top_domains([made.work(1, files=(page(1, 1, "nonsense"),))], small_company=False) == ()
    assert top_domains([], small_company=False) == ()


def test_names_of_licences_elsewhere() -> None:
    free = tally([made.work(1), made.work(2, ground="public domain", licences=("CC0-1.0",))])
    assert hub_licences(free) == ("cc0-1.0", "mit")
    assert licence_urls(free) == ("https://spdx.org/licenses/CC0-1.0.html", "https://spdx.org/licenses/MIT.html")
    own = tally([made.work(1, licences=("public domain",), ground="public domain")])
    assert hub_licences(own) == ("other",) and licence_urls(own) == () and spdx_url("<b>") == ""
    mixed = tally([made.work(1), made.work(2, ground="contract", licences=())])
    assert hub_licences(mixed) == ("other",) and licence_urls(mixed) == ()
    assert hub_licences(tally([])) == ()
