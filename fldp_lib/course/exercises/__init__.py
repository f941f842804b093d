"""The exercises and quizzes, one module for each notebook: `EXERCISES` and `QUIZ`."""
