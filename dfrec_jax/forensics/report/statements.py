"""What every report says, whatever was found; tests look for each of them in the pages."""

LEAD = "An investigative lead, not an identification."
NO_IDENTIFICATION = (
    "No part of this report identifies anybody, and none of it may be given as evidence that two pictures show one "
    "person. A network that has seen other people drew the recovered faces. They may say where to look for other "
    "evidence, and nothing else."
)
CANDIDATES = (
    "A list of candidates is no identification. Recognising a face and comparing faces are two tasks: a comparison is "
    "made by a person, feature by feature, on the sheet at the end of this report, which the program leaves blank."
)
LISTED = (
    "A gallery was searched, and people of it are listed below by how alike they are. None of them was identified: "
    "somebody ranks first whether or not the person is in the gallery."
)
NOT_MEASURED = "This network was not measured on a test set of its own: how often it errs is not known."
NO_RATIO = (
    "No likelihood ratio is given: none was calibrated for this exhibit on a named background population. None can be "
    "derived from a cosine, a score or a rank in this report."
)
BOUNDED = (
    "A likelihood ratio is given within bounds, which the data support that it was fitted to; one at its bound may not "
    "be read as a larger one. It holds for the background population named here, and for swaps like those it was "
    "fitted on. No words stand for a number: scales in words overstate."
)
NONE_BESIDE = "“None” is the exhibit as it is, with nothing done to it: a figure says something only beside it."
UNCALIBRATED = (
    "The classifier's score is no probability. Whether the exhibit is a face swap is not settled by this report."
)
GAINED = (
    "On swaps whose true target is known, the cosine of identity of what this network recovers with that person is "
    "{gained} above that of the exhibit as it is (0: no gain). By how much in this exhibit, nobody knows."
)
LABELLED = (
    "Every picture that was generated carries a label beneath it, and IPTC's digital source type "
    "(`trainedAlgorithmicMedia`, `compositeWithTrainedAlgorithmicMedia`) in its XMP."
)
DRAWN_FACES = (
    "This network was trained on drawn faces, for practice: what it makes of a photograph says nothing about anybody."
)
SWAPPER_UNKNOWN = (
    "Whether the swap was made by a method like those of training was not told for this exhibit. On swaps of another "
    "kind the recovery may be worth nothing, and look the same."
)
OTHER_RECOGNISER = "Figures of identity are by `{metric}`, which took no part in training: the losses used {losses}."
SAME_RECOGNISER = (
    "No figure of identity is given: the recogniser of this run's metric, `{metric}`, is one of its losses ({losses}), "
    "and a network does well by the one it was trained to please."
)
LIMITS = (
    "Where nothing of the hidden person is left in the picture nothing can be recovered; the picture that comes out "
    "looks no different.",
    "What was generated is a guess by a network that has seen other people: skin, age, marks, teeth and hair may be "
    "theirs.",
    "What was not generated is copied from the exhibit: it may be the other person's where the map is wrong.",
    "Undoing a swap is known to break under slight noise, compression and resizing.",
    "Faces made by a network as a whole, pasted pictures and other forgeries that are no face swaps are not what this "
    "method is for.",
    "Error rates were measured on the test set named here, and hold for pictures like those. By age, sex and skin they "
    "were not measured unless a table says so.",
    "A machine compared nothing with anybody but the gallery that is named here, if any.",
)
PROPOSITIONS = (
    ("H1, target", "The face that was covered in the exhibit is that of the person in question."),
    ("H2, target", "It is that of another person of the background population."),
    ("H1, source", "The face that was put into the exhibit is that of the person in question."),
    ("H2, source", "It is that of another person of the background population."),
)
NO_CLAIM = (
    "The table says where this report has what these texts ask for, in the words in which the demands were noted on "
    "2026-11-28. No clause of them is cited, and whether the report satisfies any of them is for others to say."
)
NOT_GIVEN = "not given"
