from django.db import models


class Article(models.Model):
    title = models.CharField(max_length=200)
    section = models.CharField(max_length=50)


class Visit(models.Model):
    article = models.ForeignKey(Article, on_delete=models.CASCADE)
    at = models.DateTimeField(db_index=True)
