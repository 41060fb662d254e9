from __future__ import annotations

import pytest

from app.core.marks import written_between


def test_a_document_keeps_what_people_wrote_around_the_measurements() -> None:
    document = "# Speed\n\nWhat limits it.\n\n<!-- measured -->\nold\n<!-- /measured -->\n\nThe next limit.\n"

    assert written_between(document, "measured", "new\n") == (
        "# Speed\n\nWhat limits it.\n\n<!-- measured -->\nnew\n<!-- /measured -->\n\nThe next limit.\n"
    )


def test_a_document_without_a_place_for_measurements_is_left_alone() -> None:
    with pytest.raises(ValueError, match="<!-- measured -->"):
        written_between("# Speed\n", "measured", "new\n")
