"""A plugin of pytest for nbval: its kernels are talked to through files, as those of `mixkd.book.notebook` are."""

from itertools import count
from tempfile import TemporaryDirectory

import nbval.kernel

SOCKETS, NUMBERS = TemporaryDirectory(), count()


class KernelManager(nbval.kernel.KernelManager):
    def __init__(self, **options):
        super().__init__(transport="ipc", ip=f"{SOCKETS.name}/{next(NUMBERS)}", **options)


nbval.kernel.KernelManager = KernelManager
