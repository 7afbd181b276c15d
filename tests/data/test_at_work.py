"""What the reading threads are at is known."""

import threading

import pytest

from dfrec_jax.data import pipeline
from dfrec_jax.data.at_work import AtWork
from tests import tiny


def test_rows_are_named_while_they_are_read():
    now = [100.0]
    at_work = AtWork("a/folder", 8, clock=lambda: now[0])
    assert at_work.words() == "the loader reads nothing, of a/folder"
    go_on, begun = threading.Event(), [threading.Event() for _ in range(6)]

    def example(index):
        begun[index - 21].set()
        go_on.wait(10)
        return {}

    threads = []
    for index in range(21, 27):
        threads.append(threading.Thread(target=at_work.watched(example), args=(index,)))
        threads[-1].start()
        assert begun[index - 21].wait(10)
        now[0] += 10
    assert at_work.words() == (
        "the loader reads row 5 of batch 3 for 60 s, row 6 of batch 3 for 50 s, row 7 of batch 3 for 40 s, "
        "row 0 of batch 4 for 30 s and 2 more, of a/folder"
    )
    go_on.set()
    for thread in threads:
        thread.join()
    with pytest.raises(ZeroDivisionError):
        at_work.watched(lambda index: 1 // 0)(1)
    assert "reads nothing" in at_work.words()


def test_the_stream_of_batches_says_what_it_is_at():
    config, stuck, go_on = tiny.config(), threading.Event(), threading.Event()
    config.data.num_threads, config.data.prefetch = 2, 8

    def example(index):
        if index == 11:
            stuck.set()
            go_on.wait(10)
        return {"number": index}

    with pipeline.TrainBatches(config, start_step=0, example=example) as batches:
        assert next(batches)["number"].tolist() == list(range(8))
        assert stuck.wait(10)
        assert "row 3 of batch 2 for 0 s" in pipeline.at_work(batches) and "of embedded" in pipeline.at_work(batches)
        go_on.set()
        assert next(batches)["number"].tolist() == list(range(8, 16))
    assert pipeline.at_work(iter([])) == ""
