"""Addresses of clusters, and versions of their machines."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from executor.runtime.cluster import version_problem, version_reader
from recommender.planning import cluster_address
from recommender.planning.cluster_address import check_shared, parse_cluster
from rules.errors import ClusterError
from rules.vocabulary.choices import CustomMetric

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.vocabulary.bundle import Bundle


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_address, "find_spec", lambda _: object())


def test_addresses_are_local_or_of_a_cluster() -> None:
    assert (parse_cluster("local").is_local, parse_cluster("local").workers) == (True, None)
    assert parse_cluster("local:4").workers == 4
    assert not parse_cluster("auto").is_local


@pytest.mark.parametrize("text", ["", "local:0", "locally", "ray://head", "head", "head:port", "user@head:1", "a b:1"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ClusterError, match="--cluster must be local, local:N with N workers, auto or HOST:PORT"):
        parse_cluster(text)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_address, "find_spec", lambda _: None)
    with pytest.raises(ClusterError, match=r"pip install 'pcwat\[cluster\]'"):
        parse_cluster("local")


def test_an_address_where_nothing_listens_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not parse_cluster(f"127.0.0.1:{port}").is_local
    with pytest.raises(ClusterError, match=rf"127\.0\.0\.1:{port} cannot be reached: Connection refused"):
        parse_cluster(f"127.0.0.1:{port}")
    with pytest.raises(ClusterError, match="cannot be reached"):
        parse_cluster("127.0.0.1:99999")


def test_other_versions_of_a_machine_are_named() -> None:
    here = version_reader()()
    assert version_problem(here, here, node="10.0.0.7") == ""
    other = here | {"pcwat": "0.0.1", "keras": "none"}
    assert f"10.0.0.7 has pcwat 0.0.1 instead of {here['pcwat']}, keras none instead of {here['keras']}" in (
        version_problem(here, other, node="10.0.0.7")
    )


def test_a_metric_of_this_program_only_is_refused(make_bundle: Callable[..., Bundle]) -> None:
    metric = CustomMetric(function="my_cost", direction="min")
    with pytest.raises(ClusterError, match="registered in this program only"):
        check_shared(make_bundle(metric=metric))
    check_shared(make_bundle(metric=metric.model_copy(update={"distribution": "my-package", "version": "1.0"})))
