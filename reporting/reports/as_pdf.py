"""Documents as PDF: tagged (PDF/UA-1), with fonts inside. Only the process that renders reports imports this."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from reporting.reports.pages import FONTS

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIANT = "pdf/ua-1"


class Inside(URLFetcher):
    """Opens our own fonts and the figures of a report by name and nothing else: no file, no network, no data of a page's own."""

    def __init__(self, figures: Mapping[str, str]) -> None:
        super().__init__(allowed_protocols=())
        fonts = [entry for entry in files("reporting.reports.fonts").iterdir() if entry.name.endswith(".ttf")]
        self._known = {f"{FONTS}{font.name}": (font.read_bytes(), "font/ttf") for font in fonts}
        self._known |= {address: (svg.encode(), "image/svg+xml") for address, svg in figures.items()}

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:  # noqa: ARG002 - WeasyPrint's signature.
        if url not in self._known:
            raise FatalURLFetchingError("a report asks for something outside of itself")
        body, kind = self._known[url]
        return URLFetcherResponse(url, body=body, headers={"Content-Type": kind})


def to_pdf(document: str, figures: Mapping[str, str]) -> bytes:
    """Return a document as PDF, with its figures by address. The same document makes the same bytes; its dates are those of the report."""
    identifier = hashlib.sha256(document.encode()).digest()[:16]
    html = HTML(string=document, url_fetcher=Inside(figures), base_url=FONTS)
    return bytes(html.write_pdf(pdf_variant=_VARIANT, pdf_identifier=identifier))
