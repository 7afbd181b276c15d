"""What every output of a search says of itself."""

LEAD = (
    "A lead for an investigation, not an identification: whoever ranks first is the most alike of those searched,\n"
    "whether or not the person is among them. Compare the faces yourself, without the key; look for other evidence."
)
