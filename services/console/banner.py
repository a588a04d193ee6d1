"""What `banjie up` tells once all is well."""

from typing import Any

from shared.settings import Settings

TITLES = {"intake": "诉求受理", "routing": "派单流转", "metrics": "办结率统计"}


def banner(settings: Settings, prepared: dict[str, Any]) -> str:
    """Return the addresses, two tokens, one example and how to stop, in Chinese."""
    lines = ["", "办结已就绪。", ""]
    for service, title in TITLES.items():
        url = settings.base_url(service)  # type: ignore[arg-type]
        lines.append(f"  {title:　<6}{url}    接口文档 {url}/openapi.json")
    lines.append("")
    street, tokens = prepared["street"], prepared["tokens"]
    if street is None:
        return "\n".join([*lines, "  还没有街道:banjie seed demo 可以装入演示街道。", *_closing(settings)])
    lines += [
        f"  街道 {street['name']}({street['code']})的登录凭证:",
        f"  居民:  {tokens['resident']}",
        f"  派单员:{tokens['dispatcher']}",
        "",
        "  提交一条诉求试试:",
        f"  curl -s {settings.base_url('intake')}/v1/tickets \\",
        f"    -H 'Authorization: Bearer {tokens['resident']}' \\",
        "    -H 'Content-Type: application/json' \\",
        '    -d \'{"content": "3号楼前下水道堵了,污水往外冒"}\'',
    ]
    return "\n".join([*lines, *_closing(settings)])


def _closing(settings: Settings) -> list[str]:
    return [
        "",
        "  更多凭证:banjie token 角色 --street 街道代码(banjie token --help)",
        f"  数据和日志:{settings.data_dir}",
        "  按 Ctrl-C 停止;数据保留,下次启动接着用。",
        "",
    ]
