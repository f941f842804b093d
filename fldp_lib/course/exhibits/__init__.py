"""What the notebooks show: one short function for each explorer and figure, a module for each notebook.

A notebook calls them in one line, `exhibits.hospitals()`; `course.source(exhibits.hospitals)` shows how one is made.
"""
