"""Creates and repairs the application's database users."""
