"""The address of a Ray cluster, checked before anything is trained; needs no Ray."""

from __future__ import annotations

import re
import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from rules.errors import ClusterError
from rules.text.wording import excerpt
from rules.vocabulary.choices import CustomChoice, Slot

if TYPE_CHECKING:
    from rules.vocabulary.bundle import Bundle

FORM: Final = re.compile(
    r"(?P<local>local)(?::(?P<workers>[1-9][0-9]{0,3}))?|auto|(?!local:)(?P<host>[^\s:/@]+):(?P<port>[0-9]{1,5})"
)
CONNECT_SECONDS: Final = 5.0  # for a TCP connection


class ClusterAddress(BaseModel):
    """Where a search runs its trials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    """local, local:N, auto or HOST:PORT."""
    is_local: bool = False
    """Whether workers are started on this machine, and stopped after the search."""
    workers: int | None = None
    """Workers of a local cluster; None for one on each core."""


def parse_cluster(text: str) -> ClusterAddress:
    """Parse a value of --cluster, and check that Ray is installed and that something listens at the address.

    Raises ClusterError if it is no address, Ray is missing, or nothing listens there.

    >>> parse_cluster("local:2").workers  # doctest: +SKIP
    2
    """
    found = FORM.fullmatch(text)
    if found is None:
        raise ClusterError(
            f"--cluster must be local, local:N with N workers, auto or HOST:PORT, but got {excerpt(text)}."
        )
    if find_spec("ray") is None:
        raise ClusterError("--cluster needs ray, which is not installed. Install it: pip install 'pcwat[cluster]'")
    if found["host"] is not None:
        _check_reachable(text, found["host"], int(found["port"]))
    workers = found["workers"]
    return ClusterAddress(
        text=text, is_local=found["local"] is not None, workers=None if workers is None else int(workers)
    )


def _check_reachable(text: str, host: str, port: int) -> None:
    """Raise ClusterError unless something listens at a port of a host."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as error:
        reason = str(getattr(error, "strerror", None) or error)
        raise ClusterError(
            f"The cluster {text} cannot be reached: {reason}. Start it with 'ray start --head', and name the address "
            "that this command prints."
        ) from None


def check_shared(bundle: Bundle) -> None:
    """Raise ClusterError on a metric, a loss or an architecture that workers cannot import.

    One that is registered by a program, not by an installed package, exists in the process of the program only.
    """
    searched = (choice for _, choice in bundle.searched_choices(Slot.LOSS))
    for choice in (bundle.metric, bundle.loss, bundle.architecture, *searched):
        if isinstance(choice, CustomChoice) and choice.distribution is None:
            raise ClusterError(
                f"Workers of a cluster import the {choice.slot} {choice} from a package, but it is registered in this "
                "program only. Install it as a package with an entry point on each machine, or leave --cluster out."
            )
