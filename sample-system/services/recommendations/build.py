"""Builds the service from its lock file: an environment to run it as a host process, and a root
folder to run it in an image of nothing else. Needs Python 3.11 or later with `venv`; no package.

    .build/made/bin/recommendations   what a host process is started by
    .build/made/venv                  its environment
    .build/made/root                  what the Dockerfile copies: interpreter, standard library,
                                      environment, and the shared libraries that `ldd` names

Nothing is done where nothing has changed: the lock file, the sources, the interpreter, this script.
Several builds at once wait for each other. Ends with 1 where the build failed, with 3 where this
machine lacks something."""

import sys

FAILED, LACKING = 1, 3


class Ended(Exception):
    """The build cannot go on."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_machine() -> None:
    """Whether this machine's Python can build; the rest of the imports is for after that."""
    from importlib.util import find_spec

    if sys.version_info < (3, 11):
        raise Ended(LACKING, f"Python 3.11 or later is needed; {sys.executable} is {sys.version}")
    # Debian's python3-minimal has no venv, its python3 no ensurepip.
    missing = [name for name in ("venv", "ensurepip", "sqlite3", "ssl") if find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        raise Ended(
            LACKING,
            f"{sys.executable} has no module {names} and makes no virtual environment: install "
            "python3-venv (`apt-get install python3-venv`)",
        )


try:
    check_machine()
except Ended as ended:
    print(f"recommendations: {ended}", file=sys.stderr)
    raise SystemExit(ended.code) from None

import compileall
import fcntl
import fnmatch
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "requirements.lock"
PACKAGE = "recommendations"
BUILD = HERE / ".build"
MADE = BUILD / "made"

#: Images are Linux's; elsewhere only what a host process needs is made.
FOR_IMAGES = sys.platform == "linux"

#: In the image: the interpreter's own folders, the environment's packages, and the program.
PREFIX, PACKAGES, PROGRAM = "usr", "app", "usr/local/bin"

#: Of the standard library, what no service needs.
NOT_NEEDED = (
    "__phello__",
    "config-*",
    "dist-packages",
    "distutils",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "test",
    "tests",
    "tkinter",
    "turtle*",
    "venv",
    "*.a",
    "*.exe",
    "*.opt-[12].pyc",
    "_test*.so",
    "_ctypes_test*.so",
    "_tkinter*.so",
    "_curses*.so",
    "_dbm*.so",
    "_gdbm*.so",
    "audioop*.so",
    "nis*.so",
    "ossaudiodev*.so",
    "readline*.so",
    "xx*.so",
)

#: Of the environment, what only installs.
ONLY_INSTALLS = (
    "_distutils_hack",
    "distutils-precedence.pth",
    "pip",
    "pip-*",
    "pkg_resources",
    "setuptools",
    "setuptools-*",
    "test",
    "tests",
    "wheel",
    "wheel-*",
)

#: Settings of the caller that would lead an environment's Python or pip elsewhere.
MISLEADING = ("PIP_PREFIX", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")

PROCESS_PROGRAM = """\
#!/bin/sh
exec "${0%/*}/../venv/bin/python3" -I -m recommendations "$@"
"""

IMAGE_PROGRAM = f"""\
#!/{PREFIX}/bin/python3 -IS
import sys

sys.path.append("/{PACKAGES}")
from recommendations.entry import main

raise SystemExit(main())
"""


def environment() -> dict[str, str]:
    """The caller's, so that pip finds packages where it does for the caller."""
    variables = os.environ.items()
    return {k: v for k, v in variables if k not in MISLEADING and not k.startswith("PYTHON")}


def interpreter() -> Path:
    """The file of the interpreter itself, behind links and environments."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


def fingerprints() -> dict[str, str]:
    """What the environment and what the program is made of."""
    program = interpreter()
    about = program.stat()
    what = [sys.version, str(program), str(about.st_size), str(about.st_mtime_ns), str(HERE)]
    made_of = hashlib.sha256(json.dumps(what).encode())
    for file in (Path(__file__), LOCK):
        made_of.update(hashlib.sha256(file.read_bytes()).digest())
    sources = hashlib.sha256()
    for file in sorted((HERE / PACKAGE).rglob("*.py")):
        sources.update(str(file.relative_to(HERE)).encode() + b"\0")
        sources.update(hashlib.sha256(file.read_bytes()).digest())
    return {"environment": made_of.hexdigest(), "sources": sources.hexdigest()}


def known() -> dict[str, str]:
    """Of what is there: its fingerprints; none where something of it is gone."""
    try:
        read = json.loads((MADE / "made.json").read_text())
    except (OSError, ValueError):
        return {}
    needed = ["bin/recommendations", "venv/bin/python3"]
    if FOR_IMAGES:
        needed.append(f"root/{PROGRAM}/recommendations")
    whole = isinstance(read, dict) and all((MADE / name).exists() for name in needed)
    return read if whole else {}


def run(*words: str | Path) -> None:
    """Runs a command and shows what it says."""
    said = []
    with subprocess.Popen(
        [str(word) for word in words],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as child:
        for line in child.stdout:
            said.append(line)
            print(line, end="", flush=True)
    if child.returncode == 0:
        return
    # What does not fit its hash stays so; whatever else pip complains about is not to be had here.
    is_wrong = any("DO NOT MATCH THE HASHES" in line for line in said)
    what = Path(words[0]).name
    raise Ended(FAILED if is_wrong else LACKING, f"{what} ended with {child.returncode}")


def make_venv(venv: Path) -> Path:
    """The environment; where its packages are."""
    run(interpreter(), "-I", "-m", "venv", venv)
    python = venv / "bin/python3"
    install = ("install", "--no-input", "--no-deps", "--only-binary", ":all:", "--progress-bar", "off")
    run(python, "-I", "-m", "pip", *install, "--require-hashes", "--requirement", LOCK)
    # Scripts name the folder that this one is made in.
    for script in (venv / "bin").iterdir():
        if not script.name.startswith("python"):
            script.unlink()
    (packages,) = venv.glob("lib/python3.*/site-packages")
    return packages


def copy_tree(source: Path, target: Path, without: tuple[str, ...], copy=shutil.copy2) -> None:
    """Copies a folder but for what is named."""

    def left_out(_: str, names: list[str]) -> set[str]:
        return {name for name in names for one in without if fnmatch.fnmatch(name, one)}

    shutil.copytree(source, target, ignore=left_out, copy_function=copy)


def link(one: str, other: str) -> None:
    """A link where that can be: nothing in the environment is ever changed."""
    try:
        os.link(one, other)
    except OSError:
        shutil.copy2(one, other)


def make_root(root: Path, packages: Path) -> None:
    """Everything that an image of nothing else needs."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = root / PREFIX / "bin/python3"
    python.parent.mkdir(parents=True)
    shutil.copy2(interpreter(), python)
    library = root / PREFIX / sys.platlibdir / version
    copy_tree(Path(os.__file__).resolve().parent, library, NOT_NEEDED)
    copy_tree(packages, root / PACKAGES, ONLY_INSTALLS, link)
    copy_libraries(root)
    # What the first start would have to do otherwise, in each new container.
    compileall.compile_dir(str(root), quiet=2, stripdir=str(root), workers=0)
    write(root / "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    write(root / "etc/passwd", "root:x:0:0:root:/:/sbin/nologin\n")
    write(root / "etc/group", "root:x:0:\n")
    trusted = Path("/etc/ssl/certs/ca-certificates.crt")
    if trusted.is_file():
        (root / "etc/ssl/certs").mkdir(parents=True)
        shutil.copyfile(trusted, root / "etc/ssl/certs/ca-certificates.crt")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    write(root / PROGRAM / "recommendations", IMAGE_PROGRAM, 0o755)


def copy_libraries(root: Path) -> None:
    """The shared libraries of this machine that anything in `root` needs, and their loader. They
    lie where the C library lies: there the loader looks without being told."""
    programs = [root / PREFIX / "bin/python3"]
    programs += [path for path in root.rglob("*.so*") if path.is_file()]
    told = subprocess.run(
        ["ldd", *map(str, programs)], env=environment() | {"LC_ALL": "C"}, capture_output=True, text=True
    )
    found: dict[str, Path] = {}
    for line in told.stdout.splitlines():
        name, arrow, place = line.strip().partition(" => ")
        place = (place or name).rpartition(" (0x")[0].strip()
        if place == "" and "not found" in line:
            print(f"left out: a library that is not here: {name}")
        if place.startswith("/") and not place.startswith(str(root)):
            found[name if arrow else place] = Path(place)
    if "libc.so.6" not in found:
        raise Ended(LACKING, f"ldd names no C library of {programs[0]}: {told.stderr.strip()}")
    folder = found["libc.so.6"].parent
    # Older C libraries load these when a name is looked up.
    for name in ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"):
        if (folder / name).exists():
            found.setdefault(name, folder / name)
    for name, place in found.items():
        target = root / Path(name if name.startswith("/") else folder / name).relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place.resolve(), target)
        target.chmod(0o755)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file and the folders above it; whoever runs the old one keeps it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.chmod(mode)
    new.replace(path)


def put_sources(made: Path) -> None:
    """The program itself, into both."""
    (venv_packages,) = made.glob("venv/lib/python3.*/site-packages")
    places = [(venv_packages, None)]
    if FOR_IMAGES:
        places.append((made / "root" / PACKAGES, str(made / "root")))
    for folder, strip in places:
        new, there = folder / f".{PACKAGE}.new", folder / PACKAGE
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(HERE / PACKAGE, new, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.rmtree(there, ignore_errors=True)
        new.rename(there)
        compileall.compile_dir(str(there), quiet=2, stripdir=strip)
    # Its time tells msvc that the program is another.
    write(made / "bin/recommendations", PROCESS_PROGRAM, 0o755)


def build(wanted: dict[str, str]) -> None:
    """Makes what is out of date."""
    there = known()
    if there == wanted:
        print("nothing has changed")
        return
    made = MADE
    if there.get("environment") == wanted["environment"]:
        (made / "made.json").unlink()
    else:
        made = BUILD / "new"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        packages = make_venv(made / "venv")
        if FOR_IMAGES:
            print("making the root folder of the image", flush=True)
            make_root(made / "root", packages)
    put_sources(made)
    write(made / "made.json", json.dumps(wanted))
    if made != MADE:
        old = BUILD / "old"
        shutil.rmtree(old, ignore_errors=True)
        if MADE.exists():
            MADE.rename(old)
        made.rename(MADE)
        shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    """Builds, one at a time."""
    try:
        wanted = fingerprints()
        if known() == wanted:
            return 0
        BUILD.mkdir(exist_ok=True)
        with open(BUILD / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            build(wanted)
    except Ended as why:
        print(f"recommendations: {why}", file=sys.stderr)
        return why.code
    except OSError as why:
        print(f"recommendations: {why}", file=sys.stderr)
        return LACKING
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
