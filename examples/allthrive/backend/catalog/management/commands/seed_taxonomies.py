from catalog.management.seeding import SeedCommand
from catalog.models import Taxonomy


class Command(SeedCommand):
    help = "Create or refresh the taxonomies."
    model = Taxonomy
