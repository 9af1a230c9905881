"""Which images there are for tests: one for each that a release runs, and in each what its pods call."""

import subprocess
import sys
from pathlib import Path

import pytest

from model.images import MYSQL_ROUTER, Software
from model.releases import release_of, supported_versions
from model.service import Edition, Usual
from model.services import services_of
from tests.real.images import REGISTRY, names
from tests.real.images.catalogue import ELASTICSEARCH_HOME, contents, references
from tests.real.images.layers import distributions, lay_out

PACKAGES = "usr/local/lib/python3.11/dist-packages"


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per layer."""
    folder = tmp_path_factory.mktemp("layers")
    jars = folder / "jars"
    (jars / "org").mkdir(parents=True)
    (jars / "org" / "A.class").write_text("class")
    (jars / "lucene.jar").write_text("jar")
    lay_out(folder / "layers", jars, {"/app"})
    return folder / "layers"


@pytest.mark.parametrize("version", supported_versions())
def test_every_image_of_a_release_but_the_router_is_there_under_its_usual_name(version: str) -> None:
    usual = release_of(version).images.values()

    mirrored = {str(image.from_mirror(REGISTRY)) for image in usual if image is not MYSQL_ROUTER}

    usually = {
        str(service.image(version).from_mirror(REGISTRY))
        for service in services_of(Edition.OPEN_SOURCE, version).values()
        if service.usual is not Usual.OFF
    }

    assert mirrored | usually <= set(names())
    assert mirrored | usually == {str(image) for image, _ in references(release_of(version))}


def test_no_name_is_there_twice_or_needs_a_registry() -> None:
    assert len(set(names())) == len(names())
    assert all(name.startswith("images.test/") for name in names())


def test_the_api_starts_in_the_folder_that_the_release_names() -> None:
    release = release_of(supported_versions()[0])
    found = {str(image): content for image, content in contents()}

    assert found[str(release.images[Software.API].from_mirror(REGISTRY))].folder == release.application_folder


def test_what_debians_python_lacks_is_beside_it_without_compiled_parts(laid_out: Path) -> None:
    packages = laid_out / "python" / PACKAGES

    names = {found.name.lower() for found in distributions()}
    assert {"uvicorn", "starlette", "httpx", "redis", "pymysql", "h11", "anyio", "pyyaml", "certifi"} <= names
    assert {path.name for path in packages.iterdir()} >= {"uvicorn", "yaml", "redis", "async_timeout.py"}
    assert not list(packages.rglob("*.so"))
    assert not list(packages.rglob("__pycache__"))


def test_these_packages_need_no_others(laid_out: Path) -> None:
    packages = laid_out / "python" / PACKAGES
    program = "import httpx, pymysql, redis, starlette.applications, starlette.staticfiles, uvicorn, yaml"

    # Nothing of the environment that runs this.
    isolated = [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path.append({str(packages)!r}); {program}"]
    done = subprocess.run(isolated, capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.returncode == 0


def test_programs_and_pages_lie_where_pods_expect_them(laid_out: Path) -> None:
    home = ELASTICSEARCH_HOME.lstrip("/")
    for file in (
        "api/app/app/main.py",
        "gui/usr/share/nginx/html/index.html",
        "mysql/usr/local/lib/images/mysql.py",
        "api/app/app/apm.py",
        "elasticsearch/usr/local/lib/images/elasticsearch.py",
        f"elasticsearch/{home}/lib/lucene.jar",
        f"elasticsearch/{home}/lib/org/A.class",
        f"elasticsearch/{home}/haproxy.cfg",
        f"elasticsearch/{home}/config/elasticsearch.yml",
    ):
        assert (laid_out / file).is_file(), file
    for program in ("mysql/usr/local/bin/mysqladmin", "apm/opt/venv/bin/python3"):
        assert (laid_out / program).stat().st_mode & 0o777 == 0o755
    options = (laid_out / f"elasticsearch/{home}/lib/options").read_text().split()
    assert f"-Dlog4j2.configurationFile={ELASTICSEARCH_HOME}/lib/log4j2.xml" in options
