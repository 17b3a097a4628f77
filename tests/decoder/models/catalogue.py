"""Every layout that there is a model of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.decoder.models.ctc import (
    write_nemo_ctc,
    write_t_one_ctc,
    write_wenet_ctc,
    write_zipformer2_ctc,
)
from tests.decoder.models.nemo import write_nemo_transducer
from tests.decoder.models.paraformer import write_paraformer
from tests.decoder.models.transducer import (
    write_conformer,
    write_lstm,
    write_zipformer,
    write_zipformer2,
)

WRITERS: Mapping[str, Callable[[Path], Path]] = {
    "lstm": write_lstm,
    "conformer": write_conformer,
    "zipformer": write_zipformer,
    "zipformer2": write_zipformer2,
    "nemo-transducer": write_nemo_transducer,
    "paraformer": write_paraformer,
    "zipformer2-ctc": write_zipformer2_ctc,
    "wenet-ctc": write_wenet_ctc,
    "nemo-ctc": write_nemo_ctc,
    "t-one-ctc": write_t_one_ctc,
}
