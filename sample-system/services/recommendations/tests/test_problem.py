"""Errors as clients see them."""

import unittest

from recommendations.problem import Problem


class Problems(unittest.TestCase):
    def test_a_503_says_when_to_ask_again_whoever_made_it(self) -> None:
        self.assertEqual(Problem(503, "not now").response().headers["retry-after"], "2")
        sooner = Problem(503, "not now", {"Retry-After": "1"}).response()
        self.assertEqual(sooner.headers.getlist("retry-after"), ["1"])
        self.assertNotIn("retry-after", Problem(404, "no").response().headers)
