"""A WeChat to develop against: the two real protocols with real cryptography, on the loopback only."""
