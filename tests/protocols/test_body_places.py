"""A text of a body stands in as many stretches of the stream as chunk lines cut it into."""

from __future__ import annotations

from inspector.protocols.body_places import BodyPlaces, Place
from inspector.protocols.extent import Extent

CHUNKS = [Extent(10, 15), Extent(20, 22), Extent(22, 25), Extent(40, 50)]


def body() -> BodyPlaces:
    places = BodyPlaces()
    places.add(CHUNKS)
    return places


def test_every_text_is_found_again() -> None:
    stream = list(range(60))
    carried = [number for start, stop in CHUNKS for number in stream[start:stop]]
    for start in range(21):
        for stop in range(start, 21):
            place = body().place(Extent(start, stop))
            assert not place.decoded
            found = [number for begin, end in place.extents for number in stream[begin:end]]
            assert found == carried[start:stop]


def test_stretches_that_touch_are_one() -> None:
    assert body().place(Extent(5, 10)).extents == (Extent(20, 25),)


def test_what_is_forgotten_or_did_not_come_stands_nowhere() -> None:
    places = body()
    places.forget(7)
    assert places.place(Extent(6, 11)).extents == (Extent(21, 25), Extent(40, 41))
    assert places.place(Extent(0, 5)).extents == ()
    assert places.place(Extent(19, 30)).extents == (Extent(49, 50),)
    places.add([Extent(55, 58)])
    assert places.place(Extent(19, 22)).extents == (Extent(49, 50), Extent(55, 57))


def test_a_place_in_a_decoded_body_says_that_it_is_none_in_the_stream() -> None:
    places = BodyPlaces(decoded=True)
    places.add([Extent(10, 15)])
    assert places.place(Extent(3, 90)) == Place((Extent(3, 90),), decoded=True)
