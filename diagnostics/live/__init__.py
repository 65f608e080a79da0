"""The edges of a live case: browsers, the proxy, and playing a ticket in them."""
