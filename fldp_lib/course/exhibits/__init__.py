"""What the notebooks show: one short function for each explorer and figure, a module for each notebook.

A notebook calls them in one line, `exhibits.hospitals()`; `course.source(exhibits.hospitals)` shows how one is made.
A notebook says `from fldp_lib.course.exhibits import nbNN as exhibits`: what it calls stands in `nbNN.__all__`. Where a
module is full, the next function goes into `nbNN_more`, say, and is imported there; what several notebooks share has a
module with an underscore. Sentences and labels go through `_kit._`.
"""
