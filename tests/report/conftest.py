"""Each invented patient as a fixture."""

from __future__ import annotations

import pytest

from tests.report.charting import Course
from tests.report.courses import COURSES


@pytest.fixture(params=COURSES)
def any_course(request: pytest.FixtureRequest) -> Course:
    """Each invented patient in turn."""
    return COURSES[request.param]()
