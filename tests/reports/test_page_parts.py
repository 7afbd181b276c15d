"""What the template of the page is filled with."""

from dfrec_jax.reports import page_parts


def test_a_command_in_a_sentence_is_code_and_all_of_it_is_escaped():
    assert page_parts.coded("get <it> by `dfrec weights fetch <A>`.") == (
        "get &lt;it&gt; by <code>dfrec weights fetch &lt;A&gt;</code>."
    )
    assert page_parts.coded("runs/`<b> has none") == "runs/`&lt;b&gt; has none", "of a name"
