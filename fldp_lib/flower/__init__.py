"""A federation as processes, on Flower: what lies on whose disk, what a node answers, what the server does.

`plan` writes and reads the folders, `keys` the certificates; `node` and `hub` are the two sides, without Flower; `apps` is
what Flower loads on either side, and `deployment` starts and ends the processes. `flower_app` is the way in.
"""
