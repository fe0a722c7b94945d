"""Data of the course: real digits, drawn portraits, toy distributions, minibatches."""
from course_lib.data.batches import Batches, batches
from course_lib.data.celeba import CELEBA_ATTRIBUTES, Photographs, celeba
from course_lib.data.digits import Digits, digits
from course_lib.data.faces import ATTRIBUTES, Faces, faces
from course_lib.data.files import full_digits
from course_lib.data.outlines import outlines
from course_lib.data.toys import modes, toys

__all__ = ["ATTRIBUTES", "Batches", "CELEBA_ATTRIBUTES", "Digits", "Faces", "Photographs",
           "batches", "celeba", "digits", "faces", "full_digits", "modes", "outlines", "toys"]
