"""LaTeX of a table: whatever a name holds is printed and not carried out."""

import re

from dfrec_jax.reports import latex
from tests.reports.made_up import ROWS, table


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
    first, second = latex.table(table()).split(r"\end{table*}")[:2]
    for part, num_columns in ((first, 5), (second, 3)):
        (columns,) = re.findall(r"\\begin\{tabular\}\{l(r+)\}", part)
        assert len(columns) == num_columns and r"\toprule" in part
        body = part.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
        assert len(body) == len(ROWS)
        assert all(len(re.findall(r"(?<!\\)&", line)) == num_columns for line in body)
    last = first.split(r"\bottomrule")[0].strip().splitlines()[-1]
    assert r"\textbf{0.7000} {\scriptsize [0.6000, 0.7500]} & 0.7192 & $-0.0192$" in last
    assert r"\cmidrule(lr){2-6}" in first and r"\cmidrule(lr){2-4}" in second
    assert r"\textcolor{gray}{0.6967}" in second and "gray}{0.7192" not in first
    assert "A dash for IDSIM of RECCE" in second and "A dash for RECCE" not in first, "notes stand once"
