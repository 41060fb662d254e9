"""What somebody writes who wants it read as anything but text, and how to tell that it was."""

from __future__ import annotations

MARK = "pwned"
"""No element, attribute, header or script of ours is called like this."""
WORDS = (
    "<script>pwned()</script>",
    '"><img src=x onerror=pwned()>',
    "'><svg/onload=pwned()>",
    "</title></textarea></script></style><pwned>",
    "<svg><use href=data:image/svg+xml;base64,pwned></svg>",
    "javascript:pwned()",
    "data:text/html,<pwned>",
    "{{ 7 * 7 }}{% pwned %}${7*7}#{7*7}<%= pwned %>",
    "pwned\r\nSet-Cookie: pwned=1\r\n\r\n<pwned>",
    "=cmd|' /C calc'!A0 pwned",
    "+pwned",
    "-pwned",
    "@SUM(pwned)",
    "\t=pwned",
    "\uff1dpwned",
    "\u202egnp.pwned\u202c",
    "pw\u200bned\ufeff",
    "' OR 1=1; DROP TABLE accounts; -- pwned",
    '"; pwned{job=~".*"} or vector(1) #',
    "%s %n %(pwned)s {0} {pwned.__class__}",
    "../../../../etc/pwned%00",
    "&lt;pwned&gt; &#x3c;pwned&#x3e;",
    "]]><pwned/><!-- --!> ",
    "\x1b[31mpwned\x07",
    "pwned\x00",
    "pwned\ud800",
)
FEW = tuple(WORDS[number] for number in (1, 7, 8, 17, 24))
"""Of each kind one, for who has little time."""


def plain(text: str) -> str:
    """Return a text as readers of pages see it: white space is one blank, and marks of direction and control none."""
    shown = "".join(char for char in text if char.isprintable() or char.isspace())
    return " ".join(shown.split())
