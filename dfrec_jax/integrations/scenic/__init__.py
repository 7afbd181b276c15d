"""A project of Google's Scenic: its model, its data set and its `main`, around the trainer of this package.

Scenic is no package of PyPI; `checkout` finds it. Scenic's own trainers replicate the state on every device and step by
`pmap`, so that none of them can host a step whose parameters are split: `main` runs ours under `scenic.app`. The model
and the data set follow Scenic's contracts all the same, for whoever writes a trainer of their own.
"""
