from catalog.management.seeding import SeedCommand
from catalog.models import Category


class Command(SeedCommand):
    help = "Create or refresh the categories."
    model = Category
