from django.urls import path

from . import views

urlpatterns = [
    path("", views.slow),
    path("instant/", views.instant),
    path("visits.svg", views.chart),
]
