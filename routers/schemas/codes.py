"""What a scanned code stands for, and links."""

from models.codes import CodeKind
from routers.schemas.base import Moment, Shape, examples


class CodeOut(Shape):
    """The thing behind a scene id, and the mini-program's page that shows it."""

    model_config = examples({"kind": "need", "id": 12, "page": "pages/need/index"})

    kind: CodeKind
    id: int
    page: str


class LinkOut(Shape):
    """An address that opens a thing in WeChat."""

    model_config = examples({"url": "https://wxaurl.cn/KEWu8f6aT7q", "expires_at": "2026-12-22T10:00:00+08:00"})

    url: str
    expires_at: Moment
