"""The exercises of the notebooks: question, check, hints, solution and typical wrong answers in one place each.

`nb04` holds the exercises of notebook 04. `catalogue` finds them, `exercise` judges an answer, `checking` is what a
reader calls, `cells` writes them into a notebook, and `editions` makes the versions for students and teachers.
"""
