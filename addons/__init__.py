"""mitmproxy addons: thin, each over a module of `diagnostics` that knows nothing of mitmproxy."""
