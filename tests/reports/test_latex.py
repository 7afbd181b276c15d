"""LaTeX of a table: whatever a name holds is printed and not carried out."""

import re

from dfrec_jax.reports import latex
from tests.reports.made_up import HOSTILE, ROWS, table


def test_special_characters_are_printed():
    assert latex.escaped(r"\input{a_b} & 50 % of $x^2$ #1 ~") == (
        r"\textbackslash{}input\{a\_b\} \& 50 \% of \$x\textasciicircum{}2\$ \#1 \textasciitilde{}"
    )
    assert latex.escaped("a\n\n[b] --runs") == "a {[}b{]} -{}-runs", "no paragraph, no option, no dash"


def test_nothing_of_a_name_is_left_to_be_carried_out():
    text = latex.table(table())
    commands = {"input", "script"}
    assert not commands & set(re.findall(r"\\([a-zA-Z]+)", text))
    assert r"\textbackslash{}input\{x\}" in text and "100\\%" in text
    bare = re.sub(r"\\[{}%&$#_\\]", "", text)
    assert bare.count("{") == bare.count("}")
    assert "%" not in "".join(line for line in bare.splitlines() if not line.startswith("%")).replace("{!}{%", "")


def test_every_line_has_its_cells():
    text = latex.table(table())
    (columns,) = re.findall(r"\\begin\{tabular\}\{l(r+)\}", text)
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == len(ROWS)
    for line in body:
        assert len(re.findall(r"(?<!\\)&", line)) == len(columns)
    assert r"\textbf{0.7000}" in body[-1] and "$-0.0192$" in body[-1] and r"\textcolor{gray}{0.6967}" in body[-1]
    assert "{\\scriptsize [0.6000, 0.7500]}" in body[-1]
    assert r"\toprule" in text and r"\cmidrule(lr){2-6}\cmidrule(lr){7-9}" in text
    assert "A dash for RECCE" in text and HOSTILE not in text
