"""How far long work is, where standard error is a file."""

from dfrec_jax.reports.progress import progress


def test_a_file_gets_a_line_for_each_tenth_while_the_work_goes_on(capsys):
    heard = []
    for number in progress(range(40), 40, "pictures"):
        heard.append(capsys.readouterr().err)
        assert number < 39 or "pictures: 36 of 40" in "".join(heard)
    lines = ("".join(heard) + capsys.readouterr().err).splitlines()
    assert lines == [f"pictures: {done} of 40" for done in range(4, 41, 4)]
