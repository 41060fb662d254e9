"""Figures as SVG. Only the process that renders reports imports this: the engine behind it is a whole JavaScript.

What comes out is rebuilt from a short list of elements and attributes, so that nothing but shapes and text gets into a
page, whatever the engine made of the names in a specification; its ids are made different from those of other figures.
"""

from __future__ import annotations

import re
from importlib.resources import as_file, files
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import vl_convert

if TYPE_CHECKING:
    from reporting.charts.figure import Figure

VEGA_LITE = "6.4"
# The engine measures text to make room for it: in the font in which it will be set.
with as_file(files("reporting.reports.fonts")) as _fonts:
    vl_convert.register_font_directory(str(_fonts))
_NAMESPACE = "http://www.w3.org/2000/svg"
_ELEMENTS = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan", "defs", "clipPath"})
_ATTRIBUTES = frozenset({
    "d", "transform", "x", "y", "dx", "dy", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "width", "height", "viewBox",
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap",
    "stroke-linejoin", "stroke-miterlimit", "stroke-opacity", "opacity", "text-anchor", "font-family", "font-size",
    "font-weight", "font-style", "clip-path", "id",
})  # fmt: skip
_SEEN = frozenset({"fill", "stroke"})
"""Without either a path is not seen: the engine's root has no fill."""
_GROUP = f"{{{_NAMESPACE}}}g"
_CLIP = re.compile(r"url\(#(\w+)\)")
_FINE = re.compile(r"(\.\d\d)\d+")
"""What is finer than a hundredth of a pixel."""
_UNSAFE_ID = re.compile(r"[^A-Za-z0-9]+")


def draw(figure: Figure, number: int) -> str:
    """Return a figure as an `svg` element with its words as title; `number` is its own in the document."""
    svg = vl_convert.vegalite_to_svg(figure.spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    return clean(svg, figure.alt, prefix=f"figure-{number}-")


def clean(svg: str, alt: str, *, prefix: str) -> str:
    """Return an `svg` element of shapes and text alone."""
    ET.register_namespace("", _NAMESPACE)
    drawn = ET.fromstring(svg)  # noqa: S314 - Our own engine wrote it, in this process, and it declares no entities.
    root = _rebuilt(drawn, prefix)
    if root is None:
        raise ValueError("the engine did not draw an SVG")
    root.set("role", "img")
    title = ET.Element(f"{{{_NAMESPACE}}}title")
    title.text = alt
    root.insert(0, title)
    return ET.tostring(root, encoding="unicode")


def _rebuilt(element: ET.Element, prefix: str, *, clips: bool = False) -> ET.Element | None:
    """Return a copy of what can be seen of an element, or None when that is nothing; what clips is never seen itself."""
    name = element.tag.removeprefix(f"{{{_NAMESPACE}}}")
    unseen = name == "path" and not clips and _SEEN.isdisjoint(element.attrib)
    if name not in _ELEMENTS or unseen or element.get("display") == "none":
        return None
    kept = ET.Element(element.tag, _safe(element.attrib, prefix))
    kept.text = element.text
    for each in element:
        child = _rebuilt(each, prefix, clips=clips or name == "clipPath")
        if child is None or (child.tag == _GROUP and not len(child)):
            continue
        # A group that changes nothing is only its children.
        kept.extend(child if child.tag == _GROUP and not child.attrib else [child])
    return kept


def _safe(attributes: dict[str, str], prefix: str) -> dict[str, str]:
    """Return the attributes that are known to be harmless, with ids of this figure alone."""
    kept = {}
    for name, value in attributes.items():
        if name not in _ATTRIBUTES:
            continue
        if name == "id":
            kept[name] = prefix + _UNSAFE_ID.sub("", value)
        elif "url" not in value.lower():
            kept[name] = _FINE.sub(r"\1", value)
        elif clip := _CLIP.fullmatch(value):
            kept[name] = f"url(#{prefix}{clip[1]})"
    return kept
