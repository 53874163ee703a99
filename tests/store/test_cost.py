"""What a batch costs the database: work that grows with what is written, not with how it is said."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import apsw
import pytest

if TYPE_CHECKING:
    from tests.store.conftest import Ground

pytestmark = pytest.mark.sqlite


async def test_the_words_of_a_batch_are_written_together(ground: Ground) -> None:
    together = [ground.alert(number, title=f"word{number}") for number in range(3)]
    await ground.write(*(ground.put(record) for record in together))
    with contextlib.closing(apsw.Connection(str(ground.path))) as connection:
        [(segments,)] = connection.execute('SELECT count(DISTINCT segid) FROM "alerts_v2_words_idx"')
    assert segments == 1, "each row's words were written to the disk by themselves"
    assert [await ground.ids(search=f"word{number}") for number in range(3)] == [[f"da{number:04}"] for number in range(3)]
