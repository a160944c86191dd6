"""Rows come into the index as the image of a database."""

import sqlite3
from contextlib import closing

from archiver.desk.index.staging import image_of, prepare, stage
from archiver.sqlite.rows import Rows


def test_images_of_other_sizes_and_tables_one_after_another_are_read_as_they_are() -> None:
    many = [(number, "a" * 500) for number in range(100)]
    sizes = [(100, 1), (0, 0), (1, 100), (3, 2)]
    images = [
        image_of({"one": Rows(("a", "b"), many[:some]), "two": Rows(("a", "b"), many[:others])})
        for some, others in sizes
    ]
    alone = image_of({"two": Rows(("a", "b"), many)})
    with closing(sqlite3.connect(":memory:")) as db:
        prepare(db)
        for image, (some, others) in zip(images, sizes, strict=True):
            stage(db, image)
            assert db.execute("SELECT * FROM staged.one").fetchall() == many[:some]
            assert db.execute("SELECT * FROM staged.two").fetchall() == many[:others]
            stage(db, alone)
            assert db.execute("SELECT * FROM staged.two").fetchall() == many
