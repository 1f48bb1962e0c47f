"""The same work in other libraries, one process each, in turn: python -m asv_benches.peers"""
