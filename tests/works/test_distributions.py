"""Installed distributions become works: names without addresses, some files held out, and never more read than asked."""

import hashlib
from importlib import metadata
from pathlib import Path

import pytest

from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.works import VALUES, Contributor, read_distributions
from endcredits.works.distributions import canonical_name, contributors_of

LIMIT = 20_000


def source(name: str, lines: int = 20) -> bytes:
    """A Python file of about 30 bytes a line."""
    return "".join(f"{name}_{number:06d} = {number:08d}\n" for number in range(lines)).encode()


def install(
    site: Path, name: str, files: dict[str, bytes], headers: str = "License-Expression: MIT\nAuthor: A. Smith\n"
) -> None:
    """Lays out a distribution as an installer does."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{headers}\n")
    for path, data in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
    rows = [f"{path},sha256=x,{len(data)}\n" for path, data in files.items()]
    (info / "RECORD").write_text("".join([*rows, f"{name}-1.0.dist-info/METADATA,,\n"]))


def installed(site: Path) -> list[metadata.Distribution]:
    return list(metadata.distributions(path=[str(site)]))


def test_the_running_environment_names_people_and_never_addresses() -> None:
    works, _ = read_distributions(max_bytes_per_work=LIMIT)

    named = [one for work in works for one in work.submission.contributors]
    assert len(works) > 10 and len(named) > 10
    assert not [one.name for one in named if "@" in one.name]
    everybody = [one for distribution in metadata.distributions() for one in contributors_of(distribution)]
    assert not [one.name for one in everybody if "@" in one.name]


def test_the_running_environment_keeps_its_bounds() -> None:
    works, skipped = read_distributions(max_bytes_per_work=LIMIT)
    again, _ = read_distributions(max_bytes_per_work=LIMIT)

    assert works == again
    assert [work.submission.work_id for work in works] == [plain_id(work.submission.work_id) for work in works]
    assert "endcredits" not in {work.submission.title for work in works} | {one.name for one in skipped}
    registered = {data for work in works for _, _, data in work.submission.content}
    for work in works:
        assert 0 < sum(len(data) for _, _, data in work.submission.content) <= LIMIT
        assert sum(len(data) for _, data in work.held_out) <= LIMIT // 4
        assert not registered & {data for _, data in work.held_out}
        assert [path for path, _, _ in work.submission.content] == sorted(path for path, _, _ in work.submission.content)
        assert work.submission.permission in VALUES
    assert all(one.reason for one in skipped)


def test_a_work_is_made_from_metadata_and_own_sources(tmp_path: Path) -> None:
    headers = "License: BSD\nClassifier: License :: OSI Approved :: MIT License\nAuthor: A. Smith\n"
    headers += "Maintainer-email: B <b@example.org>\n"
    install(
        tmp_path,
        "Foo.Bar",
        {
            "foo/a.py": source("a"),
            "foo/tests/t.py": source("t"),
            "foo/_vendor/v.py": source("v"),
            "foo/tiny.py": b"x = 1\n",
            "foo/data.txt": source("d"),
            "../out.py": source("o"),
        },
        headers,
    )

    works, skipped = read_distributions(installed=installed(tmp_path))

    assert skipped == []
    only = works[0].submission
    assert (only.work_id, only.title, works[0].held_out) == ("pypi:foo-bar@1.0", "Foo.Bar", ())
    assert only.content == (("foo/a.py", "text/x-python", source("a")),)
    assert only.contributors == (Contributor("A. Smith", "author"), Contributor("B", "maintainer"))
    assert (only.permission, only.permission_source) == ("allow", "package metadata: Classifier")


@pytest.mark.parametrize(
    ("headers", "value", "place"),
    [
        ("License-Expression: GPL-3.0-only\nLicense: MIT\n", "conditional", "License-Expression"),
        ("License: MIT\nClassifier: License :: OSI Approved\n", "allow", "License"),
        (f"License: MIT {'and so on ' * 20}\n", "unknown", ""),
        ("License: MIT\n        Copyright\n", "unknown", ""),
        ("", "unknown", ""),
        ("License: NVIDIA Proprietary Software\n", "deny", "License"),
    ],
)
def test_the_licence_is_read_from_its_best_place(tmp_path: Path, headers: str, value: str, place: str) -> None:
    install(tmp_path, "foo", {"foo.py": source("a")}, headers)

    work = read_distributions(installed=installed(tmp_path))[0][0].submission

    assert work.permission == value
    assert work.permission_source == (f"package metadata: {place}" if place else "package metadata")


def test_about_one_file_in_five_is_held_out_and_every_file_goes_one_way(tmp_path: Path) -> None:
    files = {f"foo/m{number}.py": source(f"m{number}") for number in range(50)}
    install(tmp_path, "foo", files)

    work = read_distributions(installed=installed(tmp_path))[0][0]
    whole = read_distributions(held_out=False, installed=installed(tmp_path))[0][0]

    train = {path for path, _, _ in work.submission.content}
    held = {path for path, _ in work.held_out}
    assert len(held) == 10
    assert train | held == set(files) and not train & held
    order = sorted(files, key=lambda path: hashlib.sha256(f"foo\n{path}".encode()).digest())
    assert held == set(order[::5])
    assert (len(whole.submission.content), whole.held_out) == (50, ())


def test_two_usable_files_give_one_to_each_side(tmp_path: Path) -> None:
    install(
        tmp_path,
        "foo",
        {"foo/a.py": source("a"), "foo/b.py": source("b"), "foo/c.py": b"\xff" * 300, "foo/d.py": b"\xff" * 300},
    )

    work = read_distributions(installed=installed(tmp_path))[0][0]

    assert (len(work.submission.content), len(work.held_out)) == (1, 1)


def test_the_last_file_is_cut_at_the_end_of_a_line(tmp_path: Path) -> None:
    install(tmp_path, "foo", {"foo.py": source("a", lines=1000)})

    content = read_distributions(max_bytes_per_work=1234, installed=installed(tmp_path))[0][0].submission.content

    assert len(content) == 1
    assert 1200 < len(content[0][2]) <= 1234
    assert source("a", lines=1000).startswith(content[0][2]) and content[0][2].endswith(b"\n")


def test_a_copy_of_a_file_is_drawn_only_once_in_all(tmp_path: Path) -> None:
    shared = {f"m{number}.py": source(f"m{number}") for number in range(6)}
    install(tmp_path, "aa", {f"aa/{path}": data for path, data in shared.items()})
    install(tmp_path, "bb", {**{f"bb/{path}": data for path, data in shared.items()}, "bb/own.py": source("own")})

    works, _ = read_distributions(installed=installed(tmp_path))

    drawn = [
        data for work in works for data in [*[data for _, _, data in work.submission.content], *dict(work.held_out).values()]
    ]
    assert len(drawn) == len(set(drawn)) == 7


def test_distributions_without_source_are_skipped_with_a_reason(tmp_path: Path) -> None:
    install(tmp_path, "foo", {"foo/data.txt": source("a")})
    install(tmp_path, "gone", {"gone.py": source("a")})
    (tmp_path / "gone.py").unlink()
    install(tmp_path, "out", {"out.py": source("b")})

    works, skipped = read_distributions(exclude=("OUT",), installed=installed(tmp_path))

    assert works == []
    assert [(one.name, one.reason) for one in skipped] == [
        (name, "it has no Python source of its own") for name in ("foo", "gone")
    ]


def test_too_small_a_budget_is_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        read_distributions(max_bytes_per_work=999)


def test_names_have_one_spelling() -> None:
    assert {canonical_name(name) for name in ("Foo.Bar", "foo_bar", "FOO--bar")} == {"foo-bar"}
