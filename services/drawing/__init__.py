"""Pictures drawn from plain facts: certificates, posters, receipts, sheets of codes.

Nothing here knows a model or a database. Whoever draws gathers the facts first, in words for the reader, and then calls
`await in_the_studio(certificate, facts)`: off the event loop, few at a time. The same facts give the same bytes.
"""

from services.drawing.certificates import Certificate, Service, certificate
from services.drawing.posters import Hue, Poster, Progress, poster
from services.drawing.receipts import Receipt, receipt
from services.drawing.sheets import Card, Sheet, sheet
from services.drawing.studio import in_the_studio

__all__ = [
    "Card",
    "Certificate",
    "Hue",
    "Poster",
    "Progress",
    "Receipt",
    "Service",
    "Sheet",
    "certificate",
    "in_the_studio",
    "poster",
    "receipt",
    "sheet",
]
