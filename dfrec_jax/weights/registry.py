"""Every weight file that this project can use: where its authors keep it, its checksum, licence and role.

Checksums are of the files that stood at these addresses when the entry was written; none is guessed, an unknown one is
empty. Licences are those of the files' own repositories; what the training data permits is another question, which
docs/weights.md takes up.
"""

import difflib
from typing import NamedTuple

from dfrec_jax.weights.rules import WeightsError

_FACENET = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
_MAE = "https://dl.fbaipublicfiles.com/mae/pretrain/"


class Release(NamedTuple):
    """One published weight file.

    Attributes:
      name: what configs and `dfrec weights` call it.
      file: the file's own name, under which folders are searched for it.
      role: where the paper or this project uses it.
      licence: of the file's repository.
      format: of the file.
      url: a direct address, or empty where the file must be fetched by hand.
      page: where its authors keep it, or how it is made.
      sha256: of the whole file, in hex; empty where unknown.
      num_bytes: its size; 0 where unknown.
      entry: where its tensors are in a file that holds more (`readers.read`).
      may_be_bare: whether they may also be all that the file holds, where it is not known which was published.
      prefix: what its tensors' names begin with (`readers.read`).
      comes_with: whether it is part of this package, in `dfrec_jax/networks/<name>`.
      fingerprint: mean magnitude of features of a fixed picture, as measured when a port of the file was proved
        against its original (`dfrec weights check`); empty where the file was not at hand.
    """

    name: str
    file: str
    role: str
    licence: str
    format: str
    url: str = ""
    page: str = ""
    sha256: str = ""
    num_bytes: int = 0
    entry: str = ""
    may_be_bare: bool = False
    prefix: str = ""
    comes_with: bool = False
    fingerprint: tuple[tuple[str, float], ...] = ()


