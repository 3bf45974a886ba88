"""The call list on paper: A4, one box to tick a person."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from app.core.clock import SHANGHAI
from services.notifications.call_list import Call

STYLE = """
@page { size: A4; margin: 15mm }
body { font: 12pt/1.5 "Noto Sans SC", "Microsoft YaHei", "PingFang SC", sans-serif; color: #000 }
h1 { font-size: 16pt; margin: 0 } p { margin: 2mm 0 4mm }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #000; padding: 2mm; text-align: left; vertical-align: top }
thead { display: table-header-group } tr { break-inside: avoid } ul { margin: 0; padding-left: 5mm }
.tick { width: 12mm } .who { width: 45mm }
"""


def call_page(community: str, calls: Sequence[Call], *, at: datetime, more: bool) -> str:
    """A page of HTML to print; everything people wrote is escaped. `more` says that the list goes on."""
    lines = "\n".join(_row(call) for call in calls) or '<tr><td colspan="3">没有需要电话告知的居民</td></tr>'
    title = f"{escape(community)} 电话告知单"
    rest = "<p>名单未完，请告知以上居民后再打印。</p>" if more else ""
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>
<body><h1>{title}</h1>
<p>{_moment(at)} 打印。含个人信息，只供告知使用，用后请销毁。</p>
<table><thead><tr><th class="who">居民</th><th>告知内容</th><th class="tick">已告知</th></tr></thead>
<tbody>
{lines}
</tbody></table>{rest}
</body></html>
"""


def _row(call: Call) -> str:
    home = escape(f"{call.building} {call.unit}单元 {call.room}室")
    told = "".join(f"<li>{_moment(notice.created_at)} {escape(notice.zh)}</li>" for notice in call.notices)
    phone = escape(call.phone or "无电话，请上门")
    return f"<tr><td><b>{escape(call.name)}</b><br>{phone}<br>{home}</td><td><ul>{told}</ul></td><td>□</td></tr>"


def _moment(at: datetime) -> str:
    local = at.astimezone(SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
