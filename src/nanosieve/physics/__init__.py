"""What does it buy: collisions, trigger objects, menus and rates."""
