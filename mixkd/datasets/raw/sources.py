"""Sources of raw data: official addresses, files to unpack, licences, citations."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000
UCI = "https://archive.ics.uci.edu"
CC_BY = "CC BY 4.0 (UCI)"
RUNNING_COMMIT = "8f21836746b4e791e8e9314d041bb8e09641dd1d"  # of github.com/alcantarar/Recurrent_GRF_Prediction


@dataclass(frozen=True)
class Source:
    """One download.

    limit, unpacked: bytes at most, of the archive and of what is kept of it; keep: patterns of names in the archive.
    sha256: of the archive where it is known; else it is recorded when first fetched, and compared after.
    file: name of the download, where the address does not end in one.
    page: for people, who may have to fetch by hand; reference: whom to cite; note: what to know before fetching.
    """

    url: str
    page: str
    limit: int
    unpacked: int
    licence: str
    reference: str
    keep: tuple[str, ...] = ("*",)
    sha256: str | None = None
    note: str = ""
    file: str = ""

    @property
    def archive(self) -> str:
        """Name of the downloaded file."""
        return self.file or self.url.rsplit("/", 1)[1].replace("+", "-")


def _zip(number: int, archive: str) -> str:
    return f"{UCI}/static/public/{number}/{archive}.zip"


def _page(number: int) -> str:
    return f"{UCI}/dataset/{number}"


SOURCES = {
    "selfback": Source(
        url=_zip(521, "selfback"),
        page=_page(521),
        limit=500 * MB,
        unpacked=1500 * MB,
        licence=CC_BY,
        reference="Sani, Massie, Wiratunga, Cooper: Learning Deep and Shallow Features for HAR, KSEM 2017",
        note="UCI has 33 people; all 50 are in github.com/rgu-selfback/Datasets, folder raw/9_class",
    ),
    "hapt": Source(
        url=_zip(341, "smartphone+based+recognition+of+human+activities+and+postural+transitions"),
        page=_page(341),
        limit=300 * MB,
        unpacked=800 * MB,
        keep=("*RawData/*", "*activity_labels.txt", "*README.txt"),
        licence=f"{CC_BY}; the README in it forbids commercial use",
        reference="Reyes-Ortiz et al.: Transition-Aware HAR Using Smartphones, Neurocomputing 171, 2016",
    ),
    "dsads": Source(
        url=_zip(256, "daily+and+sports+activities"),
        page=_page(256),
        limit=500 * MB,
        unpacked=1500 * MB,
        keep=("*data/a*/p*/s*.txt",),
        licence=CC_BY,
        reference="Altun, Barshan, Tunçel: Comparative Study on Classifying Human Activities, Pattern Recogn. 43, 2010",
    ),
    "pamap2": Source(
        url=_zip(231, "pamap2+physical+activity+monitoring"),
        page=_page(231),
        limit=1500 * MB,
        unpacked=3000 * MB,
        keep=("PAMAP2_Dataset/Protocol/*.dat", "*readme.pdf"),
        licence=CC_BY,
        reference="Reiss, Stricker: Introducing a New Benchmarked Dataset for Activity Monitoring, ISWC 2012",
    ),
    "ucihar": Source(
        url=_zip(240, "human+activity+recognition+using+smartphones"),
        page=_page(240),
        limit=300 * MB,
        unpacked=800 * MB,
        keep=("UCI HAR Dataset/*",),
        licence=f"{CC_BY}; the README in it forbids commercial use",
        reference="Anguita, Ghio, Oneto, Parra, Reyes-Ortiz: A Public Domain Dataset for HAR, ESANN 2013",
    ),
    "mhealth": Source(
        url=_zip(319, "mhealth+dataset"),
        page=_page(319),
        limit=300 * MB,
        unpacked=1000 * MB,
        licence=CC_BY,
        reference="Banos et al.: mHealthDroid, a Novel Framework for Mobile Health Applications, IWAAL 2014",
    ),
    "wisdm": Source(
        url=_zip(507, "wisdm+smartphone+and+smartwatch+activity+and+biometrics+dataset"),
        page=_page(507),
        limit=1000 * MB,
        unpacked=3000 * MB,
        keep=(
            "wisdm-dataset/raw/watch/*",
            "wisdm-dataset/raw/phone/accel/*",
            "wisdm-dataset/*.txt",
            "wisdm-dataset/*.pdf",
        ),
        licence=CC_BY,
        reference="Weiss, Yoneda, Hayajneh: Smartphone and Smartwatch-Based Biometrics, IEEE Access 7, 2019",
    ),
    "wisdm_v1": Source(
        url="https://www.cis.fordham.edu/wisdm/includes/datasets/latest/WISDM_ar_latest.tar.gz",
        page="https://www.cis.fordham.edu/wisdm/dataset.php",
        limit=100 * MB,
        unpacked=300 * MB,
        licence="none stated; cite the paper",
        reference="Kwapisz, Weiss, Moore: Activity Recognition using Cell Phone Accelerometers, SIGKDD Expl. 12, 2010",
    ),
    "gaitpdb": Source(
        url="https://physionet.org/content/gaitpdb/get-zip/1.0.0/",
        page="https://physionet.org/content/gaitpdb/1.0.0/",
        file="gait-in-parkinsons-disease-1.0.0.zip",
        limit=500 * MB,
        unpacked=1000 * MB,
        licence="ODC-By 1.0 (PhysioNet)",
        reference="Hausdorff: Gait in Parkinson's Disease, PhysioNet 2008, doi 10.13026/C24H3N; Goldberger et al.: "
        "PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101, 2000",
    ),
    "running": Source(
        url=f"https://github.com/alcantarar/Recurrent_GRF_Prediction/archive/{RUNNING_COMMIT}.zip",
        page="https://github.com/alcantarar/Recurrent_GRF_Prediction",
        limit=200 * MB,
        unpacked=200 * MB,
        keep=("*/data/*_one_sub.csv", "*/LICENSE*"),
        licence="Apache 2.0",
        reference="Alcantara, Edwards, Millet, Grabowski: Predicting Continuous Ground Reaction Forces, PeerJ 10, 2022",
        note="one of 19 runners; the layout of all of them, zenodo.org/record/5224624, is not known here and not read",
    ),
}
