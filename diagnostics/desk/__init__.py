"""The support desk: what to do before a restriction goes live, and what to hand over after."""
