"""The server that counts what a page weighs."""

from urllib.request import urlopen

TOO_LARGE_FOR_THE_BUFFERS = 30_000_000


def test_a_file_is_counted_before_its_reader_can_be_done(served, tmp_path):
    (tmp_path / "large.bin").write_bytes(bytes(TOO_LARGE_FOR_THE_BUFFERS))
    address, sent = served
    with urlopen(f"{address}/large.bin"):  # the headers are here, and the body is still being sent
        assert sent == [("/large.bin", TOO_LARGE_FOR_THE_BUFFERS)]
