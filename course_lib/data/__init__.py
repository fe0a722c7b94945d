"""Data of the course: real digits, toy distributions, minibatches."""
from course_lib.data.batches import Batches, batches
from course_lib.data.digits import Digits, digits
from course_lib.data.files import full_digits
from course_lib.data.toys import modes, toys

__all__ = ["Batches", "Digits", "batches", "digits", "full_digits", "modes", "toys"]
