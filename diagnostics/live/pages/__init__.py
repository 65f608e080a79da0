"""Pages that a proxied browser sees at http://why403.test/: markup, styles, scripts, texts."""
