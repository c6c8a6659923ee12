from __future__ import annotations

import hashlib
import os
import re
import ssl
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.contract.templates import house

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAYERS = {"core": "CoreLayer", "vendor": "VendorLayer"}
CA = house.ROOT / "layers/core/python/streamflix/ca.pem"
AARCH64 = 183  # e_machine in an ELF header
AUTHORITIES = {
    "Amazon RDS eu-central-1 Root CA ECC384 G1",
    "Amazon RDS eu-central-1 Root CA RSA2048 G1",
    "Amazon RDS eu-central-1 Root CA RSA4096 G1",
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
}


def build(layer: str, target: Path, **environment: str) -> Path:
    subprocess.run(
        ["make", "--silent", f"build-{LAYERS[layer]}", f"ARTIFACTS_DIR={target}"],
        cwd=house.ROOT / "layers" / layer,
        env={
            **{name: value for name, value in os.environ.items() if "STREAMFLIX" not in name},
            "STREAMFLIX_UV": str(house.ROOT / ".local/uv/bin/uv"),
            **environment,
        },
        check=True,
    )
    return target


@pytest.fixture(scope="module", params=LAYERS)
def twice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One layer, built two times from one commit."""
    return [build(request.param, tmp_path_factory.mktemp(request.param)) for _ in range(2)]


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("vendor", tmp_path_factory.mktemp("wheels")) / "python"


def files(directory: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(directory)), path


def digests(directory: Path) -> dict[str, tuple[int, str]]:
    return {
        name: (path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
        for name, path in files(directory)
    }


def test_two_builds_of_one_commit_are_equal_byte_for_byte(twice: list[Path]) -> None:
    first, second = map(digests, twice)

    assert first == second
    assert len(first) > 5


def test_a_layer_holds_nothing_compiled_and_nothing_but_python(twice: list[Path]) -> None:
    names = [name for name, _ in files(twice[0])]

    assert [name for name in names if name.endswith(".pyc") or "__pycache__" in name] == []
    assert {name.partition("/")[0] for name in names} == {"python"}


def test_every_library_is_for_lambdas_machine_and_python(vendor: Path) -> None:
    libraries = [path for name, path in files(vendor) if re.search(r"\.so(\.|$)", name)]
    modules = [path for path in libraries if ".libs" not in path.parent.name]

    assert modules
    for path in libraries:
        header = path.read_bytes()[:20]
        assert header[:4] == b"\x7fELF", path.name
        assert int.from_bytes(header[18:20], "little") == AARCH64, path.name
    for path in modules:
        assert re.search(r"\.(cpython-314-aarch64-linux-gnu|abi3)\.so$", path.name), path.name


def test_no_wheel_takes_the_name_of_a_room_or_of_our_package(vendor: Path) -> None:
    rooms = {path.parent.name for path in (house.ROOT / "functions").glob("*/__init__.py")}

    assert {path.stem for path in vendor.iterdir()} & (rooms | {"streamflix"}) == set()


def test_the_layers_fit_into_lambda(vendor: Path) -> None:
    unpacked = sum(path.stat().st_size for _, path in files(vendor))

    assert unpacked < 100 * 2**20  # Lambda takes 250 MB of layers and code together


def test_only_the_host_build_trusts_another_authority(tmp_path: Path) -> None:
    extra = tmp_path / "laptop.pem"
    extra.write_text("# the laptop's own\n")

    shipped = build("core", tmp_path / "shipped") / "python/streamflix/ca.pem"
    host = (
        build("core", tmp_path / "host", STREAMFLIX_BUILD="host", STREAMFLIX_EXTRA_CA=str(extra))
        / "python/streamflix/ca.pem"
    )

    assert shipped.read_text() == CA.read_text()
    assert host.read_text() == CA.read_text() + extra.read_text()


def test_a_host_build_without_the_laptops_authority_fails(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        build("core", tmp_path, STREAMFLIX_BUILD="host", STREAMFLIX_EXTRA_CA=str(tmp_path / "none"))


def common_name(certificate: dict[str, object]) -> str:
    subject: object = certificate["subject"]
    assert isinstance(subject, tuple)
    fields = dict(pair for part in subject for pair in part)
    return str(fields["commonName"])


def test_we_trust_these_eight_authorities_and_no_other() -> None:
    trusted = ssl.create_default_context(cafile=str(CA)).get_ca_certs()

    assert {common_name(dict(it)) for it in trusted} == AUTHORITIES
    assert len(trusted) == len(AUTHORITIES)


def test_no_authority_ends_while_this_platform_lives() -> None:
    for certificate in ssl.create_default_context(cafile=str(CA)).get_ca_certs():
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
        assert ends >= datetime(2037, 12, 31, tzinfo=UTC), common_name(dict(certificate))


def test_the_line_above_a_certificate_tells_the_truth() -> None:
    blocks = re.findall(
        r"# (.+), until (\S+), SHA-256 (\S+)\n(-----BEGIN[^#]+-----END CERTIFICATE-----)\n",
        CA.read_text(),
    )

    assert {name for name, *_ in blocks} == AUTHORITIES
    assert CA.read_text().count("BEGIN CERTIFICATE") == len(blocks)
    for name, until, digest, block in blocks:
        assert hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest() == digest
        context = ssl.create_default_context(cadata=block)
        (certificate,) = context.get_ca_certs()
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
        assert common_name(dict(certificate)) == name
        assert ends.date().isoformat() == until
