"""How much memory a tree of processes holds (Linux)."""

from pathlib import Path


def _children():
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    return parents


def resident(root):
    """Return (RSS, PSS) in MB of `root` and everything below it; PSS counts shared pages once."""
    parents, tree = _children(), [root]
    for process in tree:
        tree += parents.get(process, [])
    rss = pss = 0
    for process in tree:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, value = line.partition(":")
            if name == "Rss":
                rss += int(value.split()[0])
            elif name == "Pss":
                pss += int(value.split()[0])
    return rss / 1024, pss / 1024
