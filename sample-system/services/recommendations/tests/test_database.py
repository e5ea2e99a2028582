"""The file, where it cannot be had."""

from recommendations import database
from tests.support import Case


class DatabaseTest(Case):
    def test_a_file_that_cannot_be_had_is_named_and_what_to_set(self) -> None:
        in_the_way = self.folder / "file"
        in_the_way.write_text("")
        directory = self.folder / "taken"
        (directory / "recommendations.db").mkdir(parents=True)
        for folder in (in_the_way, in_the_way / "below", directory):
            with self.assertRaises(database.Unopened) as told:
                database.open_file(folder)
            self.assertIn(str(folder / "recommendations.db"), str(told.exception))
            self.assertIn("DATA_DIR", str(told.exception))
