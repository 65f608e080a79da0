"""Entries of allowed URLs and Referers, sensible and odd ones, to draw from."""

from __future__ import annotations

from hypothesis import strategies as st

LABEL = st.text("abcxyz019-", min_size=1, max_size=6).filter(
    lambda label: label.strip("-") == label and not label.isdigit()
)
HOST = st.lists(LABEL, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
PORT = st.sampled_from(["", ":80", ":443", ":3000"])
PATH = st.sampled_from(["", "/", "/a", "/a/b", "/A", "/a?x=1"])
ENTRIES = st.builds(
    "{}{}{}{}".format, st.sampled_from(["", "http://", "https://"]), HOST, PORT, PATH
)
REFERERS = st.builds("{}{}{}{}".format, st.sampled_from(["http://", "https://"]), HOST, PORT, PATH)
ODD = st.text(max_size=30) | st.text("*./:@[]#?ahttps01x%\\", max_size=20)
