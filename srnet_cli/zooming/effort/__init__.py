"""How much work a tile gets: the light network, the full one, or eight views of it."""
