"""A proxy's endpoint with a CA certificate, for what is decided by it without a proxy."""

from __future__ import annotations

import warnings

import pytest

from diagnostics.live.proxy import Endpoint


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Endpoint:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries of mitmproxy's warn of their own age
        from mitmproxy.certs import CertStore

    folder = tmp_path_factory.mktemp("ca")
    CertStore.from_store(folder, "mitmproxy", 2048)
    return Endpoint(8123, folder / "mitmproxy-ca-cert.pem")
