"""The round loop and what it is made of.

In the order that data flows: `models`, `clients`, `aggregation`, `server` (`train`), `history`; `scoring`, `checkpoint` and
`personal` beside it; more models in `recurrent`, `text_models` and `adapters`; `transport` lies between the clients and the
server. What begins with an underscore serves `server` alone.
"""
