"""why403: why a map API answered 403, proved against a model of browser and provider."""

__version__ = "0.1.0"
