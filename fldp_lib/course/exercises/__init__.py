"""The exercises and quizzes, one module for each notebook: `EXERCISES` and `QUIZ`.

An exercise's test is called with the learner's answer and raises `answers.Wrong`, with words that are true of the slip, or
returns. It draws fresh inputs on every call, reads the answer through `answers.number`, `tensor` and the like, so that every
natural form is taken, and compares with `answers.compare`, which names known slips. The answer may be a function in another
process (`grade`): call it with numbers, text, arrays, tensors, generators and the package's plain values, by `answers.call`.
"""
