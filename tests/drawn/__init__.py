"""Everything that is drawn: how words are set, and each picture as it looked when somebody last looked at it."""
