"""What the notebooks need around the mathematics: exercises, quizzes, progress, bars, a function's source, a picture."""

from .bars import bar
from .hand_in import report
from .teacher import Code, Exercise, Figure, Question, Quiz, exercise, figure, predict, progress, quiz, source

__all__ = [
    "Code",
    "Exercise",
    "Figure",
    "Question",
    "Quiz",
    "bar",
    "exercise",
    "figure",
    "predict",
    "progress",
    "quiz",
    "report",
    "source",
]
