"""Creates the application's database users, and repairs them."""
