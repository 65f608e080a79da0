"""Makes a capture fit to be shared: what a diagnosis reads stays, all else goes.

`sanitizer` is the front door. What stays is listed in `kept.yaml`; everything is rebuilt from what
the readers read, so that what is not listed cannot stay by accident.
"""
