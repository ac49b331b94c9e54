from django.core.validators import FileExtensionValidator
from django.db import models


class Book(models.Model):
    """A book on the stall."""

    title = models.CharField(max_length=200)
    cover = models.FileField(upload_to="covers/", validators=[FileExtensionValidator(["gif", "jpg", "png", "webp"])])
    added = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.title