_RELEASES = (
    Release(
        "facenet-vggface2",
        "20180402-114759-vggface2.pt",
        "identity: L_id (Eq. 2-4), IDSIM, Acc_id",
        "MIT",
        "PyTorch",
        url=_FACENET + "20180402-114759-vggface2.pt",
        page="https://github.com/timesler/facenet-pytorch",
        sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
        num_bytes=111_898_327,
    ),
    Release(
        "vgg19-imagenet",
        "vgg19-dcbb9e9d.pth",
        "perception: L_perc (Eq. 5-7)",
        "BSD-3-Clause",
        "PyTorch",
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        page="https://pytorch.org/vision/stable/models/vgg.html",
        sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        num_bytes=574_673_361,
    ),
    Release(
        "inception-fid",
        "pt_inception-2015-12-05-6726825d.pth",
        "FID",
        "Apache-2.0",
        "PyTorch",
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        page="https://github.com/mseitzer/pytorch-fid",
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        num_bytes=95_628_359,
    ),
    Release(
        "deep3d-resnet50",
        "epoch_20.pth",
        "pose metric",
        "MIT",
        "PyTorch",
        page="https://drive.google.com/drive/folders/1liaIxn9smpudjjqMaWWRpP0mXRW_qRPP (epoch_20.pth)",
        entry="net_recon",
    ),
    Release(
        "attributes-resnet50",
        "attributes-resnet50.safetensors",
        "attributes: L_attr (Eq. 8), Attr",
        "yours",
        "safetensors",
        page="python train.py --config=configs/attributes.py on CelebA",
    ),
    Release(
        "attributes-resnet18",
        "attributes-resnet18.safetensors",
        "attributes, for a CPU",
        "yours",
        "safetensors",
        page="python train.py --config=configs/attributes.py:small on CelebA",
    ),
    Release(
        "efficientnet-b0",
        "efficientnet-b0-355c32eb.pth",
        "initialises the ISM's encoder",
        "Apache-2.0",
        "PyTorch",
        url="https://github.com/lukemelas/EfficientNet-PyTorch/releases/download/1.0/efficientnet-b0-355c32eb.pth",
        page="https://github.com/lukemelas/EfficientNet-PyTorch",
    ),
    Release(
        "mae-vit-b-16",
        "mae_pretrain_vit_base.pth",
        "initialises a TIRM encoder of ViT-B/16",
        "CC-BY-NC-4.0",
        "PyTorch",
        url=_MAE + "mae_pretrain_vit_base.pth",
        page="https://github.com/facebookresearch/mae",
        entry="model",
    ),
    Release(
        "mae-vit-l-16",
        "mae_pretrain_vit_large.pth",
        "initialises a TIRM encoder of ViT-L/16",
        "CC-BY-NC-4.0",
        "PyTorch",
        url=_MAE + "mae_pretrain_vit_large.pth",
        page="https://github.com/facebookresearch/mae",
        entry="model",
    ),
    Release(
        "dfrec-ftm",
        "splitidentity_ftm.pth",
        "the paper's DFREC for FTM",
        "MIT",
        "PyTorch",
        page="https://drive.google.com/drive/folders/1ZXH-7QTy5P-o1zfhY7myUeTIhXUj_JmS (splitidentity_ftm.pth)",
    ),
    Release(
        "mobilefacenet-xiaoccer",
        "068.ckpt",
        "light set: identity A, for the loss",
        "none given",
        "PyTorch",
        url="https://raw.githubusercontent.com/Xiaoccer/MobileFaceNet_Pytorch/master/model/best/068.ckpt",
        page="https://github.com/Xiaoccer/MobileFaceNet_Pytorch",
        sha256="e839247cdbdfc023fb7cadeaf53a4549d50c8fc24ad154c02e35920ea8910d99",
        num_bytes=4_130_855,
        entry="net_state_dict",
        fingerprint=(("embedding", 0.0743052), ("stage5", 0.622468)),
    ),
    Release(
        "mobilefacenet-foamliu",
        "mobilefacenet.pt",
        "light set: identity B, for the metric",
        "Apache-2.0",
        "PyTorch",
        url="https://github.com/foamliu/MobileFaceNet/releases/download/v1.0/mobilefacenet.pt",
        page="https://github.com/foamliu/MobileFaceNet",
        sha256="90a00ba1d8b0b688af3deb731ed53dca582e6106805d1bc3cfdef55f570493f4",
        num_bytes=4_135_271,
        fingerprint=(("embedding", 0.0709488), ("stage5", 0.727638)),
    ),
    Release(
        "squeezenet-imagenet",
        "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "light set: perception",
        "MIT",
        "Keras",
        url="https://github.com/rcmalli/keras-squeezenet/releases/download/v1.0/"
        "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
        page="https://github.com/rcmalli/keras-squeezenet",
        sha256="17154246284f555591549ac2c83e127abfbf4307dc4b0060fdaa2931d0fa38da",
        num_bytes=3_002_560,
        fingerprint=(("conv1", 26.275), ("fire9", 1.19101)),
    ),
    Release(
        "lpips-squeezenet",
        "squeeze.pth",
        "light set: weights of an LPIPS-like distance",
        "BSD-2-Clause",
        "PyTorch",
        url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/squeeze.pth",
        page="https://github.com/richzhang/PerceptualSimilarity",
        sha256="4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
        num_bytes=10_811,
    ),
    Release(
        "3ddfa-v2",
        "mb05_120x120.pth",
        "light set: pose and 68 landmarks",
        "MIT",
        "PyTorch",
        url="https://raw.githubusercontent.com/cleardusk/3DDFA_V2/master/weights/mb05_120x120.pth",
        page="https://github.com/cleardusk/3DDFA_V2",
        sha256="f93ed7f1c4c0382b16d7c18480a5f67473c1917a47475a9823924f38aeb27280",
        num_bytes=3_752_462,
        entry="state_dict",
        prefix="module.",
        fingerprint=(("raw", 0.557129),),
    ),
    Release(
        "3ddfa-v2-statistics",
        "param_mean_std_62d.npz",
        "light set: scale of 3ddfa-v2's output",
        "MIT",
        "npz",
        # The authors publish a pickle; `dfrec weights import` makes this file of it, with other bytes each time.
        page="https://github.com/cleardusk/3DDFA_V2 (configs/param_mean_std_62d_120x120.pkl)",
    ),
    Release(
        "retinaface-mobile025",
        "mobilenet0.25_Final.pth",
        "light set: faces and five landmarks",
        "MIT",
        "PyTorch",
        url="https://raw.githubusercontent.com/biubug6/Face-Detector-1MB-with-landmark/master/weights/"
        "mobilenet0.25_Final.pth",
        page="https://github.com/biubug6/Face-Detector-1MB-with-landmark",
        sha256="ed6fa7d45a5179f03cb5ce82c73b0c6711372968e53782e88395acee88d319e1",
        num_bytes=1_789_735,
        fingerprint=(("boxes", 81.0742), ("scores", 0.00110714)),
    ),
    Release(
        "fsanet-1x1",
        "fsanet-1x1-iter-688590.onnx",
        "second opinion on pose, by onnxruntime",
        "MIT",
        "ONNX",
        page="https://github.com/omasaht/headpose-fsanet-pytorch (pretrained/)",
        sha256="d85e90cb4b9d3a87e81bbfdcfcd130cbe0e175407042e439a570aa396c44eda6",
        num_bytes=1_247_488,
    ),
    Release(
        "fsanet-var",
        "fsanet-var-iter-688590.onnx",
        "second opinion on pose, by onnxruntime",
        "MIT",
        "ONNX",
        page="https://github.com/omasaht/headpose-fsanet-pytorch (pretrained/)",
        sha256="2877b1db98e3dc66468e90df8db4a21059facd1c3f107af91c6d4fe6476a03e1",
        num_bytes=1_246_963,
    ),
    Release(
        "pfld",
        "pfld.onnx",
        "second opinion on landmarks, by onnxruntime",
        "none given",
        "ONNX",
        page="https://github.com/cunjian/pytorch_face_landmark (onnx/)",
        sha256="7d7bbd5c6a1d9272e58d9773898284a1905d872eba9a662df9b5f20f1ba6f83e",
        num_bytes=2_987_921,
    ),
    Release(
        "recce-ffpp-c23",
        "recce-ffpp-c23.bin",  # our name: its authors' is not known
        "compared method: RECCE, trained on FaceForensics++ c23",
        "MIT",
        "PyTorch",
        page="https://github.com/VISION-SJTU/RECCE/issues/2 (an author's OneDrive, with a password there; may be gone)",
        entry="model",
        may_be_bare=True,
    ),
    Release(
        "adm-celeba256",
        "celeba256_250000.pt",
        "compared method: what RePaint denoises faces with",
        "CC-BY-NC-SA-4.0",
        "PyTorch",
        page="https://drive.google.com/uc?id=1norNWWGYP3EZ_o05DmoW1ryKuKMmhlCX (of github.com/andreas128/RePaint)",
    ),
    Release(
        "drawn",
        "drawn.safetensors",
        "a DFREC of drawn faces: --network drawn",
        "Apache-2.0",
        "safetensors",
        page="dfrec ship, of a run of configs/drawn.py (docs/model_card.md)",
        sha256="bb6101b328e6b739ebc7a3ad08cb161e0a78f4bfbc025444804b15052a4b9abb",
        num_bytes=1_970_758,
        comes_with=True,
    ),
    Release(
        "dfrec-small",
        "dfrec-small.safetensors",
        "a DFREC of photographs: --network dfrec-small, and where none is named",
        "Apache-2.0",
        "safetensors",
        page="dfrec ship, of a run of configs/hidden.py (docs/model_card.md)",
        sha256="faa27924e3459eaea0c4c561c2fbddfaedfb1c3096f2f1b10a9420828a8da6f7",
        num_bytes=7_673_540,
        comes_with=True,
    ),
)
RELEASES: dict[str, Release] = {release.name: release for release in _RELEASES}


def find(name: str) -> Release:
    """The release called `name`.

    Raises:
      WeightsError: where there is none; says the nearest names.
    """
    if name in RELEASES:
        return RELEASES[name]
    near = difflib.get_close_matches(name, RELEASES) or sorted(RELEASES)
    raise WeightsError(f"no weights are called {name!r}; there are {', '.join(near)}: see `dfrec weights list`")
