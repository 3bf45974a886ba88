"""The page behind the code on a certificate: whether it is good, readable on a phone, without a script."""

from dataclasses import dataclass
from datetime import date
from html import escape

from models.certificates import CertificatePurpose

PURPOSES = {
    CertificatePurpose.STUDY: "升学",
    CertificatePurpose.WORK: "求职",
    CertificatePurpose.RECOGNITION: "评优",
    CertificatePurpose.OTHER: None,
}
STYLE = (
    "body{font:18px/1.6 system-ui,sans-serif;max-width:32rem;margin:0 auto;padding:1rem;color:#222;background:#fff}"
    "h1{font-size:1.4rem}dl{margin:0}dt{color:#555;font-size:.9rem}dd{margin:0 0 .8rem}"
    ".good,.bad{padding:.6rem 1rem;border-radius:.5rem;font-weight:bold}"
    ".good{background:#e3f4e3;color:#14521a}.bad{background:#fbe4e4;color:#8c1515}"
)


@dataclass(frozen=True)
class CertificatePage:
    """What the page says."""

    number: str
    name: str
    declared: bool
    minutes: int
    from_on: date
    until_on: date
    issuer: str
    issued_on: date
    revoked_on: date | None
    reason: str | None


def certificate_page(said: CertificatePage) -> str:
    """A page of HTML; all that people wrote is escaped."""
    verdict = '<p class="good">有效 · Valid</p>'
    if said.revoked_on is not None:
        verdict = f'<p class="bad">已于 {said.revoked_on} 撤销 · Revoked<br>{escape(said.reason or "")}</p>'
    hours, rest = divmod(said.minutes, 60)
    lines = {
        "编号 Number": said.number,
        "志愿者 Volunteer": f"{said.name}（{'姓名由本人申报' if said.declared else '社区登记'}）",
        "服务时长 Service": f"{hours} 小时 {rest} 分钟",
        "期间 Period": f"{said.from_on} — {said.until_on}",
        "出具单位 Issued by": said.issuer,
        "出具日期 Issued on": str(said.issued_on),
    }
    shown = "".join(f"<dt>{label}</dt><dd>{escape(value)}</dd>" for label, value in lines.items())
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>志愿服务证明核验</title><style>{STYLE}</style></head>
<body><h1>志愿服务证明核验</h1>{verdict}<dl>{shown}</dl>
<p>服务时长由活动负责人或社区工作人员确认。请核对编号与纸质证明是否一致。</p></body></html>
"""
