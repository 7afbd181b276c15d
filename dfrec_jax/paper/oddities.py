"""Footnotes by table: what its figures are, and what is odd about the paper's, for whoever holds ours beside them."""

NONE_IS_LOWEST = "In the paper the row None has the lowest FID of every column: a forgery looks like a photograph."
SELF_CONSISTENCY = (
    "Acc_id compares the input with what was recovered of it, at 0.9: a test of self-consistency, not a verification "
    "of identity. Two photographs of one person hardly reach 0.9; it works because half of the pixels are copied."
)
NOTES: dict[int, tuple[str, ...]] = {
    3: (SELF_CONSISTENCY,),
    4: (SELF_CONSISTENCY,),
    5: (
        "Gaussian blur with a kernel of 3, 5 or 7; JPEG of quality 50 to 99; Gaussian noise of variance 10 to 50 on "
        "0..255: one draw an example, on the forgery alone.",
    ),
    6: ("Without the ISM the map is uniform over the face that the landmarks give.",),
    7: (
        "Region: the pixels that a row generated, each row its own; for IDSIM all else is gray. Of the whole picture "
        "half or more is copied from the forgery. The paper has no figures of the region.",
    ),
}
ODDITIES: dict[int, tuple[str, ...]] = {
    1: (
        NONE_IS_LOWEST,
        "MAT on E4S equals None in the paper to 0.002 of IDSIM, with an FID of 9.82: it changed little there, while on "
        "CelebA-MegaFS it moved FID to 35 to 42. Its mask or its network differed by data set.",
        "The paper's FID of Delocate on FF++ LCR, 135.93, stands alone: its other columns have 18 to 42.",
        "In the paper the IDSIM of None is lowest on LCR and highest on IDI: the harder the swap, the lower.",
    ),
    3: ("The paper's figures look like accuracy over real and forged faces together.",),
    4: ("The paper's figures look like the recall of forgeries alone: on the same attack Table III has others.",),
    5: (
        "In the paper DFI on IDI is better with JPEG than without (0.4394, 0.4346): differences below 0.005 say "
        "nothing.",
        "JPEG hardly hurts in the paper (0.7192 to 0.7055 on FTM): its pictures of 224 pixels were reduced from "
        "JPEG files of 1024.",
    ),
    6: (
        "In the paper fusion alone recovers LCR (0.5687) better than FTM (0.5388), against the order of all other "
        "rows.",
    ),
    7: (
        "The caption names all three attacks, the text FTM alone; the last row is FTM's of Table I.",
        "The first two rows of the paper have a PSNR of 12 and the pose of random heads, and the attribute loss alone "
        "mends both: copied patches should have bound them, so that these rows are not to be matched.",
        "In the paper's IDSIM the perceptual loss takes away from identity and patch (0.7072 to 0.6336), and without "
        "the attribute loss Pose is 10.34 with the patch loss and 4.27 with the perceptual one beside it: that all "
        "four losses contribute holds for the last row alone.",
    ),
}
